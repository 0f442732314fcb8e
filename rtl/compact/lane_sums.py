"""The partial sums of all lanes: one memory, a word for each address, with read latency 2 that can hold still."""
from myhdl import Signal, always, block, intbv

from rtl.compact.store import read_register
from rtl.hdl import drop_in
from rtl.primitives.ecp5_memory import block_rams, fits_block_rams


@block
def lane_sums(clk, go, write, write_address, write_data, read_address, read_data, depth, family="generic"):
    """read_data(t + 2) = sums[read_address(t)], counted in cycles with `go`; without it reading holds still.

    write: sums[write_address] = write_data, at any time. A read needs a write to be at least three cycles older; no
    user reads earlier.
    write_data, read_data: any equal width.  depth: words, zero at first.  family: of config.FAMILIES: where block RAMs
    have no register behind them (iCE40) one holds the address, on ecp5 theirs is used. No reset.
    """
    width = len(write_data)
    words = [Signal(intbv(0, min=write_data.min, max=write_data.max)) for _ in range(depth)]
    found_q = Signal(intbv(0, min=write_data.min, max=write_data.max))

    @always(clk.posedge)
    def access():
        if write:
            words[write_address].next = write_data
        if go:
            found_q.next = words[read_address]
            read_data.next = found_q

    drop_in((clk, go, write, write_address, write_data, read_address), (read_data,))
    name = "${read_data}"
    address_bits = (depth - 1).bit_length()
    if family in ("ice40", "up5k"):
        read = f"""if ($go) begin
        {name}_first <= $read_address;
        {name}_q <= {name}_sums[{name}_first];
    end"""
        first = f"reg [{address_bits - 1}:0] {name}_first = 0;"
    else:
        read = f"""if ($go) begin
        {name}_first <= {name}_sums[$read_address];
        {name}_q <= {name}_first;
    end"""
        first = f"reg [{width - 1}:0] {name}_first = 0;"
    # Without the attribute Yosys 0.70 adds logic to define reads of what is being written.
    inferred = f"""(* no_rw_check *) reg [{width - 1}:0] {name}_sums [0:{depth - 1}];
{read_register(width, f"{name}_q", family)}
{first}
integer {name}_i;
initial for ({name}_i = 0; {name}_i < {depth}; {name}_i = {name}_i + 1) {name}_sums[{name}_i] = 0;
always @(posedge $clk) begin
    if ($write) {name}_sums[$write_address] <= $write_data;
    {read}
end
assign $read_data = {name}_q;"""
    if family == "ecp5" and fits_block_rams(depth):
        instance = block_rams(width, depth, True).replace("$read,", "$go,").replace("$read)", "$go)")
        instance = instance.replace(".OCEA(1'b1)", ".OCEA($go)").replace(".OCEB(1'b1)", ".OCEB($go)")
        lane_sums.verilog_code = f"`ifdef YOSYS\n{instance}\n`else\n{inferred}\n`endif"
    else:
        lane_sums.verilog_code = inferred
    return access
