"""What a build depends on, as one short text: equal fingerprints, equal bitstreams."""
from __future__ import annotations

import json
from pathlib import Path

from fpga.board import Board
from fpga.build import convert
from fpga.tools import WHEELS, Tools
from tb.verilate import digest

CHECKOUT = Path(__file__).resolve().parents[2]
LENGTH = 24
NO_PART_OF_IT = ("host", "cells", "fusesoc", "netlist.py", "virtual.py")    # of fpga: they only use what is built
# Fields of a board that no design depends on; what the array that is built has of its own is in the configuration and the memory.
TOLD_ONLY = ("title", "arrays", "program", "usb")


def sources() -> list[Path]:
    """Every Python file that has a say in a board's design."""
    return sorted(path for part in ("rtl", "fpga") for path in (CHECKOUT / part).rglob("*.py")
                  if not set(path.relative_to(CHECKOUT).parts) & set(NO_PART_OF_IT))


def fingerprint(board: Board, module: str | None = None, with_tools: bool = True) -> str:
    """A digest of what a board's design is made of.

    That is the sources, the board, the configuration of its array, its constraints, the module that has the top (convert.MODULE by
    default) and, with_tools, the versions of the tools from Python packages.
    """
    state = [[str(path.relative_to(CHECKOUT)), digest(path.read_bytes())] for path in sources()]
    versions = [Tools().version(tool) for tool in WHEELS] if with_tools else []
    design = {key: value for key, value in board.to_dict().items() if key not in TOLD_ONLY}
    parts = [state, design, board.config().to_dict(), digest(board.constraints_path.read_bytes()), module or convert.MODULE, versions]
    return digest(json.dumps(parts).encode())[:LENGTH]
