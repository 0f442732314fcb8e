"""`cascadefire bench` and `cascadefire program`: what they print and write, and one sentence for every bad input."""
from __future__ import annotations

import json
import sys

import pytest

from cascadefire import network_file
from fpga import board as boards
from scripts import bench_html, bench_terminal, program

SHIPPED = network_file.FOLDER
NETWORK = {
    "network": "tiny", "title": "a net", "mode": "both", "images": 4, "correct": 3, "accuracy": 0.75, "bit_exact": True, "images_exact": 4,
    "cycles": {"mean": 9000.0, "min": 8000, "max": 10000},
    "simulation": {"cycles": 9000.0, "latency": 2, "equal": True, "counters_equal": True},
    "compute_ms": 0.375, "link_ms": 9.1, "inferences_per_s": 2666.7, "inferences_per_s_with_link": 105.0, "input_words": 100.0,
    "counters": {}, "utilisation": 0.63, "stalls": {name: 0.05 for name in bench_terminal.STALLS}, "dense_macs": 158000,
    "dense_macs_per_s": 4.2e8, "memory_bytes": 6500, "load_words": 900, "load_seconds": 0.04}
PROBE = {"name": "sparse", "title": "a layer", "cycles": 33843, "memory_bytes": 22104, "bit_exact": True, "simulation_equal": True,
         "utilisation": 0.44, "macs_per_cycle": 3.5, "macs_per_s": 8.4e7, "dense_macs_per_cycle": 39.2, "dense_macs_per_s": 9.41e8,
         "events_per_cycle": 0.2, "outputs_per_cycle": 0.13, "memory_bytes_per_cycle": 4.8, "memory_bytes_per_s": 1.16e8}
REPORT = {
    "board": "icebreaker", "title": "An iCEBreaker", "device": "iCE40UP5K", "virtual": True, "netlist": "rtl", "port": None,
    "compact": True, "array": {"pes": 1, "lanes": 8}, "clock_mhz": 24.0, "baud": 1000000, "memory_bytes": 131072,
    "port_bytes": 8, "core": {},
    "networks": [NETWORK], "probes": [PROBE], "memory_latency": 2, "left_out": ["lenet needs 206 KiB, this board has 128 KiB"],
    "power_w": None,
    "link": {"write": {"bytes_per_s": 92700.0, "line_share": 0.99}, "read": {"bytes_per_s": 94500.0, "line_share": 0.994}, "baud": 1000000,
             "words": 960, "equal": True, "resent": 0},
    "peers": [{"name": "Other", "part": "iCE40 UP5K", "work": "dense", "mmacs": 256, "power_mw": 17, "source": "a paper"}],
    "bitstream": None, "machine": {"cpu": "one", "cpus": 2, "system": "Linux"}, "versions": {"python": "3"}, "seconds": 12.0,
    "simulated_cycles_per_second": 4e6}


@pytest.fixture(autouse=True)
def networks(command, monkeypatch):
    """The networks that ship, instead of the small one of the other commands' tests."""
    monkeypatch.setattr(network_file, "FOLDER", SHIPPED)


@pytest.mark.parametrize("line, sentence", [
    ("bench --board icebraker", "not icebraker (did you mean icebreaker?)"),
    ("bench --board virtual:icebreaker --port /dev/ttyUSB0", "--port is for boards that are there, not for virtual ones"),
    ("bench --board icebreaker --netlist synth", "--netlist is for virtual boards"),
    ("bench --board icebreaker --baud 9600", "--baud is for virtual boards"),
    ("bench --board virtual:icebreaker --netlist placed", "netlist must be one of rtl, synth, routed, not placed"),
    ("bench --board virtual:icebreaker --mode all", "mode must be one of dense, csp, mnf, both, not all"),
    ("bench --board virtual:icebreaker --watts 0", "watts must be a number above 0, such as 0.017, not 0"),
    ("bench --board virtual:icebreaker --images 0", "images must be a whole number from 1 to 2004, or all, not 0"),
    ("bench --board virtual:icebreaker --network lenet6", "not lenet6 (did you mean lenet or lenet5"),
    ("bench --board virtual:icebreaker --network lenet", "lenet needs 206 KiB, this board has 128 KiB"),
    ("bench --board virtual:icebreaker --json nowhere/r.json", "cannot write nowhere/r.json"),
    ("program --board icebreaker --bitstream nothing.bin", "there is no file nothing.bin"),
])
def test_bad_input_is_one_sentence(command, line, sentence):
    code, _, error = command(line)
    assert code == 2 and len(error.strip().splitlines()) == 1 and sentence in error, error


