"""event_router with PEs and a loader played in Python: who gets which event, and when slots are free."""
from collections import deque

import numpy as np
import pytest
from myhdl import always_comb, block

from rtl.config import EVENT_BITS, CoreConfig
from rtl.event_router import event_router
from rtl.event_source import located_bits
from rtl.pe import event_bits
from rtl.stream import Stream, bit, unsigned
from rtl.weight_loader import Slots
from tb.block_bench import reset, run
from tb.block_parts import Source
from tb.pauses import Gate

OUTPUTS = ("located_ready", "slots_opened", "slots_freed", "slots_read", "bundle", "pe_valid", "waiting_weights", "empty")
MASK = (0b111111111, 0b000000001, 0b101010101, 0b000000000)     # slot i has mask i


def config_of(pes):
    return CoreConfig(pes=pes, lanes=4, fire_lanes=4, weight_bytes=4, kernel=3, slots=4, acc_depth=64)


@block
def router(clk, rst, config, restart, located, slots, bundle, pe_valid, pe_ready, holding, claims, ended, waiting_weights, empty):
    """event_router, and the masks of the slots in the same cycle."""
    inner = Slots(config)
    inner.loaded, inner.opened, inner.freed, inner.read = slots.loaded, slots.opened, slots.freed, unsigned(config.slot_bits)
    u_router = event_router(clk, rst, config, restart, located, inner, bundle, pe_valid, pe_ready, holding, claims, ended,
                            waiting_weights, empty)

    @always_comb
    def answer():
        slots.read.next = inner.read
        inner.mask.next = 0
        if inner.read == 0:
            inner.mask.next = 511
        elif inner.read == 1:
            inner.mask.next = 1
        elif inner.read == 2:
            inner.mask.next = 341

    return u_router, answer


def channels(rng, number, config, longest=8):
    """Packed located events of channels; the first event of each is marked."""
    words = []
    for _ in range(number):
        for at in range(int(rng.integers(1, longest + 1))):
            hits = int(rng.integers(1, 8)) << 3 | int(rng.integers(1, 8))
            rest = (int(rng.integers(512)) << config.acc_address_bits | int(rng.integers(config.acc_depth))) << 6 | hits
            words.append(int(at == 0) << located_bits(config) - 1 | rest)
    return words


def routed(words, config):
    """The events, in order, that must reach PEs: packed, with slot and rows."""
    events, slot = [], -1
    for word in words:
        slot += word >> located_bits(config) - 1
        rows = sum(1 << 3 * i + j for i in range(3) for j in range(3) if word >> 3 + i & 1 and word >> j & 1) & MASK[slot % 4]
        if rows:
            middle = word >> 6 & (1 << EVENT_BITS + config.acc_address_bits) - 1
            value, total = middle >> config.acc_address_bits, middle & config.acc_depth - 1
            packed = (slot % 4) << config.acc_address_bits | total
            events.append((packed << EVENT_BITS | value) << 9 | rows)
    return events


class Array:
    """PEs that take events when they like and finish them in their own time."""

    def __init__(self, config, pause, seed, longest=6):
        self.config, self.rng, self.longest = config, np.random.default_rng(seed), longest
        self.gates = [Gate(pause, seed, number) for number in range(config.pes)]
        self.work = [deque() for _ in range(config.pes)]
        self.ready, self.got = 0, []

    def step(self, seen):
        c = self.config
        for i, work in enumerate(self.work):
            if work:
                work[0][1] -= 1
                if work[0][1] == 0:
                    work.popleft()
        valid = seen.get("pe_valid", 0)
        assert valid & valid - 1 == 0 and valid & ~self.ready == 0, "one PE at a time, and one that is ready"
        if valid:
            number = valid.bit_length() - 1
            self.got.append((number, seen["bundle"]))
            self.work[number].append([seen["bundle"] >> event_bits(c) - c.slot_bits, int(self.rng.integers(1, self.longest))])
        self.ready = sum((len(work) < 4 and not gate.closed()) << i for i, (work, gate) in enumerate(zip(self.work, self.gates)))
        holding = sum(bool(work) << i for i, work in enumerate(self.work))
        claims = sum((work[0][0] if work else int(self.rng.integers(c.slots))) << i * c.slot_bits for i, work in enumerate(self.work))
        return {"pe_ready": self.ready, "holding": holding, "claims": claims}

    def slots_in_use(self):
        return {event[0] for work in self.work for event in work}


