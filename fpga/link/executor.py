"""Carries out requests from the receive ring and writes their replies (docs/link.md)."""
from myhdl import Signal, always, always_comb, always_seq, block, concat, enum, intbv

from fpga.identity import identity
from fpga.link.crc import crc
from fpga.link.protocol import IDENTITY, IDENTITY_BITS, RING_BITS, SPACE_BIT
from fpga.link.request_order import Order, request_order
from rtl.stream import bit, unsigned, wrapping

LAST_BIT, LAST_PLACE = 31, 7
# SHIFT fills the word register bit by bit, DECODE acts on what came, ACCESS uses the bus; OPEN, BYTE and CLOSE offer a byte to
# the line, ROTATE moves the next one into place and through the CRC.
State = enum("IDLE", "SHIFT", "DECODE", "ACCESS", "OPEN", "BYTE", "ROTATE", "CLOSE")
# What the word register holds: a request's header, address, data or check sequence; a reply's header, data, check sequence.
HEADER, ADDRESS, BODY, REPLY, WORDS, CHECKSUM = 0, 1, 2, 4, 5, 6


@block
def executor(clk, rst, ring_address, ring_data, committed, released, bus, dst, identity_words):
    """Reads a request, checks its order, does its accesses, replies; one after the other.

    A word moves bit by bit through one register: from the ring (33 cycles), to the line (a byte, then 8 cycles), so a request of
    60 words takes about 2300 cycles, less than the line takes to bring it. A read first tries its last word, since the reply's
    status goes out before its data.
    ring_address (9 bits), ring_data: the ring's read port, latency 1 or 2.  committed, released: see frame_receiver.
    bus: LinkBus.  dst: stream of 9 bits for frame_sender.  identity_words: what a read of the identity tells, a tuple; the bus
    only says whether such a word exists. Reset: no session is open; requests in the ring are forgotten with it.
    """
    address_bits = len(bus.adr) - 1
    word_q, byte_q, bit_q, read_q = unsigned(32), unsigned(8), wrapping(5), wrapping(RING_BITS)
    state_q, phase_q = Signal(State.IDLE), unsigned(3)
    base_q, outside_q, space_q, adr_q = unsigned(address_bits), bit(), unsigned(2), unsigned(address_bits + 1)
    index_q, ended_q = wrapping(6), bit()
    stb_q, acked_q, erred_q = bit(), bit(), bit()
    order, header, address, failure = Order(), bit(), bit(), bit()
    moves, loads, begins, byte_ends, more, counts = (bit() for _ in range(6))
    shift_in, told, identity_place, identity_bit = bit(), unsigned(8), unsigned(IDENTITY_BITS + 5), bit()
    clear, step, crc_bit, crc_state = bit(), bit(), bit(), unsigned(32)
    u_crc = crc(clk, rst, clear, step, crc_bit, crc_state)
    u_identity = identity(identity_place, identity_bit, identity_words)
    u_order = request_order(clk, rst, word_q, header, address, failure, order)

    @always_comb
    def look():
        moves.next = state_q == State.SHIFT or state_q == State.ROTATE
        loads.next = state_q == State.ACCESS and phase_q == WORDS and not acked_q
        begins.next = state_q == State.IDLE and committed != read_q[RING_BITS:2]
        byte_ends.next = bit_q[3:] == LAST_PLACE
        more.next = order.write and not ended_q
        header.next = state_q == State.DECODE and phase_q == HEADER
        address.next = state_q == State.DECODE and phase_q == ADDRESS
        failure.next = state_q == State.ACCESS and acked_q and erred_q
        clear.next = state_q == State.OPEN
        step.next = state_q == State.ROTATE or phase_q == CHECKSUM

    @always_comb
    def choose_byte():
        told.next = ring_data
        if state_q == State.OPEN:
            told.next = order.session
        elif phase_q == REPLY:
            if bit_q[5:3] == 0:
                told.next = order.sequence
            elif bit_q[5:3] == 1:
                told.next = order.status
            elif order.answers:
                told.next = order.count
            else:
                told.next = 0

    @always_comb
    def choose_bit():
        identity_place.next = concat(adr_q[IDENTITY_BITS:], bit_q)
        crc_bit.next = word_q[0]
        shift_in.next = byte_q[0]
        if phase_q == WORDS:
            shift_in.next = identity_bit
        elif phase_q == CHECKSUM:
            crc_bit.next = crc_state[0]
            shift_in.next = not crc_state[0]

    @always(clk.posedge)
    def fill():
        if state_q == State.SHIFT and not byte_ends:
            byte_q.next = byte_q >> 1
        elif state_q != State.ACCESS:
            byte_q.next = told
        if moves:
            word_q.next = concat(shift_in, word_q[32:1])
        elif loads:
            word_q.next = bus.dat_r

    @always_seq(clk.posedge, reset=rst)
    def read_ring():
        # A byte register is filled as soon as it is empty: the word after the last must not be begun.
        if begins or (state_q == State.DECODE and (phase_q != BODY or more)) \
                or (state_q == State.SHIFT and byte_ends and bit_q != LAST_BIT and phase_q < REPLY):
            read_q.next = read_q + 1

    @always_comb
    def show():
        ring_address.next = read_q
        released.next = read_q[RING_BITS:2]
        dst.valid.next = state_q == State.OPEN or state_q == State.BYTE or state_q == State.CLOSE
        dst.data.next = concat(state_q != State.BYTE, word_q[8:])

    @always_seq(clk.posedge, reset=rst)
    def move():
        if moves:
            bit_q.next = bit_q + 1

        if state_q == State.IDLE:
            phase_q.next = HEADER
            if begins:
                state_q.next = State.SHIFT

        elif state_q == State.SHIFT:
            if bit_q == LAST_BIT:
                if phase_q < REPLY:
                    state_q.next = State.DECODE
                else:
                    state_q.next = State.BYTE

        elif state_q == State.DECODE:
            state_q.next = State.SHIFT
            if phase_q == HEADER:
                phase_q.next = ADDRESS
            elif phase_q == ADDRESS:
                phase_q.next = BODY
            elif more:
                if order.acts:
                    state_q.next = State.ACCESS
            elif order.answers:
                state_q.next = State.ACCESS
            else:
                state_q.next = State.OPEN

        elif state_q == State.ACCESS:
            if acked_q:
                if phase_q == WORDS:
                    state_q.next = State.BYTE
                elif order.write:
                    state_q.next = State.SHIFT
                else:
                    state_q.next = State.OPEN

        elif state_q == State.ROTATE:
            if byte_ends:
                if bit_q != LAST_BIT:
                    state_q.next = State.BYTE
                elif phase_q == CHECKSUM:
                    state_q.next = State.CLOSE
                elif order.answers and not ended_q:
                    phase_q.next = WORDS
                    if space_q == IDENTITY:
                        state_q.next = State.SHIFT
                    else:
                        state_q.next = State.ACCESS
                else:
                    phase_q.next = CHECKSUM
                    state_q.next = State.SHIFT

        elif dst.ready:
            if state_q == State.OPEN:
                phase_q.next = REPLY
                state_q.next = State.SHIFT
            elif state_q == State.BYTE:
                state_q.next = State.ROTATE
            else:
                state_q.next = State.IDLE

    @always_comb
    def ask():
        bus.stb.next = stb_q and not acked_q
        bus.we.next = order.write
        bus.space.next = space_q
        bus.adr.next = adr_q
        bus.dat_w.next = word_q
        counts.next = (state_q == State.DECODE and phase_q == BODY and more and not order.acts) \
            or (state_q == State.SHIFT and phase_q == WORDS and bit_q == LAST_BIT) \
            or (state_q == State.ACCESS and acked_q)

    @always_seq(clk.posedge, reset=rst)
    def access():
        place = intbv(0)[address_bits + 1:]
        place[:] = base_q + index_q
        if outside_q:
            place[address_bits] = 1
        adr_q.next = place
        stb_q.next = state_q == State.ACCESS and not acked_q
        acked_q.next = bus.ack
        erred_q.next = bus.err
        ended_q.next = index_q == order.count
        if address:
            index_q.next = 0
            base_q.next = word_q[address_bits:]
            outside_q.next = word_q[SPACE_BIT:address_bits] != 0
            space_q.next = word_q[32:SPACE_BIT]
            if order.hello:
                base_q.next = 0
                outside_q.next = False
                space_q.next = IDENTITY
        elif counts:
            if phase_q == BODY and not order.write:
                index_q.next = 0
            else:
                index_q.next = index_q + 1
        elif state_q == State.DECODE and not more:
            index_q.next = (order.count - 1) & 63

    return u_crc, u_identity, u_order, look, choose_byte, choose_bit, fill, read_ring, show, move, ask, access
