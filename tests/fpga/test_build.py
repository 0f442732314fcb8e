"""Builds of a small top for real devices: what is reported, what is left behind, and what happens when something is wrong."""
from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cascadefire.errors import InputError
from fpga import board as boards
from fpga.build import build, configured, convert, place
from fpga.build.place import DoesNotFit
from fpga.tools import Tools
from tb.toolchain import ToolError

pytestmark = pytest.mark.usefixtures("blinker")
BITSTREAMS = {"icebreaker": ("icebreaker.bin", b"\xff\x00"), "colorlight-i5": ("colorlight-i5.bit", b"\xff\x00"),
              "tangnano9k": ("tangnano9k.fs", b"1111")}


def left(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file() and not path.name.endswith(".lock")}


@pytest.mark.parametrize("name", sorted(BITSTREAMS))
def test_a_board_is_built_and_reported(name, tmp_path, monkeypatch):
    monkeypatch.setattr(Tools, "icetime", lambda self: None)
    folder = tmp_path / "a folder"
    said = []
    report = build(boards.load(name), array="1x8", seeds=2, folder=folder, progress=said.append)
    bitstream, magic = BITSTREAMS[name]
    assert left(folder) == {"top.v", "top.json", "routed.json", "report.json", bitstream}
    assert (folder / bitstream).read_bytes().startswith(magic)
    assert json.loads((folder / "report.json").read_text()) == report
    fmax = report["fmax_mhz"]
    assert fmax["min"] <= fmax["median"] <= fmax["max"] == max(report["seeds"].values())
    assert report["seeds"][str(report["best_seed"])] == fmax["max"] and set(report["seeds"]) == {"1", "2"}
    assert report["meets_clock"] == (fmax["max"] >= report["clock_mhz"])
    assert report["bitstream"] == str(folder / bitstream)
    assert any(f"'{folder}/{bitstream}'" in line for line in report["program"])
    assert 8 < report["resources"]["lut"]["used"] < report["resources"]["lut"]["available"]
    assert set(report["seconds"]) == {"convert", "synthesise", "place and route", "pack"} and len(said) >= 4
    path = report["critical_path"]
    assert path["levels"] >= 0 and path["delay_ns"] == pytest.approx(1000 / fmax["max"], rel=0.01)
    assert {step["signal"] for step in path["steps"]} & {"count", "product", "products", "operand", "led", "mixed"} or "square" in str(path)


def test_the_same_seed_gives_the_same_bitstream_byte_for_byte(tmp_path):
    bytes_of = []
    for number in range(2):
        folder = tmp_path / str(number)
        build(boards.load("icebreaker"), array="1x4", seeds=[3], folder=folder)
        bytes_of.append(((folder / "icebreaker.bin").read_bytes(), (folder / "top.v").read_bytes()))
    assert bytes_of[0] == bytes_of[1]


def test_what_a_killed_build_left_goes_with_the_next_one(tmp_path):
    (tmp_path / ".building-dead").mkdir()
    (tmp_path / ".building-dead" / "icebreaker.bin").write_text("half")
    build(boards.load("icebreaker"), array="1x4", folder=tmp_path, until="synthesis")
    assert left(tmp_path) == {"top.v", "top.json", "report.json"}


def test_synthesis_alone_tells_sizes(tmp_path):
    report = build(boards.load("ulx3s-25f"), array="1x8", folder=tmp_path, until="synthesis")
    assert left(tmp_path) == {"top.v", "top.json", "report.json"}
    total = {kind: sum(cells.get(kind, 0) for cells in report["blocks"].values()) for kind in ("dsp", "ff")}
    assert total["dsp"] == 8 and total["ff"] > 8 and "fmax_mhz" not in report


def test_an_array_that_is_too_large_is_told_what_is_short(tmp_path):
    with pytest.raises(DoesNotFit, match=r"array 1x32 does not fit ulx3s-25f \(LFE5U-25F\): it takes 32 MULT18X18D of 28; "
                                         r"the largest that was built for it is 1x16") as error:
        build(boards.load("ulx3s-25f"), array="1x32", folder=tmp_path)
    assert error.value.short == [("MULT18X18D", 32, 28)] and left(tmp_path) == set()


def test_cells_that_share_sites_are_counted_together(tmp_path, monkeypatch):
    """The placer would look for room without end."""
    table = "Info: \\t LUT4: 7000/ 8640  81%%\\nInfo: \\t ALU: 2000/ 6480 30%%\\nInfo: \\t DFF: 10/ 6480 0%%\\n"
    system_tools(tmp_path / "bin", monkeypatch, yosys=f"echo '{NETLIST}' > top.json", nextpnr_himbaechel=f"printf '{table}'")
    with pytest.raises(DoesNotFit, match=r"it takes 9000 LUT4 \+ ALU \+ RAM16SDP4 of 8640"):
        build(boards.load("tangnano9k"), folder=tmp_path / "out", tools="system")
    assert left(tmp_path / "out") == set()


