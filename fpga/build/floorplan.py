"""Where nextpnr put each cell of a design."""
from __future__ import annotations

import collections
import re
from dataclasses import dataclass
from pathlib import Path

from fpga.build.blocks import kind_of
from fpga.build.names import Names
from fpga.build.synthesis import top_module

LOGIC = re.compile(r"ICESTORM_LC|TRELLIS_COMB|TRELLIS_FF|LUT[1-4]|ALU|DFF\w*")
HARD = {"ICESTORM_RAM": "ram", "ICESTORM_DSP": "dsp", "ICESTORM_SPRAM": "spram", "BSRAM": "ram"}


@dataclass
class Floorplan:
    """Placed cells by tile.

    width, height: in tiles.  logic: (x, y) -> block -> logic cells there.  hard: [(x, y, kind, block)] of RAMs and multipliers.
    """

    width: int
    height: int
    logic: dict[tuple[int, int], dict[str, int]]
    hard: list[tuple[int, int, str, str]]


def read(routed: Path, verilog: Path, depth: int = 3) -> Floorplan:
    """The floorplan of a routed netlist.

    routed: nextpnr's JSON.  verilog: what the design was converted to.  depth: of the instance path at which blocks are told apart.
    """
    names = Names(verilog.read_text(encoding="utf-8"))
    logic: dict = collections.defaultdict(collections.Counter)
    hard = []
    for cell, fields in top_module(routed)["cells"].items():
        where = re.match(r"X(\d+)/?Y(\d+)/", fields["attributes"].get("NEXTPNR_BEL", ""))
        if not where:
            continue
        x, y = int(where[1]), int(where[2])
        place = names.place(cell)
        block = re.sub(r"\d+$", "", place.instance.split("/")[:depth][-1]) if place and place.instance else "top"
        kind = HARD.get(fields["type"], kind_of(fields["type"])[0])
        if LOGIC.fullmatch(fields["type"]):
            logic[x, y][block] += 1
        elif kind in ("ram", "dsp", "spram"):
            hard.append((x, y, kind, block))
    tiles = [*logic, *((x, y) for x, y, *_ in hard)]
    return Floorplan(1 + max((x for x, _ in tiles), default=0), 1 + max((y for _, y in tiles), default=0),
                     {tile: dict(blocks) for tile, blocks in logic.items()}, hard)
