"""The plots of a sweep, each a string of inline SVG."""
from __future__ import annotations

from typing import Mapping

from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from scripts.plots import INK, PALETTE, WIDTH, legend, style, svg
from scripts.summary import Report

COLUMNS = 12  # layers drawn one by one in the lower plot


def over(unit: str, reports: Mapping[int, Report]) -> str:
    """Left: efficiency and utilisation over the setting; right: PE cycles an effectual beat, 1 when no PE ever waits."""
    points = list(reports)
    with style():
        figure = Figure(figsize=(WIDTH, 3.6), layout="constrained")
        left, right = figure.subplots(1, 2)
        lines = []
        for key, colour in (("efficiency", PALETTE[2]), ("utilisation", PALETTE[0])):
            values = [100 * report["totals"][key] for report in reports.values()]
            lines += left.plot(points, values, marker="o", color=colour, label=f"{key}, %")
            for point, value in zip(points, values):
                # Where the two meet, one figure stands above and one below.
                left.annotate(f"{value:.1f}", (point, value), (0, 7 if key == "efficiency" or value < 15 else -15),
                              textcoords="offset points", ha="center", fontsize=8)
        left.set_ylim(0, 112)
        left.axhline(100, color=INK, linewidth=0.8, linestyle=(0, (3, 2)))
        waits = [report["cycles"] * report["array"]["pes"] / (sum(layer["effectual_beats"] for layer in report["layers"]) or 1)
                 for report in reports.values()]
        lines += right.plot(points, waits, marker="o", color=PALETTE[1], label="PE cycles an effectual beat")
        for point, value in zip(points, waits):
            right.annotate(f"{value:.2f}", (point, value), (0, 7), textcoords="offset points", ha="center", fontsize=8)
        right.axhline(1, color=INK, linewidth=0.8, linestyle=(0, (3, 2)))
        right.set_ylim(0, max(*waits, 1) * 1.15)
        for axes in (left, right):
            _scale(axes, points, unit)
        legend(figure, lines)
        return svg(figure)


def layers_over(unit: str, reports: Mapping[int, Report]) -> str:
    """Efficiency of the layers over the setting: those whose efficiency changes most, the others in grey."""
    points = list(reports)
    names = [layer["name"] for layer in next(iter(reports.values()))["layers"]]
    lines = {name: [100 * report["layers"][index]["efficiency"] for report in reports.values()] for index, name in enumerate(names)}
    moving = sorted(names, key=lambda name: min(lines[name]) - max(lines[name]))[:min(COLUMNS, len(PALETTE))]
    with style():
        figure = Figure(figsize=(WIDTH, 4.6), layout="constrained")
        axes = figure.subplots()
        for name in names:
            if name not in moving:
                axes.plot(points, lines[name], color=PALETTE[4], alpha=0.35, linewidth=0.8)
        drawn = [axes.plot(points, lines[name], marker="o", markersize=4, color=PALETTE[moving.index(name)], label=name)[0]
                 for name in names if name in moving]
        _scale(axes, points, unit)
        axes.set_ylabel("efficiency of a layer, %")
        axes.set_ylim(0, max(105, *(max(line) for line in lines.values())) * 1.02)
        figure.legend(handles=drawn, loc="outside right upper", frameon=False, fontsize=9, handlelength=1.2)
        return svg(figure)


def _scale(axes, points, unit: str) -> None:
    axes.set_xscale("log", base=2)
    axes.set_xticks(points, [f"{point:,}" for point in points])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.margins(x=0.08)
    axes.set_xlabel(unit)
