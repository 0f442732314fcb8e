"""lane_sums against a list, with pauses, in every family's text."""
import numpy as np
import pytest

from rtl.compact.lane_sums import lane_sums
from rtl.config import FAMILIES
from rtl.stream import bit, unsigned
from tb.block_bench import run
from tb.block_parts import Table

DEPTH, WIDTH = 256, 96


@pytest.mark.parametrize("family", FAMILIES)
def test_reads_are_two_steps_late_and_hold_without_go(family):
    print("seed 7")
    rng, rows, busy = np.random.default_rng(7), [], []
    for _ in range(1200):
        write, at, look = int(rng.random() < 0.5), int(rng.integers(DEPTH)), int(rng.integers(DEPTH))
        # Nothing is written that was read lately, nor read that was written lately.
        busy = [*busy[-7:], at if write else None]
        while look in busy:
            look = int(rng.integers(DEPTH))
        busy = [*busy[-7:], look]
        rows.append({"write": write, "write_address": at, "write_data": int.from_bytes(rng.bytes(WIDTH // 8), 'little'),
                     "read_address": look, "go": int(rng.random() < 0.8)})
        if write and at in [row["read_address"] for row in rows[-9:-1]]:
            rows[-1]["write"] = 0
    table = Table(rows)
    trace = run(lane_sums, lambda: dict(clk=bit(), go=bit(), write=bit(), write_address=unsigned(8),
                                        write_data=unsigned(WIDTH),
                                        read_address=unsigned(8), read_data=unsigned(WIDTH), depth=DEPTH, family=family),
                ("read_data",), (table,), table.over, linger=1)
    sums, first, second = [0] * DEPTH, 0, 0
    for go, write, at, data, look, seen in zip(*(trace[name] for name in (
            "go", "write", "write_address", "write_data", "read_address", "read_data"))):
        assert seen == second
        if go:
            first, second = sums[look], first
        if write:
            sums[at] = data
