"""`cascadefire build`, `boards` and `verilog`: what they print, what they leave, and one sentence for every bad input."""
from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from fpga.build import convert
from tb import toolchain


@pytest.fixture(autouse=True)
def blinker(monkeypatch):
    """Every board's top is a quick one."""
    monkeypatch.setattr(convert, "MODULE", "tests.fpga.blinker")


def test_boards_are_listed_with_what_one_needs_to_choose(command):
    code, output, _ = command("boards")
    assert code == 0
    line = next(line for line in output.splitlines() if line.startswith("ulx3s-85f"))
    for part in ("LFE5U-85F", "2x16", "KiB", "MHz", "openFPGALoader -b ulx3s"):
        assert part in line
    assert "cascadefire build --board" in output


def test_an_array_with_a_memory_of_its_own_is_listed_with_it(command):
    _, output, _ = command("boards")
    assert "1x4 1x8 (4 KiB)" in output


def test_boards_as_json(command):
    code, output, _ = command("boards --json")
    known = {board["name"]: board for board in json.loads(output)}
    assert code == 0 and len(known) == 7 and known["icebreaker"]["memory_bytes"] == 131072


def test_a_build_prints_size_clock_path_and_bitstream(command):
    code, output, _ = command("build --board icebreaker --array 1x4 --clock 24 --seeds 2 -o out --json report.json --report --blocks")
    assert code == 0
    for part in ("1BitSquared iCEBreaker", "logic cells", "5,280", "24 MHz, met", "best of 2 seeds", "critical", "out/icebreaker.bin",
                 "cascadefire program --board icebreaker", "out/report.html", "block, after synthesis", "optimistic"):
        assert part in output, part
    report = json.loads(Path("report.json").read_text())
    assert {"board", "device", "array", "clock_mhz", "fmax_mhz", "seeds", "resources", "critical_path", "bitstream",
            "seconds"} <= set(report)
    page = Path("out/report.html").read_text()
    assert page.count("<svg") == 2 and "</html>" in page and "Floorplan" in page and "http" not in page.split("</style>")[1].replace(
        "http://www.w3.org", "").replace("http://purl.org", "").replace("http://creativecommons.org", "")
    assert sorted(path.name for path in Path().iterdir()) == ["out", "report.json"]


def test_a_clock_that_is_not_met_is_said_and_fails(command):
    code, output, _ = command("build --board icebreaker --array 1x4 --clock 200 -o out")
    assert code == 1 and "200 MHz, NOT MET" in output


def test_the_default_folder_is_named_after_board_and_array(command, monkeypatch, tmp_path):
    monkeypatch.setattr(toolchain, "BUILD", tmp_path / "build here")
    code, output, _ = command("build --board colorlight-i5 --array 1x8 --only-synthesis")
    assert code == 0 and "block, after synthesis" in output and "Fmax" not in output
    assert (tmp_path / "build here" / "fpga" / "colorlight-i5-1x8" / "report.json").is_file()


@pytest.mark.parametrize("line, sentence", [
    ("build --board icebraker", "not icebraker (did you mean icebreaker?)"),
    ("build --board none.yaml", "there is no file none.yaml"),
    ("build --board hx8k --array 8", "array must be PEs x lanes, such as 1x8, not 8"),
    ("build --board hx8k --array 9x8", "pes must be a whole number from 1 to 8, not 9"),
    ("build --board hx8k --clock fast", "clock must be a number of MHz, such as 24 or 37.5, not fast"),
    ("build --board hx8k --clock 0", "clock must be from 1 to 400 MHz, not 0"),
    ("build --board hx8k --seeds 0", "seeds must be a whole number from 1 to 64, not 0"),
    ("build --board hx8k --tools docker", "tools must be one of wheels, system, not docker"),
    ("build --board hx8k --report --only-synthesis", "--report is for a placed design, not for --only-synthesis"),
    ("build --board hx8k --json no/where.json", "cannot write no/where.json: no such file or directory"),
    ("build", "missing option"),
    ("verilog -o out --array 4", "array must be PEs x lanes"),
    ("verilog -o out --what chip", "what must be one of accelerator, core, board, not chip"),
    ("verilog -o out --what board", "--board is for --what board, which needs it"),
    ("verilog -o out --board hx8k", "--board is for --what board, which needs it"),
    ("verilog -o out --set acc=3", "set must be FIELD=N with one of"),
    ("verilog -o out --set acc_depth=many", "acc_depth must be a whole number"),
    ("verilog -o out --set acc_depth=17", "acc_depth must be a power of two"),
    ("verilog --array 4x8", "missing option"),
])
def test_bad_input_is_one_sentence(command, line, sentence):
    code, output, error = command(line)
    assert (code, output) == (2, "") and sentence in error.lower().replace("fmax", "Fmax") or sentence in error
    assert error.startswith("cascadefire: ") and error.count("\n") == 1
    assert not Path("out").exists()


