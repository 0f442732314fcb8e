"""A network through a simulator, checked against the integer reference, as one report.

Counts in a report (cycles, beats, events, bytes, stalls) are totals over the images; whoever shows them divides.
"""
from __future__ import annotations

import platform
import time
from importlib import metadata
from pathlib import Path

import numpy as np

from cascadefire import compiler, reference
from cascadefire.compiler import tokens
from tb import effectual, model_bench, myhdl_bench, toolchain, verilator_bench
from tb.job import STATES, Job

SIMULATORS = ("verilator", "myhdl", "model")
EVENT_BITS_A_BYTE = 8


def run_network(network, images, labels, array=(4, 8), modes=("both",), sim="verilator", trace: Path | None = None,
                progress=None, latency: int = 20, seed: int = 1, pauses: dict | None = None, status=None, **overrides) -> dict:
    """Run images through a network on a simulated core, in one or several modes, and report.

    network: a Network. images: [N, C, H, W], N >= 1. labels: [N]. array: (PEs, lanes). modes: of dense, csp, mnf, both.
    sim: "verilator", "myhdl" (slow: a few images), or "model" (the cycle model; no hardware, bit_exact is then None).
    trace: waveform of the last mode, .vcd, or .fst with Verilator. latency: of the memory, cycles.
    progress: called as progress(cycles, images done, images, mode), a few times a second. status: called with sentences while building.
    seed, pauses: random pauses at the core's ports, see `tb.job.Job`. overrides: fields of CoreConfig.

    Returns the report: network, array, simulator, images, bit_exact, accuracy, cycles, cycles_per_second, modes {mode: cycles},
    modes_ideal {mode: ideal cycles}, layers, wrong, machine, versions, seed, latency. `cycles` and the figures of the layers are
    of mode "both" when it was run, else of the last mode.
    Raises ValueError for settings that do not exist or do not fit, ToolError when a tool or the simulation fails.
    """
    images, labels, modes = np.asarray(images), np.asarray(labels), list(modes)
    if sim not in SIMULATORS:
        raise ValueError(f"sim must be one of {', '.join(SIMULATORS)}, not {sim}")
    if not modes or not len(images) or len(images) != len(labels):
        raise ValueError(f"a run needs at least one mode, and as many labels as images, not {len(modes)}, {len(labels)} and {len(images)}")
    config = compiler.core_config(network, *array, **overrides)
    programs = {mode: compiler.compile(network, config, mode) for mode in modes}
    expected = reference.run(network, images)
    detail = "both" if "both" in modes else modes[-1]

    results, exact, simulated, seconds, started = {}, True, 0, 0.0, time.perf_counter()
    for mode, program in programs.items():
        tell = (lambda done, cycles, mode=mode: progress(cycles, done, len(images), mode)) if progress else None
        waveform = trace if mode == modes[-1] else None
        if sim == "model":
            results[mode] = model_bench.run(program, [images, *expected.values()], latency, tell)
        else:
            job = Job.from_program(program, images, latency=latency, seed=seed, pauses=pauses or {})
            results[mode] = (verilator_bench.run_job(job, waveform, tell, status) if sim == "verilator"
                             else myhdl_bench.run_job(job, waveform, tell))
            exact = exact and matches(network, config, results[mode], expected)
        simulated += results[mode].simulated
        seconds += results[mode].seconds
        if tell:
            tell(len(images), results[mode].simulated)

    inputs = dict(zip(expected, [images, *expected.values()]))
    works = {mode: [effectual.work(layer, config.lanes, mode, inputs[layer.name], index == 0,
                                   [one for one in program.passes if one.layer == index])
                    for index, layer in enumerate(network.layers)] for mode, program in programs.items()}
    for mode in modes:
        # Only an image's sum is compared: the next layer's first beats come while this one still fires.
        exact = exact and np.array_equal(results[mode].beats.sum(axis=(1, 2)), sum(one.computed for one in works[mode]))
    logits = (expected if sim == "model" else results[detail].outputs)[network.layers[-1].name].reshape(len(images), -1)
    predicted = logits.argmax(axis=1)
    return {
        "network": network.name, "array": {"pes": config.pes, "lanes": config.lanes}, "simulator": sim, "images": len(images),
        "bit_exact": None if sim == "model" else bool(exact), "accuracy": float((predicted == labels).mean()),
        "cycles": int(results[detail].cycles.sum()), "cycles_per_second": simulated / seconds if seconds else 0.0,
        "modes": {mode: int(result.cycles.sum()) for mode, result in results.items()},
        "modes_ideal": {mode: sum(int(one.beats.sum()) for one in layers) / config.pes for mode, layers in works.items()},
        "layers": _layers(network, config, detail, results, works[detail], inputs),
        "wrong": [{"index": int(index), "label": int(labels[index]), "predicted": int(predicted[index]),
                   "pixels": images[index][0].tolist()} for index in np.flatnonzero(predicted != labels)],
        "machine": {"cpu": _cpu(), "cpus": toolchain.cpus(), "system": platform.platform()}, "versions": _versions(sim),
        "seed": seed, "latency": latency, "core": config.to_dict(), "seconds": time.perf_counter() - started,
    }


