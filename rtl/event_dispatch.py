"""Gives up to E events a cycle to as many PEs, each lane to the next PE in turn, once their channel's weights are here."""
from myhdl import ConcatSignal, Signal, always, always_comb, always_seq, block, concat, intbv

from rtl.config import EVENT_BITS
from rtl.event_locate import located_lane_bits
from rtl.pe import event_bits
from rtl.stream import bit, unsigned


@block
def mask_lane(clk, config, index, take, word, mask, wanted, event):
    """rows = row hits x column hits x mask of lane `index` of the word; wanted: there are some.

    event(t + 1) = sum, value and rows, when the word is taken in t; else it stays.
    """
    kernel, positions = config.kernel, config.positions
    low = index * located_lane_bits(config)
    at_y = low + kernel
    at_sum = at_y + kernel
    at_value = at_sum + config.acc_address_bits
    at_valid = at_value + EVENT_BITS
    rows = unsigned(positions)

    @always_comb
    def meet():
        hit = intbv(0)[positions:]
        hit[:] = 0
        if word[at_valid]:
            for i in range(kernel):
                for j in range(kernel):
                    if word[at_y + i] and word[low + j]:
                        hit[i * kernel + j] = 1
        rows.next = hit & mask

    @always_comb
    def want():
        wanted.next = rows != 0

    @always(clk.posedge)
    def hold():
        if take:
            event.next = concat(word[at_value:at_sum], word[at_valid:at_value], rows)

    return meet, want, hold


@block
def steer_pe(config, index, turns, slot, events, bundle):
    """bundle = slot and the event of the lane whose turn it is to go to PE `index`; combinational.

    turns: one bit for each PE, set where lane 0 goes, all of it twice.  events: list of the lanes' events.
    """
    lanes, last = config.event_lanes, index + config.pes

    @always_comb
    def pick():
        picked = intbv(0)[len(events[0]):]
        picked[:] = 0
        for i in range(lanes):
            if turns[last - i]:
                picked[:] = picked | events[i]
        bundle.next = concat(slot, picked)

    return pick


@block
def event_dispatch(clk, rst, config, restart, located, slots, bundles, pe_valid, pe_ready, holding, claims, ended,
                   waiting_weights, empty):
    """Lane e of a word goes to PE (turn + e) mod P; then turn += lanes up to the highest valid one (+ 1 for a full word, E = P).

    Without the one more, full words would always deal the same columns of a dense map to the same PE, and with a stride some
    columns meet more of the kernel than others.

    An event without rows (row hits x column hits x rows with chunks) is dropped, and its PE's turn is lost. Lanes leave as
    their PEs get ready; the next word comes in when the last one leaves.
    restart: pulse at a pass's start; the turn goes back to PE 0, so that a pass always runs the same.
    located: stream from event_locate.  slots: Slots; opened, freed and read are driven here.
    bundles, pe_valid, pe_ready: a stream of packed events (pe.event_bits) for each PE: list of P signals, one bit each.
    holding, claims: per PE, whether it has unfinished events, and the oldest slot they may need (slot_bits each).
    ended: no event of this pass is left upstream.  waiting_weights: the head waits for its slot.  empty: nothing held here.
    Latency 1, one word a cycle. Reset empties it and frees all slots.
    """
    slot_bits, pes, lanes = config.slot_bits, config.pes, config.event_lanes
    slot_count, lane_width = config.slots, located_lane_bits(config)
    first_bit = len(located.data) - 1
    first, known, ready, take, freeing = bit(), bit(), bit(), bit(), bit()
    slot_q = unsigned(slot_bits)
    held_q, left = unsigned(lanes), unsigned(lanes)         # lanes of the held word that no PE has taken; after this cycle
    turn_q, place_q = Signal(intbv(1)[pes:]), Signal(intbv(1)[pes:])    # one bit, at lane 0's PE: next word's, held word's
    after = unsigned(pes)
    turns, places = ConcatSignal(turn_q, turn_q, turn_q), ConcatSignal(place_q, place_q)    # so often that no index wraps
    top_lane, far = lanes * lane_width - 1, 2 * pes
    full = lanes + 1 if lanes == pes else lanes     # turns after a full word
    wanted = [bit() for _ in range(lanes)]
    wanted_bits = ConcatSignal("0", *reversed(wanted))
    events = [unsigned(event_bits(config) - slot_bits) for _ in range(lanes)]

    u_lane = [mask_lane(clk, config, i, take, located.data, slots.mask, wanted[i], events[i]) for i in range(lanes)]
    u_steer = [steer_pe(config, i, places, slot_q, events, bundles[i]) for i in range(pes)]

    @always_comb
    def examine():
        first.next = located.data[first_bit]
        known.next = slots.loaded != slots.opened

    @always_comb
    def find_slot():
        # A first word opens the next slot; the others use the one opened last.
        number = intbv(0)[slot_bits + 1:]
        number[:] = (slots.opened - 1) & (2 * slot_count - 1)
        if first:
            number[:] = slots.opened
        slots.read.next = number[slot_bits:]

    @always_comb
    def hand_over():
        offers = intbv(0)[pes:]
        rest = intbv(0)[lanes:]
        offers[:] = 0
        rest[:] = held_q
        for p in range(pes):
            for i in range(lanes):
                if places[p + pes - i] and held_q[i]:
                    offers[p] = 1
                    if pe_ready[p]:
                        rest[i] = 0
        pe_valid.next = offers
        left.next = rest

    @always_comb
    def advance():
        turn = intbv(0)[pes:]
        turn[:] = turn_q
        for i in range(lanes):
            if located.data[(i + 1) * lane_width - 1]:
                for p in range(pes):
                    turn[p] = turns[p + far - i - 1]
        if located.data[top_lane]:
            for p in range(pes):
                turn[p] = turns[p + far - full]
        after.next = turn

    @always_comb
    def accept():
        ready.next = left == 0 and (known or not first)

    @always_comb
    def connect():
        take.next = located.valid and ready
        located.ready.next = ready
        waiting_weights.next = located.valid and first and not known
        empty.next = held_q == 0

    @always_seq(clk.posedge, reset=rst)
    def hold():
        held_q.next = left
        if take:
            held_q.next = wanted_bits[lanes:]
            place_q.next = turn_q
            turn_q.next = after
            slot_q.next = slots.read
            if first:
                slots.opened.next = slots.opened + 1
        if restart:
            turn_q.next = 1

    @always_comb
    def judge():
        # The oldest slot is free when its channel is over and no event that needs it is held here or in a PE.
        keep = bool(0)
        number = intbv(0)[slot_bits:]
        last = intbv(0)[slot_bits + 1:]
        number[:] = slots.freed[slot_bits:]
        last[:] = (slots.opened - 1) & (2 * slot_count - 1)
        keep = slots.freed == slots.opened or (held_q != 0 and slot_q == number)
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

    return u_lane, u_steer, examine, find_slot, hand_over, advance, accept, connect, hold, judge, free
