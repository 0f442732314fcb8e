"""`cascadefire boards`: what can be built for, and what was built."""
from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import typer
from rich.box import MARKDOWN
from rich.console import Console
from rich.table import Table

from cascadefire.errors import InputError

WIDTH = 200


def boards(
    as_json: bool = typer.Option(False, "--json", help="Print every setting of every board as JSON."),
    built: bool = typer.Option(False, "--built", help="Print size and clock of what is in build/fpga instead."),
) -> None:
    """List the boards, the arrays that fit them, memory, clocks and how to load a bitstream."""
    from fpga import board as shipped

    if built:
        if as_json:
            raise InputError("--json is for the list of boards, not for --built, whose reports are JSON: build/fpga/*/report.json")
        show_built()
        return
    known = [shipped.load(name) for name in shipped.names()]
    if as_json:
        typer.echo(json.dumps([{key: value for key, value in dataclasses.asdict(board).items() if key != "folder"} for board in known],
                              indent=1))
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("name", "title", "device"):
        table.add_column(heading, no_wrap=True)
    table.add_column("array")
    table.add_column("built so far")
    for heading in ("memory", "clock", "oscillator"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("program", no_wrap=True)
    for board in known:
        kind = " compact" if board.config().compact else ""
        built = " ".join(built_array(board, array) for array in board.arrays) or "none yet"
        table.add_row(board.name, board.title, board.device, f"{board.array}{kind}", built, f"{board.memory_bytes // 1024} KiB",
                      f"{board.clock_hz / 1e6:g} MHz", f"{board.clock_pin_hz / 1e6:g} MHz", board.program[0] if board.program else "")
    Console(width=WIDTH, highlight=False).print(table)
    typer.echo("\nBuild one: cascadefire build --board NAME. A new board is one YAML and one constraint file: docs/boards.md")


def built_array(board, array: str) -> str:
    """An array that was built, with its memory where that is not the board's."""
    memory = board.with_array(array).memory_bytes
    return array if memory == board.memory_bytes else f"{array} ({memory // 1024} KiB)"


def show_built() -> None:
    """A row for each report in build/fpga, as Markdown, for people and documents alike."""
    from tb import toolchain

    paths = sorted((toolchain.BUILD / "fpga").glob("*/report.json"))
    reports = [report for report in map(_read, paths) if "fmax_mhz" in report]
    if not reports:
        raise InputError(f"nothing is built in {toolchain.BUILD / 'fpga'}: cascadefire build --board NAME")
    table = Table(box=MARKDOWN)
    for heading in ("board", "array"):
        table.add_column(heading, no_wrap=True)
    for heading in ("LUTs", "registers", "multipliers", "RAMs", "clock, MHz", "Fmax min / median / max", "seeds", "build, s"):
        table.add_column(heading, justify="right", no_wrap=True)
    for report in reports:
        table.add_row(*row(report))
    Console(width=WIDTH, highlight=False).print(table)


def row(report: dict[str, Any]) -> list[str]:
    """The figures of a build; icetime's clock where there is one."""

    def used(label: str) -> str:
        item = report["resources"].get(label)
        return f"{item['used']:,} of {item['available']:,}" if item else "-"

    fmax = report.get("icetime_mhz", report["fmax_mhz"])
    clock = f"{report['clock_mhz']:g}" + ("" if report["meets_clock"] else " NOT MET")
    tool = " (icetime)" if "icetime_mhz" in report else ""
    return [report["board"], report["array"] + (" compact" if report["compact"] else ""), used("lut"), used("ff"), used("dsp"), used("ram"),
            clock, f"{fmax['min']:.1f} / {fmax['median']:.1f} / {fmax['max']:.1f}{tool}", str(len(report["seeds"])),
            f"{sum(report['seconds'].values()):.0f}"]


def _read(path: Path) -> dict[str, Any]:
    """A report, empty when it is none of ours."""
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return report if isinstance(report, dict) else {}
