"""The compact accelerator: outputs are the reference's, both simulators agree, faults end a run and leave nothing behind."""
from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from cascadefire import digits, graph_reference, network_file
from cascadefire.compiler.assemble import accelerator_config, assemble
from cascadefire.compiler.graph_order import ordered
from cascadefire.compiler.modes import MODES
from cascadefire.errors import InputError
from cascadefire.graph_network import from_network
from rtl.config import CoreConfig
from tb import accelerator_bench, accelerator_myhdl, run_graph
from tb.accelerator_job import PORTS, AcceleratorJob
from tests.cascadefire import random_graphs
from tests.cascadefire.test_graph_work import branches_and_image
from tests.tb.program_words import changed_and_back, words_of
from tests.tb.test_accelerator_bench import same

LATENCY = 3         # of a board's memory
ROOM = CoreConfig(pes=1, lanes=4, fire_lanes=1, weight_bytes=4, compact=True, acc_depth=256, param_depth=4096)


@pytest.fixture(scope="module")
def small():
    """A graph with every kind of term, its input, and the job that runs it."""
    graph, inputs = branches_and_image()
    config = accelerator_config(graph, 1, 4, compact=True, acc_depth=64)
    return graph, inputs, AcceleratorJob.from_executable(assemble(graph, config, "both"), inputs, latency=LATENCY)


@pytest.fixture(scope="module")
def lenet5():
    images, labels = digits.load()
    return from_network(network_file.load("lenet5")), {"image": images[digits.split(labels)[1][0]].astype(np.int16)[None]}


@pytest.mark.parametrize("family", ["generic", "up5k"])
def test_lenet5_is_exact_in_every_mode_and_takes_a_millisecond_at_24_mhz(lenet5, family):
    report = run_graph.run_graph(*lenet5, (1, 8), MODES, latency=LATENCY, compact=True, acc_depth=256, family=family)
    assert report["bit_exact"] and report["modes"]["both"] < 24_000
    for row in report["layers"]:
        assert row["effectual_beats"] + row["recomputed_beats"] + sum(row["stalls"].values()) == row["cycles"]


def test_a_run_after_a_run_is_exact_and_takes_as_long_as_alone():
    images = [{"image": digits.load()[0][index].astype(np.int16)[None]} for index in (0, 5000, 7)]
    for name, lanes, family in (("lenet5", 8, "up5k"), ("lenet5", 4, "up5k"), ("tiny", 8, "generic")):
        graph = from_network(network_file.load(name))
        config = accelerator_config(graph, 1, lanes, compact=True, acc_depth=256, family=family)
        executable = assemble(graph, config, "both")
        together = accelerator_bench.run_job(AcceleratorJob.from_executable(executable, images, latency=LATENCY))
        for image, result in zip(images, together):
            alone, = accelerator_bench.run_job(AcceleratorJob.from_executable(executable, image, latency=LATENCY))
            assert result.done and result.cycles == alone.cycles and result.reads.sum() == alone.reads.sum()
            expected = graph_reference.run_steps(graph, image)[1]
            assert all(np.array_equal(result.outputs[step], values) for step, values in expected.items())


@pytest.mark.parametrize("lanes, family, enough", [(4, "generic", 13), (8, "up5k", 6), (16, "generic", 13)])
def test_random_graphs_are_exact(lanes, family, enough):
    config, ran = ROOM.replace(lanes=lanes, weight_bytes=lanes, family=family), 0
    for seed in range(20):
        graph, inputs = random_graphs.small(seed)
        mode = MODES[seed % len(MODES)]
        print(f"seed {seed}, mode {mode}")
        try:
            graph = ordered(graph, config)
            executable = assemble(graph, config, mode)
        except InputError:
            continue        # wide maps, and pooling to larger ones or, on small devices, with padding
        maps, expected = graph_reference.run_steps(graph, inputs)
        pauses = dict(zip(PORTS, ("burst", "sometimes"))) if seed % 2 else {}
        job = AcceleratorJob.from_executable(executable, inputs, latency=1 + seed % 7, pauses=pauses, seed=seed)
        assert run_graph.matches(executable, run_graph.run_once(job, "verilator"), maps, expected)
        ran += 1
    assert ran >= enough


