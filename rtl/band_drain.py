"""Writes the events of a band of every channel of a group, and how many they are, to memory."""
from myhdl import ConcatSignal, always, always_comb, always_seq, block, concat, intbv

from rtl.event_queue import event_queue
from rtl.fill_level import fill_level
from rtl.hdl import leave_open
from rtl.pass_settings import ADDRESS_BITS, BYTE_ADDRESS_BITS
from rtl.stream import Stream, bit, unsigned, wrapping
from rtl.word_mux import word_mux

AHEAD = 8       # writes on their way from the band buffers to the memory port


class Band:
    """A band to be written: where, and whether a group of channels or the pass ends with it.

    events, counts: word address of the first lane's events, byte address of its count.  channel_words, map_bands: from one
    lane's to the next one's.  lanes: how many have a channel.
    """

    def __init__(self):
        self.events, self.counts = wrapping(ADDRESS_BITS), wrapping(BYTE_ADDRESS_BITS)
        self.channel_words, self.map_bands = unsigned(ADDRESS_BITS), unsigned(16)
        self.lanes = unsigned(6)
        self.ends_group, self.ends_pass = bit(), bit()


@block
def _count_byte(clk, leave, offset, index, count, place):
    """place = the count of the last lane that left with `offset` = index."""

    @always(clk.posedge)
    def keep():
        if leave and offset == index:
            place.next = count

    return keep


@block
def count_gather(clk, config, leave, fresh, offset, count, gathered, chosen):
    """gathered, chosen: counts of lanes after one another in their bytes of a memory word, and which bytes these are.

    leave: a lane's count goes to byte `offset`.  fresh: the word begins with it.
    Both hold the word from the cycle after its last `leave` until the next one. No reset: a word begins with `fresh`.
    """
    places = [unsigned(8) for _ in range(config.port_bytes)]
    together = ConcatSignal(*reversed(places))
    u_places = [_count_byte(clk, leave, offset, i, count, places[i]) for i in range(config.port_bytes)]

    @always_comb
    def join():
        gathered.next = together

    @always(clk.posedge)
    def choose():
        if leave:
            chosen.next = chosen | (1 << offset)
            if fresh:
                chosen.next = 1 << offset

    return u_places, join, choose


