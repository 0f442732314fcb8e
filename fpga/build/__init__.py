"""From a board to a bitstream: conversion, synthesis, placement and routing, packing, and what there is to say of it."""
from __future__ import annotations

import json
import os
import shlex
import shutil
import statistics
import tempfile
import time
from pathlib import Path

from cascadefire.errors import InputError
from fpga.board import Board
from fpga.board_rules import CLOCK_HZ
from fpga.build import blocks, convert, fingerprint, path, place, synthesis
from fpga.build.names import Names
from fpga.tools import Tools
from tb import toolchain
from tb.verilate import locked

MAX_SEEDS = 64
STAGES = ("synthesis", "bitstream")
REPORT = "report.json"


def default_folder(board: Board) -> Path:
    """Where a build goes unless another folder is asked for: build/fpga/BOARD-ARRAY."""
    return toolchain.BUILD / "fpga" / f"{board.name}-{board.array}"


def configured(board: Board, array: str | None = None, clock_mhz: float | None = None) -> Board:
    """A board with the array and the clock (MHz) that were asked for; InputError when it cannot have them."""
    if array is not None:
        board = board.with_array(array)
    if clock_mhz is not None:
        hz = round(clock_mhz * 1e6)
        if not CLOCK_HZ[0] <= hz <= CLOCK_HZ[1]:
            raise InputError(f"clock must be from {CLOCK_HZ[0] / 1e6:g} to {CLOCK_HZ[1] / 1e6:g} MHz, not {clock_mhz:g}")
        board = board.with_clock(hz)
    return board


def build(board: Board, array: str | None = None, clock_mhz: float | None = None, seeds: int | list[int] = 1, folder: Path | None = None,
          tools: str = "wheels", progress=None, module: str | None = None, until: str = "bitstream") -> dict:
    """Build a board's bitstream and return the report, which also is folder/report.json.

    array: "PxC", the board's own by default.  clock_mhz: of the design, the board's own by default.
    seeds: how many (1, 2, ...) or which; the best is kept.  folder: build/fpga/BOARD-ARRAY by default.  tools: wheels or system.
    progress: called with a sentence before each step.  module: Python module with `convert_top`, fpga.top by default.
    until: "synthesis" stops before placement, and there is no clock and no bitstream in the report.
    The folder gets top.v, top.json, and with a bitstream routed.json and BOARD.bin, .bit or .fs, all complete or absent.
    Raises InputError (DoesNotFit for an array that is too large) and ToolError.
    """
    board = configured(board, array, clock_mhz)
    wanted = list(range(1, seeds + 1)) if isinstance(seeds, int) else list(seeds)
    if not 1 <= len(wanted) <= MAX_SEEDS:
        raise InputError(f"seeds must be a whole number from 1 to {MAX_SEEDS}, not {len(wanted)}")
    folder = Path(folder) if folder else default_folder(board)
    job = _Job(board, Tools(tools), progress or (lambda sentence: None))
    _prepare(folder)
    with locked(folder / ".build"):
        for stale in folder.glob(".building-*"):    # of a build that was killed: whoever holds the lock is the only one
            shutil.rmtree(stale, ignore_errors=True)
        scratch = Path(tempfile.mkdtemp(prefix=".building-", dir=folder))
        try:
            if tools == "wheels":
                job.fingerprint = fingerprint.fingerprint(board, module)
            report, files = job.make(scratch, wanted, module, until)
            _publish(report, files, scratch, folder)
        finally:
            job.tools.stop()
            shutil.rmtree(scratch, ignore_errors=True)
    return report


