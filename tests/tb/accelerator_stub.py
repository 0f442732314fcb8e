"""A stand-in with the ports of an accelerator that does something simple, so that the benches are tested without the real one.

Three passes of n = `length` words each. Pass p reads words program + p n .., then writes their sum (lowest byte, running) plus
the index to words program + (3 + p) n .., odd ones with the lowest byte only; passes 0 and 2 then fire n outputs. A length of 0
hangs.
"""
from myhdl import ResetSignal, Signal, always_comb, always_seq, block, intbv

from rtl.hdl import convert
from rtl.memory_bus import MemoryBus
from rtl.stream import bit, unsigned, wrapping

PASSES, MOST_OPEN = 3, 8
IDLE, READ, WRITE, FIRE, LEAVE, END = range(6)


class RegisterBus:
    def __init__(self):
        self.cyc, self.stb, self.we = bit(), bit(), bit()
        self.adr, self.dat_w, self.dat_r = unsigned(6), unsigned(32), unsigned(32)
        self.ack, self.stall = bit(), bit()


class Tap:
    def __init__(self, config):
        self.fire_strobe, self.fired_pass_done, self.pass_start = bit(), bit(), bit()
        self.fire_values, self.fire_emit = unsigned(9 * config.fire_lanes), unsigned(config.fire_lanes)
        self.fire_y, self.fire_x, self.fire_group = unsigned(16), unsigned(16), unsigned(16)
        self.pe_state = unsigned(3 * config.pes)


class Ports:
    def __init__(self, config):
        self.clk, self.rst = bit(), ResetSignal(0, active=1, isasync=False)
        self.bus, self.regs, self.tap = MemoryBus(config), RegisterBus(), Tap(config)


def ports(config):
    return Ports(config)


@block
def accelerator(config, clk, rst, bus, regs, tap):
    """The stand-in. Reset stops it."""
    pes, fire_lanes, width = config.pes, config.fire_lanes, config.port_bytes
    state_q = Signal(intbv(IDLE, min=0, max=8))
    program_q, length_q = unsigned(28), unsigned(16)
    issue_q, answers_q, pass_q = unsigned(16), unsigned(16), unsigned(8)
    open_q = unsigned(8)
    sum_q, cycles_q = wrapping(8), wrapping(32)
    busy_q, done_q, error_q, stb_q, stop_q = bit(), bit(), bit(), bit(), bit()
    cause_q = unsigned(4)
    stb, status = bit(), unsigned(32)
    data = unsigned(8)
    all_bytes = (1 << width) - 1

    @always_comb
    def show():
        bus.cyc.next = stb_q or open_q != 0
        bus.stb.next = stb_q
        stb.next = stb_q
        status.next = (cause_q << 8) | (error_q << 2) | (done_q << 1) | busy_q
        regs.stall.next = False
        tap.fire_emit.next = 0
        tap.fire_y.next = 0
        tap.fire_group.next = 0

    @always_comb
    def look():
        states = intbv(0)[3 * pes:]
        one = intbv(0)[3:]
        states[:] = 0
        for i in range(pes):
            one[:] = 2
            if state_q == FIRE:
                one[:] = (issue_q + i) & 7
            elif state_q == WRITE:
                one[:] = 5
            states[:] = states | (one << (3 * i))
        tap.pe_state.next = states

    @always_comb
    def fire():
        values = intbv(0)[9 * fire_lanes:]
        part = intbv(0)[9:]
        values[:] = 0
        for i in range(fire_lanes):
            part[:] = (sum_q + issue_q + i) & 255
            if i == 1:
                part[:] = part | 256
            values[:] = values | (part << (9 * i))
        tap.fire_values.next = values
        tap.fire_strobe.next = state_q == FIRE
        tap.fire_x.next = issue_q
        tap.fired_pass_done.next = state_q == FIRE and issue_q + 1 == length_q
        data.next = bus.dat_r & 255

    @always_seq(clk.posedge, reset=rst)
    def work():
        regs.ack.next = regs.cyc and regs.stb
        regs.dat_r.next = 0
        if regs.cyc and regs.stb:
            if regs.adr == 1:
                regs.dat_r.next = status
            elif regs.adr == 4:
                regs.dat_r.next = cycles_q
            elif regs.adr == 63:
                regs.dat_r.next = 0xABCD1234
        tap.pass_start.next = False
        if busy_q:
            cycles_q.next = cycles_q + 1

        if stb and not bus.stall:
            stb_q.next = False
            if not (bus.ack or bus.err):
                open_q.next = open_q + 1
        elif bus.ack or bus.err:
            open_q.next = open_q - 1

        if state_q == READ or state_q == WRITE:
            if bus.ack:
                answers_q.next = answers_q + 1
                if state_q == READ:
                    sum_q.next = sum_q + data
            if (not stb or not bus.stall) and issue_q != length_q and open_q < MOST_OPEN:
                stb_q.next = True
                bus.we.next = state_q == WRITE
                if state_q == READ:
                    bus.adr.next = program_q + pass_q * length_q + issue_q
                else:
                    bus.adr.next = program_q + (pass_q + PASSES) * length_q + issue_q
                bus.dat_w.next = (sum_q + issue_q) & 255
                bus.sel.next = all_bytes
                if issue_q[0]:
                    bus.sel.next = 1
                issue_q.next = issue_q + 1
            if answers_q == length_q and length_q != 0:
                answers_q.next = 0
                issue_q.next = 0
                if state_q == READ:
                    state_q.next = WRITE
                elif pass_q == 1:
                    state_q.next = LEAVE
                else:
                    state_q.next = FIRE
        elif state_q == FIRE:
            issue_q.next = issue_q + 1
            if issue_q + 1 == length_q:
                issue_q.next = 0
                state_q.next = LEAVE
        elif state_q == LEAVE:
            pass_q.next = pass_q + 1
            state_q.next = READ
            tap.pass_start.next = True
            if pass_q == PASSES - 1:
                tap.pass_start.next = False
                state_q.next = END
        elif state_q == END:
            if open_q == 0 and not stb:
                state_q.next = IDLE
                busy_q.next = False
                done_q.next = cause_q == 0
                error_q.next = cause_q != 0

        if bus.err:
            cause_q.next = 1
            state_q.next = END
        elif stop_q:
            cause_q.next = 5
            state_q.next = END
        if bus.err or stop_q:
            if not stb or not bus.stall:
                stb_q.next = False
        stop_q.next = False
        if regs.cyc and regs.stb and regs.we:
            if regs.adr == 0:
                stop_q.next = regs.dat_w[1] and busy_q
                if regs.dat_w[0]:
                    state_q.next = READ
                    busy_q.next = True
                    done_q.next = False
                    error_q.next = False
                    cause_q.next = 0
                    pass_q.next = 0
                    issue_q.next = 0
                    answers_q.next = 0
                    sum_q.next = 0
                    cycles_q.next = 0
                    tap.pass_start.next = True
            elif regs.adr == 2:
                program_q.next = regs.dat_w[28:]
            elif regs.adr == 3:
                length_q.next = regs.dat_w[16:]

    return show, look, fire, work


def convert_accelerator(config, folder, name="accelerator"):
    p = Ports(config)
    return convert(accelerator(config, p.clk, p.rst, p.bus, p.regs, p.tap), name, folder)
