"""event_dispatch with PEs and a loader played in Python: who gets which event, and when slots are free."""
from collections import deque

import numpy as np
import pytest
from myhdl import ConcatSignal, always_comb, block

from rtl.config import EVENT_BITS, CoreConfig
from rtl.event_dispatch import LATENCY, event_dispatch
from rtl.event_locate import located_lane_bits, located_word_bits
from rtl.pe import event_bits
from rtl.stream import Stream, bit, unsigned
from rtl.weight_loader import Slots
from tb.block_bench import reset, run
from tb.block_parts import Source, Table
from tb.pauses import Gate

OUTPUTS = ("located_ready", "slots_opened", "slots_freed", "slots_read", "bundle", "pe_valid", "waiting_weights", "empty")
MASK = (0b111111111, 0b000000001, 0b101010101, 0b000000000)     # slot i has mask i
PES = [1, 3, 4, 8]


def config_of(pes):
    return CoreConfig(pes=pes, lanes=4, fire_lanes=4, weight_bytes=4, kernel=3, slots=4, acc_depth=64)


@block
def dispatch(clk, rst, config, restart, located, slots, bundle, pe_valid, pe_ready, holding, claims, ended, waiting_weights, empty):
    """event_dispatch with its bundles in one vector, and the masks of the slots in the same cycle."""
    inner = Slots(config)
    inner.loaded, inner.opened, inner.freed, inner.read = slots.loaded, slots.opened, slots.freed, unsigned(config.slot_bits)
    bundles = [unsigned(event_bits(config)) for _ in range(config.pes)]
    joined = ConcatSignal(*reversed(bundles)) if config.pes > 1 else bundles[0]
    u_dispatch = event_dispatch(clk, rst, config, restart, located, inner, bundles, pe_valid, pe_ready, holding, claims, ended,
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

    @always_comb
    def join():
        bundle.next = joined

    return u_dispatch, answer, join


def channels(rng, number, config, longest=8, density=0.7):
    """Packed located words of channels; the first word of each is marked, and may have no valid lane; others have one."""
    width, words = located_lane_bits(config), []
    for _ in range(number):
        for at in range(int(rng.integers(1, longest + 1))):
            valid = rng.random(config.event_lanes) < density
            valid[rng.integers(config.event_lanes)] |= at > 0 or density == 1
            word = int(at == 0) << located_word_bits(config) - 1
            for e in range(config.event_lanes):
                hits = int(rng.integers(1, 8)) << 3 | int(rng.integers(1, 8))
                rest = int(rng.integers(512)) << config.acc_address_bits | int(rng.integers(config.acc_depth))
                word |= (int(valid[e]) << width - 1 | rest << 6 | hits) << e * width
            words.append(word)
    return words


def first_of(word, config):
    return word >> located_word_bits(config) - 1


def dispatched(words, config):
    """For each PE the events, in order, that must reach it: packed, with slot and rows."""
    width, queues, slot, turn = located_lane_bits(config), [[] for _ in range(config.pes)], -1, 0
    for word in words:
        slot += first_of(word, config)
        used = 0
        for e in range(config.event_lanes):
            lane = word >> e * width & (1 << width) - 1
            if lane >> width - 1:
                used = e + 1
                rows = sum(1 << 3 * i + j for i in range(3) for j in range(3) if lane >> 3 + i & 1 and lane >> j & 1) & MASK[slot % 4]
                total = lane >> 6 & config.acc_depth - 1
                value = lane >> 6 + config.acc_address_bits & 511
                if rows:
                    event = (((slot % 4) << config.acc_address_bits | total) << EVENT_BITS | value) << 9 | rows
                    queues[(turn + e) % config.pes].append(event)
        turn = (turn + used + (used == config.event_lanes == config.pes)) % config.pes
    return queues


class Array:
    """PEs that take events when they like and finish them in their own time."""

    def __init__(self, config, pause, seed, longest=6):
        self.config, self.rng, self.longest = config, np.random.default_rng(seed), longest
        pauses = pause if isinstance(pause, list) else [pause] * config.pes
        self.gates = [Gate(pauses[number], seed, number) for number in range(config.pes)]
        self.work = [deque() for _ in range(config.pes)]
        self.ready, self.got = 0, [[] for _ in range(config.pes)]
        self.waiting = {}

    def step(self, seen):
        c, width = self.config, event_bits(self.config)
        for work in self.work:
            if work:
                work[0][1] -= 1
                if work[0][1] == 0:
                    work.popleft()
        valid = seen.get("pe_valid", 0)
        for i, work in enumerate(self.work):
            event = seen.get("bundle", 0) >> i * width & (1 << width) - 1
            assert i not in self.waiting or (valid >> i & 1 and event == self.waiting[i]), "an offer was withdrawn"
            self.waiting.pop(i, None)
            if valid & self.ready & 1 << i:
                self.got[i].append(event)
                work.append([event >> width - c.slot_bits, int(self.rng.integers(1, self.longest))])
            elif valid >> i & 1:
                self.waiting[i] = event
        self.ready = sum((len(work) < 4 and not gate.closed()) << i for i, (work, gate) in enumerate(zip(self.work, self.gates)))
        holding = sum(bool(work) << i for i, work in enumerate(self.work))
        claims = sum((work[0][0] if work else int(self.rng.integers(c.slots))) << i * c.slot_bits for i, work in enumerate(self.work))
        return {"pe_ready": self.ready, "holding": holding, "claims": claims}

    def slots_in_use(self):
        slot_of = event_bits(self.config) - self.config.slot_bits
        return {event[0] for work in self.work for event in work} | {event >> slot_of for event in self.waiting.values()}


class Loader:
    """Loads slots when there is room, in its own time; watches that none is freed too early."""

    def __init__(self, array, total, pause, seed):
        self.array, self.total, self.gate = array, total, Gate(pause, seed, 9)
        self.loaded = self.freed = self.opened = 0

    def step(self, seen):
        slots = self.array.config.slots
        size = 2 * slots
        if seen:
            self.opened += (seen["slots_opened"] - self.opened) % size
            self.freed += (seen["slots_freed"] - self.freed) % size
            assert self.freed <= self.opened <= self.loaded
            free = {n % slots for n in range(self.freed - slots, self.freed)} - {n % slots for n in range(self.freed, self.opened)}
            assert not self.array.slots_in_use() & free, "a slot was freed while a PE needed it"
        if self.loaded < self.total and self.loaded - self.freed < slots and not self.gate.closed():
            self.loaded += 1
        return {"slots_loaded": self.loaded % size}


def arguments_of(config):
    pes = max(2, config.pes)
    return dict(clk=bit(), rst=reset(), config=config, restart=bit(), located=Stream(located_word_bits(config)),
                slots=Slots(config), bundle=unsigned(config.pes * event_bits(config)), pe_valid=unsigned(config.pes),
                pe_ready=unsigned(pes), holding=unsigned(pes), claims=unsigned(pes * config.slot_bits), ended=bit(),
                waiting_weights=bit(), empty=bit())


def deal(words, config, idle="never", loading="never", taking="never", seed=1, longest=6, parts=()):
    """Dispatch all words; return the trace and the events of each PE."""
    source = Source("located", words, idle, seed)
    array = Array(config, taking, seed, longest)
    total = sum(first_of(word, config) for word in words)
    loader = Loader(array, total, loading, seed)

    class End:
        def step(self, seen):
            return {"ended": source.sent == len(words)}

    trace = run(dispatch, lambda: arguments_of(config), OUTPUTS, (source, End(), array, loader, *parts),
                lambda: loader.freed == total, linger=10, limit=20_000)
    return trace, array.got


@pytest.mark.parametrize("pes", PES)
@pytest.mark.parametrize("idle, loading, taking", [("never", "never", "never"), ("sometimes", "burst", "sometimes"),
                                                   ("never", "sometimes", "burst"), ("burst", "fixed", "never")])
def test_every_lane_goes_to_its_pe_in_order_and_all_slots_come_free(pes, idle, loading, taking):
    config = config_of(pes)
    print("seed", 60 + pes)
    words = channels(np.random.default_rng(60 + pes), 40, config)
    _, got = deal(words, config, idle, loading, taking, seed=pes)
    assert got == dispatched(words, config) and sum(map(len, got)) > 50


@pytest.mark.parametrize("pes", PES)
def test_one_word_a_cycle_when_all_pes_are_ready(pes):
    config = config_of(pes)
    top = 1 << located_word_bits(config) - 1
    words = channels(np.random.default_rng(63), 1, config, 1, 1) + [word & top - 1 for word in
                                                                    channels(np.random.default_rng(64), 80, config, 1, 1)]
    trace, got = deal(words, config, longest=2)
    moved = trace.when("located")
    assert moved == list(range(moved[0], moved[0] + 81))
    offered = [t for t, valid in enumerate(trace["pe_valid"]) if valid]
    assert offered == [t + LATENCY for t in moved]
    assert got == dispatched(words, config) and sum(map(len, got)) == 81 * config.event_lanes


def test_the_turn_moves_on_by_the_highest_valid_lane_and_a_restart_takes_it_back():
    config = config_of(3)
    width, top = located_lane_bits(config), 1 << located_word_bits(config) - 1
    lane = 1 << width - 1 | 0b111111
    words = [top | lane, lane << width, lane, top, lane]        # lanes 0; 1; 0; none; 0 of slots 0, 0, 0, 1, 1
    expected = [0b001, 0b100, 0b001, 0b010]

    def offers(**options):
        trace, _ = deal(words, config, **options)
        return [valid for valid in trace["pe_valid"] if valid]

    class Restart:
        """A pulse in the cycle after the third word moved."""

        def __init__(self):
            self.moved = 0

        def step(self, seen):
            self.moved += bool(seen.get("located_ready"))
            return {"restart": self.moved == 3}

    assert offers() == expected
    assert offers(parts=(Restart(),)) == [0b001, 0b100, 0b001, 0b001]


def test_a_word_waits_for_its_weights_and_says_so():
    config = config_of(4)
    words = channels(np.random.default_rng(65), 3, config, 1)
    trace, _ = deal(words, config, loading=lambda cycle: cycle < 500)
    assert all(trace["waiting_weights"][2:500]) and not trace.when("located")[0] < 500


@pytest.mark.parametrize("pes", PES)
def test_a_word_keeps_its_slot_while_one_of_its_lanes_waits(pes):
    """All PEs but one take events at once; it waits for 200 cycles."""
    config = config_of(pes)
    late = config.event_lanes - 1
    words = channels(np.random.default_rng(67), 1, config, 1, 1)
    trace, got = deal(words, config, taking=[lambda cycle, pe=pe: pe == late and cycle < 200 for pe in range(pes)])
    assert trace["ended"][100] and not any(trace["empty"][10:200]) and not any(trace["slots_freed"][:200])
    assert all(valid == 1 << late for valid in trace["pe_valid"][10:200])
    assert got == dispatched(words, config)


def test_pes_that_take_nothing_for_a_thousand_cycles_lose_nothing():
    config = config_of(4)
    words = channels(np.random.default_rng(66), 12, config)
    trace, got = deal(words, config, taking=lambda cycle: cycle < 1000)
    assert got == dispatched(words, config)
    assert not any(trace["empty"][20:1000])


def test_reset_drops_the_word_and_takes_the_turn_and_the_slots_back():
    config = config_of(3)
    word = 1 << located_word_bits(config) - 1 | 1 << located_lane_bits(config) - 1 | 0b111111
    offer = {"located_valid": 1, "located_data": word, "slots_loaded": 1, "pe_ready": 7}
    idle = {"located_valid": 0}
    rows = [{"slots_loaded": 1}, offer, idle, {"slots_loaded": 2}, {}, {"pe_ready": 0, "located_valid": 1}, idle, {}, {},
            {"rst": 1, "slots_loaded": 0}, {"rst": 0}, {"slots_loaded": 1}, offer, idle, {}, {}]
    trace = run(dispatch, lambda: arguments_of(config), OUTPUTS, (table := Table(rows),), table.over)
    assert trace["pe_valid"] == [0, 0, 0, 0, 1, 0, 0, 0, 2, 2, 0, 0, 0, 0, 0, 1]
    assert trace["slots_opened"] == [0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 0, 0, 0, 1, 1, 1] and trace["empty"][10]
