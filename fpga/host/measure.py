"""What a board does with networks and probes, as figures: counters on the chip, time by the board's clock, the link apart."""
from __future__ import annotations

import time

import numpy as np

from cascadefire import graph_reference
from cascadefire.compiler.assemble import assemble
from cascadefire.compiler.graph_order import ordered
from cascadefire.graph_network import from_network
from fpga.host.constants import with_small_constants
from fpga.host.device import COUNTERS, Device
from fpga.host.frames import MOST_WORDS
from fpga.host.probes import Probe
from fpga.host.runner import Loaded
from tb import accelerator_bench
from tb.accelerator_job import CYCLES, AcceleratorJob

STALLS = COUNTERS[COUNTERS.index("configuration"):]
LINK_WORDS = 16 * MOST_WORDS    # of a burst that the link's rate is measured with
LINE_BITS = 10                  # of a byte on the line


def dense_macs(graph) -> int:
    """Products of a graph without any sparsity.

        sum over steps and terms of  outputs of the convolution * products an output
    """
    total = 0
    for step in graph.steps:
        area = int(np.prod(step.conv_shape))
        for term in step.terms:
            inside = int(np.prod(term.kernel))
            if term.kind == "fc":
                total += step.channels * int(np.prod(graph.maps[term.source].shape))
            else:
                total += area * inside * step.channels * (1 if term.kind == "diagonal" else term.channels)
    return total


def compile_network(network, config, mode: str):
    """Return the Executable of a Network for a board's configuration."""
    return assemble(ordered(with_small_constants(from_network(network)), config), config, mode)


def network_figures(device: Device, executable, images, labels, latency: int, clock=time.perf_counter, progress=None) -> dict:
    """Run images through a compiled network on a board and beside it in simulation; return the figures of a report.

    images: uint8 [N, 1, H, W].  labels: [N].  latency: of the board's memory, cycles.  clock: seconds of the board's own time.
    progress: called with (what: "load", "image" or "simulate", done, total).
    bit_exact: every output equals the integer reference's.  simulation equal: every counter of every image is the one that the
    accelerator alone, at the same memory latency, leaves in simulation.
    """
    tell = progress or (lambda *_: None)
    graph, config = executable.graph, executable.config
    loaded = Loaded(device, executable, clock, lambda done, total: tell("load", done, total))
    inputs = [{graph.inputs[0]: image} for image in images]
    runs = []
    for number, one in enumerate(inputs, 1):
        runs.append(loaded.run(one))
        tell("image", number, len(inputs))
    expected = [graph_reference.run(graph, one) for one in inputs]
    output = graph.outputs[0]
    exact = [all(np.array_equal(run.outputs[name], maps[name]) for name in graph.outputs) for run, maps in zip(runs, expected)]
    right = sum(int(run.outputs[output].argmax()) == label for run, label in zip(runs, labels))
    counted = np.array([[run.counters[name] for name in COUNTERS] for run in runs])
    simulated = simulate(executable, inputs, latency)
    tell("simulate", len(inputs), len(inputs))
    cycles, macs = counted[:, 0], dense_macs(graph)
    hz = device.clock_hz
    compute = float(cycles.mean()) / hz
    link = [run.seconds - count / hz for run, count in zip(runs, cycles)]
    return {
        "network": graph.name, "title": graph.title, "mode": executable.mode, "images": len(runs), "correct": int(right),
        "accuracy": right / len(runs), "bit_exact": all(exact), "images_exact": sum(exact),
        "cycles": {"mean": float(cycles.mean()), "min": int(cycles.min()), "max": int(cycles.max())},
        "simulation": {"cycles": float(simulated[:, 0].mean()), "latency": latency,
                       "equal": bool(np.array_equal(counted[:, 0], simulated[:, 0])),
                       "counters_equal": bool(np.array_equal(counted, simulated))},
        "compute_ms": 1e3 * compute, "link_ms": 1e3 * float(np.median(link)), "inferences_per_s": 1 / compute,
        "inferences_per_s_with_link": 1 / float(np.median([run.seconds for run in runs])),
        "input_words": float(np.mean([run.sent for run in runs])),
        "counters": {name: float(value) for name, value in zip(COUNTERS, counted.mean(axis=0))},
        "utilisation": float(counted[:, 2].sum() / (cycles.sum() * config.pes)),
        "stalls": {name: float(counted[:, COUNTERS.index(name)].sum() / (cycles.sum() * config.pes)) for name in STALLS},
        "dense_macs": macs, "dense_macs_per_s": macs / compute,
        "memory_bytes": len(executable.memory), "load_words": loaded.words, "load_seconds": loaded.seconds,
    }


