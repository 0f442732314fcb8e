"""What the words and bytes of the link are called (docs/link.md)."""
from rtl.stream import bit, unsigned

VERSION = 1
FLAG, ESCAPE, FLIP = 0x7E, 0x7D, 0x20       # RFC 1662's octet-stuffed framing
WRITE, READ, HELLO = 1, 2, 3                # opcodes
DONE, OUT_OF_ORDER, OTHER_SESSION, IMPOSSIBLE, MEMORY_ERROR = range(5)      # states of a reply
MOST_WORDS = 60                             # of data in a frame
HEADER_WORDS = 2                            # of a request: session, sequence, opcode, count; address
MEMORY, IDENTITY, REGISTERS = range(3)      # address spaces, bits 31..30 of an address
SPACE_BIT = 30
IDENTITY_WORDS, IDENTITY_BITS = 8, 3
REGISTER_BITS = 6
MAGIC = 0x43464952                          # "CFIR"
RING_BYTES, RING_BITS = 512, 9             # the receive ring
RING_WORDS = RING_BYTES >> 2


class LinkBus:
    """One access at a time: stb, we, space, adr and dat_w stay until the cycle of ack, in which err and dat_r count.

    space: MEMORY, IDENTITY or REGISTERS.  adr: 32-bit words from the beginning of the space; `bits` of them, and a top bit that
    says that the address is beyond what `bits` can tell.  data_bits: 32, or 16 inside.
    """

    def __init__(self, bits: int, data_bits: int = 32):
        self.stb, self.we = bit(), bit()
        self.space, self.adr = unsigned(2), unsigned(bits + 1)
        self.dat_w, self.dat_r = unsigned(data_bits), unsigned(data_bits)
        self.ack, self.err = bit(), bit()
