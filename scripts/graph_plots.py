"""The plots of a graph's report, each a string of inline SVG; lists of a hundred layers stay readable."""
from __future__ import annotations

import math

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from scripts import graph_summary as figures
from scripts.plots import INK, PALETTE, WIDTH, bars, cause_bars, legend, style, svg, text_size
from scripts.summary import Report

GREEN, AMBER, BLUE, GREY = PALETTE[0], PALETTE[1], PALETTE[2], PALETTE[4]
MOST = 125  # per cent of efficiency drawn
LABELLED = 6  # layers named in the roofline plot: the lowest


def cycles_by_layer(report: Report) -> str:
    """Measured cycles as a pale bar, the roofline inside it, the ideal as a mark; efficiency beside it."""
    layers = report["layers"]
    names, rows = [layer["name"] for layer in layers], range(len(layers))
    with style():
        figure, (left, right) = bars(len(layers), 2, width_ratios=[3, 1])
        left.barh(names, [layer["cycles"] for layer in layers], height=0.74, color=GREY, alpha=0.45)
        left.barh(names, [layer["roofline_cycles"] for layer in layers], height=0.4,
                  color=[AMBER if figures.bound(layer) == "memory" else GREEN for layer in layers])
        left.vlines([layer["ideal_cycles"] for layer in layers], [row - 0.37 for row in rows], [row + 0.37 for row in rows],
                    color=INK, linewidth=1.3)
        longest = [max(layer["cycles"], layer["roofline_cycles"]) for layer in layers]
        for row, layer in zip(rows, layers):
            left.annotate(f"{layer['cycles']:,.0f}", (longest[row], row), (4, 0), textcoords="offset points", va="center",
                          fontsize=text_size(len(layers)))
        left.set_xlim(0, max(longest) * 1.17)
        left.set_xlabel("cycles")
        left.xaxis.set_major_formatter("{x:,.0f}")
        left.locator_params(axis="x", nbins=6)
        values = [100 * layer["efficiency"] for layer in layers]
        right.barh(names, [min(value, MOST) for value in values], height=0.62, color=BLUE)
        for row, value in zip(rows, values):
            # A short layer may pass 100 % by far (its neighbours fetched for it); the others must stay comparable.
            right.annotate(f"{value:.1f}", (min(max(value, 100), MOST), row), (4, 0), textcoords="offset points", va="center",
                           fontsize=text_size(len(layers)))
        right.set_xlim(0, min(max(100.0, *values), MOST) + 30)
        right.axvline(100, color=INK, linewidth=0.8, linestyle=(0, (3, 2)))
        right.set_xlabel("efficiency, %")
        right.set_xticks([0, 50, 100])
        right.tick_params(axis="y", left=False, labelleft=False)
        legend(figure, [Patch(color=GREY, alpha=0.45, label="measured"), Patch(color=GREEN, label="roofline: beats"),
                        Patch(color=AMBER, label="roofline: memory"), Line2D([], [], color=INK, label="ideal"),
                        Patch(color=BLUE, label="efficiency")])
        return svg(figure)


