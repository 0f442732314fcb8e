"""event_pack and band_walk against a model that makes the same writes from whole maps, with pauses of the memory."""
import numpy as np
import pytest
from myhdl import block

from rtl.compact.band_walk import band_walk
from rtl.compact.event_pack import event_pack
from rtl.compact.memory_master import Put
from rtl.compact.pass_header import Settings
from rtl.compact.sizes import ADDRESS_BITS, byte_bits
from rtl.config import CoreConfig
from rtl.stream import bit, unsigned, wrapping
from tb.block_bench import reset, run
from tb.block_parts import Script, Sink

CONFIG = CoreConfig(pes=1, lanes=8, fire_lanes=1, weight_bytes=8, compact=True)
EVENTS, COUNTS, SLOT, BANDS = 1000, 4003, 35, 5


@block
def packed(clk, rst, config, settings, valid, value, emit, ends_row, ends_band, ends_channel, go, at, count_at, write, idle):
    """event_pack with the band_walk that has its addresses."""
    word, band, closes, passing = (bit() for _ in range(4))
    u_walk = band_walk(clk, rst, config, settings, word, band, closes, at, count_at, passing)
    u_pack = event_pack(clk, rst, config, settings, valid, value, emit, ends_row, ends_band, ends_channel, go, passing, word,
                        band, closes, write, idle)
    return u_walk, u_pack


def bands_of(shape, rows, vector):
    """(channel, y, x) of the outputs of each band, in fire's order."""
    channels, height, width = shape
    if vector:
        return [[(k, 0, 0) for k in range(first, min(first + 128, channels))] for first in range(0, channels, 128)]
    return [[(k, y, x) for y in range(top, min(top + rows, height)) for x in range(width)]
            for k in range(channels) for top in range(0, height, rows)]


@pytest.mark.parametrize("pause", ["never", "sometimes", "burst"])
@pytest.mark.parametrize("shape, rows, vector, density", [((3, 5, 6), 2, 0, 0.5), ((2, 4, 4), 4, 0, 1.0), ((150, 1, 1),
        1, 1, 0.6), ((3, 3, 3), 1, 0, 0)])
def test_writes_are_the_models(shape, rows, vector, density, pause):
    print("seed 2")
    rng, width = np.random.default_rng(2), shape[2]
    values, emits = rng.integers(0, 256, shape), rng.random(shape) < density
    x_bits = 7 if vector else (width - 1).bit_length()
    bands, want, outputs = bands_of(shape, rows, vector), [], []
    for number, band in enumerate(bands):
        channel, inside = (0, number) if vector else divmod(number, -(-shape[1] // rows))
        events = [(int(values[at]),
                   at[0] & 127 if vector else (at[1] - band[0][1]) << x_bits | at[2]) for at in band if emits[at]]
        start = EVENTS + channel * SLOT * BANDS + inside * SLOT
        for word in range(0, len(events), 4):
            want.append((start + word // 4, dict(enumerate(b"".join(bytes(one) for one in events[word:word + 4])))))
        byte = COUNTS + channel * BANDS + inside
        want.append((byte // 8, {byte % 8: len(events)}))
        for at in band:
            ends = at == band[-1]
            outputs.append(dict(value=int(values[at]), emit=int(emits[at]), ends_row=int(at[2] == width - 1),
                                ends_band=int(ends),
                                ends_channel=int(at[1:] == (shape[1] - 1, width - 1))))

    def script():
        yield {"settings_vector": vector, "settings_slot_words": SLOT, "settings_map_bands": BANDS,
               "settings_x_bits": x_bits, "settings_events": 1, "settings_address": EVENTS}
        yield {"settings_events": 0, "settings_counts": 1, "settings_address": COUNTS}
        yield {"settings_counts": 0}
        for one in outputs:
            while not (yield {"valid": 1, **one})["go"]:
                pass
            if pause != "never" and rng.random() < 0.2:
                yield {"valid": 0}
        while not (yield {"valid": 0})["idle"]:
            pass

    part, sink = Script(script()), Sink("write", pause, 3, ("at", "count_at", "write_data", "write_counts"))
    run(packed, lambda: dict(clk=bit(), rst=reset(), config=CONFIG, settings=Settings(CONFIG), valid=bit(),
                             value=unsigned(8), emit=bit(), ends_row=bit(), ends_band=bit(), ends_channel=bit(), go=bit(),
                             at=wrapping(ADDRESS_BITS), count_at=wrapping(ADDRESS_BITS + byte_bits(CONFIG)),
                             write=Put(CONFIG), idle=bit()),
        ("go", "at", "count_at", "write_data", "write_counts", "write_valid", "idle"), (part, sink), part.over, linger=4)
    assert len(sink.words) == len(want)
    for (at, count_at, data, counts), (place, told) in zip(sink.words, want):
        got = {byte: data >> 8 * byte & 255 for byte in range(8)}
        assert (count_at >> 3 if counts else at) == place and {byte: got[byte] for byte in told} == told
        assert not counts or [count_at & 7] == list(told)
