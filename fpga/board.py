"""Boards: one YAML and one constraint file each in fpga/boards, or wherever a user keeps his own."""
from __future__ import annotations

import dataclasses
import difflib
import json
import re
from dataclasses import dataclass, field
from pathlib import Path

from cascadefire import yaml_file
from cascadefire.errors import InputError
from fpga import board_rules
from rtl.config import CoreConfig

FOLDER = Path(__file__).resolve().parent / "boards"
BAUD_ERROR = 0.02       # a UART's two ends may differ by a few per cent of a bit over ten bits; half of that is ours


@dataclass(frozen=True)
class Board:
    """What a bitstream needs to know of a board; the fields are the keys of its YAML (docs/boards.md).

    number: 1 .. 65535, which the identity block of the bitstream tells.  family: one of board_rules.FAMILIES.
    nextpnr: arguments that name the device.  constraints: file of pins beside the YAML.
    clock_pin_hz: the oscillator.  clock_hz: what the design runs at, made by a PLL where it differs.
    pll: None, or the settings of the PLL that makes clock_hz ({"type": "ice40"}).
    baud: of the UART, at most 2 % off clock_hz / whole number.  leds: how many.  extra_pins: outputs held at a constant.
    memory_bytes, memory: size and kind (one of board_rules.MEMORIES) of the memory of programs and maps.
    array: P x C that is built unless another is asked for.  core: fields of CoreConfig.
    arrays: those that were built and fit, each with what it needs other than the board's own: memory_bytes, and fields of core.
    program: commands that load a bitstream, {bitstream} stands for its file.  usb: vid, pid and interface of the serial port.
    resources: label -> cells ({name in nextpnr's report: how many each takes}), available.
    folder: where the YAML is.
    """

    name: str
    number: int
    title: str
    family: str
    device: str
    package: str
    speed: str
    nextpnr: tuple
    constraints: str
    clock_pin_hz: int
    clock_hz: int
    baud: int
    leds: int
    led_active_low: bool
    memory_bytes: int
    memory: str
    array: str
    resources: dict
    pll: dict | None = None
    extra_pins: dict = field(default_factory=dict)
    arrays: dict = field(default_factory=dict)
    core: dict = field(default_factory=dict)
    program: tuple = ()
    usb: dict = field(default_factory=dict)
    folder: str = str(FOLDER)

    def __post_init__(self):
        board_rules.check(self)
        if not self.constraints_path.is_file():
            raise InputError(f"board {self.name}: there is no file {self.constraints_path}")
        divisor = self.uart_divisor
        if divisor < 4 or abs(self.clock_hz / divisor / self.baud - 1) > BAUD_ERROR:
            raise InputError(f"board {self.name}: baud {self.baud} cannot be made from {self.clock_hz / 1e6:g} MHz: the nearest is "
                             f"{self.clock_hz / max(divisor, 4):.0f}")
        for array in (self.array, *self.arrays):
            self.config(array)

    @property
    def constraints_path(self) -> Path:
        return Path(self.folder) / self.constraints

    @property
    def uart_divisor(self) -> int:
        """Clock cycles of a bit: round(clock_hz / baud)."""
        return (2 * self.clock_hz + self.baud) // (2 * self.baud)

    def config(self, array: str | None = None) -> CoreConfig:
        """The configuration of an array on this board.

        array: "PxC", the board's own when None. An array of one PE is compact where the board's core says so.
        Raises InputError with the rule that the array breaks.
        """
        text = str(array or self.array)
        match = re.fullmatch(r"(\d+)x(\d+)", text.strip().lower())
        if not match:
            raise InputError(f"array must be PEs x lanes, such as 1x8, not {text}")
        pes, lanes = int(match[1]), int(match[2])
        core = {**self.core, **self._own(text).get("core", {})}
        fields = {**core, "compact": bool(core.get("compact", False)) and pes == 1, "family": self.family}
        if fields["compact"]:
            fields.update(fire_lanes=1, weight_bytes=lanes)
        else:
            fields.setdefault("fire_lanes", min(8, lanes))
            fields.setdefault("weight_bytes", min(8, lanes))
        try:
            return CoreConfig.from_dict({**fields, "pes": pes, "lanes": lanes})
        except ValueError as error:
            raise InputError(f"array {text} on board {self.name}: {error}") from None

    def with_array(self, array: str) -> "Board":
        """This board with another array, and the memory that it has beside it."""
        self.config(array)
        return dataclasses.replace(self, array=array.strip().lower(), memory_bytes=self._own(array).get("memory_bytes", self.memory_bytes))

    def _own(self, array: str) -> dict:
        """What an array has other than the board's own."""
        return self.arrays.get(array.strip().lower(), {})

    def with_clock(self, hz: int) -> "Board":
        """This board with a design that runs at another clock; a PLL makes what the oscillator does not."""
        pll = None if hz == self.clock_pin_hz else self.pll or _usual_pll(self.family, self.device)
        return dataclasses.replace(self, clock_hz=hz, pll=pll)

    def to_dict(self) -> dict:
        """The fields as JSON can hold them."""
        return json.loads(json.dumps(dataclasses.asdict(self)))

    @classmethod
    def from_dict(cls, fields: dict) -> "Board":
        """A board from what `to_dict` gave, or from a YAML; InputError names a key that is missing or unknown."""
        name = fields.get("name", "without a name")
        known = {item.name: item for item in dataclasses.fields(cls)}
        unknown = sorted(set(fields) - set(known))
        missing = [key for key, item in known.items() if key not in fields
                   and item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING]
        if unknown:
            raise InputError(f"board {name}: a board has no key called {unknown[0]}{_near(unknown[0], known)}")
        if missing:
            raise InputError(f"board {name}: the key {missing[0]} is missing")
        return cls(**{key: tuple(value) if isinstance(value, list) else value for key, value in fields.items()})


def names() -> list[str]:
    """The boards that ship, in the order of their numbers."""
    return list(_shipped())


def load(name: str | Path) -> Board:
    """Return a board.

    name: one of `names()`, or the path of a YAML file.
    Errors: InputError for an unknown board (with the nearest names) or a file that is no board.
    """
    if Path(name).suffix in (".yaml", ".yml"):
        return _read(Path(name))
    shipped = _shipped()
    if name not in shipped:
        raise InputError(f"board must be a .yaml file or one of {', '.join(shipped)}, not {name}{_near(str(name), shipped)}")
    return shipped[name]


def _shipped() -> dict[str, Board]:
    boards = sorted((_read(path) for path in FOLDER.glob("*.yaml")), key=lambda board: board.number)
    return {board.name: board for board in boards}


def _read(path: Path) -> Board:
    fields = yaml_file.read(path)
    if not isinstance(fields, dict):
        raise InputError(f"{path} must hold a board: keys and their values")
    if "folder" in fields:
        raise InputError(f"{path}: a board has no key called folder")
    board = Board.from_dict({**fields, "folder": str(path.resolve().parent)})
    return board.with_array(str(board.array))


def _usual_pll(family: str, device: str) -> dict:
    """The PLL of a family; Gowin's cell wants the device's name as well: GW1NR-LV9QN88PC6/I5 is a GW1NR-9C."""
    if family != "gowin":
        return {"type": "ice40" if family == "up5k" else family}
    match = re.match(r"(GW\w+)-LV(\d+)", device)
    return {"type": "gowin", "device": f"{match[1]}-{match[2]}C" if match else device}


def _near(value: str, known) -> str:
    near = difflib.get_close_matches(value.lower(), list(known), n=2, cutoff=0.5)
    return f" (did you mean {' or '.join(near)}?)" if near else ""
