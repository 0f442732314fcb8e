"""output_counter against three nested loops: groups outside, then y, then x."""
import random

import pytest

from rtl.output_counter import output_counter
from rtl.stream import bit, unsigned, wrapping
from tb.block_bench import reset, run
from tb.block_parts import Script


class Settings:
    def __init__(self):
        self.height, self.width, self.channels = unsigned(16), unsigned(16), unsigned(16)


@pytest.mark.parametrize("shapes", [((3, 4, 5),), ((1, 1, 9), (1, 6, 2)), ((5, 1, 4), (2, 2, 8), (1, 1, 1))])
def test_outputs_are_counted_in_their_order(shapes):
    """Passes of (height, width, channels) with two fire lanes, one after the other, with pauses between steps."""
    seed = random.randrange(1 << 20)
    print("seed", seed)
    rng, seen_places, expected = random.Random(seed), [], []

    def passes():
        for height, width, channels in shapes:
            groups = (channels + 1) // 2
            yield {"restart": 1, "step": 0, "settings_height": height, "settings_width": width, "settings_channels": channels}
            yield {"restart": 0}
            for group in range(groups):
                for y in range(height):
                    for x in range(width):
                        seen = yield {"step": 0}
                        while rng.random() < 0.3:
                            seen = yield {}
                        expected.append((group, y, x, (y, x) == (height - 1, width - 1), (channels - 2 * group) % 256))
                        seen_places.append((seen["group"], seen["y"], seen["x"], bool(seen["ends_group"]), seen["left"] % 256))
                        yield {"step": 1}
            yield {"step": 0}

    script = Script(passes())

    def arguments():
        return dict(clk=bit(), rst=reset(), fire_lanes=2, restart=bit(), step=bit(), settings=Settings(), y=unsigned(16),
                    x=unsigned(16), group=unsigned(16), ends_group=bit(), left=wrapping(16))

    run(output_counter, arguments, ("y", "x", "group", "ends_group", "left"), (script,), script.over)
    assert seen_places == expected
