"""emit_scan: every output of a pass in order, what ends with it, its sum's address, and the pace."""
import numpy as np
import pytest

from rtl.compact.emit_scan import Output, emit_scan
from rtl.compact.pass_header import Settings
from rtl.config import CoreConfig
from rtl.stream import bit, unsigned, wrapping
from tb.block_bench import reset, run
from tb.block_parts import Script

CONFIG = CoreConfig(pes=1, lanes=8, fire_lanes=1, weight_bytes=8, compact=True, acc_depth=256)
FLAGS = ("first", "ends_row", "ends_band", "ends_channel", "ends_pass")


def outputs_of(channels, height, width, rows, vector, start):
    """(address, lane, clear, flags) of each output in fire's order."""
    chunks = -(-channels // CONFIG.lanes)
    for channel in range(channels):
        chunk, lane = divmod(channel, CONFIG.lanes)
        for y, x in np.ndindex(height, width):
            row, end = x == width - 1, (y, x) == (height - 1, width - 1)
            band = row and (y % rows == rows - 1 or y == height - 1)
            if vector:
                band = channel % 128 == 127 or channel == channels - 1
            address = (start + (y * width + x) * chunks + chunk) % CONFIG.acc_depth
            clear = lane == CONFIG.lanes - 1 or channel == channels - 1
            yield address, lane, clear, ((y, x) == (0, 0), row, band, end, end and channel == channels - 1)


def scan(shape, rows, vector, start, pace=1.0, params=1.0, clearing=1.0):
    """The outputs that come, and the steps from the first one to the last."""
    print("seed 16")
    rng, (channels, height, width) = np.random.default_rng(16), shape
    got, at = [], []

    def script():
        yield {"start": 1, "start_address": start, "settings_bottom": height - 1, "settings_right": width - 1,
               "settings_fired": channels, "settings_band_rows": rows, "settings_vector": vector,
               "settings_stride_x": -(-channels // CONFIG.lanes)}
        steps = idle = 0
        inputs = {"start": 0, "start_address": 0}
        while idle < 300:
            go, have, allowed = (int(rng.random() < chance) for chance in (pace, params, clearing))
            seen = yield {**inputs, "go": go, "have_params": have, "clear_allowed": allowed}
            idle += 1
            if go:
                steps += 1
                if seen["output_valid"]:
                    idle = 0
                    at.append(steps)
                    got.append((seen["address"], seen["output_lane"], bool(seen["clear"]),
                                tuple(bool(seen["output_" + name]) for name in FLAGS)))
                else:
                    assert not seen["output_first"] and not seen["clear"]
            inputs = {}

    part = Script(script())
    trace = run(emit_scan, lambda: dict(clk=bit(), rst=reset(), config=CONFIG, start=bit(), settings=Settings(CONFIG),
                                        start_address=wrapping(CONFIG.acc_address_bits), go=bit(), have_params=bit(),
                                        clear_allowed=bit(), output=Output(CONFIG), address=unsigned(CONFIG.acc_address_bits),
                                        clear=bit()),
                ("output", "address", "clear"), (part,), part.over)
    assert got == list(outputs_of(channels, height, width, rows, vector, start))
    return trace, at[-1] - at[0] + 1


@pytest.mark.parametrize("shape, rows, vector, start", [((3, 5, 6), 2, 0, 0), ((17, 3, 2), 3, 0, 250), ((300, 1, 1), 1, 1, 0),
                                                        ((9, 1, 1), 1, 0, 5)])
@pytest.mark.parametrize("pace, params, clearing", [(1, 1, 1), (0.5, 0.6, 0.5), (1, 0.2, 0.9)])
def test_outputs_in_order_at_any_pace(shape, rows, vector, start, pace, params, clearing):
    trace, _ = scan(shape, rows, vector, start, pace, params, clearing)
    valid, first = trace["output_valid"], trace["output_first"]
    for t in range(1, len(trace)):
        if trace["go"][t - 1]:      # what comes now was decided in the cycle before
            assert trace["have_params"][t - 1] or not first[t]
            assert trace["clear_allowed"][t - 1] or not trace["clear"][t]
        else:
            assert (valid[t], trace["address"][t]) == (valid[t - 1], trace["address"][t - 1])


def test_an_output_a_cycle_and_two_for_a_channel_of_one():
    assert scan((5, 4, 3), 2, 0, 0)[1] == 60
    assert scan((40, 1, 1), 1, 1, 0)[1] == 79
