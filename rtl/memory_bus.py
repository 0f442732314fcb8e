"""The memory side's signal bundles: the Wishbone bus outside, and read and write clients inside."""
from rtl.pass_settings import ADDRESS_BITS
from rtl.stream import Stream, bit, unsigned

COUNT_BITS = 16         # words of a job


class MemoryBus:
    """Wishbone B4 pipelined, master's side: a request moves in a cycle with stb and not stall; one ack or err for each, in order."""

    def __init__(self, config):
        self.cyc, self.stb, self.we = bit(), bit(), bit()
        self.adr = unsigned(ADDRESS_BITS)
        self.dat_w, self.dat_r = unsigned(8 * config.port_bytes), unsigned(8 * config.port_bytes)
        self.sel = unsigned(config.port_bytes)
        self.stall, self.ack, self.err = bit(), bit(), bit()


class ReadPort:
    """A client that reads: a stream of word addresses, and answers that it must always be ready to take.

    address, valid, ready: the request.  data, answer: a pulse for each word, in the order of the client's requests.
    """

    def __init__(self, config):
        self.address, self.valid, self.ready = unsigned(ADDRESS_BITS), bit(), bit()
        self.data, self.answer = unsigned(8 * config.port_bytes), bit()


class WritePort:
    """A client that writes: a stream of address, data and byte enables."""

    def __init__(self, config):
        self.address, self.valid, self.ready = unsigned(ADDRESS_BITS), bit(), bit()
        self.data, self.sel = unsigned(8 * config.port_bytes), unsigned(config.port_bytes)


def job_stream():
    """A stream of read jobs: word address (low), number of words (high)."""
    return Stream(ADDRESS_BITS + COUNT_BITS)


class Progress:
    """How far the events of fired passes are in memory: passes completely written, modulo 256, and the channels (from 0 on, of the
    layer) that the pass being written has finished."""

    def __init__(self):
        self.passes, self.channels = unsigned(8), unsigned(16)
