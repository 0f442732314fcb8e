"""Gives up to E events a cycle to as many PEs, each lane to the next PE in turn, once their channel's weights are here."""
from myhdl import ConcatSignal, Signal, always, always_comb, always_seq, block, concat, intbv, modbv

from rtl.config import EVENT_BITS
from rtl.event_locate import located_lane_bits
from rtl.event_queue import event_queue
from rtl.hdl import leave_open
from rtl.pe import event_bits
from rtl.stream import Stream, bit, unsigned

LATENCY = 3         # word taken -> its events offered
WORDS = 8           # that may wait for PEs
IN_FLIGHT = 3       # words that may still come once it is seen that no more should


@block
def mask_lane(clk, config, index, there, there_1, word, mask, wanted, event):
    """rows = row hits x column hits x mask of lane `index` of the word; wanted: there are some.

    there, there_1: there is a word; one was taken in the cycle before.  event(t + 2) = sum, value and rows of word(t); wanted(t + 2).
    """
    kernel, positions = config.kernel, config.positions
    low = index * located_lane_bits(config)
    at_y = low + kernel
    at_sum = at_y + kernel
    at_value = at_sum + config.acc_address_bits
    at_valid = at_value + EVENT_BITS
    rows_1 = unsigned(positions)
    rest_1 = unsigned(at_valid - at_sum)

    @always(clk.posedge)
    def meet():
        hit = intbv(0)[positions:]
        if there:
            hit[:] = 0
            if word[at_valid]:
                for i in range(kernel):
                    for j in range(kernel):
                        if word[at_y + i] and word[low + j]:
                            hit[i * kernel + j] = 1
            rows_1.next = hit & mask
            rest_1.next = concat(word[at_value:at_sum], word[at_valid:at_value])

    @always(clk.posedge)
    def want():
        if there_1:
            wanted.next = rows_1 != 0
            event.next = concat(rest_1, rows_1)

    return meet, want


