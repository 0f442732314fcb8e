"""The register port of the compact accelerator, whose counters share a small block RAM (numbers as in rtl/registers.py)."""
from myhdl import always, always_comb, always_seq, block, concat, intbv

from rtl.activity import BEAT, CONFIGURATION, DRAIN, NO_BUFFER, NO_EVENT, NO_WEIGHT, ROW_LOOKUP
from rtl.compact.store import store
from rtl.compact.sizes import small
from rtl.hdl import joined
from rtl.performance import COUNTERS
from rtl.registers import CONTROL, LENGTH, PROGRAM, STATUS
from rtl.stream import bit, unsigned, wrapping

COUNTER_BITS = 32
PLACES = 16             # places of the block RAM: a register number modulo 16
PENDING_BITS = 6        # a counter is visited every PLACES cycles, and twice as late where the host reads counters
FIRST = 4               # number of the first counter
STATES = {"beats": BEAT, "stall_configuration": CONFIGURATION, "stall_no_event": NO_EVENT, "stall_no_weight": NO_WEIGHT,
          "stall_no_buffer": NO_BUFFER, "stall_row_lookup": ROW_LOOKUP, "stall_drain": DRAIN}


@block
def pulse_count(clk, rst, launch, more, taken, mine, number):
    """number = pulses of `more` not yet added to the counter, with a bit on top: the counter starts anew.

    launch: start anew.  taken, mine: what was counted up to this cycle is added to a counter, to this one.
    """
    top = 1 << PENDING_BITS

    @always_seq(clk.posedge, reset=rst)
    def follow():
        if launch:
            number.next = top
        elif taken and mine:
            number.next = more
        elif more:
            number.next = number + 1

    return follow


@block
def state_pulse(running, pe_state, state, more):
    """more = the PE is in `state`; combinational."""

    @always_comb
    def compare():
        more.next = running and pe_state == state

    return compare


@block
def place_match(clk, place, number, mine):
    """mine(t + 1) = place(t) is the counter's.  No reset."""

    @always(clk.posedge)
    def compare():
        mine.next = place == number

    return compare


@block
def counters(clk, rst, config, bus, start, stop, renew, status, program, length, launch, running, pe_state, passes_done,
             event_taken, read_answered, write_accepted):
    """Registers as in rtl/registers.py; the counter of stalls by blocked outputs, which do not happen, is 0; so are
    all of stalls where the device is small.

    bus: RegisterBus; never stalls, acknowledged in the next cycle; while a program runs counters may be read every
    2 * PLACES + 3 cycles, since a read takes the turn of one.  start, stop: pulses in the cycle after their write;
    renew: in the cycle after a write to program or length.
    status: supervisor.Status.  program: word address of the program, as many bits as it has.  length: its 32-bit words.
    launch: counting starts anew; nothing of its cycle counts.  running: count.  pe_state: see rtl.activity, of one PE.
    passes_done .. write_accepted: pulses.  Reset clears program and length; counters are 0 from the first launch on.
    """
    names = [name for name in COUNTERS
             if name != "stall_output_blocked" and not (small(config) and name.startswith("stall"))]
    numbers = [(FIRST + COUNTERS.index(name)) & (PLACES - 1) for name in names]
    number, width, top = len(names), PENDING_BITS + 1, 1 << PENDING_BITS
    pending, mine = [unsigned(width) for _ in names], [bit() for _ in names]
    more = {name: bit() for name in names}
    all_pending, all_mine = joined(pending), joined(mine)
    turn_q, place, place_q = wrapping(4), unsigned(4), unsigned(4)
    asks, looks, asked_q, looked_q, write, always_on = (bit() for _ in range(6))
    found, total = unsigned(COUNTER_BITS), wrapping(COUNTER_BITS)
    number_q = unsigned(6)
    last_number = FIRST + COUNTERS.index(names[-1])
    blocked = FIRST + COUNTERS.index("stall_output_blocked")
    program_bits, length_bits = len(program), len(length)

    u_store = store(clk, write, place_q, total, always_on, place, found, PLACES, config.family)
    u_pulses = [pulse_count(clk, rst, launch, more[names[i]], write, mine[i], pending[i]) for i in range(number)]
    u_states = [state_pulse(running, pe_state, STATES[name], more[name]) for name in names if name in STATES]
    u_places = [place_match(clk, place, numbers[i], mine[i]) for i in range(number)]
    cycles, passes, events, reads, writes = (more[name] for name in ("cycles", "passes", "events", "words_read",
                                                                     "words_written"))

    @always_comb
    def count():
        cycles.next = running
        passes.next = running and passes_done
        events.next = running and event_taken
        reads.next = running and read_answered
        writes.next = running and write_accepted

    @always_comb
    def turn():
        asks.next = bus.cyc and bus.stb
        always_on.next = True
        place.next = turn_q
        looks.next = bus.cyc and bus.stb and bus.adr >= FIRST
        if bus.cyc and bus.stb and bus.adr >= FIRST:
            place.next = bus.adr[4:]

    @always_comb
    def add():
        # A place is not written while the host may be reading it; its pulses wait.
        one = intbv(0)[width:]
        one[:] = 0
        for i in range(number):
            if all_mine[i]:
                one[:] = one | ((all_pending >> (i * width)) & (2 * top - 1))
        write.next = not looked_q and not looks
        if one[PENDING_BITS]:
            total.next = one[PENDING_BITS:]
        else:
            total.next = found + one[PENDING_BITS:]

    @always_seq(clk.posedge, reset=rst)
    def follow():
        place_q.next = place
        asked_q.next = asks
        looked_q.next = looks
        number_q.next = bus.adr
        bus.ack.next = asks
        bus.stall.next = False
        if not looks:
            turn_q.next = turn_q + 1

    @always_seq(clk.posedge, reset=rst)
    def obey():
        start.next = False
        stop.next = False
        renew.next = asks and bus.we and (bus.adr == PROGRAM or bus.adr == LENGTH)
        if asks and bus.we:
            if bus.adr == CONTROL:
                start.next = bus.dat_w[0]
                stop.next = bus.dat_w[1]
            elif bus.adr == PROGRAM:
                program.next = bus.dat_w[program_bits:]
            elif bus.adr == LENGTH:
                length.next = bus.dat_w[length_bits:]

    @always_comb
    def show():
        bus.dat_r.next = 0
        if asked_q:
            if number_q == STATUS:
                bus.dat_r.next = concat(status.cause, intbv(0)[5:], status.error, status.done, status.busy)
            elif number_q == PROGRAM:
                bus.dat_r.next = program
            elif number_q == LENGTH:
                bus.dat_r.next = length
            elif number_q >= FIRST and number_q <= last_number and number_q != blocked:
                bus.dat_r.next = total

    return u_store, u_pulses, u_states, u_places, count, turn, add, follow, obey, show
