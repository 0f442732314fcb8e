"""The accelerator's benches on a stand-in of known behaviour: the simulators agree, memory, taps and faults are as told."""
from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from rtl.config import CoreConfig
from tb import accelerator_bench, accelerator_myhdl
from tb.accelerator_job import CONTROL, CYCLES, LENGTH, PORTS, STATES, UNFIRED, AcceleratorJob, AcceleratorRun, BenchError
from tests.tb import accelerator_stub

STUB = accelerator_stub.__name__
WORDS, PROGRAM, LENGTH_OF_RUN = 400, 7, 10
CONFIG = CoreConfig(pes=3, lanes=4, fire_lanes=4, weight_bytes=4, acc_depth=16)
WIDE = CoreConfig(pes=8, lanes=16, fire_lanes=16, weight_bytes=16, acc_depth=16)
PAUSES = {"none": {}, "sometimes": dict.fromkeys(PORTS, "sometimes"), "burst": dict.fromkeys(PORTS, "burst"),
          "fixed": dict.fromkeys(PORTS, "fixed"), "mixed": dict(zip(PORTS, ("sometimes", "burst")))}
FIELDS = ("cycles", "started", "fired", "pass_starts", "pass_ends", "states", "beats", "reads", "writes",
          "registers", "memory", "simulated")


def job_of(config=CONFIG, runs=None, **options):
    """A job of the stand-in: step a is fired by pass 0, rows 1 and channels 2.. of step b by pass 2."""
    n, lanes = LENGTH_OF_RUN, config.fire_lanes
    memory = np.random.default_rng(1).integers(0, 256, WORDS * config.port_bytes).astype(np.uint8)
    passes = np.array([[0, 1, 0, lanes, 0, 1, n], [1, 0, 0, 0, 0, 0, 0], [1, 1, 2, lanes - 1, 1, 1, n]])
    return AcceleratorJob(config, memory, passes, (("a", (lanes, 1, n)), ("b", (lanes + 2, 3, n))),
                          runs or (AcceleratorRun(PROGRAM, n),), **{"latency": 5, "watchdog": 1000, **options})


def expected(job):
    """What the stand-in leaves: memory and outputs."""
    n, width = LENGTH_OF_RUN, job.config.port_bytes
    memory, total = job.memory.copy().reshape(-1, width), 0
    outputs = {name: np.full(shape, UNFIRED, np.int16) for name, shape in job.steps}
    index, lane = np.arange(n), np.arange(job.config.fire_lanes)[:, None]
    for number in range(accelerator_stub.PASSES):
        total += int(memory[PROGRAM + number * n:PROGRAM + (number + 1) * n, 0].sum())
        written = memory[PROGRAM + (3 + number) * n:][:n]
        written[::2] = 0                # even words are written whole, odd ones only their lowest byte
        written[:, 0] = (total + index) & 255
        values = ((total + index + lane) & 255) - 256 * (lane == 1)
        if number == 0:
            outputs["a"][:, 0] = values
        elif number == 2:
            outputs["b"][2:2 + len(values) - 1, 1] = values[:-1]
    return memory.reshape(-1), outputs


def check(job, result):
    memory, outputs = expected(job)
    assert np.array_equal(result.memory, memory)
    assert all(np.array_equal(result.outputs[name], values) for name, values in outputs.items())


def same(left, right):
    for one, other in zip(left, right, strict=True):
        for name in FIELDS:
            assert np.array_equal(getattr(one, name), getattr(other, name)), name
        assert all(np.array_equal(one.outputs[name], other.outputs[name]) for name in other.outputs)


@pytest.mark.parametrize("config", [CONFIG, WIDE], ids=["narrow", "wide"])
@pytest.mark.parametrize("pauses", PAUSES)
def test_both_simulators_agree_cycle_for_cycle(config, pauses):
    """A run, a run with another input, a stopped one, one with a fault, and one after them."""
    one = AcceleratorRun(PROGRAM, LENGTH_OF_RUN)
    runs = (one, dataclasses.replace(one, patches=((PROGRAM * config.port_bytes, np.arange(99, dtype=np.uint8)),)),
            dataclasses.replace(one, stop=60), dataclasses.replace(one, fault=13), one)
    job = job_of(config, runs, pauses=PAUSES[pauses], seed=5)
    results = accelerator_bench.run_job(job, module=STUB)
    same(results, accelerator_myhdl.run_job(job, module=STUB))
    assert [result.cause for result in results] == [0, 0, 5, 1, 0]
    assert [result.done for result in results] == [True, True, False, False, True]
    check(job, results[0])
    assert (results[4].cycles == results[0].cycles) or pauses not in ("none", "fixed")


