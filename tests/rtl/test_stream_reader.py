"""stream_reader against the words of its jobs, with any pauses, storage in registers and in block RAM."""
import random

import pytest

from rtl.config import CoreConfig
from rtl.memory_bus import ReadPort, job_stream
from rtl.stream import Stream, bit
from rtl.stream_reader import stream_reader
from tb.block_bench import reset, run
from tb.block_parts import Sink, Source, Table
from tb.pauses import MODES, Gate

CONFIG = CoreConfig(weight_bytes=2)
OUTPUTS = ("jobs_ready", "port_address", "port_valid", "words_valid", "words_data")


def word(address):
    return (address * 40503 + 77) & 0xFFFF


def job(address, number):
    return number << 28 | address


class Answers:
    """A memory port: takes requests, answers them `latency` cycles later at the earliest."""

    def __init__(self, stall="never", late="never", latency=2, seed=1):
        self.stall, self.late, self.latency = Gate(stall, seed), Gate(late, seed, 1), latency
        self.ready, self.open, self.cycle, self.requests = False, [], 0, []

    def step(self, seen):
        self.cycle += 1
        if self.ready and seen.get("port_valid"):
            self.requests.append((self.cycle - 1, seen["port_address"]))
            self.open.append((self.cycle - 2 + self.latency, seen["port_address"]))
        self.ready = not self.stall.closed()
        inputs = {"port_ready": self.ready, "port_answer": 0}
        if self.open and self.open[0][0] <= self.cycle - 1 and not self.late.closed():
            inputs.update(port_answer=1, port_data=word(self.open.pop(0)[1]))
        return inputs


def read(jobs, memory, depth, idle="never", stall="never", seed=1, linger=20, limit=40_000):
    expected = [word((a + n) % (1 << 28)) for a, number in jobs for n in range(number)]
    source, sink = Source("jobs", [job(*j) for j in jobs], idle, seed), Sink("words", stall, seed + 1)

    def arguments():
        return dict(clk=bit(), rst=reset(), config=CONFIG, jobs=job_stream(), port=ReadPort(CONFIG), words=Stream(16), depth=depth)

    trace = run(stream_reader, arguments, OUTPUTS, (source, memory, sink),
                lambda: len(sink.words) >= len(expected) and source.sent == len(jobs), linger, limit)
    assert sink.words == expected
    trace.check_stream("words")
    trace.check_stream("port", "port_address")
    held, asked, got = 0, set(trace.when("port")), set(trace.when("words"))
    for t in range(len(trace)):
        assert held <= depth
        held += (t in asked) - (t in got)
    return trace


@pytest.mark.parametrize("depth", [2, 16, 32])
@pytest.mark.parametrize("idle, ready, late, stall", [
    ("never", "never", "never", "never"), ("sometimes", "sometimes", "sometimes", "sometimes"),
    ("never", "burst", "never", "burst"), ("burst", "never", "burst", "never"), ("never", "fixed", "sometimes", "fixed")])
def test_the_words_of_all_jobs_come_in_order(depth, idle, ready, late, stall):
    seed = random.randrange(1 << 20)
    print("seed", seed)
    rng = random.Random(seed)
    jobs = [(rng.randrange(1 << 28), rng.choice([0, 1, 1, 2, 3, 20])) for _ in range(40)] + [((1 << 28) - 2, 4), (5, 0)]
    read(jobs, Answers(ready, late, rng.randrange(1, 9), seed), depth, idle, stall, seed)


@pytest.mark.parametrize("depth", [16, 64])
@pytest.mark.parametrize("number", [1, 2, 7])
def test_one_word_a_cycle_from_job_to_job(depth, number):
    trace = read([(100 * n, number) for n in range(60)], Answers(latency=6), depth)
    for port in ("port", "words"):
        times = trace.when(port)
        assert times == list(range(times[0], times[0] + 60 * number))
    assert trace.when("port")[0] == 2


@pytest.mark.parametrize("depth, later", [(8, 1), (32, 4)])
def test_the_word_follows_its_answer(depth, later):
    trace = read([(7, 1)], Answers(latency=3), depth)
    assert trace["port_answer"].index(1) == 5
    assert trace.when("words") == [5 + later]


@pytest.mark.parametrize("depth", [2, 16, 32, 128])
def test_a_reader_held_for_a_thousand_cycles_asks_for_depth_words_and_loses_none(depth):
    memory = Answers(latency=1)
    read([(0, 200)], memory, depth, stall=lambda cycle: cycle < 1000)
    assert len([t for t, _ in memory.requests if t < 1000]) == depth


def test_reset_empties_it():
    def arguments():
        return dict(clk=bit(), rst=reset(), config=CONFIG, jobs=job_stream(), port=ReadPort(CONFIG), words=Stream(16), depth=32)

    table = Table([{}] * 12 + [{"rst": 1, "jobs_valid": 0}, {"rst": 0}] + [{}] * 12)
    trace = run(stream_reader, arguments, OUTPUTS, (Source("jobs", [job(3, 9)]), Answers(), table), table.over)
    assert trace["words_valid"][12] and not any(trace["words_valid"][13:]) and not any(trace["port_valid"][13:])


@pytest.mark.parametrize("depth", [0, 1, 3, 6, 48])
def test_a_depth_that_is_not_a_power_of_two_is_refused(depth):
    with pytest.raises(ValueError, match=f"^depth must be a power of two from 2, not {depth}$"):
        stream_reader(bit(), reset(), CONFIG, job_stream(), ReadPort(CONFIG), Stream(16), depth)


@pytest.mark.parametrize("mode", MODES)
def test_a_job_of_no_words_is_taken_and_asks_for_nothing(mode):
    trace = read([(9, 0)] * 10, Answers(mode), 4, mode)
    assert not any(trace["port_valid"]) and len(trace.when("jobs")) == 10
