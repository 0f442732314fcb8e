"""pass_header: the settings of a pass from its words, in both halves of the header, pass after pass; what it refuses."""
import numpy as np
import pytest

from rtl.compact.pass_header import Settings, pass_header
from rtl.config import CoreConfig
from rtl.pass_settings import MAGIC
from rtl.stream import bit, unsigned
from tb.block_bench import reset, run
from tb.block_parts import Script

CONFIG = CoreConfig(pes=1, lanes=8, fire_lanes=1, weight_bytes=8, compact=True, kernel=5, acc_depth=256)
FIRST, FLAT, LAST = range(13), 21, range(13, 21)
NUMBERS = {3: "events", 4: "counts", 10: "weight_counts", 11: "chunks", 12: "first_chunk", 17: "events", 18: "counts"}
ADDRESS = 1 << 19       # byte addresses of 16-bit word addresses


def pair(high, low):
    return high % (1 << 16) << 16 | low % (1 << 16)


class Pass:
    """Random settings as far as a compact core can run them, and their header words (docs/accelerator.md)."""

    def __init__(self, rng, small):
        flags = ("last", "vector", "flatten", "emit_zeros", "relu", "diagonal", "signed_source")
        draw = lambda top: int(rng.choice([0, top - 1, int(rng.integers(top))]))     # noqa: E731
        one = {name: draw(2) for name in flags} | {"keep": draw(2), "masked": draw(2)}
        one.update(kernel_h=1 + draw(5), kernel_w=1 + draw(5), stride_log2=draw(3))
        bits = sum(one[name] << at for at, name in enumerate(flags)) | draw(2) << 7
        word = [bits | one["kernel_h"] << 8 | one["kernel_w"] << 12 | one["stride_log2"] << 16 | draw(4) << 18
                | one["keep"] << 20 | one["masked"] << 21 | MAGIC << 24]
        self.source, self.output = ({"slot_words": draw(256), "map_bands": draw(512), "band_rows": draw(256), "x_bits": draw(9)}
                                    for _ in range(2))
        one.update(channels=draw(2048), bands=draw(512), x_offset=draw(64) - 32, stride_y=draw(257), stride_x=draw(257))
        first_y, y_offset, tile, fired = draw(500), draw(64) - 32, (1 + draw(200), 1 + draw(128)), (1 + draw(99), 1 + draw(99))
        one["first_y"] = first_y + y_offset
        self.tile = {"tile_bottom": tile[0] - 1, "tile_right": tile[1] - 1}
        self.numbers = {at: draw(ADDRESS) for at in NUMBERS}
        self.flat = {"flat_size": draw(1 << 16), "flat_end": draw(256)}
        pads = (0, 0) if small else (draw(8), draw(8))
        self.fire = {"fired": draw(2048), "pool_end": draw(7), "pool_stride": draw(8), "pool_pad": pads[0], "pool_pad_y": pads[1],
                     "bottom": fired[0] - 1, "right": fired[1] - 1}
        if small:
            self.output.update(tile_bottom=fired[0] - 1, tile_right=fired[1] - 1)
        s, o, n, f = self.source, self.output, self.numbers, self.fire
        word += [pair(one["channels"], one["bands"]), pair(s["slot_words"], s["map_bands"]), n[3], n[4],
                 s["band_rows"] | s["x_bits"] << 8 | 1 << 12 | first_y << 16, draw(1 << 32), pair(y_offset, one["x_offset"]),
                 pair(*tile), pair(one["stride_y"], one["stride_x"]), n[10], n[11], n[12]]
        pool = f["pool_end"] + 1 | f["pool_stride"] << 4 | f["pool_pad"] << 8 | f["pool_pad_y"] << 12
        word += [pair(f["fired"], draw(2048)), pool, pair(*fired), pair(o["slot_words"], o["map_bands"]), n[17], n[18],
                 draw(1 << 32), o["band_rows"] | o["x_bits"] << 8 | 1 << 12,
                 pair(self.flat["flat_size"], self.flat["flat_end"] + 1)]
        self.word, self.settings = word, one


