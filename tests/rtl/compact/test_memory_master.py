"""memory_master between askers and a Wishbone memory played in Python: priority, order, answers, room, halt, errors."""
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
from tests.rtl.test_memory_port import BUS, FAULTY, Memory
from tests.rtl.test_memory_port import word as data_at

CONFIG = CoreConfig(pes=1, lanes=8, fire_lanes=1, weight_bytes=8, compact=True, acc_depth=256)
ORDER = ("count", "events", "weights", "write", "program", "chunk")
KINDS = ("count", "events", "weights", "program", "chunk")
OUTPUTS = (*(f"{port}_ready" for port in ORDER), *BUS, "answers", "quiet", "failed")
WHOLE = (1 << CONFIG.port_bytes) - 1


def words_for(port, rng, faults):
    """Endless requests of an asker; that part `faults` of them are answered with an error."""
    while True:
        if port in ("count", "events"):
            yield {}
        elif port == "write":
            counts = int(rng.integers(2))
            yield {"write_counts": counts, "write_data": int.from_bytes(rng.bytes(CONFIG.port_bytes), "little")}
        else:
            word = {port + "_address": FAULTY if rng.random() < faults else int(rng.integers(1 << ADDRESS_BITS))}
            bits = {"program": word_bits(CONFIG), "chunk": note_bits(CONFIG)}.get(port)
            yield word | ({port + "_note": int(rng.integers(1 << bits))} if bits else {})


class Askers:
    """All askers; in turns those that read a map ask, or the one that writes one. Maps' addresses change in every cycle."""

    def __init__(self, pauses, ports, stop_at, faults=0):
        self.rng, self.t, self.stop_at = np.random.default_rng(32), 0, stop_at
        self.sources = {port: Source(port, words_for(port, self.rng, faults), lambda _, port=port: self.shut(port))
                        for port in ports}
        self.gates = {port: Gate(pauses, 18, number) for number, port in enumerate(ports)}

    def shut(self, port):
        writes, held = self.t // 100 % 2, [name for name, source in self.sources.items() if source.held is not None]
        other = any(name in held for name in (("count", "events", "weights") if port == "write" else ("write",)))
        turn = (port == "write") == bool(writes) or port in ("program", "chunk")
        return self.gates[port].closed() or self.t >= self.stop_at or not turn or (other and port not in ("program", "chunk"))

    def step(self, seen):
        self.t += 1
        inputs = {"at": int(self.rng.integers(1 << ADDRESS_BITS)),
                  "count_at": int(self.rng.integers(1 << ADDRESS_BITS + byte_bits(CONFIG)))}
        for source in self.sources.values():
            inputs.update(source.step(seen))
        return inputs


def simulate(askers, memory, parts=()):
    def arguments():
        return dict(clk=bit(), rst=reset(), config=CONFIG, program=Ask(CONFIG, word_bits(CONFIG)), count=Ask(CONFIG, walks=True),
                    events=Ask(CONFIG, walks=True), weights=Ask(CONFIG), chunk=Ask(CONFIG, note_bits(CONFIG)), write=Put(CONFIG),
                    at=wrapping(ADDRESS_BITS), count_at=wrapping(ADDRESS_BITS + byte_bits(CONFIG)), bus=MemoryBus(CONFIG),
                    halt=bit(), answers=Answers(CONFIG), quiet=bit(), failed=bit())

    trace = run(memory_master, arguments, OUTPUTS, (askers, memory, *parts),
                lambda: askers.t > askers.stop_at and not memory.open, linger=120)
    assert memory.most <= OPEN and trace["quiet"][-1] and not trace["bus_cyc"][-1]
    return {name: trace[name] for name in trace.names}, len(trace)


def requests_of(seen, length):
    """(cycle, asker, address, byte enables) of all requests taken; in each cycle it is the first of ORDER that asks."""
    found = []
    for t in range(length):
        asking = [port for port in ORDER if seen[port + "_valid"][t]]
        moved = [port for port in asking if seen[port + "_ready"][t]]
        assert moved in ([], asking[:1]), t
        if moved:
            port, counted = moved[0], moved[0] == "count" or moved[0] == "write" and seen["write_counts"][t]
            address = seen["at" if port in ("events", "write", "count") else port + "_address"][t]
            if counted:
                address = seen["count_at"][t] >> byte_bits(CONFIG)
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


@pytest.mark.parametrize("pauses, stall, late, latency", [("never", "never", "never", 2), ("burst", "burst", "never", 5),
                                                          ("sometimes", "sometimes", "sometimes", 1),
                                                          ("never", "never", "burst", 60)])
def test_requests_go_out_in_priority_and_answers_come_back_to_their_askers(pauses, stall, late, latency):
    print("seed 32")
    askers, memory = Askers(pauses, ORDER, 2500), Memory(stall, late, latency)
    seen, length = simulate(askers, memory)
    asked = requests_of(seen, length)
    assert {port for _, port, *_ in asked} == set(ORDER) or pauses == "never"
    for (t, port, address, sel), (_, we, adr, data, enables) in zip(asked, memory.requests, strict=True):
        assert (adr, bool(we), enables) == (address, port == "write", sel)
        assert not we or data == seen["write_data"][t]
    want = [(port, data_at(address), back_of(seen, t, port)) for t, port, address, _ in asked if port != "write"]
    assert [answer[1:] for answer in answers_of(seen, length)] == want and not any(seen["failed"])
    assert memory.most == OPEN or latency < OPEN


def test_a_request_a_cycle():
    seen, length = simulate(Askers("never", ("chunk",), 400), Memory(latency=3))
    times = [t for t, *_ in requests_of(seen, length)]
    assert times[-1] - times[0] == len(times) - 1 > 390


def test_an_error_is_told_once_for_each():
    memory = Memory(latency=3)
    seen, _ = simulate(Askers("sometimes", ("chunk", "program"), 300, 0.1), memory)
    assert sum(seen["failed"]) == sum(address == FAULTY for _, _, address, *_ in memory.requests) > 5


def test_after_a_halt_nothing_is_taken_or_answered_and_what_was_taken_is_carried_out():
    def script():
        for t in range(330):
            yield {"halt": int(150 <= t < 300)}

    askers, memory = Askers("never", ("program", "chunk"), 400, 0.2), Memory("sometimes", "sometimes", 9)
    seen, length = simulate(askers, memory, (Script(script()),))
    halted = range(150, 300)
    asked = requests_of(seen, length)
    assert not any(t in halted for t, *_ in asked) and len(asked) == len(memory.requests)
    given = list(answers_of(seen, length))
    assert not any(t - 1 in halted for t, *_ in given) and not any(seen["failed"][t + 1] for t in halted)
    assert not seen["quiet"][150] and seen["quiet"][299]
    # Those that were open at the halt are never answered, all others are.
    after = [one for one in asked if one[0] >= 300]
    assert [answer[1:3] for answer in given if answer[0] > 300] == [(port, data_at(address)) for _, port, address, _ in after]
