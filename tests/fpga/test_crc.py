"""crc against zlib."""
import zlib

import numpy as np

from fpga.link.crc import ONES, RESIDUE, crc
from rtl.stream import bit, unsigned
from tb.block_bench import reset, run
from tb.block_parts import Table


def play(rows):
    table = Table(rows)

    def arguments():
        return dict(clk=bit(), rst=reset(), clear=bit(), step=bit(), data=bit(), state=unsigned(32))

    return run(crc, arguments, ("state",), (table,), table.over, linger=1)["state"]


def bits(data):
    return [{"clear": 0, "step": 1, "data": byte >> i & 1} for byte in data for i in range(8)]


def test_the_complement_of_the_state_is_the_check_sequence():
    rng = np.random.default_rng(21)
    for length in (0, 1, 4, 37):
        data = rng.bytes(length)
        state = play([{"clear": 1, "step": 1}, *bits(data), {"step": 0}])[-1]
        assert state ^ ONES == zlib.crc32(data)


def test_data_and_their_check_sequence_leave_the_residue_whatever_pauses_there_are():
    rng = np.random.default_rng(22)
    data = rng.bytes(20)
    rows = bits(data + zlib.crc32(data).to_bytes(4, "little"))
    paused = [row for step in rows for row in (step, *[{"step": 0}] * int(rng.integers(3)))]
    assert play([{"clear": 1, "step": 0}, *paused, {"step": 0}])[-1] == RESIDUE