def simulate(passes, config, pace=0.6):
    """Give the words of each pass; check the settings when each half is complete, and the numbers' pulses in between."""
    print("seed 19")
    rng = np.random.default_rng(19)

    def check(seen, want, *more):
        for name, value in {k: v for one in (want, *more) for k, v in one.items()}.items():
            assert seen["settings_" + name] == value, name

    def give(word, index, **held):
        """A word, sometimes after idle cycles; its number's pulse comes with it, and no other."""
        while rng.random() > pace:
            seen = yield {"valid": 0, "start": 0, "word": int(rng.integers(1 << 32)), **held}
            assert not any(seen["settings_" + name] for name in NUMBERS.values())
        seen = yield {"valid": 1, "start": 0, "word": word, **held}
        pulses = [name for name in dict.fromkeys(NUMBERS.values()) if seen["settings_" + name]]
        assert pulses == [NUMBERS[at] for at in NUMBERS if at == index]
        if index in NUMBERS:
            assert seen["settings_address"] == word % ADDRESS
        return seen["complete"]

    def script():
        for one in passes:
            yield {"start": 1, "valid": 0, "second": 0}
            for index in FIRST:
                assert not (yield from give(one.word[index], index))
            seen = yield {"valid": 0}
            assert seen["complete"] and seen["settings_magic"] and seen["settings_possible"]
            check(seen, one.settings, one.source, one.tile)
            if one.settings["flatten"]:
                yield from give(one.word[FLAT], FLAT)
                seen = yield {"valid": 0}
                check(seen, one.settings, one.source, one.flat, one.tile)
            yield {"valid": 0, "second": 1}
            for index in LAST:
                assert not (yield from give(one.word[index], index))
            seen = yield {"valid": 0}
            assert seen["complete"] and seen["settings_possible"]
            check(seen, one.settings, one.output, one.fire, *([] if one.output.keys() & one.tile.keys() else [one.tile]))

    part = Script(script())
    run(pass_header, lambda: dict(clk=bit(), rst=reset(), config=config, start=bit(), second=bit(), valid=bit(),
                                  word=unsigned(32), settings=Settings(config), complete=bit()),
        ("settings", "complete"), (part,), part.over)


@pytest.mark.parametrize("family", ["generic", "up5k"])
def test_settings_of_passes_one_after_the_other(family):
    rng = np.random.default_rng(20)
    simulate([Pass(rng, family == "up5k") for _ in range(25)], CONFIG.replace(family=family))


def begins(kernel_h=5, kernel_w=3, log2=0, magic=MAGIC):
    return magic << 24 | log2 << 16 | kernel_w << 12 | kernel_h << 8


@pytest.mark.parametrize("family", ["generic", "up5k"])
def test_what_cannot_be_run_is_said(family):
    """Foreign words, kernels and strides that there are not, strips; pooling of more than seven places, and padded pooling only
    where it is left out."""
    good, config = {0: begins(), 5: 1 << 12, 14: 0x21, 20: 1 << 12}, CONFIG.replace(family=family)
    small = int(family == "up5k")
    cases = [(0, begins(), (1, 1)), (0, begins(magic=0xCE), (0, 1)), (0, begins(kernel_h=6), (1, 0)),
             (0, begins(kernel_h=0), (1, 0)), (0, begins(kernel_w=0), (1, 0)), (0, begins(kernel_w=7), (1, 0)),
             (0, begins(log2=3), (1, 0)), (0, begins(log2=2), (1, 1)), (5, 2 << 12, (1, 0)),
             (20, 0, (1, 0)), (14, 0x121, (1, 1 - small)), (14, 0x1021, (1, 1 - small)),
             (14, 0x77, (1, 1)), (14, 0x28, (1, 0)), (14, 0x81, (1, 0)), (14, 0x821, (1, 0)), (14, 0x8021, (1, 0))]

    def script():
        for at, word, want in cases:
            yield {"start": 1, "valid": 0, "second": 0}
            for index in (*FIRST, *LAST):
                yield {"start": 0, "valid": 1, "second": int(index in LAST),
                       "word": word if index == at else good.get(index, 0)}
            seen = yield {"valid": 0}
            assert (seen["settings_magic"], seen["settings_possible"]) == want, (at, hex(word))

    part = Script(script())
    run(pass_header, lambda: dict(clk=bit(), rst=reset(), config=config, start=bit(), second=bit(), valid=bit(),
                                  word=unsigned(32), settings=Settings(config), complete=bit()),
        ("settings", "complete"), (part,), part.over)
