"""ECP5: the cells that Yosys maps to and those that nextpnr packs them into; block RAM and multiplier are in ecp5.v.

Logic as in Yosys 0.70's own models (techlibs/lattice/common_sim.vh), but for what nextpnr 0.11.1 adds: a flip-flop takes its data
from M where SD is 0, and TRELLIS_RAMW passes the write side of a distributed RAM on to four TRELLIS_COMB. An input that nothing
drives reads 1 after packing; a port's MUX parameter ties it to a constant or inverts it.
Distributed RAM that begins with other values than 0 is not covered: nextpnr 0.11.1 writes those of bit i to cell 3 - i.
"""
from __future__ import annotations

from fpga.cells.circuit import ONE, ZERO, Cell, Circuit, lut
from tb.toolchain import ToolError

MODELS = ()
MUX = {"0": ZERO, "1": ONE}
RAM_WORDS = {"DIA": 18, "DIB": 18, "ADA": 14, "ADB": 14, "CSA": 3, "CSB": 3}
RAM_PINS = ("CLKA", "CEA", "OCEA", "WEA", "RSTA", "CLKB", "CEB", "OCEB", "WEB", "RSTB")
RAM_TEXTS = ("REGMODE_A", "REGMODE_B", "CSDECODE_A", "CSDECODE_B", "WRITEMODE_A", "WRITEMODE_B", "RESETMODE")
RAM_DEFAULTS = {"REGMODE": "NOREG", "CSDECODE": "0b000", "WRITEMODE": "NORMAL", "RESETMODE": "SYNC"}
STAGES = ("INPUTA", "INPUTB", "PIPELINE", "OUTPUT")
RAMW = {"WADO0": "D0", "WADO1": "B0", "WADO2": "C0", "WADO3": "A0", "WDO0": "C1", "WDO1": "A1", "WDO2": "D1", "WDO3": "B1",
        "WREO": "LSR", "WCKO": "CLK"}
"""Output of TRELLIS_RAMW -> the input that it passes on (nextpnr, ecp5/pack.cc, pack_dram)."""
PLL_OUTPUTS = ("CLKOP", "CLKOS", "CLKOS2", "CLKOS3")
PASSED_ON = ("DCCA", "TRELLIS_IO", "EHXPLLL", "TRELLIS_RAMW", "VLO", "VHI")


def wires(circuit: Circuit, cell: Cell) -> None:
    """Make one net of what buffers, pins and PLLs pass on: a PLL's output is its input here, so the pin's clock is the design's."""
    def follow(target: str, source: str) -> None:
        if cell.ports.get(target):
            circuit.alias(cell.ports[target][0], cell.ports[source][0] if cell.ports.get(source) else "1")

    if cell.kind == "DCCA":
        follow("CLKO", "CLKI")
    elif cell.kind == "TRELLIS_IO":
        if cell.text("DIR") not in ("INPUT", "OUTPUT"):
            raise ToolError(f"the netlist's pin {cell.name} goes both ways, which is not simulated")
        follow(*(("O", "B") if cell.text("DIR") == "INPUT" else ("B", "I")))
    elif cell.kind == "EHXPLLL":
        for port in PLL_OUTPUTS:
            follow(port, "CLKI")
        if cell.ports.get("LOCK"):
            circuit.alias(cell.ports["LOCK"][0], "1")
    elif cell.kind == "TRELLIS_RAMW":
        for target, source in RAMW.items():
            follow(target, source)
    elif cell.kind in ("VLO", "VHI") and cell.ports.get("Z"):
        circuit.alias(cell.ports["Z"][0], "0" if cell.kind == "VLO" else "1")


def logic(circuit: Circuit, cell: Cell) -> None:
    """Add what a cell does to the circuit; ToolError for one that is not known."""
    kind, pin = cell.kind, circuit.pin
    if kind == "LUT4":
        circuit.drive(cell, "Z", lut(cell.bits("INIT", 16), [pin(cell, port, ZERO) for port in "ABCD"]))
    elif kind == "PFUMX":
        circuit.drive(cell, "Z", _select(*(pin(cell, port, ZERO) for port in ("C0", "ALUT", "BLUT"))))
    elif kind == "L6MUX21":
        circuit.drive(cell, "Z", _select(*(pin(cell, port, ZERO) for port in ("SD", "D1", "D0"))))
    elif kind == "INV":
        circuit.drive(cell, "Z", f"~{pin(cell, 'A', ONE)}")
    elif kind == "CCU2C":
        _carry_pair(circuit, cell)
    elif kind == "TRELLIS_FF":
        _flip_flop(circuit, cell)
    elif kind == "TRELLIS_COMB":
        _combinational(circuit, cell)
    elif kind == "TRELLIS_DPR16X4":
        _small_ram(circuit, cell)
    elif kind == "DP16KD":
        _block_ram(circuit, cell)
    elif kind == "MULT18X18D":
        _multiplier(circuit, cell)
    elif kind not in PASSED_ON:
        raise ToolError(f"the netlist's cell {cell.name} is a {kind}, which is not simulated")


