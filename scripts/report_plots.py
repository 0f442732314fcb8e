"""The plots of the HTML report, each a string of inline SVG that takes its text colour from the page."""
from __future__ import annotations

import io
import re

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from scripts import summary
from scripts.summary import Report

# Told apart under the common colour-vision deficiencies, and readable on white and on near-black.
PALETTE = ("#0f9d76", "#d98c1f", "#4a7fd6", "#c25b9b", "#8a8f98", "#c9483a", "#5fb3d9", "#a8a23a")

WIDTH = 9  # inches

# A colour that no plot uses stands for the page's text colour, which SVG calls currentColor.
_INK = "#010203"


def _svg(figure: Figure) -> str:
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True,
                   metadata={key: None for key in ("Date", "Creator", "Format", "Type")})
    text = buffer.getvalue()
    opening, drawing = text[text.index("<svg"):].replace(_INK, "currentColor").split(">", 1)
    # Without its size in points the drawing scales with the page; the viewBox keeps its proportions.
    return re.sub(r' (width|height)="[^"]*"', "", opening) + ">" + drawing


def _style() -> matplotlib.RcParams:
    return matplotlib.rc_context({
        "svg.fonttype": "none", "svg.hashsalt": "cascadefire", "font.family": "sans-serif", "font.size": 10,
        "text.color": _INK, "axes.labelcolor": _INK, "axes.edgecolor": _INK, "xtick.color": _INK, "ytick.color": _INK,
        "axes.spines.top": False, "axes.spines.right": False, "axes.titlesize": 10, "axes.titlelocation": "left",
    })


def _bars(bars: int) -> tuple[Figure, Axes]:
    """A figure for that many horizontal bars, the first on top; all figures are as wide, so that the page scales them alike."""
    figure = Figure(figsize=(WIDTH, 0.46 * bars + 1.1), layout="constrained")
    axes = figure.subplots()
    axes.set_ylim(bars - 0.4, -0.6)
    return figure, axes


def _legend(figure: Figure, handles: list) -> None:
    figure.legend(handles=handles, loc="outside upper left", ncols=len(handles), frameon=False, fontsize=9, handlelength=1,
                  handletextpad=0.5, borderpad=0, columnspacing=1.2)


def cycles_by_mode(report: Report) -> str:
    """One bar a mode, one part a layer, on one linear scale; the tick marks the mode's ideal cycles."""
    modes, images = list(report["modes"]), report["images"]
    with _style():
        figure, axes = _bars(len(modes))
        parts = []
        start = [0.0] * len(modes)
        for index, layer in enumerate(report["layers"]):
            widths = [layer["mode_cycles"][mode] / images for mode in modes]
            parts.append(axes.barh(modes, widths, left=start, height=0.62, label=layer["name"],
                                   color=PALETTE[index % len(PALETTE)]))
            start = [a + b for a, b in zip(start, widths)]
        for row, mode in enumerate(modes):
            mark = axes.vlines(report["modes_ideal"][mode] / images, row - 0.42, row + 0.42, color=_INK, linewidth=1.6,
                               label="ideal")
            axes.annotate(f"{start[row]:,.0f}", (start[row], row), (6, 0), textcoords="offset points", va="center")
        axes.set_xlim(0, max(start) * 1.14)
        axes.set_xlabel("cycles an image")
        axes.xaxis.set_major_formatter("{x:,.0f}")
        _legend(figure, [*parts, mark])
        return _svg(figure)


def stalls(report: Report) -> str:
    """One bar a layer: the share of PE cycles spent on beats and on each stall cause."""
    layers = report["layers"]
    shares = [summary.cycle_shares(layer, report["array"]["pes"]) for layer in layers]
    names = [layer["name"] for layer in layers]
    with _style():
        figure, axes = _bars(len(layers))
        parts = []
        start = [0.0] * len(layers)
        for index, cause in enumerate(shares[0]):
            widths = [100 * share[cause] for share in shares]
            parts.append(axes.barh(names, widths, left=start, height=0.62, label=summary.cause_label(cause),
                                   color=PALETTE[index % len(PALETTE)]))
            start = [a + b for a, b in zip(start, widths)]
        axes.set_xlim(0, 100)
        axes.set_xlabel("share of PE cycles, %")
        _legend(figure, parts)
        return _svg(figure)


def chunk_histograms(report: Report) -> str:
    """One small plot a layer: how many rows keep 0, 1, 2 ... chunks; the line is the mean."""
    layers, lanes = report["layers"], report["array"]["lanes"]
    columns = min(4, len(layers))
    lines = -(-len(layers) // columns)
    with _style():
        figure = Figure(figsize=(WIDTH, 2.2 * lines), layout="constrained")
        grid = figure.subplots(lines, columns, squeeze=False)
        for axes in grid.flat[len(layers):]:
            axes.set_visible(False)
        for axes, layer in zip(grid.flat, layers):
            most = summary.full_row(layer, lanes)
            rows = sum(layer["chunk_histogram"].values())
            counts = {int(count): 100 * number / rows for count, number in layer["chunk_histogram"].items()}
            axes.bar(range(most + 1), [counts.get(count, 0.0) for count in range(most + 1)], color=PALETTE[0], width=0.8)
            axes.axvline(summary.chunk_mean(layer), color=_INK, linewidth=1.2, linestyle=(0, (3, 2)))
            axes.set_title(layer["name"])
            axes.xaxis.get_major_locator().set_params(integer=True)
            axes.set_xlabel("chunks kept")
        for line in grid:
            line[0].set_ylabel("rows, %")
        return _svg(figure)
