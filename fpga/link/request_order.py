"""Which requests are carried out: each once, in the order of their sequence numbers, those of one session."""
from myhdl import always_comb, always_seq, block

from fpga.link.protocol import (DONE, HELLO, IDENTITY, IDENTITY_WORDS, IMPOSSIBLE, MEMORY_ERROR, MOST_WORDS, OTHER_SESSION,
                                OUT_OF_ORDER, READ, REGISTERS, SPACE_BIT, WRITE)
from rtl.stream import bit, unsigned


class Order:
    """What the request being worked on is.

    session, sequence, status: of its reply.  count: its words, also those of a write that is not carried out.
    write, hello: its opcode.  acts: a write that is to be carried out.  answers: a read or a hello whose words go into the reply.
    """

    def __init__(self):
        self.session, self.sequence, self.status, self.count = unsigned(8), unsigned(8), unsigned(3), unsigned(6)
        self.write, self.hello, self.acts, self.answers = bit(), bit(), bit(), bit()


@block
def request_order(clk, rst, word, header, address, failure, order):
    """Takes a request's first two words and says what to do with it.

    word: 32 bits.  header, address: word is a request's first word, its second; one cycle each,
    the first word stays for one cycle more.  failure: an access had an error.
    order: Order; right from two cycles after header on, its status from the cycle after address.
    The write just carried out is acknowledged again, with its status, and not done again; a read is.
    Reset: no session is open.
    """
    expected_q, open_q, repeat_q, failed_q = unsigned(8), bit(), bit(), bit()
    header_q, same_q, expected_now_q, next_q = bit(), bit(), bit(), unsigned(8)
    writes_q, hello_q, possible_q = bit(), bit(), bit()

    @always_comb
    def look():
        order.answers.next = not order.write and order.status == DONE
        order.acts.next = order.write and order.status == DONE and not repeat_q

    # Comparisons have a cycle of their own: they are carry chains and the longest paths of the link.
    @always_seq(clk.posedge, reset=rst)
    def compare():
        header_q.next = header
        same_q.next = open_q and word[8:] == order.session
        expected_now_q.next = word[16:8] == expected_q
        next_q.next = (word[16:8] + 1) & 255
        writes_q.next = word[24:16] == WRITE
        hello_q.next = word[24:16] == HELLO
        possible_q.next = (word[24:16] == WRITE or word[24:16] == READ) and word[32:24] != 0 and word[32:24] <= MOST_WORDS

    @always_seq(clk.posedge, reset=rst)
    def judge():
        if header_q:
            order.sequence.next = word[16:8]
            order.write.next = writes_q
            order.hello.next = hello_q
            order.count.next = word[30:24]
            order.status.next = DONE
            repeat_q.next = False
            if hello_q:
                order.session.next = word[8:]
                order.count.next = IDENTITY_WORDS
                expected_q.next = next_q
                open_q.next = True
            elif not same_q:
                order.status.next = OTHER_SESSION
            elif expected_now_q or next_q == expected_q:
                repeat_q.next = not expected_now_q
                expected_q.next = next_q
                if not possible_q:
                    order.status.next = IMPOSSIBLE
            else:
                order.status.next = OUT_OF_ORDER
                order.sequence.next = expected_q
        elif address and order.status == DONE and not order.hello:
            if word[32:SPACE_BIT] > REGISTERS or (order.write and word[32:SPACE_BIT] == IDENTITY):
                order.status.next = IMPOSSIBLE
            elif repeat_q and order.write and failed_q:
                order.status.next = MEMORY_ERROR
            elif not repeat_q:
                failed_q.next = False
        elif failure:
            order.status.next = MEMORY_ERROR
            failed_q.next = True

    return look, compare, judge
