"""The plots of the HTML report, each a string of inline SVG that takes its text colour from the page."""
from __future__ import annotations

from matplotlib.figure import Figure

from scripts import summary
from scripts.plots import INK, PALETTE, WIDTH, bars, cause_bars, legend, style, svg
from scripts.summary import Report


def cycles_by_mode(report: Report) -> str:
    """One bar a mode, one part a layer, on one linear scale; the tick marks the mode's ideal cycles."""
    modes, images = list(report["modes"]), report["images"]
    with style():
        figure, axes = bars(len(modes))
        parts = []
        start = [0.0] * len(modes)
        for index, layer in enumerate(report["layers"]):
            widths = [layer["mode_cycles"][mode] / images for mode in modes]
            parts.append(axes.barh(modes, widths, left=start, height=0.62, label=layer["name"],
                                   color=PALETTE[index % len(PALETTE)]))
            start = [a + b for a, b in zip(start, widths)]
        for row, mode in enumerate(modes):
            mark = axes.vlines(report["modes_ideal"][mode] / images, row - 0.42, row + 0.42, color=INK, linewidth=1.6,
                               label="ideal")
            axes.annotate(f"{start[row]:,.0f}", (start[row], row), (6, 0), textcoords="offset points", va="center")
        axes.set_xlim(0, max(start) * 1.14)
        axes.set_xlabel("cycles an image")
        axes.xaxis.set_major_formatter("{x:,.0f}")
        legend(figure, [*parts, mark])
        return svg(figure)


def stalls(report: Report) -> str:
    """One bar a layer: the share of PE cycles spent on beats and on each stall cause."""
    layers = report["layers"]
    shares = [summary.cycle_shares(layer, report["array"]["pes"]) for layer in layers]
    names = [layer["name"] for layer in layers]
    return cause_bars(names, shares, height=0.62)


def chunk_histograms(report: Report) -> str:
    """One small plot a layer: how many rows keep 0, 1, 2 ... chunks; the line is the mean."""
    layers, lanes = report["layers"], report["array"]["lanes"]
    columns = min(4, len(layers))
    lines = -(-len(layers) // columns)
    with style():
        figure = Figure(figsize=(WIDTH, 2.2 * lines), layout="constrained")
        grid = figure.subplots(lines, columns, squeeze=False)
        for axes in grid.flat[len(layers):]:
            axes.set_visible(False)
        for axes, layer in zip(grid.flat, layers):
            most = summary.full_row(layer, lanes)
            rows = sum(layer["chunk_histogram"].values())
            counts = {int(count): 100 * number / rows for count, number in layer["chunk_histogram"].items()}
            axes.bar(range(most + 1), [counts.get(count, 0.0) for count in range(most + 1)], color=PALETTE[0], width=0.8)
            axes.axvline(summary.chunk_mean(layer), color=INK, linewidth=1.2, linestyle=(0, (3, 2)))
            axes.set_title(layer["name"])
            axes.xaxis.get_major_locator().set_params(integer=True)
            axes.set_xlabel("chunks kept")
        for line in grid:
            line[0].set_ylabel("rows, %")
        return svg(figure)