@pytest.mark.parametrize("pauses", PAUSES)
def test_pauses_cost_cycles_and_change_nothing_else(pauses):
    job = job_of(pauses=PAUSES[pauses], seed=3)
    result, = accelerator_bench.run_job(job, module=STUB)
    check(job, result)
    plain, = accelerator_bench.run_job(job_of(), module=STUB)
    assert (result.cycles > plain.cycles) == (pauses != "none")


def test_the_figures_of_a_run_add_up():
    job = job_of()
    result, = accelerator_bench.run_job(job, module=STUB)
    n = LENGTH_OF_RUN
    assert (result.started, result.fired, result.cause, result.reason) == (3, 2, 0, "none")
    assert result.registers[CYCLES] == result.cycles - 1 and result.registers[CONTROL] == 0
    assert result.registers[63] == 0xABCD1234
    assert result.registers[LENGTH] == 0, "the stand-in does not give it back"
    assert result.states.sum() == result.cycles * CONFIG.pes
    shares = np.diff([*([0] + list(result.pass_starts[1:] - 1)), result.cycles])
    assert np.array_equal(result.states.sum(axis=1), shares * CONFIG.pes)
    assert np.array_equal(result.states[:, STATES.index("beat")], result.beats.sum(axis=1))
    assert result.reads.tolist() == result.writes.tolist() == [n, n, n]
    assert result.pass_starts[0] == 2 and result.pass_ends[1] == 0
    assert result.pass_ends[0] == result.pass_starts[1] - 3, "the stand-in leaves a pass in the cycle after its last output"


def test_a_request_is_answered_after_the_latency():
    """Ten requests, eight of them open: what a cycle more costs is known."""
    cycles = [accelerator_bench.run_job(job_of(latency=latency), module=STUB)[0].cycles for latency in (1, 2, 5, 20, 21)]
    assert cycles == sorted(cycles) and cycles[4] - cycles[3] == 6 * 2, "six rounds of two batches"


def test_an_address_outside_the_memory_is_answered_with_an_error():
    for bench in (accelerator_bench, accelerator_myhdl):
        result, = bench.run_job(job_of(runs=(AcceleratorRun(WORDS - 4, LENGTH_OF_RUN),)), module=STUB)
        assert (result.cause, result.reason, result.done) == (1, "the memory answered with an error", False)
        assert result.started == 1 and result.outputs["a"].max() == UNFIRED


@pytest.mark.parametrize("bench", [accelerator_bench, accelerator_myhdl], ids=["verilator", "myhdl"])
def test_an_accelerator_that_hangs_or_breaks_the_contract_is_reported(bench):
    with pytest.raises(BenchError, match="made no progress for 300 cycles: 1 of 3 passes started, 0 fired, 0 memory requests"
                                         " of which 0 are open, status 1, PE states 2 2 2"):
        bench.run_job(job_of(runs=(AcceleratorRun(PROGRAM, 0),), watchdog=300), module=STUB)
    with pytest.raises(BenchError, match="more than 4 open memory requests"):
        bench.run_job(job_of(outstanding=4), module=STUB)
    with pytest.raises(BenchError, match="started more passes than the program has"):
        bench.run_job(dataclasses.replace(job_of(), passes=job_of().passes[:2]), module=STUB)
    with pytest.raises(BenchError, match="fired an output outside pass 0: y 0, x 10, channel 0"):
        bench.run_job(job_of(runs=(AcceleratorRun(PROGRAM, LENGTH_OF_RUN + 1),)), module=STUB)


def test_a_waveform_is_written(tmp_path):
    for bench in (accelerator_bench, accelerator_myhdl):
        path = tmp_path / f"{bench.__name__}.vcd"
        bench.run_job(job_of(), trace=path, module=STUB)
        text = path.read_text()
        assert "pe_state" in text and "#10" in text


def test_a_job_that_cannot_be_is_refused():
    with pytest.raises(ValueError, match="not cfg: burst"):
        job_of(pauses={"cfg": "burst"})
    with pytest.raises(ValueError, match="must be at least 1, not 0 and 1000"):
        job_of(latency=0)
    with pytest.raises(ValueError, match=r"whole words of 4, not uint8 of the shape \(1601,\)"):
        dataclasses.replace(job_of(), memory=np.zeros(1601, np.uint8))
    with pytest.raises(ValueError, match="a patch of 3 bytes at 1598 is not inside the memory of 1600 bytes"):
        job_of(runs=(AcceleratorRun(0, 1, ((1598, np.zeros(3, np.uint8)),)),))
