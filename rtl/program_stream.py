"""Reads the program from memory, a few jobs ahead, and cuts its words into 32 bits."""
from myhdl import always_comb, always_seq, block, concat, intbv

from rtl.pass_settings import ADDRESS_BITS
from rtl.stream import bit, unsigned

JOB_WORDS = 16          # memory words asked for at once


@block
def program_stream(clk, rst, config, launch, address, length, jobs, words, cfg, exhausted):
    """cfg = `length` 32-bit words from word address `address` on, lowest bits first.

    launch: pulse; address (ADDRESS_BITS) and length (32) hold from then on.  jobs: job_stream to a reader whose words come back.
    words: stream of memory words.  cfg: stream of 32 bits.  exhausted: all words have been given.
    One word a cycle where a memory word has 32 bits or more. Reset forgets the program.
    """
    width = 8 * config.port_bytes
    left_q, ask_q = unsigned(32), unsigned(32)      # 32-bit words to give; memory words to ask for
    address_q = unsigned(ADDRESS_BITS)
    portion = unsigned(16)
    total = unsigned(32)

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
        jobs.valid.next = ask_q != 0
        portion.next = JOB_WORDS
        if ask_q < JOB_WORDS:
            portion.next = ask_q[16:]
        exhausted.next = left_q == 0

    @always_comb
    def job():
        jobs.data.next = concat(portion, address_q)

    @always_seq(clk.posedge, reset=rst)
    def walk():
        if launch:
            ask_q.next = total
            address_q.next = address
        elif jobs.valid and jobs.ready:
            ask_q.next = ask_q - portion
            address_q.next = (address_q + portion) & ((1 << ADDRESS_BITS) - 1)

    if width == 16:
        low_q, half_q = unsigned(16), bit()

        @always_comb
        def give():
            cfg.valid.next = half_q and words.valid and left_q != 0
            cfg.data.next = concat(words.data, low_q)
            words.ready.next = not half_q or (cfg.ready and left_q != 0)

        @always_seq(clk.posedge, reset=rst)
        def pair():
            if launch:
                left_q.next = length
                half_q.next = 0
            elif words.valid and words.ready:
                half_q.next = not half_q
                if half_q:
                    left_q.next = left_q - 1
                else:
                    low_q.next = words.data

        return size, ask, job, walk, give, pair
    if width == 32:
        @always_comb
        def give():
            cfg.valid.next = words.valid and left_q != 0
            cfg.data.next = words.data
            words.ready.next = cfg.ready and left_q != 0

        @always_seq(clk.posedge, reset=rst)
        def count():
            if launch:
                left_q.next = length
            elif cfg.valid and cfg.ready:
                left_q.next = left_q - 1

        return size, ask, job, walk, give, count

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
        cfg.valid.next = words.valid and left_q != 0
        cfg.data.next = chosen
        # The last memory word is let go with its last part or with the program's last word.
        words.ready.next = cfg.ready and left_q != 0 and (part_q == last_part or left_q == 1)

    @always_seq(clk.posedge, reset=rst)
    def count():
        if launch:
            left_q.next = length
            part_q.next = 0
        elif cfg.valid and cfg.ready:
            left_q.next = left_q - 1
            if part_q == last_part:
                part_q.next = 0
            else:
                part_q.next = part_q + 1

    return size, ask, job, walk, choose, give, count
