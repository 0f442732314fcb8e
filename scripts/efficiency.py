"""`cascadefire efficiency`: the large networks on one array, each against its roofline, with the machine and versions."""
from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Optional

import typer
from rich.console import Console
from rich.table import Table

from cascadefire import workloads as tables
from cascadefire.errors import InputError
from scripts import arguments, files, graph_run, model_error
from scripts import graph_summary as figures
from scripts.summary import percent
from tb.toolchain import ToolError

JSON_FILE = Path("build/efficiency.json")
SIDE = 224
CASES = {
    "vgg16": {"photograph": True},
    "alexnet": {"name": "alexnet"},
    "googlenet": {"name": "googlenet"},
    "resnet50_str80": {"name": "resnet50_str80"},
    "mlp": {"name": "mlp_mnist_300_100"},
    "mlp_batch16": {"name": "mlp_mnist_300_100", "batch": 16},
    "alexnet_fc": {"name": "alexnet", "layers": "fc"},
    "alexnet_fc_batch16": {"name": "alexnet", "layers": "fc", "batch": 16},
    "transformer_csp": {"name": "transformer_csp"},
    "mobilenet05": {"name": "mobilenet05"},
}
"""Name -> what is run: VGG-16 with real weights, or a table, a part of it, a batch."""


def efficiency(
    array: str = typer.Option(graph_run.ARRAY, metavar="PxC", help="PEs x lanes, from 1x4 to 8x32."),
    workloads: str = typer.Option(",".join(CASES), metavar="NAME,..", help="Of these, or other shipped tables."),
    port_bits: str = typer.Option("64", metavar="N", help="Width of the memory port, 16 to 128."),
    latency: str = typer.Option(str(graph_run.LATENCY), metavar="N", help="Memory latency in cycles."),
    sim: str = typer.Option("verilator", metavar="SIM", help="verilator, model (cycle model, no hardware), or both and how they differ."),
    shrink: str = typer.Option("1", metavar="N", help="Divide height and width of the inputs, for a quick look."),
    seed: str = typer.Option("1", metavar="N", help="Of the drawn weights and inputs."),
    json_file: Optional[Path] = typer.Option(JSON_FILE, "--json", metavar="FILE", help="Where the reports go, one a line."),
) -> None:
    """Run large networks on the RTL and compare cycles with the roofline; minutes for each."""
    size = arguments.parse_array(array)
    known = list(dict.fromkeys([*CASES, *tables.names()]))
    names = [arguments.one_of("workloads", name, known) for name in workloads.split(",") if name]
    if not names:
        raise InputError(f"workloads must name at least one of {', '.join(known)}")
    simulator = arguments.one_of("sim", sim, ("verilator", "model", "both"))
    fields = arguments.core_overrides(size[1], port_bits, None)
    cycles = arguments.parse_whole("latency", latency, 1, 100_000)
    divide, drawn = arguments.parse_whole("shrink", shrink, 1, 64), arguments.parse_whole("seed", seed, 0)
    files.prepare((json_file,), defaults=(JSON_FILE,))
    reports, failures = {}, {}
    for name in names:
        try:
            subject = build(name, divide, drawn)
            typer.echo(f"{name}: {subject.name}", err=True)
            settings = {"array": size, "latency": cycles, **fields}
            report = graph_run.measure(subject, ["both"], sim="verilator" if simulator == "both" else simulator, **settings)
            if simulator == "both":
                report = model_error.with_model(report, graph_run.measure(subject, ["both"], sim="model", **settings))
            reports[name] = report
        except (ValueError, ToolError) as error:
            # One that fails must not take the others with it; it is shown, and the exit code tells.
            failures[name] = sentence(error)
            typer.echo(f"{name}: {failures[name]}", err=True)
            continue
        # After each, so that a run that is broken off leaves what it measured.
        lines = (json.dumps({"case": key, **report}, allow_nan=False) for key, report in reports.items())
        files.write_text(json_file, "\n".join(lines) + "\n")
    show(reports, failures, drawn)
    graph_run.verdict_or_exit(*reports.values())
    if failures:
        raise typer.Exit(1)


def build(name: str, shrink: int, seed: int):
    """Return the Subject of a case or of a table."""
    from scripts import subjects

    case = CASES.get(name, {"name": name})
    if "photograph" in case:
        return subjects.photograph(side=-(-SIDE // shrink))
    return subjects.table(**case, shrink=shrink, seed=seed)


def sentence(error: Exception) -> str:
    """What a failure says first and, where a tool printed more, what it said last."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    return lines[0] if len(lines) == 1 else f"{lines[0]} {lines[-1]}"


def row(name: str, report: dict[str, Any]) -> list[str]:
    """The figures of one network, as the table shows them."""
    totals, worst = report["totals"], figures.lowest(report)
    exact = {True: "yes", False: "NO", None: "-"}[report["bit_exact"]]
    numbers = (report["cycles"], totals["ideal"], totals["memory"], totals["roofline"])
    return [name, *(f"{value:,.0f}" for value in numbers), percent(totals["efficiency"]), percent(worst["efficiency"]), worst["name"],
            f"{report['cycles_per_second']:,.0f}", f"{report['seconds']:,.0f}", exact]


def show(reports: dict[str, dict], failures: dict[str, str], seed: int) -> None:
    """Print the table, then what it was measured with."""
    # As wide as it needs: the table is for files and documents as much as for the screen.
    console = Console(highlight=False, width=160)
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("workload", "cycles", "ideal", "memory", "roofline", "efficiency", "lowest layer", "which", "cycles/s", "s",
                    "exact"):
        table.add_column(heading, justify="left" if heading in ("workload", "which", "exact") else "right", no_wrap=True)
    for name, report in reports.items():
        table.add_row(*row(name, report))
    console.print(table)
    if reports and all("model_cycles" in report for report in reports.values()):
        console.print()
        console.print(model_error.table(reports))
    for name, reason in failures.items():
        console.print(f"{name} failed: {reason}", soft_wrap=True)
    console.print()
    for name, report in reports.items():
        for line in figures.assumed(report):
            console.print(f"{name}: {line}", soft_wrap=True)
    if reports:
        last = next(reversed(reports.values()))
        facts = {"array": figures.array_name(last), **figures.surroundings(last), "seed of the drawn values": seed}
        facts["seconds"] = f"{sum(report['seconds'] for report in reports.values()):,.0f} in all"
        facts["lowest efficiency"] = f"{percent(min(report['totals']['efficiency'] for report in reports.values()))} of a network"
        for key, value in facts.items():
            console.print(f"{key:<26}{value}", soft_wrap=True)
