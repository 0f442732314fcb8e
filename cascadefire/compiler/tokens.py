"""Tokens: how events and the ends of channels are written in the core's event streams.

    token = value (9 bits, signed, lowest) | x (B bits) | y (B bits) | valid | eoc        B = coord_bits
"""

import numpy as np

from rtl.config import EVENT_BITS


def pack(value, y, x, valid, eoc, coord_bits):
    """Return tokens as uint32; the fields are arrays or whole numbers, value -256..255, y and x 0 .. 2**coord_bits - 1."""
    fields = (np.asarray(value, np.int64) & ((1 << EVENT_BITS) - 1)) | (np.asarray(x, np.int64) << EVENT_BITS)
    fields |= np.asarray(y, np.int64) << (EVENT_BITS + coord_bits)
    fields |= np.asarray(valid, np.int64) << (EVENT_BITS + 2 * coord_bits)
    fields |= np.asarray(eoc, np.int64) << (EVENT_BITS + 2 * coord_bits + 1)
    return fields.astype(np.uint32)


def unpack(tokens, coord_bits):
    """Return (value, y, x, valid, eoc) of tokens; value, y, x int64, the others bool."""
    tokens = np.asarray(tokens).astype(np.int64)
    mask = (1 << coord_bits) - 1
    value = tokens & ((1 << EVENT_BITS) - 1)
    value -= (value >> (EVENT_BITS - 1)) << EVENT_BITS
    x, y = (tokens >> EVENT_BITS) & mask, (tokens >> (EVENT_BITS + coord_bits)) & mask
    flags = tokens >> (EVENT_BITS + 2 * coord_bits)
    return value, y, x, (flags & 1).astype(bool), (flags >> 1 & 1).astype(bool)


def of_map(values, coord_bits, zeros=False):
    """Return the tokens of a map, channel after channel, y before x.

    The last event of a channel carries its end; a channel without events is one token that is not valid.
    values: integers [C, H, W].  zeros: whether zeros are events, too.
    """
    channels = len(values)
    channel, y, x = np.nonzero(np.ones_like(values, bool) if zeros else values)
    empty = np.flatnonzero(np.bincount(channel, minlength=channels) == 0)
    order = np.argsort(np.concatenate([channel, empty]), kind="stable")
    nothing = np.zeros_like(empty)
    channel = np.concatenate([channel, empty])[order]
    value, y, x, valid = (np.concatenate([part, filler])[order] for part, filler in (
        (values[np.nonzero(np.ones_like(values, bool) if zeros else values)], nothing),
        (y, nothing), (x, nothing), (np.ones(len(y), bool), nothing.astype(bool))))
    eoc = np.append(channel[1:] != channel[:-1], True) if channels else np.zeros(0, bool)
    return pack(value, y, x, valid, eoc, coord_bits)


def to_map(tokens, shape, coord_bits):
    """Return the map that tokens describe (the inverse of `of_map`), int16 [C, H, W].

    tokens: tokens of a drain pass; the channels of the map may come several times, once per spatial tile.
    shape: (C, H, W).
    Errors: ValueError when the ends of channels are not a multiple of C, or a coordinate is outside the map.
    """
    value, y, x, valid, eoc = unpack(tokens, coord_bits)
    if not len(eoc) or eoc.sum() % shape[0] or not eoc[-1]:
        raise ValueError(f"the tokens end {int(eoc.sum())} channels, which is not a whole multiple of {shape[0]}")
    if (y[valid] >= shape[1]).any() or (x[valid] >= shape[2]).any():
        raise ValueError(f"a token's coordinates are outside the {shape[1]} x {shape[2]} map")
    channel = (np.cumsum(eoc) - eoc) % shape[0]
    result = np.zeros(shape, np.int16)
    result[channel[valid], y[valid], x[valid]] = value[valid]
    return result
