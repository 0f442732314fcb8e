"""A counter that can be loaded, a cell a bit on iCE40."""
from myhdl import always, block

from rtl.hdl import drop_in


@block
def loadable_counter(clk, load, start, step, count, down=False, family="generic"):
    """count' = start with `load`, else count + 1 (with `down` count - 1) mod 2**width with `step`, else count.

    load, step: bits.  start, count: unsigned, equal width; count wraps.  family: of config.FAMILIES; on iCE40 cells are
    instantiated, of which Yosys 0.70 uses two a bit: where nothing is loaded the carry's other operand does not depend on
    the bit, so that it can be the choice as well. No reset.
    """
    @always(clk.posedge)
    def follow():
        if load:
            count.next = start
        elif step:
            if down:
                count.next = count - 1
            else:
                count.next = count + 1

    drop_in((clk, load, start, step), (count,))
    width, sign = len(count), "-" if down else "+"
    plain = f"""reg [{width - 1}:0] ${{count}}_q = 0;
always @(posedge $clk) if ($load) ${{count}}_q <= $start; else if ($step) ${{count}}_q <= ${{count}}_q {sign} 1'b1;
assign $count = ${{count}}_q;"""
    small = family in ("ice40", "up5k")
    loadable_counter.verilog_code = f"`ifdef YOSYS\n{_cells(width, down)}\n`else\n{plain}\n`endif" if small else plain
    return follow


def _cells(width: int, down: bool) -> str:
    """LUT inputs: start, count, choice, carry.  choice: counting down no load, so that it is the -1; else load."""
    table = 0
    for index in range(16):
        start, count, choice, carry = (index >> i & 1 for i in range(4))
        loads, moved = choice != down, count ^ carry ^ down
        table |= (start if loads else moved) << index
    name = "${count}"
    lines = [f"wire [{width - 1}:0] {name}_start, {name}_next;", f"wire [{width}:0] {name}_carry;",
             f"wire {name}_choice;", f"reg [{width - 1}:0] {name}_q = 0;", f"assign {name}_start = $start;",
             f"assign {name}_choice = {'!' if down else ''}$load;", f"assign {name}_carry[0] = 1'b{int(not down)};"]
    for i in range(width):
        lines.append(f"SB_LUT4 #(.LUT_INIT(16'h{table:04x})) {name}_lut{i} (.I0({name}_start[{i}]), .I1({name}_q[{i}]), "
                     f".I2({name}_choice), .I3({name}_carry[{i}]), .O({name}_next[{i}]));")
        lines.append(f"SB_CARRY {name}_carry{i} (.I0({name}_q[{i}]), .I1({name}_choice), .CI({name}_carry[{i}]), "
                     f".CO({name}_carry[{i + 1}]));" if i + 1 < width else f"assign {name}_carry[{width}] = 1'b0;")
    lines += [f"always @(posedge $clk) if ($load || $step) {name}_q <= {name}_next;", f"assign $count = {name}_q;"]
    return "\n".join(lines)
