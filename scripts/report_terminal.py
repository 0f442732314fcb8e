"""The report as tables in the terminal, narrow enough for 80 columns."""
from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from scripts import summary
from scripts.summary import Report, percent, ratio


def new_table(title: str, left: list[str], right: list[str]) -> Table:
    """An empty table; left, right: headings of columns of words and of numbers."""
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, header_style="dim")
    for heading in left:
        table.add_column(heading, no_wrap=True)
    for heading in right:
        table.add_column(heading, justify="right")
    return table


def layer_table(report: Report) -> Table:
    """Shapes and densities: what there was to skip."""
    table = new_table("Layers", ["layer", "shape"], ["weights kept", "chunks a row", "non-zero inputs", "events an image"])
    lanes = report["array"]["lanes"]
    for layer in report["layers"]:
        table.add_row(
            layer["name"], layer["shape"], percent(layer["weight_density"]),
            f"{summary.chunk_mean(layer):.2f} of {summary.full_row(layer, lanes)}",
            percent(layer["activation_density"]), f"{layer['events'] / report['images']:,.0f}",
        )
    return table


def cycle_table(report: Report) -> Table:
    """Cycles of an image in each mode, and how well the last column's mode used the array."""
    modes, detail = list(report["modes"]), summary.detail_mode(report)
    table = new_table(f"Cycles an image (beats, utilisation and efficiency in {detail})", ["layer"],
                   [*modes, "beats", "utilisation", "efficiency"])
    for layer in report["layers"]:
        table.add_row(
            layer["name"], *(f"{layer['mode_cycles'][mode] / report['images']:,.0f}" for mode in modes),
            f"{layer['effectual_beats'] / report['images']:,.0f}", percent(layer["utilisation"]),
            percent(layer["efficiency"]),
        )
    return table


def stall_table(report: Report) -> Table:
    """Where the PEs' cycles went; each line adds up to 100 %."""
    causes = list(report["layers"][0]["stalls"])
    table = new_table(f"PE cycles by cause ({summary.detail_mode(report)})", ["layer"],
                   ["beats", *map(summary.cause_label, causes)])
    for layer in report["layers"]:
        shares = summary.cycle_shares(layer, report["array"]["pes"])
        table.add_row(layer["name"], *(percent(shares[cause]) for cause in ("beats", *causes)))
    return table


def gain_table(report: Report) -> Table:
    """Each mode against dense, measured and by the densities alone."""
    table = new_table("Modes", ["mode"], ["cycles an image", "over dense", "ideal"])
    for gain in summary.gains(report):
        table.add_row(gain.mode, f"{gain.cycles_per_image:,.0f}", ratio(gain.ratio), ratio(gain.ideal_ratio))
    return table


def program() -> str:
    """How this program was started, as it can be typed again: a virtual environment need not be on PATH."""
    started = Path(sys.argv[0])
    found = shutil.which(started.name)
    if found and os.path.samefile(found, started):
        return started.name
    return os.path.relpath(started)


def next_commands(network: str) -> list[str]:
    """The two commands worth typing after a run."""
    return [f"{program()} run {network} --images all --mode both", f"{program()} run {network} --array 4x32"]


def show(report: Report, network: str, json_file: Path, html_file: Path) -> None:
    """Print the report. network: as the user named it."""
    # Redirected output has no width of its own; rich would take 80 and fold the tables of long layer lists.
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 110)
    array = report["array"]
    console.print(f"\n[bold]{report['network']}[/bold] on {array['pes']} x {array['lanes']}, "
                  f"{report['images']} images, {report['simulator']}\n")
    for table in (layer_table, cycle_table, stall_table, gain_table):
        console.print(table(report))
        console.print()

    correct = round(report["accuracy"] * report["images"])
    word, sentence = summary.verdict(report)
    style = {"yes": "green", "no": "bold red", "open": "yellow"}[word]
    console.print(f"accuracy            {percent(report['accuracy'], 2)}  ({correct} of {report['images']})")
    console.print(f"outputs             [{style}]{sentence}[/{style}]", soft_wrap=True)
    detail = summary.detail_mode(report)
    console.print(f"cycles an image     {report['modes'][detail] / report['images']:,.0f}  ({detail})")
    console.print(f"simulated           {report['cycles_per_second']:,.0f} cycles a second")
    regrouped = summary.change(summary.regroup_cost(report, *report["layers"]))
    console.print(f"stored weights      {regrouped} by regrouping chunks of {report['chunk']} to {array['lanes']} lanes")
    console.print(f"reports             {html_file}, {json_file}\n")
    console.print("Next:")
    for command in next_commands(network):
        console.print(f"  [bold]{command}[/bold]", soft_wrap=True)
