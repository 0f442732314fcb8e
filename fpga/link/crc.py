"""The check sequence of a frame, a bit a cycle: FCS-32 of RFC 1662 (the CRC of Ethernet and zlib)."""
from myhdl import always_seq, block

ONES = 0xFFFFFFFF
POLYNOMIAL = 0xEDB88320     # x^32 + x^26 + x^23 + ... + 1, lowest power in the highest bit
RESIDUE = 0xDEBB20E3        # what is left after data and their check sequence


@block
def crc(clk, rst, clear, step, data, state):
    """state' = (state >> 1) ^ (POLYNOMIAL if state[0] != data else 0); the check sequence is the complement of state.

    clear: state becomes all ones.  step: a bit is taken.  data: one bit of the frame, each byte from its lowest bit up.
    state: 32 bits. Fed with its own lowest bit, state moves right by one and brings zeros in. Latency 1. Reset is clear.
    """

    @always_seq(clk.posedge, reset=rst)
    def divide():
        if clear:
            state.next = ONES
        elif step:
            if state[0] != data:
                state.next = (state >> 1) ^ POLYNOMIAL
            else:
                state.next = state >> 1

    return divide
