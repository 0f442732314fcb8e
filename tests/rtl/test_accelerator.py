"""The accelerator: its ports, what the configuration chooses, its registers before a run, its counters, and how runs end."""
import dataclasses

import numpy as np
import pytest

from cascadefire import graph_reference
from cascadefire.compiler.assemble import accelerator_config, assemble
from cascadefire.cspa.format import CompressedLayer
from cascadefire.graph import Graph, Map, Term
from rtl import accelerator as module
from rtl.config import CoreConfig
from rtl.pass_settings import HEADER_WORDS, MAGIC
from tb import accelerator_bench, accelerator_myhdl
from tb.accelerator_job import BUSY, CONTROL, CYCLES, LENGTH, PASSES, PORTS, PROGRAM, STATUS, AcceleratorJob, AcceleratorRun
from tb.block_bench import run
from tb.block_parts import Script
from tests.cascadefire.test_graph_work import branches_and_image, step_of
from tests.tb.test_accelerator_bench import same

EVENTS, WORDS_READ, WORDS_WRITTEN = 7, 8, 9     # registers
ARRAYS = {"full": (2, 4, {}), "compact": (1, 4, {"compact": True})}


def config_of(array):
    """The configurations that tests/tb run, so that their simulators are built once."""
    pes, lanes, more = ARRAYS[array]
    return accelerator_config(branches_and_image()[0], pes, lanes, acc_depth=64, **more)


