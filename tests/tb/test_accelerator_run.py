"""Graphs through the accelerator: outputs are the reference's in every mode, reports add up, and simulators and runs agree."""
from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest

from cascadefire import graph_reference
from cascadefire.compiler.assemble import accelerator_config, assemble
from cascadefire.compiler.executable import MapLayout, PassRecord
from cascadefire.compiler.modes import MODES
from tb import accelerator_bench, accelerator_myhdl, run_graph
from tb.accelerator_job import PORTS, AcceleratorJob, BenchError
from tests.cascadefire.test_graph_work import branches_and_image
from tests.tb.program_words import changed_and_back, words_of
from tests.tb.test_accelerator_bench import CONFIG, LENGTH_OF_RUN, PROGRAM, STUB, WORDS, same

ARRAY = (2, 4)
SMALL = {"acc_depth": 64}


@pytest.fixture(scope="module")
def small():
    """A graph with every kind of term, and its input."""
    return branches_and_image()


def job_of(small, mode="both", config=None, **options):
    graph, inputs = small
    config = config or accelerator_config(graph, *ARRAY, **SMALL)
    return AcceleratorJob.from_executable(assemble(graph, config, mode), inputs, **options)


# ---- the report's parts, on the stand-in

def record(step, fires, channels):
    return PassRecord(step, 0, fires, 0, channels, 0, 1, LENGTH_OF_RUN, 0, 1, LENGTH_OF_RUN, 0, 1)


class Standing:
    """What a compiled graph must have for `AcceleratorJob.from_executable`, with the stand-in's program and one input map."""

    config, program, length, mode = CONFIG, PROGRAM, LENGTH_OF_RUN, "both"
    memory = np.zeros(WORDS * CONFIG.port_bytes, np.uint8)
    passes = (record(0, True, 4), record(1, False, 0), record(1, True, 4))
    maps = {"image": MapLayout(events=PROGRAM, counts=1000, channels=5, height=2, width=3, rows=1, x_bits=2, strips=1,
                               slot_words=2)}
    graph = SimpleNamespace(steps=[SimpleNamespace(name=name, channels=4, fired_shape=(1, LENGTH_OF_RUN)) for name in "ab"])

    def fill(self, memory, name, values):
        memory[PROGRAM * 4:PROGRAM * 4 + 80] = values
        memory[1000:1010] = values


def test_each_of_several_inputs_is_a_run_on_what_the_run_before_left():
    job = AcceleratorJob.from_executable(Standing(), [{"image": 3}, {"image": 5}], stop=1000)
    assert [run.stop for run in job.runs] == [0, 1000] and not job.runs[0].patches
    patches = [(address, len(data), set(data.tolist())) for address, data in job.runs[1].patches]
    assert patches == [(PROGRAM * 4, 80, {5}), (1000, 10, {5})]
    results = accelerator_bench.run_job(job, module=STUB)
    same(results, accelerator_myhdl.run_job(job, module=STUB))
    assert results[0].outputs["a"][0, 0, 0] == 30 and results[1].outputs["a"][0, 0, 0] == 50


def test_steps_share_all_cycles_of_a_run():
    job = AcceleratorJob.from_executable(Standing(), {"image": 3})
    result, = accelerator_bench.run_job(job, module=STUB)
    cycles = run_graph.step_cycles(Standing(), result)
    assert sum(cycles) == result.cycles and cycles[0] == result.pass_starts[1] - 1
    rows = [{"ideal_cycles": ideal, "memory_cycles": memory, "roofline_cycles": max(ideal, memory)}
            for ideal, memory in ((10.0, 20.0), (7.0, 2.0))]
    totals = {"ideal": 17.0, "memory": 22.0, "roofline": 27.0, "efficiency": 0.5, "utilisation": 17 / 54}
    assert run_graph.totals(rows, 54) == totals


def test_on_chip_bytes_are_those_of_the_memories():
    text = "reg [63:0] a_words [0:512-1];\nreg signed [23:0] b [0:8-1];\nreg [7:0] c;\nwire [26:0] heads [0:8-1];\n"
    text += "(* no_rw_check *) reg [31:0] d_words [0:15];\nreg [7:0] e_words [0:99];\n"
    assert run_graph.on_chip_bytes(text) == 8 * 512 + 3 * 8 + 4 * 16 + 100