class _Job:
    """One build: a board, tools, and the seconds of each step."""

    def __init__(self, board: Board, tools: Tools, progress):
        self.board, self.tools, self.progress = board, tools, progress
        self.seconds: dict[str, float] = {}
        self.fingerprint: str | None = None

    def make(self, scratch: Path, seeds: list[int], module: str | None, until: str) -> tuple[dict, dict[str, str]]:
        """Return the report and which file of the scratch folder is kept under which name, the bitstream last."""
        board, tools = self.board, self.tools
        config = board.config()
        verilog = self._timed("convert", f"converting {board.name} {board.array} to Verilog",
                              lambda: convert.convert(board, scratch, tools, module))
        netlist = self._timed("synthesise", "synthesising with Yosys", lambda: synthesis.synthesise(board, scratch, tools))
        names = Names(verilog.read_text(encoding="utf-8"))
        counts = blocks.count(synthesis.top_module(netlist), names)
        report = {
            "board": board.name, "device": board.device, "array": board.array, "compact": config.compact, "config": config.to_dict(),
            "clock_mhz": board.clock_hz / 1e6, "memory_bytes": board.memory_bytes, "blocks": counts,
            "tools": {"yosys": tools.version("yosys")}, "fingerprint": self.fingerprint,
        }
        files = {"top.v": "top.v", "top.json": "top.json"}
        if until == "bitstream":
            placed = self._timed("place and route", f"placing and routing, {len(seeds)} seed{'s' * (len(seeds) > 1)}",
                                 lambda: self._place(seeds, scratch))
            best = max(placed, key=lambda one: (one.honest_mhz, -one.seed))
            bitstream = self._timed("pack", "packing the bitstream", lambda: place.pack(board, best.seed, scratch, tools))
            report.update(self._measured(placed, best, names, bitstream.name))
            report["tools"]["nextpnr"] = tools.version(place.NEXTPNR[board.family])
            files |= {f"seed{best.seed}.json": "routed.json", bitstream.name: bitstream.name}
        report["seconds"] = {step: round(spent, 2) for step, spent in self.seconds.items()}
        return report, files

    def _timed(self, step: str, sentence: str, work):
        self.progress(sentence)
        start = time.monotonic()
        result = work()
        self.seconds[step] = time.monotonic() - start
        return result

    def _place(self, seeds: list[int], scratch: Path) -> list[place.Placed]:
        def tell(done: int, total: int) -> None:
            if done < total:
                self.progress(f"placing and routing: {done} of {total} seeds are done")

        try:
            return place.place_all(self.board, seeds, scratch, self.tools, tell)
        except place.DoesNotFit as error:
            raise place.DoesNotFit(too_large(self.board, error.short), error.short) from None

    def _measured(self, placed, best, names: Names, bitstream: str) -> dict:
        board = self.board
        worst = min(one.honest_mhz for one in placed)
        result = {
            "fmax_mhz": _spread([one.fmax_mhz for one in placed]),
            "seeds": {str(one.seed): round(one.fmax_mhz, 2) for one in placed}, "best_seed": best.seed,
            "meets_clock": best.honest_mhz >= board.clock_hz / 1e6, "every_seed_meets_clock": worst >= board.clock_hz / 1e6,
            "resources": resources(board, best.report), "critical_path": path.critical_path(best.report, best.clock, names),
            "bitstream": bitstream, "program": list(board.program),
            "remark": place.OPTIMISTIC.get(board.family, ""),
        }
        if best.icetime_mhz is not None:
            result["icetime_mhz"] = _spread([one.icetime_mhz for one in placed])
        return result


def resources(board: Board, report: dict) -> dict:
    """Label -> {used, available, cells} of a nextpnr report, for what the board's YAML lists."""
    used = report["utilization"]
    return {label: {"used": sum(weight * used.get(cell, {"used": 0})["used"] for cell, weight in item["cells"].items()),
                    "available": item["available"], "cells": list(item["cells"])} for label, item in board.resources.items()}


def too_large(board: Board, short: list[tuple[str, int, int]]) -> str:
    """What there is too little of, and the largest array that is known to fit."""
    wanted = ", ".join(f"{used} {cells} of {available}" for cells, used, available in short) or "no room is left for its logic"
    known = [array for array in board.arrays if array != board.array]
    fits = f"; the largest that was built for it is {known[-1]}" if known else ""
    return f"array {board.array} does not fit {board.name} ({board.device}): it takes {wanted}{fits}"


def _spread(values: list[float]) -> dict[str, float]:
    return {"min": round(min(values), 2), "median": round(statistics.median(values), 2), "max": round(max(values), 2)}


def _prepare(folder: Path) -> None:
    """Make a folder that can be written to; InputError with the reason when there is none."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        os.rmdir(tempfile.mkdtemp(prefix=".probing-", dir=folder))
    except OSError as error:
        raise InputError(f"cannot write {folder}: {(error.strerror or str(error)).lower()}; name another folder with --output") from error


def _publish(report: dict, files: dict[str, str], scratch: Path, folder: Path) -> None:
    """Replace what an earlier build left: its report and bitstream go first and the new ones come last, so none is ever mixed."""
    for stale in [folder / REPORT, folder / "routed.json", *(folder / f"{report['board']}.{kind}" for kind in place.BITSTREAM.values())]:
        stale.unlink(missing_ok=True)
    for made, name in files.items():
        os.replace(scratch / made, folder / name)
    if "bitstream" in report:
        final = str(folder / report["bitstream"])
        report["bitstream"] = final
        report["program"] = [line.replace("{bitstream}", shlex.quote(final)) for line in report["program"]]
    (scratch / REPORT).write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    os.replace(scratch / REPORT, folder / REPORT)
