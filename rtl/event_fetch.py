"""Finds the events of a pass in memory: reads every band's count and asks for the words of those that have events."""
from myhdl import always, always_comb, always_seq, block, concat, intbv

from rtl.count_fetch import band_bits, count_fetch
from rtl.event_queue import event_queue
from rtl.hdl import leave_open
from rtl.memory_bus import COUNT_BITS, job_stream
from rtl.pass_settings import ADDRESS_BITS
from rtl.stream import Stream, bit, unsigned, wrapping

EVENT_COUNT_BITS = 8    # events of a band: 0 .. 255
CHANNEL_BITS = 16
STRIP_BITS = 7          # a strip is 128 columns wide
PIECES_AHEAD = 16       # jobs, and pieces, that wait to be taken


def piece_bits(config) -> int:
    """Bits of a piece: count, x0, y0, channel, first, last, packed low to high."""
    return EVENT_COUNT_BITS + 2 * config.coord_bits + CHANNEL_BITS + 2


@block
def _place(clk, rst, config, begun, go, valid, opens, closes, settings, events, channel, y, x):
    """Where the events of each band are, in memory and in the map, the cycle after `valid` and `go`.

    begun: pulse, the first band is still to come.  opens, closes: first, last band of a channel.  settings: FetchSettings.
    """
    strip_width = 1 << STRIP_BITS
    row_q, number_q = wrapping(ADDRESS_BITS), wrapping(CHANNEL_BITS)     # of the channel
    strip_q, last_strip_q, lone_q = unsigned(4), bit(), bit()

    @always_seq(clk.posedge, reset=rst)
    def follow():
        lone_q.next = settings.strips == 1
        if begun:
            row_q.next = settings.events
            number_q.next = 0
        elif go and valid and closes:
            row_q.next = row_q + settings.channel_words
            number_q.next = number_q + 1

    @always(clk.posedge)
    def place():
        if go and valid:
            channel.next = number_q
            if opens:
                events.next = row_q
                strip_q.next = settings.strips
                last_strip_q.next = lone_q
                x.next = 0
                y.next = settings.first_y
            else:
                events.next = events + settings.slot_words
                if last_strip_q:
                    strip_q.next = settings.strips
                    last_strip_q.next = lone_q
                    x.next = 0
                    y.next = y + settings.band_rows
                else:
                    strip_q.next = strip_q - 1
                    last_strip_q.next = strip_q == 2
                    x.next = x + strip_width

    return follow, place