def matches(network, config, result, expected) -> bool:
    """Whether every output of every layer, and the tokens of events_out, are those of the reference."""
    if any(not np.array_equal(result.outputs[name], outputs) for name, outputs in expected.items()):
        return False
    last = network.layers[-1]
    return all(np.array_equal(tokens.to_map(events, last.out_shape, config.coord_bits), outputs)
               for events, outputs in zip(result.events_out, expected[last.name]))


def _layers(network, config, detail: str, results: dict, works: list, inputs: dict) -> list[dict]:
    """The layers' figures in mode `detail`.

        ideal = effectual beats / P     memory = compulsory bytes / W     roofline = max of both
        utilisation = ideal / cycles    efficiency = roofline / cycles

    Activations stay in the core, so memory counts weights and counts alone. bytes_in, bytes_out: all that crossed the ports
    for the layer, an event being one token in whole bytes.
    A layer's cycles run from the last output of the layer before to its own last output; since the core starts on the next
    layer's events while it fires, its `beats` and `stalls` (what the PEs did in these cycles: they add up to cycles x PEs)
    hold beats of the next layer. Sums over the layers are free of this; a layer's own utilisation and efficiency are not,
    and may exceed 1.
    """
    result, event_bytes, layers = results[detail], -(-config.token_bits // EVENT_BITS_A_BYTE), []
    states = result.states.sum(axis=0)
    for index, (layer, one) in enumerate(zip(network.layers, works)):
        cycles, beats = int(result.cycles[:, index].sum()), int(one.beats.sum())
        ideal, memory = beats / config.pes, int(one.compulsory.sum()) / config.weight_bytes
        roofline = max(ideal, memory)
        stalls = {name: int(count) for name, count in zip(STATES[1:], states[index][1:])}
        counts = effectual.counts_of(layer, config.lanes, detail)
        levels, rows = np.unique(counts, return_counts=True)
        external = int(one.events.sum()) * event_bytes if index == 0 else 0
        drained = sum(len(tokens) for tokens in result.events_out) * event_bytes if index == len(network.layers) - 1 else 0
        layers.append({
            "name": layer.name, "kind": layer.kind, "shape": " -> ".join("x".join(map(str, shape)) for shape in (layer.in_shape, layer.out_shape)),
            "cycles": cycles, "beats": int(states[index][0]), "effectual_beats": beats, "recomputed_beats": int(one.computed.sum()) - beats, "ideal_cycles": ideal, "memory_cycles": memory, "roofline_cycles": roofline,
            "utilisation": ideal / cycles, "efficiency": roofline / cycles, "events": int(one.events.sum()),
            "weight_density": float(layer.weights.density), "activation_density": float(one.nonzero.sum() / inputs[layer.name].size),
            "bytes_in": int(result.bytes_read[:, index].sum()) + external, "bytes_out": drained, "stalls": stalls,
            "mode_cycles": {mode: int(other.cycles[:, index].sum()) for mode, other in results.items()},
            "chunk_histogram": {int(level): int(number) for level, number in zip(levels, rows)},
            "regroup": {"chunks_before": int(layer.weights.counts.sum()), "chunks_after": int(layer.weights.regroup(config.lanes).counts.sum())},
        })
    return layers


def _cpu() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _versions(sim: str) -> dict:
    """Versions of what took part; a compiler only when one did."""
    versions = {"python": platform.python_version(), **{name: metadata.version(name) for name in ("numpy", "myhdl")}}
    if sim == "verilator":
        versions |= {"verilator": metadata.version("verilator"), "compiler": toolchain.compiler_version()}
    return versions