class Loader:
    """Loads slots when there is room, in its own time; watches that none is freed too early."""

    def __init__(self, array, total, pause, seed):
        self.array, self.total, self.gate = array, total, Gate(pause, seed, 9)
        self.loaded = self.freed = self.opened = 0

    def step(self, seen):
        size = 2 * self.array.config.slots
        if seen:
            self.opened += (seen["slots_opened"] - self.opened) % size
            self.freed += (seen["slots_freed"] - self.freed) % size
            assert self.freed <= self.opened <= self.loaded
            free = {n % self.array.config.slots for n in range(self.freed - self.array.config.slots, self.freed)}
            free -= {n % self.array.config.slots for n in range(self.freed, self.opened)}
            assert not self.array.slots_in_use() & free, "a slot was freed while a PE needed it"
        if self.loaded < self.total and self.loaded - self.freed < self.array.config.slots and not self.gate.closed():
            self.loaded += 1
        return {"slots_loaded": self.loaded % size}


def route(words, config, idle="never", loading="never", taking="never", seed=1, longest=6):
    """Run the router over all events; return the trace and [(PE, event)]."""
    def arguments():
        return dict(clk=bit(), rst=reset(), config=config, restart=bit(), located=Stream(located_bits(config)), slots=Slots(config),
                    bundle=unsigned(event_bits(config)), pe_valid=unsigned(config.pes), pe_ready=unsigned(max(2, config.pes)),
                    holding=unsigned(max(2, config.pes)), claims=unsigned(max(2, config.pes) * config.slot_bits), ended=bit(),
                    waiting_weights=bit(), empty=bit())

    source = Source("located", words, idle, seed)
    array = Array(config, taking, seed, longest)
    total = sum(word >> located_bits(config) - 1 for word in words)
    loader = Loader(array, total, loading, seed)

    class End:
        def step(self, seen):
            return {"ended": source.sent == len(words)}

    trace = run(router, arguments, OUTPUTS, (source, End(), array, loader), lambda: loader.freed == total, linger=10, limit=20_000)
    return trace, array.got


@pytest.mark.parametrize("pes", [1, 3, 4])
@pytest.mark.parametrize("idle, loading, taking", [("never", "never", "never"), ("sometimes", "burst", "sometimes"),
                                                   ("never", "sometimes", "burst"), ("burst", "fixed", "never")])
def test_every_event_with_rows_goes_to_one_pe_in_order_and_all_slots_come_free(pes, idle, loading, taking):
    config = config_of(pes)
    words = channels(np.random.default_rng(61), 40, config)
    _, got = route(words, config, idle, loading, taking, seed=pes)
    assert [event for _, event in got] == routed(words, config)


def test_the_next_ready_pe_after_the_last_one_gets_the_event():
    config = config_of(4)
    words = channels(np.random.default_rng(62), 30, config)
    trace, got = route(words, config, taking="sometimes", seed=5)
    turn, checked = 0, 0
    for valid, ready in zip(trace["pe_valid"], trace["pe_ready"]):
        if valid:
            assert valid == 1 << next(i % 4 for i in range(turn, turn + 4) if ready >> i % 4 & 1)
            turn, checked = valid.bit_length() % 4, checked + 1
    assert checked == len(got) > 30


def test_one_event_a_cycle_goes_round_when_all_are_ready():
    config = config_of(4)
    words = channels(np.random.default_rng(63), 1, config, 1) + [w & ~(1 << located_bits(config) - 1) for w in
                                                                 channels(np.random.default_rng(64), 60, config, 1)]
    trace, got = route(words, config, longest=2)
    moved = trace.when("located")
    assert moved == list(range(moved[0], moved[0] + 61))
    assert [pe for pe, _ in got] == [n % 4 for n in range(61)]


def test_an_event_waits_for_its_weights_and_says_so():
    config = config_of(4)
    words = channels(np.random.default_rng(65), 3, config, 1)
    trace, _ = route(words, config, loading=lambda cycle: cycle < 500)
    assert all(trace["waiting_weights"][2:500]) and not trace.when("located")[0] < 500


def test_the_last_event_keeps_its_slot_while_no_pe_takes_it():
    config = config_of(4)
    words = channels(np.random.default_rng(67), 1, config, 1)
    trace, got = route(words, config, taking=lambda cycle: cycle < 200)
    assert trace["ended"][100] and not trace["empty"][100] and not any(trace["slots_freed"][:200])
    assert [event for _, event in got] == routed(words, config)


def test_pes_that_take_nothing_for_a_thousand_cycles_lose_nothing():
    config = config_of(4)
    words = channels(np.random.default_rng(66), 12, config)
    trace, got = route(words, config, taking=lambda cycle: cycle < 1000)
    assert [event for _, event in got] == routed(words, config)
    assert not any(trace["empty"][20:1000])
