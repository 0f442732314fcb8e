"""Names of a netlist come back as blocks and signals of the source, and cells are counted where they belong."""
from __future__ import annotations

import pytest

from fpga.build import blocks, floorplan
from fpga.build.names import Names, blocks as known_blocks
from fpga.build.path import critical_path, sentence

VERILOG = """
module top (clk, led);
input clk;
output [1:0] led;
wire [1:0] led;
reg start = 0;
wire [3:0] engine0_pe0_row_valid;
reg [23:0] engine0_pe1_weight_buffer0_words [0:511];
reg signed [8:0] engine0_pe1_row_walker0_event_queue21_data = 0;
reg [7:0] engine0_pe0;
endmodule
"""
NAMES = Names(VERILOG)


def test_every_block_of_the_sources_is_known_with_its_file():
    known = known_blocks()
    assert known["row_walker"][0] == "rtl/row_walker.py" and known["row_walker"][1] > 1
    assert known["board_top"][0] == "fpga/top.py"


@pytest.mark.parametrize("net, signal", [
    ("start", "start"), ("led[1]", "led"), ("engine0_pe0_row_valid_SB_LUT4_O_I2[3]", "engine0_pe0_row_valid"),
    ("start_TRELLIS_FF_Q_DI_LUT4_Z_A", "start"), ("engine0_pe0_LUT4_Z", "engine0_pe0"), ("clk$SB_IO_IN_$glb_clk", "clk"),
    ("engine0_pe1_weight_buffer0_words.0.0", "engine0_pe1_weight_buffer0_words"), ("led[1]_SB_DFF_Q_D[2]", "led"),
    ("$abc$12$new_n3", None), ("starting", None),
])
def test_a_net_is_called_after_the_longest_signal_that_begins_its_name(net, signal):
    assert NAMES.signal_of(net) == signal


def test_a_signal_is_placed_in_its_innermost_block():
    place = NAMES.place("engine0_pe1_row_walker0_event_queue21_data_LUT4_Z[2]")
    assert (place.signal, place.instance, place.block, place.file) == (
        "data", "engine0/pe1/row_walker0/event_queue21", "event_queue", "rtl/event_queue.py")
    assert str(place).startswith("rtl/event_queue.py:") and str(place).endswith("event_queue.data in " + place.instance)
    assert NAMES.place("start").block == "board_top" and NAMES.place("$auto$1") is None


def module(cells, nets):
    return {"netnames": {name: {"bits": bits} for name, bits in nets.items()},
            "cells": {name: {"type": kind, "port_directions": {"Q": "output", "D": "input"}, "connections": {"Q": [out], "D": [1]}}
                      for name, (kind, out) in cells.items()}}


def test_cells_belong_to_the_innermost_block_that_declares_what_they_drive():
    netlist = module(
        {"a": ("SB_LUT4", 10), "b": ("SB_DFFER", 11), "c": ("SB_MAC16", 12), "start_SB_LUT4_O": ("SB_LUT4", 13), "d": ("SB_CARRY", 14),
         "e": ("SB_RAM40_4K", 15), "f": ("CCU2C", 11)},
        {"start": [10], "engine0_pe0_row_valid": [11, 12], "led": [11], "engine0_pe1_weight_buffer0_words.0.0": [15], "$x": [13]})
    assert blocks.count(netlist, NAMES) == {
        "": {"lut": 2}, "engine0/pe0": {"ff": 1, "dsp": 1, "lut": 2}, "engine0/pe1/weight_buffer0": {"ram": 1}}


def test_instances_of_a_block_are_one_row():
    counts = {"": {"lut": 1}, "engine0/pe0": {"lut": 5, "ff": 1}, "engine0/pe1": {"lut": 7}, "engine0/pe1/fire0": {"dsp": 1}}
    rows = {row["block"]: row for row in blocks.grouped(counts, 2)}
    assert rows["engine/pe"] == {"block": "engine/pe", "instances": 2, "lut": 12, "ff": 1, "dsp": 1, "ram": 0, "spram": 0}
    assert rows["top"]["lut"] == 1 and [row["block"] for row in blocks.grouped(counts, 1)] == ["engine", "top"]


@pytest.mark.parametrize("cell, kind", [
    ("TRELLIS_FF", ("ff", 1)), ("CCU2C", ("lut", 2)), ("TRELLIS_DPR16X4", ("lut", 4)), ("DP16KD", ("ram", 1)),
    ("SB_SPRAM256KA", ("spram", 1)), ("DFFRE", ("ff", 1)), ("SDPX9B", ("ram", 1)), ("LUT3", ("lut", 1)), ("PFUMX", (None, 0)),
    ("SB_RAM40_4KNW", ("ram", 1)),
])
def test_cells_of_every_family_are_known(cell, kind):
    assert blocks.kind_of(cell) == kind


def step(kind, delay, to, net=None):
    return {"type": kind, "delay": delay, "to": {"cell": to}, "from": {"cell": ""}, **({"net": net} if net else {})}


def test_a_critical_path_is_told_signal_by_signal():
    path = [step("clk-to-q", 1.0, "start_SB_DFF_Q"), step("routing", 2.0, "x", "start"), step("logic", 0.5, "engine0_pe0_row_valid_LUT"),
            step("routing", 1.5, "y", "engine0_pe0_row_valid_LUT[1]"), step("setup", 0.25, "engine0_pe0_row_valid_FF")]
    other = [step("routing", 99.0, "x", "start")]
    report = {"critical_paths": [{"from": "posedge clk", "to": "posedge clk", "path": path},
                                 {"from": "<async>", "to": "posedge clk", "path": other}]}
    told = critical_path(report, "clk", NAMES)
    assert (told["delay_ns"], told["logic_ns"], told["routing_ns"], told["levels"]) == (5.25, 1.75, 3.5, 1)
    assert [(one["signal"], one["delay_ns"], one["levels"]) for one in told["steps"]] == [("start", 3.0, 0), ("row_valid", 2.25, 1)]
    assert told["steps"][1]["source"].startswith("rtl/pe.py:") and told["steps"][1]["instance"] == "engine0/pe0"
    assert "5.2 ns" in sentence(told) and "pe.row_valid (rtl/pe.py:" in sentence(told)
    assert critical_path(report, "other", NAMES) == {} and sentence({}) == "no path between registers"


def test_placed_cells_are_read_by_tile(tmp_path):
    cells = {"start_LC": ("ICESTORM_LC", "X3/Y4/lc1"), "engine0_pe0_LC": ("ICESTORM_LC", "X3/Y4/lc2"),
             "engine0_pe0_row_valid_LC": ("LUT4", "X5Y2/LUT3"), "engine0_pe1_weight_buffer0_words.0": ("ICESTORM_RAM", "X6/Y1/ram"),
             "p": ("SB_IO", "X0/Y0/io0"), "q": ("ICESTORM_LC", "")}
    text = ", ".join(f'"{name}": {{"type": "{kind}", "attributes": {{"NEXTPNR_BEL": "{bel}"}}}}' for name, (kind, bel) in cells.items())
    (tmp_path / "routed.json").write_text(f'{{"modules": {{"top": {{"attributes": {{}}, "cells": {{{text}}}}}}}}}')
    (tmp_path / "top.v").write_text(VERILOG)
    plan = floorplan.read(tmp_path / "routed.json", tmp_path / "top.v")
    assert (plan.width, plan.height) == (7, 5)
    assert plan.logic == {(3, 4): {"top": 1, "engine": 1}, (5, 2): {"pe": 1}}
    assert plan.hard == [(6, 1, "ram", "weight_buffer")]
