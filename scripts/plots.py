"""The style that all plots share: colours, inline SVG that takes its text colour from the page, figures of one width."""
from __future__ import annotations

import io
import re

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from scripts.summary import cause_label

# Told apart under the common colour-vision deficiencies, and readable on white and on near-black.
PALETTE = ("#0f9d76", "#d98c1f", "#4a7fd6", "#c25b9b", "#8a8f98", "#c9483a", "#5fb3d9", "#a8a23a", "#7d63c4", "#b8793f")

WIDTH = 9  # inches

# A colour that no plot uses stands for the page's text colour, which SVG calls currentColor.
INK = "#010203"


def svg(figure: Figure) -> str:
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True,
                   metadata={key: None for key in ("Date", "Creator", "Format", "Type")})
    text = buffer.getvalue()
    opening, drawing = text[text.index("<svg"):].replace(INK, "currentColor").split(">", 1)
    # Without its size in points the drawing scales with the page; the viewBox keeps its proportions.
    return re.sub(r' (width|height)="[^"]*"', "", opening) + ">" + drawing


def style() -> matplotlib.RcParams:
    return matplotlib.rc_context({
        "svg.fonttype": "none", "svg.hashsalt": "cascadefire", "font.family": "sans-serif", "font.size": 10,
        "text.color": INK, "axes.labelcolor": INK, "axes.edgecolor": INK, "xtick.color": INK, "ytick.color": INK,
        "axes.spines.top": False, "axes.spines.right": False, "axes.titlesize": 10, "axes.titlelocation": "left",
    })


def bars(count: int, columns: int = 1, **options) -> tuple[Figure, Axes]:
    """A figure for that many horizontal bars, the first on top; all figures are as wide, so that the page scales them alike.

    Many bars move together and their names shrink, down to what can still be read. columns: plots side by side on one list of
    names; options: as of Figure.subplots.
    """
    pitch = min(0.46, max(0.17, 12 / count))
    figure = Figure(figsize=(WIDTH, pitch * count + 1.1), layout="constrained")
    axes = figure.subplots(1, columns, sharey=True, **options)
    for one in (axes if columns > 1 else [axes]):
        one.set_ylim(count - 0.4, -0.6)
        one.tick_params(axis="y", labelsize=10 if pitch > 0.3 else 7.5)
    return figure, axes


def text_size(count: int) -> float:
    """Size of the figures written at that many bars."""
    return 9 if count <= 40 else 7


def legend(figure: Figure, handles: list) -> None:
    figure.legend(handles=handles, loc="outside upper left", ncols=len(handles), frameon=False, fontsize=9, handlelength=1,
                  handletextpad=0.5, borderpad=0, columnspacing=1.2)


def cause_bars(names: list[str], shares: list[dict[str, float]], height: float) -> str:
    """One bar a name: its shares of PE cycles by cause, one behind the other. height: of a bar, 1 leaves no gap."""
    with style():
        figure, axes = bars(len(names))
        parts, start = [], [0.0] * len(names)
        for index, cause in enumerate(shares[0]):
            widths = [100 * share[cause] for share in shares]
            parts.append(axes.barh(names, widths, left=start, height=height, label=cause_label(cause),
                                   color=PALETTE[index % len(PALETTE)]))
            start = [a + b for a, b in zip(start, widths)]
        axes.set_xlim(0, 100)
        axes.set_xlabel("share of PE cycles, %")
        legend(figure, parts)
        return svg(figure)
