"""Netlists as Verilog that simulates: what synthesis, or placing and routing, made of a board's top, with the same ports.

A JSON netlist of Yosys ("synth") or nextpnr ("routed") becomes one flat module of assignments and flip-flops; block RAMs,
multipliers and single-port RAMs are instances of models. No delays: what is checked is the logic that the bitstream holds, timing is
nextpnr's and icetime's business. PLLs pass their input on, so the clock pin carries the design's clock.
"""
from __future__ import annotations

import json
import re
from pathlib import Path

from fpga.cells import ecp5, ice40
from fpga.cells.circuit import Circuit
from tb.toolchain import ToolError

STAGES = ("synth", "routed")
FAMILIES = {"up5k": ice40, "ice40": ice40, "ecp5": ecp5}
FOLDER = Path(__file__).resolve().parent / "cells"
TOP = "top"
# Verilator 5.48: an input's default value (`input RE = 1'b1`) becomes the initial value of the register that is connected to it,
# once the module is inlined. Every input is connected here, so the defaults can go.
NO_DEFAULTS = "`define NO_ICE40_DEFAULT_ASSIGNMENTS\n"


def to_verilog(netlist: Path, family: str) -> str:
    """Return the Verilog of a netlist and of the models it needs.

    netlist: JSON file of Yosys or nextpnr, whose top module is called top.  family: up5k, ice40 or ecp5.
    Raises ToolError for a family without models, a file that is no netlist, and for cells or modes that are not modelled.
    """
    check_family(family)
    try:
        module = json.loads(netlist.read_text(encoding="utf-8"))["modules"][TOP]
        circuit = Circuit.of(module, TOP)
    except (OSError, ValueError, KeyError) as error:
        raise ToolError(f"{netlist} is no netlist of a module {TOP} ({error})") from None
    cells = FAMILIES[family]
    for cell in circuit.cells:
        cells.wires(circuit, cell)
    for cell in circuit.cells:
        cells.logic(circuit, cell)
    return circuit.verilog() + _models(family)


def check_family(family: str) -> None:
    """Raise ToolError for a family whose cells have no models."""
    if family not in FAMILIES:
        raise ToolError(f"netlists of the family {family} cannot be simulated: there are models for {', '.join(FAMILIES)}")


def _models(family: str) -> str:
    """The text of the modules that cells are instances of."""
    own = FOLDER / f"{FAMILIES[family].__name__.rsplit('.', 1)[1]}.v"
    text = own.read_text(encoding="utf-8") if own.exists() else ""
    if FAMILIES[family].MODELS:
        library = _library("ice40/cells_sim.v").split("`timescale 1ps / 1ps", 1)[-1]
        head = NO_DEFAULTS + library.split("module ", 1)[0]
        modules = (re.search(rf"^module {name}\b.*?^endmodule", library, re.M | re.S) for name in FAMILIES[family].MODELS)
        text += head + "\n".join(found[0] for found in modules) + "\n"
    return text


def _library(name: str) -> str:
    """A file of Yosys' own cell libraries, which the pyosys package brings along."""
    import importlib.util

    spec = importlib.util.find_spec("pyosys")
    if spec is None or not spec.origin:
        raise ToolError("pyosys is not installed, whose models of cells a netlist needs: run `make fpga`")
    return (Path(spec.origin).parent / "share" / name).read_text(encoding="utf-8")
