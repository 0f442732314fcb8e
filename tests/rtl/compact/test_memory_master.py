"""memory_master between askers and a Wishbone memory played in Python: priority, order, answers, room, halt, errors."""
from collections import deque

import numpy as np
import pytest

from rtl.compact.memory_master import Answers, Ask, Put, memory_master, note_bits
from rtl.compact.sizes import ADDRESS_BITS, OPEN, byte_bits, word_bits
from rtl.config import EVENT_BITS, CoreConfig
from rtl.memory_bus import MemoryBus
from rtl.stream import bit, wrapping
from tb.block_bench import reset, run
from tb.block_parts import Script, Source
from tb.pauses import Gate

CONFIG = CoreConfig(pes=1, lanes=8, fire_lanes=1, weight_bytes=8, compact=True, acc_depth=256)
ORDER = ("count", "events", "weights", "write", "program", "chunk")
KINDS = ("count", "events", "weights", "program", "chunk")
BUS = ("adr", "we", "sel", "dat_w")
OUTPUTS = (*(f"{port}_ready" for port in ORDER), "bus_cyc", "bus_stb", "bus_we", "bus_adr", "bus_dat_w", "bus_sel", "answers",
           "quiet", "failed")
WHOLE = (1 << CONFIG.port_bytes) - 1


def data_at(address):
    """What the memory holds at a word address."""
    return address * 0x9E3779B97F4A7C15 % (1 << 64)


class Memory:
    """The bus's other side: takes requests while it does not stall, answers each after at least `latency` cycles, in order."""

    def __init__(self, stall, late, latency, fails=()):
        self.stall, self.late, self.latency, self.fails = Gate(stall, 16), Gate(late, 17), latency, fails
        self.open, self.t, self.stalls, self.most, self.taken, self.answered = deque(), 0, True, 0, [], 0

    def step(self, seen):
        if seen:
            assert seen["bus_cyc"] >= seen["bus_stb"] and (seen["bus_cyc"] or not self.open)
            if seen["bus_stb"] and not self.stalls:
                self.taken.append(tuple(seen["bus_" + name] for name in BUS))
                self.open.append((self.t + self.latency - 1, seen["bus_adr"]))
            self.most = max(self.most, len(self.open) + (seen["bus_stb"] and self.stalls))
        self.t += 1
        self.stalls = self.stall.closed()
        inputs = {"bus_stall": int(self.stalls), "bus_ack": 0, "bus_err": 0, "bus_dat_r": self.t * 12345}
        if self.open and self.open[0][0] <= self.t - 1 and not self.late.closed():
            _, address = self.open.popleft()
            inputs.update({"bus_err" if self.answered in self.fails else "bus_ack": 1, "bus_dat_r": data_at(address)})
            self.answered += 1
        return inputs


def words_for(port, rng):
    """Endless requests of an asker."""
    while True:
        if port in ("count", "events"):
            yield {}
        elif port == "write":
            counts = int(rng.integers(2))
            yield {"write_counts": counts, "write_data": int(rng.integers(256)) * (WHOLE and 0x0101010101010101) if counts
                   else int.from_bytes(rng.bytes(8), "little")}
        else:
            word = {port + "_address": int(rng.integers(1 << ADDRESS_BITS))}
            bits = {"program": word_bits(CONFIG), "chunk": note_bits(CONFIG)}.get(port)
            yield word | ({port + "_note": int(rng.integers(1 << bits))} if bits else {})


class Askers:
    """All askers; in turns those that read a map ask, or the one that writes one. Addresses of maps come and go between cycles.

    halted: cycles of a halt, in which nobody asks.
    """

    APART = {"write": ("count", "events", "weights", "chunk"), "count": ("events", "write"), "events": ("count", "write")}

    def __init__(self, pauses, ports, stop_at, halted=()):
        self.rng, self.t, self.stop_at, self.halted = np.random.default_rng(32), 0, stop_at, halted
        self.sources = {port: Source(port, words_for(port, self.rng), lambda _, port=port: self.shut(port)) for port in ports}
        self.gates = {port: Gate(pauses, 18, number) for number, port in enumerate(ports)}

    def shut(self, port):
        writes, held = self.t // 100 % 2, [name for name, source in self.sources.items() if source.held is not None]
        turn = (port == "write") == bool(writes) or port in ("program", "chunk")
        other = any(name in held for name in self.APART.get(port, ("write",) if port != "program" else ()))
        return self.gates[port].closed() or self.t >= self.stop_at or self.t in self.halted or not turn or other

    def step(self, seen):
        self.t += 1
        inputs = {"at": int(self.rng.integers(1 << ADDRESS_BITS)),
                  "count_at": int(self.rng.integers(1 << ADDRESS_BITS + byte_bits(CONFIG)))}
        for source in self.sources.values():
            if self.t in self.halted:
                source.held = None
            inputs.update(source.step(seen))
        return inputs


