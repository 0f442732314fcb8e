"""`cascadefire sweep`: one network over port widths, memory latencies or input sides, as a table and a page with a plot."""
from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Optional

import typer
from rich.console import Console
from rich.table import Table

from cascadefire.errors import InputError
from scripts import arguments, files, graph_run, html_parts, summary
from scripts import graph_summary as figures
from scripts.run import VGG16, choose, load_network, load_subject
from scripts.summary import percent

JSON_FILE = Path("build/sweep.json")
HTML_FILE = Path("build/sweep.html")
VALUES = {"port": arguments.PORT_BITS, "latency": (5, 20, 50, 100, 200), "side": (32, 64, 112, 224, 448)}
UNITS = {"port": "bits of the memory port", "latency": "cycles of memory latency", "side": "pixels, side of the input"}


def sweep(
    network: Optional[str] = typer.Argument(None, metavar="NETWORK", show_default=False, help="vgg16."),
    workload: Optional[str] = typer.Option(None, metavar="FILE_OR_NAME", help="Instead: a table of shapes and densities, drawn weights."),
    over: str = typer.Option(..., metavar="WHAT", help="port, latency or side."),
    values: Optional[str] = typer.Option(None, metavar="N,..", help="Its values.  [port: 16 to 128, latency: 5 to 200, side: 32 to 448]"),
    array: str = typer.Option(graph_run.ARRAY, metavar="PxC", help="PEs x lanes, from 1x4 to 8x32."),
    mode: str = typer.Option("both", metavar="MODE", help="dense, csp, mnf or both."),
    sim: str = typer.Option("verilator", metavar="SIM", help="verilator, myhdl or model (cycle model, no hardware)."),
    photo: Optional[str] = typer.Option(None, metavar="FILE", help="vgg16: the photograph.  [one that a package has]"),
    side: Optional[str] = typer.Option(None, metavar="N", help="vgg16: height and width of the input.  [224]"),
    batch: Optional[str] = typer.Option(None, metavar="N", help="Workloads of fully connected layers: inputs at once.  [1]"),
    layers: Optional[str] = typer.Option(None, metavar="NAME,..", help="Workloads: conv, fc or names of layers.  [all]"),
    shrink: Optional[str] = typer.Option(None, metavar="N", help="Workloads: divide height and width of the input.  [1]"),
    seed: Optional[str] = typer.Option(None, metavar="N", help="Workloads: seed of what is drawn.  [1]"),
    port_bits: Optional[str] = typer.Option(None, metavar="N", help="Width of the memory port, 16 to 128.  [64]"),
    latency: Optional[str] = typer.Option(None, metavar="N", help="Memory latency in cycles.  [20]"),
    acc_depth: Optional[str] = typer.Option(None, metavar="N", help="Partial sums a lane.  [chosen]"),
    json_file: Path = typer.Option(JSON_FILE, "--json", metavar="FILE", help="Where the reports go, one a line."),
    html_file: Path = typer.Option(HTML_FILE, "--html", metavar="FILE", help="Where the page goes."),
) -> None:
    """Measure efficiency against one setting, the others held."""
    options = {"photo": photo, "side": side, "batch": batch, "layers": layers, "shrink": shrink, "seed": seed}
    if choose(network, workload, options) == "digit networks":
        load_network(network, VGG16)
        raise InputError(f"sweeps are for vgg16 and workloads, not for {network}")
    size = arguments.parse_array(array)
    arguments.one_of("over", over, VALUES)
    arguments.one_of("mode", mode, arguments.MODES)
    simulator = arguments.one_of("sim", sim, arguments.SIMULATORS)
    held = {"port": ("port-bits", port_bits), "latency": ("latency", latency), "side": ("side", side)}
    option, given = held[over]
    if given is not None:
        raise InputError(f"--{option} cannot be held in a sweep over the {over}")
    if over == "side" and shrink is not None:
        raise InputError("--shrink cannot be held in a sweep over the side")
    points = points_of(over, values, workload, size[1])
    fields = arguments.core_overrides(size[1], port_bits, acc_depth)
    cycles = graph_run.LATENCY if latency is None else arguments.parse_whole("latency", latency, 1, 100_000)
    files.prepare((json_file, html_file), defaults=(JSON_FILE, HTML_FILE))
    settings = {"array": size, "sim": simulator, "latency": cycles, **fields}
    subject, reports = None, {}
    for point in points:
        if over == "side":
            chosen = {"side": str(point)} if network else {"shrink": str(shrink_of(workload, point))}
            subject = load_subject(network, workload, **(options | chosen))
        elif subject is None:
            subject = load_subject(network, workload, **options)
        own = {"port": {"weight_bytes": point // 8}, "latency": {"latency": point}, "side": {}}[over]
        typer.echo(f"{subject.name}, {point} {UNITS[over]}", err=True)
        reports[point] = graph_run.measure(subject, [mode], **(settings | own))
        reports[point].pop("pictures", None)
        files.write_text(json_file, "".join(json.dumps({over: key} | one, allow_nan=False) + "\n" for key, one in reports.items()))
    show(over, reports)
    files.write_text(html_file, page(over, reports))
    typer.echo(f"\nreports             {html_file}, {json_file}")
    graph_run.verdict_or_exit(*reports.values())


def points_of(over: str, values: str | None, workload: str | None, lanes: int) -> list[int]:
    """The values of the sweep, ascending."""
    if over == "side" and workload:
        # Tables have shapes of their own: their input can only be divided.
        from scripts.subjects import side_of

        full = side_of(workload)
        offered = [full // by for by in (8, 7, 4, 2, 1) if full % by == 0]
    else:
        offered = [value for value in VALUES[over] if over != "port" or value <= 8 * lanes]
    if values is None:
        return offered
    wanted = [value for value in values.split(",") if value]
    if not wanted:
        raise InputError("values must be numbers separated by commas")
    if over == "port":
        return sorted({arguments.parse_port_bits(value, lanes) for value in wanted})
    if over == "side" and workload:
        for value in wanted:
            if value not in map(str, offered):
                raise InputError(f"values must be among {', '.join(map(str, offered))}, whole parts of the table's side, not {value}")
        return sorted({int(value) for value in wanted})
    low, high = (1, 100_000) if over == "latency" else (16, 2048)
    return sorted({arguments.parse_whole("values", value, low, high) for value in wanted})


def shrink_of(workload: str, side: int) -> int:
    from scripts.subjects import side_of

    return side_of(workload) // side


def columns(over: str, reports: dict[int, dict]) -> tuple[list[str], list[list[str]]]:
    """Headings and rows of the table, for both forms."""
    rows = []
    for point, report in reports.items():
        beats = sum(layer["effectual_beats"] for layer in report["layers"])
        totals, worst = report["totals"], figures.lowest(report)
        cycles = report["cycles"], totals["ideal"], totals["memory"], totals["roofline"]
        rows.append([f"{point:,}", *(f"{value:,.0f}" for value in cycles),
                     percent(totals["efficiency"]), percent(totals["utilisation"]), percent(worst["efficiency"]), worst["name"],
                     f"{report['cycles'] * report['array']['pes'] / beats if beats else 0:.3f}"])
    return [over, "cycles", "ideal", "memory", "roofline", "efficiency", "utilisation", "lowest layer", "which", "PE cycles a beat"], rows


def show(over: str, reports: dict[int, dict[str, Any]]) -> None:
    console = Console(highlight=False, width=130)
    names, rows = columns(over, reports)
    first = next(iter(reports.values()))
    held = {"port": f"port of {8 * first['port_bytes']} bits", "latency": f"latency {first['latency']}"}
    console.print(f"{figures.title(first)} on {figures.array_name(first)} over {UNITS[over]}; "
                  f"{', '.join(text for key, text in held.items() if key != over)}; {first['simulator']}\n", soft_wrap=True)
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in names:
        table.add_column(name, justify="left" if name == "which" else "right", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    console.print(table)
    for line in figures.assumed(first):
        console.print(line, soft_wrap=True)


def page(over: str, reports: dict[int, dict[str, Any]]) -> str:
    """The sweep as one HTML page."""
    import html

    from scripts import sweep_plots

    names, rows = columns(over, reports)
    first = next(iter(reports.values()))
    exact = [summary.verdict(report) for report in reports.values()]
    word, sentence = next((one for one in exact if one[0] != "yes"), exact[0])
    settings = {"array": figures.array_name(first), **figures.surroundings(first)}
    for key in ("seconds", {"port": "memory port", "latency": "memory latency", "side": ""}[over]):
        settings.pop(key, None)
    remarks = [*figures.assumed(first), *first.get("notes", ()), *figures.sources(first)]
    return html_parts.page(
        "sweep_page.html", title=html.escape(f"{figures.title(first) if over != 'side' else first['network']} over the {over}"),
        unit=UNITS[over], simulator=html.escape(first["simulator"]), verdict_class=word, verdict=sentence,
        plot=sweep_plots.over(UNITS[over], reports), layer_plot=sweep_plots.layers_over(UNITS[over], reports),
        table=html_parts.table(names, rows, text_columns=0), remarks=html_parts.sentences(remarks),
        surroundings=html_parts.table(["", ""], settings.items(), text_columns=2),
    )
