"""A signed multiplier with registers at its operands, inside it and at its product."""
from myhdl import always, block

from rtl.hdl import drop_in
from rtl.stream import signed

LATENCY = 3     # operands, pipeline, product
SIDE = 18       # bits of an operand of MULT18X18D


@block
def multiplier(clk, a, b, p, family="generic", enable=None):
    """p(t + 3) = a(t) * b(t), signed; times are counted in cycles with `enable`, without which nothing moves.

    a, b: signed signals; on ecp5 at most 18 bits wide.  p: signed, as wide as both together.  family: of config.FAMILIES; on ecp5 a
    MULT18X18D with all its registers is instantiated, which Yosys 0.70 never uses by itself.
    enable: optional bit (saves power, and time in simulation).
    Latency 3, one product a cycle. No reset.
    Raises ValueError when an operand is too wide.
    """
    if family == "ecp5" and max(len(a), len(b)) > SIDE:
        raise ValueError(f"a multiplier's operands must have at most {SIDE} bits, not {len(a)} and {len(b)}")
    a_q, b_q, product_q = signed(len(a)), signed(len(b)), signed(len(p))

    @always(clk.posedge)
    def pipeline():
        if enable is None or enable:
            a_q.next = a
            b_q.next = b
            product_q.next = a_q * b_q
            p.next = product_q

    drop_in([clk, a, b] + ([] if enable is None else [enable]), [p])
    inferred = f"""reg signed [{len(a) - 1}:0] ${{p}}_a = 0;
reg signed [{len(b) - 1}:0] ${{p}}_b = 0;
reg signed [{len(p) - 1}:0] ${{p}}_m = 0, ${{p}}_q = 0;
always @(posedge $clk) {"" if enable is None else "if ($enable) "}begin
    ${{p}}_a <= $a;
    ${{p}}_b <= $b;
    ${{p}}_m <= ${{p}}_a * ${{p}}_b;
    ${{p}}_q <= ${{p}}_m;
end
assign $p = ${{p}}_q;"""
    multiplier.verilog_code = inferred
    if family == "ecp5":
        multiplier.verilog_code = f"`ifdef YOSYS\n{_mult18x18(len(p), enable is not None)}\n`else\n{inferred}\n`endif"
    return pipeline


def _mult18x18(width: int, enabled: bool) -> str:
    """The text for ECP5. Its wires have no sign of their own: Yosys 0.70 loses a synthesised module over signed ones at a cell's port."""
    enable = "$enable" if enabled else "1'b1"
    operands = ", ".join(f".A{n}(${{p}}_a[{n}]), .B{n}(${{p}}_b[{n}]), .C{n}(1'b0)" for n in range(SIDE))
    control = ", ".join(f".CE{n}({enable}), .RST{n}(1'b0)" for n in range(4))
    product = ", ".join(f".P{n}(${{p}}_p[{n}])" for n in range(width))
    # All said, defaults too: where multipliers of one DSP site have different enables, nextpnr-ecp5 0.11.1 moves one from CE0 to CE1 and
    # tells the registers so only in parameters that are there.
    places, pins = ("INPUTA", "INPUTB", "PIPELINE", "OUTPUT"), ("CLK", "CE", "RST")
    registers = ", ".join(f'.REG_{place}_{pin}("{pin}0")' for place in places for pin in pins)
    return f"""wire [{SIDE - 1}:0] ${{p}}_a, ${{p}}_b;
wire [{width - 1}:0] ${{p}}_p;
assign ${{p}}_a = $a;
assign ${{p}}_b = $b;
assign $p = ${{p}}_p;
MULT18X18D #({registers}, .SOURCEB_MODE("B_SHIFT"), .RESETMODE("SYNC"), .GSR("AUTO")) ${{p}}_mult (
    {operands},
    .SIGNEDA(1'b1), .SIGNEDB(1'b1), .SOURCEA(1'b0), .SOURCEB(1'b0), .CLK0($clk), .CLK1(1'b0), .CLK2(1'b0), .CLK3(1'b0),
    {control}, {product});"""
