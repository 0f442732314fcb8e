"""A report as the benches return it, with made-up but consistent numbers: beats and stalls add up to cycles x PEs."""
from __future__ import annotations

import numpy as np

PES, LANES, IMAGES = 4, 8, 20
_GAIN = {"dense": 1.0, "csp": 2.6, "mnf": 3.1, "both": 7.4}
_CAUSES = {"configuration": 0.06, "no_event": 0.3, "no_weight": 0.22, "no_buffer": 0.1, "output_blocked": 0.05,
           "row_lookup": 0.17, "drain": 0.1}


def _layer(name, kind, shape, cycles, utilisation, density, active, full, rows) -> dict:
    counts = np.minimum(np.random.default_rng(len(name) + rows).geometric(0.45, rows) - 1, full)
    beats = round(cycles * PES * utilisation)
    stalls = {cause: int((cycles * PES - beats) * share) for cause, share in _CAUSES.items()}
    stalls["no_event"] += cycles * PES - beats - sum(stalls.values())
    memory = cycles * 0.3
    return {
        "name": name, "kind": kind, "shape": shape, "cycles": cycles, "effectual_beats": beats,
        "ideal_cycles": beats / PES, "memory_cycles": memory, "roofline_cycles": max(beats / PES, memory),
        "utilisation": utilisation, "efficiency": max(beats / PES, memory) / cycles, "events": rows * 13 * IMAGES // 4,
        "weight_density": density, "activation_density": active, "bytes_in": rows * 120, "bytes_out": rows * 40,
        "stalls": stalls, "mode_cycles": {mode: round(cycles * _GAIN["both"] / gain) for mode, gain in _GAIN.items()},
        "chunk_histogram": {count: int((counts == count).sum()) for count in range(full + 1)},
        "regroup": {"chunks_before": int(counts.sum()), "chunks_after": int(counts.sum())},
    }


def _digit(label: int, slope: float) -> list:
    y, x = np.mgrid[0:28, 0:28]
    ring = np.exp(-((np.hypot(y - 14, (x - 14) * slope) - 7) ** 2) / 4) * 255
    return ring.astype(int).tolist()


def lenet_report() -> dict:
    """A fresh copy for each caller."""
    layers = [
        _layer("conv1", "conv", "1x28x28 -> 32x14x14", 5_600 * IMAGES, 0.86, 0.80, 0.19, 4, 25),
        _layer("conv2", "conv", "32x14x14 -> 64x7x7", 41_300 * IMAGES, 0.952, 0.31, 0.44, 8, 800),
        _layer("fc1", "fc", "64x7x7 -> 256x1x1", 9_100 * IMAGES, 0.61, 0.27, 0.36, 32, 3136),
        _layer("fc2", "fc", "256x1x1 -> 10x1x1", 420 * IMAGES, 0.22, 0.55, 0.41, 2, 256),
    ]
    modes = {mode: sum(layer["mode_cycles"][mode] for layer in layers) for mode in _GAIN}
    return {
        "network": "lenet", "array": {"pes": PES, "lanes": LANES}, "chunk": 8, "simulator": "verilator", "images": IMAGES,
        "bit_exact": True, "accuracy": 0.9, "cycles": modes["both"], "cycles_per_second": 1_234_567.0, "modes": modes,
        "modes_ideal": {mode: cycles * 0.87 for mode, cycles in modes.items()}, "layers": layers,
        "wrong": [{"index": 5, "label": 6, "predicted": 0, "pixels": _digit(6, 1.0)},
                  {"index": 17, "label": 9, "predicted": 4, "pixels": _digit(9, 1.6)}],
        "machine": {"cpu": "two cores <of something>", "system": "Linux"}, "versions": {"python": "3.11", "verilator": "5.48.0"},
        "seed": 0,
    }
