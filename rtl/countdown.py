"""A loop's last round, known without a comparison."""
from myhdl import always, block

from rtl.stream import wrapping


@block
def countdown(clk, restart, move, step, reload, limit, last):
    """last = `limit` - 1 steps were taken since the reload; a register. Reload goes before step.

    restart: pulse; the loop is over, and any move reloads it.  move: something happens at all.  step, reload: count on, or begin
    anew.  limit: from 1. Latency 1.
    """
    left_q = wrapping(len(limit))

    @always(clk.posedge)
    def count():
        if restart:
            last.next = 1
        elif move:
            if reload:
                left_q.next = limit - 1
                last.next = limit == 1
            elif step:
                left_q.next = left_q - 1
                last.next = left_q == 1

    return count
