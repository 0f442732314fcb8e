"""A graph's report as the bench returns it, with made-up but consistent numbers: beats and stalls add up to cycles x PEs."""
from __future__ import annotations

import numpy as np

PES, LANES, PORT = 4, 32, 8
_CAUSES = {"configuration": 0.04, "no_event": 0.2, "no_weight": 0.3, "no_buffer": 0.15, "output_blocked": 0.05, "row_lookup": 0.15,
           "drain": 0.1}
_GAIN = {"dense": 5.9, "csp": 2.4, "mnf": 2.5, "both": 1.0}


def graph_report(layers: int = 13, modes: tuple = ("both",), seed: int = 3, name: str = "vgg16_photograph") -> dict:
    """A fresh report of so many layers."""
    rng = np.random.default_rng(seed)
    rows = [_layer(index, rng, modes, layers) for index in range(layers)]
    cycles = sum(row["cycles"] for row in rows)
    ideal, memory, roofline = (sum(row[key] for row in rows) for key in ("ideal_cycles", "memory_cycles", "roofline_cycles"))
    return {
        "network": name, "title": "VGG-16 (HED)", "array": {"pes": PES, "lanes": LANES}, "simulator": "verilator", "images": 1,
        "bit_exact": True, "cycles": cycles, "cycles_per_second": 612_345.0,
        "modes": {mode: sum(row["mode_cycles"][mode] for row in rows) for mode in modes},
        "modes_ideal": {mode: ideal * _GAIN[mode] for mode in modes}, "layers": rows,
        "totals": {"ideal": ideal, "memory": memory, "roofline": roofline, "efficiency": roofline / cycles, "utilisation": ideal / cycles},
        "registers": [0] * 64, "on_chip_bytes": 396_312, "memory_bytes": 28_311_552, "latency": 20, "port_bytes": PORT, "seed": 1,
        "core": {"acc_depth": 4096}, "machine": {"cpu": "two cores <of something>", "cpus": 2, "system": "Linux"},
        "versions": {"python": "3.11", "verilator": "5.48.0"}, "seconds": 321.5,
    }


def _layer(index: int, rng, modes, layers: int) -> dict:
    beats = int(10 ** rng.uniform(4.5, 6.6))
    again = beats // 50 if index % 5 == 2 else 0
    ideal = beats / PES
    memory = ideal * float(rng.choice([0.3, 0.6, 1.4], p=[0.5, 0.35, 0.15]))
    roofline = max(ideal, memory)
    cycles = int(roofline / rng.uniform(0.72, 0.985)) + again
    idle = cycles * PES - beats - again
    stalls = {cause: int(idle * share) for cause, share in _CAUSES.items()}
    stalls["no_event"] += idle - sum(stalls.values())
    compulsory = int(memory * PORT)
    name, kind = (f"enc{index // 16}.slf_attn.layer{index}", "fc") if layers > 20 else (f"conv{1 + index // 3}_{1 + index % 3}", "conv")
    return {
        "name": name, "kind": kind, "shape": "64x112x112 -> 128x56x56", "cycles": cycles, "effectual_beats": beats,
        "recomputed_beats": again, "ideal_cycles": ideal, "memory_cycles": memory, "roofline_cycles": roofline,
        "utilisation": ideal / cycles, "efficiency": roofline / cycles, "events": beats // 7,
        "weight_density": 0.31, "activation_density": 0.44,
        "bytes_in": int(compulsory * 0.9), "bytes_out": int(compulsory * 0.25), "compulsory_bytes": compulsory, "passes": 1 + index % 4,
        "stalls": stalls, "mode_cycles": {mode: int(cycles * _GAIN[mode]) for mode in modes},
    }
