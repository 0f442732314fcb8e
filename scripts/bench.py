"""`cascadefire bench`: networks and probes on a board, or on its virtual twin, through its serial port."""
from __future__ import annotations

import json
import re
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Optional

import numpy as np
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

from cascadefire import network as graph
from cascadefire import yaml_file
from cascadefire.errors import InputError
from scripts import arguments, bench_terminal, files
from scripts.run import held_out, load_network

VIRTUAL = "virtual:"
PEERS = Path(__file__).resolve().parents[1] / "data" / "peers.yaml"
STAGES = ("rtl", "synth", "routed")
PATIENCE = 2.0      # how much slower than just now a simulated board may become before the host sends again
UNITS = {"load": "words", "image": "images", "simulate": "images"}
WHAT = {"load": "program and weights", "image": "images", "simulate": "simulation"}


def bench(
    board: str = typer.Option(..., metavar="NAME", help="One of `cascadefire boards`; virtual:NAME simulates it."),
    port: Optional[str] = typer.Option(None, metavar="PORT", help="Serial port; found by the board's USB id by default."),
    network: Optional[str] = typer.Option(None, metavar="NAME,..|FILE", help="Digit networks; all that fit the board by default."),
    images: str = typer.Option("20", metavar="N", help="Held-out digits to run, or all."),
    mode: str = typer.Option("both", metavar="MODE", help="dense, csp, mnf or both."),
    array: Optional[str] = typer.Option(None, metavar="PxC", help="PEs x lanes of the bitstream; the board's own by default."),
    netlist: Optional[str] = typer.Option(None, metavar="STAGE", help="Virtual boards: rtl, synth or routed.  [rtl]"),
    baud: Optional[str] = typer.Option(None, metavar="N", help="Virtual boards: another rate of the line."),
    probes: bool = typer.Option(True, "--probes/--no-probes", help="Also measure peak rates, memory and link."),
    json_file: Optional[Path] = typer.Option(None, "--json", metavar="FILE", help="Write the report here."),
    html_file: Optional[Path] = typer.Option(None, "--html", metavar="FILE", help="Write a page here."),
    watts: Optional[str] = typer.Option(None, metavar="W", help="What a meter showed while it ran; there is no power without it."),
) -> None:
    """Run networks on a board and report accuracy, cycles from the chip's counters, and rates."""
    from fpga import board as boards

    virtual, name = board.startswith(VIRTUAL), board.removeprefix(VIRTUAL)
    given = {"netlist": netlist, "baud": baud} if not virtual else {"port": port}
    for option, value in given.items():
        if value is not None:
            raise InputError(f"--{option} is for {'boards that are there, not for virtual ones' if virtual else 'virtual boards'}")
    chosen = boards.load(name) if array is None else boards.load(name).with_array(array)
    stage = arguments.one_of("netlist", netlist or "rtl", STAGES)
    arguments.one_of("mode", mode, arguments.MODES)
    power = None if watts is None else parse_watts(watts)
    networks = [load_network(one) for one in (network.split(",") if network else graph.names())]
    digits = {one.name: held_out(one, images) for one in networks}
    files.prepare((json_file, html_file), defaults=())
    begun = time.perf_counter()
    if virtual:
        chosen = with_line(chosen, stage, baud)
    executables, left_out = compiled(networks, chosen, mode, bool(network))
    with ExitStack() as stack:
        status = stack.enter_context(Bars())
        device, facts, clock = stack.enter_context(target(chosen, virtual, stage, port, status.say))
        report = measure(device, chosen, executables, digits, clock, status, probes)
    report = facts | report | {"left_out": left_out, "power_w": power, "peers": yaml_file.read(PEERS)["peers"],
                               "bitstream": facts.get("bitstream") or last_build(chosen)}
    report |= surroundings() | {"seconds": time.perf_counter() - begun}
    if json_file:
        files.write_text(json_file, json.dumps(report, indent=1, allow_nan=False) + "\n")
    if html_file:
        from scripts import bench_html

        files.write_text(html_file, bench_html.render(report))
    bench_terminal.show(report, [path for path in (json_file, html_file) if path])
    if not bench_terminal.passed(report):
        raise typer.Exit(1)


def parse_watts(value: str) -> float:
    """A power above 0 W."""
    if not re.fullmatch(r"\d{1,4}(\.\d{1,6})?", value) or not float(value):
        raise InputError(f"watts must be a number above 0, such as 0.017, not {value}")
    return float(value)


def with_line(board, stage: str, baud: str | None):
    """A virtual board with its line: as asked for, or one that is simulated in bearable time."""
    import dataclasses

    from fpga import virtual

    if baud is None:
        return virtual.line_for(board, stage)
    return dataclasses.replace(board, baud=arguments.parse_whole("baud", baud, 300, 12_000_000))


