"""core: edge cases of whole networks, on the Verilog of one array; MyHDL runs the smallest of them, cycle for cycle."""
import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from cascadefire import compiler, reference
from cascadefire.compiler import MODES
from cascadefire.cspa.format import CompressedLayer
from cascadefire.errors import InputError
from cascadefire.network import Layer, Network
from cascadefire.quantise import accumulator_bits
from rtl.config import CoreConfig
from tb import myhdl_bench, verilator_bench
from tb.job import Job
from tb.pauses import MODES as PAUSES
from tb.pauses import PORTS
from tb.run import matches
from tests.cascadefire import random_networks

# Lanes over fire lanes over words: every width differs, and memories are small enough to force tiles and waiting.
CORE = CoreConfig(pes=3, lanes=8, fire_lanes=2, weight_bytes=4, kernel=5, acc_bits=32, acc_depth=64, weight_depth=256,
                  slots=4, queue_depth=2048, coord_bits=5, param_depth=64)


def run(net, images, mode="both", core=CORE, bench=verilator_bench, **options):
    """The result of a run whose outputs, all of them, are the reference's."""
    program = compiler.compile(net, core, mode)
    job = Job.from_program(program, images, watchdog=30000, **options)
    result = bench.run_job(job, processes=1) if bench is verilator_bench else bench.run_job(job)
    assert matches(net, core, result, reference.run(net, images))
    return result


def fully_connected(weights, activation="none", shift=8, name="fc", in_shape=None):
    """A fully connected layer of dense weights int8 [K, rows] without bias."""
    channels, rows = weights.shape
    chunk = 8
    total = -(-channels // chunk)
    padded = np.zeros((total * chunk, rows), np.int8)
    padded[:channels] = weights
    values = padded.T.reshape(rows, total, chunk).reshape(-1, chunk)
    return Layer(name, "fc", channels, (1, 1), 1, 0, None, activation, in_shape or (rows, 1, 1),
                 CompressedLayer(np.full(rows, total), values, channels, chunk), np.zeros(channels, np.int32),
                 np.full(channels, 1 << 15, np.uint16), np.full(channels, shift, np.uint8))


@settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 10**6), mode=st.sampled_from(MODES),
       pauses=st.dictionaries(st.sampled_from(PORTS), st.sampled_from(PAUSES)))
def test_random_networks_under_random_pauses_fire_what_the_reference_fires(seed, mode, pauses):
    net, image = random_networks.small(seed)
    try:
        compiler.compile(net, CORE, mode)
    except InputError:
        assume(False)
    run(net, image[None], mode, pauses=pauses, seed=seed)


@pytest.mark.parametrize("mode", MODES)
def test_an_image_without_any_event_gives_the_biases(mode):
    rng = np.random.default_rng(1)
    net = random_networks.network(rng, (3, 6, 6), [{"channels": 12, "pool": (2, 2, 0)}, {"channels": 5, "kind": "fc"}])
    run(net, np.zeros((1, 3, 6, 6), np.uint8), mode)


def test_all_counts_zero_issue_no_beat():
    rng = np.random.default_rng(2)
    net = random_networks.network(rng, (2, 5, 5), [{"channels": 9, "empty": 1.0}, {"channels": 3, "kind": "fc", "empty": 1.0}])
    result = run(net, random_networks.image(rng, net)[None])
    assert result.beats.sum() == 0


def test_a_layer_with_one_weight_is_one_beat():
    net = Network("one", "one weight", (1, 1, 1), 8, [fully_connected(np.array([[-127]], np.int8))])
    result = run(net, np.array([[[[255]]], [[[1]]]], np.uint8))
    assert result.beats.sum(axis=(1, 2)).tolist() == [1, 1]


@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize("rows", [129, 258])
def test_the_proven_accumulator_bound_is_met_exactly(sign, rows):
    """127 * 255 * 129 needs 23 bits and twice as many rows 24; the core has just these, and the largest sum is reached.

    MyHDL raises where a sum leaves its bits, so it is the witness; the Verilog must agree.
    """
    weights = np.full((4, rows), 127 * sign, np.int8)
    layer = fully_connected(weights, shift=36, in_shape=(1, 1, rows))
    core = CoreConfig(pes=1, lanes=8, fire_lanes=8, weight_bytes=8, kernel=1, acc_bits=accumulator_bits(layer), acc_depth=16,
                      weight_depth=64, slots=2, queue_depth=64, coord_bits=9)
    assert core.acc_bits == (127 * 255 * rows).bit_length() + 1
    net = Network("extreme", "extreme operands", (1, 1, rows), 8, [layer])
    image = np.full((1, 1, 1, rows), 255, np.uint8)
    fast, slow = run(net, image, core=core), run(net, image, core=core, bench=myhdl_bench)
    assert np.array_equal(fast.cycles, slow.cycles)


def test_outputs_that_nobody_takes_for_a_thousand_cycles_are_not_lost():
    rng = np.random.default_rng(3)
    net = random_networks.network(rng, (2, 6, 6), [{"channels": 20, "activation": "none"}])
    image = random_networks.image(rng, net, 1.0)[None]
    held = run(net, image, pauses={"events_out": "burst"}, seed=4)
    assert np.array_equal(held.events_out[0], run(net, image).events_out[0])


def test_myhdl_and_verilog_agree_on_every_cycle_with_pauses_on_every_port():
    net, image = random_networks.small(17)
    options = {"pauses": dict.fromkeys(PORTS, "sometimes"), "seed": 17}
    fast, slow = run(net, image[None], **options), run(net, image[None], bench=myhdl_bench, **options)
    for name in ("cycles", "pass_ends", "states", "beats"):
        assert np.array_equal(getattr(fast, name), getattr(slow, name)), name


def test_one_fire_lane_runs_in_both_simulators():
    net, image = random_networks.small(17)
    core = CORE.replace(pes=1, lanes=4, fire_lanes=1, queue_depth=4096)
    fast, slow = run(net, image[None], core=core), run(net, image[None], core=core, bench=myhdl_bench)
    assert np.array_equal(fast.cycles, slow.cycles)


@pytest.mark.slow
@pytest.mark.parametrize("pes, lanes", [(1, 4), (8, 32)])
def test_the_smallest_and_the_largest_array_run(pes, lanes):
    net, image = random_networks.small(5)
    core = compiler.core_config(net, pes, lanes, acc_depth=64, acc_bits=32)
    for mode in MODES:
        run(net, image[None], mode, core)


@pytest.mark.slow
def test_an_eleven_by_eleven_kernel_of_stride_four_runs():
    rng = np.random.default_rng(6)
    net = random_networks.network(rng, (3, 27, 23), [
        {"channels": 10, "kernel": (11, 11), "stride": 4, "pad": 2, "pool": (3, 2, 0)}, {"channels": 4, "kind": "fc"}], chunk=4)
    core = compiler.core_config(net, 2, 4, acc_bits=32)
    for mode in ("both", "dense"):
        run(net, random_networks.image(rng, net)[None], mode, core)
