"""Packs a pass's outputs as events and writes them, and each band's number of events, to memory."""
from myhdl import ConcatSignal, always, always_comb, always_seq, block, concat, intbv

from rtl.compact.sizes import address_bits, byte_bits
from rtl.stream import bit, unsigned, wrapping


@block
def _keep(clk, take, emit, count, value, place, part, index, mask):
    """part = the last event whose number is `index` modulo mask + 1."""

    @always(clk.posedge)
    def keep():
        if take and emit and (count & mask) == index:
            part.next = concat(place, value)

    return keep


@block
def event_pack(clk, rst, config, start, settings, valid, value, emit, ends_row, ends_band, ends_channel, go, write, idle):
    """Events of a band: value, position = (y - y0) << x_bits | (x - x0), Q a memory word; then the band's count, a byte.

    start: pulse; settings: Settings, held.  valid: an output, with its value (8 bits), emit: it is an event, and
    whether it is the last of its
    row, band, channel. It is taken when `go`; without go whoever gives outputs holds still.  write: Put.  idle: all is
    written.
    An output a cycle; two cycles more for a band. Reset: idle.
    """
    wide, low, events = address_bits(config), byte_bits(config), config.port_events
    at_byte = wide + low
    last_sub, byte_mask, every = events - 1, config.port_bytes - 1, (1 << config.port_bytes) - 1
    at_q, row_q, moved = wrapping(wide), wrapping(wide), wrapping(wide)
    count_at_q, count_row_q, stepped = wrapping(at_byte), wrapping(at_byte), wrapping(at_byte)
    rest_q = wrapping(8)        # words of the band's slot that are not written
    parts = [unsigned(16) for _ in range(events)]
    word_q = ConcatSignal(*reversed(parts)) if events > 1 else parts[0]
    full_q, flush_q, ends_q = bit(), bit(), bit()
    count_q, line_q, place_q = wrapping(8), wrapping(8), wrapping(8)
    told = ConcatSignal(*[count_q] * config.port_bytes)
    take, tell, fills, turns = bit(), bit(), bit(), bit()

    @always_comb
    def permit():
        go.next = not flush_q and (not full_q or write.ready)
        tell.next = flush_q and not full_q
        idle.next = not full_q and not flush_q

    @always_comb
    def look():
        ahead = intbv(0)[9:]
        take.next = valid and go
        # A word goes when it is full, and before the count, which goes last.
        ahead[:] = count_q + emit
        fills.next = (emit and (count_q & last_sub) == last_sub) or (ends_band and (ahead & last_sub) != 0)

    @always_comb
    def ask():
        write.valid.next = full_q or flush_q
        write.address.next = at_q
        write.sel.next = every
        write.data.next = word_q
        if tell:
            write.address.next = count_at_q[at_byte:low]
            write.sel.next = 1 << (count_at_q & byte_mask)
            write.data.next = told

    @always_seq(clk.posedge, reset=rst)
    def gather():
        if full_q and write.ready:
            full_q.next = False
        if tell and write.ready:
            flush_q.next = False
            count_q.next = 0
        if take:
            if fills:
                full_q.next = True
            if emit:
                count_q.next = count_q + 1
            if ends_band:
                flush_q.next = True
                ends_q.next = ends_channel
            place_q.next = place_q + 1
            if ends_row and not settings.vector:
                place_q.next = line_q + (1 << settings.out_x_bits)
                line_q.next = line_q + (1 << settings.out_x_bits)
            if ends_band:
                place_q.next = 0
                line_q.next = 0

    @always_comb
    def aim():
        turns.next = ends_q and not settings.vector
        moved.next = at_q + 1
        stepped.next = count_at_q + 1
        if tell:
            moved.next = at_q + rest_q
            if ends_q and not settings.vector:
                moved.next = row_q + settings.out_channel_words
                stepped.next = count_row_q + settings.out_map_bands

    @always_seq(clk.posedge, reset=rst)
    def move():
        if settings.out_events:
            row_q.next = settings.address[wide:]
            at_q.next = settings.address[wide:]
        if settings.out_counts:
            count_at_q.next = settings.address
            count_row_q.next = settings.address
        if write.valid and write.ready:
            at_q.next = moved
            if tell:
                count_at_q.next = stepped
                if turns:
                    row_q.next = moved
                    count_row_q.next = stepped
        if start or (tell and write.ready):
            rest_q.next = settings.out_slot_words
        elif full_q and write.ready:
            rest_q.next = rest_q - 1

    u_keep = [_keep(clk, take, emit, count_q, value, place_q, parts[i], i, last_sub) for i in range(events)]

    return permit, look, ask, gather, aim, move, u_keep
