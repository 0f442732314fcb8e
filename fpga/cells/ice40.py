"""iCE40: the cells that Yosys maps to and those that nextpnr packs them into.

Read from Yosys 0.70's own simulation models (techlibs/ice40/cells_sim.v), which also simulate the RAMs and multipliers here.
An input that nothing drives reads 0, clock enables read 1.
"""
from __future__ import annotations

import re

from fpga.cells.circuit import ONE, ZERO, Cell, Circuit, lut
from tb.toolchain import ToolError

MODELS = ("SB_RAM40_4K", "SB_SPRAM256KA", "SB_MAC16")
"""Modules of cells_sim.v that are instantiated as they are."""
FLIP_FLOP = re.compile(r"SB_DFF(N?)(E?)(SR|R|SS|S)?$")
RAM_BUSES = {"RADDR": 11, "WADDR": 11, "MASK": 16, "WDATA": 16}
DSP_BUSES = {"A": 16, "B": 16, "C": 16, "D": 16}
DSP_PINS = ("CLK", "AHOLD", "BHOLD", "CHOLD", "DHOLD", "IRSTTOP", "IRSTBOT", "ORSTTOP", "ORSTBOT", "OLOADTOP", "OLOADBOT",
            "ADDSUBTOP", "ADDSUBBOT", "OHOLDTOP", "OHOLDBOT", "CI", "ACCUMCI", "SIGNEXTIN")
DSP_PARAMETERS = {name: width for width, names in (
    (1, ("NEG_TRIGGER", "A_REG", "B_REG", "C_REG", "D_REG", "TOP_8x8_MULT_REG", "BOT_8x8_MULT_REG", "PIPELINE_16x16_MULT_REG1",
         "PIPELINE_16x16_MULT_REG2", "TOPADDSUB_UPPERINPUT", "BOTADDSUB_UPPERINPUT", "MODE_8x8", "A_SIGNED", "B_SIGNED")),
    (2, ("TOPOUTPUT_SELECT", "TOPADDSUB_LOWERINPUT", "TOPADDSUB_CARRYSELECT", "BOTOUTPUT_SELECT", "BOTADDSUB_LOWERINPUT",
         "BOTADDSUB_CARRYSELECT"))) for name in names}
PLL_OUTPUTS = ("PLLOUTCORE", "PLLOUTGLOBAL", "PLLOUT_A", "PLLOUT_A_GLOBAL", "PLLOUT_B", "PLLOUT_B_GLOBAL")
PIN_INPUT, PIN_OUTPUT = "01", "0110"    # PIN_TYPE, low two bits and high four: not registered


def wires(circuit: Circuit, cell: Cell) -> None:
    """Make one net of what buffers, pins and PLLs pass on: a PLL's output is its input here, so the pin's clock is the design's."""
    if cell.kind == "SB_GB":
        source = cell.ports.get("USER_SIGNAL_TO_GLOBAL_BUFFER")
        circuit.alias(cell.ports["GLOBAL_BUFFER_OUTPUT"][0], source[0] if source else _pll_input(circuit, _only_pll(circuit, cell)))
    elif cell.kind in ("SB_IO", "SB_GB_IO"):
        kind, pad = cell.bits("PIN_TYPE", 6), cell.ports["PACKAGE_PIN"][0]
        if kind[:4] == PIN_OUTPUT:
            circuit.alias(pad, cell.ports["D_OUT_0"][0] if cell.ports.get("D_OUT_0") else "0")
        elif kind[:4] == "0000" and kind[4:] == PIN_INPUT:
            for port in ("D_IN_0", "GLOBAL_BUFFER_OUTPUT"):
                if cell.ports.get(port):
                    circuit.alias(cell.ports[port][0], pad)
        else:
            raise ToolError(f"the netlist's pin {cell.name} is of the type {kind}, which is not simulated")
    elif "PLL" in cell.kind:
        for port in PLL_OUTPUTS:
            if cell.ports.get(port):
                circuit.alias(cell.ports[port][0], _pll_input(circuit, cell))
        if cell.ports.get("LOCK"):
            circuit.alias(cell.ports["LOCK"][0], "1")


def _only_pll(circuit: Circuit, buffer: Cell) -> Cell:
    """The PLL that a buffer without an input belongs to: nextpnr 0.11.1 leaves wires out that are always there."""
    found = [cell for cell in circuit.cells if "PLL" in cell.kind]
    if len(found) != 1:
        raise ToolError(f"the netlist's buffer {buffer.name} has no input, which is simulated for the output of an only PLL")
    return found[0]


def _pll_input(circuit: Circuit, pll: Cell):
    """The net of a PLL's clock; where nextpnr 0.11.1 left out that it comes from a pin, the pin's net."""
    for port in ("REFERENCECLK", "PACKAGEPIN"):
        if pll.ports.get(port):
            return pll.ports[port][0]
    place = pll.attributes.get("BEL_PAD_INPUT", "none")
    pads = [cell.ports["PACKAGE_PIN"][0] for cell in circuit.cells if cell.kind == "SB_IO" and cell.attributes.get("NEXTPNR_BEL") == place]
    if not pads:
        raise ToolError(f"the netlist's PLL {pll.name} has no clock")
    return pads[0]


