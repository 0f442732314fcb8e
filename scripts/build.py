"""`cascadefire build`: a bitstream for a board, what it takes of the device, and how fast it is."""
from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Optional

import typer
from rich.console import Console

from cascadefire.errors import InputError
from scripts import arguments, build_terminal, files

HTML_NAME = "report.html"


def build(
    board: str = typer.Option(..., metavar="NAME|FILE", help="One of `cascadefire boards`, or a board's .yaml file."),
    array: Optional[str] = typer.Option(None, metavar="PxC", help="PEs x lanes; the board's own by default."),
    clock: Optional[str] = typer.Option(None, metavar="MHZ", help="Clock of the design; the board's own by default."),
    seeds: str = typer.Option("1", metavar="N", help="Place and route with N seeds, in parallel, and keep the best."),
    tools: str = typer.Option("wheels", metavar="SOURCE", help="wheels (Python packages) or system (programs on PATH)."),
    output: Optional[Path] = typer.Option(None, "--output", "-o", metavar="DIR", help="Folder; build/fpga/BOARD-ARRAY by default."),
    json_file: Optional[Path] = typer.Option(None, "--json", metavar="FILE", help="Write the report here, too."),
    report: bool = typer.Option(False, "--report", help="Write a page with floorplan and utilisation, DIR/report.html."),
    blocks: bool = typer.Option(False, "--blocks", help="Print what each block takes."),
    only_synthesis: bool = typer.Option(False, "--only-synthesis", help="Stop before placement: sizes, no clock, no bitstream."),
) -> None:
    """Build a board's bitstream from the MyHDL sources."""
    from fpga import board as boards
    from fpga import build as builder

    chosen = builder.configured(boards.load(board), array, None if clock is None else parse_clock(clock))
    count = arguments.parse_whole("seeds", seeds, 1, builder.MAX_SEEDS)
    arguments.one_of("tools", tools, ("wheels", "system"))
    if report and only_synthesis:
        raise InputError("--report is for a placed design, not for --only-synthesis")
    folder = output or builder.default_folder(chosen)
    files.prepare((json_file,), defaults=())
    result = run(chosen, count, folder, tools, "synthesis" if only_synthesis else "bitstream")
    if json_file:
        files.write_text(json_file, json.dumps(result, indent=1) + "\n")
    build_terminal.show(chosen, result, blocks or only_synthesis)
    if report:
        from scripts import build_html

        files.write_text(folder / HTML_NAME, build_html.render(chosen, result, folder))
        typer.echo(f"report      {folder / HTML_NAME}")
    if not result.get("meets_clock", True):
        raise typer.Exit(1)


def run(board, seeds: int, folder: Path, tools: str, until: str) -> dict[str, Any]:
    """Build with a line on standard error for each step."""
    from fpga import build as builder

    console = Console(stderr=True, highlight=False)
    with console.status("starting") as status:
        return builder.build(board, seeds=seeds, folder=folder, tools=tools, progress=status.update, until=until)


def parse_clock(value: str) -> float:
    """MHz, such as 24 or 37.5."""
    if not re.fullmatch(r"\d{1,4}(\.\d{1,6})?", value):
        raise InputError(f"clock must be a number of MHz, such as 24 or 37.5, not {value}")
    return float(value)
