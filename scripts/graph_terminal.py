"""The report of a graph run as tables in the terminal: shapes, cycles against their rooflines, stalls."""
from __future__ import annotations

import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from scripts import graph_summary as figures
from scripts import summary
from scripts.report_terminal import new_table, program
from scripts.summary import Report, detail_mode, over_dense, percent, ratio

WIDTH = 110  # of redirected output, which has no width of its own


def _number(value: float) -> str:
    return f"{value:,.0f}"


def _share(value: float) -> str:
    """Per cent without the sign, which the heading has."""
    return f"{100 * value:.1f}"


def layer_table(report: Report) -> Table:
    """Shapes and densities: what there was to skip."""
    table = new_table("Layers", ["layer", "kind", "shape"], ["weights kept, %", "inputs not 0, %", "events", "passes"])
    for layer in report["layers"]:
        table.add_row(layer["name"], layer["kind"], layer["shape"], _share(layer["weight_density"]),
                      _share(layer["activation_density"]), _number(layer["events"]), str(layer["passes"]))
    return table


def cycle_table(report: Report) -> Table:
    """Measured cycles beside the two bounds and the larger of them."""
    detail = detail_mode(report)
    others = [mode for mode in report["modes"] if mode != detail]
    table = new_table(f"Cycles ({detail}; efficiency = roofline / cycles)", ["layer"],
                   [*others, "cycles", "ideal", "memory", "roofline", "used, %", "effi- ciency, %"])
    for layer in report["layers"]:
        table.add_row(layer["name"], *(_number(layer["mode_cycles"][mode]) for mode in (*others, detail)),
                      *(_number(layer[f"{key}_cycles"]) for key in ("ideal", "memory", "roofline")),
                      _share(layer["utilisation"]), _share(layer["efficiency"]))
    totals = report["totals"]
    table.add_section()
    table.add_row("all", *(_number(report["modes"][mode]) for mode in (*others, detail)),
                  *(_number(totals[key]) for key in ("ideal", "memory", "roofline")),
                  _share(totals["utilisation"]), _share(totals["efficiency"]), style="bold")
    return table


def stall_table(report: Report) -> Table:
    """Where the PEs' cycles went; each line adds up to 100 %."""
    table = new_table(f"PE cycles by cause, % ({detail_mode(report)})", ["layer"], figures.headings(report))
    for layer, share in zip(report["layers"], figures.shares(report)):
        table.add_row(layer["name"], *map(_share, share.values()))
    table.add_section()
    table.add_row("all", *map(_share, figures.total_shares(report).values()), style="bold")
    return table


def gain_table(report: Report) -> Table:
    """Each mode against dense, measured and by the densities alone."""
    table = new_table("Modes", ["mode"], ["cycles", "over dense", "ideal"])
    modes, ideal = report["modes"], report["modes_ideal"]
    for mode, cycles in modes.items():
        table.add_row(mode, _number(cycles), *(ratio(over_dense(one, mode)) for one in (modes, ideal)))
    return table


def next_commands(report: Report) -> list[str]:
    """The two commands worth typing after a run."""
    pes, lanes = report["array"].values()
    start, again = f"{program()} run {report['command']}", f" --array {pes}x{lanes}"
    following = [f"{program()} sweep {report['command']}{again} --over port"]
    return [*([] if len(report["modes"]) > 1 else [f"{start}{again} --mode all"]), *following][:2]


def show(report: Report, json_file: Path, html_file: Path) -> None:
    """Print the report."""
    console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH)
    console.print(f"\n[bold]{figures.title(report)}[/bold] on {figures.array_name(report)}, {report['simulator']}, port of "
                  f"{8 * report['port_bytes']} bits, memory latency {report['latency']}\n", soft_wrap=True)
    tables = [layer_table, cycle_table, stall_table, *([gain_table] if len(report["modes"]) > 1 else [])]
    for table in tables:
        console.print(table(report))
        console.print()
    for line in figures.assumed(report):
        console.print(line, soft_wrap=True)
    word, sentence = summary.verdict(report)
    style = {"yes": "green", "no": "bold red", "open": "yellow"}[word]
    worst = figures.lowest(report)
    inward, outward, compulsory = figures.traffic(report)
    console.print(f"outputs             [{style}]{sentence}[/{style}]", soft_wrap=True)
    console.print(f"cycles              {_number(report['cycles'])}  ({detail_mode(report)})")
    console.print(f"efficiency          {percent(report['totals']['efficiency'])}  "
                  f"(lowest: {worst['name']}, {percent(worst['efficiency'])})")
    console.print(f"memory traffic      {figures.size(inward)} read, {figures.size(outward)} written, "
                  f"{figures.size(compulsory)} compulsory")
    console.print(f"memory on chip      {figures.size(report['on_chip_bytes'])}")
    console.print(f"simulated           {_number(report['cycles_per_second'])} cycles a second, "
                  f"{_number(report['seconds'])} s in all")
    console.print(f"reports             {html_file}, {json_file}\n", soft_wrap=True)
    console.print("Next:")
    for command in next_commands(report):
        console.print(f"  [bold]{command}[/bold]", soft_wrap=True)
