"""A multiplier of unsigned numbers with a register at its product only."""
from myhdl import always, block

from rtl.hdl import drop_in


@block
def quick_product(clk, enable, a, b, product, cell=False):
    """product(t + 1) = a(t) * b(t) mod 2**width of the product, with enable(t); else it stays.

    a, b, product: unsigned; with `cell` at most 15 bits, 32 for the product.  cell: one SB_MAC16 of UP5K is instantiated; else
    all is inferred. No reset.
    """
    width = len(product)
    mask = (1 << width) - 1

    @always(clk.posedge)
    def multiply():
        if enable:
            product.next = (a * b) & mask

    drop_in((clk, enable, a, b), (product,))
    inferred = f"""reg [{width - 1}:0] ${{product}}_q = 0;
always @(posedge $clk) if ($enable) ${{product}}_q <= $a * $b;
assign $product = ${{product}}_q;"""
    quick_product.verilog_code = f"`ifdef YOSYS\n{_mac16(len(a), len(b), width)}\n`else\n{inferred}\n`endif" if cell else inferred
    return multiply


def _mac16(a_bits: int, b_bits: int, width: int) -> str:
    """The text for UP5K: nothing registered but the adder's output, which adds zero."""
    low = ", ".join(f".{name}(1'b0)" for name in (
        "AHOLD BHOLD CHOLD DHOLD IRSTTOP IRSTBOT ORSTTOP ORSTBOT OLOADTOP OLOADBOT OHOLDTOP OHOLDBOT ADDSUBTOP ADDSUBBOT "
        "CI ACCUMCI SIGNEXTIN").split())
    return f"""wire [15:0] ${{product}}_a, ${{product}}_b;
wire [31:0] ${{product}}_o;
assign ${{product}}_a = {{{16 - a_bits}'b0, $a}};
assign ${{product}}_b = {{{16 - b_bits}'b0, $b}};
assign $product = ${{product}}_o[{width - 1}:0];
SB_MAC16 #(.TOPADDSUB_LOWERINPUT(2'b10), .TOPADDSUB_UPPERINPUT(1'b1), .TOPADDSUB_CARRYSELECT(2'b10), .TOPOUTPUT_SELECT(2'b01),
    .BOTADDSUB_LOWERINPUT(2'b10), .BOTADDSUB_UPPERINPUT(1'b1), .BOTADDSUB_CARRYSELECT(2'b00), .BOTOUTPUT_SELECT(2'b01))
    ${{product}}_mac16 (
    .CLK($clk), .CE($enable), .A(${{product}}_a), .B(${{product}}_b), .C(16'b0), .D(16'b0), {low}, .O(${{product}}_o));"""
