"""Reads runs of memory words and hands them on in order."""
from myhdl import always_comb, always_seq, block

from rtl.event_queue import event_queue
from rtl.fill_level import fill_level
from rtl.hdl import leave_open
from rtl.memory import memory
from rtl.memory_bus import COUNT_BITS
from rtl.pass_settings import ADDRESS_BITS
from rtl.stream import Stream, bit, unsigned, wrapping

SHALLOW = 16        # words that are kept in a queue of registers; more go to a block RAM
AHEAD = 8           # words of the queue behind the block RAM


@block
def _store(clk, rst, config, port, words, depth):
    """Keeps the answers of `port` until `words` takes them; the reader sees that there is room."""
    arrived = Stream(len(words.data))
    leave_open(arrived.ready)       # requests are counted, so the storage always has room
    if depth <= SHALLOW:
        u_words = event_queue(clk, rst, arrived, words, depth)

        @always_comb
        def arrive():
            arrived.data.next = port.data
            arrived.valid.next = port.answer

        return u_words, arrive

    bits = (depth - 1).bit_length()
    write_q, read_q = wrapping(bits), wrapping(bits)
    there, crowded, owing = bit(), bit(), bit()
    full = bit()
    fetch, taken_q, coming_1, coming_2 = bit(), bit(), bit(), bit()
    leave_open(full, owing)
    u_memory = memory(clk, port.answer, write_q, port.data, read_q, arrived.data, depth, fetch, config.family)
    u_ahead = event_queue(clk, rst, arrived, words, AHEAD)
    u_kept = fill_level(clk, rst, port.answer, fetch, depth, there, full)
    u_owed = fill_level(clk, rst, fetch, taken_q, AHEAD, owing, crowded)      # fetched from the block RAM and not taken yet

    @always_comb
    def decide():
        fetch.next = there and not crowded
        arrived.valid.next = coming_2

    @always_seq(clk.posedge, reset=rst)
    def move():
        taken_q.next = words.valid and words.ready
        coming_1.next = fetch
        coming_2.next = coming_1
        if port.answer:
            write_q.next = write_q + 1
        if fetch:
            read_q.next = read_q + 1

    return u_memory, u_ahead, u_kept, u_owed, decide, move


@block
def stream_reader(clk, rst, config, jobs, port, words, depth):
    """words = memory[address .. address + number - 1] of each job in turn.

    jobs: job_stream() in, address (low) and number of words (0 is nothing).  port: ReadPort.  words: stream of memory words out.
    depth: words that are stored or on their way at most, a power of two from 2; from 32 on they are kept in a block RAM.
    A job's first request is offered two cycles after the job was taken, its word the cycle after the answer (four cycles with a
    block RAM). One word a cycle, also from job to job, as long as the way there and back is below `depth`. Reset empties it.
    """
    if depth < 2 or depth & (depth - 1):
        raise ValueError(f"depth must be a power of two from 2, not {depth}")
    high = ADDRESS_BITS + COUNT_BITS
    address_q, left_q = wrapping(ADDRESS_BITS), unsigned(COUNT_BITS)
    more_q, last_q = bit(), bit()       # left_q is not 0; it is 1
    holding, full, ready, ask, taken_q = bit(), bit(), bit(), bit(), bit()
    wanted, request = Stream(ADDRESS_BITS), Stream(data=port.address)
    leave_open(holding)
    u_store = _store(clk, rst, config, port, words, depth)
    u_held = fill_level(clk, rst, ask, taken_q, depth, holding, full)
    u_requests = event_queue(clk, rst, wanted, request, 2)

    @always_comb
    def decide():
        ask.next = more_q and not full and wanted.ready

    @always_comb
    def offer():
        wanted.valid.next = ask
        wanted.data.next = address_q
        port.valid.next = request.valid
        request.ready.next = port.ready

    @always_comb
    def accept():
        ready.next = not more_q or (last_q and ask)

    @always_comb
    def tell():
        jobs.ready.next = ready

    @always_seq(clk.posedge, reset=rst)
    def move():
        taken_q.next = words.valid and words.ready
        if ready and jobs.valid:
            address_q.next = jobs.data[ADDRESS_BITS:]
            left_q.next = jobs.data[high:ADDRESS_BITS]
            more_q.next = jobs.data[high:ADDRESS_BITS] != 0
            last_q.next = jobs.data[high:ADDRESS_BITS] == 1
        elif ask:
            address_q.next = address_q + 1
            left_q.next = left_q - 1
            more_q.next = not last_q
            last_q.next = left_q == 2

    return u_store, u_held, u_requests, decide, offer, accept, tell, move