@block
def band_drain(clk, rst, config, hand, band, half, count, shift, words, reads, read_address, free, write, wrote_group, wrote_pass):
    """For each lane: its ceil(count / Q) words to events + lane * channel_words, its count to counts + lane * map_bands.

    Counts of lanes after one another that are in the same memory word go there with one write.
    hand: pulse, only while `free`: a band is there, its `half` and the first lane's `count` from the next cycle on until the next hand.
    shift: pulse, `count` is the next lane's from the next cycle on.
    band: Band, in the cycle of hand.  words: per lane the word read two cycles ago.  reads: whose buffer is read at read_address.
    write: WritePort.  wrote_group, wrote_pass: the last word of a group, of a pass, is taken.
    free: nothing of the band before is left in the buffers.
    One write a cycle, also from lane to lane; two cycles go by between bands, one with a lane without events whose
    count waits for the next lane's. Latency 6 from hand to the first write. Reset forgets everything.
    """
    lanes, port_bytes, events = config.fire_lanes, config.port_bytes, config.port_events
    step, byte_bits = events.bit_length() - 1, port_bytes.bit_length() - 1
    wide, word_bits = 8 * port_bytes, len(read_address) - 1
    item_bits = wide + port_bytes + ADDRESS_BITS + 2
    every_byte, last_byte = (1 << port_bytes) - 1, port_bytes - 1
    lane_bits = max(1, (lanes - 1).bit_length())

    busy_q, active_q, load_q, tag_group_q, tag_pass_q = (bit() for _ in range(5))
    # The lane: its number, how many are left with it, whether it is the last one; its count and words left, if any, the last one.
    lane_q, lanes_q, last_lane_q = wrapping(lane_bits), unsigned(6), bit()
    count_q, left_q, some_q, last_word_q = unsigned(8), unsigned(9 - step), bit(), bit()
    word_q = wrapping(word_bits)
    at_q, next_q, channel_words_q = wrapping(ADDRESS_BITS), wrapping(ADDRESS_BITS), unsigned(ADDRESS_BITS)
    count_at_q, map_low_q, map_bands_q, far_q = wrapping(BYTE_ADDRESS_BITS), unsigned(byte_bits), unsigned(16), bit()
    flush_q, fresh_q = bit(), bit()     # the word of counts ends with this lane; it begins with it
    gathered_q, chosen_q = unsigned(wide), unsigned(port_bytes)
    reading, telling, leaving, asked, taken, full, holding = (bit() for _ in range(7))
    valid_1, valid_2, valid_3, told_1, told_2, group_1, group_2, group_3, pass_1, pass_2, pass_3 = (bit() for _ in range(11))
    lane_1, lane_2 = unsigned(lane_bits), unsigned(lane_bits)
    address_1, address_2, address_3 = unsigned(ADDRESS_BITS), unsigned(ADDRESS_BITS), unsigned(ADDRESS_BITS)
    chosen_word, data_2, data_3 = unsigned(wide), unsigned(wide), unsigned(wide)
    sel_2, sel_3 = unsigned(port_bytes), unsigned(port_bytes)
    ready_item, item = Stream(item_bits), Stream(item_bits)
    offset = count_at_q(byte_bits, 0)

    leave_open(ready_item.ready, holding)       # what is owed is counted, so there is always room
    leave_open(lane_2)                          # there is nothing to choose of one lane
    u_owed = fill_level(clk, rst, asked, taken, AHEAD, holding, full)
    u_ahead = event_queue(clk, rst, ready_item, item, AHEAD)
    u_gather = count_gather(clk, config, leaving, fresh_q, offset, count_q, gathered_q, chosen_q)
    u_word = word_mux(words, lane_2, chosen_word)

    @always_comb
    def decide():
        reading.next = active_q and some_q and not full
        telling.next = active_q and not some_q and flush_q and not full
        leaving.next = active_q and ((not some_q and not (flush_q and full)) or (some_q and last_word_q and not full and not flush_q))

    @always_comb
    def fetch():
        free.next = not busy_q
        reads.next = 0
        if active_q and some_q and not full:
            reads.next[lane_q] = True
        read_address.next = concat(half, word_q)
        shift.next = load_q or leaving
        asked.next = reading or telling
        taken.next = item.valid and write.ready

    @always_seq(clk.posedge, reset=rst)
    def walk():
        load_q.next = hand
        if hand:
            busy_q.next = True
        elif leaving and last_lane_q:
            busy_q.next = False
        if load_q:
            active_q.next = True
        elif leaving and last_lane_q:
            active_q.next = False
        if load_q:
            lane_q.next = 0
            last_lane_q.next = lanes_q == 1
        elif leaving:
            lane_q.next = lane_q + 1
            lanes_q.next = lanes_q - 1
            last_lane_q.next = lanes_q == 2
        if hand:
            tag_group_q.next = band.ends_group
            tag_pass_q.next = band.ends_pass
            lanes_q.next = band.lanes

    @always_seq(clk.posedge, reset=rst)
    def take_lane():
        whole = intbv(0)[9:]
        whole[:] = count + (events - 1)
        if load_q or leaving:
            word_q.next = 0
            count_q.next = count
            left_q.next = whole >> step
            some_q.next = count != 0
            last_word_q.next = count <= events
        elif reading:
            word_q.next = word_q + 1
            left_q.next = left_q - 1
            some_q.next = not last_word_q
            last_word_q.next = left_q == 2

    @always(clk.posedge)
    def aim():
        if hand:
            at_q.next = band.events
            next_q.next = band.events
            channel_words_q.next = band.channel_words
            map_bands_q.next = band.map_bands
            map_low_q.next = band.map_bands[byte_bits:]
            far_q.next = band.map_bands > last_byte
            count_at_q.next = band.counts
        elif load_q:
            next_q.next = next_q + channel_words_q
        elif leaving:
            at_q.next = next_q
            next_q.next = next_q + channel_words_q
            count_at_q.next = count_at_q + map_bands_q
        elif reading:
            at_q.next = at_q + 1

    @always(clk.posedge)
    def look_ahead():
        place = intbv(0)[byte_bits:]
        beyond = intbv(0)[byte_bits + 1:]
        place[:] = offset
        if leaving:
            place[:] = (offset + map_low_q) & last_byte
        beyond[:] = place + map_low_q
        if load_q:
            flush_q.next = lanes_q == 1 or far_q or beyond[byte_bits]
            fresh_q.next = True
        elif leaving:
            flush_q.next = lanes_q == 2 or far_q or beyond[byte_bits]
            fresh_q.next = flush_q

    @always_seq(clk.posedge, reset=rst)
    def follow():
        valid_1.next = reading or telling
        valid_2.next = valid_1
        valid_3.next = valid_2

    @always(clk.posedge)
    def carry():
        told_1.next = telling
        group_1.next = telling and last_lane_q and tag_group_q
        pass_1.next = telling and last_lane_q and tag_pass_q
        lane_1.next = lane_q
        address_1.next = at_q
        if telling:
            address_1.next = count_at_q[ADDRESS_BITS + byte_bits:byte_bits]
        told_2.next = told_1
        group_2.next = group_1
        pass_2.next = pass_1
        lane_2.next = lane_1
        address_2.next = address_1
        data_2.next = gathered_q
        sel_2.next = every_byte
        if told_1:
            sel_2.next = chosen_q
        group_3.next = group_2
        pass_3.next = pass_2
        address_3.next = address_2
        sel_3.next = sel_2
        data_3.next = chosen_word
        if told_2:
            data_3.next = data_2

    @always_comb
    def answer():
        ready_item.valid.next = valid_3
        ready_item.data.next = concat(pass_3, group_3, address_3, sel_3, data_3)

    @always_comb
    def offer():
        write.valid.next = item.valid
        write.data.next = item.data[wide:]
        write.sel.next = item.data[wide + port_bytes:wide]
        write.address.next = item.data[wide + port_bytes + ADDRESS_BITS:wide + port_bytes]
        item.ready.next = write.ready

    @always_comb
    def report():
        wrote_group.next = item.valid and write.ready and item.data[item_bits - 2]
        wrote_pass.next = item.valid and write.ready and item.data[item_bits - 1]

    return (u_owed, u_ahead, u_gather, u_word, decide, fetch, walk, take_lane, aim, look_ahead, follow, carry, answer, offer,
            report)
