"""Reads runs of memory words and hands them on in order."""
from myhdl import always_comb, always_seq, block

from rtl.event_queue import event_queue
from rtl.hdl import leave_open
from rtl.memory import memory
from rtl.memory_bus import COUNT_BITS
from rtl.pass_settings import ADDRESS_BITS
from rtl.stream import Stream, bit, unsigned, wrapping

SHALLOW = 16        # words that are kept in a queue of registers; more go to a block RAM
AHEAD = 4           # words of the queue behind the block RAM


@block
def _store(clk, rst, port, words, depth):
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
    write_q, read_q = wrapping(bits + 1), wrapping(bits + 1)
    owed_q = unsigned(AHEAD.bit_length())       # words fetched from the block RAM and not taken yet
    fetch, taken, coming_1, coming_2 = bit(), bit(), bit(), bit()
    u_memory = memory(clk, port.answer, write_q(bits, 0), port.data, read_q(bits, 0), arrived.data, depth, fetch)
    u_ahead = event_queue(clk, rst, arrived, words, AHEAD)

    @always_comb
    def decide():
        fetch.next = read_q != write_q and owed_q != AHEAD
        taken.next = words.valid and words.ready
        arrived.valid.next = coming_2

    @always_seq(clk.posedge, reset=rst)
    def move():
        coming_1.next = fetch
        coming_2.next = coming_1
        if port.answer:
            write_q.next = write_q + 1
        if fetch:
            read_q.next = read_q + 1
        if fetch and not taken:
            owed_q.next = owed_q + 1
        elif taken and not fetch:
            owed_q.next = owed_q - 1

    return u_memory, u_ahead, decide, move


@block
def stream_reader(clk, rst, config, jobs, port, words, depth):
    """words = memory[address .. address + number - 1] of each job in turn.

    jobs: job_stream() in, address (low) and number of words (0 is nothing).  port: ReadPort.  words: stream of memory words out.
    depth: words that are stored or on their way at most, a power of two from 2; from 32 on they are kept in a block RAM.
    A job's first request is offered the cycle after the job was taken, its word the cycle after the answer (four cycles with a
    block RAM). One word a cycle, also from job to job, as long as the way there and back is below `depth`. Reset empties it.
    """
    if depth < 2 or depth & (depth - 1):
        raise ValueError(f"depth must be a power of two from 2, not {depth}")
    high = ADDRESS_BITS + COUNT_BITS
    address_q, left_q = wrapping(ADDRESS_BITS), unsigned(COUNT_BITS)
    held_q = unsigned(depth.bit_length())
    ready, asked, taken = bit(), bit(), bit()
    u_store = _store(clk, rst, port, words, depth)

    @always_comb
    def ask():
        port.address.next = address_q
        port.valid.next = left_q != 0 and held_q != depth

    @always_comb
    def watch():
        asked.next = port.ready and left_q != 0 and held_q != depth
        taken.next = words.valid and words.ready

    @always_comb
    def accept():
        ready.next = left_q == 0 or (left_q == 1 and asked)

    @always_comb
    def tell():
        jobs.ready.next = ready

    @always_seq(clk.posedge, reset=rst)
    def move():
        if ready and jobs.valid:
            address_q.next = jobs.data[ADDRESS_BITS:]
            left_q.next = jobs.data[high:ADDRESS_BITS]
        elif asked:
            address_q.next = address_q + 1
            left_q.next = left_q - 1
        if asked and not taken:
            held_q.next = held_q + 1
        elif taken and not asked:
            held_q.next = held_q - 1

    return u_store, ask, watch, accept, tell, move
