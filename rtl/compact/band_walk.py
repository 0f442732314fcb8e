"""Where a map's bands are in memory: the word that is read or written, and the byte that counts a band's events."""
from myhdl import always_comb, always_seq, block

from rtl.compact.sizes import ADDRESS_BITS, BAND_BITS, byte_bits
from rtl.primitives.loadable_counter import loadable_counter
from rtl.stream import bit, wrapping


@block
def band_walk(clk, rst, config, settings, word, band, closes, at, count_at, passing):
    """at: word address, from settings.address on; count_at: byte address.  A slot of slot_words for each band, map_bands a channel.

        word: at + 1;   band: at + what is left of the slot, count_at + 1;   closes: also past the bands left of the channel

    settings: Settings; map_bands and slot_words come before `counts`.  word, band: pulses, not while passing.  closes: with
    band.  passing: bands are passed, one a cycle, until another map's address comes.  Reset: not passing.
    """
    wide = ADDRESS_BITS
    at_byte = wide + byte_bits(config)
    rest, left = wrapping(8), wrapping(BAND_BITS)
    rest_loads, left_loads, moves, ends = (bit() for _ in range(4))
    amount, start = wrapping(8), wrapping(wide)

    u_count = loadable_counter(clk, settings.counts, settings.address, moves, count_at, family=config.family)
    u_rest = loadable_counter(clk, rest_loads, settings.slot_words, word, rest, True, config.family)
    u_left = loadable_counter(clk, left_loads, settings.map_bands, moves, left, True, config.family)

    @always_comb
    def look():
        moves.next = band or passing
        ends.next = left == 1
        amount.next = 1
        if band or passing:
            amount.next = rest
        start.next = settings.address[wide:]

    @always_comb
    def load():
        rest_loads.next = settings.counts or moves
        left_loads.next = settings.counts or (moves and ends)

    @always_seq(clk.posedge, reset=rst)
    def go_past():
        if band:
            passing.next = closes and not ends
        elif ends or settings.events:
            passing.next = False

    @always_seq(clk.posedge, reset=rst)
    def move():
        if settings.events:
            at.next = start
        elif word or moves:
            at.next = at + amount

    return u_count, u_rest, u_left, look, load, go_past, move
