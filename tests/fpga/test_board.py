"""Boards: the seven that ship are complete and consistent, a user's own is read, and every wrong key is one sentence."""
from __future__ import annotations

import dataclasses
import re

import pytest
import yaml

from cascadefire.errors import InputError
from fpga import board
from fpga.board import FOLDER, Board

SHIPPED = ["icebreaker", "hx8k", "ulx3s-25f", "ulx3s-85f", "colorlight-i5", "tangnano9k", "tangnano20k"]
PIN = {".pcf": r"set_io (\S+) \S+", ".lpf": r'LOCATE COMP "([^"]+)" SITE', ".cst": r'IO_LOC "([^"]+)" \d+'}


@pytest.fixture
def fields(tmp_path):
    """What the YAML of a small board holds, its constraint file in place."""
    (tmp_path / "mine.pcf").write_text("set_io clk 35\n")
    return {**yaml.safe_load((FOLDER / "icebreaker.yaml").read_text()), "name": "mine", "clock_hz": 24_000_000, "constraints": "mine.pcf"}


def written(tmp_path, fields):
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(fields))
    return board.load(tmp_path / "mine.yaml")


def test_seven_boards_ship_in_the_order_of_their_numbers():
    assert board.names() == SHIPPED
    assert [board.load(name).number for name in SHIPPED] == list(range(1, 8))


@pytest.mark.parametrize("name", SHIPPED)
def test_a_board_names_every_pin_of_its_top_once(name):
    one = board.load(name)
    path = one.constraints_path
    pins = re.findall(PIN[path.suffix], path.read_text())
    leds = ["led"] if one.leds == 1 else [f"led[{index}]" for index in range(one.leds)]
    assert sorted(pins) == sorted(["clk", "rx", "tx", *leds, *one.extra_pins])


@pytest.mark.parametrize("name", SHIPPED)
def test_a_board_has_a_pll_exactly_when_its_clock_is_not_the_oscillators(name):
    one = board.load(name)
    assert (one.pll is None) == (one.clock_hz == one.clock_pin_hz)
    assert one.with_clock(one.clock_pin_hz).pll is None
    assert one.with_clock(2 * one.clock_pin_hz).pll["type"] == {"up5k": "ice40"}.get(one.family, one.family)


@pytest.mark.parametrize("name", SHIPPED)
def test_the_arrays_of_a_board_are_of_its_family(name):
    one = board.load(name)
    for array in (one.array, *one.arrays):
        assert one.config(array).family == one.family


def test_an_array_has_its_own_memory_and_fields_of_core(tmp_path, fields):
    one = written(tmp_path, {**fields, "arrays": {"1x4": {"memory_bytes": 65_536, "core": {"acc_bits": 20}}, "1x16": {}}})
    wide, narrow = one.with_array("1x16"), one.with_array("1X4")
    assert (narrow.memory_bytes, narrow.config().acc_bits, narrow.config().acc_depth) == (65_536, 20, one.config().acc_depth)
    assert (wide.memory_bytes, wide.config().acc_bits) == (one.memory_bytes, one.config().acc_bits) == (131_072, 24)


def test_the_array_that_is_built_unless_asked_has_its_own_memory_too(tmp_path, fields):
    one = written(tmp_path, {**fields, "arrays": {"1x8": {"memory_bytes": 65_536, "core": {"acc_bits": 20}}}})
    assert (one.array, one.memory_bytes, one.config().acc_bits) == ("1x8", 65_536, 20)


def test_gowin_plls_are_told_their_device():
    assert board.load("tangnano9k").with_clock(54_000_000).pll == {"type": "gowin", "device": "GW1NR-9C"}
    assert board.load("tangnano20k").with_clock(54_000_000).pll["device"] == "GW2AR-18C"


def test_one_pe_is_compact_where_the_board_says_so():
    one = board.load("icebreaker")
    compact, full = one.config("1x8"), one.config("2x4")
    assert (compact.compact, compact.fire_lanes, compact.weight_bytes) == (True, 1, 8)
    assert (full.compact, full.pes, full.lanes) == (False, 2, 4)
    assert one.with_array("1X4").config().lanes == 4


def test_a_board_survives_json():
    for name in SHIPPED:
        one = board.load(name)
        assert Board.from_dict(one.to_dict()) == one


def test_a_users_board_is_read_from_its_own_folder(tmp_path, fields):
    one = written(tmp_path, fields)
    assert one.name == "mine" and one.constraints_path == tmp_path / "mine.pcf"


