"""What the ECP5 primitives give Yosys: which cells, with which registers, and which bit goes to which pin."""
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import rtl.primitives
from rtl.hdl import convert
from rtl.memory import memory
from rtl.primitives.global_buffer import global_buffer
from rtl.primitives.multiplier import multiplier
from rtl.stream import bit, signed, unsigned
from tb.block_bench import run
from tb.block_parts import Table
from tests.rtl.primitives.cells import use_models

SCRIPT = """
import sys
from pyosys import libyosys as ys
design = ys.Design()
for command in ("read_verilog top.v", "read_verilog -lib -specify +/lattice/cells_bb_ecp5.v", "hierarchy -top top", "proc", "opt_clean",
                "write_json top.json"):
    ys.run_pass(command, design)
"""


def cells(instance, folder):
    """Convert, let Yosys read it, and return its ports and the cells that are no wires of Yosys' own."""
    convert(instance, "top", folder)
    done = subprocess.run([sys.executable, "-c", SCRIPT], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    module = json.loads((folder / "top.json").read_text())["modules"]["top"]
    return ({name: port["bits"] for name, port in module["ports"].items()},
            [cell for cell in module["cells"].values() if not cell["type"].startswith("$")])


def pin(cell, name):
    return cell["connections"][name][0]


@pytest.mark.parametrize("width, depth", [(36, 512), (192, 512), (27, 256), (40, 1024), (5, 256), (768, 512), (704, 256)])
def test_a_memory_is_block_rams_with_output_registers_and_every_bit_comes_out_where_it_went_in(width, depth, tmp_path):
    bits = (depth - 1).bit_length()
    instance = memory(bit(), bit(), unsigned(bits), unsigned(width), unsigned(bits), unsigned(width), depth, bit(), "ecp5")
    ports, rams = cells(instance, tmp_path)
    columns = 36 if depth <= 512 else 18
    assert [ram["type"] for ram in rams] == ["DP16KD"] * -(-width // columns)
    written, read = {}, {}
    for ram in rams:
        assert {ram["parameters"][f"REGMODE_{p}"] for p in "AB"} == {"OUTREG"}
        assert [pin(ram, f"ADA{n}") for n in range(columns // 9)] == ports["write"] * (columns // 9)
        first = 5 if columns == 36 else 4
        assert [pin(ram, f"ADA{n}") for n in range(first, first + bits)] == ports["write_address"]
        assert [pin(ram, f"ADB{n}") for n in range(first, first + bits)] == ports["read_address"]
        assert pin(ram, "CEB") == ports["read"][0] and pin(ram, "CEA") == pin(ram, "OCEA") == pin(ram, "OCEB") == "1"
        for half, (into, out) in enumerate([("DIA", "DOA"), ("DIB", "DOB")] if columns == 36 else [("DIA", "DOB")]):
            for n in range(18):
                written[pin(ram, f"{into}{n}")] = (id(ram), half, n)
                read[pin(ram, f"{out}{n}")] = (id(ram), half, n)
    assert [written[net] for net in ports["write_data"]] == [read[net] for net in ports["read_data"]]


def test_shallow_and_deep_memories_are_left_to_yosys(tmp_path):
    for depth in (16, 64, 2048):
        bits = (depth - 1).bit_length()
        instance = memory(bit(), bit(), unsigned(bits), unsigned(8), unsigned(bits), unsigned(8), depth, None, "ecp5")
        assert cells(instance, tmp_path)[1] == []


def test_a_multiplier_has_all_its_registers_and_its_operands_extended_by_their_sign(tmp_path):
    ports, (cell,) = cells(multiplier(bit(), signed(9), signed(8), signed(17), "ecp5"), tmp_path)
    assert cell["type"] == "MULT18X18D"
    # Each by name: nextpnr moves an enable to another pin where it must, and rewrites the parameters that are there.
    assert {cell["parameters"][f"REG_{place}_{kind}"] for place in ("INPUTA", "INPUTB", "PIPELINE", "OUTPUT")
            for kind in ("CLK", "CE", "RST")} == {"CLK0", "CE0", "RST0"}
    assert [pin(cell, f"A{n}") for n in range(18)] == ports["a"] + [ports["a"][-1]] * 9
    assert [pin(cell, f"B{n}") for n in range(18)] == ports["b"] + [ports["b"][-1]] * 10
    assert [pin(cell, f"P{n}") for n in range(17)] == ports["p"] and pin(cell, "SIGNEDA") == pin(cell, "SIGNEDB") == "1"


def test_a_global_buffer_is_one_that_is_always_on(tmp_path):
    ports, (cell,) = cells(global_buffer(bit(), bit(), "ecp5"), tmp_path)
    assert cell["type"] == "DCCA" and pin(cell, "CE") == "1"
    assert [pin(cell, "CLKI")] == ports["source"] and [pin(cell, "CLKO")] == ports["out"]


@pytest.mark.parametrize("width, depth", [(40, 256), (84, 512)])
def test_a_memory_of_several_columns_is_the_model_in_every_cycle(monkeypatch, width, depth):
    use_models(monkeypatch, Path(rtl.primitives.__file__).parent / "models" / "dp16kd_36.v")
    rng, bits = np.random.default_rng(width), (depth - 1).bit_length()
    rows = [{"write": int(rng.integers(2)), "write_address": int(rng.integers(depth)), "read": int(rng.random() < .8),
             "write_data": int.from_bytes(rng.bytes(16), "little") % (1 << width), "read_address": int(rng.integers(depth))}
            for _ in range(1500)]
    table = Table(rows)

    def arguments():
        return dict(clk=bit(), write=bit(), write_address=unsigned(bits), write_data=unsigned(width), read_address=unsigned(bits),
                    read_data=unsigned(width), depth=depth, read=bit(), family="ecp5")

    run(memory, arguments, ("read_data",), (table,), table.over)