@pytest.mark.parametrize("pauses", [{}, dict(zip(PORTS, ("burst", "sometimes")))], ids=["none", "mixed"])
def test_both_simulators_agree_cycle_for_cycle(small, pauses):
    job = dataclasses.replace(small[2], pauses=pauses, seed=2)
    same(accelerator_bench.run_job(job), accelerator_myhdl.run_job(job))


def test_registers_count_what_the_bench_saw(small):
    result, = accelerator_bench.run_job(small[2])
    registers, states = result.registers, result.states.sum(axis=0)
    assert registers[5] == result.fired and registers[6] == states[0]
    assert registers[8] == result.reads.sum() and registers[9] == result.writes.sum()
    assert registers[6] + registers[10:17].sum() == registers[4]
    assert abs(int(registers[4]) - result.cycles) < 4


def test_a_run_after_a_stop_or_a_fault_is_like_the_first(small):
    graph, inputs, job = small
    outputs, plain = graph_reference.run_steps(graph, inputs)[1], accelerator_bench.run_job(job)[0]
    for part in (0.1, 0.5, 0.82, 0.83, 0.84, 0.9):
        for change in ({"stop": int(part * plain.cycles)}, {"fault": 1 + int(part * plain.reads.sum())}):
            print(change)
            runs = (dataclasses.replace(job.runs[0], **change), job.runs[0])
            first, second = accelerator_bench.run_job(dataclasses.replace(job, runs=runs))
            assert first.cause == (5 if "stop" in change else 1) and not first.done and second.done
            assert all(np.array_equal(second.outputs[name], values) for name, values in outputs.items())


def test_a_program_that_does_not_begin_or_cannot_run_ends_with_its_cause(small):
    job = small[2]
    word = int(words_of(job)[0])
    for change, cause in ((word ^ 1 << 24, 2), (word | 15 << 8, 4), (word | 3 << 16, 4), (word & ~(15 << 12), 4)):
        first, second = accelerator_bench.run_job(changed_and_back(job, 0, change))
        assert (first.cause, first.done, second.done) == (cause, False, True)


def test_a_program_that_is_cut_ends_with_its_cause(small):
    job = small[2]
    for length in (0, 5, job.runs[0].length - 1):
        runs = (dataclasses.replace(job.runs[0], length=length), job.runs[0])
        first, second = accelerator_bench.run_job(dataclasses.replace(job, runs=runs))
        assert (first.cause, first.done, second.done) == (3, False, True)


def test_what_a_compact_accelerator_cannot_run_is_said():
    make = random_graphs.Builder(np.random.default_rng(1))
    term, sides = make.conv(make.input((1, 2, 129)), 4)
    graph = make.graph([make.step([term], sides)])
    with pytest.raises(InputError, match="at most 128 columns, not 129"):
        assemble(graph, ROOM)

    def pooled(pad):
        make = random_graphs.Builder(np.random.default_rng(1))
        term, sides = make.conv(make.input((2, 6, 6)), 4, (3, 3), 1, 1)
        return make.graph([make.step([term], sides, pool=(3, 2, pad, False))])

    assemble(pooled(1), ROOM)
    with pytest.raises(InputError, match="pools without padding"):
        assemble(pooled(1), ROOM.replace(family="up5k"))
    graph = pooled(0)
    graph.steps[0].shift[0] = 12
    with pytest.raises(InputError, match="shifts of 13 to 44, not 12"):
        assemble(graph, ROOM)
    graph.steps[0].shift[0] = 20
    graph.steps[0].multiplier[0] = 0
    assemble(graph, ROOM)
    with pytest.raises(InputError, match="factors from"):
        assemble(graph, ROOM.replace(family="up5k", lanes=8, weight_bytes=8))
    graph.steps[0].multiplier[0] = 1 << 15
    graph.steps[0].bias[0] = 1 << 24
    with pytest.raises(InputError, match="biases below 16777216, not 16777216"):
        assemble(graph, ROOM)
