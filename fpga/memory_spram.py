"""A board's memory in the four SB_SPRAM256KA of an iCE40 UP5K: 128 KiB."""
from myhdl import ConcatSignal, Signal, always, always_comb, block, intbv

from rtl.primitives.spram import DEPTH, spram
from rtl.stream import bit, unsigned

RAMS = 4
BYTES = 2               # of a word of one RAM
ADDRESS_BITS = (DEPTH - 1).bit_length()


def spram_banks(width: int, words: int) -> int:
    """Banks of a memory of words of `width` bytes; ValueError when four RAMs cannot be arranged so."""
    banks = -(-words // DEPTH)
    if width % BYTES or width // BYTES * banks > RAMS:
        raise ValueError(f"a memory in SPRAM must have words of 2, 4 or 8 bytes and 131072 bytes at most, "
                         f"not {words} words of {width} bytes")
    return banks


@block
def memory_spram(clk, ram, words):
    """The words of a RamPort, latency 1: W / 2 RAMs side by side, banks of 16384 words above each other.

    ram: RamPort of 2, 4 or 8 bytes.  words: at most 131072 / bytes. No reset; the device's words are unknown at first.
    Raises ValueError for another shape.
    """
    side, banks = len(ram.write) // BYTES, spram_banks(len(ram.write), words)
    address = unsigned(ADDRESS_BITS)
    enables = [bit() for _ in range(banks)]
    parts = [[unsigned(16) for _ in range(side)] for _ in range(banks)]
    u_ram = [spram(clk, enables[b], ram.write(BYTES * i + BYTES, BYTES * i), address,
                   ram.dat_w(16 * i + 16, 16 * i), parts[b][i]) for b in range(banks) for i in range(side)]
    rows = [ConcatSignal(*reversed(row)) if side > 1 else row[0] for row in parts]

    @always_comb
    def place():
        address.next = ram.adr & (DEPTH - 1)

    if banks == 1:
        only, row = enables[0], rows[0]

        @always_comb
        def pass_on():
            only.next = ram.enable
            ram.dat_r.next = row

        return u_ram, place, pass_on

    bank_q = Signal(intbv(0, min=0, max=banks))
    u_bank = [_bank(ram, number, enables[number]) for number in range(banks)]
    u_choose = _choose(bank_q, rows, ram.dat_r)

    @always(clk.posedge)
    def remember():
        if ram.enable:
            bank_q.next = ram.adr >> ADDRESS_BITS

    return u_ram, place, u_bank, u_choose, remember


@block
def _bank(ram, number, enable):
    """enable = an access to a bank; combinational."""

    @always_comb
    def match():
        enable.next = ram.enable and (ram.adr >> ADDRESS_BITS) == number

    return match


@block
def _choose(bank, rows, data):
    """data = rows[bank]; combinational; two rows, or four (the last one for every other bank)."""
    first, second, third, last = rows[0], rows[1], rows[min(2, len(rows) - 1)], rows[-1]

    @always_comb
    def pick():
        if bank == 0:
            data.next = first
        elif bank == 1:
            data.next = second
        elif bank == 2:
            data.next = third
        else:
            data.next = last

    return pick
