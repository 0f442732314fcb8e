"""A network through a simulator, checked against the integer reference, as one report.

Counts in a report (cycles, beats, events, bytes, stalls) are totals over the images; whoever shows them divides.
"""
from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from cascadefire import compiler, effectual, reference
from cascadefire.compiler import modes as techniques
from cascadefire.compiler import tokens
from tb import model_bench, myhdl_bench, surroundings, verilator_bench
from tb.job import STATES, Job
from tb.waveform import fst_from_vcd

SIMULATORS = ("verilator", "myhdl", "model")
EVENT_BITS_A_BYTE = 8


def run_network(network, images, labels, array=(4, 8), modes=("both",), sim="verilator", trace: Path | None = None,
                progress=None, latency: int = 20, seed: int = 1, pauses: dict | None = None, status=None, **overrides) -> dict:
    """Run images through a network on a simulated core, in one or several modes, and report.

    network: a Network. images: [N, C, H, W], N >= 1. labels: [N]. array: (PEs, lanes). modes: of dense, csp, mnf, both.
    sim: "verilator", "myhdl" (slow: a few images), or "model" (the cycle model; no hardware, bit_exact is then None).
    trace: waveform of the last mode, .vcd or .fst. latency: of the memory, cycles.
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
        waveform = trace and mode == modes[-1] and Path(trace).with_suffix(".vcd")
        if sim == "model":
            results[mode] = model_bench.run(program, [images, *expected.values()], latency, tell)
        else:
            job = Job.from_program(program, images, latency=latency, seed=seed, pauses=pauses or {})
            results[mode] = (verilator_bench.run_job(job, waveform, tell, status) if sim == "verilator"
                             else myhdl_bench.run_job(job, waveform, tell))
            exact = exact and matches(network, config, results[mode], expected)
        if waveform and waveform != trace:
            fst_from_vcd(waveform, trace)
            waveform.unlink()
        simulated += results[mode].simulated
        seconds += results[mode].seconds
        if tell:
            tell(len(images), results[mode].simulated)

    activations = [images, *expected.values()]
    works = {mode: effectual.network_work(network, activations, config.lanes, mode) for mode in modes}
    for mode in modes:
        exact = exact and beats_agree(programs[mode], works[mode], results[mode].beats.sum(axis=2))
    logits = (expected if sim == "model" else results[detail].outputs)[network.layers[-1].name].reshape(len(images), -1)
    predicted = logits.argmax(axis=1)
    return {
        "network": network.name, "array": {"pes": config.pes, "lanes": config.lanes}, "simulator": sim, "images": len(images),
        "bit_exact": None if sim == "model" else bool(exact), "accuracy": float((predicted == labels).mean()),
        "cycles": int(results[detail].cycles.sum()), "cycles_per_second": simulated / seconds if seconds else 0.0,
        "modes": {mode: int(result.cycles.sum()) for mode, result in results.items()},
        "modes_ideal": {mode: sum(int(one.beats.sum()) for one in layers) / config.pes for mode, layers in works.items()},
        "layers": _layers(network, config, detail, results, works[detail], activations),
        "wrong": [{"index": int(index), "label": int(labels[index]), "predicted": int(predicted[index]),
                   "pixels": images[index][0].tolist()} for index in np.flatnonzero(predicted != labels)],
        "machine": surroundings.machine(), "versions": surroundings.versions(sim),
        "seed": seed, "latency": latency, "core": config.to_dict(), "seconds": time.perf_counter() - started,
    }


def matches(network, config, result, expected) -> bool:
    """Whether every output of every layer, and the tokens of events_out, are those of the reference."""
    if any(not np.array_equal(result.outputs[name], outputs) for name, outputs in expected.items()):
        return False
    last = network.layers[-1]
    return all(np.array_equal(tokens.to_map(events, last.out_shape, config.coord_bits), outputs)
               for events, outputs in zip(result.events_out, expected[last.name]))


def beats_agree(program, works, beats) -> bool:
    """Whether the PEs issued the effectual beats of every layer and image: more only where tiles overlap, never fewer.

    works: effectual.Work of each layer. beats: int64 [N, layers], counted on the hardware.
    """
    for index, (layer, one) in enumerate(zip(program.network.layers, works)):
        own = beats[:, index]
        if np.any(own < one.beats) or (np.any(own > one.beats) and not _tiles_overlap(program, index, layer)):
            return False
    return True


def _tiles_overlap(program, index: int, layer) -> bool:
    """Whether any convolution output of the layer is computed in two tiles, as overlapping pooling windows may want it."""
    tiles = {(one.out_y0, one.out_x0, one.tile_h, one.tile_w) for one in program.passes if one.layer == index}
    return sum(height * width for _, _, height, width in tiles) > layer.conv_shape[1] * layer.conv_shape[2]


def _layers(network, config, detail: str, results: dict, works: list, activations: list) -> list[dict]:
    """The layers' figures in mode `detail`.

        ideal = effectual beats / P     memory = compulsory bytes / W     roofline = max of both
        utilisation = ideal / cycles    efficiency = roofline / cycles

    compulsory bytes of the weight port: counts and chunks of the rows that meet an event, once. Events enter and leave the core
    by streams of their own and stay inside between layers. bytes_in, bytes_out: what crossed all ports for the layer, an
    event being one token in whole bytes.
    A layer's cycles run from the entry of its first pass into the array to the entry of the next layer's (the first layer's
    begin with the first program word, the last layer's end with the last token out), so they add up to the image's. A
    layer's fire runs behind the next layer's beats; what cannot hide there is the next layer's stall.
    effectual_beats + recomputed_beats + all stalls = cycles x PEs.
    """
    result, event_bytes, layers = results[detail], -(-config.token_bits // EVENT_BITS_A_BYTE), []
    states = result.states.sum(axis=0)
    for index, (layer, one) in enumerate(zip(network.layers, works)):
        cycles, beats = int(result.cycles[:, index].sum()), int(one.beats.sum())
        counts = techniques.weights(layer, config.lanes, detail).counts
        levels, rows = np.unique(counts, return_counts=True)
        external = int(one.events.sum()) * event_bytes if index == 0 else 0
        drained = sum(len(tokens) for tokens in result.events_out) * event_bytes if index == len(network.layers) - 1 else 0
        ideal = beats / config.pes
        memory = int(one.weight_bytes.sum()) / config.weight_bytes
        roofline = max(ideal, memory)
        layers.append({
            "name": layer.name, "kind": layer.kind,
            "shape": " -> ".join("x".join(map(str, shape)) for shape in (layer.in_shape, layer.out_shape)),
            "cycles": cycles, "effectual_beats": beats, "recomputed_beats": int(states[index][0]) - beats,
            "ideal_cycles": ideal, "memory_cycles": memory, "roofline_cycles": roofline,
            "utilisation": ideal / cycles, "efficiency": roofline / cycles, "events": int(one.events.sum()),
            "weight_density": float(layer.weights.density),
            "activation_density": float(np.count_nonzero(activations[index]) / activations[index].size),
            "bytes_in": int(result.bytes_read[:, index].sum()) + external, "bytes_out": drained,
            "stalls": {name: int(count) for name, count in zip(STATES[1:], states[index][1:])},
            "mode_cycles": {mode: int(other.cycles[:, index].sum()) for mode, other in results.items()},
            "chunk_histogram": {int(level): int(number) for level, number in zip(levels, rows)},
            "regroup": {"chunks_before": int(layer.weights.counts.sum()),
                        "chunks_after": int(layer.weights.regroup(config.lanes).counts.sum())},
        })
    return layers
