"""output_place against places and ends found from whole maps, pass after pass, with pauses between outputs."""
import numpy as np
import pytest

from rtl.config import CoreConfig
from rtl.output_place import output_place
from rtl.pass_settings import FireSettings
from rtl.stream import bit, unsigned
from tb.block_bench import reset, run
from tb.block_parts import Script

OUTPUTS = ("position", "ends_band", "ends_group", "ends_pass", "lanes")
MAPS = [(5, 3, 4, 2, 0), (1, 1, 1, 1, 0), (9, 1, 7, 1, 0), (4, 7, 1, 3, 0), (3, 2, 150, 1, 0), (2, 1, 128, 1, 0), (6, 5, 5, 5, 0),
        (2, 1, 257, 1, 0), (300, 1, 1, 1, 1), (128, 1, 1, 1, 1), (3, 1, 1, 1, 1), (2, 255, 1, 255, 0)]


def outputs_of(channels, height, width, rows, vector, x_bits, fire_lanes):
    """What must be told of each output of a pass, in fire's order."""
    for first in range(0, channels, fire_lanes):
        lanes = min(fire_lanes, channels - first)
        final = first + lanes == channels
        for y, x in np.ndindex(height, width):
            end = (y, x) == (height - 1, width - 1)
            if vector:
                yield first % 128, final or (first + fire_lanes) % 128 == 0, end, end and final, lanes
            else:
                band = (x == width - 1 or x % 128 == 127) and (y == height - 1 or y % rows == rows - 1)
                yield (y % rows << x_bits | x % 128), band, end, end and final, lanes


@pytest.mark.parametrize("fire_lanes, pace", [(1, 1), (4, 0.5), (8, 0.8), (32, 1)])
def test_every_output_has_its_place_and_ends(fire_lanes, pace):
    print("seed 18")
    rng = np.random.default_rng(18)
    config = CoreConfig(lanes=max(4, fire_lanes), fire_lanes=fire_lanes, weight_bytes=4)

    def script():
        inputs = {}
        for channels, height, width, rows, vector in MAPS:
            x_bits = 7 if vector or width > 128 else (width - 1).bit_length()
            yield {**inputs, "begin": 1, "step": 0, "settings_channels": channels, "settings_height": height,
                   "settings_width": width, "settings_band_rows": rows, "settings_vector": vector, "settings_x_bits": x_bits}
            # The settings may be others' once the pass has begun.
            inputs = {"begin": 0, **{f"settings_{name}": int(rng.integers(1, 9)) for name in (
                "channels", "height", "width", "band_rows", "x_bits")}, "settings_vector": int(rng.integers(2))}
            for number, want in enumerate(outputs_of(channels, height, width, rows, vector, x_bits, fire_lanes)):
                step = 0
                while not step:
                    step = int(rng.random() < pace)
                    seen = yield {**inputs, "step": step}
                    assert tuple(seen[name] for name in OUTPUTS) == want, (channels, height, width, number)

    part = Script(script())
    run(output_place, lambda: dict(clk=bit(), rst=reset(), config=config, begin=bit(), settings=FireSettings(config), step=bit(),
                                   position=unsigned(8), ends_band=bit(), ends_group=bit(), ends_pass=bit(), lanes=unsigned(6)),
        OUTPUTS, (part,), part.over)