# ---- graphs on the real accelerator

def test_every_mode_is_exact_and_the_report_adds_up(small):
    graph, inputs = small
    seen, sentences = [], []
    report = run_graph.run_graph(graph, inputs, ARRAY, MODES, latency=9, progress=lambda *state: seen.append(state),
                                 status=sentences.append, **SMALL)
    assert report["bit_exact"] is True and report["images"] == 1 and list(report["modes"]) == list(MODES)
    assert sentences and seen[-1][1] == seen[-1][2] and seen[-1][3] == "both"
    rows, pes = report["layers"], report["array"]["pes"]
    assert [row["name"] for row in rows] == [step.name for step in graph.steps]
    assert sum(row["cycles"] for row in rows) == report["cycles"] == report["modes"]["both"]
    for row in rows:
        assert row["effectual_beats"] + row["recomputed_beats"] + sum(row["stalls"].values()) == row["cycles"] * pes
        assert row["recomputed_beats"] >= 0 and row["roofline_cycles"] == max(row["ideal_cycles"], row["memory_cycles"])
        assert row["mode_cycles"]["both"] == row["cycles"] and set(row["mode_cycles"]) == set(MODES)
    for mode in MODES:
        assert sum(row["mode_cycles"][mode] for row in rows) == report["modes"][mode] >= report["modes_ideal"][mode]
    assert report["totals"]["efficiency"] == sum(row["roofline_cycles"] for row in rows) / report["cycles"]
    assert report["on_chip_bytes"] > 0 and report["port_bytes"] == 4 and report["latency"] == 9


@pytest.mark.parametrize("pauses", [{}, dict(zip(PORTS, ("burst", "sometimes")))], ids=["none", "mixed"])
def test_both_simulators_agree_cycle_for_cycle(small, pauses):
    job = job_of(small, pauses=pauses, seed=2)
    same(accelerator_bench.run_job(job), accelerator_myhdl.run_job(job))


def test_a_run_after_a_stop_or_a_fault_is_like_the_first(small):
    outputs, job = graph_reference.run_steps(*small)[1], job_of(small)
    plain, = accelerator_bench.run_job(job)
    for change in ({"stop": plain.cycles // 2}, {"fault": int(plain.reads.sum()) // 2}):
        runs = (dataclasses.replace(job.runs[0], **change), job.runs[0])
        first, second = accelerator_bench.run_job(dataclasses.replace(job, runs=runs))
        assert first.cause == (5 if "stop" in change else 1) and not first.done and second.done
        assert all(np.array_equal(second.outputs[name], values) for name, values in outputs.items())


def test_a_program_that_does_not_end_well_is_reported(small):
    job = job_of(small)
    run = dataclasses.replace(job.runs[0], length=job.runs[0].length - 30)
    with pytest.raises(BenchError, match="the accelerator stopped after .*: the program ended without its end bit"):
        run_graph.run_once(dataclasses.replace(job, runs=(run,)), "verilator")


@pytest.mark.parametrize("change, cause", [(lambda word: word ^ 1 << 24, 2), (lambda word: word | 15 << 8, 4),
                                           (lambda word: word & ~(15 << 12), 4)], ids=["bad word", "too tall", "no width"])
def test_a_program_that_does_not_begin_or_cannot_run_ends_with_its_cause(small, change, cause):
    """And the next correct program runs right."""
    outputs, job = graph_reference.run_steps(*small)[1], job_of(small)
    first, second = accelerator_bench.run_job(changed_and_back(job, 0, change(int(words_of(job)[0]))))
    assert (first.cause, first.done, second.done) == (cause, False, True)
    assert all(np.array_equal(second.outputs[name], values) for name, values in outputs.items())


def test_settings_that_do_not_exist_are_refused(small):
    with pytest.raises(ValueError, match="sim must be one of verilator, myhdl, model, not icarus"):
        run_graph.run_graph(*small, ARRAY, sim="icarus")
    with pytest.raises(ValueError, match="at least one mode"):
        run_graph.run_graph(*small, ARRAY, [])