def test_a_new_build_replaces_the_old_and_a_failed_one_leaves_it(tmp_path, monkeypatch):
    one = boards.load("icebreaker")
    first = build(one, array="1x4", folder=tmp_path)
    build(one, array="1x8", folder=tmp_path, until="synthesis")
    assert "icebreaker.bin" not in left(tmp_path)
    build(one, array="1x4", folder=tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    monkeypatch.setattr(convert, "MODULE", "tests.fpga.no_such_module")
    with pytest.raises(ToolError, match="the conversion to Verilog failed:\nModuleNotFoundError"):
        build(one, array="1x4", folder=tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == before and first["meets_clock"]


@pytest.mark.parametrize("fields, sentence", [({"memory_bytes": 4098}, "memory_bytes must be a multiple of"),
                                              ({"pll": None}, "has no PLL")])
def test_a_memory_or_clock_that_cannot_be_is_refused_before_anything_runs(tmp_path, fields, sentence):
    with pytest.raises(ValueError, match=sentence):
        build(dataclasses.replace(boards.load("hx8k"), **fields), folder=tmp_path)
    assert not left(tmp_path)


def system_tools(folder: Path, monkeypatch, **scripts: str) -> None:
    """Programs that stand in for the tools, and no others but the shell's own."""
    folder.mkdir()
    for name in ("touch", "sleep"):
        (folder / name).symlink_to(shutil.which(name))
    for name, text in scripts.items():
        path = folder / name.replace("_", "-")
        path.write_text("#!/bin/sh\n" + text)
        path.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


NETLIST = '{"modules": {"top": {"attributes": {}, "cells": {}, "netnames": {}}}}'


@pytest.mark.parametrize("nextpnr, sentence", [
    ("echo 'ERROR: half a chip' >&2; echo '{' > seed1.json; exit 1", "nextpnr-ice40 failed:\nERROR: half a chip"),
    ("kill -9 $$", "nextpnr-ice40 was ended by signal 9"),
])
def test_a_tool_that_fails_half_way_leaves_nothing(tmp_path, monkeypatch, nextpnr, sentence):
    system_tools(tmp_path / "bin", monkeypatch, yosys=f"echo '{NETLIST}' > top.json",
                 nextpnr_ice40=f'case "$1" in --version) exit 0;; esac\n{nextpnr}')
    with pytest.raises(ToolError, match=sentence):
        build(boards.load("icebreaker"), folder=tmp_path / "out", tools="system")
    assert left(tmp_path / "out") == set()


def test_a_tool_that_is_missing_is_named(tmp_path, monkeypatch):
    system_tools(tmp_path / "bin", monkeypatch)
    with pytest.raises(ToolError, match="yosys is not on PATH"):
        build(boards.load("icebreaker"), folder=tmp_path / "out", tools="system")


def test_icetime_decides_where_there_is_one(tmp_path, monkeypatch):
    report = json.dumps({"fmax": {"clk": {"achieved": 50.0, "constraint": 24.0}}, "critical_paths": [], "utilization": {}})
    system_tools(tmp_path / "bin", monkeypatch, yosys=f"echo '{NETLIST}' > top.json", icepack='echo bits > "$2"',
                 nextpnr_ice40='while [ $# -gt 0 ]; do case "$1" in --version) exit 0;; --seed) i=$2;; esac; shift; done\n'
                               f"[ -z $i ] || {{ touch seed$i.json seed$i.asc; echo '{report}' > seed$i.report; }}",
                 icetime='case "$6" in seed1.asc) echo "Total path delay: 50 ns (20.00 MHz)";; *) echo "Total (30.50 MHz)";; esac')
    result = build(boards.load("icebreaker"), seeds=2, folder=tmp_path / "out", tools="system")
    assert result["icetime_mhz"] == {"min": 20.0, "median": 25.25, "max": 30.5} and result["best_seed"] == 2
    assert result["meets_clock"] and not result["every_seed_meets_clock"]


def test_a_folder_that_cannot_be_written_is_refused_before_any_work(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write .*file/out: not a directory; name another folder with --output"):
        build(boards.load("icebreaker"), folder=tmp_path / "file" / "out")


def test_clocks_and_seeds_have_limits(tmp_path):
    one = boards.load("icebreaker")
    assert configured(one, clock_mhz=12).pll is None and configured(one, clock_mhz=36).clock_hz == 36_000_000
    with pytest.raises(InputError, match="clock must be from 1 to 400 MHz, not 500"):
        configured(one, clock_mhz=500)
    with pytest.raises(InputError, match="baud 1000000 cannot be made from 1.5 MHz"):
        configured(one, clock_mhz=1.5)
    with pytest.raises(InputError, match="seeds must be"):
        build(one, seeds=0, folder=tmp_path)


def test_the_worst_clock_is_the_one_nearest_to_its_limit():
    report = {"fmax": {"fast": {"achieved": 200.0, "constraint": 100.0}, "slow": {"achieved": 30.0, "constraint": 24.0}}}
    assert place.slowest(report, boards.load("icebreaker")) == ("slow", 30.0)


def test_an_interrupt_ends_the_tools(tmp_path):
    """A terminated build ends the tool that runs and takes its scratch folder away."""
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "yosys").write_text(f'#!/bin/sh\necho $$ > "{tmp_path}/pid"\nexec sleep 60\n')
    (tools / "yosys").chmod(0o755)
    code = ("from fpga.build import convert; convert.MODULE = 'tests.fpga.blinker'; from scripts.main import main; "
            f"main(['build', '--board', 'icebreaker', '--tools', 'system', '-o', {str(tmp_path / 'out')!r}])")
    process = subprocess.Popen([sys.executable, "-c", code], cwd=Path(__file__).parents[2], stderr=subprocess.PIPE,
                               env={**os.environ, "PATH": f"{tools}{os.pathsep}/bin{os.pathsep}/usr/bin"})
    limit = time.monotonic() + 60
    while not ((tmp_path / "pid").exists() and (tmp_path / "pid").read_text().strip()) and time.monotonic() < limit:
        time.sleep(0.05)
    process.terminate()
    assert process.wait(30) == 143
    assert not Path("/proc", (tmp_path / "pid").read_text().strip()).exists()
    assert left(tmp_path / "out") == set()
