"""The benches on the real core: the two simulators agree cycle for cycle, and both with the reference."""
from __future__ import annotations

import dataclasses
import multiprocessing
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest

from cascadefire import compiler, digits, effectual, network, reference
from tb import myhdl_bench, verilator_bench
from tb.job import STATES, BenchError, Job
from tb.pauses import PORTS
from tb.run import matches, run_network
from tests.cascadefire import random_networks

ARRAY = (2, 4)
PAUSES = {
    "none": {}, "sometimes": dict.fromkeys(PORTS, "sometimes"), "burst": dict.fromkeys(PORTS, "burst"),
    "fixed": dict.fromkeys(PORTS, "fixed"),
    "mixed": dict(zip(PORTS, ("burst", "sometimes", "fixed", "sometimes", "burst", "fixed"))),
}


@pytest.fixture(scope="module")
def small():
    """A network of a convolution, a pooled convolution and a fully connected layer, its core, three images, and outputs."""
    rng = np.random.default_rng(11)
    net = random_networks.network(rng, (2, 8, 8), [
        {"channels": 8, "pad": 1}, {"channels": 12, "pool": (2, 2, 0)}, {"kind": "fc", "channels": 6, "activation": "none"}])
    images = np.stack([random_networks.image(rng, net) for _ in range(3)])
    return net, compiler.core_config(net, *ARRAY), images, reference.run(net, images)


def job_of(small, mode="both", **options):
    net, config, images, _ = small
    return Job.from_program(compiler.compile(net, config, mode), images, **options)


def same(left, right, but=()):
    for name in {"cycles", "pass_ends", "states", "beats", "bytes_read", "requests"} - set(but):
        assert np.array_equal(getattr(left, name), getattr(right, name)), name
    assert all(np.array_equal(left.outputs[name], right.outputs[name]) for name in right.outputs)
    assert all(np.array_equal(one, other) for one, other in zip(left.events_out, right.events_out, strict=True))


@pytest.mark.parametrize("mode", compiler.MODES)
def test_outputs_are_the_references_and_beats_those_counted_from_the_activations(small, mode):
    net, config, images, expected = small
    result = verilator_bench.run_job(job_of(small, mode))
    assert matches(net, config, result, expected)
    works = effectual.network_work(net, [images, *expected.values()], config.lanes, mode)
    assert np.array_equal(result.beats.sum(axis=2), np.stack([one.beats for one in works], axis=1))
    assert np.array_equal(result.states.sum(axis=2), result.cycles * config.pes)
    assert np.array_equal(result.states[:, :, STATES.index("beat")], result.beats.sum(axis=2))


@pytest.mark.slow
@pytest.mark.parametrize("pauses", PAUSES)
def test_both_simulators_agree_cycle_for_cycle(small, pauses):
    job = job_of(small, pauses=PAUSES[pauses], seed=5).part(0, 2)
    # A process of its own: MyHDL keeps every signal ever made, which would slow the tests after this one.
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        simulated = pool.submit(myhdl_bench.run_job, job).result()
    same(verilator_bench.run_job(job, processes=1), simulated)


@pytest.mark.parametrize("pauses", PAUSES)
def test_pauses_change_cycles_and_nothing_else(small, pauses):
    net, config, _, expected = small
    result = verilator_bench.run_job(job_of(small, pauses=PAUSES[pauses], seed=3))
    assert matches(net, config, result, expected)
    plain = verilator_bench.run_job(job_of(small))
    assert (result.cycles.sum() > plain.cycles.sum()) == (pauses != "none")


def test_an_image_does_not_depend_on_the_images_before_it(small):
    job = job_of(small, pauses=PAUSES["mixed"], seed=9)
    # All but the states: the cause of an image's first cycle may be what the image before left.
    same(verilator_bench.run_job(job, processes=1), verilator_bench.run_job(job, processes=3), but=("states",))


def test_a_slower_memory_costs_cycles_and_changes_no_output(small):
    net, config, _, expected = small
    results = [verilator_bench.run_job(job_of(small, latency=latency)) for latency in (0, 20, 200)]
    assert all(matches(net, config, result, expected) for result in results)
    totals = [result.cycles.sum() for result in results]
    assert totals == sorted(totals) and totals[0] < totals[2]


def test_a_core_that_hangs_is_reported_with_its_state(small):
    """Tokens without the last end of a channel leave the core waiting."""
    job = job_of(small, watchdog=5000)
    job = dataclasses.replace(job, tokens=[one[:-1] for one in job.tokens])
    with pytest.raises(BenchError, match="image 0 made no progress for 5000 cycles: .*PE states"):
        verilator_bench.run_job(job, processes=1)


def test_a_request_for_weights_that_do_not_exist_is_reported(small):
    job = job_of(small)
    with pytest.raises(BenchError, match="which do not exist"):
        verilator_bench.run_job(dataclasses.replace(job, weights=job.weights[:1], passes=job.passes), processes=1)


def test_a_waveform_is_written(small, tmp_path):
    path = tmp_path / "run.vcd"
    verilator_bench.run_job(job_of(small).part(0, 1), trace=path)
    text = path.read_text()
    assert "tap_pe_state" in text and "#10" in text


def test_a_pause_of_a_port_that_does_not_exist_is_refused(small):
    with pytest.raises(ValueError, match="not memory: burst"):
        job_of(small, pauses={"memory": "burst"})


def test_a_report_adds_up(small):
    net, _, images, _ = small
    seen = []
    report = run_network(net, images, np.zeros(3, int), ARRAY, compiler.MODES, progress=lambda *state: seen.append(state))
    assert report["bit_exact"] is True
    assert {state[3] for state in seen} == set(compiler.MODES) and seen[-1][1:] == (3, 3, "both")
    assert report["modes"]["both"] == report["cycles"] == sum(layer["cycles"] for layer in report["layers"])
    assert report["modes"]["both"] < min(report["modes"][mode] for mode in ("csp", "mnf")) <= report["modes"]["dense"]
    for layer in report["layers"]:
        assert layer["effectual_beats"] + layer["recomputed_beats"] + sum(layer["stalls"].values()) == layer["cycles"] * ARRAY[0]
    assert not any(layer["recomputed_beats"] for layer in report["layers"])


def test_a_digit_runs_bit_exactly():
    images, labels = digits.load()
    report = run_network(network.load("lenet5"), images[::1000][:, None], labels[::1000], (1, 8), ["both"])
    assert report["bit_exact"] and report["accuracy"] > 0.8
