"""countdown against counting in Python, for loops of every length from 1."""
import random

import pytest

from rtl.countdown import countdown
from rtl.stream import bit, unsigned
from tb.block_bench import run
from tb.block_parts import Script


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 15])
def test_last_is_high_in_the_last_round_only(limit):
    seed = random.randrange(1 << 20)
    print("seed", seed)
    rng, rounds = random.Random(seed), []

    def loop():
        yield {"limit": limit, "restart": 1, "move": 0, "step": 0, "reload": 0}
        yield {"restart": 0, "move": 1, "reload": 1}
        for turn in range(6 * limit):
            seen = yield {"move": 0, "reload": 0, "step": int(rng.random() < 0.5)}    # steps count in a move alone
            while rng.random() < 0.4:
                seen = yield {}
            rounds.append((turn % limit == limit - 1, bool(seen["last"])))
            yield {"move": 1, "step": 1, "reload": seen["last"]}

    script = Script(loop())

    def arguments():
        return dict(clk=bit(), restart=bit(), move=bit(), step=bit(), reload=bit(), limit=unsigned(4), last=bit())

    run(countdown, arguments, ("last",), (script,), script.over)
    assert len(rounds) == 6 * limit and all(expected == seen for expected, seen in rounds)


def test_a_restart_in_the_middle_makes_the_next_move_a_reload():
    def loop():
        yield {"limit": 5, "restart": 1, "move": 0, "step": 0, "reload": 0}
        seen = yield {"restart": 0, "move": 1, "reload": 1}
        assert seen["last"]
        seen = yield {"reload": 0, "step": 1}
        assert not seen["last"]
        yield {"move": 0, "restart": 1}
        seen = yield {"restart": 0}
        assert seen["last"]

    script = Script(loop())

    def arguments():
        return dict(clk=bit(), restart=bit(), move=bit(), step=bit(), reload=bit(), limit=unsigned(4), last=bit())

    run(countdown, arguments, ("last",), (script,), script.over)
