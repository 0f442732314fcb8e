"""Finds the events of a pass in memory: reads every band's count and asks for the words of those that have events."""
from myhdl import always, always_comb, always_seq, block, concat, intbv

from rtl.event_queue import event_queue
from rtl.hdl import leave_open
from rtl.memory_bus import COUNT_BITS, job_stream
from rtl.pass_settings import ADDRESS_BITS, BYTE_ADDRESS_BITS
from rtl.stream import Stream, bit, unsigned, wrapping

EVENT_COUNT_BITS = 8    # events of a band: 0 .. 255
CHANNEL_BITS = 16
STRIP_BITS = 7          # a strip is 128 columns wide
MASK_WORD = 32


class MaskPort:
    """Write port of the live masks: `data` holds the bits of 32 channels; `address` has the pass's half on top."""

    def __init__(self, config):
        self.write = bit()
        self.address = unsigned(mask_address_bits(config))
        self.data = unsigned(MASK_WORD)


def mask_address_bits(config) -> int:
    """Bits of a mask word's address, half and word."""
    return config.mask_words.bit_length()


def piece_bits(config) -> int:
    """Bits of a piece: count, x0, y0, channel, first, last, packed low to high."""
    return EVENT_COUNT_BITS + 2 * config.coord_bits + CHANNEL_BITS + 2


@block
def _walk(clk, rst, config, start_walk, settings, masks, step, at, channel, opens, closes, live, running):
    """Byte addresses of the counts, channels outside, bands inside; one on with each `step`, of a channel that is not live at once.

    start_walk: pulse, `settings` are there.  masks: list of the live masks' words (docs/accelerator.md).  at, channel: of this band.
    opens, closes: the channel's first and last band.  live: the channel has rows with chunks.  running: there is a band.
    """
    address_bits = mask_address_bits(config)
    row_q, band_q = wrapping(BYTE_ADDRESS_BITS), unsigned(16)
    mask = unsigned(MASK_WORD)

    @always_comb
    def look_up():
        mask.next = masks[concat(settings.mask_half, channel[address_bits + 4:5])]

    @always_comb
    def watch():
        opens.next = band_q == 0
        live.next = not settings.masked or mask[channel[5:]]
        closes.next = band_q + 1 == settings.bands or (settings.masked and not mask[channel[5:]])

    @always_seq(clk.posedge, reset=rst)
    def move():
        if step:
            if closes:
                band_q.next = 0
                row_q.next = row_q + settings.map_bands
                at.next = row_q + settings.map_bands
                channel.next = channel + 1
                if channel + 1 == settings.channels:
                    running.next = False
            else:
                band_q.next = band_q + 1
                at.next = at + 1
        if start_walk:
            at.next = settings.counts
            row_q.next = settings.counts
            band_q.next = 0
            channel.next = 0
            running.next = settings.channels != 0 and settings.bands != 0

    return look_up, watch, move


@block
def _permit(clk, rst, config, settings, progress, at, channel, allowed):
    """allowed: the events and counts of `channel` are in memory (a cycle late); once so, it stays so.

    at: byte address of its count. The memory word with it may hold counts of as many later channels as bytes follow it.
    """
    byte_bits = config.port_bytes.bit_length() - 1
    last_byte = config.port_bytes - 1
    ahead = wrapping(8)             # passes written beyond those needed, modulo 256: the top bit is its sign
    whole_q, partly_q, written_q = bit(), bit(), unsigned(16)
    reach = unsigned(CHANNEL_BITS + 1)

    @always_comb
    def compare():
        ahead.next = progress.passes + settings.lag - settings.before
        reach.next = channel + (last_byte - at[byte_bits:])

    @always_seq(clk.posedge, reset=rst)
    def watch():
        whole_q.next = not ahead[7]
        partly_q.next = settings.progressive and ((progress.passes + 1) & 255) == settings.before
        written_q.next = progress.channels

    @always_comb
    def decide():
        allowed.next = whole_q or (partly_q and written_q > reach)

    return compare, watch, decide