def simulate(askers, memory, parts=(), linger=120):
    def arguments():
        return dict(clk=bit(), rst=reset(), config=CONFIG, program=Ask(CONFIG, word_bits(CONFIG)), count=Ask(CONFIG, walks=True),
                    events=Ask(CONFIG, walks=True), weights=Ask(CONFIG), chunk=Ask(CONFIG, note_bits(CONFIG)), write=Put(CONFIG),
                    at=wrapping(ADDRESS_BITS), count_at=wrapping(ADDRESS_BITS + byte_bits(CONFIG)), bus=MemoryBus(CONFIG),
                    halt=bit(), answers=Answers(CONFIG), quiet=bit(), failed=bit())

    trace = run(memory_master, arguments, OUTPUTS, (askers, memory, *parts), lambda: askers.t > askers.stop_at and not memory.open,
                linger=linger)
    assert memory.most <= OPEN and trace["quiet"][-1] and not trace["bus_cyc"][-1]
    return {name: trace[name] for name in trace.names}, len(trace)


def requests_of(seen, length):
    """(cycle, asker, address, byte enables) of all requests taken; in each cycle it is the first of ORDER that asks."""
    found, low = [], byte_bits(CONFIG)
    for t in range(length):
        asking = [port for port in ORDER if seen[port + "_valid"][t]]
        moved = [port for port in asking if seen[port + "_ready"][t]]
        assert moved in ([], asking[:1]), t
        if moved:
            port, counted = moved[0], moved[0] == "count" or moved[0] == "write" and seen["write_counts"][t]
            if counted:
                address = seen["count_at"][t] >> low
            else:
                address = seen["at" if port in ("events", "write") else port + "_address"][t]
            sel = 1 << seen["count_at"][t] % CONFIG.port_bytes if port == "write" and counted else WHOLE
            found.append((t, port, address, sel))
    return found


def answers_of(seen, length):
    """(kind, data) of each answer given, with what came back with it."""
    for t in range(length):
        kinds = [kind for kind in KINDS if seen["answers_" + kind][t]]
        assert len(kinds) <= 1
        for kind in kinds:
            back = {"program": seen["answers_note"][t] % (1 << word_bits(CONFIG)),
                    "chunk": (seen["answers_value"][t], seen["answers_sum"][t])}.get(kind)
            yield t, kind, seen["answers_data"][t], back


def back_of(seen, t, port):
    """What must come back with the answer to a request."""
    if port == "chunk":
        value, at = divmod(seen["chunk_note"][t], CONFIG.acc_depth)
        return value - ((value & 1 << EVENT_BITS - 1) << 1), at
    return seen["program_note"][t] if port == "program" else None


@pytest.mark.parametrize("pauses, stall, late, latency", [("never", "never", "never", 2), ("sometimes", "sometimes", "sometimes", 1),
                                                          ("burst", "burst", "never", 5), ("never", "never", "burst", 60)])
def test_requests_go_out_in_priority_and_answers_come_back_to_their_askers(pauses, stall, late, latency):
    print("seed 32")
    askers, memory = Askers(pauses, ORDER, 2500), Memory(stall, late, latency)
    seen, length = simulate(askers, memory)
    asked = requests_of(seen, length)
    assert {port for _, port, *_ in asked} == set(ORDER) or pauses == "never"
    assert len(asked) == len(memory.taken) == memory.answered
    for (t, port, address, sel), (adr, we, enables, data) in zip(asked, memory.taken):
        assert (adr, bool(we), enables) == (address, port == "write", sel)
        assert not we or data == seen["write_data"][t]
    want = [(port, data_at(address), back_of(seen, t, port)) for t, port, address, _ in asked if port != "write"]
    assert [answer[1:] for answer in answers_of(seen, length)] == want and not any(seen["failed"])
    assert memory.most == OPEN or latency < OPEN


def test_a_request_a_cycle():
    seen, length = simulate(Askers("never", ("chunk",), 400), Memory("never", "never", 3))
    times = [t for t, *_ in requests_of(seen, length)]
    assert times[-1] - times[0] == len(times) - 1 > 390


def test_an_error_is_told_once_for_each():
    seen, _ = simulate(Askers("sometimes", ("chunk", "program"), 300), Memory("never", "never", 3, fails=(5, 6, 40)))
    assert sum(seen["failed"]) == 3


def test_after_a_halt_nothing_is_answered_and_what_was_taken_is_carried_out():
    def script():
        for t in range(330):
            yield {"halt": int(150 <= t < 300)}

    askers, memory = Askers("never", ("program", "chunk"), 400, range(151, 301)), Memory("sometimes", "sometimes", 9, fails=range(60, 75))
    seen, length = simulate(askers, memory, (Script(script()),))
    halted = range(150, 300)
    asked = requests_of(seen, length)
    assert not any(t in halted for t, *_ in asked) and len(asked) == len(memory.taken) == memory.answered
    given = list(answers_of(seen, length))
    assert not any(t - 1 in halted for t, *_ in given) and not any(seen["failed"][t + 1] for t in halted)
    assert not seen["quiet"][150] and seen["quiet"][299]
    # Those that were open at the halt are never answered, all others are.
    after = [one for one in asked if one[0] >= 300]
    assert [answer[1:3] for answer in given if answer[0] > 300] == [(port, data_at(address)) for _, port, address, _ in after]
