"""Every workaround for MyHDL 0.11.52 and nothing else.

* A failed conversion leaves a broken file, and undriven or unread signals are only warnings: `convert` makes warnings
  errors and renames a finished file into place.
* The converter's header holds a path and a date: `strip_header` drops it so that equal designs give equal text.
* Python integers grow where Verilog cuts: an arithmetic result that is shifted, compared or selected goes through a sized
  variable first; `suspects` names the places that do not.
* An if/elif chain over one signal becomes a `case`; an arm compared with an expression (`x == N - 1`) loses an operand:
  compare with a name. `suspects` finds it.
* An output that nobody reads is a warning: `leave_open` names the ones that are meant.
* A bit of a lone one-bit signal has no index in a process: `joined` makes a vector of any list of signals.
* A loop variable of a combinational process keeps its value where the loop is not run: Yosys 0.70 calls that a latch and stops.
  `settle_loops` gives every loop variable a value first.
* A block with text of its own (`verilog_code`) hides its ports from the converter: `drop_in` says which are read and driven.
  The text stays for every later instance in the process: a block that ever sets one sets one on every path.
* Indexing a list of shadow slices in a process converts to a memory joined to nothing: `cut` is one slice a block.
"""
from __future__ import annotations

import ast
import os
import re
import shutil
import tempfile
import warnings
from pathlib import Path

from myhdl import ConcatSignal, ToVerilogWarning, always_comb, block


def convert(instance, name: str, folder) -> Path:
    """Write folder/name.v completely or not at all; a conversion warning is an error.

    instance: a block instance.  name: module and file name.  Returns the path.
    Raises myhdl.ConversionError, or ToVerilogWarning where MyHDL only warns.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    scratch = tempfile.mkdtemp(dir=folder)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", ToVerilogWarning)
            instance.convert(hdl="Verilog", path=scratch, name=name, testbench=False, initial_values=True)
        source = Path(scratch, name + ".v")
        source.write_text(settle_loops(strip_header(source.read_text())))
        os.replace(source, folder / (name + ".v"))
    finally:
        shutil.rmtree(scratch)
    return folder / (name + ".v")


def strip_header(text: str) -> str:
    """The converter's text without its dated comment lines above `timescale."""
    return re.sub(r"\A(//[^\n]*\n|\s*\n)+", "", text)


def settle_loops(text: str) -> str:
    """The converter's text with `i = 0;` after the declarations of every combinational process that has a loop variable i."""
    def settle(process):
        names = re.findall(r"^ *integer (\w+);", process[0], re.M)
        return process[0] + "".join(f"    {name} = 0;\n" for name in names)

    head = r"^always @\((?!posedge|negedge)[^)]*\) begin: \w+\n(?: +(?:reg|integer)[^\n]*;\n)+"
    return re.sub(head, settle, text, flags=re.M)


def leave_open(*signals):
    """Mark outputs that a parent has no use for, so that the converter does not take them for a mistake."""
    for signal in signals:
        signal.read = True


def drop_in(reads, writes):
    """Mark ports of a block whose hardware is Verilog text of its own (`verilog_code`): it reads `reads` and drives wires `writes`."""
    for port in reads:
        port.read = True
    for port in writes:
        port.driven = "wire"


def joined(signals):
    """One vector of a list of signals, first one lowest; a zero is put above a lone one, so that its bits have indices."""
    return ConcatSignal(*reversed(signals)) if len(signals) > 1 else ConcatSignal("0", signals[0])


def packed(signals):
    """One unsigned vector of a list of signals, first one lowest."""
    return ConcatSignal(*reversed(signals)) if len(signals) > 1 else signals[0](len(signals[0]), 0)


@block
def cut(bus, part, high, low):
    """part = signed bus[high:low]; combinational. high, low: elaboration-time integers."""

    @always_comb
    def slice_bus():
        part.next = bus[high:low].signed()

    return slice_bus


def suspects(source: str):
    """Yield (line, reason) for expressions inside @always functions that convert to something else without a word."""
    def operation(node, *kinds):
        return isinstance(node, (ast.BinOp, ast.UnaryOp)) and isinstance(node.op, kinds)

    for function in ast.walk(ast.parse(source)):
        if not any("always" in ast.unparse(d) for d in getattr(function, "decorator_list", [])):
            continue
        for node in ast.walk(function):
            if operation(node, ast.RShift) and operation(node.left, ast.Add, ast.Sub, ast.Mult):
                yield node.lineno, "shift of an unsized sum or product"
            elif operation(node, ast.FloorDiv, ast.Mod):
                yield node.lineno, "// or % in hardware"
            elif isinstance(node, ast.IfExp):
                yield node.lineno, "ternary"
            elif isinstance(node, ast.Assign) and operation(node.value, ast.Invert):
                yield node.lineno, "~ without a mask"
            elif isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq) and operation(
                    node.comparators[0], ast.Add, ast.Sub, ast.Mult) and isinstance(node.left, (ast.Name, ast.Attribute)):
                yield node.lineno, "== expression: in an if/elif chain the converter makes a case of it and drops an operand"
