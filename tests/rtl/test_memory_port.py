"""memory_port against a memory that checks the bus rules: order, routing, priority, throughput, errors and halting."""
import random

import pytest
from myhdl import always_comb, block

from rtl.config import OUTSTANDING, CoreConfig
from rtl.memory_bus import MemoryBus, ReadPort, WritePort
from rtl.memory_port import memory_port
from rtl.stream import bit
from tb.block_bench import reset, run
from tb.block_parts import Source, Table
from tb.pauses import MODES, Gate

CONFIG = CoreConfig(weight_bytes=2)
BUS = ("bus_cyc", "bus_stb", "bus_we", "bus_adr", "bus_dat_w", "bus_sel")
FAULTY = 0x666


def word(address):
    return (address * 40503 + 77) & 0xFFFF


def arguments(readers):
    def make():
        return dict(clk=bit(), rst=reset(), config=CONFIG, reads=[ReadPort(CONFIG) for _ in range(readers)],
                    write=WritePort(CONFIG), bus=MemoryBus(CONFIG), halt=bit(), quiet=bit(), failed=bit())

    return make


def outputs(readers):
    own = [f"reads_{i}_{name}" for i in range(readers) for name in ("ready", "data", "answer")]
    return (*BUS, *own, "write_ready", "quiet", "failed")


class Memory:
    """The bus's other side; answers `latency` cycles after a request at the earliest, in order, an error for FAULTY.

    Raises AssertionError when a waiting request changes, when more than OUTSTANDING are open, or when cyc is not high
    exactly from the first request to the last answer.
    """

    def __init__(self, stall="never", late="never", latency=1, seed=1):
        self.stall, self.late, self.latency = Gate(stall, seed), Gate(late, seed, 1), latency
        self.stalled, self.open, self.held, self.cycle, self.most = False, [], None, 0, 0
        self.requests, self.answered = [], False

    def step(self, seen):
        self.cycle += 1
        if seen:
            request = tuple(seen[name] for name in BUS[2:])
            if self.held is not None:
                assert seen["bus_stb"] and request == self.held
            if self.answered:
                self.open.pop(0)
            assert not seen["bus_stb"] or seen["bus_cyc"]
            if seen["bus_stb"] and not self.stalled:
                self.requests.append((self.cycle - 1, *request))
                self.open.append((self.cycle - 2 + self.latency, request[1]))
            self.held = request if seen["bus_stb"] and self.stalled else None
            assert not self.open or seen["bus_cyc"]
            assert seen["quiet"] != seen["bus_cyc"]
            self.most = max(self.most, len(self.open) + (self.held is not None))
            assert self.most <= OUTSTANDING
        self.stalled = self.stall.closed()
        self.answered = bool(self.open) and self.open[0][0] <= self.cycle - 1 and not self.late.closed()
        address = self.open[0][1] if self.answered else 0
        wrong = self.answered and address == FAULTY
        return {"bus_stall": self.stalled, "bus_ack": self.answered and not wrong, "bus_err": wrong, "bus_dat_r": word(address)}


def reader(number, count, pause="never", seed=1):
    addresses = [(1 << 20) * number + n for n in range(count)]
    return Source(f"reads_{number}", ({f"reads_{number}_address": a} for a in addresses), pause, seed), addresses


def writer(count, pause="never", seed=1):
    requests = [(0x900000 + n, (n * 77) & 0xFFFF, n & 3) for n in range(count)]
    words = ({"write_address": a, "write_data": d, "write_sel": s} for a, d, s in requests)
    return Source("write", words, pause, seed), requests


def answers(trace, number):
    return [d for d, there in zip(trace[f"reads_{number}_data"], trace[f"reads_{number}_answer"]) if there]


@pytest.mark.parametrize("readers", [1, 3, 5])
@pytest.mark.parametrize("stall, late, latency, idle", [
    ("never", "never", 1, "sometimes"), ("sometimes", "burst", 4, "burst"), ("burst", "sometimes", 20, "never"),
    ("fixed", "never", 70, "fixed"), ("never", "burst", 1, "never")])
def test_each_reader_gets_its_words_in_order_and_each_write_goes_out_once(readers, stall, late, latency, idle):
    seed = random.randrange(1 << 20)
    print("seed", seed)
    memory = Memory(stall, late, latency, seed)
    sources = [reader(i, 60, idle, seed + i) for i in range(readers)]
    write, written = writer(40, idle, seed + 9)
    parts = [s for s, _ in sources] + [write, memory]
    trace = run(memory_port, arguments(readers), outputs(readers), parts,
                lambda: len(memory.requests) == 60 * readers + 40 and not memory.open, linger=4, limit=40_000)
    for i, (_, addresses) in enumerate(sources):
        assert answers(trace, i) == [word(a) for a in addresses]
    assert [r[2:] for r in memory.requests if r[1]] == written
    assert all(r[4] == 3 for r in memory.requests if not r[1])
    assert trace["quiet"][-1] and not any(trace["failed"])


def test_one_request_a_cycle_though_client_and_direction_change():
    memory = Memory(latency=3)
    (one, _), (two, _), (write, _) = reader(0, 60, [0, 1, 1] * 200), reader(1, 60, [1, 0, 1] * 200), writer(60)
    run(memory_port, arguments(2), outputs(2), (one, two, write, memory), lambda: len(memory.requests) == 180)
    cycles = [r[0] for r in memory.requests]
    assert cycles == list(range(cycles[0], cycles[0] + 180))
    assert len({r[1] for r in memory.requests[:12]}) == 2


