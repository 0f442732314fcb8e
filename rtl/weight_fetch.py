"""Finds the weights of the channels that have events: walks the counts of a pass up to each channel asked for."""
from myhdl import always_comb, always_seq, block, concat, intbv

from rtl.config import COUNT_BITS as CHUNK_COUNT_BITS
from rtl.event_queue import event_queue
from rtl.memory_bus import COUNT_BITS, job_stream
from rtl.pass_settings import ADDRESS_BITS
from rtl.stream import Stream, bit, unsigned, wrapping

DROP_BITS = 24      # words of passes gone by that are still to come


@block
def _byte(word, part, low):
    """part = the byte of word from bit `low` on; combinational."""
    high = low + 8

    @always_comb
    def slice_word():
        part.next = word[high:low]

    return slice_word


@block
def _add(a, b, total):
    """total = a + b; combinational."""

    @always_comb
    def add():
        total.next = a + b

    return add


@block
def byte_sum(word, total):
    """total = sum of the bytes of word, a power of two of them from 2; combinational, an adder tree."""
    terms = [unsigned(8) for _ in range(len(word) // 8)]
    parts = [_byte(word, terms[i], 8 * i) for i in range(len(terms))]
    while len(terms) > 2:
        sums = [unsigned(len(terms[0]) + 1) for _ in range(len(terms) // 2)]
        parts += [_add(terms[2 * i], terms[2 * i + 1], sums[i]) for i in range(len(sums))]
        terms = sums
    parts.append(_add(terms[0], terms[1], total))
    return parts


@block
def weight_fetch(clk, rst, config, start, settings, requests, count_words, chunk_jobs, counts):
    """The counts of each index asked for, and where its chunks are: chunks + (sum of all counts before) * lanes / W.

    start: pulse, a pass begins; the requests of the pass before have all been answered.
    settings: SourceSettings, held from the cycle after `start`.  requests: stream of 16-bit indexes, ascending in a pass.
    count_words: stream of settings.count_words memory words a pass; what a pass did not use is dropped when the next one starts.
    chunk_jobs: job_stream() out, a job for each index with a chunk; at most 65535 words.
    counts: stream of 16 bits: count (low), first chunk (high), kernel_h * kernel_w of them for each request.
    An index's words are skipped at one a cycle. With a kernel of one position, W indexes share a word and a request takes a cycle;
    with a larger one it takes a cycle a position. Latency 4 from a request to its first count. Reset forgets the pass.
    """
    width = config.port_bytes
    if width < 2:
        raise ValueError(f"weight_bytes must be at least 2 for a memory port, not {width}")
    width_bits = width.bit_length() - 1
    chunk_shift = (config.lanes // width).bit_length() - 1
    lane_shift = config.lanes.bit_length() - 1
    item_bits = max(1, (config.positions - 1).bit_length())
    top_byte = width - 1

    begin_q, active_q, single_q, last_item_q, last_part_q = bit(), bit(), bit(), unsigned(item_bits), unsigned(item_bits)
    drop_q, left_q = unsigned(DROP_BITS), unsigned(16)
    index_q, target_q, byte_q = unsigned(16), unsigned(16), wrapping(width_bits)
    number_q, part_q, item_q = wrapping(16), unsigned(item_bits), wrapping(item_bits)     # of the word that comes next
    positions, count = unsigned(8), unsigned(CHUNK_COUNT_BITS)
    dropping, go, step, skip, last, done, taken = bit(), bit(), bit(), bit(), bit(), bit(), bit()

    skip_1, item_1, last_1, count_1, first_1 = bit(), bit(), bit(), unsigned(CHUNK_COUNT_BITS), wrapping(8)
    skip_2, item_2, last_2, count_2, first_2 = bit(), bit(), bit(), unsigned(CHUNK_COUNT_BITS), unsigned(8)
    counted_1, total_1, sum_2 = unsigned(8 * width), unsigned(8 + width_bits), unsigned(8 + width_bits)
    base_q, place = wrapping(ADDRESS_BITS), wrapping(ADDRESS_BITS)      # of the chunks of index or word number_q
    before_q, chunks = unsigned(16), unsigned(16)       # chunks of the index so far, and with this position
    words, job, item = unsigned(COUNT_BITS), job_stream(), Stream(16)

    u_sum = byte_sum(counted_1, total_1)
    u_jobs = event_queue(clk, rst, job, chunk_jobs, 2)
    u_counts = event_queue(clk, rst, item, counts, 2)

    @always_comb
    def aim():
        positions.next = settings.kernel_h * settings.kernel_w
        skip.next = number_q != target_q
        last.next = single_q or item_q == last_item_q
        go.next = job.ready and item.ready
        dropping.next = drop_q != 0 and not begin_q

    @always_comb
    def decide():
        step.next = active_q and go and count_words.valid and left_q != 0 and drop_q == 0 and not begin_q

    @always_comb
    def finish():
        done.next = step and not skip and last
        taken.next = step and (skip or (not single_q and (last or byte_q == top_byte)))

    @always_comb
    def accept():
        count_words.ready.next = taken or dropping
        requests.ready.next = not start and not begin_q and (not active_q or done)

    @always_comb
    def pick():
        offset = intbv(0)[width_bits + 3:]
        offset[:] = byte_q << 3
        count.next = (count_words.data >> offset) & 255

    @always_seq(clk.posedge, reset=rst)
    def walk():
        highest = intbv(0)[8:]
        begin_q.next = start
        if dropping and count_words.valid:
            drop_q.next = drop_q - 1
        if taken:
            left_q.next = left_q - 1
        if step:
            if not skip:
                if not single_q:
                    byte_q.next = byte_q + 1
                    item_q.next = item_q + 1
                    if last:
                        number_q.next = number_q + 1
            elif part_q == last_part_q:
                part_q.next = 0
                number_q.next = number_q + 1
            else:
                part_q.next = part_q + 1
        if done:
            active_q.next = False
        if requests.valid and requests.ready:
            active_q.next = True
            index_q.next = requests.data
            if single_q:
                target_q.next = requests.data >> width_bits
                byte_q.next = requests.data[width_bits:]
            else:
                target_q.next = requests.data
                byte_q.next = 0
            item_q.next = 0
        if begin_q:
            drop_q.next = drop_q + left_q
            left_q.next = settings.count_words
            active_q.next = False
            number_q.next = 0
            part_q.next = 0
            single_q.next = positions == 1
            highest[:] = positions - 1
            last_item_q.next = highest
            last_part_q.next = highest >> width_bits

    @always_seq(clk.posedge, reset=rst)
    def add():
        below = intbv(0)[8 * width + 1:]
        offset = intbv(0)[width_bits + 3:]
        if go:
            skip_1.next = step and skip
            item_1.next = step and not skip
            last_1.next = last
            count_1.next = count
            first_1.next = 0
            if settings.diagonal:
                first_1.next = (index_q >> lane_shift) - settings.first_chunk
            counted_1.next = count_words.data
            if not skip:
                offset[:] = byte_q << 3
                below[:] = (1 << offset) - 1
                counted_1.next = count_words.data & below
            skip_2.next = skip_1
            item_2.next = item_1
            last_2.next = last_1
            count_2.next = count_1
            first_2.next = first_1
            sum_2.next = total_1
        if begin_q:
            skip_1.next = False
            item_1.next = False
            skip_2.next = False
            item_2.next = False

    @always_comb
    def total():
        chunks.next = before_q + count_2
        place.next = base_q
        if single_q or not item_2:
            place.next = base_q + (sum_2 << chunk_shift)

    @always_comb
    def measure():
        words.next = chunks << chunk_shift

    @always_comb
    def hand_on():
        item.valid.next = item_2 and go
        item.data.next = concat(first_2, count_2)
        job.valid.next = item_2 and last_2 and chunks != 0 and go
        job.data.next = concat(words, place)

    @always_seq(clk.posedge, reset=rst)
    def advance():
        if go:
            if skip_2:
                base_q.next = place
            elif item_2 and not single_q:
                before_q.next = chunks
                if last_2:
                    before_q.next = 0
                    base_q.next = base_q + words
        if begin_q:
            base_q.next = settings.chunks
            before_q.next = 0

    return (u_sum, u_jobs, u_counts, aim, decide, finish, accept, pick, walk, add, total, measure, hand_on, advance)
