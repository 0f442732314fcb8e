"""What may stand after an option: each function returns the parsed value or raises InputError with one sentence."""
from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import Any, Iterable, Mapping

from cascadefire.errors import InputError
from rtl.config import CoreConfig

MODES = ("dense", "csp", "mnf", "both")
SIMULATORS = ("verilator", "myhdl", "model")
PORT_BITS = (16, 32, 64, 128)


def suggestion(value: str, known: Iterable[str]) -> str:
    """` (did you mean "lenet"?)`, or nothing when no known word is near."""
    near = difflib.get_close_matches(value.lower(), list(known), n=2, cutoff=0.5)
    return f" (did you mean {' or '.join(near)}?)" if near else ""


def one_of(name: str, value: str, known: Iterable[str]) -> str:
    known = tuple(known)
    if value not in known:
        raise InputError(f"{name} must be one of {', '.join(known)}, not {value}{suggestion(value, known)}")
    return value


def parse_modes(value: str) -> list[str]:
    """One mode, or all of them in the order in which the report compares them."""
    return list(MODES) if one_of("mode", value, (*MODES, "all")) == "all" else [value]


def parse_array(value: str) -> tuple[int, int]:
    """`4x8` to (4, 8). The limits are those of the hardware's own configuration."""
    match = re.fullmatch(r"(\d+)x(\d+)", value.strip().lower())
    if not match:
        raise InputError(f"array must be PEs x lanes, such as 4x8, not {value}")
    pes, lanes = (int(part) for part in match.groups())
    CoreConfig(pes=pes, lanes=lanes, fire_lanes=1, weight_bytes=1)
    return pes, lanes


def parse_images(value: str, available: int) -> int:
    """A whole number of images, or `all`."""
    if value == "all":
        return available
    count = int(value) if re.fullmatch(r"\d{1,9}", value) else 0
    if not 1 <= count <= available:
        raise InputError(f"images must be a whole number from 1 to {available}, or all, not {value}")
    return count


def parse_whole(name: str, value: str, low: int, high: int | None = None) -> int:
    """A whole number in a range."""
    number = int(value) if re.fullmatch(r"\d{1,9}", value) else -1
    if number < low or (high is not None and number > high):
        raise InputError(f"{name} must be a whole number from {low}{'' if high is None else f' to {high}'}, not {value}")
    return number


def parse_port_bits(value: str, lanes: int) -> int:
    """The width of the memory port in bits; a word is not wider than a chunk."""
    if value not in map(str, PORT_BITS):
        raise InputError(f"port-bits must be one of {', '.join(map(str, PORT_BITS))}, not {value}")
    bits = int(value)
    if bits > 8 * lanes:
        raise InputError(f"port-bits must be at most the bits of a chunk, {8 * lanes} with {lanes} lanes, not {bits}")
    return bits


def core_overrides(lanes: int, port_bits: str | None, acc_depth: str | None) -> dict[str, int]:
    """Fields of CoreConfig that the options choose; the others are the compiler's choice."""
    fields = {}
    if port_bits is not None:
        fields["weight_bytes"] = parse_port_bits(port_bits, lanes) // 8
    if acc_depth is not None:
        fields["acc_depth"] = parse_whole("acc-depth", acc_depth, 1)
        CoreConfig(lanes=lanes, fire_lanes=1, weight_bytes=1, acc_depth=fields["acc_depth"])
    return fields


def refuse(options: Mapping[str, Any], applies: Mapping[str, str], subject: str) -> None:
    """Raise InputError for the first option that was given but belongs to something else.

    options: option -> value, None when not given.  applies: option -> what it is for.  subject: what is run.
    """
    for option, value in options.items():
        if value is not None:
            raise InputError(f"--{option} is for {applies[option]}, not for {subject}")


def check_trace(path: Path, simulator: str) -> None:
    """A waveform needs a simulator that has signals, and a known format."""
    if simulator == "model":
        raise InputError("trace needs sim verilator or myhdl: the cycle model has no signals")
    if path.suffix not in (".fst", ".vcd"):
        raise InputError(f"trace must end in .fst or .vcd, not {path.name}")