def plain_job(array, mode="both", side=1, **options):
    """A convolution of one tile, kernel `side`, whose rows all have a chunk; also what it fires, and its input."""
    rng, shape, rows = np.random.default_rng(52), (3, 4 + side, 4 + side), 3 * side * side
    weights = CompressedLayer(np.ones(rows, int), rng.integers(-127, 128, (rows, 4)).astype(np.int8), 4, 4)
    step = step_of("step", (Term("image", "conv", 3, weights, kernel=(side, side), pad=side // 2),), 4, shape[1:], "out")
    graph = Graph("plain", "Plain", {"image": Map("image", shape), "out": Map("out", (4, *shape[1:]))}, ("image",), ("out",), (step,), 4)
    image = (rng.integers(1, 256, shape) * (rng.random(shape) < 0.7)).astype(np.int16)
    job = AcceleratorJob.from_executable(assemble(graph, config_of(array), mode), {"image": image}, **options)
    return job, graph_reference.run_steps(graph, {"image": image})[1], image


@pytest.mark.parametrize("config", [CoreConfig(), CoreConfig(pes=8, lanes=32, fire_lanes=16, weight_bytes=16),
                                    CoreConfig(pes=1, lanes=4, fire_lanes=1, weight_bytes=4, compact=True)])
def test_ports_have_the_widths_of_the_configuration(config):
    ports = module.ports(config)
    assert [len(signal) for signal in (ports.bus.dat_r, ports.bus.dat_w, ports.bus.sel, ports.bus.adr)] == [
        8 * config.port_bytes, 8 * config.port_bytes, config.port_bytes, 28]
    assert [len(signal) for signal in (ports.regs.adr, ports.regs.dat_r, ports.regs.dat_w)] == [6, 32, 32]
    assert [len(signal) for signal in (ports.tap.fire_values, ports.tap.fire_emit, ports.tap.pe_state)] == [
        9 * config.fire_lanes, config.fire_lanes, 3 * config.pes]
    assert ports.rst.active == 1 and not ports.rst.isasync
    other = module.ports(config)
    assert not {id(s) for p in (ports.bus, ports.regs, ports.tap) for s in vars(p).values()} & {
        id(s) for p in (other.bus, other.regs, other.tap) for s in vars(p).values()}


@pytest.mark.parametrize("array, inside, outside", [("full", "engine", "pass_sequencer"), ("compact", "pass_sequencer", "engine")])
def test_the_configuration_chooses_the_accelerator(array, inside, outside):
    def blocks(instance):
        yield instance.func.__name__
        for sub in instance.subs:
            if hasattr(sub, "subs"):
                yield from blocks(sub)

    ports = module.ports(config_of(array))
    found = set(blocks(module.accelerator(config_of(array), ports.clk, ports.rst, ports.bus, ports.regs, ports.tap)))
    assert inside in found and outside not in found
    assert ("compact_accelerator" in found) == (array == "compact")


@pytest.mark.parametrize("array", ARRAYS)
def test_registers_answer_before_any_program_ran_and_memory_is_left_alone(array):
    """In the next cycle, word after word: what was written to program and length, zeros everywhere else."""
    config, answers = config_of(array), []
    writes = {PROGRAM: 0x0ABCDEF, LENGTH: 0x89ABCDEF if array == "full" else 0x1234, STATUS: 0xFFFFFFFF, CYCLES: 77, PASSES: 5}

    def access(address, data=None):
        return {"regs_cyc": 1, "regs_stb": 1, "regs_we": int(data is not None), "regs_adr": address, "regs_dat_w": data or 0}

    def script():
        waiting = False
        for request in [*(access(at, data) for at, data in writes.items()), *(access(at) for at in range(64)), None]:
            seen = yield request or {"regs_cyc": 0, "regs_stb": 0}
            assert seen["regs_ack"] == waiting and not seen["regs_stall"]
            answers.append(seen["regs_dat_r"])
            waiting = True
        yield {}

    part = Script(script())
    trace = run(module.accelerator, lambda: dict(config=config, **vars(module.ports(config))), ("bus_cyc", "bus_stb", "bus_we", "bus_adr",
                "bus_dat_w", "bus_sel", "regs_dat_r", "regs_ack", "regs_stall", "tap"), (part,), part.over, linger=90, verilog=False)
    told = dict(enumerate(answers[len(writes) + 1:]))
    width = 28 if array == "full" else 16
    assert told[PROGRAM] == writes[PROGRAM] % (1 << width) and told[LENGTH] == writes[LENGTH]
    assert not any(value for at, value in told.items() if at not in (PROGRAM, LENGTH))
    assert not any(trace["bus_stb"]) and not any(trace["bus_cyc"]) and not any(trace["tap_pass_start"])


def begins(kernel_h=1, stride=0, mark=MAGIC):
    words = [mark << 24 | stride << 16 | 1 << 12 | kernel_h << 8 | 1] + [0] * (HEADER_WORDS - 1)
    words[5] = words[20] = 1 << 12      # strips
    return words


# Words in memory, how many of them the program has, and the cause of its end.
WRONG = ((begins(), 0, 3), (begins(), 9, 3), (begins(mark=0xCE), 22, 2), (begins(kernel_h=12), 22, 4), (begins(stride=3), 22, 4))


@pytest.mark.parametrize("array", ARRAYS)
def test_programs_that_cannot_be_run_end_with_their_cause_in_the_same_cycle_of_both_simulators(array):
    """One after the other, so that each but the first runs on an accelerator that was cleared; nothing is fired or written."""
    print("seed 52")
    config, far, pauses = config_of(array), 50, dict(zip(PORTS, ("sometimes", "burst")))
    memory = np.zeros(1024 * config.port_bytes, np.uint8)
    for number, (words, _, _) in enumerate(WRONG):
        program = np.array(words, "<u4").view(np.uint8)
        memory[(number + 1) * far * config.port_bytes:][:len(program)] = program
    runs = tuple(AcceleratorRun((number + 1) * far, length) for number, (_, length, _) in enumerate(WRONG))
    job = AcceleratorJob(config, memory, np.zeros((1, 7), np.int64), (("nothing", (1, 1, 1)),), runs, latency=4, pauses=pauses, seed=52,
                         watchdog=2000)
    results = accelerator_bench.run_job(job)
    same(results, accelerator_myhdl.run_job(job))
    assert [result.cause for result in results] == [cause for _, _, cause in WRONG]
    for result in results:
        assert (result.done, result.registers[STATUS] & BUSY, result.fired, result.writes.sum()) == (False, 0, 0, 0)
        assert not result.started or (array, result.cause) == ("compact", 3), "only a header's first words are the program's"
        assert not any(result.registers[at] for at in (PASSES, EVENTS, WORDS_WRITTEN, CONTROL))


@pytest.mark.parametrize("array", ARRAYS)
@pytest.mark.parametrize("mode, side, pauses", [("both", 3, {}), ("dense", 1, dict(zip(PORTS, ("burst", "sometimes"))))],
                         ids=["waiting for PEs", "waiting for memory"])
def test_events_are_counted_once_where_their_words_are_full_and_where_they_are_not(array, mode, side, pauses):
    """Bands of odd numbers of events leave lanes of their last word empty; a mode that skips nothing has an event for every place."""
    print("seed 53")
    job, outputs, image = plain_job(array, mode, side, latency=5, pauses=pauses, seed=53)
    results = accelerator_bench.run_job(job)
    same(results, accelerator_myhdl.run_job(job))
    result, = results
    assert result.done and all(np.array_equal(result.outputs[name], values) for name, values in outputs.items())
    per_band = np.count_nonzero(image, axis=(1, 2))
    assert (per_band % 2).any() and per_band.sum() < image.size
    assert result.registers[EVENTS] == (image.size if mode == "dense" else per_band.sum())
    assert [result.registers[at] for at in (PASSES, WORDS_READ, WORDS_WRITTEN)] == [1, result.reads.sum(), result.writes.sum()]


@pytest.mark.parametrize("array", ARRAYS)
def test_after_a_stop_and_after_a_fault_nothing_of_the_run_before_is_left(array):
    """Whatever the run was at: the one that follows fires, counts and takes as many cycles as the first ever did."""
    job, outputs, _ = plain_job(array, latency=5)
    alone, = accelerator_bench.run_job(job)
    whole, cuts = job.runs[0], [{"stop": stop} for stop in range(3, alone.cycles - 2, alone.cycles // 6)]
    cuts += [{"fault": fault} for fault in (1, int(alone.reads.sum()), int(alone.reads.sum() + alone.writes.sum()))]
    runs = tuple(run for cut in cuts for run in (dataclasses.replace(whole, **cut), whole))
    results = accelerator_bench.run_job(dataclasses.replace(job, runs=runs))
    assert [result.cause for result in results[::2]] == [5 if "stop" in cut else 1 for cut in cuts]
    for result in results[1::2]:
        assert result.done and (result.cycles, result.started, result.fired) == (alone.cycles, 1, 1)
        assert np.array_equal(result.registers, alone.registers)
        assert all(np.array_equal(result.outputs[name], values) for name, values in outputs.items())
    few = dataclasses.replace(job, runs=runs[2:4] + runs[-2:])
    same(accelerator_bench.run_job(few), accelerator_myhdl.run_job(few))
