"""pass_header: every field of every header word, halves and firing passes counted, a word at a time."""
import numpy as np
import pytest

from rtl.config import CoreConfig
from rtl.pass_header import pass_header
from rtl.pass_settings import HEADER_WORDS, MAGIC, FetchSettings, FireSettings, SourceSettings
from rtl.stream import bit, unsigned
from tb.block_bench import reset, run
from tb.block_parts import Script

CONFIG = CoreConfig(lanes=4, fire_lanes=2, weight_bytes=4, kernel=3, acc_depth=64)
STRIDE = CONFIG.acc_address_bits + 1
# Header word: fields as (output, lowest bit, bits, signed), see docs/accelerator.md.
FIELDS = {
    0: [("tile_last", 0, 1), ("ended", 0, 1), ("tile_vector", 1, 1), ("source_flatten", 2, 1), ("tile_emit_zeros", 3, 1),
        ("tile_relu", 4, 1), ("source_diagonal", 5, 1), ("source_signed_source", 6, 1), ("fetch_progressive", 7, 1),
        ("source_kernel_h", 8, 4), ("source_kernel_w", 12, 4), ("source_stride_log2", 16, 2), ("fetch_lag", 18, 2),
        ("keep", 20, 1), ("fetch_masked", 21, 1)],
    1: [("fetch_channels", 16, 16), ("fetch_bands", 0, 16)], 2: [("fetch_slot_words", 16, 16), ("fetch_map_bands", 0, 16)],
    3: [("fetch_events", 0, 28)], 4: [("fetch_counts", 0, 32)],
    5: [("fetch_band_rows", 0, 8), ("source_x_bits", 8, 4), ("fetch_strips", 12, 4), ("fetch_first_y", 16, 16)],
    6: [("fetch_channel_words", 0, 28)], 7: [("source_y_offset", 16, -16), ("source_x_offset", 0, -16)],
    8: [("tile_tile_h", 16, 16), ("tile_tile_w", 0, 16)], 9: [("tile_stride_y", 16, STRIDE), ("tile_stride_x", 0, STRIDE)],
    10: [("fetch_weight_counts", 0, 28)], 11: [("source_chunks", 0, 28)],
    12: [("fetch_count_words", 16, 16), ("source_count_words", 16, 16), ("source_first_chunk", 0, 16)],
    13: [("tile_channels", 16, 16), ("tile_first_channel", 0, 16)],
    14: [("tile_pool", 0, 4), ("tile_pool_stride", 4, 4), ("tile_pool_pad", 8, 4), ("tile_pool_pad_y", 12, 4)],
    15: [("tile_height", 16, 16), ("tile_width", 0, 16)], 16: [("tile_slot_words", 16, 16), ("tile_map_bands", 0, 16)],
    17: [("tile_events", 0, 28)], 18: [("tile_counts", 0, 32)], 19: [("tile_channel_words", 0, 28)],
    20: [("tile_band_rows", 0, 8), ("tile_x_bits", 8, 4), ("tile_strips", 12, 4)],
    21: [("source_flat_size", 16, 16), ("source_flat_width", 0, 16)]}


def field(word, low, bits):
    """Bits of a word; a width below zero is that of a signed field."""
    value = word >> low & (1 << abs(bits)) - 1
    return value - (1 << 16) if bits < 0 and value >> 15 else value


def words_of(rng, fires, keep, masked):
    """Header words of any contents; the first begins a pass that fires, keeps its parameters, has a live mask, or not."""
    words = [int(rng.choice([0, (1 << 32) - 1, int(rng.integers(1 << 32))])) for _ in range(HEADER_WORDS)]
    words[0] = MAGIC << 24 | words[0] & 0x0FFFFF | keep << 20 | masked << 21
    words[13] = words[13] & 0xFFFF | (int(rng.integers(1, 1 << 16)) << 16 if fires else 0)
    return words


@pytest.mark.parametrize("pace", [1, 0.4])
def test_each_word_changes_its_fields_and_no_other(pace):
    print("seed 21")
    rng, known = np.random.default_rng(21), {}
    halves = {"offset": 0, "mask": 0, "odd": 0, "firings": 0}

    def expect(at, word):
        """What the outputs are after header word `at`."""
        known.update((name, field(word, low, bits)) for name, low, bits in FIELDS[at])
        if at == 0:
            known.update(source_offset_half=halves["offset"], fetch_mask_half=halves["mask"],
                         fetch_before=halves["firings"] % 256)
            halves["offset"] ^= 1
            halves["mask"] ^= known["fetch_masked"]
        elif at == 13 and known["tile_channels"]:
            halves["firings"] += 1
            halves["odd"] ^= 1 - known["keep"]
        elif at == 14:
            known["tile_odd"] = halves["odd"]

    def script():
        for number in range(60):
            words = words_of(rng, rng.random() < 0.7, int(rng.random() < 0.3), int(rng.random() < 0.5))
            for at, word in enumerate(words):
                while rng.random() > pace:
                    check((yield {"chosen": 0, "data": int(rng.integers(1 << 32))}), number, at)
                check((yield {"chosen": 1 << at, "data": word}), number, at)
                expect(at, word)
            if known["ended"]:
                check((yield {"chosen": 0, "launch": 1}), number, HEADER_WORDS)
                known["ended"] = 0
                check((yield {"launch": 0}), number, HEADER_WORDS)

    def check(seen, number, at):
        assert {name: seen[name] for name in known} == known, (number, at)

    part = Script(script())
    run(pass_header, lambda: dict(clk=bit(), rst=reset(), config=CONFIG, launch=bit(), chosen=unsigned(HEADER_WORDS),
                                  data=unsigned(32), fetch=FetchSettings(), source=SourceSettings(), tile=FireSettings(CONFIG),
                                  ended=bit(), keep=bit()),
        ("fetch", "source", "tile", "ended", "keep"), (part,), part.over)
    assert halves["firings"] > 20


def test_firing_passes_are_counted_modulo_256():
    seen_before = []

    def script():
        for _ in range(260):
            yield {"chosen": 1, "data": MAGIC << 24}
            yield {"chosen": 1 << 13, "data": 1 << 16}
            seen_before.append((yield {"chosen": 0})["fetch_before"])

    part = Script(script())
    run(pass_header, lambda: dict(clk=bit(), rst=reset(), config=CONFIG, launch=bit(), chosen=unsigned(HEADER_WORDS),
                                  data=unsigned(32), fetch=FetchSettings(), source=SourceSettings(), tile=FireSettings(CONFIG),
                                  ended=bit(), keep=bit()),
        ("fetch", "source", "tile", "ended", "keep"), (part,), part.over)
    assert seen_before == [number % 256 for number in range(260)]
