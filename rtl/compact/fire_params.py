"""The parameters of the outputs, from the program words that bring them to the multiplication that uses them."""
from myhdl import always, always_comb, always_seq, block

from rtl.compact.sizes import PARAMS
from rtl.compact.store import store
from rtl.stream import bit, unsigned, wrapping

SCALE_BITS = 16 + 6 + 1     # multiplier, shift, dead


@block
def fire_params(clk, rst, config, start, valid, word, go, first, have, used, bias, multiplier, shift, dead):
    """bias, then multiplier, shift and dead of the next channel, 3 and 4 steps after the step with `first`.

    start: pulse, of a pass that fires; forgets what is held.  valid, word: a program word, bias and scale in turn; at
    most PARAMS are held.
    go: one step.  have: both words of another channel are there.  used: pulse, two words are free again.
    Reset: nothing is held.
    """
    put_q, got_q = wrapping(PARAMS.bit_length() - 1), wrapping(PARAMS.bit_length() - 1)
    level_q = unsigned(PARAMS.bit_length())
    first_2, first_3, first_4, read = bit(), bit(), bit(), bit()
    found = unsigned(32)
    bias_bits = len(bias)

    u_words = store(clk, valid, put_q, word, read, got_q, found, PARAMS, config.family)

    @always_comb
    def tell():
        have.next = level_q > 1
        used.next = go and first
        read.next = go and (first_2 or first_3)

    @always_seq(clk.posedge, reset=rst)
    def count():
        if start:
            put_q.next = 0
            got_q.next = 0
            level_q.next = 0
        else:
            if valid:
                put_q.next = put_q + 1
            if go and (first_2 or first_3):
                got_q.next = got_q + 1
            if valid and not (go and first):
                level_q.next = level_q + 1
            elif go and first and not valid:
                level_q.next = level_q - 2
            elif go and first:
                level_q.next = level_q - 1

    @always_seq(clk.posedge, reset=rst)
    def follow():
        if go:
            first_2.next = first
            first_3.next = first_2
            first_4.next = first_3

    @always(clk.posedge)
    def hold():
        if go and first_3:
            bias.next = found[bias_bits:].signed()
        if go and first_4:
            multiplier.next = found[16:]
            shift.next = found[22:16]
            dead.next = found[22]

    return u_words, tell, count, follow, hold
