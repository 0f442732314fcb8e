"""A memory with one write and one read port, read latency 1."""
from myhdl import Signal, always, block, intbv

from rtl.hdl import drop_in

ECP5_LUT_WORDS = 256    # up to so many words a memory goes into LUT RAM
GOWIN_LUT_BITS = 3072   # or up to so many bits: Gowin's LUT RAM blocks the flip-flops beside it, and there are few

HX_COLUMN = 16
HX_REGISTERS = 128
"""Up to so many bits beside 16 bit columns are registers on an HX8K: it has few block RAMs, and more registers than a UP5K."""


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
    style = ""
    if (family == "ecp5" and depth <= ECP5_LUT_WORDS) or (family == "gowin" and width * depth <= GOWIN_LUT_BITS):
        style = ', ram_style = "distributed"'
    elif family in ("ice40", "up5k"):
        style = ', ram_style = "block"'     # however small: registers are what a UP5K is short of
    over = width % HX_COLUMN
    # Without the attribute Yosys 0.70 adds logic to define what no user does.
    if family == "ice40" and 0 < over * depth <= HX_REGISTERS:
        store.verilog_code = _cut_in_two(width, over, depth, style)
        return access
    store.verilog_code = f"""(* no_rw_check{style} *) reg [{width - 1}:0] ${{read_data}}_words [0:{depth - 1}];
{read_register(width, "${read_data}_q", family)}
always @(posedge $clk) begin
    if ($write) ${{read_data}}_words[$write_address] <= $write_data;
    if ($read) ${{read_data}}_q <= ${{read_data}}_words[$read_address];
end
assign $read_data = ${{read_data}}_q;"""
    return access


def _cut_in_two(width: int, over: int, depth: int, style: str) -> str:
    """The text of a store whose highest `over` bits are registers."""
    parts = [("rest", width - over, width, ', ram_style = "registers"'), ("words", 0, width - over, style)]
    parts = [part for part in parts if part[1] < part[2]]
    texts = [f"""(* no_rw_check{attribute} *) reg [{high - low - 1}:0] ${{read_data}}_{name} [0:{depth - 1}];
{read_register(high - low, f"${{read_data}}_{name}_q", "ice40")}
always @(posedge $clk) begin
    if ($write) ${{read_data}}_{name}[$write_address] <= ${{read_data}}_in[{high - 1}:{low}];
    if ($read) ${{read_data}}_{name}_q <= ${{read_data}}_{name}[$read_address];
end""" for name, low, high, attribute in parts]
    found = ", ".join(f"${{read_data}}_{part[0]}_q" for part in parts)
    return "\n".join([f"wire [{width - 1}:0] ${{read_data}}_in = $write_data;", *texts, f"assign $read_data = {{{found}}};"])