def test_one_request_a_cycle_with_every_second_cycle_stalled():
    memory = Memory(stall=lambda cycle: cycle & 1)
    (one, _) = reader(0, 60)
    run(memory_port, arguments(1), outputs(1), (one, memory), lambda: len(memory.requests) == 60)
    cycles = [r[0] for r in memory.requests]
    assert cycles == list(range(cycles[0], cycles[0] + 120, 2))


def test_the_first_reader_goes_first_and_the_writer_last():
    memory = Memory()
    (one, _), (two, _), (write, _) = reader(0, 20), reader(1, 20), writer(20)
    run(memory_port, arguments(2), outputs(2), (one, two, write, memory), lambda: len(memory.requests) == 60)
    assert [r[2] >> 20 for r in memory.requests] == [0] * 20 + [1] * 20 + [9] * 20


def test_an_answer_comes_the_cycle_after_the_bus_gave_it():
    (one, _), memory = reader(0, 1), Memory()
    trace = run(memory_port, arguments(1), outputs(1), (one, memory), lambda: memory.cycle == 12)
    assert trace.when("reads_0") == [0]
    assert [t for t, v in enumerate(trace["bus_stb"]) if v] == [1]
    assert [t for t, v in enumerate(trace["bus_ack"]) if v] == [2]
    assert [t for t, v in enumerate(trace["reads_0_answer"]) if v] == [3]
    assert [t for t, v in enumerate(trace["bus_cyc"]) if v] == [1, 2]


def test_no_more_requests_than_allowed_are_open():
    memory = Memory(latency=300)
    (one, _) = reader(0, 200)
    run(memory_port, arguments(1), outputs(1), (one, memory), lambda: len(memory.requests) == 200 and not memory.open)
    assert memory.most == OUTSTANDING


def test_an_error_is_told_once_and_answers_its_reader():
    memory = Memory(latency=2)
    one = Source("reads_0", [{"reads_0_address": a} for a in (1, FAULTY, 2)])
    trace = run(memory_port, arguments(1), outputs(1), (one, memory), lambda: memory.cycle == 20)
    assert sum(trace["failed"]) == 1
    assert answers(trace, 0) == [word(1), word(FAULTY), word(2)]


@pytest.mark.parametrize("stall", ["never", "burst"])
def test_halt_takes_nothing_more_and_answers_nobody_until_it_is_over(stall):
    memory = Memory(stall, latency=12)
    (one, _), (write, _) = reader(0, 300), writer(10, lambda cycle: cycle < 35)
    faulty = Source("reads_1", [{"reads_1_address": FAULTY}], lambda cycle: cycle != 38)
    halted = Table([{}] * 40 + [{"halt": 1}] + [{}] * 199 + [{"halt": 0}] + [{}] * 150)
    trace = run(memory_port, arguments(2), outputs(2), (one, write, faulty, memory, halted), halted.over)
    for t in range(41, 241):
        assert not trace["reads_0_answer"][t] and not trace["reads_1_answer"][t] and not trace["failed"][t]
    for t in range(40, 240):
        assert not trace["reads_0_ready"][t] and not trace["reads_1_ready"][t] and not trace["write_ready"][t]
    assert not trace["quiet"][40] and trace["quiet"][239]
    taken = len([t for t in trace.when("reads_0") if t < 40])
    later = [w for t, w in enumerate(trace["reads_0_data"]) if trace["reads_0_answer"][t] and t > 240]
    assert later and later == [word(taken + n) for n in range(len(later))]


@block
def prompt(clk, rst, config, reads, write, halt, quiet, failed):
    """memory_port with a memory that answers in the cycle of the request."""
    bus = MemoryBus(config)
    u_port = memory_port(clk, rst, config, reads, write, bus, halt, quiet, failed)

    @always_comb
    def answer():
        bus.stall.next = bus.adr[0] and not bus.cyc
        bus.ack.next = bus.stb and not bus.we
        bus.err.next = bus.stb and bus.we
        bus.dat_r.next = bus.adr[16:] ^ bus.dat_w ^ bus.sel

    return u_port, answer


def test_a_memory_may_answer_in_the_cycle_of_the_request():
    def make():
        given = arguments(1)()
        given.pop("bus")
        return given

    (one, addresses), (write, _) = reader(0, 20, "sometimes"), writer(10)
    ends = [n for n in outputs(1) if n not in BUS]
    trace = run(prompt, make, tuple(ends), (one, write), lambda: one.sent == 20 and write.sent == 10, linger=5)
    assert len(answers(trace, 0)) == 20 and sum(trace["failed"]) == 10


def test_reset_clears_the_bus():
    memory = Table([{"reads_0_valid": 1, "bus_stall": 1}] * 6 + [{"rst": 1, "reads_0_valid": 0}, {"rst": 0}, {}, {}])
    trace = run(memory_port, arguments(1), outputs(1), (memory,), memory.over)
    assert trace["bus_stb"][5] and not any(trace["bus_stb"][7:]) and all(trace["quiet"][7:])


@pytest.mark.parametrize("mode", MODES)
def test_a_wide_port_carries_whole_words(mode):
    wide = CoreConfig(lanes=16, weight_bytes=16)

    def make():
        return dict(clk=bit(), rst=reset(), config=wide, reads=[ReadPort(wide)], write=WritePort(wide), bus=MemoryBus(wide),
                    halt=bit(), quiet=bit(), failed=bit())

    words = [{"write_address": n, "write_data": (1 << 128) - 1 - n ** 20, "write_sel": 0xFFFF >> n % 9} for n in range(40)]
    memory = Memory(mode)
    trace = run(memory_port, make, outputs(1), (Source("write", words), memory), lambda: len(memory.requests) == 40, linger=3)
    assert [r[3:] for r in memory.requests] == [(w["write_data"], w["write_sel"]) for w in words]
    assert not any(trace["reads_0_answer"])
