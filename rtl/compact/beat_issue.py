"""Asks for the chunks of kernel rows, one a cycle, each with the value and the sum that it is for."""
from myhdl import always_comb, always_seq, block, concat

from rtl.compact.sizes import ADDRESS_BITS, OPEN
from rtl.config import COUNT_BITS, EVENT_BITS
from rtl.stream import bit, signed, unsigned, wrapping


@block
def beat_issue(clk, rst, config, row_count, row_chunk, row_sum, row_value, row_valid, row_ready, chunk, arrived, empty):
    """For a row, count requests: chunk + j, with the note (value, sum + j); j = 0 .. count - 1.

    A sum may be used again four beats later at the earliest, or once its beat has arrived: then the addition is over
    in time.
    row_count .. row_ready: a stream of rows, counts from 1.  chunk: Ask.  arrived: pulse, an answer to chunk.
    empty: no request is left to make and none is open. A request a cycle, from row to row too. Reset forgets all.
    """
    sums = config.acc_address_bits
    left_q, at_q = unsigned(COUNT_BITS), wrapping(ADDRESS_BITS)
    sum_q, value_q = wrapping(sums), signed(EVENT_BITS)
    before_1, before_2, before_3 = (wrapping(sums) for _ in range(3))
    following_q = wrapping(sums)
    open_q = unsigned(OPEN.bit_length())
    busy_q, last_q, one_q, two_q, three_q, same_1, same_2, same_3 = (bit() for _ in range(8))
    clash, sent = bit(), bit()

    @always_comb
    def look():
        # All from registers: the ways from here through the memory port and back are the longest.
        clash.next = (one_q and same_1) or (two_q and same_2) or (three_q and same_3)
        sent.next = busy_q and not clash and chunk.ready

    @always_comb
    def ask():
        chunk.valid.next = busy_q and not clash
        chunk.address.next = at_q
        chunk.note.next = concat(value_q[EVENT_BITS:], sum_q)
        empty.next = not busy_q and not one_q

    @always_comb
    def accept():
        row_ready.next = not busy_q or (last_q and not clash and chunk.ready)

    @always_seq(clk.posedge, reset=rst)
    def step():
        if row_ready:
            busy_q.next = row_valid
            last_q.next = row_count == 1
            left_q.next = row_count
            at_q.next = row_chunk
            sum_q.next = row_sum
            following_q.next = row_sum + 1
            value_q.next = row_value
        elif sent:
            last_q.next = left_q == 2
            left_q.next = left_q - 1
            at_q.next = at_q + 1
            sum_q.next = following_q
            following_q.next = following_q + 1

    @always_seq(clk.posedge, reset=rst)
    def compare():
        # Of the next sum with those that will be one, two and three beats before it.
        if row_ready:
            if sent:
                same_1.next = row_sum == sum_q
                same_2.next = row_sum == before_1
                same_3.next = row_sum == before_2
            else:
                same_1.next = row_sum == before_1
                same_2.next = row_sum == before_2
                same_3.next = row_sum == before_3
        elif sent:
            same_1.next = False
            same_2.next = following_q == before_1
            same_3.next = following_q == before_2

    @always_seq(clk.posedge, reset=rst)
    def follow():
        if sent:
            before_1.next = sum_q
            before_2.next = before_1
            before_3.next = before_2
        if sent and not arrived:
            open_q.next = open_q + 1
            one_q.next = True
            two_q.next = one_q
            three_q.next = two_q
        elif arrived and not sent:
            open_q.next = open_q - 1
            one_q.next = two_q
            two_q.next = three_q
            three_q.next = open_q > 3

    return look, ask, accept, step, compare, follow
