"""The UART's halves: every divisor, any phase, bad stop bits, glitches, and both together."""
import numpy as np
import pytest

from fpga.uart_receiver import uart_receiver
from fpga.uart_transmitter import uart_transmitter
from rtl.stream import Stream, bit, unsigned
from tb.block_bench import reset, run
from tb.block_parts import Source, Table

SEED = 4711


def level_rows(levels, divisor):
    """A row for each cycle of each bit."""
    return [{"rx": level} for level in levels for _ in range(divisor)]


def frame(byte, stop=1):
    return [0, *(byte >> i & 1 for i in range(8)), stop]


def hear(rows, divisor):
    """Run the receiver; the bytes at its strobes."""
    table = Table(rows)

    def arguments():
        return dict(clk=bit(), rst=reset(), rx=bit(1), data=unsigned(8), strobe=bit(), divisor=divisor)

    trace = run(uart_receiver, arguments, ("data", "strobe"), (table,), table.over, linger=3 * divisor)
    return [data for data, strobe in zip(trace["data"], trace["strobe"]) if strobe]


@pytest.mark.parametrize("divisor", [4, 5, 13])
def test_bytes_without_a_gap_are_received(divisor):
    data = [int(b) for b in np.random.default_rng(SEED).integers(0, 256, 40)] + [0, 255, 0x7E]
    rows = level_rows([1, 1], divisor) + [row for byte in data for row in level_rows(frame(byte), divisor)]
    assert hear(rows + level_rows([1], divisor), divisor) == data


def test_a_sender_three_per_cent_off_is_understood():
    for bit_cycles in (19.4, 20.6):
        data = [0x55, 0x00, 0xFF, 0xA3] * 3
        levels = [1, 1] + [level for byte in data for level in frame(byte)] + [1, 1]
        edges = [round(i * bit_cycles) for i in range(len(levels) + 1)]
        rows = [{"rx": level} for level, a, b in zip(levels, edges, edges[1:]) for _ in range(b - a)]
        assert hear(rows, 20) == data


def test_a_byte_with_a_bad_stop_bit_is_dropped_and_the_next_one_is_not():
    levels = [1, 1, *frame(0x41), *frame(0x42, stop=0), 1, 1, *frame(0x43), 1]
    assert hear(level_rows(levels, 8), 8) == [0x41, 0x43]


def test_a_glitch_shorter_than_half_a_bit_is_no_start_bit():
    rows = level_rows([1, 1], 16) + [{"rx": 0}] * 6 + level_rows([1] * 12 + frame(0x5A) + [1], 16)
    assert hear(rows, 16) == [0x5A]


def test_a_line_that_stays_low_says_nothing():
    rows = level_rows([1, 1] + [0] * 40 + [1, 1] + frame(0x99) + [1], 8)
    assert hear(rows, 8) == [0x99]


@pytest.mark.parametrize("divisor, pause", [(4, "never"), (4, "burst"), (7, "sometimes"), (23, "never")])
def test_the_transmitter_sends_what_it_takes(divisor, pause):
    data = [int(b) for b in np.random.default_rng(SEED).integers(0, 256, 25)]
    source = Source("src", data, pause)

    def arguments():
        return dict(clk=bit(), rst=reset(), src=Stream(8), tx=bit(1), divisor=divisor)

    trace = run(uart_transmitter, arguments, ("src_ready", "tx"), (source,), lambda: source.sent == len(data),
                linger=12 * divisor)
    taken = trace.when("src")
    levels = trace["tx"]
    for at, byte in zip(taken, data):
        expected = [level for level in frame(byte) for _ in range(divisor)]
        assert levels[at + 1:at + 1 + len(expected)] == expected
    if pause == "never":
        assert [b - a for a, b in zip(taken, taken[1:])] == [10 * divisor] * (len(data) - 1)


def test_a_divisor_below_four_is_refused():
    with pytest.raises(ValueError, match="divisor must be 4 or more, not 3"):
        uart_receiver(bit(), reset(), bit(), unsigned(8), bit(), 3)
    with pytest.raises(ValueError, match="divisor must be 4 or more, not 3"):
        uart_transmitter(bit(), reset(), Stream(8), bit(), 3)
