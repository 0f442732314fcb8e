"""The register port: how a host starts the accelerator and reads how it went (docs/accelerator.md)."""
from myhdl import always_comb, always_seq, block

from rtl.pass_settings import ADDRESS_BITS
from rtl.performance import COUNTERS
from rtl.stream import bit, unsigned
from rtl.word_mux import word_mux

CONTROL, STATUS, PROGRAM, LENGTH = range(4)     # words; performance.COUNTERS follow, in order


class RegisterBus:
    """Wishbone B4 pipelined, slave's side, 32 bits: a request is a cycle of cyc and stb; adr counts words."""

    def __init__(self):
        self.cyc, self.stb, self.we = bit(), bit(), bit()
        self.adr = unsigned(6)
        self.dat_w, self.dat_r = unsigned(32), unsigned(32)
        self.ack, self.stall = bit(), bit()


@block
def registers(clk, rst, bus, start, stop, renew, status, program, length, counters):
    """Word 0 control (write: bit 0 start, bit 1 stop), 1 status (bit 0 busy, 1 done, 2 error, 8..11 cause), 2 program, 3 length.

    Words 4 .. 16 are the counters: cycles, passes, beats, events, words read, words written, then PE-cycles of each cause of
    stall (configuration, no_event, no_weight, no_buffer, output_blocked, row_lookup, drain). Other words read as 0, and writes
    to words that only tell do nothing.
    bus: RegisterBus; never stalls, acknowledged in the next cycle.  start, stop: pulses in the cycle after their write;
    renew: in the cycle after a write to program or length.  status: supervisor.Status.  program: word address of the program,
    28 bits.  length: its 32-bit words.
    counters: performance.Counters. Latency 1, a word a cycle. Reset clears program and length.
    """
    # A copy, as the converter does not join slices that a block takes of a top's port.
    number = unsigned(len(bus.adr))
    status_word, program_word, nothing, chosen = (unsigned(32) for _ in range(4))
    words = [nothing, status_word, program_word, length, *(getattr(counters, name) for name in COUNTERS)]
    u_chosen = word_mux(words + [nothing] * ((1 << len(bus.adr)) - len(words)), number, chosen)

    @always_seq(clk.posedge, reset=rst)
    def write():
        start.next = False
        stop.next = False
        renew.next = bus.cyc and bus.stb and bus.we and (bus.adr == PROGRAM or bus.adr == LENGTH)
        if bus.cyc and bus.stb and bus.we:
            if bus.adr == CONTROL:
                start.next = bus.dat_w[0]
                stop.next = bus.dat_w[1]
            elif bus.adr == PROGRAM:
                program.next = bus.dat_w[ADDRESS_BITS:]
            elif bus.adr == LENGTH:
                length.next = bus.dat_w

    @always_comb
    def compose():
        status_word.next = 0
        status_word.next[0] = status.busy
        status_word.next[1] = status.done
        status_word.next[2] = status.error
        status_word.next[12:8] = status.cause
        program_word.next = program
        number.next = bus.adr
        nothing.next = 0

    @always_seq(clk.posedge, reset=rst)
    def read():
        bus.stall.next = False
        bus.ack.next = bus.cyc and bus.stb
        bus.dat_r.next = 0
        if bus.cyc and bus.stb:
            bus.dat_r.next = chosen

    return u_chosen, write, compose, read