@block
def event_fetch(clk, rst, config, take, settings, mask, free, progress, count_jobs, count_words, event_jobs, pieces):
    """One job and one piece for each band with events, channels outside, bands inside; then a piece that says `last`.

    take: pulse, only while `free`.  settings: FetchSettings, held from the cycle after `take` until `free` is high again.
    mask: MaskPort; a masked pass's words are there before `take`, those of the pass being fetched stay.  free: bit, the next pass may be taken: all jobs and pieces of this one are in the queues towards their streams.
    progress: Progress; a channel's count is asked for once the pass that writes it is far enough (docs/accelerator.md).
    count_jobs: job_stream() out, a job of one word for each memory word of counts.  count_words: stream of those words, in order.
    event_jobs: job_stream() out.  pieces: stream of piece_bits(config): count, x0, y0, channel, first of its channel, last.
    Channels that are not live are passed over, one a cycle. One band a cycle; the counts are asked for as far ahead as count_jobs and count_words let it. Latency 2 from `take` to the
    first count job, 1 from a count to its job and piece. Reset forgets the pass.
    """
    width, coord_bits = config.port_bytes, config.coord_bits
    if width < 2:
        raise ValueError(f"weight_bytes must be at least 2 for a memory port, not {width}")
    byte_bits = width.bit_length() - 1
    top = ADDRESS_BITS + byte_bits
    event_shift, round_up = byte_bits - 1, config.port_events - 1
    strip_width = 1 << STRIP_BITS
    one_word = 1 << ADDRESS_BITS
    last_piece = 1 << (piece_bits(config) - 1)

    busy_q, begin_q = bit(), bit()
    ask_step, ask_running, ask_opens, ask_closes, ask_live = (bit() for _ in range(5))
    allowed, asking, new = bit(), bit(), bit()
    ask_at, ask_channel = wrapping(BYTE_ADDRESS_BITS), unsigned(CHANNEL_BITS)
    asked_q, any_q = unsigned(ADDRESS_BITS), bit()
    masks = [unsigned(MASK_WORD) for _ in range(2 * config.mask_words)]

    # The band whose count is used, and the one after it: a count word is let go when the next band's is in another.
    next_step, next_running, next_opens, next_closes, next_live, fresh = (bit() for _ in range(6))
    next_at, next_channel = wrapping(BYTE_ADDRESS_BITS), unsigned(CHANNEL_BITS)
    next_row_q = wrapping(ADDRESS_BITS)     # events of the next band's channel
    band_q, have_q, word_q, byte_q = bit(), bit(), unsigned(ADDRESS_BITS), unsigned(byte_bits)
    channel_q, opened_q = unsigned(CHANNEL_BITS), bit()
    events_q = wrapping(ADDRESS_BITS)
    strip_q, x_q, y_q = unsigned(4), unsigned(max(coord_bits, STRIP_BITS + 4)), unsigned(16)
    use, ending, first = bit(), bit(), bit()
    count, words = unsigned(EVENT_COUNT_BITS), unsigned(COUNT_BITS)
    job, piece = job_stream(), Stream(piece_bits(config))

    u_ask = _walk(clk, rst, config, begin_q, settings, masks, ask_step, ask_at, ask_channel, ask_opens, ask_closes, ask_live,
                  ask_running)
    u_permit = _permit(clk, rst, config, settings, progress, ask_at, ask_channel, allowed)
    u_next = _walk(clk, rst, config, begin_q, settings, masks, next_step, next_at, next_channel, next_opens, next_closes, next_live,
                   next_running)
    u_jobs = event_queue(clk, rst, job, event_jobs, 2)
    u_pieces = event_queue(clk, rst, piece, pieces, 2)
    leave_open(ask_opens, ask_closes)

    @always(clk.posedge)
    def write_mask():
        if mask.write:
            masks[mask.address].next = mask.data

    @always_comb
    def ask():
        new.next = not any_q or asked_q != ask_at[top:byte_bits]
        free.next = not busy_q

    @always_comb
    def offer():
        asking.next = ask_running and ask_live and new and allowed
        count_jobs.data.next = one_word | ask_at[top:byte_bits]

    @always_comb
    def show():
        count_jobs.valid.next = asking
        ask_step.next = ask_running and (not ask_live or not new or (asking and count_jobs.ready))

    @always_seq(clk.posedge, reset=rst)
    def remember():
        begin_q.next = take
        if ask_step and ask_live:
            asked_q.next = ask_at[top:byte_bits]
            any_q.next = True
        if begin_q:
            any_q.next = False
        if take:
            busy_q.next = True
        elif ending and piece.ready:
            busy_q.next = False

    @always_comb
    def decide():
        use.next = band_q and count_words.valid and job.ready and piece.ready
        ending.next = busy_q and not begin_q and not band_q and not next_running
        first.next = not opened_q

    @always_comb
    def pick():
        offset = intbv(0)[byte_bits + 3:]
        offset[:] = byte_q << 3
        count.next = (count_words.data >> offset) & 255

    @always_comb
    def go_on():
        next_step.next = next_running and (use or not band_q or not next_live)
        fresh.next = next_running and next_live and (use or not band_q)

    @always_comb
    def let_go():
        # A word is let go when the next band turns out to be in another one, or there is none.
        count_words.ready.next = have_q and ((fresh and word_q != next_at[top:byte_bits]) or (ending and piece.ready))

    @always_comb
    def measure():
        whole = intbv(0)[EVENT_COUNT_BITS + 1:]
        whole[:] = count + round_up
        words.next = whole >> event_shift

    @always_comb
    def hand_on():
        job.valid.next = use and count != 0
        job.data.next = concat(words, events_q)
        piece.valid.next = ending or (use and count != 0)
        piece.data.next = concat(ending, first, channel_q, y_q[coord_bits:], x_q[coord_bits:], count)
        if ending:
            piece.data.next = last_piece

    @always_seq(clk.posedge, reset=rst)
    def follow():
        if use:
            band_q.next = False
        if fresh:
            band_q.next = True
            have_q.next = True
            word_q.next = next_at[top:byte_bits]
            byte_q.next = next_at[byte_bits:]
            channel_q.next = next_channel
        if ending and piece.ready:
            have_q.next = False
        if next_step and next_closes:
            next_row_q.next = next_row_q + settings.channel_words
        if begin_q:
            next_row_q.next = settings.events

    @always_seq(clk.posedge, reset=rst)
    def locate():
        if use and count != 0:
            opened_q.next = True
        if fresh:
            if next_opens:
                opened_q.next = False
                events_q.next = next_row_q
                strip_q.next = 0
                x_q.next = 0
                y_q.next = settings.first_y
            else:
                events_q.next = events_q + settings.slot_words
                if strip_q + 1 == settings.strips:
                    strip_q.next = 0
                    x_q.next = 0
                    y_q.next = y_q + settings.band_rows
                else:
                    strip_q.next = strip_q + 1
                    x_q.next = x_q + strip_width

    return (u_ask, u_permit, u_next, u_jobs, u_pieces, write_mask, ask, offer, show, remember, decide, pick, go_on, let_go, measure, hand_on,
            follow, locate)