def test_an_output_that_is_no_folder_is_refused(command):
    Path("file").write_text("")
    code, _, error = command("build --board hx8k -o file/out")
    assert code == 2 and error.splitlines()[-1] == \
        "cascadefire: cannot write file/out: not a directory; name another folder with --output"
    assert command("verilog --array 1x4 -o file/out")[0] == 2


def lint(path: Path) -> str:
    done = subprocess.run([toolchain.verilator_binary(), "--lint-only", "-Wall", path.parent / "lint.vlt", path], capture_output=True,
                          text=True, env=toolchain.verilator_environment())
    return done.stderr if done.returncode else ""


@pytest.mark.parametrize("line, name", [
    ("--array 2x4 --set acc_depth=64 --set mask_words=2", "accelerator_2x4"), ("--what core --array 2x4 --set acc_depth=64", "core_2x4"),
    ("--what board --board hx8k --array 1x4", "hx8k_1x4"),
])
def test_verilog_has_a_header_and_is_clean(command, line, name):
    code, output, _ = command(f"verilog {line} -o out")
    path = Path("out", f"{name}.v")
    assert code == 0 and output.strip() == str(path) and {item.name for item in path.parent.iterdir()} == {"lint.vlt", path.name}
    text = path.read_text()
    head = text.split("\nmodule ")[0]
    assert all(part in head for part in ("// cascadefire ", "// Made by `cascadefire verilog", "lanes         4", "// Ports:", "clk"))
    assert f"module {name} (" in text
    assert lint(path) == ""


def test_verilog_is_the_same_each_time(command):
    texts = []
    for folder in ("one", "two"):
        command(f"verilog --array 1x4 --what core -o {folder}")
        texts.append(Path(folder, "core_1x4.v").read_text())
    assert texts[0] == texts[1]


def test_every_waiver_has_its_reason():
    from fpga.verilog import LINT

    parts = LINT.read_text().split("\n\n")[1:]
    assert len(parts) >= 4
    for part in parts:
        lines = part.strip().splitlines()
        assert lines[0].startswith("// ") and all(line.startswith(("// ", "lint_off -rule ")) for line in lines)


@pytest.mark.skipif(shutil.which("iverilog") is None, reason="Icarus is optional")
def test_icarus_accepts_it(command):
    command("verilog --array 1x4 --set acc_depth=64 -o out")
    done = subprocess.run(["iverilog", "-g2005", "-Wall", "-o", "out/sim", "out/accelerator_1x4.v"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_what_was_built_is_a_table(command, monkeypatch, tmp_path):
    monkeypatch.setattr(toolchain, "BUILD", tmp_path / "build here")
    code, _, error = command("boards --built")
    assert code == 2 and "nothing is built in" in error
    command("build --board colorlight-i5 --array 1x4 --clock 25")
    (tmp_path / "build here" / "fpga" / "broken").mkdir()
    (tmp_path / "build here" / "fpga" / "broken" / "report.json").write_text("{")
    code, output, _ = command("boards --built")
    line, = (line for line in output.splitlines() if "colorlight-i5" in line)
    assert code == 0 and "1x4 compact" in line and "of 24,288" in line and line.count("/") == 2 and line.startswith("|")
    assert command("boards --built --json")[0] == 2
