"""Counts what a program costs: cycles, passes, events, memory words, and what the PEs did in each cycle."""
from myhdl import always_seq, block, intbv

from rtl.activity import (BEAT, CONFIGURATION, DRAIN, NO_BUFFER, NO_EVENT, NO_WEIGHT, OUTPUT_BLOCKED, ROW_LOOKUP)
from rtl.stream import bit, unsigned, wrapping

COUNTER_BITS = 32
# In the order of the registers, from word 4 on.
COUNTERS = ("cycles", "passes", "beats", "events", "words_read", "words_written", "stall_configuration", "stall_no_event",
            "stall_no_weight", "stall_no_buffer", "stall_output_blocked", "stall_row_lookup", "stall_drain")


class Counters:
    """Counts modulo 2**32; those of beats and stalls are in PE-cycles: together they are cycles * pes."""

    def __init__(self):
        for name in COUNTERS:
            setattr(self, name, wrapping(COUNTER_BITS))


@block
def count_state(clk, rst, config, clear, running, pe_state, state, counter):
    """counter += PEs in `state` (one of activity.CAUSES), in each cycle of `running`; clear: start anew.

    clear, running belong to the pe_state of the cycle before. Latency 2 from pe_state. Reset clears.
    """
    pes = config.pes
    here_q = unsigned(4)

    @always_seq(clk.posedge, reset=rst)
    def count():
        here = intbv(0)[4:]
        here[:] = 0
        for i in range(pes):
            if (pe_state >> (3 * i)) & 7 == state:
                here[:] = here + 1
        here_q.next = here
        if clear:
            counter.next = 0
        elif running:
            counter.next = counter + here_q

    return count


@block
def performance(clk, rst, config, clear, running, pe_state, passes_done, read_answered, write_accepted, event_taken, counters):
    """counters: of the cycles in which `running` is high, since `clear`.

    clear: pulse; nothing of its cycle counts.  pe_state: 3 bits a PE, see rtl.activity.  passes_done, read_answered,
    write_accepted: pulses, a pass is over, a word was read, a word was written.  event_taken: events taken in this cycle, 0..15.
    counters: Counters. Latency 3: two registers on all inputs, as they come from far away. Reset clears.
    """
    state_1 = unsigned(3 * config.pes)
    clear_1, clear_2, running_1, running_2 = bit(), bit(), bit(), bit()
    done_1, done_2, read_1, read_2, write_1, write_2 = (bit() for _ in range(6))
    taken_1, taken_2 = unsigned(4), unsigned(4)
    u_states = [count_state(clk, rst, config, clear_2, running_2, state_1, state, counter) for state, counter in (
        (BEAT, counters.beats), (CONFIGURATION, counters.stall_configuration), (NO_EVENT, counters.stall_no_event),
        (NO_WEIGHT, counters.stall_no_weight), (NO_BUFFER, counters.stall_no_buffer),
        (OUTPUT_BLOCKED, counters.stall_output_blocked), (ROW_LOOKUP, counters.stall_row_lookup), (DRAIN, counters.stall_drain))]

    @always_seq(clk.posedge, reset=rst)
    def follow():
        state_1.next = pe_state
        clear_1.next = clear
        running_1.next = running
        done_1.next = passes_done
        read_1.next = read_answered
        write_1.next = write_accepted
        taken_1.next = event_taken
        clear_2.next = clear_1
        running_2.next = running_1
        done_2.next = done_1
        read_2.next = read_1
        write_2.next = write_1
        taken_2.next = taken_1

    @always_seq(clk.posedge, reset=rst)
    def count():
        if clear_2:
            counters.cycles.next = 0
            counters.passes.next = 0
            counters.events.next = 0
            counters.words_read.next = 0
            counters.words_written.next = 0
        elif running_2:
            counters.cycles.next = counters.cycles + 1
            counters.events.next = counters.events + taken_2
            if done_2:
                counters.passes.next = counters.passes + 1
            if read_2:
                counters.words_read.next = counters.words_read + 1
            if write_2:
                counters.words_written.next = counters.words_written + 1

    return u_states, follow, count
