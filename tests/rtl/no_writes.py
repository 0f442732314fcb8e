"""A client of the memory port that never writes, for parts that only read."""
from myhdl import always_comb, block

from rtl.hdl import leave_open


@block
def no_writes(halt, write):
    """write.valid = 0 for ever.  halt: any signal, since logic that is combinational must read one.  write: WritePort."""
    leave_open(write.ready)

    @always_comb
    def tie():
        write.valid.next = halt and not halt
        write.address.next = 0
        write.data.next = 0
        write.sel.next = 0

    return tie
