"""Writes the events of a band of every channel of a group, and how many they are, to memory."""
from myhdl import always_comb, always_seq, block, concat, intbv

from rtl.event_queue import event_queue
from rtl.hdl import leave_open
from rtl.pass_settings import ADDRESS_BITS, BYTE_ADDRESS_BITS
from rtl.stream import Stream, bit, unsigned, wrapping

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
def band_drain(clk, rst, config, hand, band, half, counts, words, reads, read_address, free, write, wrote_group, wrote_pass):
    """For each lane: its ceil(count / Q) words to events + lane * channel_words, its count to counts + lane * map_bands.

    Counts of lanes after one another that are in the same memory word go there with one write.
    hand: pulse, only while `free`: a band is there, its `half` and `counts` (8 bits a lane) from the next cycle on until the next hand.
    band: Band, in the cycle of hand.  words: per lane the word read two cycles ago.  reads: whose buffer is read at read_address.
    write: WritePort.  wrote_group, wrote_pass: the last word of a group, of a pass, is taken.
    free: nothing of the band before is left in the buffers after this cycle.
    One write a cycle, also from lane to lane and band to band; a lane without events whose count waits for the next lane's
    takes a cycle of its own. Latency 4 from hand to the first write. Reset forgets everything.
    """
    lanes, port_bytes, events = config.fire_lanes, config.port_bytes, config.port_events
    step, byte_bits = events.bit_length() - 1, port_bytes.bit_length() - 1
    wide, last_word = 8 * port_bytes, len(read_address) - 1
    item_bits = wide + port_bytes + ADDRESS_BITS + 2
    every_byte = (1 << port_bytes) - 1

    active_q, tag_group_q, tag_pass_q = bit(), bit(), bit()
    lane_q, lanes_q = unsigned(6), unsigned(6)
    word_q = unsigned(9)
    base_q, at_q = wrapping(ADDRESS_BITS), wrapping(ADDRESS_BITS)
    channel_words_q, map_bands_q = unsigned(ADDRESS_BITS), unsigned(16)
    count_at_q = wrapping(BYTE_ADDRESS_BITS)
    gathered_q, merged = unsigned(wide), unsigned(wide)
    chosen_q, chosen = unsigned(port_bytes), unsigned(port_bytes)
    count, word_count = unsigned(8), unsigned(9)
    last_lane, flush, reading, telling, leaving = (bit() for _ in range(5))
    owed_q = unsigned(4)
    valid_1, valid_2, told_1, told_2, group_1, group_2, pass_1, pass_2 = (bit() for _ in range(8))
    lane_1, lane_2 = unsigned(6), unsigned(6)
    address_1, address_2 = unsigned(ADDRESS_BITS), unsigned(ADDRESS_BITS)
    data_1, data_2 = unsigned(wide), unsigned(wide)
    sel_1, sel_2 = unsigned(port_bytes), unsigned(port_bytes)
    ready_item, item = Stream(item_bits), Stream(item_bits)

    leave_open(ready_item.ready)        # what is owed is counted, so there is always room
    u_ahead = event_queue(clk, rst, ready_item, item, AHEAD)

    @always_comb
    def look():
        total = intbv(0)[9:]
        mine = intbv(0)[8:]
        mine[:] = 0
        if active_q:
            for i in range(lanes):
                if lane_q == i:
                    mine[:] = (counts >> (8 * i)) & 0xFF
        total[:] = mine + (events - 1)
        count.next = mine
        word_count.next = total >> step
        last_lane.next = lane_q + 1 == lanes_q

    @always_comb
    def merge():
        offset = intbv(0)[5:]
        shift = intbv(0)[8:]
        beyond = intbv(0)[17:]
        offset[:] = count_at_q & (port_bytes - 1)
        shift[:] = offset << 3
        merged.next = gathered_q | (count << shift)
        chosen.next = chosen_q | (1 << offset)
        beyond[:] = offset + map_bands_q
        flush.next = lane_q + 1 == lanes_q or beyond >= port_bytes

    @always_comb
    def decide():
        room = bool(0)
        room = owed_q != AHEAD
        reading.next = active_q and room and word_q != word_count
        telling.next = active_q and room and flush and word_q == word_count
        leaving.next = active_q and ((word_q == word_count and (room or not flush))
                                     or (word_q + 1 == word_count and room and not flush))

    @always_comb
    def fetch():
        # The last lane always leaves with its count.
        free.next = not active_q or (owed_q != AHEAD and word_q == word_count and last_lane)
        reads.next = 0
        if reading:
            reads.next = 1 << lane_q
        read_address.next = concat(half, word_q[last_word:])

    @always_seq(clk.posedge, reset=rst)
    def walk():
        if leaving:
            lane_q.next = lane_q + 1
            word_q.next = 0
            base_q.next = base_q + channel_words_q
            at_q.next = base_q + channel_words_q
            count_at_q.next = count_at_q + map_bands_q
            gathered_q.next = merged
            chosen_q.next = chosen
            if flush:
                gathered_q.next = 0
                chosen_q.next = 0
            if last_lane:
                active_q.next = 0
        elif reading:
            word_q.next = word_q + 1
            at_q.next = at_q + 1
        if hand:
            active_q.next = 1
            tag_group_q.next = band.ends_group
            tag_pass_q.next = band.ends_pass
            lane_q.next = 0
            lanes_q.next = band.lanes
            word_q.next = 0
            base_q.next = band.events
            at_q.next = band.events
            channel_words_q.next = band.channel_words
            map_bands_q.next = band.map_bands
            count_at_q.next = band.counts

    @always_seq(clk.posedge, reset=rst)
    def follow():
        valid_1.next = reading or telling
        told_1.next = telling
        group_1.next = telling and last_lane and tag_group_q
        pass_1.next = telling and last_lane and tag_pass_q
        lane_1.next = lane_q
        address_1.next = at_q
        data_1.next = merged
        sel_1.next = every_byte
        if telling:
            address_1.next = count_at_q[ADDRESS_BITS + byte_bits:byte_bits]
            sel_1.next = chosen
        valid_2.next = valid_1
        told_2.next = told_1
        group_2.next = group_1
        pass_2.next = pass_1
        lane_2.next = lane_1
        address_2.next = address_1
        data_2.next = data_1
        sel_2.next = sel_1
        if (reading or telling) and not (item.valid and item.ready):
            owed_q.next = owed_q + 1
        elif item.valid and item.ready and not (reading or telling):
            owed_q.next = owed_q - 1

    @always_comb
    def answer():
        data = intbv(0)[wide:]
        data[:] = data_2
        if valid_2 and not told_2:
            for i in range(lanes):
                if lane_2 == i:
                    data[:] = words[i]
        ready_item.valid.next = valid_2
        ready_item.data.next = concat(pass_2, group_2, address_2, sel_2, data)

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

    return u_ahead, look, merge, decide, fetch, walk, follow, answer, offer, report
