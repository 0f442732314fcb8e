"""What a board's LEDs show."""
from myhdl import always_comb, always_seq, block

from rtl.registers import STATUS
from rtl.stream import bit, unsigned, wrapping

ERROR_BIT = 2           # of the status word


@block
def leds(clk, rst, bus, regs, led, clock_hz, active_low):
    """led[0] blinks, two to four times a second; led[1]: the accelerator uses its memory; led[2]: the last status read had an error.

    bus: MemoryBus.  regs: RegisterBus.  led: a bit an LED; those from 3 on stay dark.  clock_hz: of clk.
    active_low: a bit of 0 lights its LED. Reset clears the error.
    """
    bits = max(2, clock_hz.bit_length() - 2)
    count_q, asked_q, error_q = wrapping(bits), bit(), bit()
    busy, shown = bit(), unsigned(3)
    flip = (1 << len(led)) - 1 if active_low else 0
    mask = (1 << len(led)) - 1

    @always_seq(clk.posedge, reset=rst)
    def watch():
        count_q.next = count_q + 1
        asked_q.next = regs.cyc and regs.stb and not regs.we and regs.adr == STATUS
        if asked_q:
            error_q.next = regs.dat_r[ERROR_BIT]

    @always_comb
    def collect():
        shown.next[0] = count_q[bits - 1]
        shown.next[1] = bus.cyc
        shown.next[2] = error_q

    @always_comb
    def light():
        led.next = (shown & mask) ^ flip

    return watch, collect, light
