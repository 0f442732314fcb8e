"""`cascadefire run`: a network through the simulated hardware, then the reports.

Digits go through the shipped networks, a photograph through VGG-16, drawn values through tables of shapes and densities.
"""
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
VGG16 = "vgg16"


def load_network(name: str, *others: str) -> graph.Network:
    """A shipped name or the path of a YAML file. others: names that the command knows besides."""
    shipped = graph.names()
    if name not in shipped and Path(name).suffix != ".yaml":
        known = [*shipped, *others]
        raise InputError(f"network must be a .yaml file or one of {', '.join(known)}, not {name}{arguments.suggestion(name, known)}")
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


APPLIES = {"images": "digit networks", "photo": "vgg16", "side": "vgg16", "batch": "workloads", "layers": "workloads",
           "shrink": "workloads", "seed": "workloads", "port-bits": "vgg16 and workloads", "latency": "vgg16 and workloads",
           "acc-depth": "vgg16 and workloads"}
"""Options that are not for everything -> what they are for."""


def choose(network: str | None, workload: str | None, options: dict[str, Any]) -> str:
    """Return what is run, "digit networks", "vgg16" or "workloads"; InputError for options that do not belong to it."""
    if (network is None) == (workload is None):
        raise InputError("give either a NETWORK or --workload FILE_OR_NAME" + (", not both" if network else ""))
    kind = "workloads" if workload else "vgg16" if network == VGG16 else "digit networks"
    foreign = {option: value for option, value in options.items() if kind not in APPLIES[option]}
    arguments.refuse(foreign, APPLIES, workload or str(network))
    return kind


def load_subject(network: str | None, workload: str | None, photo: str | None = None, side: str | None = None, batch: str | None = None,
                 layers: str | None = None, shrink: str | None = None, seed: str | None = None):
    """A Subject from the options as typed; numbers are checked before anything is built."""
    numbers = {name: arguments.parse_whole(name, value, low, high) for name, value, low, high in
               (("side", side, 16, 2048), ("batch", batch, 1, 1024), ("shrink", shrink, 1, 64), ("seed", seed, 0, None))
               if value is not None}
    # Imported here: the graphs' side loads what digits do not need.
    from scripts import subjects

    return subjects.photograph(photo, **numbers) if network else subjects.table(workload, layers=layers, **numbers)


def run(
    network: Optional[str] = typer.Argument(None, metavar="NETWORK", show_default=False,
                                            help="A shipped network (see `cascadefire networks`), a YAML file, or vgg16."),
    workload: Optional[str] = typer.Option(None, metavar="FILE_OR_NAME", help="Instead: a table of shapes and densities, drawn weights."),
    array: Optional[str] = typer.Option(None, metavar="PxC", help="PEs x lanes, 1x4 to 8x32.  [digits: 4x8, else 4x32]"),
    mode: Optional[str] = typer.Option(None, metavar="MODE", help="dense, csp, mnf, both or all.  [digits: all, else both]"),
    sim: str = typer.Option("verilator", metavar="SIM", help="verilator, myhdl or model (cycle model, no hardware)."),
    images: Optional[str] = typer.Option(None, metavar="N", help="Digits: held-out images to run, or all.  [20]"),
    photo: Optional[str] = typer.Option(None, metavar="FILE", help="vgg16: the photograph.  [one that a package has]"),
    side: Optional[str] = typer.Option(None, metavar="N", help="vgg16: height and width of the input.  [224]"),
    batch: Optional[str] = typer.Option(None, metavar="N", help="Workloads of fully connected layers: inputs at once.  [1]"),
    layers: Optional[str] = typer.Option(None, metavar="NAME,..", help="Workloads: conv, fc or names of layers.  [all]"),
    shrink: Optional[str] = typer.Option(None, metavar="N", help="Workloads: divide height and width of the input.  [1]"),
    seed: Optional[str] = typer.Option(None, metavar="N", help="Workloads: seed of what is drawn.  [1]"),
    port_bits: Optional[str] = typer.Option(None, metavar="N", help="Not for digits: width of the memory port, 16 to 128.  [64]"),
    latency: Optional[str] = typer.Option(None, metavar="N", help="Not for digits: memory latency in cycles.  [20]"),
    acc_depth: Optional[str] = typer.Option(None, metavar="N", help="Not for digits: partial sums a lane.  [chosen]"),
    json_file: Path = typer.Option(JSON_FILE, "--json", metavar="FILE", help="Where the JSON report goes."),
    html_file: Path = typer.Option(HTML_FILE, "--html", metavar="FILE", help="Where the HTML report goes."),
    trace: Optional[Path] = typer.Option(None, metavar="FILE", help="Waveform to write, .fst or .vcd."),
) -> None:
    """Run held-out digits, a photograph or a drawn workload through the hardware, then report."""
    kind = choose(network, workload, {"images": images, "photo": photo, "side": side, "batch": batch, "layers": layers, "shrink": shrink,
                                      "seed": seed, "port-bits": port_bits, "latency": latency, "acc-depth": acc_depth})
    digit = kind == "digit networks"
    size = arguments.parse_array(array or ("4x8" if digit else "4x32"))
    modes = arguments.parse_modes(mode or ("all" if digit else "both"))
    simulator = arguments.one_of("sim", sim, arguments.SIMULATORS)
    if trace is not None:
        arguments.check_trace(trace, simulator)
    if digit:
        run_digits(network, images or "20", size, modes, simulator, json_file, html_file, trace)
        return
    from scripts import graph_run

    fields = arguments.core_overrides(size[1], port_bits, acc_depth)
    cycles = graph_run.LATENCY if latency is None else arguments.parse_whole("latency", latency, 1, 100_000)
    files.prepare((json_file, html_file, trace), defaults=(JSON_FILE, HTML_FILE))
    subject = load_subject(network, workload, photo, side, batch, layers, shrink, seed)
    graph_run.run_subject(subject, json_file, html_file, trace, array=size, modes=modes, sim=simulator, latency=cycles, **fields)


def run_digits(network: str, images: str, array: tuple[int, int], modes: list[str], sim: str, json_file: Path, html_file: Path,
               trace: Path | None) -> None:
    """Run held-out digits through a network with labels."""
    net = load_network(network, VGG16)
    pixels, labels = held_out(net, images)
    files.prepare((json_file, html_file, trace), defaults=(JSON_FILE, HTML_FILE))
    with files.replacing(trace) if trace else nullcontext() as waveform, RunProgress(modes, len(pixels)) as progress:
        report = simulate(net, pixels, labels, array=array, modes=modes, sim=sim, trace=waveform, progress=progress.update,
                          status=progress.status)
    report["chunk"] = net.chunk
    write_reports(report, json_file, html_file)
    report_terminal.show(report, network, json_file, html_file)
    if report["bit_exact"] is False:
        typer.echo("cascadefire: the hardware's outputs differ from the reference", err=True)
        raise typer.Exit(1)
