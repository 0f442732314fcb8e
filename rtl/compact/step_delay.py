"""A delay of some steps in a small memory: registers would take a logic cell each."""
from myhdl import always_comb, always_seq, block

from rtl.compact.store import store
from rtl.stream import wrapping


@block
def step_delay(clk, rst, go, data, late, steps, family="generic"):
    """late = data, `steps` steps ago; undefined for the first ones.

    go: one step.  data, late: unsigned, equal width.  steps: from 2.  family: of config.FAMILIES.
    Reset only sets the place in the memory.
    """
    place_q, following = wrapping((steps - 1).bit_length()), wrapping((steps - 1).bit_length())
    last = steps - 1

    u_words = store(clk, go, place_q, data, go, following, late, steps, family)

    @always_comb
    def look():
        following.next = place_q + 1
        if place_q == last:
            following.next = 0

    @always_seq(clk.posedge, reset=rst)
    def move():
        if go:
            place_q.next = following

    return u_words, look, move
