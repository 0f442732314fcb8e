"""Boards without hardware: a top, or a netlist of it, in Verilator behind a pseudo-terminal."""
from __future__ import annotations

import os
import select
import subprocess
import time
from pathlib import Path

from tb import toolchain
from tb.toolchain import ToolError
from tb.verilate import build

HARNESS = (Path(__file__).resolve().parent / "virtual_board.cpp",)
TOP = "top"
ANSWER = 60.0       # seconds within which the model says something: it looks up every 1,024 cycles
MEASURED = 0.25     # seconds over which its speed is measured


def board_model(verilog: str, progress=None, models: Path | None = None) -> Path:
    """Return the program that simulates a module called top with the ports clk, rx and tx behind a pseudo-terminal.

    verilog: its text, with every module it needs.  progress: called with a sentence when something takes time.
    models: where models are kept, `build/models` by default.  Raises ToolError when a tool is missing or fails.
    """
    if os.name != "posix":
        raise ToolError("virtual boards need pseudo-terminals, which this system does not have")
    return build(verilog, TOP, HARNESS, {}, models or toolchain.BUILD / "models", progress=progress)


class VirtualBoard:
    """A simulated board; a context manager. `port` is the path of its serial port.

    model: of `board_model`.  cycles_per_bit: of its UART, 4 or more.  clock_hz: what a simulated second is.
    Raises ToolError when the model does not start or has ended.
    """

    def __init__(self, model: Path, cycles_per_bit: int, clock_hz: int):
        self.clock_hz = clock_hz
        try:
            self._process = subprocess.Popen([str(model), str(cycles_per_bit)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                             stderr=subprocess.PIPE)
        except OSError as error:
            raise ToolError(f"the simulated board does not start ({error.strerror})") from None
        self.port = self._line("port")

    def __enter__(self) -> "VirtualBoard":
        return self

    def __exit__(self, *_exception) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """The number of the process that simulates."""
        return self._process.pid

    def cycles(self) -> int:
        """Cycles simulated so far."""
        try:
            self._process.stdin.write(b"\n")
            self._process.stdin.flush()
        except (OSError, ValueError):
            raise ToolError("the simulated board has ended") from None
        return int(self._line("time"))

    def seconds(self) -> float:
        """The board's own time: cycles simulated over its clock."""
        return self.cycles() / self.clock_hz

    def slowness(self) -> float:
        """Seconds that a second of the board takes, measured now."""
        begun, before = time.perf_counter(), self.seconds()
        while time.perf_counter() - begun < MEASURED:
            time.sleep(MEASURED / 10)
        after = self.seconds()
        return (time.perf_counter() - begun) / max(after - before, 1 / self.clock_hz)

    def close(self) -> None:
        """End the simulation."""
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            try:
                pipe.close()
            except OSError:
                pass
        try:
            self._process.wait(ANSWER)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _line(self, word: str) -> str:
        ready, _, _ = select.select([self._process.stdout], [], [], ANSWER)
        line = self._process.stdout.readline().decode() if ready else ""
        if not line.startswith(word + " "):
            self._process.kill()
            said = self._process.stderr.read().decode().strip()
            raise ToolError(f"the simulated board has ended{': ' + said if said else ''}")
        return line.split()[1]
