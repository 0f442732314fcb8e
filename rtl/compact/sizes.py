"""Widths that the blocks of the compact accelerator share."""
from myhdl import Signal, modbv

OPEN = 32               # memory requests that may be open at once
PARAMS = 256            # words of output parameters held ahead of fire
CHANNEL_BITS = 11       # channels of a pass
BAND_BITS = 9           # bands of a channel
UP5K_MULTIPLIERS = 8
ADDRESS_BITS = 16       # of a memory word
PROGRAM, COUNT, EVENTS, WEIGHTS, CHUNK, WRITE = range(1, 7)     # what a memory request is for


def small(config) -> bool:
    """Whether padded pooling and counters of stalls are left out."""
    return config.family in ("ice40", "up5k")


def lends_multipliers(config) -> bool:
    """Whether the lanes have to lend their multipliers to fire, which takes two."""
    return config.family == "up5k" and config.lanes + 2 > UP5K_MULTIPLIERS


def byte_bits(config) -> int:
    """Bits of a byte's place in a memory word."""
    return config.port_bytes.bit_length() - 1


def word_bits(config) -> int:
    """Bits of a 32-bit word's place in a memory word."""
    return byte_bits(config) - 2


def side_bits(config) -> int:
    """Bits of a kernel row or column."""
    return max(1, (config.kernel - 1).bit_length())


def slot_bits(config) -> int:
    """Bits of a slot of the row table: as many channels ahead as one small block RAM holds, from two."""
    return max(1, 8 - 2 * side_bits(config))


def place_bits(config) -> int:
    """Bits of a signed coordinate of an event against the tile."""
    return config.coord_bits + 3


def place(config):
    """A signed coordinate whose arithmetic may wrap: it does so only for programs that no compiler makes."""
    half = 1 << (place_bits(config) - 1)
    return Signal(modbv(0, min=-half, max=half))
