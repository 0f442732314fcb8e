"""An adder that adds to its own sum or to another number, in one carry chain."""
from myhdl import always, block

from rtl.hdl import drop_in

ECP5_LUT = sum(((a ^ (c if b else d)) & 1) << (a + 2 * b + 4 * c + 8 * d)
               for a in (0, 1) for b in (0, 1) for c in (0, 1) for d in (0, 1))      # a ^ (b ? c : d): also what its carry needs


@block
def chosen_sum(clk, adding, own, other, term, total, family="generic"):
    """total(t + 1) = (own(t) ? total(t) : other(t)) + term(t) while adding, else it holds.

    other, total: signed, of one width.  term: signed, at most as wide.  family: of config.FAMILIES; on ecp5 the choice is made in the
    LUTs of the carry chain (CCU2C), where Yosys 0.70 would put another LUT a bit in front of it.
    The compiler proves that no sum is too wide; in simulation it is an error.  Latency 1. No reset.
    """

    @always(clk.posedge)
    def add():
        if adding:
            if own:
                total.next = total + term
            else:
                total.next = other + term

    drop_in((clk, adding, own, other, term), (total,))
    bits = len(total)
    inferred = f"""reg signed [{bits - 1}:0] ${{total}}_q = 0;
always @(posedge $clk) if ($adding) begin
    if ($own) ${{total}}_q <= ${{total}}_q + $term;
    else ${{total}}_q <= $other + $term;
end
assign $total = ${{total}}_q;"""
    chosen_sum.verilog_code = f"`ifdef YOSYS\n{_ccu2c(bits)}\n`else\n{inferred}\n`endif" if family == "ecp5" else inferred
    return add


def _ccu2c(bits: int) -> str:
    """The text for ECP5, two bits a cell. Its wires have no sign, see rtl/primitives/multiplier.py."""
    cells, name = (bits + 1) // 2, "${total}"
    pins = ", ".join(f".A{n}({name}_term[2 * {name}_g + {n}]), .B{n}($own), .C{n}({name}_own[2 * {name}_g + {n}]), "
                     f".D{n}({name}_other[2 * {name}_g + {n}]), .S{n}({name}_sum[2 * {name}_g + {n}])" for n in (0, 1))
    init = f"16'h{ECP5_LUT:04x}"
    return f"""wire signed [{bits - 1}:0] {name}_wide;
wire [{2 * cells - 1}:0] {name}_term, {name}_own, {name}_other, {name}_sum;
wire [{cells}:0] {name}_carry;
reg [{bits - 1}:0] {name}_q = 0;
assign {name}_wide = $term;
assign {name}_term = {name}_wide;
assign {name}_other = $other;
assign {name}_own = {name}_q;
assign {name}_carry[0] = 1'b0;
genvar {name}_g;
generate for ({name}_g = 0; {name}_g < {cells}; {name}_g = {name}_g + 1) begin: {name}_bits
CCU2C #(.INIT0({init}), .INIT1({init}), .INJECT1_0("NO"), .INJECT1_1("NO")) add (.CIN({name}_carry[{name}_g]),
    .COUT({name}_carry[{name}_g + 1]), {pins});
end endgenerate
always @(posedge $clk) if ($adding) {name}_q <= {name}_sum[{bits - 1}:0];
assign $total = {name}_q;"""
