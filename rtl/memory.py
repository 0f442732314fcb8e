"""Simple dual-port memory with the block RAM's own output register."""
from myhdl import Signal, always, block, intbv

from rtl.hdl import drop_in
from rtl.primitives.ecp5_memory import LUT_RAM_DEPTH, block_rams, fits_block_rams


@block
def memory(clk, write, write_address, write_data, read_address, read_data, depth, read=None, family="generic"):
    """read_data(t + 2) = memory[read_address(t)]; a write is seen by reads of later cycles.

    Not done: reset, byte enables. A read of the address being written returns the word before it in simulation and anything in a
    device; no block relies on it.
    write: one bit.  write_data, read_data: any equal width.  depth: words.  read: optional bit, read in this cycle; without
    it read_data keeps its word (saves power, and time in simulation).  family: of config.FAMILIES; on ecp5 block RAMs with their
    output registers are instantiated where the memory is large enough, LUT RAM is asked for where it is small.
    Latency 2, one read and one write a cycle.
    """
    words = [Signal(intbv(0, min=write_data.min, max=write_data.max)) for _ in range(depth)]
    array_q = Signal(intbv(0, min=write_data.min, max=write_data.max))

    @always(clk.posedge)
    def access():
        if write:
            words[write_address].next = write_data
        if read is None or read:
            array_q.next = words[read_address]
        read_data.next = array_q

    reads = [clk, write, write_address, write_data, read_address] + ([] if read is None else [read])
    drop_in(reads, [read_data])
    width = len(write_data)
    # Without the attribute Yosys builds logic around the block RAM that makes the case true that no block relies on.
    style = ', ram_style = "distributed"' if family == "ecp5" and depth <= LUT_RAM_DEPTH else ""
    inferred = f"""(* no_rw_check{style} *) reg [{width - 1}:0] ${{read_data}}_words [0:{depth - 1}];
reg [{width - 1}:0] ${{read_data}}_array_q = 0, ${{read_data}}_q = 0;
integer ${{read_data}}_i;
initial for (${{read_data}}_i = 0; ${{read_data}}_i < {depth}; ${{read_data}}_i = ${{read_data}}_i + 1)
    ${{read_data}}_words[${{read_data}}_i] = 0;
always @(posedge $clk) begin
    if ($write) ${{read_data}}_words[$write_address] <= $write_data;
    {"" if read is None else "if ($read) "}${{read_data}}_array_q <= ${{read_data}}_words[$read_address];
    ${{read_data}}_q <= ${{read_data}}_array_q;
end
assign $read_data = ${{read_data}}_q;"""
    if family == "ecp5" and fits_block_rams(depth):
        memory.verilog_code = f"`ifdef YOSYS\n{block_rams(width, depth, read is not None)}\n`else\n{inferred}\n`endif"
    else:
        memory.verilog_code = inferred

    return access
