"""Reads the program from memory, a few jobs ahead, and cuts its words into 32 bits."""
from myhdl import always_comb, always_seq, block, concat, intbv

from rtl.pass_settings import ADDRESS_BITS
from rtl.stream import bit, unsigned, wrapping

PORTION_BITS = 4
JOB_WORDS = 1 << PORTION_BITS       # memory words asked for at once


@block
def program_stream(clk, rst, config, launch, address, length, jobs, words, cfg, exhausted):
    """cfg = `length` 32-bit words from word address `address` on, lowest bits first.

    launch: pulse; address (ADDRESS_BITS) and length (32) hold from then on.  jobs: job_stream to a reader whose words come back.
    words: stream of memory words.  cfg: stream of 32 bits.  exhausted: all words have been given.
    The first job is offered two cycles after launch. One word a cycle where a memory word has 32 bits or more. Reset forgets the program.
    """
    width = 8 * config.port_bytes
    last_q, more_q, moved = bit(), bit(), bit()     # one 32-bit word is left to give; one at least; one is given
    left_q = unsigned(32)
    portions_q, rest_q, asking_q = unsigned(32 - PORTION_BITS), unsigned(PORTION_BITS), bit()   # to ask for: whole jobs, and words
    address_q = wrapping(ADDRESS_BITS)
    portion = unsigned(16)
    total, total_q, launch_q = unsigned(32), unsigned(32), bit()

    if width == 16:
        @always_comb
        def size():
            total.next = (length << 1) & 0xFFFFFFFF
    else:
        step = (width // 32).bit_length() - 1
        spare = (width // 32) - 1

        @always_comb
        def size():
            words_up = intbv(0)[33:]
            words_up[:] = length + spare
            total.next = words_up >> step

    @always_comb
    def ask():
        jobs.valid.next = asking_q
        portion.next = rest_q
        if portions_q != 0:
            portion.next = JOB_WORDS
        exhausted.next = not more_q

    @always_comb
    def job():
        jobs.data.next = concat(portion, address_q)

    @always_seq(clk.posedge, reset=rst)
    def walk():
        total_q.next = total
        launch_q.next = launch
        if launch_q:
            portions_q.next = total_q[32:PORTION_BITS]
            rest_q.next = total_q[PORTION_BITS:]
            asking_q.next = total_q != 0
            address_q.next = address
        elif asking_q and jobs.ready:
            # What follows the last job does not matter.
            address_q.next = address_q + JOB_WORDS
            asking_q.next = portions_q != 0 and (portions_q != 1 or rest_q != 0)
            if portions_q != 0:
                portions_q.next = portions_q - 1

    @always_seq(clk.posedge, reset=rst)
    def count():
        if launch:
            left_q.next = length
            more_q.next = length != 0
            last_q.next = length == 1
        elif moved:
            left_q.next = left_q - 1
            more_q.next = not last_q
            last_q.next = left_q == 2

    @always_comb
    def watch():
        moved.next = cfg.valid and cfg.ready

    if width == 16:
        low_q, half_q = unsigned(16), bit()

        @always_comb
        def give():
            cfg.valid.next = half_q and words.valid and more_q
            cfg.data.next = concat(words.data, low_q)
            words.ready.next = not half_q or (cfg.ready and more_q)

        @always_seq(clk.posedge, reset=rst)
        def pair():
            if launch:
                half_q.next = 0
            elif words.valid and words.ready:
                half_q.next = not half_q
                if not half_q:
                    low_q.next = words.data

        return size, ask, job, walk, count, watch, give, pair
    if width == 32:
        @always_comb
        def give():
            cfg.valid.next = words.valid and more_q
            cfg.data.next = words.data
            words.ready.next = cfg.ready and more_q

        return size, ask, job, walk, count, watch, give

    parts = width // 32
    part_q = unsigned((parts - 1).bit_length())
    last_part = parts - 1
    chosen = unsigned(32)

    @always_comb
    def choose():
        chosen.next = words.data[32:]
        for i in range(1, parts):
            if part_q == i:
                chosen.next = (words.data >> (32 * i)) & 0xFFFFFFFF

    @always_comb
    def give():
        cfg.valid.next = words.valid and more_q
        cfg.data.next = chosen
        # The last memory word is let go with its last part or with the program's last word.
        words.ready.next = cfg.ready and more_q and (part_q == last_part or last_q)

    @always_seq(clk.posedge, reset=rst)
    def turn():
        if launch:
            part_q.next = 0
        elif moved:
            if part_q == last_part:
                part_q.next = 0
            else:
                part_q.next = part_q + 1

    return size, ask, job, walk, count, watch, choose, give, turn