def _select(which: str, one: str, zero: str) -> str:
    return f"{which} ? {one} : {zero}"


def _muxed(circuit: Circuit, cell: Cell, port: str, unused: str) -> str:
    """An input behind its MUX parameter: a constant, inverted, or as it comes."""
    mux = cell.text(f"{port}MUX", port)
    if mux in MUX:
        return MUX[mux]
    value = circuit.pin(cell, port, ONE if f"{port}MUX" in cell.parameters else unused)
    return f"~{value}" if mux == "INV" else value


def _carry(circuit: Circuit, cell: Cell, bits: str, inputs: list, inject: bool, carry_in: str, carry_name: str) -> tuple[str, str]:
    """Sum and carry of one half of a carry cell; the table gets a net, since both need it."""
    table = f"{carry_name}_table"
    circuit.declared[table] = None
    circuit.lines.append(f"assign {table} = {lut(bits, inputs)};")
    generate = ZERO if inject else lut(bits[-4:], inputs[:2])
    return (table if inject else f"{table} ^ {carry_in}"), f"{table} ? {carry_in} : {generate}"


def _carry_pair(circuit: Circuit, cell: Cell) -> None:
    carry = circuit.pin(cell, "CIN", ZERO)
    for half in "01":
        name = f"carry{len(circuit.lines)}"
        inputs = [circuit.pin(cell, port + half, ZERO) for port in "ABCD"]
        total, after = _carry(circuit, cell, cell.bits(f"INIT{half}", 16), inputs, cell.text(f"INJECT1_{half}", "YES") == "YES",
                              carry, name)
        circuit.drive(cell, f"S{half}", total)
        circuit.declared[name] = None
        circuit.lines.append(f"assign {name} = {after};")
        carry = name
    circuit.drive(cell, "COUT", carry)


def _flip_flop(circuit: Circuit, cell: Cell) -> None:
    if not cell.ports.get("Q"):
        return
    if cell.text("LSRMODE", "LSR") != "LSR":
        raise ToolError(f"the netlist's flip-flop {cell.name} has LSRMODE {cell.text('LSRMODE')}, which is not simulated")
    data = "M" if cell.text("SD", "1") == "0" else "DI"
    level = int(cell.text("REGSET", "RESET") == "SET")
    enable = MUX.get(cell.text("CEMUX", "1")) or _muxed(circuit, cell, "CE", ONE)
    reset = ZERO if not cell.ports.get("LSR") else _muxed(circuit, cell, "LSR", ZERO)
    circuit.register(circuit.net(cell.ports["Q"][0]), circuit.pin(cell, "CLK", ZERO),
                     "negedge" if cell.text("CLKMUX", "CLK") == "INV" else "posedge", circuit.pin(cell, data, ZERO), enable, reset,
                     level, level, cell.text("SRMODE", "LSR_OVER_CE") == "ASYNC")


def _combinational(circuit: Circuit, cell: Cell) -> None:
    pin, mode = circuit.pin, cell.text("MODE", "LOGIC")
    if mode == "RAMW_BLOCK":    # a place that a distributed RAM's write side takes up
        return
    inputs = [pin(cell, port, ONE) for port in "ABCD"]
    bits = cell.bits("INITVAL", 16)
    if mode == "LOGIC":
        own = lut(bits, inputs)
    elif mode == "CCU2":
        own, carry = _carry(circuit, cell, bits, inputs, cell.text("CCU2_INJECT1", "NO") == "YES", pin(cell, "FCI", ONE),
                            f"carry{len(circuit.lines)}")
        circuit.drive(cell, "FCO", carry)
    elif mode == "DPRAM":
        ram = f"ram{len(circuit.lines)}"
        write = ", ".join(pin(cell, f"WAD{index}", ONE) for index in (3, 2, 1, 0))
        circuit.lines += [f"reg [15:0] {ram} = 16'b{bits};",
                          f"always @({_edge(cell)} {pin(cell, 'WCK', ZERO)}) if ({_muxed(circuit, cell, 'WRE', ONE)}) "
                          f"{ram}[{{{write}}}] <= {pin(cell, 'WD', ONE)};"]
        own = f"{ram}[{{{', '.join(inputs[index] for index in (0, 2, 1, 3))}}}]"
    else:
        raise ToolError(f"the netlist's cell {cell.name} has the mode {mode}, which is not simulated")
    circuit.drive(cell, "F", own)
    if cell.ports.get("OFX"):
        wide = "FXA" in cell.ports or "FXB" in cell.ports
        zero, one = ("FXA", "FXB") if wide else ("F", "F1")
        low = f"({own})" if not wide and not cell.ports.get("F") else pin(cell, zero, ONE)
        circuit.drive(cell, "OFX", _select(pin(cell, "M", ONE), pin(cell, one, ONE), low))


