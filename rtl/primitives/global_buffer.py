"""A buffer from logic to the device's clock network, for a reset of thousands of registers."""
from myhdl import always_comb, block

from rtl.hdl import drop_in


@block
def global_buffer(source, out, family="generic"):
    """out = source; on ecp5 by way of a DCCA, so that one of the clock trees and not the routing takes it everywhere.

    source, out: bits.  family: of config.FAMILIES. nextpnr puts an iCE40's resets on global wires by itself, but only clocks on an
    ECP5's. Combinational, no reset.
    nextpnr 0.11.1 takes no time for the tree: whatever drives `source` should be a register, which leaves it most of a cycle.
    """
    @always_comb
    def follow():
        out.next = source

    drop_in((source,), (out,))
    wire = "assign $out = $source;"
    tree = "DCCA u_${out}_tree (.CLKI($source), .CE(1'b1), .CLKO($out));"
    global_buffer.verilog_code = f"`ifdef YOSYS\n{tree}\n`else\n{wire}\n`endif" if family == "ecp5" else wire
    return follow
