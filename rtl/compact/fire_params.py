"""The parameters of the outputs, from the program words that bring them to the multiplication that uses them."""
from myhdl import always_comb, always_seq, block

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
    slot_bits = PARAMS.bit_length() - 2
    put_q, got_q = wrapping(slot_bits + 1), wrapping(slot_bits)
    level_q = unsigned(PARAMS.bit_length())
    first_2, first_3, first_4 = bit(), bit(), bit()
    bias_bits = len(bias)
    put_bias, put_scale, take_bias, take_scale = bit(), bit(), bit(), bit()
    slot, bias_in, scale_in = unsigned(slot_bits), unsigned(bias_bits), unsigned(SCALE_BITS)
    bias_found, scale_found = unsigned(bias_bits), unsigned(SCALE_BITS)

    # The memories' outputs hold what the multiplication uses: registers of their own would take as many logic cells.
    u_bias = store(clk, put_bias, slot, bias_in, take_bias, got_q, bias_found, PARAMS // 2, config.family)
    u_scale = store(clk, put_scale, slot, scale_in, take_scale, got_q, scale_found, PARAMS // 2, config.family)

    @always_comb
    def tell():
        have.next = level_q > 1
        used.next = go and first
        take_bias.next = go and first_3
        take_scale.next = go and first_4

    @always_comb
    def put():
        slot.next = put_q[slot_bits + 1:1]
        put_bias.next = valid and not put_q[0]
        put_scale.next = valid and put_q[0]
        bias_in.next = word[bias_bits:]
        scale_in.next = word[SCALE_BITS:]

    @always_comb
    def give():
        bias.next = bias_found[bias_bits:].signed()
        multiplier.next = scale_found[16:]
        shift.next = scale_found[22:16]
        dead.next = scale_found[22]

    @always_seq(clk.posedge, reset=rst)
    def count():
        if start:
            put_q.next = 0
            got_q.next = 0
            level_q.next = 0
        else:
            if valid:
                put_q.next = put_q + 1
            if go and first_4:
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

    return u_bias, u_scale, tell, put, give, count, follow