def simulate(executable, inputs: list, latency: int) -> np.ndarray:
    """Return the counters of each run of the accelerator alone on Verilator, int64 [runs, counters]."""
    job = AcceleratorJob.from_executable(executable, inputs, latency=latency)
    results = accelerator_bench.run_job(job)
    return np.array([one.registers[CYCLES:CYCLES + len(COUNTERS)].astype(np.int64) for one in results])


def probe_figures(device: Device, probe: Probe, latency: int) -> dict:
    """Run a probe on a board and return its figures: rates by cycles of the whole program, and by the clock."""
    executable, hz = probe.executable, device.clock_hz
    config = executable.config
    run = Loaded(device, executable).run(probe.inputs)
    expected = graph_reference.run(executable.graph, probe.inputs)
    simulated = simulate(executable, [probe.inputs], latency)[0]
    counted = [run.counters[name] for name in COUNTERS]
    cycles = run.counters["cycles"]
    words = run.counters["words_read"] + run.counters["words_written"]
    outputs = int(np.prod(executable.graph.maps["result"].shape))
    return {
        "name": probe.name, "title": probe.title, "cycles": cycles, "memory_bytes": len(executable.memory),
        "bit_exact": bool(np.array_equal(run.outputs["result"], expected["result"])),
        "simulation_equal": counted == [int(value) for value in simulated],
        "utilisation": run.counters["beats"] / (cycles * config.pes),
        "macs_per_cycle": run.counters["beats"] * config.lanes / cycles, "macs_per_s": run.counters["beats"] * config.lanes / cycles * hz,
        "dense_macs_per_cycle": probe.macs / cycles, "dense_macs_per_s": probe.macs / cycles * hz,
        "events_per_cycle": run.counters["events"] / cycles, "outputs_per_cycle": outputs / cycles,
        "memory_bytes_per_cycle": words * config.port_bytes / cycles, "memory_bytes_per_s": words * config.port_bytes / cycles * hz,
    }


def link_figures(device: Device, baud: int, clock=time.perf_counter) -> dict:
    """Write and read a burst of memory over the link and return its rates.

        share = bits of all frames of the busier direction / (seconds * baud);   payload = bytes of memory moved / second

    A burst has as many words as fit the memory, 960 at most, so the first frame's wait for its reply is in the figure.
    """
    words = min(LINK_WORDS, device.memory_bytes // 4 // MOST_WORDS * MOST_WORDS)
    values = np.random.default_rng(1).integers(0, 1 << 32, words, dtype=np.uint64).tolist()
    sent, taken = device.link.sent, device.link.received
    begun = clock()
    device.link.write(0, values)
    middle, sent, taken_writing = clock(), device.link.sent - sent, device.link.received - taken
    taken = device.link.received
    back = device.link.read(0, words)
    after, taken = clock(), device.link.received - taken
    device.forget(0, 4 * words)
    rates = {}
    for name, seconds, moved in (("write", middle - begun, sent), ("read", after - middle, taken)):
        rates[name] = {"bytes_per_s": 4 * words / seconds, "line_share": moved * LINE_BITS / seconds / baud}
    return rates | {"baud": baud, "words": words, "equal": back == values, "resent": device.link.resent}
