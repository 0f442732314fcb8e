"""A processing element: one event at a time, one chunk of C lanes a cycle."""
from myhdl import always, always_comb, always_seq, block

from rtl.accumulation_buffer import LanePort, accumulation_buffer
from rtl.config import EVENT_BITS, PE_QUEUE
from rtl.counter_skip import Beat, Row, counter_skip
from rtl.event_queue import event_queue
from rtl.fill_level import fill_level
from rtl.hdl import leave_open
from rtl.mac_lane import mac_lanes
from rtl.row_count import LATENCY as COUNTING
from rtl.row_count import count_bits, row_count
from rtl.row_walker import Event, row_walker
from rtl.stream import Stream, bit, signed, unsigned
from rtl.weight_buffer import weight_buffer


def event_bits(config) -> int:
    """Width of a packed event: slot, sum, value, rows (rows lowest)."""
    return config.slot_bits + config.acc_address_bits + EVENT_BITS + config.positions


class PeStatus:
    """beating: a beat is issued.  holding: events are unfinished.  claim: the oldest slot they may need.  busy: sums on their way."""

    def __init__(self, config):
        self.beating = bit()
        self.holding = bit()
        self.claim = unsigned(config.slot_bits)
        self.busy = bit()


@block
def pe(clk, rst, config, bundle, bundle_valid, bundle_ready, table, ring, half, fire, fire_sums, status, places=PE_QUEUE):
    """For every event, for each of its rows, for j < count: sums[event.sum - offset + j] += value * chunk[weight + j].

    bundle, bundle_valid, bundle_ready: stream of packed events (see event_bits).  table, ring: write ports shared by all PEs.
    half: half of the accumulation buffer in use; fire reads and clears the other through `fire` (FirePort).
    fire_sums: list of `lanes` sums at fire.read_address, latency 3.  status: PeStatus.
    places: events that may wait here, beside those whose rows are being counted.
    One beat a cycle while rows wait. Reset drops the events, not the memories.
    """
    positions, sum_bits, slot_bits = config.positions, config.acc_address_bits, config.slot_bits
    room = places + COUNTING
    depth = 1 << (room - 1).bit_length()
    width, number_bits = event_bits(config), count_bits(config)
    counted, waiting = Stream(width + number_bits), Stream(width + number_bits)
    event, row, beat = Event(config), Row(config), Beat(config)
    event_ready, row_valid, row_ready, event_done = bit(), bit(), bit(), bit()
    slot = unsigned(slot_bits)
    port = LanePort(config)
    value_1, value_2 = signed(EVENT_BITS), signed(EVENT_BITS)
    weights = [signed(8) for _ in range(config.lanes)]
    held_q, holding_q = unsigned(5), bit()
    arrives, leaves, some, full = bit(), bit(), bit(), bit()
    claim_q = unsigned(slot_bits)
    bundle_slot = bundle(event_bits(config), event_bits(config) - slot_bits)

    leave_open(counted.ready, some)     # no more events are let in than the queue has room for
    u_room = fill_level(clk, rst, arrives, leaves, room, some, full)
    u_count = row_count(clk, rst, config, bundle, arrives, counted.data, counted.valid)
    u_queue = event_queue(clk, rst, counted, waiting, depth)
    u_walker = row_walker(clk, rst, config, event, waiting.valid, event_ready, table, row, row_valid, row_ready)
    u_counter = counter_skip(clk, rst, row, row_valid, row_ready, beat, slot, event_done)
    u_weights = weight_buffer(clk, config, ring, beat.weight, weights)
    u_sums = accumulation_buffer(clk, rst, config, beat, half, fire, port, status.busy)
    u_lanes = mac_lanes(clk, config, weights, value_2, port, fire_sums)

    @always_comb
    def join():
        arrives.next = bundle_valid and not full
        leaves.next = waiting.valid and event_ready
        bundle_ready.next = not full
        waiting.ready.next = event_ready
        event.number.next = waiting.data[width + number_bits:width]
        event.rows.next = waiting.data[positions:]
        event.value.next = waiting.data[positions + EVENT_BITS:positions].signed()
        event.sum.next = waiting.data[positions + EVENT_BITS + sum_bits:positions + EVENT_BITS]
        event.slot.next = waiting.data[positions + EVENT_BITS + sum_bits + slot_bits:positions + EVENT_BITS + sum_bits]

    @always(clk.posedge)
    def align_value():
        value_1.next = beat.value
        value_2.next = value_1

    # The claim may lag behind the oldest event but never runs ahead of it: slots are freed in order, so lagging is safe.
    @always_seq(clk.posedge, reset=rst)
    def claim():
        if arrives and not event_done:
            held_q.next = held_q + 1
            holding_q.next = 1
        elif event_done and not arrives:
            held_q.next = held_q - 1
            holding_q.next = held_q != 1
        if arrives and not holding_q:
            claim_q.next = bundle_slot
        elif beat.valid:
            claim_q.next = slot

    @always_comb
    def tell():
        status.beating.next = beat.valid
        status.holding.next = holding_q
        status.claim.next = claim_q

    return (u_room, u_count, u_queue, u_walker, u_counter, u_weights, u_sums, u_lanes, join, align_value, claim, tell)
