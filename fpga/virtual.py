"""A board's virtual twin: its top, or the netlist of its bitstream, as a simulated board."""
from __future__ import annotations

import dataclasses
import json
import os
import shutil
import tempfile
from pathlib import Path

from fpga import build as builder
from fpga import netlist
from fpga.board import Board
from fpga.build import convert
from fpga.build.fingerprint import fingerprint
from fpga.tools import Tools
from fpga.top import design_hz
from tb import toolchain, virtual_board
from tb.verilate import locked

STAGES = ("rtl", *netlist.STAGES)
NETLISTS = {"synth": "top.json", "routed": "routed.json"}
SLOWEST = 32    # cycles of a bit of a virtual board's line, unless asked for more: every one of them is simulated
FASTEST = 16


def quick_line(board: Board) -> Board:
    """The board with a baud rate that simulates in bearable time.

    Its own, or a bit in FASTEST cycles where its own takes more than SLOWEST.
    """
    if board.uart_divisor <= SLOWEST:
        return board
    return dataclasses.replace(board, baud=design_hz(board) // FASTEST)


def line_for(board: Board, stage: str) -> Board:
    """The board with the line it is simulated with: the quick one, unless the last build has the netlist of the board as it is.

    Another line is another design, and to place and route that takes longer than the slow line does.
    """
    if stage != "rtl" and _last_build(board, stage, fingerprint(board)):
        return board
    return quick_line(board)


def cycles_per_bit(board: Board) -> int:
    """Clock cycles of a bit of a board's UART."""
    return round(design_hz(board) / board.baud)


def model(board: Board, stage: str, progress=None) -> tuple[Path, dict | None]:
    """Return the program that simulates a board, and the build's report where there was a build.

    stage: rtl (the converted top), synth (after Yosys) or routed (after nextpnr).  progress: called with sentences.
    A netlist of the user's last build is taken where sources, board and tools are the same; all else is kept in
    build/fpga/virtual by their content. Raises ToolError and InputError as builds do.
    """
    folder = _made(board, stage, progress or (lambda sentence: None))
    if stage == "rtl":
        return virtual_board.board_model((folder / "top.v").read_text(encoding="utf-8"), progress), None
    if progress:
        progress("turning the netlist into Verilog")
    verilog = netlist.to_verilog(folder / NETLISTS[stage], board.family)
    return virtual_board.board_model(verilog, progress), json.loads((folder / builder.REPORT).read_text(encoding="utf-8"))


def _made(board: Board, stage: str, progress) -> Path:
    """Return the folder that holds what a stage needs; made when it is not there."""
    if stage == "rtl":
        return _kept(board, stage, fingerprint(board, with_tools=False), progress)
    netlist.check_family(board.family)
    key = fingerprint(board)
    return _last_build(board, stage, key) or _kept(board, stage, key, progress)


def _last_build(board: Board, stage: str, key: str) -> Path | None:
    """The folder of the user's last build, where that holds what a stage needs."""
    folder = builder.default_folder(board)
    return folder if _holds(folder, stage, key) else None


def _holds(folder: Path, stage: str, key: str) -> bool:
    """Whether a build made what a stage needs of the very same design, with the same tools."""
    try:
        report = json.loads((folder / builder.REPORT).read_text(encoding="utf-8"))
        return report["fingerprint"] == key and (folder / NETLISTS[stage]).exists()
    except (OSError, ValueError, KeyError):
        return False


def _kept(board: Board, stage: str, key: str, progress) -> Path:
    """The folder of a stage under build/fpga/virtual; made when it is not there."""
    home = toolchain.BUILD / "fpga" / "virtual"
    final = home / f"{board.name}-{board.array}-{stage}-{key}"
    with locked(final):
        if not final.exists():
            scratch = Path(tempfile.mkdtemp(prefix=".making-", dir=home))
            try:
                if stage == "rtl":
                    progress(f"converting {board.name} {board.array} to Verilog")
                    convert.convert(board, scratch, Tools())
                else:
                    builder.build(board, folder=scratch, progress=progress, until="synthesis" if stage == "synth" else "bitstream")
                os.replace(scratch, final)
            finally:
                shutil.rmtree(scratch, ignore_errors=True)
    return final