@block
def steer_pe(config, index, turns, slot, events, bundle):
    """bundle = slot and the event of the lane whose turn it is to go to PE `index`; combinational.

    turns: one bit for each PE, set where lane 0 goes, all of it twice.  events: the lanes' events, lane 0 lowest.
    """
    lanes, last, width = config.event_lanes, index + config.pes, event_bits(config) - config.slot_bits
    mask = (1 << width) - 1

    @always_comb
    def pick():
        picked = intbv(0)[width:]
        picked[:] = 0
        for i in range(lanes):
            if turns[last - i]:
                picked[:] = picked | ((events >> (i * width)) & mask)
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
    Latency 3, one word a cycle; up to WORDS wait for PEs. Reset empties it and frees all slots.
    """
    slot_bits, pes, lanes = config.slot_bits, config.pes, config.event_lanes
    slot_count, lane_width = config.slots, located_lane_bits(config)
    first_bit, event_width = len(located.data) - 1, event_bits(config) - slot_bits
    first, known, take, crowded = bit(), bit(), bit(), bit()
    valid_1, valid_2 = bit(), bit()
    current_q, slot_1, slot_2 = unsigned(slot_bits), unsigned(slot_bits), unsigned(slot_bits)   # current: opened last
    turn_q, place_1, place_2 = (Signal(intbv(1)[pes:]) for _ in range(3))       # one bit, at the PE of lane 0
    after = unsigned(pes)
    turns = ConcatSignal(turn_q, turn_q, turn_q)            # so often that no index wraps
    top_lane, far = lanes * lane_width - 1, 2 * pes
    full = lanes + 1 if lanes == pes else lanes     # turns after a full word
    wanted = [bit() for _ in range(lanes)]
    wanted_bits = ConcatSignal("0", *reversed(wanted))
    places_2, targets = ConcatSignal(place_2, place_2), unsigned(pes)       # targets: PEs that the word's events go to
    events = [unsigned(event_width) for _ in range(lanes)]
    masked, head = Stream(data=ConcatSignal(slot_2, place_2, targets, *reversed(events))), Stream(
        slot_bits + 2 * pes + lanes * event_width)
    at_targets, at_place, at_slot = lanes * event_width, lanes * event_width + pes, lanes * event_width + 2 * pes
    head_events, place, head_slot = unsigned(at_targets), unsigned(pes), unsigned(slot_bits)
    places = ConcatSignal(place, place)
    held, left = unsigned(pes), unsigned(pes)               # PEs that have not taken their event of the head; after this cycle
    done_q = unsigned(pes)                                  # PEs that have
    opened_q = unsigned(slot_bits + 1)
    opened_up = Signal(modbv(1)[slot_bits + 1:])
    needed_q = unsigned(slot_count)
    freeing = bit()

    leave_open(masked.ready)        # `crowded` stops the words in time
    u_lane = [mask_lane(clk, config, i, located.valid, valid_1, located.data, slots.mask, wanted[i], events[i]) for i in range(lanes)]
    u_head = event_queue(clk, rst, masked, head, WORDS, crowded, IN_FLIGHT)
    u_steer = [steer_pe(config, i, places, head_slot, head_events, bundles[i]) for i in range(pes)]

    @always_comb
    def examine():
        first.next = located.data[first_bit]

    @always_comb
    def find_slot():
        # A first word opens the next slot; the others use the one opened last.
        slots.read.next = current_q
        if first:
            slots.read.next = slots.opened[slot_bits:]

    @always_comb
    def accept():
        take.next = located.valid and not crowded and (known or not first)
        located.ready.next = not crowded and (known or not first)
        waiting_weights.next = located.valid and first and not known

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

    @always_seq(clk.posedge, reset=rst)
    def open_slots():
        valid_1.next = take
        valid_2.next = valid_1
        known.next = slots.loaded != slots.opened
        if take:
            turn_q.next = after
            if first:
                known.next = slots.loaded != opened_up
                slots.opened.next = opened_up
                opened_up.next = opened_up + 1
                current_q.next = slots.opened[slot_bits:]
        if restart:
            turn_q.next = 1

    @always(clk.posedge)
    def accompany():
        slot_1.next = slots.read
        slot_2.next = slot_1
        place_1.next = turn_q
        place_2.next = place_1

    @always_comb
    def enter():
        going = intbv(0)[pes:]
        going[:] = 0
        for p in range(pes):
            for i in range(lanes):
                if places_2[p + pes - i] and wanted_bits[i]:
                    going[p] = 1
        targets.next = going
        masked.valid.next = valid_2 and wanted_bits != 0
        empty.next = not (valid_1 or valid_2 or head.valid)

    @always_comb
    def hold():
        head_events.next = head.data[at_targets:]
        place.next = head.data[at_slot:at_place]
        head_slot.next = head.data[at_slot + slot_bits:at_slot]
        held.next = 0
        if head.valid:
            held.next = head.data[at_place:at_targets] & ~done_q

    @always_comb
    def hand_over():
        rest = intbv(0)[pes:]
        rest[:] = held
        for p in range(pes):
            if pe_ready[p]:
                rest[p] = 0
        pe_valid.next = held
        left.next = rest

    @always_comb
    def leave():
        head.ready.next = left == 0

    @always_seq(clk.posedge, reset=rst)
    def remember():
        done_q.next = 0
        if left != 0:
            done_q.next = (held ^ left) | done_q

    @always_seq(clk.posedge, reset=rst)
    def watch():
        # A slot is needed while its channel's words are on their way here, and its events in a PE. What was not needed once its channel
        # was over is not needed later, so looking a cycle late does no harm.
        need = intbv(0)[slot_count:]
        need[:] = 0
        for s in range(slot_count):
            if (valid_1 and slot_1 == s) or (valid_2 and slot_2 == s) or (head.valid and head_slot == s) or (not ended and current_q == s):
                need[s] = 1
            for i in range(pes):
                if holding[i] and ((claims >> (i * slot_bits)) & (slot_count - 1)) == s:
                    need[s] = 1
        needed_q.next = need
        opened_q.next = slots.opened

    @always_comb
    def judge():
        freeing.next = slots.freed != opened_q and not needed_q[slots.freed[slot_bits:]]

    @always_seq(clk.posedge, reset=rst)
    def free():
        if freeing:
            slots.freed.next = slots.freed + 1

    return (u_lane, u_head, u_steer, examine, find_slot, accept, advance, open_slots, accompany, enter, hold, hand_over, leave, remember,
            watch, judge, free)
