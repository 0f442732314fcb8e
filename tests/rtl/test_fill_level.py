"""fill_level against a count kept in Python."""
import random

import pytest

from rtl.fill_level import fill_level
from rtl.stream import bit
from tb.block_bench import reset, run
from tb.block_parts import Table


@pytest.mark.parametrize("depth", [2, 3, 4, 9])
@pytest.mark.parametrize("bias", [0.2, 0.5, 0.8])
def test_it_tells_when_there_is_something_and_when_there_is_no_more_room(depth, bias):
    seed = random.randrange(1 << 20)
    print("seed", seed)
    rng, level, rows, levels = random.Random(seed), 0, [], []
    for _ in range(300):
        got = level > 0 and rng.random() < 0.5
        put = (level < depth or got) and rng.random() < bias
        rows.append({"put": put, "got": got})
        levels.append(level)
        level += put - got
    table = Table(rows)

    def arguments():
        return dict(clk=bit(), rst=reset(), put=bit(), got=bit(), depth=depth, filled=bit(), full=bit())

    trace = run(fill_level, arguments, ("filled", "full"), (table,), table.over)
    assert trace["filled"] == [level > 0 for level in levels]
    assert trace["full"] == [level == depth for level in levels]


def test_a_depth_below_two_is_refused():
    with pytest.raises(ValueError, match="^depth must be at least 2, not 1$"):
        fill_level(bit(), reset(), bit(), bit(), 1, bit(), bit())
