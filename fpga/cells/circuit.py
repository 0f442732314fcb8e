"""A netlist in Yosys' JSON form, as Yosys and nextpnr write it, and the Verilog that its cells become."""
from __future__ import annotations

import functools
import re
from dataclasses import dataclass, field

from tb.toolchain import ToolError

BINARY = re.compile(r"[01xz]+")
ZERO, ONE = "1'b0", "1'b1"
CONSTANTS = {"0": ZERO, "1": ONE, "x": ZERO, "z": ZERO}
DIRECTIONS = ("input", "output")


@dataclass(frozen=True)
class Cell:
    """One cell.

    parameters: name -> text, or bits as a string of 0, 1, x.  ports: name -> nets, the lowest first, none for unused ports.
    attributes: name -> text, such as where nextpnr put it.
    """

    name: str
    kind: str
    parameters: dict
    ports: dict
    attributes: dict = field(default_factory=dict)

    def text(self, name: str, default: str = "") -> str:
        """A parameter that is a word. Yosys writes a blank after a word made of 0 and 1 only, to tell it from bits."""
        value = self.parameters.get(name, default)
        return value.rstrip(" ") if isinstance(value, str) else str(value)

    def bits(self, name: str, width: int, default: int = 0) -> str:
        """A parameter of `width` bits as a string of 0 and 1, the highest first; what is not defined is 0."""
        value = self.parameters.get(name, default)
        if isinstance(value, int):
            value = format(value, "b")
        return re.sub("[xz]", "0", value.strip()).rjust(width, "0")[-width:]

    def number(self, name: str, default: int = 0) -> int:
        """A parameter that is a number."""
        value = self.parameters.get(name, default)
        return value if isinstance(value, int) else int(re.sub("[xz]", "0", value.strip()), 2)

    def flag(self, name: str) -> bool:
        return bool(self.number(name))


@dataclass
class Circuit:
    """A module made of cells, on its way to Verilog.

    ports: name -> (direction, nets).  lines: statements so far.  registers: (clock, edge, asynchronous set, condition) -> assignments.
    Nets that a cell only passes on are one net: `alias`.
    """

    name: str
    ports: dict
    cells: list
    lines: list = field(default_factory=list)
    declared: dict = field(default_factory=dict)
    registers: dict = field(default_factory=dict)
    _same: dict = field(default_factory=dict)

    @classmethod
    def of(cls, module: dict, name: str) -> "Circuit":
        """Read a module of a JSON netlist. Raises ToolError for ports that go both ways."""
        ports = {}
        for port, entry in module["ports"].items():
            if entry["direction"] not in DIRECTIONS:
                raise ToolError(f"the netlist's port {port} goes both ways, which is not simulated")
            ports[port] = (entry["direction"], entry["bits"])
        cells = [Cell(cell, entry["type"], entry["parameters"], entry["connections"], entry.get("attributes", {}))
                 for cell, entry in module["cells"].items()]
        return cls(name, ports, cells)

    def alias(self, net, source) -> None:
        """Make `net` another name of `source`."""
        one, other = self._root(net), self._root(source)
        if one != other:
            self._same[one] = other

    def _root(self, net):
        path = []
        while net in self._same:
            path.append(net)
            net = self._same[net]
        for one in path:
            self._same[one] = net
        return net

    def net(self, net) -> str:
        """The Verilog name of a net, or a constant."""
        root = self._root(net)
        return CONSTANTS[root] if isinstance(root, str) else f"n{root}"

    def pin(self, cell: Cell, port: str, unused: str) -> str:
        """What drives an input of one bit; unused: what it reads when nothing does."""
        found = cell.ports.get(port)
        return self.net(found[0]) if found else unused

    def bus(self, cell: Cell, port: str, width: int, unused: str = ZERO) -> str:
        """What drives an input of several bits, named port[i] (as Yosys writes) or port_i or porti (as nextpnr and ECP5 do)."""
        return "{" + ", ".join(self._bit(cell, port, index, unused) for index in reversed(range(width))) + "}"

    def _bit(self, cell: Cell, port: str, index: int, unused: str) -> str:
        found = cell.ports.get(port, ())
        if index < len(found):
            return self.net(found[index])
        for name in (f"{port}_{index}", f"{port}{index}"):
            if name in cell.ports and cell.ports[name]:
                return self.net(cell.ports[name][0])
        return unused

    def outputs(self, cell: Cell, port: str, width: int) -> str:
        """The nets that a cell drives with a bus, as the left side of an assignment; bits that go nowhere get a net of their own."""
        names = []
        for index in reversed(range(width)):
            name = self._bit(cell, port, index, "")
            if not name:
                name = f"open{len(self.declared)}"
            self.declared.setdefault(name, None)
            names.append(name)
        return "{" + ", ".join(names) + "}"

    def drive(self, cell: Cell, port: str, expression: str) -> None:
        """Drive a net with an expression, when the output goes anywhere."""
        found = cell.ports.get(port)
        if found:
            name = self.net(found[0])
            self.declared.setdefault(name, None)
            self.lines.append(f"assign {name} = {expression};")

    def register(self, target: str, clock: str, edge: str, data: str, enable: str = ONE, reset: str = ZERO, value: int = 0,
                 start: int = 0, asynchronous: bool = False, reset_first: bool = True) -> None:
        """A flip-flop.

        target: net.  edge: posedge or negedge.  enable, reset: active high.  value: after reset.  start: after power-up.
        reset_first: whether a synchronous reset works while the enable is low.
        """
        self.declared[target] = start
        group = self.registers.setdefault((clock, edge, enable, reset, asynchronous, reset_first), [])
        group.append((target, data, value))

    def instance(self, module: str, cell: Cell, parameters: dict, ports: dict) -> None:
        """An instance of a Verilog module; it keeps its number, since names of cells need not be Verilog's."""
        settings = ", ".join(f".{name}({value})" for name, value in parameters.items())
        wires = ", ".join(f".{name}({value})" for name, value in ports.items())
        self.lines.append(f"{module} {f'#({settings}) ' if settings else ''}c{len(self.lines)} ({wires});")

    def verilog(self) -> str:
        """The whole module."""
        text = [f"module {self.name}({', '.join(self.ports)});"]
        inputs, outputs = [], []
        for port, (direction, nets) in self.ports.items():
            text.append(f"{direction} {f'[{len(nets) - 1}:0] ' if len(nets) > 1 else ''}{port};")
            for index, net in enumerate(nets):
                bit = f"{port}[{index}]" if len(nets) > 1 else port
                if direction == "input":
                    self.declared.setdefault(self.net(net), None)
                    inputs.append(f"assign {self.net(net)} = {bit};")
                else:
                    outputs.append(f"assign {bit} = {self.net(net)};")
        for name, start in self.declared.items():
            text.append(f"wire {name};" if start is None else f"reg {name} = 1'b{start};")
        text += inputs + outputs + self.lines
        for (clock, edge, enable, reset, asynchronous, reset_first), group in self.registers.items():
            moves = [f"{target} <= {data};" for target, data, _ in group]
            clears = [f"{target} <= 1'b{value};" for target, _, value in group]
            text += _process(clock, edge, enable, reset, asynchronous, reset_first, moves, clears)
        return "\n".join([*text, "endmodule"]) + "\n"