def roofline(report: Report) -> str:
    """Beats a cycle over beats a compulsory byte, both logarithmic, under the roofs of the PEs and of the memory port."""
    pes, port = report["array"]["pes"], report["port_bytes"]
    points = [(figures.intensity(layer, report), layer["effectual_beats"] / layer["cycles"], layer)
              for layer in report["layers"] if figures.intensity(layer, report) > 0 and layer["cycles"]]
    with style():
        figure = Figure(figsize=(WIDTH, 4.4), layout="constrained")
        axes = figure.subplots()
        if not points:
            axes.set_axis_off()
            return svg(figure)
        low = min(min(x for x, _, _ in points), pes / port) / 2
        high = max(max(x for x, _, _ in points), pes / port) * 2
        axes.plot([low, pes / port, high], [low * port, pes, pes], color=INK, linewidth=1.3)
        kinds = list(dict.fromkeys(layer["kind"] for _, _, layer in points))
        handles = []
        for index, kind in enumerate(kinds):
            own = [(x, y) for x, y, layer in points if layer["kind"] == kind]
            handles.append(axes.scatter(*zip(*own), s=34, color=PALETTE[index % len(PALETTE)], alpha=0.85, linewidths=0, label=kind,
                                        zorder=3))
        axes.set_xscale("log", base=2)
        axes.set_yscale("log", base=2)
        axes.set_xlim(low, high)
        heights = [y for _, y, _ in points]
        axes.set_ylim(min(min(heights) / 2, pes / 8), max(max(heights) * 1.2, pes * 1.6))
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(lambda value, _position: f"{value:g}" if value >= 1 else f"1/{round(1 / value)}")
        _name_points(axes, sorted(points, key=lambda point: point[2]["efficiency"])[:LABELLED])
        axes.annotate(f"{pes} beats a cycle", (high, pes), (-4, 4), textcoords="offset points", ha="right", fontsize=9)
        middle = max(low, axes.get_ylim()[0] / port) ** 0.5 * (pes / port) ** 0.5
        axes.annotate(f"{port} bytes a cycle", (middle, middle * port), (-6, 6), textcoords="offset points", ha="right", fontsize=9)
        axes.set_xlabel("effectual beats a compulsory byte")
        axes.set_ylabel("effectual beats a cycle, measured")
        legend(figure, handles)
        return svg(figure)


def _name_points(axes, points) -> None:
    """Write layers' names beside their points, one under the other where they would meet; needs the final scales and limits."""
    taken: list[tuple[float, float]] = []
    # In shares of the axes, 0..1: both are logarithmic.
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    for x, y, layer in sorted(points, key=lambda point: -point[1]):
        column, line = math.log(x / left) / math.log(right / left), math.log(y / bottom) / math.log(top / bottom)
        # Under the flat roof the points stand in a row: names go below it.
        place = line - 0.07 if line > 0.8 else line
        while any(abs(place - other) < 0.055 and abs(column - near) < 0.3 for near, other in taken):
            place -= 0.055
        taken.append((column, place))
        side = -1 if column > 0.75 else 1
        axes.annotate(f"{layer['name']} {100 * layer['efficiency']:.0f} %", (column, line), (column + 0.035 * side, place),
                      xycoords="axes fraction", textcoords="axes fraction", va="center", ha="left" if side > 0 else "right", fontsize=8,
                      arrowprops={"arrowstyle": "-", "color": GREY, "linewidth": 0.6, "relpos": (0 if side > 0 else 1, 0.5)})


def stalls(report: Report) -> str:
    """One bar a layer, the last for all of them: the share of PE cycles spent on beats and on each stall cause."""
    shares = [*figures.shares(report), figures.total_shares(report)]
    names = [*(layer["name"] for layer in report["layers"]), "all"]
    return cause_bars(names, shares, height=0.7)


def traffic(report: Report) -> str:
    """Bytes that crossed the memory port, read and written; the mark is what is compulsory."""
    layers = report["layers"]
    names, rows = [layer["name"] for layer in layers], range(len(layers))
    scale, unit = (1e6, "MB") if max(layer["bytes_in"] for layer in layers) >= 1e6 else (1e3, "kB")
    with style():
        figure, axes = bars(len(layers))
        inward, outward = ([layer[key] / scale for layer in layers] for key in ("bytes_in", "bytes_out"))
        compulsory = [figures.compulsory_bytes(layer, report) / scale for layer in layers]
        parts = [axes.barh(names, inward, height=0.66, color=BLUE, label="read"),
                 axes.barh(names, outward, left=inward, height=0.66, color=AMBER, label="written"),
                 axes.vlines(compulsory, [row - 0.38 for row in rows], [row + 0.38 for row in rows], color=INK, linewidth=1.3,
                             label="compulsory")]
        for row, (a, b, least) in enumerate(zip(inward, outward, compulsory)):
            over = f"{(a + b) / least:.2f} x" if least else ""
            axes.annotate(over, (max(a + b, least), row), (4, 0), textcoords="offset points", va="center",
                          fontsize=text_size(len(layers)))
        axes.set_xlim(0, max(max(a + b, least) for a, b, least in zip(inward, outward, compulsory)) * 1.12)
        axes.set_xlabel(f"{unit} through the memory port (figure: over compulsory)")
        legend(figure, parts)
        return svg(figure)
