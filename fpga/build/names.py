"""From names in a netlist back to blocks and signals of the MyHDL source.

MyHDL converts a design to one module; a signal is called after the instances it is in: signal `row_valid` of block pe in
block engine is `engine0_pe0_row_valid`. Yosys calls what it makes after a signal near by: `engine0_pe0_row_valid_SB_LUT4_O_I2[1]`,
and registers that were a list of signals `sums[3]`.
"""
from __future__ import annotations

import ast
import functools
import re
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
FOLDERS = ("rtl", "fpga")


@dataclass(frozen=True)
class Place:
    """Where a signal is declared.

    signal: its name there; members of an interface are joined by _.  instance: path such as engine0/pe0, empty at the top.
    block: MyHDL block.  file: its source, relative to the checkout.  line: where the block begins.
    """

    signal: str
    instance: str
    block: str
    file: str
    line: int

    def __str__(self) -> str:
        inside = f" in {self.instance}" if self.instance else ""
        return f"{self.file}:{self.line} {self.block}.{self.signal}{inside}"


@functools.cache
def blocks() -> dict[str, tuple[str, int]]:
    """Name of each @block function of the sources -> file, line."""
    found = {}
    for folder in FOLDERS:
        for path in sorted((CHECKOUT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.FunctionDef) and any("block" == ast.unparse(item) for item in node.decorator_list):
                    found.setdefault(node.name, (path.relative_to(CHECKOUT).as_posix(), node.lineno))
    return found


class Names:
    """The signals of one converted Verilog file.

    verilog: its text.  top: the block it was made of, and the file and line of that.
    """

    def __init__(self, verilog: str, top: tuple[str, str, int] = ("board_top", "fpga/top.py", 1)):
        declared = re.findall(r"^(?:input|output|inout|reg|wire)\s+(?:signed\s+)?(?:\[[^\]]*\]\s*)?(\w+)", verilog, re.M)
        self.declared = set(declared)
        self.top = top
        known = sorted(blocks(), key=len, reverse=True)
        self._step = re.compile(rf"({'|'.join(map(re.escape, known))})(\d+)_") if known else re.compile(r"(?!)")

    def signal_of(self, net: str) -> str | None:
        """The declared signal that a net is or was called after, None where there is none."""
        name = re.sub(r"\[\d+\]", "", net)
        while name and name not in self.declared:
            name = re.sub(r"(?:^|[_$.])[^_$.]*$", "", name)
        return name or None

    def place(self, net: str) -> Place | None:
        """Where the signal of a net is in the source, None for what a tool made of nothing of ours."""
        signal = self.signal_of(net)
        if signal is None:
            return None
        steps, rest = [], signal
        while match := self._step.match(rest):
            steps.append((match[1], match[1] + match[2]))
            rest = rest[match.end():]
        block = steps[-1][0] if steps else self.top[0]
        file, line = blocks()[block] if steps else self.top[1:]
        return Place(rest, "/".join(step for _, step in steps), block, file, line)

