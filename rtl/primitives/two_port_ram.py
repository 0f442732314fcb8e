"""A memory with one write port and one read port, in one block RAM."""
from myhdl import always, block

from rtl.hdl import drop_in
from rtl.primitives.block_ram import latency
from rtl.primitives.ecp5_memory import block_rams
from rtl.stream import unsigned


@block
def two_port_ram(clk, write, write_address, write_data, read_address, read_data, depth, family="generic"):
    """read_data(t + latency) = words[read_address(t)]; nobody may read an address while it is written.

    write: one bit.  write_data, read_data: unsigned, of one width.  depth: words, at most 1024, all zero at first.
    family: on ecp5 the RAM's own output register is used. The latency is that of rtl/primitives/block_ram.py: 1, or 2 on ecp5.
    No reset. The Verilog is a text for its attribute: Yosys 0.70 else adds logic to make a read of the address being written
    return the word before.
    """
    words = [unsigned(len(write_data)) for _ in range(depth)]
    array_q = unsigned(len(read_data))

    if latency(family) == 1:
        @always(clk.posedge)
        def access():
            if write:
                words[write_address].next = write_data
            read_data.next = words[read_address]
    else:
        @always(clk.posedge)
        def access():
            if write:
                words[write_address].next = write_data
            array_q.next = words[read_address]
            read_data.next = array_q

    drop_in((clk, write, write_address, write_data, read_address), (read_data,))
    last = "${read_data}_array" if latency(family) == 1 else "${read_data}_register"
    inferred = f"""(* no_rw_check *) reg [{len(write_data) - 1}:0] ${{read_data}}_words [0:{depth - 1}];
reg [{len(write_data) - 1}:0] ${{read_data}}_array = 0, ${{read_data}}_register = 0;
integer ${{read_data}}_index;
initial for (${{read_data}}_index = 0; ${{read_data}}_index < {depth}; ${{read_data}}_index = ${{read_data}}_index + 1)
    ${{read_data}}_words[${{read_data}}_index] = 0;
always @(posedge $clk) begin
    if ($write) ${{read_data}}_words[$write_address] <= $write_data;
    ${{read_data}}_array <= ${{read_data}}_words[$read_address];
    ${{read_data}}_register <= ${{read_data}}_array;
end
assign $read_data = {last};"""
    if family == "ecp5":
        rams = block_rams(len(write_data), depth, False)
        two_port_ram.verilog_code = f"`ifdef YOSYS\n{rams}\n`else\n{inferred}\n`endif"
    else:
        two_port_ram.verilog_code = inferred
    return access
