"""A graph through an accelerator, from a program in memory to outputs in memory, checked against the reference, as a report."""
from __future__ import annotations

import re
import time
from pathlib import Path

import numpy as np

from cascadefire import graph_reference
from cascadefire.compiler.assemble import accelerator_config, assemble
from cascadefire.compiler.graph_order import ordered
from cascadefire.graph_work import graph_work
from tb import accelerator_bench, accelerator_myhdl, graph_model, surroundings
from tb.accelerator_job import STATES, AcceleratorJob, AcceleratorResult, BenchError
from tb.verilate import accelerator_verilog

SIMULATORS = ("verilator", "myhdl", "model")
MEMORY = re.compile(r"^(?:\(\*.*?\*\) *)?reg (?:signed )?\[(\d+):0\] \w+ \[0:(\d+)(-1)?\];", re.MULTILINE)


def run_graph(graph, inputs: dict, array=(4, 8), modes=("both",), sim: str = "verilator", latency: int = 20, progress=None,
              status=None, trace: Path | None = None, seed: int = 1, pauses: dict | None = None, **overrides) -> dict:
    """Run one image through a graph on a simulated accelerator, in one or several modes, and report.

    graph: a Graph. inputs: name of an input map -> integers [C, H, W]. array: (PEs, lanes). modes: of dense, csp, mnf, both.
    sim: "verilator", "myhdl" (slow: small graphs only), or "model" (the cycle model; no hardware, bit_exact is then None).
    latency: of the memory, cycles, >= 1.
    progress: called as progress(cycles, passes started, passes, mode), a few times a second.
    status: called with sentences while building. trace: a .vcd file that receives the waveform of the last mode.
    The steps run, and are reported, in the order that `graph_order` finds.
    seed, pauses: random pauses of the memory, see `AcceleratorJob`. overrides: fields of CoreConfig.

    Returns the report: network, array, simulator, images (1), bit_exact, cycles, cycles_per_second, modes {mode: cycles},
    modes_ideal {mode: ideal cycles}, layers (see `layers`), totals {ideal, memory, roofline, efficiency, utilisation},
    registers, on_chip_bytes, memory_bytes, latency, port_bytes, seed, core, machine, versions, seconds, and outputs {map: what the
    hardware left in memory}. `cycles`, layers, totals
    and registers are of mode "both" when it was run, else of the last mode. bit_exact: every output that any step fired in any
    mode, and the output maps read back from memory, are the reference's, and the hardware did all of the effectual beats.
    The model knows no registers, and bytes_in and bytes_out of a layer are those of its passes, whenever they cross the port.
    Raises ValueError for settings that do not exist or do not fit, ToolError when a tool or the simulation fails.
    """
    modes = list(modes)
    if sim not in SIMULATORS:
        raise ValueError(f"sim must be one of {', '.join(SIMULATORS)}, not {sim}")
    if not modes:
        raise ValueError("a run needs at least one mode")
    begun = time.perf_counter()
    config = accelerator_config(graph, *array, **overrides)
    graph = ordered(graph, config)
    maps, expected = graph_reference.run_steps(graph, inputs)
    detail = "both" if "both" in modes else modes[-1]
    executables, results, works, exact = {}, {}, {}, True
    for mode in modes:
        if status:
            status(f"compiling {graph.name} for mode {mode}")
        executable = executables[mode] = assemble(graph, config, mode)
        works[mode] = graph_work(graph, maps, config.lanes, mode)
        passes = len(executable.passes)
        tell = progress and (lambda done, cycles, total=passes, mode=mode: progress(cycles, done, total, mode))
        if sim == "model":
            results[mode] = graph_model.run(executable, maps, latency)
        else:
            job = AcceleratorJob.from_executable(executable, inputs, latency=latency, seed=seed, pauses=pauses or {})
            results[mode] = run_once(job, sim, trace if mode == modes[-1] else None, tell, status)
            exact &= matches(executable, results[mode], maps, expected) and beats_suffice(executable, works[mode], results[mode])
        if tell:
            tell(passes, results[mode].cycles)
    cycles = {mode: step_cycles(executables[mode], result) for mode, result in results.items()}
    rows = layers(executables[detail], results[detail], works[detail], cycles)
    result, seconds = results[detail], sum(one.seconds for one in results.values())
    return {
        "network": graph.name, "title": graph.title, "array": {"pes": config.pes, "lanes": config.lanes}, "simulator": sim,
        "images": 1, "bit_exact": None if sim == "model" else bool(exact), "cycles": result.cycles,
        "cycles_per_second": sum(one.cycles for one in results.values()) / seconds if seconds else 0.0,
        "modes": {mode: one.cycles for mode, one in results.items()},
        "modes_ideal": {mode: sum(one.beats for one in steps) / config.pes for mode, steps in works.items()},
        "layers": rows, "totals": totals(rows, result.cycles), "registers": result.registers.tolist(),
        "on_chip_bytes": (graph_model.on_chip_bytes(config) if sim == "model"
                          else on_chip_bytes(accelerator_verilog(config, progress=status))),
        "memory_bytes": len(executables[detail].memory),
        "latency": latency, "port_bytes": config.port_bytes, "seed": seed, "core": config.to_dict(),
        "machine": surroundings.machine(), "versions": surroundings.versions(sim),
        "seconds": time.perf_counter() - begun,
    } | ({} if sim == "model" else {
        "outputs": {name: executables[detail].read(result.memory, name) for name in graph.outputs}})