@pytest.mark.parametrize("value, known", [("icebraker", "icebreaker"), ("ulx3s", "ulx3s-85f or ulx3s-25f"), ("Tangnano9k", "tangnano9k")])
def test_an_unknown_board_is_answered_with_the_nearest_names(value, known):
    with pytest.raises(InputError, match=f"not {value} .did you mean {known}"):
        board.load(value)


@pytest.mark.parametrize("key, value, sentence", [
    ("clock_hz", "fast", "clock_hz must be a whole number of Hz"), ("family", "xilinx", "family must be one of"),
    ("baud", 7_000_000, "baud 7000000 cannot be made from 24 MHz: the nearest is 6000000"),
    ("baud", 5_000_000, "baud 5000000 cannot be made from 24 MHz: the nearest is 4800000"),
    ("array", "8", "array must be PEs x lanes"), ("array", "9x8", "pes must be a whole number"),
    ("leds", 0, "leds must be"), ("led_active_low", 1, "led_active_low must be true or false"), ("number", 0, "number must be"),
    ("memory", "dram", "memory must be one of"), ("memory_bytes", 3, "memory_bytes must be"),
    ("constraints", "no.pcf", "there is no file"), ("core", {"acc_dept": 4}, "no setting called acc_dept"),
    ("arrays", ["1x8"], "arrays must be a table of arrays"), ("arrays", {"1x8": {"baud": 9600}}, "arrays must be a table of arrays"),
    ("arrays", {"1x8": {"memory_bytes": 3}}, "arrays must be a table of arrays"),
    ("arrays", {"1x8": {"core": 8}}, "arrays must be a table"),
    ("arrays", {"1x8": {"core": {"acc_bits": 99}}}, "array 1x8 on board mine: acc_bits must be"),
    ("resources", {"luts": 1}, "resources must be"), ("colour", "red", "no key called colour"),
    ("memory_byte", 1, "no key called memory_byte .did you mean memory_bytes"), ("folder", "/", "no key called folder"),
    ("name", "../mine", "a board's name must be letters"), ("name", 7, "a board's name must be"), ("name", "", "a board's name must be"),
    ("title", ["a"], "title must be text"), ("speed", 6, "speed must be text .a number in quotes., not 6"),
    ("constraints", None, "constraints must be text"),
    ("nextpnr", "--up5k", "nextpnr must be a list of texts"), ("nextpnr", ["--speed", 6], "nextpnr must be a list"),
    ("program", [1], "program must be a list of texts"), ("pll", "ice40", "pll must be left out, or a table with the type"),
    ("pll", {"pad": True}, "pll must be"), ("pll", {"type": "xilinx"}, "pll must be"), ("pll", {"type": "ice40", "pad": 1}, "pll must be"),
    ("core", None, "core must be a table of settings, not None"), ("core", [1], "core must be a table"),
    ("extra_pins", ["wifi"], "extra_pins must be a table of pins other than clk, rx, tx, led, each 0 or 1"),
    ("extra_pins", {"wifi": 2}, "extra_pins must be"), ("extra_pins", {"led": 1}, "extra_pins must be"),
    ("extra_pins", {"Wi-Fi": 1}, "extra_pins must be"),
    ("usb", {"vid": "0403"}, "usb must be a table of whole numbers: vid, pid, interface"),
    ("usb", {"port": 1}, "usb must be"), ("arrays", {8: {}}, "arrays must be a table of arrays"),
    ("resources", {"ff": {"cells": {"DFF": 1}, "available": 9}}, "resources must be"),
    ("resources", {"lut": {"cells": {"LUT4": 1}}}, "resources must be"),
    ("resources", {"lut": {"cells": ["LUT4"], "available": 9}}, "resources must be"),
    ("resources", {"lut": {"cells": {"LUT4": 0}, "available": 9}}, "resources must be"),
])
def test_a_wrong_value_is_one_sentence(tmp_path, fields, key, value, sentence):
    with pytest.raises(InputError, match=sentence) as error:
        written(tmp_path, {**fields, key: value})
    assert "\n" not in str(error.value)


def test_a_missing_key_is_named(tmp_path, fields):
    del fields["device"]
    with pytest.raises(InputError, match="board mine: the key device is missing"):
        written(tmp_path, fields)


def test_a_file_that_is_no_board_is_refused(tmp_path):
    (tmp_path / "list.yaml").write_text("- 1\n")
    with pytest.raises(InputError, match="must hold a board"):
        board.load(tmp_path / "list.yaml")
    with pytest.raises(InputError, match="there is no file"):
        board.load(tmp_path / "none.yaml")


def test_boards_are_not_changed_in_place():
    with pytest.raises(dataclasses.FrozenInstanceError):
        board.load("hx8k").baud = 9600
