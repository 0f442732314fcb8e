"""fire_params against a queue of words: each channel's bias three steps after its first output, its scale four."""
from collections import deque

import numpy as np
import pytest

from rtl.compact.fire_params import fire_params
from rtl.compact.sizes import PARAMS
from rtl.config import CoreConfig
from rtl.stream import bit, signed, unsigned
from tb.block_bench import reset, run
from tb.block_parts import Script

CONFIG = CoreConfig(pes=1, lanes=4, fire_lanes=1, weight_bytes=4, compact=True)
OUTPUTS = ("have", "used", "bias", "multiplier", "shift", "dead")
BIAS_AT, SCALE_AT = 3, 4
AHEAD = PARAMS - 3      # two words may still be read some steps after they are free


def parameters(rng, channels):
    """(bias, multiplier, shift, dead) of each channel, and the program words that say so."""
    half = 1 << CONFIG.acc_bits
    known = [(int(rng.choice([-half, half - 1, int(rng.integers(-half, half))])), int(rng.integers(1 << 16)),
              int(rng.integers(1 << 6)), int(rng.integers(2))) for _ in range(channels)]
    words = [word for bias, multiplier, shift, dead in known
             for word in (bias % (1 << 32), multiplier | shift << 16 | dead << 22 | int(rng.integers(1 << 9)) << 23)]
    return known, words


def play(passes, memory, pace, seed):
    """Give the words of each pass as they come, take channels some steps apart; check all outputs on the way."""
    rng, level = np.random.default_rng(seed), 0

    def script():
        nonlocal level
        for known, words in passes:
            yield {"start": 1, "valid": 0, "go": 0, "first": 0}
            level, left, due, shown, wait = 0, deque(words), deque(), {}, 2
            todo = deque(known)
            while todo or due or wait:
                gives = bool(left) and level < AHEAD and rng.random() < memory
                go = int(rng.random() < pace)
                wait -= bool(go and wait)
                first = int(bool(todo) and level >= 2 and not wait and rng.random() < 0.7)
                seen = yield {"start": 0, "valid": int(gives), "word": left[0] if gives else int(rng.integers(1 << 32)),
                              "go": go, "first": first}
                assert seen["have"] == (level >= 2)
                assert seen["used"] == (go and first)
                for name, value in shown.items():
                    assert seen[name] == value, name
                if gives:
                    left.popleft()
                    level += 1
                if go:
                    # A channel of one output takes two steps.
                    if first:
                        due.append((0, todo.popleft()))
                        level, wait = level - 2, 2
                    due = deque((age + 1, one) for age, one in due)
                    for age, (bias, multiplier, shift, dead) in due:
                        if age == BIAS_AT:
                            shown["bias"] = bias
                        elif age == SCALE_AT:
                            shown.update(multiplier=multiplier, shift=shift, dead=dead)
                    due = deque(one for one in due if one[0] < SCALE_AT)

    part = Script(script())
    run(fire_params, lambda: dict(clk=bit(), rst=reset(), config=CONFIG, start=bit(), valid=bit(), word=unsigned(32), go=bit(),
                                  first=bit(), have=bit(), used=bit(), bias=signed(CONFIG.acc_bits + 1), multiplier=unsigned(16),
                                  shift=unsigned(6), dead=bit()),
        OUTPUTS, (part,), part.over, linger=2)


@pytest.mark.parametrize("memory, pace", [(1, 1), (0.3, 0.9), (1, 0.4)])
def test_each_channel_has_its_parameters(memory, pace):
    print("seed 14")
    rng = np.random.default_rng(14)
    play([parameters(rng, channels) for channels in (1, 300, 2, 40)], memory, pace, 14)


def test_a_start_forgets_words_that_no_channel_took():
    print("seed 15")
    rng = np.random.default_rng(15)
    few = [parameters(rng, channels) for channels in (9, 20, 5)]
    play([(known, words + words[:odd]) for odd, (known, words) in zip((3, 6, 0), few)], 1, 0.7, 15)