def logic(circuit: Circuit, cell: Cell) -> None:
    """Add what a cell does to the circuit; ToolError for one that is not known."""
    pin = circuit.pin
    match = FLIP_FLOP.match(cell.kind)
    if cell.kind == "SB_LUT4":
        inputs = [pin(cell, f"I{index}", ZERO) for index in range(4)]
        circuit.drive(cell, "O", lut(cell.bits("LUT_INIT", 16), inputs))
    elif cell.kind == "SB_CARRY":
        circuit.drive(cell, "CO", _majority(*(pin(cell, port, ZERO) for port in ("I0", "I1", "CI"))))
    elif match:
        _flip_flop(circuit, cell, *match.groups())
    elif cell.kind == "ICESTORM_LC":
        _logic_cell(circuit, cell)
    elif cell.kind in ("SB_RAM40_4K", "SB_RAM40_4KNR", "SB_RAM40_4KNW", "SB_RAM40_4KNRNW", "ICESTORM_RAM"):
        _ram(circuit, cell)
    elif cell.kind in ("SB_SPRAM256KA", "ICESTORM_SPRAM"):
        circuit.instance("SB_SPRAM256KA", cell, {}, {
            "ADDRESS": circuit.bus(cell, "ADDRESS", 14), "DATAIN": circuit.bus(cell, "DATAIN", 16),
            "MASKWREN": circuit.bus(cell, "MASKWREN", 4), **{port: pin(cell, port, ZERO) for port in
                                                            ("WREN", "CHIPSELECT", "CLOCK", "STANDBY", "SLEEP")},
            "POWEROFF": pin(cell, "POWEROFF", ONE), "DATAOUT": circuit.outputs(cell, "DATAOUT", 16)})
    elif cell.kind in ("SB_MAC16", "ICESTORM_DSP"):
        circuit.instance("SB_MAC16", cell, {name: f"{width}'b{cell.bits(name, width)}" for name, width in DSP_PARAMETERS.items()}, {
            **{port: circuit.bus(cell, port, width) for port, width in DSP_BUSES.items()}, "CE": pin(cell, "CE", ONE),
            **{port: pin(cell, port, ZERO) for port in DSP_PINS}, "O": circuit.outputs(cell, "O", 32),
            **{port: circuit.outputs(cell, port, 1) for port in ("CO", "ACCUMCO", "SIGNEXTOUT")}})
    elif cell.kind not in ("SB_GB", "SB_IO", "SB_GB_IO") and "PLL" not in cell.kind:
        raise ToolError(f"the netlist's cell {cell.name} is a {cell.kind}, which is not simulated")


def _majority(one: str, other: str, carry: str) -> str:
    return f"({one} & {other}) | (({one} | {other}) & {carry})"


def _flip_flop(circuit: Circuit, cell: Cell, falling: str, _enabled: str, clear: str | None) -> None:
    if not cell.ports.get("Q"):
        return
    reset = circuit.pin(cell, "S" if clear in ("S", "SS") else "R", ZERO)
    circuit.register(circuit.net(cell.ports["Q"][0]), circuit.pin(cell, "C", ZERO), "negedge" if falling else "posedge",
                     circuit.pin(cell, "D", ZERO), circuit.pin(cell, "E", ONE), reset,
                     int(clear in ("S", "SS")), 0, clear in ("R", "S"), False)


def _logic_cell(circuit: Circuit, cell: Cell) -> None:
    pin = circuit.pin
    inputs = [pin(cell, f"I{index}", ZERO) for index in range(4)]
    value = lut(cell.bits("LUT_INIT", 16), inputs)
    circuit.drive(cell, "LO", value)
    if cell.flag("CARRY_ENABLE"):
        carry = f"1'b{cell.bits('CIN_SET', 1)}" if cell.flag("CIN_CONST") else pin(cell, "CIN", ZERO)
        circuit.drive(cell, "COUT", _majority(inputs[1], inputs[2], carry))
    if not cell.flag("DFF_ENABLE"):
        circuit.drive(cell, "O", value)
    elif cell.ports.get("O"):
        circuit.register(circuit.net(cell.ports["O"][0]), pin(cell, "CLK", ZERO), "negedge" if cell.flag("NEG_CLK") else "posedge",
                         value, pin(cell, "CEN", ONE), pin(cell, "SR", ZERO), cell.number("SET_NORESET"), 0,
                         cell.flag("ASYNC_SR"), False)


def _ram(circuit: Circuit, cell: Cell) -> None:
    pin, modes = circuit.pin, {name: f"{cell.number(name)}" for name in ("READ_MODE", "WRITE_MODE")}
    content = {f"INIT_{digit:X}": f"256'b{cell.bits(f'INIT_{digit:X}', 256)}" for digit in range(16)}
    kind = cell.kind
    clocks = {}
    for side, letter in (("READ", "R"), ("WRITE", "W")):
        falling = cell.flag(f"NEG_CLK_{letter}") or f"N{letter}" in kind.removeprefix("SB_RAM40_4K")
        name = f"{letter}CLKN" if f"{letter}CLKN" in cell.ports else f"{letter}CLK"
        clocks[f"{letter}CLK"] = ("~" if falling else "") + pin(cell, name, ZERO)
    circuit.instance("SB_RAM40_4K", cell, modes | content, {
        **{port: circuit.bus(cell, port, width) for port, width in RAM_BUSES.items()}, **clocks,
        "RCLKE": pin(cell, "RCLKE", ONE), "WCLKE": pin(cell, "WCLKE", ONE), "RE": pin(cell, "RE", ZERO),
        "WE": pin(cell, "WE", ZERO), "RDATA": circuit.outputs(cell, "RDATA", 16)})