def test_a_port_that_is_not_there_is_one_sentence(command):
    code, _, error = command("bench --board icebreaker --port /dev/nothing --images 1 --network lenet5")
    assert code == 1 and "/dev/nothing cannot be opened" in error and len(error.strip().splitlines()) == 1


def test_a_board_that_is_not_plugged_in_is_one_sentence(command):
    code, _, error = command("bench --board icebreaker --images 1 --network lenet5")
    assert code == 1 and "no icebreaker is plugged in: no serial port has the USB id 0403:6010" in error


def test_the_report_says_what_was_and_was_not_measured(capsys):
    bench_terminal.show(REPORT, ["r.json"])
    text = capsys.readouterr().out
    for part in ("virtual, Verilog of the board's top", "75.00 %", "9,000", "equal", "0.375", "no board was there", "lenet needs 206 KiB",
                 "99.0 % of the line", "not built here: cascadefire build --board icebreaker", "not measured here", "r.json"):
        assert part in text, part
    assert "energy" not in text
    assert bench_terminal.passed(REPORT)


def test_a_report_of_probes_alone_has_no_empty_tables(capsys):
    alone = {**REPORT, "networks": []}
    bench_terminal.show(alone, [])
    printed = capsys.readouterr().out
    assert "Probes" in printed and "Networks" not in printed and "PE cycles by cause" not in printed
    assert bench_html.NO_NETWORK in bench_html.render(alone) and bench_html.NO_NETWORK not in bench_html.render(REPORT)


def test_a_cycle_count_that_differs_fails_the_report(capsys):
    wrong = NETWORK | {"simulation": NETWORK["simulation"] | {"equal": False}}
    assert not bench_terminal.passed(REPORT | {"networks": [wrong]})
    bench_terminal.show(REPORT | {"networks": [wrong]}, [])
    assert "NOT everything is equal" in capsys.readouterr().out


def test_energy_is_there_only_with_a_reading():
    lines = dict(bench_terminal.facts(REPORT | {"power_w": 0.02}))
    assert lines["energy"] == "tiny: 7.5 uJ an image at 0.02 W as read"


def test_the_page_loads_nothing_and_holds_the_figures():
    page = bench_html.render(REPORT)
    assert "http" not in page.replace("http://www.w3.org", "") and "No board took part" in page
    for part in ("An iCEBreaker, 1 x 8", "75.0 %", "941", "a paper", "<svg"):
        assert part in page, part


def test_program_runs_the_first_command_that_is_here(tmp_path, monkeypatch):
    tool = tmp_path / "iceprog"
    tool.write_text(f"#!{sys.executable}\nimport sys\nprint('loaded', sys.argv[1:])\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    stream = tmp_path / "icebreaker.bin"
    stream.write_bytes(b"x")
    assert program.loader(boards.load("icebreaker"), stream) == [str(tool), str(stream)]


def test_a_missing_programmer_is_one_sentence(command, tmp_path, monkeypatch):
    (tmp_path / "x.bin").write_bytes(b"x")
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    code, _, error = command(f"program --board icebreaker --bitstream {tmp_path / 'x.bin'}")
    assert code == 1 and "no program that loads icebreaker is installed (openFPGALoader or iceprog)" in error


def test_a_programmer_that_lacks_a_library_is_one_sentence(command, tmp_path, monkeypatch):
    tool = tmp_path / "openFPGALoader"
    tool.write_text("#!/bin/sh\necho 'error while loading shared libraries: libftdi1.so.2: cannot open shared object file' >&2\nexit 127\n")
    tool.chmod(0o755)
    (tmp_path / "x.bin").write_bytes(b"x")
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    code, _, error = command(f"program --board icebreaker --bitstream {tmp_path / 'x.bin'}")
    assert code == 1 and "openFPGALoader lacks a library of the system: install libusb-1.0 and libftdi1" in error


@pytest.mark.slow
def test_a_virtual_board_runs_digits_as_the_simulation_does(command):
    code, output, error = command("bench --board virtual:icebreaker --images 2 --network tiny --no-probes --json r.json --html r.html")
    report = json.load(open("r.json"))
    only, = report["networks"]
    assert code == 0, output + error
    assert only["bit_exact"] and only["simulation"]["counters_equal"] and only["cycles"]["mean"] == only["simulation"]["cycles"]