def _edge(cell: Cell) -> str:
    return "negedge" if cell.text("WCKMUX", "WCK") == "INV" else "posedge"


def _small_ram(circuit: Circuit, cell: Cell) -> None:
    ram, init = f"ram{len(circuit.lines)}", cell.bits("INITVAL", 64)
    start = ", ".join(f"{ram}[{index}] = 4'b{init[60 - 4 * index:64 - 4 * index]}" for index in range(16)).replace(",", ";")
    circuit.lines += [f"reg [3:0] {ram} [0:15]; initial begin {start}; end",
                      f"always @({_edge(cell)} {circuit.pin(cell, 'WCK', ZERO)}) if ({_muxed(circuit, cell, 'WRE', ONE)}) "
                      f"{ram}[{circuit.bus(cell, 'WAD', 4)}] <= {circuit.bus(cell, 'DI', 4)};",
                      f"assign {circuit.outputs(cell, 'DO', 4)} = {ram}[{circuit.bus(cell, 'RAD', 4)}];"]


def _muxed_bus(circuit: Circuit, cell: Cell, port: str, width: int) -> str:
    return "{" + ", ".join(_muxed(circuit, cell, f"{port}{index}", ZERO) for index in reversed(range(width))) + "}"


def _block_ram(circuit: Circuit, cell: Cell) -> None:
    parameters = {name: f'"{cell.text(name, RAM_DEFAULTS[name.split("_")[0]])}"' for name in RAM_TEXTS}
    parameters |= {name: cell.number(name, 18) for name in ("DATA_WIDTH_A", "DATA_WIDTH_B")}
    widths = parameters["DATA_WIDTH_A"], parameters["DATA_WIDTH_B"]
    if 36 in widths and widths != (36, 36):
        raise ToolError(f"the netlist's block RAM {cell.name} is 36 bits wide on one side only, which is not simulated")
    rows = [cell.bits(f"INITVAL_{index:02X}", 320) for index in range(64)]
    if any("1" in row for row in rows):
        parameters["INIT"] = f"20480'b{''.join(reversed(rows))}"
    ports = {port: _muxed_bus(circuit, cell, port, width) for port, width in RAM_WORDS.items()}
    ports |= {port: _muxed(circuit, cell, port, ONE if "CE" in port else ZERO) for port in RAM_PINS}
    circuit.instance("DP16KD", cell, parameters, ports | {port: circuit.outputs(cell, port, 18) for port in ("DOA", "DOB")})


def _multiplier(circuit: Circuit, cell: Cell) -> None:
    """One clock, one enable and one reset for all its registers, or it is refused."""
    used = [stage for stage in STAGES if cell.text(f"REG_{stage}_CLK", "NONE") != "NONE"]
    shared = {(cell.text(f"REG_{stage}_CLK"), cell.text(f"REG_{stage}_CE", "CE0"), cell.text(f"REG_{stage}_RST", "RST0")) for stage in used}
    if len(shared) > 1:
        raise ToolError(f"the netlist's multiplier {cell.name} has registers of different clocks or enables, which is not simulated")
    clock, enable, reset = next(iter(shared), ("CLK0", "CE0", "RST0"))
    parameters = {stage: int(stage in used) for stage in STAGES}
    circuit.instance("MULT18X18D", cell, parameters, {
        "A": _muxed_bus(circuit, cell, "A", 18), "B": _muxed_bus(circuit, cell, "B", 18),
        "SIGNEDA": _muxed(circuit, cell, "SIGNEDA", ZERO), "SIGNEDB": _muxed(circuit, cell, "SIGNEDB", ZERO),
        "CLK": _muxed(circuit, cell, clock, ZERO), "CE": _muxed(circuit, cell, enable, ONE),
        "RST": _muxed(circuit, cell, reset, ZERO), "P": circuit.outputs(cell, "P", 36)})
