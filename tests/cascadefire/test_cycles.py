"""The cycle model against the hardware itself: equal cycles, beats and requests in every layer."""

import numpy as np
import pytest

from cascadefire import digits, effectual, reference
from cascadefire.compiler import MODES, compile, core_config
from cascadefire.cycles import latencies, predict
from cascadefire.cycles.loader import Loader, Port
from cascadefire.cycles.predict import CAUSES
from cascadefire.errors import InputError
from cascadefire.network import load
from tb import myhdl_bench, verilator_bench
from tb.job import Job
from tests.cascadefire import random_networks


def activations(net, image):
    outputs = reference.run(net, image[None])
    return [image] + [outputs[layer.name][0] for layer in net.layers]


def same(prediction, result, image=0, within=0):
    """Cycles (give or take `within`), beats and requests of every layer must be those of the bench."""
    np.testing.assert_allclose(prediction.layer_cycles, result.cycles[image], rtol=0, atol=within)
    np.testing.assert_array_equal(prediction.beats, result.beats[image].sum(axis=1))
    np.testing.assert_array_equal(prediction.requests, result.requests[image])


CASES = [       # array, mode, latency, settings of the core
    ((1, 4), "both", 20, {}),
    ((2, 4), "both", 20, {"acc_depth": 16, "weight_depth": 64, "slots": 2}),
    ((3, 8), "mnf", 5, {"acc_depth": 32, "weight_depth": 64, "weight_bytes": 2}),
    ((4, 4), "dense", 20, {"acc_depth": 64, "fire_lanes": 2}),
    ((2, 8), "csp", 0, {"acc_depth": 32, "weight_depth": 128, "fire_lanes": 4, "weight_bytes": 4, "slots": 4}),
]


@pytest.mark.parametrize("array, mode, latency, settings", CASES)
def test_a_small_network_takes_the_cycles_of_the_myhdl_core(array, mode, latency, settings):
    rng = np.random.default_rng(11)
    net = random_networks.network(rng, (2, 7, 6), [
        {"channels": 8, "pad": 1, "pool": (3, 2, 0)}, {"channels": 6, "kernel": (2, 1), "stride": 2}, {"channels": 5, "kind": "fc"}])
    image = random_networks.image(rng, net, 0.5)
    program = compile(net, core_config(net, *array, **settings), mode)
    result = myhdl_bench.run_job(Job.from_program(program, image[None], latency=latency))
    same(predict(program, activations(net, image), latency), result)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["lenet5", "mlp", "lenet"])
def test_the_shipped_networks_take_the_cycles_of_the_verilated_core(name):
    net, (images, labels) = load(name), digits.load()
    chosen = images[digits.split(labels)[1][::800]][:, None]
    for mode in MODES:
        program = compile(net, core_config(net, 4, 8), mode)
        result = verilator_bench.run_job(Job.from_program(program, chosen))
        for index, image in enumerate(chosen):
            # Measured: one layer in one mode of lenet is a cycle of 104,941 off, everything else is exact.
            same(predict(program, activations(net, image)), result, index, within=1)


@pytest.mark.parametrize("mode", MODES)
def test_beats_are_the_effectual_ones_and_causes_add_up(mode):
    rng = np.random.default_rng(3)
    net = random_networks.network(rng, (3, 12, 12), [{"channels": 16, "pool": (2, 2, 0)}, {"channels": 24}, {"channels": 10, "kind": "fc"}])
    image = random_networks.image(rng, net)
    values = activations(net, image)
    prediction = predict(compile(net, core_config(net, 4, 8), mode), values)
    work = effectual.network_work(net, [value[None] for value in values], 8, mode)
    assert prediction.beats.tolist() == [int(one.beats[0]) for one in work]
    assert prediction.total == prediction.layer_cycles.sum()
    for cycles, beats, causes in zip(prediction.layer_cycles, prediction.beats, prediction.stalls):
        assert tuple(causes) == CAUSES and causes["beat"] == beats and min(causes.values()) >= 0
        assert sum(causes.values()) == cycles * 4


def test_fewer_activations_and_fewer_weights_take_fewer_cycles():
    rng = np.random.default_rng(4)
    net = random_networks.network(rng, (4, 12, 12), [{"channels": 32, "empty": 0.4}, {"channels": 32, "empty": 0.4}])
    values = activations(net, random_networks.image(rng, net, 0.3))
    cycles = {mode: predict(compile(net, core_config(net, 2, 8), mode), values).total for mode in MODES}
    assert cycles["both"] < min(cycles["csp"], cycles["mnf"]) and max(cycles["csp"], cycles["mnf"]) < cycles["dense"]


def test_an_image_without_events_only_configures_and_fires():
    rng = np.random.default_rng(5)
    net = random_networks.network(rng, (1, 6, 6), [{"channels": 4}])
    prediction = predict(compile(net, core_config(net, 1, 4), "both"), activations(net, np.zeros((1, 6, 6), np.uint8)))
    assert prediction.beats[0] == 0 and prediction.requests[0] == 0 and 0 < prediction.total < 140


def test_the_port_serves_in_order_counts_first():
    port = Port(8, 20)
    assert port.request(10, 9, 4) == 10 + 2 + 20        # 9 counts are two cycles of 8 bytes
    assert port.request(10, 9, 0) == 10 + 7 + 20        # 9 + 32 + 9 bytes
    assert port.request(100, 1, 1) == 100 + 1 + 20


def test_a_full_ring_waits_for_the_channel_before_last():
    config = core_config(random_networks.network(np.random.default_rng(0), (1, 4, 4), [{"channels": 4}]), 1, 4, weight_depth=32)
    waiting, free = Loader(config, Port(4, 0)), Loader(config.replace(weight_depth=256), Port(4, 0))
    for loader in (waiting, free):
        for channel in range(3):
            ready = loader.load(0, 1, 16, lambda number, loader=loader: loader.released.extend([500 + number]))
    assert waiting.loaded == 500 + 16 - 1 + latencies.TAKEN + latencies.LOADED > free.loaded and ready == free.loaded


@pytest.mark.parametrize("change, sentence", [
    (lambda values: values[:1], "must have the shapes"),
    (lambda values: [values[0][:, :3]] + values[1:], "must have the shapes"),
])
def test_activations_that_do_not_match_are_refused(change, sentence):
    net = random_networks.network(np.random.default_rng(6), (1, 4, 4), [{"channels": 4}])
    program = compile(net, core_config(net, 1, 4), "both")
    values = activations(net, np.zeros((1, 4, 4), np.uint8))
    with pytest.raises(InputError, match=sentence):
        predict(program, change(values))
    with pytest.raises(InputError, match="latency must be at least 0"):
        predict(program, values, -1)
