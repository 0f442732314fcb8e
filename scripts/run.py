"""`cascadefire run`: digits through the simulated hardware, then the reports."""
from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Optional

import numpy as np
import typer

from cascadefire import digits
from cascadefire import network as graph
from cascadefire.errors import InputError
from scripts import arguments, files, report_terminal
from scripts.progress import RunProgress

JSON_FILE = Path("build/report.json")
HTML_FILE = Path("build/report.html")


def load_network(name: str) -> graph.Network:
    """A shipped name or the path of a YAML file."""
    shipped = graph.names()
    if name not in shipped and Path(name).suffix != ".yaml":
        raise InputError(f"network must be a .yaml file or one of {', '.join(shipped)}, "
                         f"not {name}{arguments.suggestion(name, shipped)}")
    return graph.load(name)


def held_out(network: graph.Network, count: str) -> tuple[np.ndarray, np.ndarray]:
    """`count` held-out digits, uint8 [N, 1, 28, 28], and their labels.

    The held-out part is sorted by class, so fewer than all are taken at even distances: ten of them meet every class.
    """
    images, labels = digits.load()
    _, positions = digits.split(labels)
    wanted = arguments.parse_images(count, len(positions))
    shape = (1, *images.shape[1:])
    if tuple(network.input_shape) != shape:
        raise InputError(f"the network's input must be {' x '.join(map(str, shape))}, the shape of the shipped digits, "
                         f"not {' x '.join(map(str, network.input_shape))}")
    chosen = positions[(2 * np.arange(wanted) + 1) * len(positions) // (2 * wanted)]
    return images[chosen][:, None], labels[chosen]


def simulate(network: graph.Network, images: np.ndarray, labels: np.ndarray, **options: Any) -> dict[str, Any]:
    """Hand over to the benches, imported here since they load the simulators."""
    from tb.run import run_network

    return run_network(network, images, labels, **options)


def write_reports(report: dict[str, Any], json_file: Path, html_file: Path) -> None:
    # The plots need matplotlib, which takes a second to import: not before bad input has been turned away.
    from scripts import report_html

    # One key a line: indented further, the pixels of the wrong digits would fill thousands of lines.
    lines = (f"{json.dumps(key)}: {json.dumps(value, allow_nan=False)}" for key, value in report.items())
    files.write_text(json_file, "{\n" + ",\n".join(lines) + "\n}\n")
    files.write_text(html_file, report_html.render(report))


def run(
    network: str = typer.Argument(metavar="NETWORK", help="A shipped network (see `cascadefire networks`) or a YAML file."),
    images: str = typer.Option("20", metavar="N", help="Held-out digits to run, or all."),
    array: str = typer.Option("4x8", metavar="PxC", help="PEs x lanes, from 1x4 to 8x32."),
    mode: str = typer.Option("all", metavar="MODE", help="dense, csp, mnf, both or all."),
    sim: str = typer.Option("verilator", metavar="SIM", help="verilator, myhdl or model (cycle model, no hardware)."),
    json_file: Path = typer.Option(JSON_FILE, "--json", metavar="FILE", help="Where the JSON report goes."),
    html_file: Path = typer.Option(HTML_FILE, "--html", metavar="FILE", help="Where the HTML report goes."),
    trace: Optional[Path] = typer.Option(None, metavar="FILE", help="Waveform to write, .fst or .vcd."),
) -> None:
    """Run held-out digits through the hardware, then report."""
    size = arguments.parse_array(array)
    modes = arguments.parse_modes(mode)
    simulator = arguments.one_of("sim", sim, arguments.SIMULATORS)
    if trace is not None:
        arguments.check_trace(trace, simulator)
    net = load_network(network)
    pixels, labels = held_out(net, images)
    for path in (JSON_FILE, HTML_FILE):
        if path in (json_file, html_file):
            path.parent.mkdir(exist_ok=True)
    for path in filter(None, (json_file, html_file, trace)):
        files.check_writable(path)

    with files.replacing(trace) if trace else nullcontext() as waveform, RunProgress(modes, len(pixels)) as progress:
        report = simulate(net, pixels, labels, array=size, modes=modes, sim=simulator, trace=waveform, progress=progress.update,
                          status=progress.status)
    report["chunk"] = net.chunk
    write_reports(report, json_file, html_file)
    report_terminal.show(report, network, json_file, html_file)
    if report["bit_exact"] is False:
        typer.echo("cascadefire: the hardware's outputs differ from the reference", err=True)
        raise typer.Exit(1)
