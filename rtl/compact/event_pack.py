"""Packs a pass's outputs as events and writes them, and each band's number of events, to memory."""
from myhdl import ConcatSignal, always, always_comb, always_seq, block, concat, intbv

from rtl.hdl import packed
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
def event_pack(clk, rst, config, settings, valid, value, emit, ends_row, ends_band, ends_channel, go, passing, word, band,
               closes, write, idle):
    """Events of a band: value, position = (y - y0) << x_bits | (x - x0), Q a memory word; then the band's count, a byte.

    settings: Settings, held.  valid: an output, with its value (8 bits), emit: it is an event, and whether it is the last
    of its row, band, channel. It is taken when `go`; without go whoever gives outputs holds still.  passing, word, band,
    closes: of band_walk, which has the addresses.  write: Put.  idle: all is written.
    An output a cycle; two cycles more for a band. Reset: idle.
    """
    events = config.port_events
    last_sub = events - 1
    parts = [unsigned(16) for _ in range(events)]
    word_q = packed(parts)
    full_q, flush_q, ends_q = bit(), bit(), bit()
    count_q, place_q = wrapping(8), wrapping(8)
    told = ConcatSignal(*[count_q] * config.port_bytes)
    take, fills, told_now = bit(), bit(), bit()

    @always_comb
    def permit():
        go.next = not flush_q and (not full_q or (write.ready and not passing))
        write.valid.next = (full_q or flush_q) and not passing
        write.counts.next = flush_q and not full_q
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
        write.data.next = word_q
        if write.counts:
            write.data.next = told
        word.next = full_q and write.ready and not passing
        told_now.next = flush_q and not full_q and write.ready and not passing
        closes.next = ends_q and not settings.vector

    @always_seq(clk.posedge, reset=rst)
    def gather():
        line_end = intbv(0)[8:]
        if word:
            full_q.next = False
        band.next = told_now     # of the next cycle: nothing is written before the one after it
        if told_now:
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
            line_end[:] = place_q
            if ends_row and not settings.vector:
                line_end[:] = place_q | (((1 << settings.x_bits) - 1) & 0xFF)
            place_q.next = line_end + 1
            if ends_band:
                place_q.next = 0

    u_keep = [_keep(clk, take, emit, count_q, value, place_q, parts[i], i, last_sub) for i in range(events)]

    return permit, look, ask, gather, u_keep
