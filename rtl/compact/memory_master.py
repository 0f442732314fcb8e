"""The compact accelerator's memory port: six askers share a Wishbone B4 pipelined bus in fixed priority."""
from myhdl import always, always_comb, always_seq, block, concat

from rtl.compact.sizes import ADDRESS_BITS, CHUNK, COUNT, EVENTS, OPEN, PROGRAM, WEIGHTS, WRITE, byte_bits
from rtl.compact.store import store
from rtl.config import EVENT_BITS
from rtl.stream import bit, signed, unsigned, wrapping


class Ask:
    """A stream of read requests: word address, unless band_walk has it, and what comes back with the answer."""

    def __init__(self, config, note_bits=0, walks=False):
        self.valid, self.ready = bit(), bit()
        if not walks:
            self.address = unsigned(ADDRESS_BITS)
        if note_bits:
            self.note = unsigned(note_bits)


class Put:
    """A stream of write requests: a word of events or, with `counts`, a band's count, in every byte of `data`."""

    def __init__(self, config):
        self.valid, self.ready, self.counts = bit(), bit(), bit()
        self.data = unsigned(8 * config.port_bytes)


class Answers:
    """A memory word, a pulse that says whose it is, and the note of its request; of a chunk: value and sum address."""

    def __init__(self, config):
        self.data = unsigned(8 * config.port_bytes)
        self.program, self.count, self.events, self.weights, self.chunk = (bit() for _ in range(5))
        self.note = unsigned(4)
        self.value, self.sum = signed(EVENT_BITS), unsigned(config.acc_address_bits)


def note_bits(config) -> int:
    """Bits of a chunk request's note: value, sum address (low)."""
    return EVENT_BITS + config.acc_address_bits


@block
def memory_master(clk, rst, config, program, count, events, weights, chunk, write, at, count_at, bus, halt, answers, quiet,
                  failed):
    """Sends requests to the bus in the order count, events, weights, write, program, chunk, and tells whose each answer is.

    program, count, events, weights, chunk: Ask; the note of program is a place in the word, of chunk note_bits.
    write: Put.  count and events are never valid together, nor is write with them, weights or chunk.  at: word address of
    events, count_at: byte address of counts, read or written.  bus: MemoryBus, this side the master.  answers: Answers, a
    cycle after the bus gives them.
    halt: from the next cycle on no answer is given, and nobody asks; what was taken is still carried out.
    quiet: no request is open.  failed: pulse, an error outside halt.
    At most OPEN requests are open. Latency 1 to the bus and 1 back, one request a cycle; bus outputs are registers but
    for cyc.
    Reset forgets open requests, so it is for a port that is quiet.
    """
    sum_bits, wide = config.acc_address_bits, ADDRESS_BITS
    tag_bits = 3 + note_bits(config)
    pointer_bits = (OPEN - 1).bit_length()
    everything, byte_mask, low = (1 << config.port_bytes) - 1, config.port_bytes - 1, byte_bits(config)
    at_byte = wide + low
    kind, address, note = unsigned(3), unsigned(wide), unsigned(note_bits(config))
    sel = unsigned(config.port_bytes)
    we, first, others, stalled, full, room, chunks, accept, answered = (bit() for _ in range(9))
    late_q, late_address = bit(), unsigned(wide)
    put_q, got_q = wrapping(pointer_bits), wrapping(pointer_bits)
    open_q = unsigned(pointer_bits + 1)
    tag, asker = unsigned(tag_bits), unsigned(tag_bits)
    valid_q, data_q = bit(), unsigned(8 * config.port_bytes)

    u_tags = store(clk, accept, put_q, tag, answered, got_q, asker, OPEN, config.family)

    @always_comb
    def choose():
        note.next = chunk.note
        if count.valid:
            kind.next = COUNT
        elif events.valid:
            kind.next = EVENTS
        elif weights.valid:
            kind.next = WEIGHTS
        elif write.valid:
            kind.next = WRITE
        elif program.valid:
            kind.next = PROGRAM
            note.next = program.note
        else:
            kind.next = CHUNK

    @always_comb
    def aim():
        sel.next = everything
        if write.valid and write.counts and not late_q:
            sel.next = 1 << (count_at & byte_mask)
        address.next = chunk.address
        if late_q:
            address.next = late_address
        elif count.valid or (write.valid and write.counts):
            address.next = count_at[at_byte:low]
        elif events.valid or write.valid:
            address.next = at
        elif weights.valid:
            address.next = weights.address
        elif program.valid:
            address.next = program.address

    @always_comb
    def watch():
        first.next = count.valid or events.valid or weights.valid
        others.next = count.valid or events.valid or weights.valid or write.valid or program.valid
        stalled.next = bus.stb and bus.stall
        full.next = open_q[pointer_bits]
        answered.next = (bus.ack or bus.err) and open_q != 0
        bus.cyc.next = open_q != 0
        quiet.next = open_q == 0
        tag.next = concat(kind, note)

    @always_comb
    def permit():
        # A chunk is taken whether the bus stalls or not, and waits if need be: a stall has no way to whoever walks the rows.
        room.next = not stalled and not full and not late_q
        chunks.next = chunk.valid and not first and not program.valid and not full and not late_q
        accept.next = chunks or (others and not stalled and not full and not late_q)
        we.next = kind == WRITE and not late_q

    @always_comb
    def serve():
        count.ready.next = room
        events.ready.next = room
        weights.ready.next = room and not count.valid and not events.valid
        write.ready.next = room
        program.ready.next = room and not first and not write.valid
        chunk.ready.next = not first and not program.valid and not full and not late_q

    @always_seq(clk.posedge, reset=rst)
    def issue():
        if not stalled:
            bus.stb.next = accept or late_q
        late_q.next = stalled and (chunks or late_q)
        if accept:
            put_q.next = put_q + 1
        if answered:
            got_q.next = got_q + 1
        if accept and not answered:
            open_q.next = open_q + 1
        elif answered and not accept:
            open_q.next = open_q - 1
        valid_q.next = answered and not halt
        failed.next = bus.err and open_q != 0 and not halt

    @always(clk.posedge)
    def hold():
        if not late_q:
            late_address.next = chunk.address
        if not stalled:
            bus.we.next = we
            bus.adr.next = address
            bus.dat_w.next = write.data
            bus.sel.next = sel
        data_q.next = bus.dat_r

    @always_comb
    def tell():
        answers.data.next = data_q
        answers.note.next = asker[4:]
        answers.sum.next = asker[sum_bits:]
        answers.value.next = asker[sum_bits + EVENT_BITS:sum_bits].signed()
        answers.program.next = valid_q and asker[tag_bits:tag_bits - 3] == PROGRAM
        answers.count.next = valid_q and asker[tag_bits:tag_bits - 3] == COUNT
        answers.events.next = valid_q and asker[tag_bits:tag_bits - 3] == EVENTS
        answers.weights.next = valid_q and asker[tag_bits:tag_bits - 3] == WEIGHTS
        answers.chunk.next = valid_q and asker[tag_bits:tag_bits - 3] == CHUNK

    return u_tags, choose, aim, watch, permit, serve, issue, hold, tell
