"""event_bank: order, keeping and rewinding, room, and pointers that wrap."""
import pytest

from rtl.event_bank import event_bank
from rtl.stream import Stream, bit, unsigned
from tb.block_bench import reset, run
from tb.block_parts import Sink, Table
from tb.pauses import MODES, Gate

OUTPUTS = ("src_valid", "src_data", "has_room")
DEPTH, MARGIN = 16, 4


def bank(*parts, done, linger=20, depth=DEPTH, margin=MARGIN):
    def arguments():
        return dict(clk=bit(), rst=reset(), push=bit(), token=unsigned(12), src=Stream(12), keep=bit(), rewind=bit(),
                    has_room=bit(), depth=depth, margin=margin)

    trace = run(event_bank, arguments, OUTPUTS, parts, done, linger, limit=20_000)
    return trace


class Writer:
    """Pushes words; stops, up to `lag` cycles late, when has_room is low, as fire does."""

    def __init__(self, words, pause="never", seed=1, lag=MARGIN - 1):
        self.words, self.gate, self.lag, self.late = list(words), Gate(pause, seed), lag, 0

    def step(self, seen):
        self.late = 0 if seen.get("has_room") else self.late + 1
        if self.words and (self.late <= self.lag and seen) and not self.gate.closed():
            return {"push": 1, "token": self.words.pop(0)}
        return {"push": 0}


@pytest.mark.parametrize("idle", MODES)
@pytest.mark.parametrize("stall", MODES)
def test_tokens_come_out_once_and_in_order_many_times_around(idle, stall):
    words = [(37 * n + 5) % 4096 for n in range(150)]
    sink = Sink("src", stall, 3)
    trace = bank(Writer(words, idle), sink, done=lambda: len(sink.words) >= len(words))
    trace.check_stream("src")
    assert sink.words == words


def test_the_first_token_comes_four_cycles_later_then_one_a_cycle():
    table = Table([{}] * 3 + [{"push": 1, "token": n} for n in range(12)] + [{"push": 0}] * 10)
    trace = bank(table, Sink("src"), done=table.over)
    assert trace.moved("src") == list(range(12))
    assert trace.when("src") == list(range(7, 19))


def test_room_is_told_while_at_least_the_margin_is_free():
    table = Table([{"push": 1, "token": n} for n in range(DEPTH)] + [{"push": 0, "token": 0}] * 8)
    trace = bank(table, done=table.over)
    # A push of cycle t counts at t + 1, and room is a register: `t` tokens are seen in cycle t + 1.
    assert trace["has_room"][2:] == [min(t, DEPTH) < DEPTH - MARGIN for t in range(1, len(trace) - 1)]


def test_a_full_bank_held_for_a_thousand_cycles_gives_all_its_tokens():
    words = list(range(100, 100 + DEPTH))
    sink = Sink("src", lambda cycle: cycle < 1000)
    table = Table([{"push": 1, "token": w} for w in words] + [{"push": 0}])
    bank(table, sink, done=lambda: len(sink.words) == DEPTH)
    assert sink.words == words


@pytest.mark.parametrize("stall", MODES)
@pytest.mark.parametrize("passes", [2, 3])
def test_kept_tokens_come_again_after_a_rewind(passes, stall):
    """Six rounds, each of eleven tokens read `passes` times, so that the pointers wrap in the middle of a replay."""
    rounds = [[100 * r + n for n in range(11)] for r in range(6)]
    expected = [word for words in rounds for _ in range(passes) for word in words]
    sink = Sink("src", stall, 7)

    class Play:
        """Writes a round, lets it be read and rewinds, with the sink idle at the pulse."""

        queue, read_until, left = [], 0, 0
        quiet = 0

        def step(self, seen):
            inputs = {"push": 0, "rewind": 0}
            if len(sink.words) == self.read_until and not self.queue:
                self.quiet += 1
                if self.quiet == 4:
                    self.quiet = 0
                    self.read_until += 11
                    if self.left:
                        self.left -= 1
                        inputs["rewind"] = 1
                    elif rounds:
                        self.queue, self.left = rounds.pop(0), passes - 1
                    inputs["keep"] = self.left > 0
            elif self.queue:
                inputs.update(push=1, token=self.queue.pop(0))
            return inputs

    trace = bank(Play(), sink, done=lambda: len(sink.words) >= len(expected))
    assert sink.words == expected
    assert len(trace.when("src")) == len(expected)


def test_a_rewind_in_the_middle_brings_every_kept_token_again():
    rows = [{"push": 1, "token": 50 + n, "keep": 1} for n in range(9)] + [{"push": 0}] * 6
    rows += [{"src_ready": 1}] * 5 + [{"src_ready": 0}] * 4 + [{"rewind": 1}, {"rewind": 0, "keep": 0}] + [{}] * 6
    table = Table(rows + [{"src_ready": 1}] + [{}] * 20)
    trace = bank(table, done=table.over)
    assert trace.moved("src") == [50, 51, 52, 53, 54] + [50 + n for n in range(9)]


def test_reset_empties_it():
    table = Table([{"push": 1, "token": n} for n in range(6)] + [{"push": 0}] * 6 + [{"rst": 1}, {"rst": 0}] + [{}] * 12)
    trace = bank(table, done=table.over)
    assert trace["src_valid"][12] and not any(trace["src_valid"][13:])
