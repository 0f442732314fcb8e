"""`cascadefire benchmark`: every shipped network on several arrays, in all modes, with the machine and versions."""
from __future__ import annotations

import json
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table

from cascadefire import network as graph
from scripts import arguments, files, summary
from scripts.progress import RunProgress
from scripts.run import held_out, simulate

JSON_FILE = Path("build/benchmark.json")


def benchmark(
    images: str = typer.Option("all", metavar="N", help="Held-out digits to run, or all."),
    arrays: str = typer.Option("1x8,4x8,4x32", metavar="PxC,..", help="Arrays, separated by commas."),
    networks: str = typer.Option("", metavar="NAME,..", help="Shipped networks, all of them by default."),
    mode: str = typer.Option("all", metavar="MODE", help="dense, csp, mnf, both or all."),
    json_file: Path = typer.Option(JSON_FILE, "--json", metavar="FILE", help="Where the reports go, one a line."),
) -> None:
    """Run held-out digits on the RTL for the tables of docs/core.md; half an hour and more with all of them."""
    sizes = [arguments.parse_array(one) for one in arrays.split(",")]
    names = [arguments.one_of("network", name, graph.names()) for name in networks.split(",") if name] or graph.names()
    modes = arguments.parse_modes(mode)
    files.prepare((json_file,), defaults=(JSON_FILE,))
    reports = []
    for name in names:
        net = graph.load(name)
        pixels, labels = held_out(net, images)
        for size in sizes:
            with RunProgress(modes, len(pixels)) as progress:
                report = simulate(net, pixels, labels, array=size, modes=modes, progress=progress.update, status=progress.status)
            reports.append({key: value for key, value in report.items() if key != "wrong"})
            # After each, so that a run that is broken off leaves what it measured.
            files.write_text(json_file, "".join(json.dumps(one, allow_nan=False) + "\n" for one in reports))
    _show(reports)
    if not all(report["bit_exact"] for report in reports):
        typer.echo("cascadefire: the hardware's outputs differ from the reference", err=True)
        raise typer.Exit(1)


def _show(reports: list[dict]) -> None:
    console = Console()
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("network", "array", "mode"):
        table.add_column(heading, no_wrap=True)
    for heading in ("cycles an image", "over dense", "ideal"):
        table.add_column(heading, justify="right", no_wrap=True)
    for report in reports:
        array = f"{report['array']['pes']} x {report['array']['lanes']}"
        for gain in summary.gains(report):
            table.add_row(report["network"], array, gain.mode, f"{gain.cycles_per_image:,.0f}", summary.ratio(gain.ratio),
                          summary.ratio(gain.ideal_ratio))
        verdict = "every output equal to the reference" if report["bit_exact"] else "OUTPUTS DIFFER FROM THE REFERENCE"
        console.print(f"{report['network']} on {array}: {report['images']} digits, {summary.percent(report['accuracy'], 2)} right, "
                      f"{verdict}, {report['cycles_per_second']:,.0f} cycles/s", highlight=False, soft_wrap=True)
    console.print()
    console.print(table)
    console.print()
    last = reports[-1]
    for key, value in {**last["machine"], **last["versions"], "seed": last["seed"], "memory latency": last["latency"]}.items():
        console.print(f"{key:<16}{value}", highlight=False)