def run_once(job: AcceleratorJob, sim: str, trace=None, progress=None, status=None) -> AcceleratorResult:
    """Return the result of a job of one run; BenchError unless the program ran to its end."""
    result, = (accelerator_bench.run_job(job, trace, progress, status) if sim == "verilator"
               else accelerator_myhdl.run_job(job, trace, progress))
    passes, fires = len(job.passes), np.count_nonzero(job.passes[:, 1])
    if not result.done:
        raise BenchError(f"the accelerator stopped after {result.cycles} cycles and {result.started} of {passes} passes: "
                         f"{result.reason}")
    if result.started != passes or result.fired != fires:
        raise BenchError(f"the accelerator was done after {result.started} passes, of which {result.fired} fired, "
                         f"but the program has {passes} and {fires}")
    return result


def matches(executable, result: AcceleratorResult, maps: dict, expected: dict) -> bool:
    """Whether every output fired, and every output map in memory, is the reference's.

    Maps inside the network are not read back: channels that no step keeps are not written.
    """
    return (all(np.array_equal(result.outputs[name], values) for name, values in expected.items())
            and all(np.array_equal(executable.read(result.memory, name), maps[name]) for name in executable.graph.outputs))


def beats_suffice(executable, works: list, result: AcceleratorResult) -> bool:
    """Whether no step took fewer beats than its effectual ones; more are taken where tiles overlap."""
    beats = _by_step(executable, result.beats.sum(axis=1))
    return all(beats[index] >= one.beats for index, one in enumerate(works))


def step_cycles(executable, result: AcceleratorResult) -> list[int]:
    """Return the cycles of each step: from its first pass's first cycle (at first: the start) to the next step's (at last: the end)."""
    steps = [one.step for one in executable.passes]
    firsts = [0] + [int(result.pass_starts[steps.index(step)]) - 1 for step in range(1, len(executable.graph.steps))]
    return [int(size) for size in np.diff([*firsts, result.cycles])]


def _by_step(executable, values: np.ndarray) -> np.ndarray:
    """Add up [passes, ...] to [steps, ...]."""
    total = np.zeros((len(executable.graph.steps), *values.shape[1:]), np.int64)
    np.add.at(total, [one.step for one in executable.passes], values)
    return total


def layers(executable, result: AcceleratorResult, works: list, cycles: dict) -> list[dict]:
    """The figures of each step.

        ideal = effectual beats / P     memory = compulsory bytes / W     roofline = max of both
        utilisation = ideal / cycles    efficiency = roofline / cycles

    compulsory bytes: counts and chunks of the rows that meet an event, input events and output events, once. bytes_in,
    bytes_out: what crossed the memory port while the step's passes were in the front.
    effectual_beats + recomputed_beats + all stalls = cycles x PEs.
    cycles: mode -> cycles of each step.
    """
    config, graph = executable.config, executable.graph
    states, reads, writes = (_by_step(executable, array) for array in (result.states, result.reads, result.writes))
    passes, rows = _by_step(executable, np.ones(len(executable.passes), np.int64)), []
    for index, (step, work) in enumerate(zip(graph.steps, works)):
        own, memory = cycles[executable.mode][index], work.memory_cycles(config.port_bytes)
        ideal, roofline = work.ideal_cycles(config.pes), work.roofline_cycles(config.pes, config.port_bytes)
        sources = " + ".join("x".join(map(str, (term.channels, *graph.maps[term.source].shape[1:]))) for term in step.terms)
        rows.append({
            "name": step.name, "kind": step.label,
            "shape": f"{sources} -> " + "x".join(map(str, (step.channels, *step.fired_shape))),
            "cycles": own, "effectual_beats": work.beats, "recomputed_beats": int(states[index][0]) - work.beats,
            "ideal_cycles": ideal, "memory_cycles": memory, "roofline_cycles": roofline, "utilisation": ideal / own,
            "efficiency": roofline / own, "events": work.events, "weight_density": work.kept / work.weights,
            "activation_density": work.nonzero / work.inputs,
            "bytes_in": int(reads[index]) * config.port_bytes, "bytes_out": int(writes[index]) * config.port_bytes,
            "compulsory_bytes": work.compulsory_bytes, "passes": int(passes[index]),
            "stalls": {name: int(count) for name, count in zip(STATES[1:], states[index][1:])},
            "mode_cycles": {mode: one[index] for mode, one in cycles.items()},
        })
    return rows


def totals(rows: list[dict], cycles: int) -> dict:
    """Sums over the steps; efficiency is the sum of their rooflines over all cycles."""
    ideal, memory, roofline = (sum(row[name] for row in rows) for name in ("ideal_cycles", "memory_cycles", "roofline_cycles"))
    return {"ideal": ideal, "memory": memory, "roofline": roofline,
            "efficiency": roofline / cycles, "utilisation": ideal / cycles}


def on_chip_bytes(verilog: str) -> int:
    """Return the bytes of all memories in a converted Verilog text."""
    return sum((int(high) + 1) * (int(last) + (not length)) for high, last, length in MEMORY.findall(verilog)) // 8
