"""The receiving half of a UART: eight data bits, no parity, one stop bit."""
from myhdl import Signal, always_seq, block, concat, intbv

from rtl.stream import bit, unsigned

STOP = 9                # bits before it: start and eight data bits
LEAST_DIVISOR = 4       # clock cycles a bit: the middle of a bit is then known to a quarter of it


@block
def uart_receiver(clk, rst, rx, data, strobe, divisor):
    """data is what came over the line, lowest bit first; each bit is sampled once, in its middle.

    rx: the pin, of any phase (two flip-flops bring it into the clock's domain).  data: 8 bits, changes only while a byte comes in.
    strobe: a pulse for each byte with a good stop bit; a byte without one is dropped, as is a start bit shorter than half a bit.
    divisor: clock cycles a bit, 4 or more. strobe comes divisor / 2 + 4 cycles after the stop bit began. Reset drops the byte
    coming in; the line must be high once before the next one.
    """
    if divisor < LEAST_DIVISOR:
        raise ValueError(f"a UART's divisor must be {LEAST_DIVISOR} or more, not {divisor}")
    first_q, line_q, before_q = bit(1), bit(1), bit()
    busy_q = bit()
    timer_q, bits_q = Signal(intbv(0, min=0, max=divisor)), unsigned(4)
    half = divisor >> 1

    @always_seq(clk.posedge, reset=rst)
    def receive():
        first_q.next = rx
        line_q.next = first_q
        before_q.next = line_q
        strobe.next = False
        if not busy_q:
            busy_q.next = before_q and not line_q
            timer_q.next = half - 1
            bits_q.next = 0
        elif timer_q != 0:
            timer_q.next = timer_q - 1
        else:
            timer_q.next = divisor - 1
            bits_q.next = bits_q + 1
            if bits_q == 0:
                busy_q.next = not line_q
            elif bits_q == STOP:
                busy_q.next = False
                strobe.next = line_q
            else:
                data.next = concat(line_q, data[8:1])

    return receive
