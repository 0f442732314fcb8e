"""Simple dual-port memory with the block RAM's own output register."""
from myhdl import Signal, always, block, intbv


@block
def memory(clk, write, write_address, write_data, read_address, read_data, depth, read=None):
    """read_data(t + 2) = memory[read_address(t)]; a write is seen by reads of later cycles.

    Not done: reset, byte enables. A read of the address being written returns the word before it; no block relies on that.
    write: one bit.  write_data, read_data: any equal width.  depth: words.  read: optional bit, read in this cycle; without
    it read_data keeps its word (saves power, and time in simulation).  Latency 2, one read and one write a cycle.
    """
    words = [Signal(intbv(0, min=write_data.min, max=write_data.max)) for _ in range(depth)]
    array_q = Signal(intbv(0, min=write_data.min, max=write_data.max))

    if read is None:
        @always(clk.posedge)
        def access():
            if write:
                words[write_address].next = write_data
            array_q.next = words[read_address]
            read_data.next = array_q
    else:
        @always(clk.posedge)
        def access():
            if write:
                words[write_address].next = write_data
            if read:
                array_q.next = words[read_address]
            read_data.next = array_q

    return access
