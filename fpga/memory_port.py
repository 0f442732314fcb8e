"""The signals between the arbiter and a memory backend."""
from rtl.stream import bit, unsigned


class RamPort:
    """enable: an access in this cycle.  write: its bytes that are written, a bit each; a read when none is.  adr: word.

    dat_r is the word `latency` cycles after a read's cycle (1: a memory array, 2: and its output register); after a write
    it means nothing.
    """

    def __init__(self, port_bytes: int, words: int):
        self.enable, self.write = bit(), unsigned(port_bytes)
        self.adr = unsigned(max(1, (words - 1).bit_length()))
        self.dat_w, self.dat_r = unsigned(8 * port_bytes), unsigned(8 * port_bytes)
