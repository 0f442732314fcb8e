"""A board's top as Verilog, converted in a process of its own (tb/verilate.py says why)."""
from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from fpga import top
from fpga.board import Board
from fpga.tools import Tools

CHECKOUT = Path(__file__).resolve().parents[2]
TOP = "top"
MODULE = "fpga.top"
CONVERT = """import importlib, json, pathlib, sys
from fpga.board import Board
module, folder, name = sys.argv[1:]
board = Board.from_dict(json.loads(pathlib.Path(folder, "board.json").read_text()))
importlib.import_module(module).convert_top(board, folder, name)
"""


def convert(board: Board, folder: Path, tools: Tools, module: str | None = None, name: str = TOP) -> Path:
    """Write folder/NAME.v, a module of that name, and return its path.

    module: Python module with `convert_top(board, folder, name)`, MODULE by default.
    Raises ValueError for a memory or a clock that cannot be, ToolError with what the conversion printed when it fails.
    """
    if module is None:
        top.check(board, board.config())
    Path(folder, "board.json").write_text(json.dumps(board.to_dict()), encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT), "PYTHONHASHSEED": "0"}
    command = [sys.executable, "-P", "-c", CONVERT, module or MODULE, str(Path(folder).resolve()), name]
    tools.run_command(command, "the conversion to Verilog", folder, "convert.log", environment)
    return Path(folder, name + ".v")
