"""watchdog: how long it waits, and what makes it begin again."""
import pytest

from rtl.stream import bit
from rtl.watchdog import watchdog
from tb.block_bench import reset, run
from tb.block_parts import Table


def barks(rows, bits):
    table = Table([{"waiting": 1, "rst": 0, **row} for row in rows])
    trace = run(watchdog, lambda: dict(clk=bit(), rst=reset(), waiting=bit(), bits=bits, barks=bit()), ("barks",), (table,), table.over)
    return [t for t, bark in enumerate(trace["barks"]) if bark]


@pytest.mark.parametrize("bits", [1, 3, 5])
def test_it_barks_after_so_many_cycles_of_waiting_in_a_row_and_again_after_as_many(bits):
    first = 1 << bits
    assert barks([{}] * (2 * first + 4), bits) == [first, 2 * first + 1]


@pytest.mark.parametrize("change", [{"waiting": 0}, {"rst": 1}])
def test_a_cycle_without_waiting_and_a_reset_begin_it_again(change):
    rows = [{}] * 30
    rows[7] = change
    assert barks(rows, 3) == [16, 25], "eight cycles after the eighth row"
