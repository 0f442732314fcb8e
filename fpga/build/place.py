"""From a netlist to a placed and routed design, one try a seed, side by side, and from the best to a bitstream."""
from __future__ import annotations

import concurrent.futures
import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from cascadefire.errors import InputError
from fpga.board import Board
from fpga.tools import ToolFailure, Tools
from tb.toolchain import cpus

NEXTPNR = {"up5k": "nextpnr-ice40", "ice40": "nextpnr-ice40", "ecp5": "nextpnr-ecp5", "gowin": "nextpnr-himbaechel"}
BITSTREAM = {"up5k": "bin", "ice40": "bin", "ecp5": "bit", "gowin": "fs"}
PLACER = {"up5k": ["--placer", "static"], "ice40": ["--placer", "static"], "ecp5": ["--placer", "static"], "gowin": []}
"""nextpnr 0.11.1's electrostatic placer: a fifth to two fifths less wire than its default, and so less time on paths and in routing."""
FULL = ("no BELs remaining", "probably at utilisation limit", "Unable to find a placement location", "ran out of")
OPTIMISTIC = {
    "up5k": "nextpnr-ice40 takes 0.1 ns for the setup of SB_MAC16 and SPRAM inputs where 1.9 to 6.5 ns are right, so its figure is "
            "optimistic for paths that end there; icetime, where it is on PATH, has the right ones",
    "gowin": "an upper bound: nextpnr's Gowin database has no delays of multipliers",
}
"""What is not right about nextpnr 0.11.1's figure for a family."""


class DoesNotFit(InputError):
    """A design that is larger than the device. short: [(cells, used, available)] of what there is too little of."""

    def __init__(self, message: str, short: list[tuple[str, int, int]]):
        super().__init__(message)
        self.short = short


@dataclass
class Placed:
    """One placed and routed design.

    seed: of the placer.  fmax_mhz: of the clock that is nearest to its limit.  clock: that clock's net.
    report: nextpnr's own.  icetime_mhz: what icetime says, None where it was not run.
    """

    seed: int
    fmax_mhz: float
    clock: str
    report: dict
    icetime_mhz: float | None = None

    @property
    def honest_mhz(self) -> float:
        """icetime's figure where there is one: it knows the setup times that nextpnr does not."""
        return self.fmax_mhz if self.icetime_mhz is None else self.icetime_mhz


def place_all(board: Board, seeds: list[int], folder: Path, tools: Tools, progress=None) -> list[Placed]:
    """Place and route folder/top.json with every seed, as many at once as there are CPUs.

    Leaves seedN.json (netlist) and, as the family has it, seedN.asc or seedN.config. progress: called with (done, all).
    Raises DoesNotFit, or ToolError with nextpnr's own error.
    """
    shutil.copyfile(board.constraints_path, folder / ("pins" + board.constraints_path.suffix))
    tools.warm(NEXTPNR[board.family], folder)
    if any(len(item["cells"]) > 1 for item in board.resources.values()):
        check_shared_sites(board, folder, tools)
    placer = PLACER[board.family]
    if placer and not tools.offers(NEXTPNR[board.family], placer[-1], folder):
        placer = []
    placed = []
    with concurrent.futures.ThreadPoolExecutor(min(cpus(), len(seeds))) as pool:
        jobs = [pool.submit(place, board, seed, folder, tools, placer) for seed in seeds]
        try:
            for job in concurrent.futures.as_completed(jobs):
                placed.append(job.result())
                if progress:
                    progress(len(placed), len(seeds))
        except BaseException:
            tools.stop()
            pool.shutdown(cancel_futures=True)
            raise
    return sorted(placed, key=lambda one: one.seed)


def check_shared_sites(board: Board, folder: Path, tools: Tools) -> None:
    """Raise DoesNotFit when cells that share sites are together more than the sites, which nextpnr's placer looks for without end.

    Gowin: adders and LUT RAMs sit where LUTs do.
    """
    said = tools.run(NEXTPNR[board.family], [*arguments(board, 1, "packed", made=False), "--pack-only"], folder, "packed.log")
    used = {cells: number for cells, number, _ in utilisation(said)}
    short = []
    for item in board.resources.values():
        wanted = sum(weight * used.get(cell, 0) for cell, weight in item["cells"].items())
        if wanted > item["available"]:
            short.append((" + ".join(item["cells"]), wanted, item["available"]))
    if short:
        raise DoesNotFit("", short)


