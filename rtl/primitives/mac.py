"""A multiply-add with registered operands, product and total, whose total can also be held or cleared."""
from myhdl import always, block

from rtl.hdl import drop_in
from rtl.stream import signed, unsigned

LATENCY = 3     # from operands to total; `addend`, `hold` count two cycles later


@block
def mac(clk, enable, a, b, addend, hold, zero, zero_late, total, family="generic"):
    """total(t + 3) = addend(t + 2) + a(t) * b(t); with hold(t + 2) it stays; with zero(t + 2) or zero_late(t + 2) it is 0.

    enable: without it nothing moves, but for zero; times are counted in cycles with it.  a, b: signed, at most 16 bits
    (up5k) or 18 (ecp5); b may be unsigned.  addend, total: signed, equal width, at most 32 bits on up5k.
    hold: bit.  zero_late(t) = zero(t - 1), which the caller makes: where clearing is asynchronous it alone is used.
    family: of config.FAMILIES; on up5k one SB_MAC16 with its own registers and adder is instantiated, on ecp5 a
    MULT18X18D with its registers,
    which Yosys 0.70 never uses by itself; elsewhere all is inferred. One total a cycle. No reset.
    Raises ValueError when an operand is too wide for the family.
    """
    side = {"up5k": 16, "ecp5": 18}.get(family, 64)
    if max(len(a), len(b)) > side or (family == "up5k" and len(total) > 32):
        raise ValueError(f"operands on {family} must have at most {side} bits, and a total 32, "
                         f"not {len(a)}, {len(b)} and {len(total)}")
    plain = b.min == 0
    a_q, b_q, product_q = signed(len(a)), unsigned(len(b)) if plain else signed(len(b)), signed(len(a) + len(b))

    @always(clk.posedge)
    def model():
        if enable:
            a_q.next = a
            b_q.next = b
            product_q.next = a_q * b_q
        if zero or zero_late:
            total.next = 0
        elif enable and not hold:
            total.next = addend + product_q

    drop_in((clk, enable, a, b, addend, hold, zero, zero_late), (total,))
    inferred = _inferred(len(a), len(b) + plain, len(total))
    text = {"up5k": _mac16, "ecp5": _mult18x18}.get(family)
    mac.verilog_code = f"`ifdef YOSYS\n{text(len(a), len(b), len(total), plain)}\n`else\n{inferred}\n`endif" if text else inferred
    return model


def _adder(width: int, product: str) -> str:
    return f"""reg signed [{width - 1}:0] ${{total}}_q = 0;
always @(posedge $clk)
    if ($zero || $zero_late) ${{total}}_q <= 0;
    else if ($enable && !$hold) ${{total}}_q <= $addend + {product};
assign $total = ${{total}}_q;"""


def _inferred(a_bits: int, b_bits: int, width: int) -> str:
    return f"""reg signed [{a_bits - 1}:0] ${{total}}_a = 0;
reg signed [{b_bits - 1}:0] ${{total}}_b = 0;
reg signed [{a_bits + b_bits - 1}:0] ${{total}}_p = 0;
always @(posedge $clk) if ($enable) begin
    ${{total}}_a <= $a;
    ${{total}}_b <= $b;
    ${{total}}_p <= ${{total}}_a * ${{total}}_b;
end
{_adder(width, "${total}_p")}"""


def _pins(port: str, signal: str, bits: int, width: int, plain: bool = False) -> str:
    """.port(signal) with its sign, or with zeros, up to width bits."""
    top = "1'b0" if plain else f"{signal}[{bits - 1}]"
    above = f"{{{width - bits}{{{top}}}}}, " if width > bits else ""
    return f".{port}({{{above}{signal}}})"


def _mac16(a_bits: int, b_bits: int, width: int, plain: bool) -> str:
    """The text for UP5K: A and B registered, the 16 x 16 product in register H, the adder's output in O.

    Its wires have no sign of their own: Yosys 0.70 loses a synthesised module over signed ones at a cell's port.
    Synthesise without -dsp,
    which Yosys 0.70 lets rewrite instances.
    """
    low = ", ".join(f".{name}(1'b0)" for name in (
        "AHOLD BHOLD CHOLD DHOLD IRSTTOP IRSTBOT OLOADTOP OLOADBOT ADDSUBTOP ADDSUBBOT CI ACCUMCI SIGNEXTIN").split())
    return f"""wire [{a_bits - 1}:0] ${{total}}_a;
wire [{b_bits - 1}:0] ${{total}}_b;
wire [31:0] ${{total}}_c, ${{total}}_o;
assign ${{total}}_a = $a;
assign ${{total}}_b = $b;
assign ${{total}}_c = $addend;
assign $total = ${{total}}_o[{width - 1}:0];
SB_MAC16 #(.A_SIGNED(1'b1), .B_SIGNED(1'b{int(not plain)}), .A_REG(1'b1), .B_REG(1'b1), .PIPELINE_16x16_MULT_REG2(1'b1),
    .TOPADDSUB_LOWERINPUT(2'b10), .TOPADDSUB_UPPERINPUT(1'b1), .TOPADDSUB_CARRYSELECT(2'b10), .TOPOUTPUT_SELECT(2'b01),
    .BOTADDSUB_LOWERINPUT(2'b10), .BOTADDSUB_UPPERINPUT(1'b1), .BOTADDSUB_CARRYSELECT(2'b00), .BOTOUTPUT_SELECT(2'b01))
    ${{total}}_mac16 (
    .CLK($clk), .CE($enable), {_pins("A", "${total}_a", a_bits, 16)}, {_pins("B", "${total}_b", b_bits, 16, plain)},
    .C(${{total}}_c[31:16]), .D(${{total}}_c[15:0]), .OHOLDTOP($hold), .OHOLDBOT($hold),
    .ORSTTOP($zero_late), .ORSTBOT($zero_late), {low}, .O(${{total}}_o));"""


def _mult18x18(a_bits: int, b_bits: int, width: int, plain: bool) -> str:
    """The text for ECP5: operands and product in the multiplier's registers, the adder in fabric."""
    side = b_bits + plain       # an unsigned operand has a sign bit of zero here
    operands = ", ".join(f".A{n}(${{total}}_a[{min(n, a_bits - 1)}]), .B{n}(${{total}}_b[{min(n, side - 1)}]), .C{n}(1'b0)"
                         for n in range(18))
    control = ", ".join(f".CE{n}($enable), .RST{n}(1'b0)" for n in range(4))
    product = ", ".join(f".P{n}(${{total}}_p[{n}])" for n in range(a_bits + b_bits))
    return f"""wire [{a_bits - 1}:0] ${{total}}_a;
wire [{side - 1}:0] ${{total}}_b;
wire [{a_bits + b_bits - 1}:0] ${{total}}_p;
assign ${{total}}_a = $a;
assign ${{total}}_b = $b;
MULT18X18D #(.REG_INPUTA_CLK("CLK0"), .REG_INPUTB_CLK("CLK0"), .REG_PIPELINE_CLK("NONE"), .REG_OUTPUT_CLK("CLK0"),
    .SOURCEB_MODE("B_SHIFT"), .RESETMODE("SYNC"), .GSR("AUTO")) ${{total}}_mult (
    {operands},
    .SIGNEDA(1'b1), .SIGNEDB(1'b1), .SOURCEA(1'b0), .SOURCEB(1'b0), .CLK0($clk), .CLK1(1'b0), .CLK2(1'b0), .CLK3(1'b0),
    {control}, {product});
{_adder(width, "$$signed(${total}_p)")}"""
