"""Programs and maps with a wrong word: every run ends, says why, and the right program after it runs as if nothing had been."""
import dataclasses

import numpy as np
import pytest

from cascadefire import graph_reference
from cascadefire.compiler.assemble import assemble
from rtl.pass_settings import HEADER_WORDS, MAGIC
from rtl.supervisor import STOPPED, STUCK
from tb import accelerator_bench, accelerator_myhdl, run_graph
from tb.accelerator_job import AcceleratorJob, BenchError
from tests.cascadefire.test_graph_work import branches_and_image
from tests.rtl.test_accelerator import ARRAYS, config_of
from tests.tb.program_words import word_patch, words_of
from tests.tb.test_accelerator_bench import same

PATIENCE = 10       # as bits: the longest that the right program asks memory for nothing is some hundred cycles
ENDS = 100_000      # cycles: the right program takes a fiftieth of it
ODD = (0, 1, 2, 255, 256, 0x7FFF, 0xFFFF)


def right(array):
    graph, image = branches_and_image()
    config = config_of(array).replace(watchdog_bits=PATIENCE)
    return AcceleratorJob.from_executable(assemble(graph, config, "both"), image, latency=5, watchdog=ENDS)


def heads_of(job):
    """The places of the first words of the program's passes."""
    return np.flatnonzero(words_of(job) >> 24 == MAGIC)


def wrong_word(rng, job):
    """A patch of one word of the program, four times of five of a header."""
    words, heads = words_of(job), heads_of(job)
    at = int(rng.choice(heads) + rng.integers(HEADER_WORDS)) if rng.random() < 0.8 else int(rng.integers(len(words)))
    old, half = int(words[at]), 16 * int(rng.integers(2))
    new = (old ^ 1 << int(rng.integers(32)), int(rng.integers(1 << 32)), old & ~(0xFFFF << half) | int(rng.choice(ODD)) << half)
    return word_patch(job, at, new[int(rng.integers(3))])


def between(job, patch):
    """A run with the patch, then the right one on the memory as it was."""
    whole = job.runs[0]
    return (dataclasses.replace(whole, patches=(patch,), wrong=True, stop=ENDS),
            dataclasses.replace(whole, patches=((0, job.memory),)))


def run_between(job, patches):
    """The results of runs with each patch; all ended of themselves, and those in between are like the first run of all."""
    graph, image = branches_and_image()
    maps, expected = graph_reference.run_steps(graph, image)
    executable = assemble(graph, job.config, "both")
    plain, = accelerator_bench.run_job(job)
    runs = [run for patch in patches for run in between(job, patch)]
    results = accelerator_bench.run_job(dataclasses.replace(job, runs=tuple(runs)))
    for wrong, after in zip(results[::2], results[1::2]):
        assert wrong.cause != STOPPED and wrong.done == (wrong.cause == 0)
        assert after.done and after.cycles == plain.cycles and run_graph.matches(executable, after, maps, expected)
    return results[::2]


@pytest.mark.parametrize("array", ARRAYS)
def test_a_wrong_word_of_a_program_never_hangs_and_leaves_nothing_behind(array):
    print("seed 61")
    rng, job = np.random.default_rng(61), right(array)
    patches = [wrong_word(rng, job) for _ in range(100)]
    assert {result.cause for result in run_between(job, patches)} >= {0, 1, 2, 4, STUCK}
    few = dataclasses.replace(job, runs=between(job, patches[0]) + between(job, patches[1]))
    same(accelerator_bench.run_job(few), accelerator_myhdl.run_job(few))


@pytest.mark.parametrize("array", ARRAYS)
def test_wrong_counts_and_events_never_hang_and_leave_nothing_behind(array):
    """Bytes of the maps and of the weights, of which the first, the numbers of events and of chunks, are what can go wrong most."""
    print("seed 62")
    rng, job = np.random.default_rng(62), right(array)
    base, _ = word_patch(job, 0, 0)
    others = np.setdiff1d(np.arange(len(job.memory)), np.arange(base, base + 4 * job.runs[0].length))
    run_between(job, [(int(at), rng.integers(0, 256, 1).astype(np.uint8)) for at in rng.choice(others, 100)])


# Of a pass, a word and what it becomes: it has no words of weight counts (full), it pools more than seven a side (compact).
HOPELESS = {"full": (12, lambda word: word & 0xFFFF, STUCK), "compact": (14, lambda _: 0xFFFFFFFF, 4)}


@pytest.mark.parametrize("array", ARRAYS)
def test_a_pass_that_can_never_end_says_why_in_the_same_cycle_of_both_simulators(array):
    job = right(array)
    word, becomes, cause = HOPELESS[array]
    at = int(heads_of(job)[0]) + word
    job = dataclasses.replace(job, runs=between(job, word_patch(job, at, becomes(int(words_of(job)[at])))))
    results = accelerator_bench.run_job(job)
    assert [result.cause for result in results] == [cause, 0]
    same(results, accelerator_myhdl.run_job(job))


@pytest.mark.parametrize("array", ARRAYS)
def test_a_start_in_the_cycle_after_naming_the_program_waits_until_all_is_clear(array):
    """As long as the sums take to be cleared, which the cycles that the accelerator counts do not include."""
    job = right(array)
    patient, = accelerator_bench.run_job(job)
    eager = dataclasses.replace(job, wait=0, runs=job.runs * 2)
    results = accelerator_bench.run_job(eager)
    same(results, accelerator_myhdl.run_job(eager))
    for result in results:
        assert result.done and np.array_equal(result.registers, patient.registers)
        assert job.config.acc_depth < result.cycles - patient.cycles < job.config.acc_depth + 32


def test_a_bench_looks_at_what_a_right_program_fires():
    job = right("full")
    run, _ = between(job, word_patch(job, int(heads_of(job)[0]) + 15, 99 << 16 | 99))
    with pytest.raises(BenchError, match="fired an output outside pass"):
        accelerator_bench.run_job(dataclasses.replace(job, runs=(dataclasses.replace(run, wrong=False),)))
