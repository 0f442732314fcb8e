"""counters: registers that keep, control pulses, and every counter against a count of pulses, also of small devices."""
from collections import deque

import numpy as np
import pytest

from rtl.activity import CAUSES, OUTPUT_BLOCKED
from rtl.compact.counters import FIRST, PLACES, counters
from rtl.config import CoreConfig
from rtl.performance import COUNTERS
from rtl.registers import CONTROL, LENGTH, PROGRAM, STATUS, RegisterBus
from rtl.stream import bit, unsigned
from rtl.supervisor import Status
from tb.block_bench import reset, run
from tb.block_parts import Script

CONFIG = CoreConfig(pes=1, lanes=8, fire_lanes=1, weight_bytes=8, compact=True)
OUTPUTS = ("bus_ack", "bus_stall", "bus_dat_r", "start", "stop", "renew", "program", "length")
PULSES = {"passes": "passes_done", "events": "event_taken", "words_read": "read_answered", "words_written": "write_accepted"}
PROGRAM_BITS, LENGTH_BITS = 16, 18
LATE = 3        # cycles until a cycle is counted, at the most


class Host:
    """One cycle a call: what the bus asks, what the accelerator does; checks the answer to the cycle before."""

    def __init__(self, family):
        self.small, self.counts = family in ("ice40", "up5k"), dict.fromkeys(COUNTERS, 0)
        self.kept, self.want, self.past = {PROGRAM: 0, LENGTH: 0}, None, deque([self.counts], LATE + 1)

    def known(self, number, busy):
        """What a register may read as."""
        if number in self.kept:
            return {self.kept[number]}
        if number == STATUS:
            return {busy["status_busy"] | busy["status_done"] << 1 | busy["status_error"] << 2 | busy["status_cause"] << 8}
        name = COUNTERS[number - FIRST] if FIRST <= number < FIRST + len(COUNTERS) else None
        absent = name is None or name == "stall_output_blocked" or (self.small and name.startswith("stall"))
        return {0} if absent else {counts[name] for counts in self.past}

    def cycle(self, inputs):
        seen = yield inputs
        assert not seen["bus_stall"] and seen["bus_ack"] == (self.want is not None)
        controls, renews = (0, 0), False
        if self.want is not None:
            number, written = self.want
            assert written is not None or seen["bus_dat_r"] in self.known(number, inputs), number
            if number == CONTROL and written is not None:
                controls = written & 1, written >> 1 & 1
            renews = number in self.kept and written is not None
        assert (seen["start"], seen["stop"], seen["renew"]) == (*controls, renews)
        assert (seen["program"], seen["length"]) == (self.kept[PROGRAM], self.kept[LENGTH])
        self.want = None
        if inputs["bus_cyc"] and inputs["bus_stb"]:
            number = inputs["bus_adr"]
            self.want = number, inputs["bus_dat_w"] if inputs["bus_we"] else None
            if inputs["bus_we"] and number in self.kept:
                self.kept[number] = inputs["bus_dat_w"] % (1 << (PROGRAM_BITS if number == PROGRAM else LENGTH_BITS))
        self.counts = dict(self.counts)
        if inputs["launch"]:
            self.counts = dict.fromkeys(COUNTERS, 0)
        elif inputs["running"]:
            self.counts["cycles"] += 1
            state = CAUSES[inputs["pe_state"]]
            self.counts["beats" if state == "beat" else "stall_" + state] += 1
            for name, pulse in PULSES.items():
                self.counts[name] += inputs[pulse]
        self.past.append(self.counts)


def simulate(family, cycles_of):
    print("seed 17")
    rng, host = np.random.default_rng(17), Host(family)

    def script():
        for changes in cycles_of(rng):
            idle = {"bus_cyc": 0, "bus_stb": 0, "bus_we": 0, "bus_adr": 0, "bus_dat_w": int(rng.integers(1 << 32)), "launch": 0,
                    "running": 0, "pe_state": int(rng.integers(8)), "status_busy": int(rng.integers(2)),
                    "status_done": int(rng.integers(2)), "status_error": int(rng.integers(2)),
                    "status_cause": int(rng.integers(16)), **{name: int(rng.random() < 0.4) for name in PULSES.values()}}
            yield from host.cycle({**idle, **changes})

    part = Script(script())
    run(counters, lambda: dict(clk=bit(), rst=reset(), config=CONFIG.replace(family=family), bus=RegisterBus(), start=bit(),
                               stop=bit(), renew=bit(), status=Status(), program=unsigned(PROGRAM_BITS), length=unsigned(LENGTH_BITS),
                               launch=bit(), running=bit(), pe_state=unsigned(3), passes_done=bit(), event_taken=bit(),
                               read_answered=bit(), write_accepted=bit()),
        OUTPUTS, (part,), part.over)
    return host


def ask(number, data=None):
    return {"bus_cyc": 1, "bus_stb": 1, "bus_adr": number, **({} if data is None else {"bus_we": 1, "bus_dat_w": data})}


@pytest.mark.parametrize("family", ["generic", "ice40"])
def test_counters_of_two_programs_read_after_each(family):
    def cycles_of(rng):
        yield {}
        for length in (700, 45):
            yield {"launch": 1, "running": 1}
            for _ in range(length):
                yield {"running": 1}
            for _ in range(LATE + int(rng.integers(1, 4))):
                yield {}
            for number in rng.permutation(64):
                yield ask(int(number))
        for number in range(FIRST, FIRST + len(COUNTERS)):
            yield {**ask(number), "bus_stb": 0}
            yield ask(number)
        yield {}

    host = simulate(family, cycles_of)
    assert host.counts["cycles"] == 45 and host.counts["stall_" + CAUSES[OUTPUT_BLOCKED]] > 0


def test_settings_and_control_pulses():
    def cycles_of(rng):
        yield {"launch": 1}
        for _ in range(400):
            number = int(rng.choice([CONTROL, STATUS, PROGRAM, LENGTH, 5, 40]))
            word = ask(number, int(rng.integers(1 << 32))) if rng.random() < 0.5 else ask(number)
            yield {**word, "bus_cyc": int(rng.random() < 0.8), "bus_stb": int(rng.random() < 0.8)}
        yield {}

    simulate("generic", cycles_of)


def test_counters_read_while_they_count():
    """As often as may be, at every phase of the counters' turns."""
    def cycles_of(rng):
        yield {"launch": 1, "running": 1}
        for _ in range(90):
            yield {**ask(int(rng.integers(FIRST, FIRST + len(COUNTERS)))), "running": 1}
            for _ in range(2 * PLACES + 2 + int(rng.choice([0, 0, int(rng.integers(40))]))):
                yield {"running": 1, "pe_state": 0}
        yield {}

    simulate("generic", cycles_of)
