"""Where an access of the link goes: memory, identity or registers."""
from myhdl import always_comb, always_seq, block

from fpga.link.protocol import IDENTITY, IDENTITY_BITS, MEMORY, REGISTER_BITS, REGISTERS
from rtl.stream import bit


@block
def address_spaces(clk, rst, bus, memory, regs):
    """Passes an access on by its space; err for a word that the space does not have.

    bus: LinkBus of the link.  memory: LinkBus whose adr counts 32-bit words.  regs: RegisterBus.
    Both must give zeros but in the cycle of their ack.
    Latency: identity (whose words the executor knows) and what is beyond a space 0, registers 1, memory its own.
    Reset forgets an open request.
    """
    asked_q, hit = bit(), bit()

    @always_comb
    def ask_memory():
        memory.stb.next = bus.stb and bus.space == MEMORY
        memory.we.next = bus.we
        memory.space.next = MEMORY
        memory.adr.next = bus.adr
        memory.dat_w.next = bus.dat_w

    @always_comb
    def ask_registers():
        hit.next = bus.stb and bus.space == REGISTERS and (bus.adr >> REGISTER_BITS) == 0
        regs.we.next = bus.we
        regs.adr.next = bus.adr & ((1 << REGISTER_BITS) - 1)
        regs.dat_w.next = bus.dat_w

    @always_comb
    def begin():
        regs.cyc.next = hit and not asked_q
        regs.stb.next = hit and not asked_q

    @always_seq(clk.posedge, reset=rst)
    def follow():
        asked_q.next = hit and not asked_q

    @always_comb
    def answer():
        if bus.space == MEMORY:
            bus.ack.next = memory.ack
            bus.err.next = memory.err
        elif bus.space == REGISTERS:
            bus.ack.next = bus.stb and (regs.ack or not hit)
            bus.err.next = not hit
        else:
            bus.ack.next = bus.stb
            bus.err.next = bus.space != IDENTITY or (bus.adr >> IDENTITY_BITS) != 0

    @always_comb
    def join():
        bus.dat_r.next = memory.dat_r | regs.dat_r

    return ask_memory, ask_registers, begin, follow, answer, join
