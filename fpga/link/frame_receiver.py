"""From bytes of the line to whole, checked requests in the receive ring."""
from myhdl import always_comb, always_seq, block, concat, intbv

from fpga.link.crc import RESIDUE, crc
from fpga.link.protocol import ESCAPE, FLAG, FLIP, HEADER_WORDS, RING_BITS, RING_WORDS, WRITE
from rtl.stream import bit, unsigned, wrapping

EMPTY_WORDS = HEADER_WORDS + 1      # of a request without data: header and check sequence


@block
def frame_receiver(clk, rst, data, strobe, write, write_address, write_data, committed, released):
    """Undoes the stuffing and writes bytes to the ring; a flag after a good frame commits them, after any other takes them back.

    Good: FCS right, no escape open, and as long as its opcode and count say: 12 bytes, and 4 * count more for a write of at
    most 60 words. A byte that finds no room spoils its frame. The check sequence stays in the ring as the frame's last word.
    data, strobe: bytes, strobes are 12 cycles or more apart.  write, write_address (9 bits), write_data: the ring's port.
    committed, released: 7 bits, ring words that may be read from here on, ring words that were read.
    committed moves in the cycle after a flag's strobe. Reset empties the ring.
    """
    write_q, due_q = wrapping(RING_BITS), wrapping(RING_BITS - 2)
    escape_q, bad_q, is_write_q = bit(), bit(), bit()
    byte_q, left_q = unsigned(8), unsigned(4)
    value, due, full_q, opening_q, good_q = unsigned(8), unsigned(RING_BITS - 2), bit(), bit(), bit()
    clear, step, crc_bit, crc_state = bit(), bit(), bit(), unsigned(32)
    u_crc = crc(clk, rst, clear, step, crc_bit, crc_state)

    # What a strobe finds here was settled by the cycles since the one before it.
    @always_seq(clk.posedge, reset=rst)
    def look():
        following = intbv(0)[RING_BITS - 2:]
        following[:] = (write_q[RING_BITS:2] + 1) & (RING_WORDS - 1)
        full_q.next = following == released
        opening_q.next = write_q[RING_BITS:2] == committed
        good_q.next = (not bad_q and not escape_q and crc_state == RESIDUE and write_q[2:] == 0
                       and write_q[RING_BITS:2] == due_q)

    @always_comb
    def foresee():
        words = intbv(0)[RING_BITS - 2:]
        words[:] = 0
        if is_write_q:
            words[:] = value[RING_BITS - 2:]
        due.next = (committed + words + EMPTY_WORDS) & (RING_WORDS - 1)

    @always_comb
    def unstuff():
        if escape_q:
            value.next = data ^ FLIP
        else:
            value.next = data

    @always_comb
    def store():
        write.next = strobe and data != FLAG and (data != ESCAPE or escape_q) and not full_q
        write_address.next = write_q
        write_data.next = value

    @always_comb
    def check():
        clear.next = strobe and data == FLAG
        step.next = left_q != 0
        crc_bit.next = byte_q[0]

    @always_seq(clk.posedge, reset=rst)
    def receive():
        if left_q != 0:
            left_q.next = left_q - 1
            byte_q.next = byte_q >> 1
        if strobe:
            if data == FLAG:
                if good_q:
                    committed.next = write_q[RING_BITS:2]
                else:
                    write_q.next = concat(committed, intbv(0)[2:])
                escape_q.next = False
                bad_q.next = False
            elif data == ESCAPE and not escape_q:
                escape_q.next = True
            else:
                escape_q.next = False
                byte_q.next = value
                left_q.next = 8
                if full_q:
                    bad_q.next = True
                else:
                    write_q.next = write_q + 1
                if opening_q and write_q[2:] == 2:
                    is_write_q.next = value == WRITE
                if opening_q and write_q[2:] == 3:
                    due_q.next = due
                    # More than MOST_WORDS, 0b111100, without a carry chain.
                    if is_write_q and (value[8:6] != 0 or (value[6:2] == 15 and value[2:] != 0)):
                        bad_q.next = True

    return u_crc, look, foresee, unstuff, store, check, receive
