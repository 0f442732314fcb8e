"""Source, sink and monitor: what goes in comes out once and in order, under every pause; broken streams are caught."""
from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from myhdl import ResetSignal, StopSimulation, block, delay, instance

from rtl.stream import Stream, bit
from tb.pauses import MODES, Gate, gate_seed
from tb.streams import ProtocolError, stream_monitor, stream_sink, stream_source


# MyHDL wants a block made inside a block, hence the tops.

@block
def clock(clk, cycles):
    """A clock that ends the simulation after a number of cycles."""

    @instance
    def tick():
        for _ in range(cycles):
            clk.next = True
            yield delay(1)
            clk.next = False
            yield delay(1)
        raise StopSimulation

    return tick


@block
def sender(clk, stream, words, got, sent, taken, source, sink, seed, cycles):
    """A source, a sink and a monitor on one stream."""
    return (clock(clk, cycles), stream_source(clk, stream, words, pause=source, seed=seed, sent=sent),
            stream_sink(clk, stream, got, pause=sink, seed=seed + 1, taken=taken), stream_monitor(clk, stream, "under test"))


def simulate(top):
    try:
        top.run_sim(quiet=1)
    finally:
        top.quit_sim()


def send(words, source="never", sink="never", seed=1, cycles=2000):
    """Send words; return what arrived, and when."""
    got, sent, taken = [], [], []
    simulate(sender(bit(), Stream(16), words, got, sent, taken, source, sink, seed, cycles))
    assert sent == taken
    return got, taken


@pytest.mark.parametrize("source, sink", list(itertools.product(MODES, MODES)))
def test_every_word_arrives_once_and_in_order_under_every_pause(source, sink):
    got, _ = send(range(1, 60), source, sink, cycles=6000)
    assert got == list(range(1, 60))


@settings(max_examples=25, deadline=None)
@given(words=st.lists(st.integers(0, 65535), max_size=30), idle=st.lists(st.booleans(), max_size=60),
       stall=st.lists(st.booleans(), max_size=60))
def test_patterns_of_a_test_lose_nothing(words, idle, stall):
    assert send(words, idle, stall, cycles=200)[0] == words


def test_without_pauses_a_word_moves_in_every_cycle():
    _, taken = send(range(50))
    assert taken == list(range(taken[0], taken[0] + 50))


def test_fixed_pauses_take_one_cycle_in_four():
    _, taken = send(range(20), sink="fixed")
    assert {after - before for before, after in zip(taken, taken[1:])} == {4}


def test_a_sink_held_for_a_thousand_cycles_gets_the_word_that_waited():
    got, taken = send([7, 8], sink=lambda cycle: cycle < 1000)
    assert got == [7, 8] and taken[0] >= 1000


def test_the_same_seed_gives_the_same_cycles_and_another_seed_does_not():
    runs = [send(range(40), "sometimes", "burst", seed=seed)[1] for seed in (3, 3, 4)]
    assert runs[0] == runs[1] != runs[2]


@block
def resetting(clk, stream, rst, got, seen):
    """A source and a sink under a reset of five cycles; `seen` receives rst, valid and ready of each cycle."""

    @instance
    def look():
        for cycle in range(20):
            yield clk.posedge
            seen.append((bool(rst), bool(stream.valid), bool(stream.ready)))
            rst.next = cycle < 5

    return clock(clk, 40), stream_source(clk, stream, [1, 2], rst=rst), stream_sink(clk, stream, got, rst=rst), look


def test_a_source_is_idle_in_reset_and_a_sink_not_ready():
    got, seen = [], []
    simulate(resetting(bit(), Stream(8), ResetSignal(1, active=1, isasync=False), got, seen))
    # In the cycle in which reset rises again nothing can know yet; here it only falls.
    assert not any(valid or ready for reset, valid, ready in seen if reset) and got == [1, 2]


@block
def broken(clk, stream, change):
    """A stream whose source misbehaves in its fourth cycle, while nothing is taken."""

    @instance
    def drive():
        stream.valid.next = True
        stream.data.next = 5
        for _ in range(4):
            yield clk.posedge
        change(stream)

    return clock(clk, 20), drive, stream_monitor(clk, stream, "broken")


def drop(stream):
    stream.valid.next = False


def alter(stream):
    stream.data.next = 6


@pytest.mark.parametrize("change, message", [(drop, "valid fell"), (alter, "waiting word 5 became 6")])
def test_a_monitor_names_the_stream_and_what_it_did(change, message):
    with pytest.raises(ProtocolError, match=f"broken: .*{message}"):
        simulate(broken(bit(), Stream(8), change))


def test_a_pause_that_does_not_exist_is_named():
    with pytest.raises(ValueError, match="one of never, sometimes, burst, fixed, not 'often'"):
        Gate("often")


@given(seed=st.integers(-(1 << 40), 1 << 40), number=st.integers(0, 1 << 20))
def test_no_seed_stops_the_generator(seed, number):
    assert gate_seed(seed, number) != 0


@given(seed=st.integers(0, 1 << 32))
def test_random_gates_both_open_and_close(seed):
    for mode in ("sometimes", "burst"):
        gate = Gate(mode, seed)
        assert {gate.closed() for _ in range(400)} == {True, False}