def place(board: Board, seed: int, folder: Path, tools: Tools, placer: list[str]) -> Placed:
    """Place and route folder/top.json with one seed.  placer: arguments that choose one."""
    name = f"seed{seed}"
    try:
        tools.run(NEXTPNR[board.family], [*arguments(board, seed, name), *placer], folder, name + ".log")
    except ToolFailure as failure:
        short = [row for row in utilisation(failure.output) if row[1] > row[2]]
        if short or any(text in failure.output for text in FULL):
            raise DoesNotFit("", short) from None
        raise
    report = json.loads((folder / f"{name}.report").read_text(encoding="utf-8"))
    clock, fmax = slowest(report, board)
    timed = icetime(board, name, folder, tools) if board.family in ("up5k", "ice40") and tools.icetime() else None
    return Placed(seed, fmax, clock, report, timed)


def arguments(board: Board, seed: int, name: str, made: bool = True) -> list[str]:
    """nextpnr's arguments; every file is in the folder it runs in. made: whether it writes a netlist and a report."""
    pins = "pins" + board.constraints_path.suffix
    family = {
        "up5k": ["--pcf", pins, "--asc", f"{name}.asc"], "ice40": ["--pcf", pins, "--asc", f"{name}.asc"],
        "ecp5": ["--lpf", pins, "--textcfg", f"{name}.config"], "gowin": ["--vopt", f"cst={pins}"],
    }[board.family]
    files = ["--write", f"{name}.json", "--report", f"{name}.report"] if made else []
    return [*map(str, board.nextpnr), *family, "--json", "top.json", *files, "--seed", str(seed), "--freq", f"{board.clock_hz / 1e6:g}",
            "--timing-allow-fail"]


def slowest(report: dict, board: Board) -> tuple[str, float]:
    """The clock of a nextpnr report that is nearest to its limit, and how many MHz it reaches."""
    clocks = report["fmax"]
    if not clocks:
        return "", board.clock_hz / 1e6
    name = min(clocks, key=lambda clock: clocks[clock]["achieved"] / clocks[clock]["constraint"])
    return name, clocks[name]["achieved"]


def utilisation(log: str) -> list[tuple[str, int, int]]:
    """(cells, used, available) for every line of nextpnr's table of the device."""
    return [(name, int(used), int(available)) for name, used, available in
            re.findall(r"^Info:\s+(\w+):\s+(\d+)/\s*(\d+)\s+\d+%$", log, re.M)]


def icetime(board: Board, name: str, folder: Path, tools: Tools) -> float:
    """What icetime says of a placed iCE40 design, in MHz."""
    device = next(word for word in board.nextpnr if str(word).startswith("--")).lstrip("-")
    said = tools.run_command([tools.icetime(), "-d", device, "-P", board.package, "-t", f"{name}.asc"], "icetime", folder,
                             f"{name}.icetime")
    return float(re.search(r"\(([\d.]+) MHz\)", said)[1])


def pack(board: Board, seed: int, folder: Path, tools: Tools) -> Path:
    """Make folder/BOARD.bin, .bit or .fs of the design of one seed and return its path."""
    name, target = f"seed{seed}", f"{board.name}.{BITSTREAM[board.family]}"
    if board.family == "gowin":
        family = next(str(word).split("=")[1] for word in board.nextpnr if str(word).startswith("family="))
        tools.run("gowin_pack", ["-d", family, "-o", target, f"{name}.json"], folder, "pack.log")
    elif board.family == "ecp5":
        tools.run("ecppack", ["--compress", f"{name}.config", target], folder, "pack.log")
    else:
        tools.run("icepack", [f"{name}.asc", target], folder, "pack.log")
    return folder / target