@block
def event_fetch(clk, rst, config, take, settings, mask, free, progress, count_jobs, count_words, event_jobs, pieces):
    """One job and one piece for each band with events, channels outside, bands inside; then a piece that says `last`.

    take: pulse, only while `free`.  settings: FetchSettings, held from the cycle after `take` until `free` is high again.
    mask: MaskPort; a masked pass's words are there before `take`, those of the pass being fetched stay.  free: bit, the next pass may
    be taken: all jobs and pieces of this one are in the queues towards their streams (PIECES_AHEAD each).
    progress: Progress; a channel's count is asked for once the pass that writes it is far enough (docs/accelerator.md).
    count_jobs: job_stream() out, a job of one word for each memory word of counts.  count_words: stream of those words, in order.
    event_jobs: job_stream() out.  pieces: stream of piece_bits(config): count, x0, y0, channel, first of its channel, last.
    Channels that are not live are passed over, one a cycle. One band a cycle; the counts are asked for as far ahead as count_fetch,
    count_jobs and count_words let it. Latency 6 from `take` to the first count job, 4 from a count to its job and piece. Reset forgets
    the pass.
    """
    width, coord_bits = config.port_bytes, config.coord_bits
    if width < 2:
        raise ValueError(f"weight_bytes must be at least 2 for a memory port, not {width}")
    byte_bits = width.bit_length() - 1
    event_shift, round_up = byte_bits - 1, config.port_events - 1
    new_bit, opens_bit, closes_bit, live_bit, end_bit = (byte_bits + n for n in range(5))
    busy_q, begin_q, go, step = bit(), bit(), bit(), bit()
    jobs_crowded, pieces_crowded = bit(), bit()
    bands = Stream(band_bits(config))

    # b: the word is there.  c: the count is.  d: job and piece are.
    valid_b, opens_b, closes_b, live_b, end_b = (bit() for _ in range(5))
    valid_c, opens_c, closes_c, live_c, end_c = (bit() for _ in range(5))
    valid_d, closes_d, some_d, end_d, seen_q = (bit() for _ in range(5))
    word_b, byte_b = unsigned(8 * width), unsigned(byte_bits)
    count_c, count_d, words_d = unsigned(EVENT_COUNT_BITS), unsigned(EVENT_COUNT_BITS), unsigned(COUNT_BITS)
    events_d, channel_d = wrapping(ADDRESS_BITS), unsigned(CHANNEL_BITS)
    y_d, x_d = unsigned(16), unsigned(max(coord_bits, STRIP_BITS + 4))
    job, piece = job_stream(), Stream(piece_bits(config))

    leave_open(job.ready, piece.ready)      # the pipeline stops in time: two more may come after a queue is crowded
    u_counts = count_fetch(clk, rst, config, begin_q, settings, mask, progress, count_jobs, bands)
    u_place = _place(clk, rst, config, begin_q, go, valid_c, opens_c, closes_c, settings, events_d, channel_d, y_d, x_d)
    u_jobs = event_queue(clk, rst, job, event_jobs, PIECES_AHEAD, jobs_crowded, 2)
    u_pieces = event_queue(clk, rst, piece, pieces, PIECES_AHEAD, pieces_crowded, 2)

    @always_comb
    def accept():
        free.next = not busy_q
        step.next = go and bands.valid and (not bands.data[new_bit] or count_words.valid)
        bands.ready.next = go and (not bands.data[new_bit] or count_words.valid)
        count_words.ready.next = go and bands.valid and bands.data[new_bit]

    @always_seq(clk.posedge, reset=rst)
    def follow():
        begin_q.next = take
        go.next = not jobs_crowded and not pieces_crowded
        if take:
            busy_q.next = True
        elif go and valid_d and end_d:
            busy_q.next = False
        if go:
            valid_b.next = step
            valid_c.next = valid_b
            valid_d.next = valid_c

    @always_seq(clk.posedge, reset=rst)
    def remember():
        if go and valid_d:
            if closes_d:
                seen_q.next = False
            elif some_d:
                seen_q.next = True

    @always(clk.posedge)
    def take_word():
        if go:
            opens_b.next = bands.data[opens_bit]
            closes_b.next = bands.data[closes_bit]
            live_b.next = bands.data[live_bit]
            end_b.next = bands.data[end_bit]
            byte_b.next = bands.data[byte_bits:]
            if bands.valid and bands.data[new_bit]:
                word_b.next = count_words.data

    @always(clk.posedge)
    def pick():
        offset = intbv(0)[byte_bits + 3:]
        offset[:] = byte_b << 3
        if go:
            count_c.next = (word_b >> offset) & 255
            opens_c.next = opens_b
            closes_c.next = closes_b
            live_c.next = live_b
            end_c.next = end_b

    @always(clk.posedge)
    def measure():
        whole = intbv(0)[EVENT_COUNT_BITS + 1:]
        whole[:] = count_c + round_up
        if go:
            words_d.next = whole >> event_shift
            some_d.next = live_c and count_c != 0
            closes_d.next = closes_c
            end_d.next = end_c
            count_d.next = 0
            if live_c:
                count_d.next = count_c

    @always_comb
    def hand_on():
        job.valid.next = go and valid_d and some_d
        job.data.next = concat(words_d, events_d)
        piece.valid.next = go and valid_d and (some_d or end_d)
        piece.data.next = concat(end_d, not seen_q and not end_d, channel_d, y_d[coord_bits:], x_d[coord_bits:], count_d)

    return u_counts, u_place, u_jobs, u_pieces, accept, follow, remember, take_word, pick, measure, hand_on
