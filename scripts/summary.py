"""Figures that both forms of the report show, derived once from the report dictionary.

The dictionary's counts (cycles, beats, events, bytes, stalls) are sums over the images of the run; both forms divide by them.
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping

Report = Mapping[str, Any]


def percent(share: float, digits: int = 1) -> str:
    return f"{100 * share:.{digits}f} %"


def change(share: float) -> str:
    """A percentage that is added or taken away."""
    return f"{100 * share:+.1f} %"


def cause_label(cause: str) -> str:
    """A stall cause as a heading; the long word would break the terminal's columns."""
    return cause.replace("configuration", "config").replace("_", " ")


def detail_mode(report: Report) -> str:
    """The mode whose stalls, beats and densities the layers hold: `both` when it was run, else the last one."""
    modes = list(report["modes"])
    return "both" if "both" in modes else modes[-1]


def full_row(layer: Report, lanes: int) -> int:
    """Chunks of a row that keeps everything: output channels over lanes, rounded up."""
    channels = int(layer["shape"].split("->")[1].split("x")[0])
    return -(-channels // lanes)


def chunk_mean(layer: Report) -> float:
    """Mean chunk count of the layer's rows."""
    histogram = layer["chunk_histogram"]
    rows = sum(histogram.values())
    return sum(int(count) * number for count, number in histogram.items()) / rows if rows else 0.0


def cycle_shares(layer: Report, pes: int) -> dict[str, float]:
    """What the PEs did with their cycles: beats first, then each stall cause, as shares of cycles x PEs."""
    total = layer["cycles"] * pes
    spent = {"beats": layer["effectual_beats"], **layer["stalls"]}
    return {cause: count / total if total else 0.0 for cause, count in spent.items()}


@dataclass(frozen=True)
class ModeGain:
    """One mode against dense: cycles an image, measured ratio, and the ratio that the densities alone would give."""

    mode: str
    cycles_per_image: float
    ratio: float | None
    ideal_ratio: float | None


def over_dense(cycles: Mapping[str, float], mode: str) -> float | None:
    """How many times fewer cycles a mode takes than dense; None when dense was not run."""
    return cycles["dense"] / cycles[mode] if "dense" in cycles and cycles[mode] else None


def gains(report: Report) -> list[ModeGain]:
    """A line per mode; the ratios are None when dense was not run."""
    modes, ideal = report["modes"], report["modes_ideal"]
    return [ModeGain(mode, cycles / report["images"], over_dense(modes, mode), over_dense(ideal, mode))
            for mode, cycles in modes.items()]


def regroup_cost(report: Report, *layers: Report) -> float:
    """Share of stored weights that the layers gained when counts were rounded up to this array's lanes."""
    before = sum(layer["regroup"]["chunks_before"] for layer in layers) * report["chunk"]
    after = sum(layer["regroup"]["chunks_after"] for layer in layers) * report["array"]["lanes"]
    return after / before - 1 if before else 0.0


def verdict(report: Report) -> tuple[str, str]:
    """A style word (yes, no, open) and a sentence: whether the hardware's outputs are the reference's."""
    if report["bit_exact"] is None:
        return "open", "No hardware was simulated: cycles are the cycle model's, outputs the integer reference's."
    if report["bit_exact"]:
        return "yes", "Every output of every layer, in every mode run, is equal to the integer reference."
    return "no", "The outputs are NOT equal to the integer reference."


def ratio(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f} x"
