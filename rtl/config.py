"""The one description of an array: hardware, compiler and documents read their sizes here."""
from __future__ import annotations

import dataclasses
from dataclasses import dataclass

EVENT_BITS = 9          # an int8 or a uint8 activation fits a signed nine-bit value
WEIGHT_BITS = 8
COUNT_BITS = 8          # chunks of one row in one pass: 0 .. 255
LOOKAHEAD = 32          # events between the source and the router, whose channels' weights are asked for
WORDS_AHEAD = 32        # event words between unpacking and dispatch, whose channels' weights are asked for
PE_QUEUE = 4            # events waiting in front of a PE that is given one when it has room
DEALT_QUEUE = 8         # events waiting in front of a PE that is dealt them blindly: their work differs at borders and strides
FAMILIES = ("generic", "ice40", "up5k", "ecp5", "gowin")    # whose primitives are instantiated; generic: none, all inferred
OUTSTANDING = 64        # memory requests that may be open at once
FIRE_MARGIN = 24        # tokens that fire may still push into a bank after it was told to stop


def _power_of_two(value: int) -> bool:
    return value > 0 and value & (value - 1) == 0


@dataclass(frozen=True)
class CoreConfig:
    """Sizes of a core: an array of `pes` PEs of `lanes` lanes and its memories.

    pes: PEs, 1 .. 8.  lanes: multipliers of a PE, a power of two, 4 .. 32.
    kernel: largest kernel side, 1 .. 11.
    acc_bits: bits of a partial sum, 16 .. 40.
    acc_depth: partial sums of a lane in one half of the accumulation buffer, a power of two, 16 .. 32768.
    weight_depth: chunks the weight ring of a PE holds, a power of two, 8 .. 65536.
    slots: channels whose weights may be resident at once, a power of two, 2 .. 32.
    queue_depth: tokens an event bank holds (FIRE_MARGIN of them kept free), a power of two, 64 .. 1048576.
    fire_lanes: outputs requantised in a cycle, a power of two, 1 .. lanes.
    weight_bytes: bytes of a weight word, a power of two, 1 .. lanes.
    coord_bits: bits of an event's y and of its x, 4 .. 10.
    param_depth: groups of fire_lanes output channels in one pass, a power of two, 2 .. 4096.
    mask_words: input channels, in 32s, that a live mask can tell apart, a power of two, 2 .. 2048.
    compact: one PE, one thing at a time: the accelerator for small devices (rtl/compact), same programs, same ports.
        It has one PE, one fire lane, and a memory word holds one chunk (weight_bytes = lanes).
    watchdog_bits: a program that asks memory for nothing for 2**watchdog_bits cycles has failed, 8 .. 32.
    family: device family whose multipliers and memories are instantiated, one of FAMILIES.
    Raises ValueError, with the rule and the value, when a field breaks its rule.
    """

    pes: int = 4
    lanes: int = 8
    kernel: int = 5
    acc_bits: int = 24
    acc_depth: int = 1024
    weight_depth: int = 512
    slots: int = 8
    queue_depth: int = 1024
    fire_lanes: int = 8
    weight_bytes: int = 8
    coord_bits: int = 8
    param_depth: int = 64
    mask_words: int = 64
    compact: bool = False
    watchdog_bits: int = 24
    family: str = "generic"

    def __post_init__(self):
        for name, low, high, power in (
            ("pes", 1, 8, False), ("lanes", 4, 32, True), ("kernel", 1, 11, False), ("acc_bits", 16, 40, False),
            ("acc_depth", 16, 32768, True), ("weight_depth", 8, 65536, True), ("slots", 2, 32, True),
            ("queue_depth", 64, 1 << 20, True), ("fire_lanes", 1, 32, True), ("weight_bytes", 1, 32, True),
            ("coord_bits", 4, 10, False), ("param_depth", 2, 4096, True), ("mask_words", 2, 2048, True),
            ("watchdog_bits", 8, 32, False),
        ):
            value = getattr(self, name)
            kind = "a power of two" if power else "a whole number"
            if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high \
                    or (power and not _power_of_two(value)):
                raise ValueError(f"{name} must be {kind} from {low} to {high}, not {value}")
        for name in ("fire_lanes", "weight_bytes"):
            if getattr(self, name) > self.lanes:
                raise ValueError(f"{name} must be at most the lanes ({self.lanes}), not {getattr(self, name)}")

        if not isinstance(self.compact, bool):
            raise ValueError(f"compact must be true or false, not {self.compact}")
        if self.family not in FAMILIES:
            raise ValueError(f"family must be one of {', '.join(FAMILIES)}, not {self.family}")
        if self.compact and (self.pes, self.fire_lanes, self.weight_bytes) != (1, 1, self.lanes):
            raise ValueError(f"a compact accelerator must have 1 PE, 1 fire lane and weight_bytes = lanes ({self.lanes}), "
                             f"not {self.pes}, {self.fire_lanes} and {self.weight_bytes}")

    @property
    def positions(self) -> int:
        """Kernel positions of the row mask: kernel squared."""
        return self.kernel * self.kernel

    @property
    def position_bits(self) -> int:
        return max(1, (self.positions - 1).bit_length())

    @property
    def slot_bits(self) -> int:
        return (self.slots - 1).bit_length()

    @property
    def acc_address_bits(self) -> int:
        return (self.acc_depth - 1).bit_length()

    @property
    def ring_bits(self) -> int:
        return (self.weight_depth - 1).bit_length()

    @property
    def port_bytes(self) -> int:
        """W, the bytes of a memory word."""
        return self.weight_bytes

    @property
    def port_events(self) -> int:
        """Q, the 16-bit events of a memory word."""
        return self.weight_bytes // 2

    @property
    def event_lanes(self) -> int:
        """E, events that enter in a cycle: the largest power of two that is not more than the PEs."""
        return 1 << (self.pes.bit_length() - 1)

    @property
    def words_per_chunk(self) -> int:
        return self.lanes // self.weight_bytes

    @property
    def token_bits(self) -> int:
        """value, x, y, valid, eoc."""
        return EVENT_BITS + 2 * self.coord_bits + 2

    @property
    def bank_capacity(self) -> int:
        """Tokens that an event bank can be filled with."""
        return self.queue_depth - FIRE_MARGIN

    @property
    def fire_groups(self) -> int:
        """Cycles that one chunk of one position takes in fire: lanes / fire_lanes."""
        return self.lanes // self.fire_lanes

    def replace(self, **changes) -> "CoreConfig":
        return dataclasses.replace(self, **changes)

    def to_dict(self) -> dict:
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, fields: dict) -> "CoreConfig":
        unknown = set(fields) - {f.name for f in dataclasses.fields(cls)}
        if unknown:
            raise ValueError(f"a core has no setting called {sorted(unknown)[0]}")
        return cls(**fields)
