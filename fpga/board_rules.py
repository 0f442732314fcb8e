"""What the keys of a board's YAML may hold (docs/boards.md)."""
from __future__ import annotations

import re

from cascadefire.errors import InputError
from rtl.primitives.pll import LIMITS

FAMILIES = ("up5k", "ice40", "ecp5", "gowin")
MEMORIES = ("block_ram", "spram")
RESOURCES = ("lut", "ff", "dsp", "ram", "spram")
CLOCK_HZ = (1_000_000, 400_000_000)
MEMORY_BYTES = (1024, 1 << 26)
MOST_CELLS = 1 << 24
PINS = ("clk", "rx", "tx", "led")     # that every board has


def check(board) -> None:
    """Raise InputError with the first key of a Board whose value breaks its rule, and the rule."""
    if not _text(board.name) or not re.fullmatch(r"[\w.-]*\w", board.name):
        raise InputError(f"a board's name must be letters, digits, dashes and dots, not {board.name!r}")
    for key, good, rule in _rules(board):
        if not good:
            raise InputError(f"board {board.name}: {key} must be {rule}, not {getattr(board, key)!r}")


def _rules(board):
    """Yield (key, whether its value is good, the rule)."""
    hz = f"a whole number of Hz from {CLOCK_HZ[0]} to {CLOCK_HZ[1]}"
    yield "number", _whole(board.number, 1, 65535), "a whole number from 1 to 65535"
    yield "family", board.family in FAMILIES, f"one of {', '.join(FAMILIES)}"
    for key in ("title", "device", "package", "speed", "constraints"):
        yield key, _text(getattr(board, key)), "text (a number in quotes)"
    for key in ("nextpnr", "program"):
        value = getattr(board, key)
        yield key, isinstance(value, tuple) and all(map(_text, value)), "a list of texts (numbers in quotes)"
    yield "clock_pin_hz", _whole(board.clock_pin_hz, *CLOCK_HZ), hz
    yield "clock_hz", _whole(board.clock_hz, *CLOCK_HZ), hz
    yield "pll", board.pll is None or (_holds(board.pll, PLL) and "type" in board.pll), (
        f"left out, or a table with the type {', '.join(LIMITS)}")
    yield "baud", _whole(board.baud, 300, 12_000_000), "a whole number from 300 to 12000000"
    yield "leds", _whole(board.leds, 1, 16), "a whole number from 1 to 16"
    yield "led_active_low", isinstance(board.led_active_low, bool), "true or false"
    yield "memory_bytes", _whole(board.memory_bytes, *MEMORY_BYTES), "a whole number of bytes from %d to %d" % MEMORY_BYTES
    yield "memory", board.memory in MEMORIES, f"one of {', '.join(MEMORIES)}"
    yield "extra_pins", _is_table(board.extra_pins, _is_pin), (
        f"a table of pins other than {', '.join(PINS)}, each 0 or 1")
    yield "core", _is_table(board.core), "a table of settings"
    yield "arrays", _is_table(board.arrays, lambda _, own: _holds(own, ARRAY)), (
        "a table of arrays, each with a table: memory_bytes (a whole number), core (a table)")
    yield "usb", _holds(board.usb, USB), (
        f"a table of whole numbers: {', '.join(USB)}")
    yield "resources", _holds(board.resources, dict.fromkeys(RESOURCES, _is_resource)) and "lut" in board.resources, (
        f"a table of {', '.join(RESOURCES)}, each with cells (a table of whole numbers) and available (a whole number)")


def _whole(value, low: int, high: int) -> bool:
    """Whether this is a whole number from low to high."""
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _text(value) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_table(value, good=lambda key, item: True) -> bool:
    """Whether this is a table whose keys are text and each of whose items is good."""
    return isinstance(value, dict) and all(isinstance(key, str) and good(key, item) for key, item in value.items())


def _holds(value, kinds: dict) -> bool:
    """Whether this is a table with some of the keys of `kinds`, each of which says whether its item is good."""
    return _is_table(value, lambda key, item: key in kinds and kinds[key](item))


def _is_pin(name: str, level) -> bool:
    """Whether this is a pin of one's own, held at a level."""
    return bool(re.fullmatch(r"[a-z]\w*", name)) and name not in PINS and _whole(level, 0, 1)


def _is_resource(value) -> bool:
    return (_is_table(value) and set(value) == {"cells", "available"} and _whole(value["available"], 0, MOST_CELLS)
            and _is_table(value["cells"], lambda _, each: _whole(each, 1, MOST_CELLS)))


# What may be in the tables of a PLL, of an array's own, of a serial port.
PLL = {"type": lambda kind: kind in tuple(LIMITS), "pad": lambda pad: isinstance(pad, bool), "device": _text}
ARRAY = {"memory_bytes": lambda size: _whole(size, *MEMORY_BYTES), "core": _is_table}
USB = {"vid": lambda number: _whole(number, 0, 0xFFFF), "pid": lambda number: _whole(number, 0, 0xFFFF),
       "interface": lambda number: _whole(number, 0, 255)}