def _process(clock, edge, enable, reset, asynchronous, reset_first, moves, clears) -> list[str]:
    """The always block of flip-flops that share clock, enable and reset."""
    head = f"always @({edge} {clock}{f' or posedge {reset}' if asynchronous and reset != CONSTANTS['0'] else ''})"
    moving = [f"if ({enable}) begin", *moves, "end"] if enable != ONE else moves
    if reset == ZERO:
        return [head + " begin", *moving, "end"]
    if asynchronous or reset_first:
        return [head, f"if ({reset}) begin", *clears, "end else begin", *moving, "end"]
    inner = [f"if ({reset}) begin", *clears, "end else begin", *moves, "end"]
    return [head + " begin", *([f"if ({enable}) begin", *inner, "end"] if enable != ONE else inner), "end"]


def lut(bits: str, inputs: list) -> str:
    """A lookup table as an expression: bit number {inputs, the first lowest} of a constant, the highest bit first in `bits`.

    Constant inputs are worked out here; thousands of tables are what a netlist spends its time on.
    """
    table, live = tuple(bit == "1" for bit in reversed(bits)), []
    for position in reversed(range(len(inputs))):
        low, high = _halves(table, position)
        if inputs[position] == ZERO:
            table = low
        elif inputs[position] == ONE:
            table = high
        else:
            live.insert(0, inputs[position])
    return _expression(table, len(live))[1].format(*live)


def _halves(table: tuple, position: int) -> tuple[tuple, tuple]:
    """The table with an input at 0, and at 1."""
    return (tuple(value for index, value in enumerate(table) if not index >> position & 1),
            tuple(value for index, value in enumerate(table) if index >> position & 1))


@functools.cache
def _expression(table: tuple, count: int, names: tuple = (0, 1, 2, 3)) -> tuple[int, str]:
    """Operations and text of the shortest expression that splitting off one input after the other gives.

        f = f0 where f0 = f1, else ~x & f0, x & f1, ~x | f1, x | f0, x ^ f0 where a half is 0, 1 or the other's opposite,
        else x & f1 | ~x & f0
    """
    if all(table) or not any(table):
        return 0, ONE if table[0] else ZERO
    if count == 1:
        return (0, f"{{{names[0]}}}") if table[1] else (1, f"(~{{{names[0]}}})")
    best = None
    for position in range(count):
        (low, high), rest = _halves(table, position), names[:position] + names[position + 1:]
        x = f"{{{names[position]}}}"
        if low == high:
            return _expression(low, count - 1, rest)
        (cost0, text0), (cost1, text1) = (_expression(half, count - 1, rest) for half in (low, high))
        if not any(low):
            found = (cost1 + 1, f"({x} & {text1})") if not all(high) else (0, x)
        elif not any(high):
            found = (cost0 + 2, f"((~{x}) & {text0})") if not all(low) else (1, f"(~{x})")
        elif all(low):
            found = cost1 + 2, f"((~{x}) | {text1})"
        elif all(high):
            found = cost0 + 1, f"({x} | {text0})"
        elif all(one != other for one, other in zip(low, high)):
            found = cost0 + 1, f"({x} ^ {text0})"
        else:
            found = cost0 + cost1 + 4, f"(({x} & {text1}) | ((~{x}) & {text0}))"
        if best is None or found[0] < best[0]:
            best = found
    return best