def compiled(networks: list, board, mode: str, asked: bool) -> tuple[list, list[str]]:
    """Compile the networks that fit a board; return Executables and a sentence for each that does not.

    asked: the user named them, so that one that does not fit is an error.
    """
    from fpga.host.measure import compile_network

    done, left_out = [], []
    for one in networks:
        try:
            executable = compile_network(one, board.config(), mode)
            size = len(executable.memory)
            if size > board.memory_bytes:
                raise InputError(f"{one.name} needs {-(-size // 1024)} KiB, this board has {board.memory_bytes // 1024} KiB")
            done.append(executable)
        except InputError as error:
            if asked:
                raise
            left_out.append(str(error))
    return done, left_out


@contextmanager
def target(board, is_virtual: bool, stage: str, port: str | None, say):
    """Yield a Device, what a report says of it, and its clock."""
    from fpga.host import ports
    from fpga.host.device import connect

    with ExitStack() as stack:
        slowness, clock, simulated, bitstream = 1.0, time.perf_counter, None, None
        if is_virtual:
            from fpga import virtual
            from fpga.top import design_hz
            from tb.virtual_board import VirtualBoard

            program, bitstream = virtual.model(board, stage, say)
            simulated = stack.enter_context(VirtualBoard(program, virtual.cycles_per_bit(board), design_hz(board)))
            port, slowness, clock = simulated.port, max(1.0, PATIENCE * simulated.slowness()), simulated.seconds
        name = port or ports.find(board)
        say(f"opening {name}")
        device = connect(name, board, slowness)
        stack.callback(device.link.close)
        config = board.config()
        facts = {"board": board.name, "title": board.title, "device": board.device, "virtual": is_virtual,
                 "netlist": stage if is_virtual else None, "port": None if is_virtual else name, "compact": config.compact,
                 "array": {"pes": config.pes, "lanes": config.lanes}, "clock_mhz": device.clock_hz / 1e6, "baud": board.baud,
                 "memory_bytes": device.memory_bytes, "port_bytes": config.port_bytes, "core": config.to_dict()}
        if bitstream:
            facts["bitstream"] = build_figures(bitstream)
        start = time.perf_counter(), simulated.cycles() if simulated else 0
        yield device, facts, clock
        if simulated:
            facts["simulated_cycles_per_second"] = (simulated.cycles() - start[1]) / (time.perf_counter() - start[0])


def measure(device, board, executables: list, digits: dict, clock, bars: "Bars", with_probes: bool) -> dict[str, Any]:
    """Run everything; `networks`, `probes` and `link` of a report."""
    from fpga.host import measure as figures
    from fpga.host.probes import probes
    from fpga.top import memory_latency

    latency, rows, rates = memory_latency(board), [], []
    for executable in executables:
        images, labels = digits[executable.graph.name]
        rows.append(figures.network_figures(device, executable, np.asarray(images), labels, latency, clock,
                                            lambda what, done, total, name=executable.graph.name: bars.tell(name, what, done, total)))
    link = None
    if with_probes:
        bars.say("probes")
        rates = [figures.probe_figures(device, probe, latency) for probe in probes(board.config(), device.memory_bytes)]
        link = figures.link_figures(device, board.baud, clock)
    return {"networks": rows, "probes": rates, "link": link, "memory_latency": latency}


def last_build(board) -> dict | None:
    """What `cascadefire build` last said of this board and array, if it did."""
    from fpga import build as builder

    try:
        report = json.loads((builder.default_folder(board) / builder.REPORT).read_text(encoding="utf-8"))
        return build_figures(report) if report["config"] == board.config().to_dict() else None
    except (OSError, ValueError, KeyError):
        return None


def build_figures(report: dict) -> dict | None:
    """Resources and clock of a build; None where it stopped before placement."""
    if "resources" not in report:
        return None
    return {key: report[key] for key in ("clock_mhz", "fmax_mhz", "resources", "meets_clock", "remark")}


def surroundings() -> dict[str, Any]:
    from tb import surroundings as where

    return {"machine": where.machine(), "versions": where.versions("verilator")}


class Bars:
    """Progress on standard error: a line of what goes on, and a bar for what is counted."""

    def __init__(self):
        self._bars = Progress(SpinnerColumn(), TextColumn("{task.description}"), BarColumn(bar_width=24), MofNCompleteColumn(),
                              TextColumn("{task.fields[unit]}"), TimeRemainingColumn(), console=Console(stderr=True), transient=True)
        self._tasks: dict[tuple, int] = {}
        self._line = None

    def __enter__(self) -> "Bars":
        self._bars.start()
        return self

    def __exit__(self, *_exception) -> None:
        self._bars.stop()

    def say(self, sentence: str) -> None:
        """What takes time now and has no end to be seen."""
        if self._line is None:
            self._line = self._bars.add_task(sentence, total=None, unit="")
        self._bars.update(self._line, description=sentence, visible=True)

    def tell(self, name: str, what: str, done: int, total: int) -> None:
        """done of total of what a network does."""
        if self._line is not None:
            self._bars.update(self._line, visible=False)
        if (name, what) not in self._tasks:
            self._tasks[name, what] = self._bars.add_task(f"{name}: {WHAT[what]}", total=total, unit=UNITS[what])
        self._bars.update(self._tasks[name, what], completed=done, total=total)
