"""A board's memory in block RAM: one RAM a byte of the memory word, so that each byte has its own enable."""
from myhdl import ConcatSignal, always_comb, block

from rtl.primitives.block_ram import block_ram
from rtl.stream import bit, unsigned


@block
def memory_block_ram(clk, ram, words, family):
    """The words of a RamPort.

    ram: RamPort.  words: how many.  family: see rtl/primitives/block_ram.py, which also gives the latency; `enable` is not
    used: a RAM reads in every cycle without a write. No reset; all words are zero at first.
    """
    lanes = len(ram.write)
    parts, writes = [unsigned(8) for _ in range(lanes)], [bit() for _ in range(lanes)]
    u_cut = [_lane(ram, i, writes[i]) for i in range(lanes)]
    u_lane = [block_ram(clk, writes[i], ram.adr, ram.dat_w(8 * i + 8, 8 * i), parts[i], words, family) for i in range(lanes)]
    word = ConcatSignal(*reversed(parts))
    ram.enable.read = True

    @always_comb
    def join():
        ram.dat_r.next = word

    return u_cut, u_lane, join


@block
def _lane(ram, number, write):
    """write = a bit of ram.write; combinational."""

    @always_comb
    def cut():
        write.next = ram.write[number]

    return cut
