"""weight_tally: every kernel position's count and chunks, channel by channel, or for the rows asked for."""
import numpy as np
import pytest

from rtl.compact.memory_master import Answers, Ask
from rtl.compact.pass_header import Settings
from rtl.compact.sizes import ADDRESS_BITS, side_bits, slot_bits
from rtl.compact.weight_tally import weight_tally
from rtl.config import CoreConfig
from rtl.stream import bit, unsigned
from tb.block_bench import reset, run
from tb.block_parts import Script

CONFIG = CoreConfig(pes=1, lanes=4, fire_lanes=1, weight_bytes=4, compact=True, kernel=3)
COUNTS, CHUNKS, LATENCY = 50, 900, 4


def list_of(channels, kernel, counts, goals):
    """The entries that the block writes, as [(slot, ky, kx, count, chunk)]; goals: rows asked for, None without flatten."""
    wide, side, slots = ADDRESS_BITS, side_bits(CONFIG), slot_bits(CONFIG)
    memory = np.zeros(1000, np.uint8)
    memory[:counts.size] = counts.reshape(-1)
    written, rng = [], np.random.default_rng(8)

    def script():
        row, pipe, freeing = 0, [0] * LATENCY, 0
        inputs = {"settings_kernel_h": kernel[0], "settings_kernel_w": kernel[1], "settings_channels": channels,
                  "settings_flatten": int(goals is not None)}
        yield {**inputs, "settings_weight_counts": 1, "settings_address": COUNTS}
        yield {"settings_weight_counts": 0, "settings_chunks": 1, "settings_address": CHUNKS}
        yield {"settings_chunks": 0, "enter": 1}
        inputs = {"enter": 0}
        for _ in range(5000):
            seen = yield inputs
            if seen["write"]:
                address, entry = seen["entry_address"], seen["entry"]
                written.append((address >> 2 * side, address >> side & (1 << side) - 1, address & (1 << side) - 1,
                                entry >> wide & 255,
                                entry & (1 << wide) - 1))
                assert entry >> wide + 8 == (entry >> wide & 255 != 0)
            asked = seen["weights_valid"] and inputs.get("weights_ready", 0)
            pipe.append(seen["weights_address"] if asked else 0)
            answer = pipe.pop(0)
            row += goals is not None and seen["row_ready"] and inputs.get("row_valid", 0)
            freeing = int(seen["filled"] > freeing and rng.random() < 0.3)
            at = (answer - COUNTS) * 4
            inputs = {"enter": 0, "weights_ready": int(rng.random() < 0.7), "answers_weights": int(answer != 0),
                      "freed": freeing,
                      "answers_data": int.from_bytes(memory[at:at + 4].tobytes(), "little") if answer else 0}
            if goals is not None:
                inputs.update(row_valid=int(row <= max(goals)), row_lists=int(row in goals), row_ahead=int(row <= max(goals)))
            if len(written) == (len(goals) if goals is not None else channels * kernel[0] * kernel[1]):
                return

    part = Script(script())
    run(weight_tally, lambda: dict(clk=bit(), rst=reset(), config=CONFIG, enter=bit(), settings=Settings(CONFIG),
                                   weights=Ask(CONFIG),
                                   answers=Answers(CONFIG), row_valid=bit(), row_lists=bit(), row_ahead=bit(),
                                   row_ready=bit(),
                                   freed=bit(), write=bit(),
                                   entry_address=unsigned(slots + 2 * side),
                                   entry=unsigned(wide + 9), filled=unsigned(slots + 1)),
        ("weights_valid", "weights_address", "row_ready", "write", "entry_address", "entry", "filled"), (part,), part.over)
    return written, 1 << slots


@pytest.mark.parametrize("kernel", [(3, 3), (1, 3), (2, 1), (1, 1)])
def test_each_channel_has_its_counts_and_chunks(kernel):
    print("seed 1")
    channels, size = 7, kernel[0] * kernel[1]
    counts = np.random.default_rng(1).integers(0, 9, (channels, size))
    padded = np.zeros((channels, -(-size // 4) * 4 if size > 1 else 1), np.uint8)
    padded[:, :size] = counts
    written, slots = list_of(channels, kernel, padded, None)
    before = CHUNKS
    for (slot, y, x, count, chunk), (channel, place) in zip(written, np.ndindex(channels, size), strict=True):
        assert (slot, y * kernel[1] + x, count, chunk) == (channel % slots, place, counts[channel, place], before)
        before += count


def test_only_rows_asked_for_are_listed():
    print("seed 2")
    rng = np.random.default_rng(2)
    counts, goals = rng.integers(0, 9, 90), sorted(int(row) for row in rng.choice(90, 30, replace=False))
    written, slots = list_of(1, (1, 1), counts.astype(np.uint8), goals)
    before = np.cumsum(counts) - counts
    want = [(number % slots, 0, 0, counts[row], CHUNKS + before[row]) for number, row in enumerate(goals)]
    assert [tuple(map(int, one)) for one in want] == written
