"""Readable Verilog files of the core, the accelerator or a board's top, for other people's tools."""
from __future__ import annotations

import json
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

from cascadefire.errors import InputError
from fpga.board import Board
from fpga.build.convert import CHECKOUT, convert as convert_board
from fpga.tools import Tools
from rtl.config import CoreConfig

LINT = Path(__file__).resolve().parent / "lint.vlt"
PARTS = ("core", "accelerator")
CONVERT = """import importlib, json, sys
from rtl.config import CoreConfig
part, config, folder, name = sys.argv[1:]
getattr(importlib.import_module("rtl." + part), "convert_" + part)(CoreConfig.from_dict(json.loads(config)), folder, name=name)
"""
TITLES = {
    "core": "core: events, counts and weights as streams in, events as a stream out (docs/core.md)",
    "accelerator": "accelerator: runs a program in memory; one memory port, one register port (docs/accelerator.md)",
    "board": "board top: its ports are the pins of a board",
}
GROUPS = (
    ("clk", "clock, rising edge"), ("rst", "synchronous reset, active high; one cycle is enough"),
    ("bus_", "memory port, Wishbone B4 pipelined master; adr counts memory words"),
    ("regs_", "register port, Wishbone B4 pipelined slave, 32 bits; adr counts words"),
    ("tap_", "for observers: nothing depends on it, leave it open"),
    ("cfg_", "stream in: words of the pass program"), ("events_in_", "stream in: event tokens"),
    ("events_out_", "stream out: event tokens"), ("requests_", "stream out: rows whose counts and weights are wanted"),
    ("counts_", "stream in: chunk counts"), ("weights_", "stream in: chunks"),
    ("rx", "serial line in, 8N1"), ("tx", "serial line out, 8N1"), ("led", "bit 0 blinks, 1 busy, 2 error, as far as there are LEDs"),
)
"""Prefix of a port -> what it is; a stream moves data in a cycle where valid and ready are both high."""


def write(part: str, config: CoreConfig, folder: Path, tools: Tools, command: str, name: str | None = None) -> Path:
    """Write folder/NAME.v with a header, and folder/lint.vlt; return the path of the Verilog.

    part: core or accelerator.  command: what the header says the file was made by.  name: of file and module, PART_PxC by default.
    Raises ToolError when the conversion fails; the folder then is as it was.
    """
    name = name or f"{part}_{config.pes}x{config.lanes}" + ("_compact" if config.compact else "")
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name):
        raise InputError(f"name must be a Verilog identifier, not {name}")

    def convert(scratch: Path) -> Path:
        words = [sys.executable, "-P", "-c", CONVERT, part, json.dumps(config.to_dict()), str(scratch.resolve()), name]
        environment = {**os.environ, "PYTHONPATH": str(CHECKOUT), "PYTHONHASHSEED": "0"}
        tools.run_command(words, "the conversion to Verilog", scratch, "convert.log", environment)
        return scratch / f"{name}.v"

    return _place(convert, name, folder, lambda text: header(TITLES[part], config, command, text))


def write_board(board: Board, folder: Path, tools: Tools, command: str) -> Path:
    """`write` for the top of a board: folder/BOARD_PxC.v."""
    name = f"{board.name.replace('-', '_')}_{board.array}"
    title = f"{TITLES['board']}: {board.title} ({board.device}), {board.clock_hz / 1e6:g} MHz, {board.baud} baud, " \
            f"{board.memory_bytes // 1024} KiB"
    return _place(lambda scratch: convert_board(board, scratch, tools, name=name), name, folder,
                  lambda text: header(title, board.config(), command, text))


def _place(convert, name: str, folder: Path, head) -> Path:
    """Convert in a scratch folder inside `folder`, put a header on the text, and move both files to their names."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=".converting-", dir=folder))
    except OSError as error:
        raise InputError(f"cannot write {folder}: {(error.strerror or str(error)).lower()}") from error
    try:
        # No delay is in the text, and a timescale would be asked of every module that stands beside it.
        text = re.sub(r"\A`timescale [^\n]*\n\s*", "", convert(scratch).read_text(encoding="utf-8"))
        (scratch / "done").write_text(head(text) + text, encoding="utf-8")
        shutil.copyfile(LINT, scratch / "lint")
        os.replace(scratch / "lint", folder / LINT.name)
        os.replace(scratch / "done", folder / f"{name}.v")
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return folder / f"{name}.v"


def header(title: str, config: CoreConfig, command: str, verilog: str) -> str:
    """The comment above a converted module: what it is, its parameters, its ports."""
    meanings = dict(re.findall(r"^ {4}(\w+): (.+)$", CoreConfig.__doc__, re.M))
    meanings |= dict(re.findall(r"\.  (\w+): ([^.]+)\.", CoreConfig.__doc__))
    kind = "compact " if config.compact else ""
    lines = [f"cascadefire {title}", "", f"Made by `{command}` from MyHDL sources: change those, not this file.",
             f"{kind}{config.pes} x {config.lanes} (PEs x lanes). The parameters are fixed in the text:"]
    for field, value in config.to_dict().items():
        meaning = re.split(r"[,.:] ", meanings.get(field, ""))[0].rstrip(".")
        lines.append(f"  {field:<13} {str(value).lower() if isinstance(value, bool) else value!s:<8} {meaning}".rstrip())
    lines += ["", "Ports:"]
    before = ""
    for direction, width, name in ports(verilog):
        meaning = next((text for prefix, text in GROUPS if name.startswith(prefix)), "")
        lines.append(f"  {direction:<7}{width:>4}  {name:<22} {meaning if meaning != before else ''}".rstrip())
        before = meaning
    lines += ["", "Lint: verilator --lint-only -Wall lint.vlt FILE; lint.vlt says why each warning that is left out is."]
    return "".join(f"// {line}".rstrip() + "\n" for line in lines) + "\n"


def ports(verilog: str) -> list[tuple[str, int, str]]:
    """Direction, bits and name of each port of a converted module."""
    found = re.findall(r"^(input|output)\s+(?:signed\s+)?(?:\[(\d+):0\]\s*)?(\w+);", verilog, re.M)
    return [(direction, int(high) + 1 if high else 1, name) for direction, high, name in found]
