"""The sending half of a UART: eight data bits, no parity, one stop bit."""
from myhdl import Signal, always_comb, always_seq, block, concat, intbv

from fpga.uart_receiver import LEAST_DIVISOR
from rtl.stream import unsigned

BITS = 10               # start bit, eight data bits, stop bit


@block
def uart_transmitter(clk, rst, src, tx, divisor):
    """Sends each byte as a start bit (low), its bits from the lowest up, and a stop bit (high).

    src: stream of 8 bits.  tx: the pin, a register's output.  divisor: clock cycles a bit, 4 or more.
    A byte takes 10 * divisor cycles, without a gap when the next one waits. Reset ends the byte being sent.
    """
    if divisor < LEAST_DIVISOR:
        raise ValueError(f"a UART's divisor must be {LEAST_DIVISOR} or more, not {divisor}")
    bits_q, timer_q = unsigned(4), Signal(intbv(0, min=0, max=divisor))
    shift_q = Signal(intbv((1 << 9) - 1)[9:])

    @always_comb
    def offer():
        src.ready.next = bits_q == 0
        tx.next = shift_q[0]

    @always_seq(clk.posedge, reset=rst)
    def send():
        if bits_q == 0:
            timer_q.next = divisor - 1
            if src.valid:
                bits_q.next = BITS
                shift_q.next = concat(src.data, False)
        elif timer_q != 0:
            timer_q.next = timer_q - 1
        else:
            bits_q.next = bits_q - 1
            shift_q.next = concat(True, shift_q[9:1])
            timer_q.next = divisor - 1
            # The cycle in which the next byte is taken is the last of the stop bit.
            if bits_q == 2:
                timer_q.next = divisor - 2

    return offer, send
