"""ECP5 block RAMs (DP16KD) with their output registers, which Yosys 0.70 never uses by itself.

The data sheet's 5.8 ns from clock to data become 1.0 ns. A block RAM is 512 words of 36 bits or 1024 of 18. Port A writes, port B
reads; at 36 bits each takes the other's data pins as well: low half on A, high half on B, for both directions. `rtl.memory` has the
model in MyHDL; in simulation its text is used and never this one.
"""

LUT_RAM_DEPTH = 64
"""Words of a memory that is still LUT RAM: deeper ones are so many LUTs with the same address that nextpnr cannot route them."""


def fits_block_rams(depth: int) -> bool:
    """Whether a memory of this depth is made of block RAMs; shallow ones are LUT RAM, deep ones are left to Yosys."""
    return LUT_RAM_DEPTH < depth <= 1024


def block_rams(width: int, depth: int, enabled: bool) -> str:
    """Verilog of a memory for `verilog_code`, in terms of $clk, $write, $write_address, $write_data, $read_address, $read_data, $read.

    width, depth: of the memory.  enabled: whether $read says when to read.  Latency 2.
    """
    columns = 36 if depth <= 512 else 18
    number = -(-width // columns)
    first = 5 if columns == 36 else 4       # lowest address bit of a word; those below are byte enables when writing
    address_bits = (depth - 1).bit_length()
    name = "${read_data}"

    def pins(port, places):
        return ", ".join(f".{port}{n}({place})" for n, place in enumerate(places))

    def address(signal):
        return [f"{signal}[{n - first}]" if first <= n < first + address_bits else "1'b0" for n in range(14)]

    def data(signal, low):
        return [f"{signal}[{columns} * {name}_g + {low + n}]" for n in range(18)]

    write_address, read_address = address(f"{name}_wa"), address(f"{name}_ra")
    write_address[:columns // 9] = ["$write"] * (columns // 9)
    high_in = f"{pins('DIB', data(f'{name}_di', 18))},\n    " if columns == 36 else ""
    high_out = pins("DOB", data(f"{name}_do", 18 if columns == 36 else 0))
    low_out = f"{pins('DOA', data(f'{name}_do', 0))},\n    " if columns == 36 else ""
    control = ", ".join(f".OCE{p}(1'b1), .RST{p}(1'b0), .CS{p}0(1'b0), .CS{p}1(1'b0), .CS{p}2(1'b0)" for p in "AB")
    read = "$read" if enabled else "1'b1"
    return f"""wire [{address_bits - 1}:0] {name}_wa, {name}_ra;
wire [{number * columns - 1}:0] {name}_di, {name}_do;
assign {name}_wa = $write_address;
assign {name}_ra = $read_address;
assign {name}_di = $write_data;
assign $read_data = {name}_do[{width - 1}:0];
genvar {name}_g;
generate for ({name}_g = 0; {name}_g < {number}; {name}_g = {name}_g + 1) begin: {name}_column
DP16KD #(.DATA_WIDTH_A({columns}), .DATA_WIDTH_B({columns}), .REGMODE_A("OUTREG"), .REGMODE_B("OUTREG"), .WRITEMODE_A("NORMAL"),
    .WRITEMODE_B("NORMAL"), .CSDECODE_A("0b000"), .CSDECODE_B("0b000"), .CLKAMUX("CLKA"), .CLKBMUX("CLKB"), .RESETMODE("SYNC"),
    .ASYNC_RESET_RELEASE("SYNC"), .GSR("AUTO")) ram (.CLKA($clk), .CLKB($clk), .WEA(1'b1), .CEA(1'b1), .WEB(1'b0), .CEB({read}),
    {control},
    {pins('ADA', write_address)},
    {pins('ADB', read_address)},
    {pins('DIA', data(f'{name}_di', 0))},
    {high_in}{low_out}{high_out});
end endgenerate"""
