"""Gives each event to one PE that has room, once its channel's weights are here."""
from myhdl import always_comb, always_seq, block, concat, intbv

from rtl.config import EVENT_BITS
from rtl.stream import bit, unsigned


@block
def event_router(clk, rst, config, restart, located, slots, bundle, pe_valid, pe_ready, holding, claims, ended,
                 waiting_weights, empty):
    """rows = row hits x column hits x rows with chunks; an event without rows is dropped, any other goes to the next free PE.

    restart: pulse at a pass's start; the turn goes back to PE 0, so that a pass always runs the same.
    located: stream from event_source.  slots: Slots; opened, freed and read are driven here.
    bundle, pe_valid, pe_ready: bundle event for all PEs, one bit per PE.
    holding, claims: per PE, whether it has unfinished events, and the oldest slot they may need (slot_bits each).
    ended: no event of this pass is left upstream.  waiting_weights: the head waits for its slot.  empty: nothing held here.
    Latency 1, one event a cycle. Reset empties it and frees all slots.
    """
    kernel, sum_bits, slot_bits, pes = config.kernel, config.acc_address_bits, config.slot_bits, config.pes
    positions, slot_count = config.positions, config.slots
    last_pe = pes - 1
    first_bit = len(located.data) - 1
    held_q, first, ready, leave, known = bit(), bit(), bit(), bit(), bit()
    rows_q = unsigned(positions)
    value_q, sum_q = unsigned(EVENT_BITS), unsigned(sum_bits)
    slot_q = unsigned(slot_bits)
    turn_q, chosen = unsigned(3), unsigned(3)
    rows = unsigned(positions)
    freeing = bit()

    @always_comb
    def examine():
        first.next = located.data[first_bit]
        known.next = slots.loaded != slots.opened

    @always_comb
    def find_slot():
        # A first event opens the next slot; the others use the one opened last.
        number = intbv(0)[slot_bits + 1:]
        number[:] = (slots.opened - 1) & (2 * slot_count - 1)
        if first:
            number[:] = slots.opened
        slots.read.next = number[slot_bits:]

    @always_comb
    def mask():
        wanted = intbv(0)[positions:]
        wanted[:] = 0
        for i in range(kernel):
            for j in range(kernel):
                if located.data[kernel + i] and located.data[j]:
                    wanted[i * kernel + j] = 1
        rows.next = wanted & slots.mask

    @always_comb
    def select_pe():
        target = intbv(0)[3:]
        found = bool(0)
        target[:] = 0
        found = False
        for i in range(pes):
            if not found and i >= turn_q and pe_ready[i]:
                found = True
                target[:] = i
        for i in range(pes):
            if not found and pe_ready[i]:
                found = True
                target[:] = i
        chosen.next = target
        leave.next = held_q and found

    @always_comb
    def accept():
        ready.next = (not held_q or leave) and (known or not first)

    @always_comb
    def connect():
        located.ready.next = ready
        waiting_weights.next = located.valid and first and not known
        empty.next = not held_q
        bundle.next = concat(slot_q, sum_q, value_q, rows_q)
        pe_valid.next = 0
        if leave:
            pe_valid.next = 1 << chosen

    @always_seq(clk.posedge, reset=rst)
    def hold():
        if leave:
            held_q.next = 0
            turn_q.next = chosen + 1
            if chosen == last_pe:
                turn_q.next = 0
        if restart:
            turn_q.next = 0
        if located.valid and ready:
            held_q.next = rows != 0
            rows_q.next = rows
            value_q.next = located.data[2 * kernel + sum_bits + EVENT_BITS:2 * kernel + sum_bits]
            sum_q.next = located.data[2 * kernel + sum_bits:2 * kernel]
            slot_q.next = slots.read
            if first:
                slots.opened.next = slots.opened + 1

    @always_comb
    def judge():
        # The oldest slot is free when its channel is over and no event that needs it is held here or in a PE.
        keep = bool(0)
        number = intbv(0)[slot_bits:]
        last = intbv(0)[slot_bits + 1:]
        number[:] = slots.freed[slot_bits:]
        last[:] = (slots.opened - 1) & (2 * slot_count - 1)
        keep = slots.freed == slots.opened or (held_q and slot_q == number)
        if slots.freed == last and not ended:
            keep = True
        for i in range(pes):
            if holding[i] and ((claims >> (i * slot_bits)) & (slot_count - 1)) == number:
                keep = True
        freeing.next = not keep

    @always_seq(clk.posedge, reset=rst)
    def free():
        if freeing:
            slots.freed.next = slots.freed + 1

    return examine, find_slot, mask, select_pe, accept, connect, hold, judge, free
