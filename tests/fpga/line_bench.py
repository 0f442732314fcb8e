"""A board top in Verilator with a script on its serial line."""
from __future__ import annotations

import os
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

from tb import toolchain, verilate

HARNESS = Path(__file__).with_name("line_harness.cpp")
ROOT = Path(__file__).resolve().parents[2]
BYTE, BAD_BYTE, BREAK, WAIT, QUIET = range(5)
# In a process of its own: MyHDL names signals by what a process elaborated before, and the model is kept by its text.
CONVERT = """import sys
from tests.fpga.small_board import board
from tests.fpga.small_top import convert_small
convert_small(board(*sys.argv[2:]), sys.argv[1])
"""


def model(divisor: int, *shape: str) -> Path:
    """The executable of tests/fpga/line_harness.cpp for a small board.  shape: arguments of small_board.board."""
    models = toolchain.BUILD / "models"
    models.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=models) as folder:
        command = [sys.executable, "-P", "-c", CONVERT, folder, str(divisor), *shape]
        toolchain.run(command, "converting a board", env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "0"})
        text = Path(folder, "top.v").read_text()
    return verilate.build(text, "top", (HARNESS,), {"DIVISOR": divisor}, models)


def byte_rows(line: bytes, gap: int = 0) -> list[tuple[int, int, int]]:
    """The script that sends bytes, `gap` cycles of idle line before each."""
    return [(BYTE, value, gap) for value in line]


def play(program: Path, rows, limit: int = 300) -> list[tuple[int, int]]:
    """Run a script of (kind, value, cycles); return what the device sent, as (byte, cycle); a bad stop bit adds 256."""
    with tempfile.TemporaryDirectory() as folder:
        script, result = Path(folder, "script"), Path(folder, "result")
        script.write_bytes(b"".join(struct.pack("<HHI", *row) for row in rows))
        subprocess.run([str(program), str(script), str(result)], check=True, timeout=limit)
        data = result.read_bytes()
    return [struct.unpack_from("<II", data, at) for at in range(0, len(data), 8)]
