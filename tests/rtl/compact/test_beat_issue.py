"""beat_issue: every chunk of every row asked for once, in order, and a sum not again before its addition is over."""
from collections import deque

import numpy as np
import pytest

from rtl.compact.beat_issue import beat_issue
from rtl.compact.memory_master import Ask, note_bits
from rtl.compact.sizes import ADDRESS_BITS, OPEN
from rtl.config import COUNT_BITS, EVENT_BITS, CoreConfig
from rtl.stream import bit, signed, unsigned, wrapping
from tb.block_bench import reset, run
from tb.block_parts import Source
from tb.pauses import Gate

CONFIG = CoreConfig(pes=1, lanes=4, fire_lanes=1, weight_bytes=4, compact=True, acc_depth=256)
OUTPUTS = ("row_ready", "chunk_valid", "chunk_address", "chunk_note", "empty")
APART = 4       # beats from one use of a sum to the next


class Memory:
    """Takes requests when it likes, at most OPEN at once, and tells when each arrived."""

    def __init__(self, pause, latency):
        self.gate, self.latency, self.open, self.t, self.ready = Gate(pause, 14), latency, deque(), 0, False
        self.asked, self.sent, self.arrived = [], [], []

    def step(self, seen):
        if self.ready and seen.get("chunk_valid"):
            self.asked.append((seen["chunk_address"], seen["chunk_note"]))
            self.sent.append(self.t - 1)
            self.open.append(self.t - 1 + self.latency)
        arrives = bool(self.open) and self.open[0] <= self.t
        if arrives:
            self.open.popleft()
            self.arrived.append(self.t)
        assert not (seen.get("empty") and self.open), "empty while a request is open"
        self.t += 1
        self.ready = len(self.open) < OPEN and not self.gate.closed()
        return {"arrived": int(arrives), "chunk_ready": int(self.ready)}


def issue(rows, latency, source="never", memory="never"):
    """Run rows of (count, chunk, sum, value); returns the cycles in which chunks were asked for."""
    words = [dict(zip(("row_count", "row_chunk", "row_sum", "row_value"), row)) for row in rows]
    feed, part = Source("row", words, source, 15), Memory(memory, latency)
    want = [((chunk + j) % (1 << ADDRESS_BITS), value % (1 << EVENT_BITS) * CONFIG.acc_depth + (at + j) % CONFIG.acc_depth)
            for count, chunk, at, value in rows for j in range(count)]
    trace = run(beat_issue, lambda: dict(
        clk=bit(), rst=reset(), config=CONFIG, row_count=unsigned(COUNT_BITS), row_chunk=unsigned(ADDRESS_BITS),
        row_sum=wrapping(CONFIG.acc_address_bits), row_value=signed(EVENT_BITS), row_valid=bit(), row_ready=bit(),
        chunk=Ask(CONFIG, note_bits(CONFIG)), arrived=bit(), empty=bit()),
        OUTPUTS, (feed, part), lambda: len(part.arrived) >= len(want), linger=10, limit=40_000)
    trace.check_stream("chunk", "chunk_address", "chunk_note")
    assert part.asked == want and trace["empty"][-1]
    sums = [note % CONFIG.acc_depth for _, note in part.asked]
    for i, at in enumerate(sums):
        for before in range(max(0, i - APART + 1), i):
            assert sums[before] != at or part.arrived[before] <= part.sent[i], "a sum used again too early"
    return part.sent


@pytest.mark.parametrize("latency", [2, 6, 40])
@pytest.mark.parametrize("source, memory", [("never", "never"), ("sometimes", "never"), ("never", "sometimes"),
                                            ("burst", "burst")])
def test_chunks_of_rows_in_order(latency, source, memory):
    """Many rows are short and of the same few sums."""
    print("seed 31")
    rng = np.random.default_rng(31)
    rows = [(int(rng.choice([1, 1, 2, 3, 4, 5, int(rng.integers(1, 30))])), int(rng.integers(1 << ADDRESS_BITS)),
             int(rng.choice([0, 1, 2, 255, int(rng.integers(256))])), int(rng.integers(-256, 256))) for _ in range(150)]
    rows[40] = (255, (1 << ADDRESS_BITS) - 100, 200, -256)
    issue(rows, latency, source, memory)


@pytest.mark.parametrize("latency", [3, 12])
def test_a_request_a_cycle_where_sums_are_four_beats_apart(latency):
    rows = [(4, 100 * number, 8, number) for number in range(20)] + [(1, 7, 16 + number % 5, 1) for number in range(40)]
    sent = issue(rows, latency)
    assert sent[-1] - sent[0] == len(sent) - 1
