"""`cascadefire verilog`: the hardware as Verilog files, for other people's tools."""
from __future__ import annotations

from pathlib import Path
from typing import Optional

import typer

from cascadefire.errors import InputError
from rtl.config import CoreConfig
from scripts import arguments

WHAT = ("accelerator", "core", "board")


def verilog(
    array: Optional[str] = typer.Option(None, metavar="PxC", help="PEs x lanes, from 1x4 to 8x32; 4x8, or the board's own, by default."),
    what: str = typer.Option("accelerator", metavar="WHAT",
                             help="accelerator (memory and register ports), core (streams) or board (pins)."),
    board: Optional[str] = typer.Option(None, metavar="NAME|FILE", help="With --what board: whose pins."),
    compact: bool = typer.Option(False, "--compact", help="The compact accelerator: one PE, one memory word a chunk."),
    setting: Optional[list[str]] = typer.Option(None, "--set", metavar="FIELD=N", help="Another size, such as acc_depth=256; repeat it."),
    output: Path = typer.Option(..., "--output", "-o", metavar="DIR", help="Folder of the files."),
) -> None:
    """Write readable Verilog with a header that says what it is, and the lint waivers with their reasons."""
    from fpga import board as boards
    from fpga import verilog as writer
    from fpga.tools import Tools

    arguments.one_of("what", what, WHAT)
    if (what == "board") != (board is not None):
        raise InputError("--board is for --what board, which needs it")
    command = f"cascadefire verilog --what {what}"
    if board is not None:
        if compact or setting:
            raise InputError("--compact and --set are for --what accelerator or core: a board's YAML has its sizes")
        chosen = boards.load(board)
        chosen = chosen if array is None else chosen.with_array(array)
        path = writer.write_board(chosen, output, Tools(), f"{command} --board {chosen.name} --array {chosen.array}")
    else:
        config = configure(array or "4x8", compact and what == "accelerator", setting or [])
        more = "".join([" --compact"] * config.compact + [f" --set {text}" for text in setting or []])
        path = writer.write(what, config, output, Tools(), f"{command} --array {config.pes}x{config.lanes}{more}")
    typer.echo(f"{path}")


def configure(array: str, compact: bool, settings: list[str]) -> CoreConfig:
    """The configuration of an array with some fields chosen; the memory port is 64 bits wide unless they say otherwise."""
    pes, lanes = arguments.parse_array(array)
    port = {"fire_lanes": 1, "weight_bytes": lanes} if compact else {"fire_lanes": min(8, lanes), "weight_bytes": min(8, lanes)}
    fields = {"pes": pes, "lanes": lanes, **port, "compact": compact}
    for text in settings:
        name, separator, value = text.partition("=")
        known = [field for field, kind in CoreConfig.__annotations__.items() if kind == "int"]
        if not separator or name not in known:
            raise InputError(f"set must be FIELD=N with one of {', '.join(known)}, not {text}{arguments.suggestion(name, known)}")
        fields[name] = arguments.parse_whole(name, value, 0)
    return CoreConfig(**fields)
