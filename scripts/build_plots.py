"""The pictures of a build's page: floorplan and utilisation, each a string of inline SVG."""
from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from fpga.build.floorplan import Floorplan
from scripts.build_terminal import LABELS
from scripts.plots import INK, PALETTE, WIDTH, bars, style, svg

MARKS = {"ram": ("s", "block RAM"), "dsp": ("D", "multiplier"), "spram": ("P", "single-port RAM")}
PALEST = 0.35


def utilisation(resources: dict[str, Any]) -> str:
    """One bar a resource: used of available."""
    labels = [LABELS[label] for label in resources]
    shares = [100 * item["used"] / item["available"] for item in resources.values()]
    with style():
        figure, axes = bars(len(labels))
        axes.barh(labels, [100] * len(labels), height=0.62, color=PALETTE[4], alpha=0.25)
        axes.barh(labels, shares, height=0.62, color=PALETTE[0])
        for row, item in enumerate(resources.values()):
            axes.annotate(f"{item['used']:,} of {item['available']:,}", (max(shares[row], 1), row), (6, 0), textcoords="offset points",
                          va="center")
        axes.set_xlim(0, 115)
        axes.set_xlabel("used, %")
        return svg(figure)


def floorplan(plan: Floorplan) -> str:
    """A square a tile in the colour of the block that has most of it, the fuller the darker; marks are RAMs and multipliers."""
    sizes: dict[str, int] = {}
    for blocks in plan.logic.values():
        for block, cells in blocks.items():
            sizes[block] = sizes.get(block, 0) + cells
    order = sorted(sizes, key=lambda block: -sizes[block])
    named = order[:len(PALETTE) - 1]
    colours = {block: PALETTE[index] if block in named else PALETTE[-1] for index, block in enumerate(order)}
    fullest = max((sum(blocks.values()) for blocks in plan.logic.values()), default=1)
    pixels = np.zeros((plan.height, plan.width, 4))
    for (x, y), blocks in plan.logic.items():
        most = max(blocks, key=lambda block: blocks[block])
        pixels[y, x] = (*to_rgb(colours[most]), PALEST + (1 - PALEST) * sum(blocks.values()) / fullest)
    with style():
        figure = Figure(figsize=(WIDTH, 1.2 + WIDTH * min(1.2, plan.height / plan.width)), layout="constrained")
        axes = figure.subplots()
        axes.imshow(pixels, origin="lower", interpolation="nearest")
        handles = [Patch(color=colours[block], label=f"{block} ({sizes[block]:,})") for block in named]
        if len(order) > len(named):
            handles.append(Patch(color=PALETTE[-1], label=f"{len(order) - len(named)} others"))
        for kind, (mark, label) in MARKS.items():
            spots = [(x, y) for x, y, what, _ in plan.hard if what == kind]
            if spots:
                handles.append(axes.scatter(*zip(*spots), marker=mark, s=16, facecolors="none", edgecolors=INK, linewidths=0.7,
                                            label=f"{label} ({len(spots)})"))
        axes.set_xlabel("column of tiles")
        axes.set_ylabel("row of tiles")
        figure.legend(handles=handles, loc="outside upper left", ncols=4, frameon=False, fontsize=9)
        return svg(figure)
