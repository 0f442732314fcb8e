"""Finds the weights of the channels that have events: walks the counts of a pass up to each channel asked for."""
from myhdl import always, always_comb, always_seq, block, concat, intbv

from rtl.byte_sum import byte_sum
from rtl.config import COUNT_BITS as CHUNK_COUNT_BITS
from rtl.event_queue import event_queue
from rtl.hdl import leave_open
from rtl.memory_bus import COUNT_BITS, job_stream
from rtl.pass_settings import ADDRESS_BITS
from rtl.stream import Stream, bit, unsigned, wrapping

COUNTS_AHEAD = 32   # counts that may wait for a slot: chunks are asked for before there is one
DROP_BITS = 24      # words of passes gone by that are still to come


@block
def _hold(clk, rst, go, value, value_q):
    """value_q = value of the last cycle with `go`. Reset clears it."""

    @always_seq(clk.posedge, reset=rst)
    def follow():
        if go:
            value_q.next = value

    return follow


@block
def weight_fetch(clk, rst, config, start, settings, requests, count_words, chunk_jobs, counts):
    """The counts of each index asked for, and where its chunks are: chunks + (sum of all counts before) * lanes / W.

    start: pulse, a pass begins; the requests of the pass before have all been answered.
    settings: SourceSettings, held from the cycle after `start`.  requests: stream of 16-bit indexes, ascending in a pass.
    count_words: stream of settings.count_words memory words a pass; what a pass did not use is dropped when the next one starts.
    chunk_jobs: job_stream() out, a job for each index with a chunk; at most 65535 words.
    counts: stream of 16 bits: count (low), first chunk (high), kernel_h * kernel_w of them for each request.
    An index's words are skipped at one a cycle. With a kernel of one position, W indexes share a word and a request takes a cycle;
    with a larger one it takes a cycle a position. Latency 4 + log2(W) from a request to its first count. Reset forgets the pass.
    """
    width = config.port_bytes
    if width < 2:
        raise ValueError(f"weight_bytes must be at least 2 for a memory port, not {width}")
    width_bits = width.bit_length() - 1
    chunk_shift = (config.lanes // width).bit_length() - 1
    lane_shift = config.lanes.bit_length() - 1
    top_byte = width - 1

    # The pass: words to drop of those before it, words left of its own.
    begin_q, settle_q, single_q = bit(), bit(), bit()
    low_q, high_q, positions_q, parts_q = unsigned(6), unsigned(6), unsigned(8), unsigned(9 - width_bits)
    drop_q, dropping_q, left_q, left_some_q, drop = unsigned(DROP_BITS), bit(), unsigned(16), bit(), bit()
    # The request that waits, and the one that is looked for: there_q says that its counts are in the word that comes next.
    next_q, next_index_q, next_target_q, next_byte_q = bit(), unsigned(16), unsigned(16), unsigned(width_bits)
    active_q, there_q, index_q, target_q, byte_q = bit(), bit(), unsigned(16), unsigned(16), wrapping(width_bits)
    items_q, last_q = unsigned(8), bit()        # items of the request still to come; this is the last one
    number_q, above_q = wrapping(16), wrapping(16)      # of the word that comes next (index or word), and one more
    part_q, part_last_q = unsigned(9 - width_bits), bit()    # words of number_q still to come, this is the last one
    go, step, done, taken, load, passing, jobs_crowded, counts_crowded = (bit() for _ in range(8))

    # Marks, lowest first: skipped, item, last item of its request, count (8), first chunk (8).
    marks = [unsigned(3 + CHUNK_COUNT_BITS + 8) for _ in range(width_bits + 1)]
    count, counted_q, total = unsigned(CHUNK_COUNT_BITS), unsigned(8 * width), unsigned(8 + width_bits)
    mark_in, first_mark, mark, mark_q = unsigned(len(marks[0])), marks[0], marks[-2], marks[-1]
    addend_q, some_q = unsigned(8 + width_bits), bit()
    run_q, start_q, place = (wrapping(ADDRESS_BITS) for _ in range(3))      # chunks so far; those of the index; with addend_q
    before_q, before_some_q, chunks = unsigned(16), bit(), unsigned(16)     # chunks of the index so far, and with this position
    words, job, item = unsigned(COUNT_BITS), job_stream(), Stream(16)

    u_marks = [_hold(clk, rst, go, marks[i], marks[i + 1]) for i in range(width_bits)]
    u_sum = byte_sum(clk, go, counted_q, total)
    leave_open(job.ready, item.ready)       # the pipeline stops in time: two more may come after a queue is crowded
    u_jobs = event_queue(clk, rst, job, chunk_jobs, 4, jobs_crowded, 2)
    u_counts = event_queue(clk, rst, item, counts, COUNTS_AHEAD, counts_crowded, 2)

    @always_comb
    def decide():
        step.next = active_q and go and count_words.valid and left_some_q and not dropping_q
        drop.next = dropping_q and not begin_q and not settle_q

    @always_comb
    def finish():
        done.next = step and there_q and last_q
        taken.next = step and (not there_q or (not single_q and (last_q or byte_q == top_byte)))
        passing.next = step and ((there_q and last_q and not single_q) or (not there_q and part_last_q))

    @always_comb
    def accept():
        load.next = next_q and (not active_q or done)
        count_words.ready.next = taken or drop
        requests.ready.next = not start and not begin_q and not settle_q and (not next_q or not active_q or done)

    @always_seq(clk.posedge, reset=rst)
    def open_pass():
        go.next = not jobs_crowded and not counts_crowded
        begin_q.next = start
        settle_q.next = begin_q
        single_q.next = settings.kernel_h == 1 and settings.kernel_w == 1

    @always(clk.posedge)
    def measure_kernel():
        # A product in two steps of additions: it would take a multiplier, and there is time until the first request is looked for.
        low = intbv(0)[6:]
        high = intbv(0)[6:]
        words_up = intbv(0)[9:]
        low[:] = 0
        high[:] = 0
        if settings.kernel_h[0]:
            low[:] = settings.kernel_w
        if settings.kernel_h[1]:
            low[:] = low + (settings.kernel_w << 1)
        if settings.kernel_h[2]:
            high[:] = settings.kernel_w
        if settings.kernel_h[3]:
            high[:] = high + (settings.kernel_w << 1)
        low_q.next = low
        high_q.next = high
        positions_q.next = low_q + (high_q << 2)
        words_up[:] = positions_q + top_byte
        parts_q.next = words_up >> width_bits

    @always_seq(clk.posedge, reset=rst)
    def keep_words():
        if begin_q:
            drop_q.next = drop_q + left_q
            left_q.next = settings.count_words
            left_some_q.next = settings.count_words != 0
        elif settle_q:
            dropping_q.next = drop_q != 0
        elif drop and count_words.valid:
            drop_q.next = drop_q - 1
            dropping_q.next = drop_q != 1
        elif taken:
            left_q.next = left_q - 1
            left_some_q.next = left_q != 1

    @always_seq(clk.posedge, reset=rst)
    def wait():
        if requests.valid and requests.ready:
            next_q.next = True
            next_index_q.next = requests.data
            if single_q:
                next_target_q.next = requests.data >> width_bits
                next_byte_q.next = requests.data[width_bits:]
            else:
                next_target_q.next = requests.data
                next_byte_q.next = 0
        elif load:
            next_q.next = False

    @always_seq(clk.posedge, reset=rst)
    def walk():
        if passing:
            number_q.next = above_q
            above_q.next = above_q + 1
        if load:
            active_q.next = True
            index_q.next = next_index_q
            target_q.next = next_target_q
            byte_q.next = next_byte_q
            items_q.next = positions_q
            last_q.next = single_q
            if active_q and not single_q:       # the index before has just been passed
                there_q.next = above_q == next_target_q
            else:
                there_q.next = number_q == next_target_q
        elif done:
            active_q.next = False
        elif step and there_q:
            byte_q.next = byte_q + 1
            items_q.next = items_q - 1
            last_q.next = items_q == 2
        elif passing:
            there_q.next = above_q == target_q
        if settle_q:
            number_q.next = 0
            above_q.next = 1

    @always_seq(clk.posedge, reset=rst)
    def skip():
        if step and not there_q and not part_last_q:
            part_q.next = part_q - 1
            part_last_q.next = part_q == 2
        elif load or passing:
            part_q.next = parts_q
            part_last_q.next = parts_q == 1

    @always_comb
    def pick():
        offset = intbv(0)[width_bits + 3:]
        offset[:] = byte_q << 3
        count.next = (count_words.data >> offset) & 255

    @always_comb
    def mark_step():
        chunk = intbv(0)[17:]
        chunk[:] = 0
        if settings.diagonal:
            chunk[:] = (index_q >> lane_shift) + 65536 - settings.first_chunk
        mark_in.next = concat(chunk[8:], count, last_q, step and there_q, step and not there_q)

    @always_seq(clk.posedge, reset=rst)
    def mark_first():
        if go:
            first_mark.next = mark_in

    @always(clk.posedge)
    def mask():
        below = intbv(0)[8 * width:]
        below[:] = 0
        for i in range(width):
            if byte_q > i or not there_q:
                below[:] = below | (255 << (8 * i))
        if go:
            counted_q.next = count_words.data & below

    @always(clk.posedge)
    def choose():
        if go:
            addend_q.next = total
            some_q.next = mark[11:3] != 0
            if mark[1] and not single_q:
                addend_q.next = mark[11:3]

    @always_comb
    def add():
        place.next = run_q + (addend_q << chunk_shift)
        chunks.next = before_q + mark_q[11:3]

    @always_comb
    def measure():
        words.next = chunks << chunk_shift

    @always_comb
    def hand_on():
        item.valid.next = mark_q[1] and go
        item.data.next = mark_q[19:3]
        job.valid.next = mark_q[1] and mark_q[2] and (some_q or before_some_q) and go
        job.data.next = concat(words, start_q)
        if single_q:
            job.data.next = concat(words, place)

    @always_seq(clk.posedge, reset=rst)
    def advance():
        if settle_q:
            run_q.next = settings.chunks
            start_q.next = settings.chunks
            before_q.next = 0
            before_some_q.next = False
        elif go:
            if mark_q[0] or (mark_q[1] and not single_q):
                run_q.next = place
            if mark_q[0] or (mark_q[1] and mark_q[2] and not single_q):
                start_q.next = place
            if mark_q[1] and not single_q:
                before_q.next = chunks
                before_some_q.next = before_some_q or some_q
                if mark_q[2]:
                    before_q.next = 0
                    before_some_q.next = False

    return (u_marks, u_sum, u_jobs, u_counts, decide, finish, accept, open_pass, measure_kernel, keep_words, wait, walk, skip, pick,
            mark_step, mark_first, mask, choose, add, measure, hand_on, advance)
