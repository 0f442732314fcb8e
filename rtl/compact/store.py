"""A memory with one write and one read port, read latency 1."""
from myhdl import Signal, always, block, intbv

from rtl.hdl import drop_in

LUT_RAM_DEPTH = {"ecp5": 256, "gowin": 32}      # Gowin's LUT RAM blocks the flip-flops beside it, and there are few
"""Words up to which a memory goes into LUT RAM, by family."""


def read_register(width: int, name: str, family: str) -> str:
    """The text that declares a block RAM's output; no user looks at it before the first read.

    Yosys 0.70 adds a multiplexer a bit where an iCE40 block RAM's output has an initial value.
    """
    if family in ("ice40", "up5k"):
        return f"`ifdef YOSYS\nreg [{width - 1}:0] {name};\n`else\nreg [{width - 1}:0] {name} = 0;\n`endif"
    return f"reg [{width - 1}:0] {name} = 0;"


@block
def store(clk, write, write_address, write_data, read, read_address, read_data, depth, family="generic"):
    """read_data(t + 1) = words[read_address(t)] where read(t), else it stays.

    Undefined: reading the address being written, or one never written; no user does.  No reset.
    write, read: bits.  write_data, read_data: any equal width.  depth: words.  family: of config.FAMILIES; LUT RAM
    where there is some, whose
    data leave a register at once, while those of a block RAM take as long as the rest of the way.
    """
    words = [Signal(intbv(0, min=write_data.min, max=write_data.max)) for _ in range(depth)]

    @always(clk.posedge)
    def access():
        if write:
            words[write_address].next = write_data
        if read:
            read_data.next = words[read_address]

    drop_in((clk, write, write_address, write_data, read, read_address), (read_data,))
    width = len(write_data)
    style = ', ram_style = "distributed"' if depth <= LUT_RAM_DEPTH.get(family, 0) else ""
    if family in ("ice40", "up5k"):
        style = ', ram_style = "block"'     # however small: registers are what these devices are short of
    # Without the attribute Yosys 0.70 adds logic to define what no user does.
    store.verilog_code = f"""(* no_rw_check{style} *) reg [{width - 1}:0] ${{read_data}}_words [0:{depth - 1}];
{read_register(width, "${read_data}_q", family)}
always @(posedge $clk) begin
    if ($write) ${{read_data}}_words[$write_address] <= $write_data;
    if ($read) ${{read_data}}_q <= ${{read_data}}_words[$read_address];
end
assign $read_data = ${{read_data}}_q;"""
    return access
