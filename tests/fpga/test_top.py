"""Board tops: their pins, what they refuse, what synthesis makes of their memories, and both masters at work."""
import json
import re
import subprocess
import sys

import numpy as np
import pytest

from fpga.board import load, names
from fpga.link.protocol import HELLO, READ, REGISTERS, SPACE_BIT, WRITE
from fpga.top import check, design_hz, identity_of, memory_latency
from tests.fpga.line_bench import QUIET, byte_rows, model, play
from tests.fpga.link_model import bodies, request, words_of
from tests.fpga.small_board import board
from tests.fpga.small_top import convert_small

REGISTER = REGISTERS << SPACE_BIT
SYNTHESISE = """import sys
from pyosys import libyosys as ys
command, source, target = sys.argv[1:]
design = ys.Design()
ys.run_pass(f"read_verilog {source}", design)
ys.run_pass(f"{command} -top top", design)
ys.run_pass(f"tee -q -o {target} stat -json", design)
"""


def pins(path):
    """The ports of a converted top: name -> (direction, width)."""
    found = re.findall(r"^(input|output)(?: reg)? *(?:\[(\d+):0\])? *(\w+);", path.read_text(), re.M)
    return {name: (direction, int(high or 0) + 1) for direction, high, name in found}


def test_the_ports_are_the_pins_of_the_board(tmp_path):
    assert pins(convert_small(board(leds="8", extra_pins={"wifi_gpio0": 1, "off": 0}), tmp_path)) == {
        "clk": ("input", 1), "rx": ("input", 1), "tx": ("output", 1), "led": ("output", 8), "wifi_gpio0": ("output", 1),
        "off": ("output", 1)}
    text = (tmp_path / "top.v").read_text()
    assert "assign wifi_gpio0 = 1'b1;" in text and "assign off = 1'b0;" in text and "extra_" not in text
    assert [path.name for path in tmp_path.iterdir()] == ["top.v"]


@pytest.mark.parametrize("changes, what", [
    (dict(memory="spram", port_bytes="16", memory_bytes="131072"), "words of 2, 4 or 8 bytes"),
    (dict(memory="spram", memory_bytes="262144"), "131072 bytes at most, not 32768 words of 8 bytes"),
    (dict(memory_bytes="1001"), "memory_bytes must be a multiple of the memory word's 8 bytes, not 1001"),
    (dict(family="ecp5", memory_bytes="262144"), "at most 16384 words, not 32768"),
    (dict(clock_hz=25_000_000), "has no PLL")])
def test_what_cannot_be_is_refused_before_anything_is_written(tmp_path, changes, what):
    small = board(**changes)
    with pytest.raises(ValueError, match=what):
        convert_small(small, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", names())
def test_the_boards_that_are_shipped_can_be(name):
    shipped = load(name)
    check(shipped, shipped.config())
    assert abs(design_hz(shipped) / shipped.clock_hz - 1) < .005
    assert memory_latency(shipped) == (3 if shipped.family == "ecp5" else 2)
    assert identity_of(shipped, shipped.config())[1] >> 16 == shipped.number


@pytest.mark.parametrize("shape, command, cells", [
    (("4", "spram", "up5k", "8", "131072"), "synth_ice40 -device u", {"SB_SPRAM256KA": 4, "SB_RAM40_4K": 1}),
    (("4", "block_ram", "ice40", "8", "4096"), "synth_ice40", {"SB_RAM40_4K": 8 + 1}),
    (("4", "block_ram", "ecp5", "8", "16384"), "synth_ecp5", {"DP16KD": 8 + 1}),
    (("4", "block_ram", "gowin", "8", "16384"), "synth_gowin", {"SPX9": 8})])
def test_synthesis_puts_the_memories_into_the_devices_own(tmp_path, shape, command, cells):
    """And nothing of them into registers: the whole top with the stand-in has fewer than 900."""
    pytest.importorskip("pyosys")
    path = convert_small(board(*shape), tmp_path)
    subprocess.run([sys.executable, "-P", "-c", SYNTHESISE, command, path, tmp_path / "stat.json"], check=True, capture_output=True,
                   timeout=600)
    found = json.loads((tmp_path / "stat.json").read_text())["design"]["num_cells_by_type"]
    assert {name: found.get(name, 0) for name in cells} == cells
    assert sum(n for name, n in found.items() if re.match(r"SB_DFF|TRELLIS_FF|DFF", name)) < 900
    assert not any("RAMW" in name or "RAM16" in name for name in found)


def test_the_link_reads_and_writes_while_the_accelerator_works():
    """The accelerator's result is what it is without the link's accesses, and so is the link's part of the memory."""
    rng = np.random.default_rng(31)
    program = model(4)
    data = [int(w) for w in rng.integers(0, 1 << 32, 60)]
    start = [request(1, 0, HELLO), *(request(1, 1 + n, WRITE, 60 * n, [int(w) for w in rng.integers(0, 1 << 32, 60)]) for n in range(9)),
             request(1, 10, WRITE, REGISTER + 2, [0, 40]), request(1, 11, WRITE, REGISTER, [1])]
    busy = [request(1, 12, WRITE, 1500, data), request(1, 13, READ, 1490, count=60), request(1, 14, WRITE, 1600, data)]
    memories = []
    for middle in (busy, []):
        frames = start + middle + [request(1, 12 + len(middle) + n, *args) for n, args in enumerate(
            [(READ, 60 * n, (), min(60, 2048 - 60 * n)) for n in range(35)])]
        rows = []
        for number, frame in enumerate(frames):
            wait = 4000 if number != len(start) - 1 else 0
            rows += [*byte_rows(frame), (QUIET, 0, wait)]
        replies = bodies(bytes(byte for byte, _ in play(program, rows)))
        assert len(replies) == len(frames) and all(reply[2] == 0 for reply in replies)
        memories.append([word for reply in replies[-35:] for word in words_of(reply)])
    with_link, alone = memories
    assert with_link[:1500] == alone[:1500] and any(alone[240:480])
    assert with_link[1500:1560] == with_link[1600:1660] == data
