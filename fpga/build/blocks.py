"""What each block of a design takes of the device, from the names of the synthesised netlist."""
from __future__ import annotations

import collections
import re

from fpga.build.names import Names

KINDS = (
    ("spram", r"SB_SPRAM\w+", 1),
    ("ram", r"SB_RAM40_4K\w*|DP16KD|PDPW16KD|SP|SPX9|SDP|SDPB|SDPX9B|DPB|DPX9B|pROM|pROMX9", 1),
    ("dsp", r"SB_MAC16|MULT18X18D|MULT9X9|MULT18X18|ALU54\w|MULTADDALU\w+|MULTALU\w+|MULT36X36", 1),
    ("ff", r"SB_DFF\w*|TRELLIS_FF|DFF\w*", 1),
    ("lut", r"TRELLIS_DPR16X4|RAM16SDP4|RAM16S4", 4),
    ("lut", r"CCU2C", 2),
    ("lut", r"SB_LUT4|LUT[1-4]|ALU", 1),
)
"""Kind, cells that are of it, and how many of it one takes: a 16 x 4 LUT RAM is four LUTs, a CCU2C two with a carry."""


def kind_of(cell: str) -> tuple[str | None, int]:
    """lut, ff, dsp, ram or spram, and how many; (None, 0) for wires in disguise such as buffers and wide multiplexers."""
    for kind, pattern, count in KINDS:
        if re.fullmatch(pattern, cell):
            return kind, count
    return None, 0


def count(module: dict, names: Names) -> dict[str, dict[str, int]]:
    """Instance path -> {lut, ff, dsp, ram, spram} of a synthesised top module; "" is the top itself.

    A cell belongs to the innermost block that declares a signal on its first output, or, where a tool named that, the signal it
    was called after.
    """
    owner: dict[int, str] = {}
    for net, wire in module["netnames"].items():
        place = names.place(net)
        if place is None:
            continue
        sure = net in names.declared
        for bit in wire["bits"]:
            if isinstance(bit, int) and (bit not in owner or (sure and _deeper(place.instance, owner[bit]))):
                owner[bit] = place.instance
    result: dict[str, collections.Counter] = {}
    for cell, fields in module["cells"].items():
        kind, number = kind_of(fields["type"])
        if kind is None:
            continue
        place = names.place(cell)
        bits = [bit for port, bits in fields["connections"].items() for bit in bits
                if isinstance(bit, int) and fields["port_directions"].get(port) == "output"]
        instance = next((owner[bit] for bit in bits if bit in owner), place.instance if place else "")
        result.setdefault(instance, collections.Counter())[kind] += number
    return {instance: dict(result[instance]) for instance in sorted(result)}


def _deeper(one: str, other: str) -> bool:
    return one.count("/") + bool(one) > other.count("/") + bool(other)


def grouped(counts: dict[str, dict[str, int]], depth: int = 3) -> list[dict]:
    """Rows {block, instances, lut, ff, dsp, ram, spram} of what is below each block at a depth, instances of a block together."""
    rows: dict[str, dict] = {}
    for instance, cells in counts.items():
        steps = instance.split("/")[:depth] if instance else []
        block = "/".join(re.sub(r"\d+$", "", step) for step in steps) or "top"
        row = rows.setdefault(block, {"block": block, "of": set(), "lut": 0, "ff": 0, "dsp": 0, "ram": 0, "spram": 0})
        row["of"].add("/".join(steps))
        for kind, number in cells.items():
            row[kind] += number
    return [{"block": row["block"], "instances": len(row.pop("of")), **{key: value for key, value in row.items() if key != "block"}}
            for row in sorted(rows.values(), key=lambda row: -row["lut"])]
