"""What the compact accelerator cannot run, said at compile time (docs/compact.md)."""

import numpy as np

from cascadefire.compiler.map_layout import STRIP, memory_shape
from cascadefire.errors import InputError
from cascadefire.network import MULTIPLIER_MIN
from rtl.compact.sizes import ADDRESS_BITS, BAND_BITS, CHANNEL_BITS, lends_multipliers, small

MAX_CHANNELS = (1 << CHANNEL_BITS) - 1      # of a pass
MAX_BANDS = (1 << BAND_BITS) - 1
MAX_POOL = 7
SHIFTS = (13, 44)       # of a requantisation whose multiplier has 16 bits: rtl/compact/fire_value.py


def check_compact(graph, config):
    """Raise InputError, naming what is too large, unless the compact accelerator can run a graph.

    graph: Graph.  config: CoreConfig with `compact`.
    """
    widest = max((one for one in graph.maps.values() if not one.vector), key=lambda one: one.shape[2], default=None)
    if widest is not None and widest.shape[2] > STRIP:
        raise InputError(f"{widest.name}: a compact accelerator runs maps of at most {STRIP} columns, "
                         f"not {widest.shape[2]}: set compact to false.")
    for one in graph.maps.values():
        channels, height, _ = memory_shape(one)
        if channels > MAX_CHANNELS or height > MAX_BANDS:
            raise InputError(f"{one.name}: a compact accelerator runs maps of at most {MAX_CHANNELS} channels, or vectors "
                             f"of {MAX_BANDS * STRIP} values, not {max(one.shape)}: set compact to false.")
    limit = 1 << config.acc_bits
    for step in graph.steps:
        largest = int(np.abs(np.asarray(step.bias, np.int64)).max(initial=0))
        if largest >= limit:
            raise InputError(f"{step.name}: a compact accelerator adds biases below {limit}, not {largest}: "
                             f"set acc_bits to {largest.bit_length()}.")
        multiplier, shift = normalised(step.multiplier, step.shift)
        shifts = shift[multiplier > 0]
        low, high = int(shifts.min(initial=SHIFTS[1])), int(shifts.max(initial=SHIFTS[0]))
        if low < SHIFTS[0] or high > SHIFTS[1]:
            raise InputError(f"{step.name}: a compact accelerator requantises with shifts of {SHIFTS[0]} to {SHIFTS[1]}, "
                             f"not {low if low < SHIFTS[0] else high}: set compact to false.")
        if lends_multipliers(config) and np.any(multiplier < MULTIPLIER_MIN):
            raise InputError(f"{step.name}: a compact accelerator of {config.lanes} lanes on {config.family} requantises with "
                             f"factors from 2**-{SHIFTS[1] - 15}: set lanes to 4.")
        if small(config) and step.pool and (step.pool[2] or any(
                (fired - 1) * step.pool[1] + step.pool[0] > side for fired, side in zip(step.fired_shape, step.conv_shape))):
            raise InputError(f"{step.name}: a compact accelerator on {config.family} pools without padding and in whole "
                             f"windows: choose another family or set compact to false.")
        if step.pool and max(step.pool[:3]) > MAX_POOL:
            raise InputError(f"{step.name}: a compact accelerator pools windows of at most {MAX_POOL} a side, "
                             f"not {step.pool[0]}: set compact to false.")
        if step.pool and any(fired > side for fired, side in zip(step.fired_shape, step.conv_shape)):
            raise InputError(f"{step.name}: a compact accelerator pools to maps that are not larger than before, not from "
                             f"{step.conv_shape[0]} x {step.conv_shape[1]} to {step.fired_shape[0]} x "
                             f"{step.fired_shape[1]}: set compact to false.")


def check_words(graph, config, words):
    """Raise InputError when a graph's program, weights and maps need more memory words than the compact accelerator addresses.

    graph: Graph.  config: CoreConfig.  words: memory words of config.port_bytes.
    """
    if config.compact and words > 1 << ADDRESS_BITS:
        raise InputError(f"{graph.name} needs {words} memory words of {config.port_bytes} bytes, but a compact accelerator "
                         f"addresses {1 << ADDRESS_BITS}: set compact to false.")


def normalised(multiplier, shift):
    """Return (multiplier, shift) of the same factors multiplier / 2**shift with multipliers of 16 bits, as far as shifts go.

    multiplier: uint16 [K].  shift: uint8 [K].
    """
    bits = np.frexp(np.asarray(multiplier, np.float64))[1]
    up = np.minimum(16 - bits, np.maximum(SHIFTS[1] - shift.astype(np.int64), 0)) * (multiplier > 0)
    return (multiplier.astype(np.int64) << up).astype(multiplier.dtype), (shift + up).astype(shift.dtype)


def pooling_room(config, pad_y, pad_x, width):
    """Return the partial sums of a chunk that pooling in place needs beside the tile: pad_y * width + pad_x.

    pad_y, pad_x: padding above and left of a tile.  width: of the tile.  0 for a core that does not pool in place.
    """
    return (pad_y * width + pad_x) if config.compact else 0
