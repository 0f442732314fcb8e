"""band_lane against lists of events: words of a closed half while the other fills, counts, and counts passed along."""
import numpy as np
import pytest

from rtl.band_lane import band_address_bits, band_lane
from rtl.config import CoreConfig
from rtl.stream import bit, unsigned
from tb.block_bench import reset, run
from tb.block_parts import Script

WRITTEN, READ = 2, 2        # cycles from an event to the first read of its word, from a read to its word


@pytest.mark.parametrize("port_bytes, density, most", [(2, 0.9, 40), (4, 0.4, 255), (8, 1.0, 255), (16, 0.7, 30)])
def test_words_and_counts_of_halves_in_turn(port_bytes, density, most):
    print("seed 33")
    rng, config = np.random.default_rng(33), CoreConfig(lanes=16, weight_bytes=port_bytes)
    per_word, bits = config.port_events, band_address_bits(config)
    due, told = {}, 0

    def words_of(half, events, now):
        """Reads of a half's words in any order, and what must come of each."""
        for word in rng.permutation(-(-len(events) // per_word)).tolist():
            yield {"read": 1, "read_address": half << bits | word}, events[word * per_word:(word + 1) * per_word]

    def check(seen, t, shown):
        nonlocal told
        assert shown is None or seen["count"] == shown, t
        for number, (value, place) in enumerate(due.pop(t, ())):
            assert seen["word"] >> 16 * number & 0xFFFF == place << 8 | value, t
            told += 1

    def script():
        half, filling, reads, put_before, t, shown = 0, [], iter(()), 0, 0, None
        for band in range(12):
            size = int(rng.integers(most + 1)) if band else most
            wait, closes = 0, False
            while not closes:
                put = int(len(filling) < size and rng.random() < density)
                value, position = int(rng.integers(256)), int(rng.integers(256))
                filling += [(value, position)] * put
                wait += len(filling) == size
                closes = len(filling) == size and (bool(put) or wait > 5) and rng.random() < 0.7
                shift = int(not closes and rng.random() < 0.1)
                look, want = next(reads, (None, None)) if rng.random() < 0.8 else (None, None)
                inputs = {"put": put, "value": value, "position": position, "close": int(closes), "half": half, "shift": shift,
                          "above": int(rng.integers(256)), "stirring": int(put or closes or shift or put_before),
                          **(look or {"read": 0})}
                check((yield inputs), t, shown)
                if look:
                    due[t + READ] = want
                shown = len(filling) if closes else inputs["above"] if shift else shown
                put_before, t = put, t + 1
            # What was not read of the half before is lost now.
            reads, filling, half = words_of(half, filling, t), [], 1 - half
            for _ in range(WRITTEN - 1):
                check((yield {"put": 0, "close": 0, "shift": 0, "half": half, "stirring": put_before, "read": 0}), t, shown)
                put_before, t = 0, t + 1

    part = Script(script())
    run(band_lane, lambda: dict(clk=bit(), rst=reset(), config=config, stirring=bit(), put=bit(), value=unsigned(8),
                                position=unsigned(8), close=bit(), half=bit(), shift=bit(), above=unsigned(8), read=bit(),
                                read_address=unsigned(1 + bits), word=unsigned(8 * port_bytes), count=unsigned(8)),
        ("word", "count"), (part,), part.over)
    assert told > 100
