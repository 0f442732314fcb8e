"""The workarounds for MyHDL: conversion is all or nothing, and known traps are named."""
from pathlib import Path

import numpy as np
import pytest
from myhdl import ConversionError, ToVerilogWarning, always_comb, block

import rtl.hdl
from rtl.hdl import convert, cut, settle_loops, strip_header, suspects
from rtl.stream import signed, unsigned
from tb.block_bench import run
from tb.block_parts import Table

SOURCES = sorted(Path(rtl.hdl.__file__).parent.rglob("*.py"))


@block
def passing(a, y):
    """y = a."""

    @always_comb
    def wire():
        y.next = a

    return wire


@block
def unsupported(a, y):
    """A conversion error: MyHDL converts loops over ranges only."""

    @always_comb
    def wire():
        y.next = a
        for i in [1, 2]:
            y.next = i

    return wire


@block
def undriven(a, y):
    """A conversion warning: nothing drives `lost`."""
    lost = unsigned(4)

    @always_comb
    def wire():
        y.next = a + lost

    return wire


def test_convert_writes_one_file_and_returns_its_path(tmp_path):
    path = convert(passing(unsigned(4), unsigned(4)), "wire_4", tmp_path / "new")
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["wire_4.v"] and path == tmp_path / "new" / "wire_4.v"
    text = path.read_text()
    assert text.startswith("`timescale") and "module wire_4" in text


@pytest.mark.parametrize("wrong, error", [(unsupported, ConversionError), (undriven, ToVerilogWarning)])
def test_a_failing_conversion_leaves_no_file_and_an_old_one_as_it_was(wrong, error, tmp_path):
    old = convert(passing(unsigned(4), unsigned(4)), "top", tmp_path).read_text()
    with pytest.raises(error):
        convert(wrong(unsigned(4), unsigned(5)), "top", tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["top.v"]
    assert (tmp_path / "top.v").read_text() == old
    with pytest.raises(error):
        convert(wrong(unsigned(4), unsigned(5)), "other", tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["top.v"]


def test_equal_designs_convert_to_equal_text(tmp_path):
    texts = [convert(passing(signed(4), signed(4)), "top", tmp_path / str(n)).read_text() for n in range(2)]
    assert texts[0] == texts[1]


@pytest.mark.parametrize("text, left", [
    ("// File: x.v\n// Date: today\n\n\n`timescale 1ns/10ps\n// kept\n", "`timescale 1ns/10ps\n// kept\n"),
    ("module m;\n// kept\nendmodule\n", "module m;\n// kept\nendmodule\n"), ("", "")])
def test_strip_header_drops_leading_comments_only(text, left):
    assert strip_header(text) == left


TRAPS = {
    "y.next = (a + b) >> 1": "shift of an unsized sum or product", "y.next = (a * b) >> s": "shift of an unsized sum or product",
    "t[:] = (a - b) >> 2": "shift of an unsized sum or product", "y.next = a // 3": "// or % in hardware",
    "y.next = a % 8": "// or % in hardware", "y.next = a if s else b": "ternary", "y.next = ~a": "~ without a mask",
    "y.next = x == n - 1": "== expression", "y.next = self.x == n + 1": "== expression",
}
SAFE = ["y.next = t >> 1", "y.next = (~a) & 15", "y.next = a & 7", "y.next = x == last", "y.next = x + 1 == last", "t[:] = a + b"]
PROCESS = "@block\ndef top(clk):\n    @{}\n    def process():\n        {}\n    return process\n"


@pytest.mark.parametrize("decorator", ["always_comb", "always(clk.posedge)", "always_seq(clk.posedge, reset=rst)"])
@pytest.mark.parametrize("line", TRAPS)
def test_each_known_trap_is_named_with_its_line(line, decorator):
    (found,) = suspects(PROCESS.format(decorator, line))
    assert found[0] == 5 and found[1].startswith(TRAPS[line])


@pytest.mark.parametrize("line", SAFE)
def test_what_converts_well_is_not_named(line):
    assert not list(suspects(PROCESS.format("always_comb", line)))


def test_elaboration_code_may_use_any_python():
    assert not list(suspects("def sizes(a, b):\n    c = (a + b) >> 1\n    return c // 3 if a else ~b\n"))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_no_block_of_the_hardware_has_a_suspect(path):
    assert not list(suspects(path.read_text()))


@pytest.mark.parametrize("high, low", [(8, 0), (12, 8), (40, 33), (33, 32)])
def test_cut_is_a_signed_slice(high, low):
    rng = np.random.default_rng(low)
    values = [0, (1 << 40) - 1, 1 << high - 1, *(int(v) for v in rng.integers(0, 1 << 40, 30))]
    table = Table({"bus": v} for v in values)
    width = high - low
    trace = run(cut, lambda: dict(bus=unsigned(40), part=signed(width), high=high, low=low), ("part",), (table,), table.over)
    assert trace["part"] == [((v >> low) + (1 << width - 1)) % (1 << width) - (1 << width - 1) for v in values]


def test_a_loop_variable_of_a_combinational_process_has_a_value_before_the_loop():
    text = ("always @(a, b) begin: CHIP_ADD\n    integer i;\n    reg [3:0] n;\n    n = 0;\nend\n"
            "always @(posedge clk) begin: CHIP_HOLD\n    integer i;\n    q <= 0;\nend\n")
    settled = settle_loops(text)
    assert settled == text.replace("    reg [3:0] n;\n", "    reg [3:0] n;\n    i = 0;\n")
