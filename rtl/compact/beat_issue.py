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
    open_q = unsigned(OPEN.bit_length())
    clash, sent = bit(), bit()

    @always_comb
    def compare():
        clash.next = ((open_q != 0 and before_1 == sum_q) or (open_q > 1 and before_2 == sum_q)
                      or (open_q > 2 and before_3 == sum_q))

    @always_comb
    def ask():
        chunk.valid.next = left_q != 0 and not clash
        chunk.address.next = at_q
        chunk.note.next = concat(value_q[EVENT_BITS:], sum_q)
        empty.next = left_q == 0 and open_q == 0

    @always_comb
    def look():
        sent.next = chunk.valid and chunk.ready

    @always_comb
    def accept():
        row_ready.next = left_q == 0 or (left_q == 1 and sent)

    @always_seq(clk.posedge, reset=rst)
    def step():
        if row_ready:
            left_q.next = 0
            if row_valid:
                left_q.next = row_count
        elif sent:
            left_q.next = left_q - 1
        if row_ready:
            at_q.next = row_chunk
            sum_q.next = row_sum
            value_q.next = row_value
        elif sent:
            at_q.next = at_q + 1
            sum_q.next = sum_q + 1
        if sent:
            before_1.next = sum_q
            before_2.next = before_1
            before_3.next = before_2
        if sent and not arrived:
            open_q.next = open_q + 1
        elif arrived and not sent:
            open_q.next = open_q - 1

    return compare, ask, look, accept, step
