"""registers: what a host writes and reads, word by word, with and without gaps."""
import numpy as np
import pytest

from rtl.performance import COUNTERS, Counters
from rtl.registers import RegisterBus, registers
from rtl.stream import bit, unsigned
from rtl.supervisor import Status
from tb.block_bench import reset, run
from tb.block_parts import Table

OUTPUTS = ("start", "stop", "renew", "program", "length", "bus_dat_r", "bus_ack", "bus_stall")
QUIET = {"bus_cyc": 0, "bus_stb": 0, "bus_we": 0}


def access(adr, data=None):
    """A row that reads, or writes, a word."""
    return {"bus_cyc": 1, "bus_stb": 1, "bus_we": int(data is not None), "bus_adr": adr, "bus_dat_w": data or 0}


def play(rows):
    def arguments():
        return dict(clk=bit(), rst=reset(), bus=RegisterBus(), start=bit(), stop=bit(), renew=bit(), status=Status(),
                    program=unsigned(28), length=unsigned(32), counters=Counters())

    table = Table(rows)
    return run(registers, arguments, OUTPUTS, (table,), table.over)


def test_what_was_written_is_held_and_read_back():
    trace = play([access(2, 0xABCDEF12), access(3, 0xFEDCBA98), access(2), access(3), QUIET, QUIET])
    assert trace["bus_ack"] == [0, 1, 1, 1, 1, 0] and not any(trace["bus_stall"])
    assert trace["bus_dat_r"][3:5] == [0xBCDEF12, 0xFEDCBA98]
    assert trace["renew"] == [0, 1, 1, 0, 0, 0]
    assert trace["program"][-1] == 0xBCDEF12 and trace["length"][-1] == 0xFEDCBA98


@pytest.mark.parametrize("value, start, stop", [(0, 0, 0), (1, 1, 0), (2, 0, 1), (3, 1, 1), (0xFFFFFFFC, 0, 0)])
def test_control_gives_pulses(value, start, stop):
    trace = play([QUIET, access(0, value), QUIET, QUIET, access(0), QUIET, QUIET])
    assert trace["start"] == [0, 0, start, 0, 0, 0, 0] and trace["stop"] == [0, 0, stop, 0, 0, 0, 0]
    assert trace["bus_dat_r"][5] == 0 and not any(trace["renew"])


@pytest.mark.parametrize("busy, done, error, cause", [(1, 0, 0, 0), (0, 1, 0, 0), (0, 1, 1, 5), (0, 0, 1, 15)])
def test_status(busy, done, error, cause):
    trace = play([{"status_busy": busy, "status_done": done, "status_error": error, "status_cause": cause, **access(1)}, QUIET])
    assert trace["bus_dat_r"][1] == busy | done << 1 | error << 2 | cause << 8


def test_counters_are_the_words_from_four_on_and_the_rest_is_zero():
    values = [int(v) for v in np.random.default_rng(301).integers(1, 1 << 32, len(COUNTERS))]
    trace = play([{f"counters_{name}": value for name, value in zip(COUNTERS, values)}] + [access(n) for n in range(4, 64)] + [QUIET])
    assert trace["bus_dat_r"][2:] == values + [0] * (60 - len(COUNTERS))


def test_nothing_happens_without_a_cycle_of_both_cyc_and_stb():
    trace = play([{**access(2, 7), "bus_stb": 0}, {**access(0, 3), "bus_cyc": 0}, {**access(2), "bus_cyc": 0}, QUIET, QUIET])
    assert not any(any(trace[name]) for name in ("program", "start", "stop", "bus_ack", "bus_dat_r"))


def test_writes_to_words_that_only_tell_do_nothing_and_reset_clears():
    rows = [access(2, 5), access(3, 6)] + [access(n, 99) for n in range(4, 20)] + [access(1, 99), QUIET, {"rst": 1}, {"rst": 0}, QUIET]
    trace = play(rows)
    assert (trace["program"][-3], trace["length"][-3]) == (5, 6)
    assert not any(trace[name][-1] for name in OUTPUTS)
    assert not any(trace["start"]) and not any(trace["stop"]) and sum(trace["renew"]) == 2
