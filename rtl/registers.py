"""The register port: how a host starts the accelerator and reads how it went (docs/accelerator.md)."""
from myhdl import always_seq, block

from rtl.pass_settings import ADDRESS_BITS
from rtl.stream import bit, unsigned

CONTROL, STATUS, PROGRAM, LENGTH = range(4)     # words; performance.COUNTERS follow, in order


class RegisterBus:
    """Wishbone B4 pipelined, slave's side, 32 bits: a request is a cycle of cyc and stb; adr counts words."""

    def __init__(self):
        self.cyc, self.stb, self.we = bit(), bit(), bit()
        self.adr = unsigned(6)
        self.dat_w, self.dat_r = unsigned(32), unsigned(32)
        self.ack, self.stall = bit(), bit()


@block
def registers(clk, rst, bus, start, stop, status, program, length, counters):
    """Word 0 control (write: bit 0 start, bit 1 stop), 1 status (bit 0 busy, 1 done, 2 error, 8..11 cause), 2 program, 3 length.

    Words 4 .. 16 are the counters: cycles, passes, beats, events, words read, words written, then PE-cycles of each cause of
    stall (configuration, no_event, no_weight, no_buffer, output_blocked, row_lookup, drain). Other words read as 0, and writes
    to words that only tell do nothing.
    bus: RegisterBus; never stalls, acknowledged in the next cycle.  start, stop: pulses in the cycle after their write.
    status: supervisor.Status.  program: word address of the program, 28 bits.  length: its 32-bit words.
    counters: performance.Counters. Latency 1, a word a cycle. Reset clears program and length.
    """

    @always_seq(clk.posedge, reset=rst)
    def write():
        start.next = False
        stop.next = False
        if bus.cyc and bus.stb and bus.we:
            if bus.adr == CONTROL:
                start.next = bus.dat_w[0]
                stop.next = bus.dat_w[1]
            elif bus.adr == PROGRAM:
                program.next = bus.dat_w[ADDRESS_BITS:]
            elif bus.adr == LENGTH:
                length.next = bus.dat_w

    @always_seq(clk.posedge, reset=rst)
    def read():
        bus.stall.next = False
        bus.ack.next = bus.cyc and bus.stb
        bus.dat_r.next = 0
        if bus.cyc and bus.stb:
            if bus.adr == STATUS:
                bus.dat_r.next[0] = status.busy
                bus.dat_r.next[1] = status.done
                bus.dat_r.next[2] = status.error
                bus.dat_r.next[12:8] = status.cause
            elif bus.adr == PROGRAM:
                bus.dat_r.next = program
            elif bus.adr == LENGTH:
                bus.dat_r.next = length
            elif bus.adr == 4:
                bus.dat_r.next = counters.cycles
            elif bus.adr == 5:
                bus.dat_r.next = counters.passes
            elif bus.adr == 6:
                bus.dat_r.next = counters.beats
            elif bus.adr == 7:
                bus.dat_r.next = counters.events
            elif bus.adr == 8:
                bus.dat_r.next = counters.words_read
            elif bus.adr == 9:
                bus.dat_r.next = counters.words_written
            elif bus.adr == 10:
                bus.dat_r.next = counters.stall_configuration
            elif bus.adr == 11:
                bus.dat_r.next = counters.stall_no_event
            elif bus.adr == 12:
                bus.dat_r.next = counters.stall_no_weight
            elif bus.adr == 13:
                bus.dat_r.next = counters.stall_no_buffer
            elif bus.adr == 14:
                bus.dat_r.next = counters.stall_output_blocked
            elif bus.adr == 15:
                bus.dat_r.next = counters.stall_row_lookup
            elif bus.adr == 16:
                bus.dat_r.next = counters.stall_drain

    return write, read
