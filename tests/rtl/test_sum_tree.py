"""sum_tree, pick_group and delay: exact sums of one to eight terms, one a cycle."""
import numpy as np
import pytest
from myhdl import block

from rtl.stream import bit, signed, unsigned
from rtl.sum_tree import levels, pick_group, sum_tree
from tb.block_bench import run
from tb.block_parts import Table

LARGEST = 8


@block
def trees(clk, awake, terms, totals):
    """A tree for each number of terms, in one block, so that one model serves all."""
    return [sum_tree(clk, awake, terms[:n], totals[n - 1]) for n in range(1, LARGEST + 1)]


def test_sums_of_one_to_eight_terms_come_after_their_levels():
    rng = np.random.default_rng(91)
    rows = rng.choice([-2048, 2047, *rng.integers(-2048, 2048, 6)], (80, LARGEST))
    rows[0], rows[1], rows[2] = -2048, 2047, 0      # of eight terms the lowest sum of 15 bits, and nearly the highest
    table = Table([{"awake": 1, **{f"terms_{i}": int(v) for i, v in enumerate(row)}} for row in rows] + [{}] * 3)
    trace = run(trees, lambda: dict(clk=bit(), awake=bit(), terms=[signed(15) for _ in range(LARGEST)],
                                    totals=[signed(15) for _ in range(LARGEST)]),
                ("totals",), (table,), table.over)
    for n in range(1, LARGEST + 1):
        late = levels(n)
        assert trace[f"totals_{n - 1}"][late:late + len(rows)] == rows[:, :n].sum(axis=1).tolist(), f"{n} terms"


def test_levels_of_a_tree():
    assert [levels(n) for n in range(1, 9)] == [0, 1, 2, 2, 3, 3, 3, 3]


@pytest.mark.parametrize("options", [1, 4])
def test_pick_group_takes_one_of_its_options_a_cycle_later_while_awake(options):
    rng = np.random.default_rng(options)
    rows = [{f"options_{i}": int(v) for i, v in enumerate(rng.integers(-128, 128, options))} for _ in range(40)]
    groups = rng.integers(0, options, 40).tolist()
    awake = [1, *(rng.integers(0, 2, 39).tolist())]
    table = Table([{**row, "group": g, "awake": a} for row, g, a in zip(rows, groups, awake)] + [{}])
    trace = run(pick_group, lambda: dict(clk=bit(), awake=bit(), options=[signed(8) for _ in range(options)], group=unsigned(6),
                                         chosen=signed(8)),
                ("chosen",), (table,), table.over)
    expected = []
    for row, group, on in zip(rows, groups, awake):
        expected.append(row[f"options_{group}"] if on else expected[-1])
    assert trace["chosen"][1:] == expected
