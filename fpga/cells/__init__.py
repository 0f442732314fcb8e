"""What the cells of a netlist do, family by family, as Verilog that simulates: `fpga.netlist` puts a whole netlist together."""
