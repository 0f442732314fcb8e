// ECP5 block RAM and multiplier as the Lattice documents TN1264 and TN1267 describe them, for netlist simulation; Yosys has no
// models of these two. Ports are buses here; fpga/cells/ecp5.py connects them. Write modes, byte enables and output registers are
// modelled; asynchronous resets, and 36 bits on one side only, are not modelled.

module DP16KD #(
    parameter DATA_WIDTH_A = 18, DATA_WIDTH_B = 18,
    parameter REGMODE_A = "NOREG", REGMODE_B = "NOREG", CSDECODE_A = "0b000", CSDECODE_B = "0b000",
    parameter WRITEMODE_A = "NORMAL", WRITEMODE_B = "NORMAL", RESETMODE = "SYNC",
    parameter [20479:0] INIT = 20480'b0
) (
    input [17:0] DIA, DIB,
    input [13:0] ADA, ADB,
    input [2:0] CSA, CSB,
    input CLKA, CEA, OCEA, WEA, RSTA, CLKB, CEB, OCEB, WEB, RSTB,
    output [17:0] DOA, DOB
);
    // A row of eighteen bits: two bytes of eight, each with its ninth bit above it. Narrow ports leave the ninth bits out.
    reg [17:0] rows [0:1023];
    integer i;
    initial for (i = 0; i < 1024; i = i + 1) rows[i] = INIT[20 * i +: 18];

    // What a port reads of its row: the place in the row depends on the low address bits that its width leaves.
    function [17:0] taken(input [17:0] row, input [13:0] address, input integer width);
        case (width)
            1: taken = {17'b0, address[3] ? row[9 + address[2:0]] : row[{2'b0, address[2:0]}]};
            2: taken = {16'b0, address[3] ? row[9 + {address[2:1], 1'b0} +: 2] : row[{2'b0, address[2:1], 1'b0} +: 2]};
            4: taken = {14'b0, address[3] ? row[9 + {address[2], 2'b0} +: 4] : row[{2'b0, address[2], 2'b0} +: 4]};
            9: taken = {9'b0, address[3] ? row[17:9] : row[8:0]};
            default: taken = row;
        endcase
    endfunction

    // The row after a write; eighteen-bit ports have their byte enables in the two lowest address bits.
    function [17:0] written(input [17:0] row, input [17:0] data, input [13:0] address, input integer width);
        begin
            written = row;
            case (width)
                1: written[(address[3] ? 9 : 0) + address[2:0]] = data[0];
                2: written[(address[3] ? 9 : 0) + {address[2:1], 1'b0} +: 2] = data[1:0];
                4: written[(address[3] ? 9 : 0) + {address[2], 2'b0} +: 4] = data[3:0];
                9: if (address[3]) written[17:9] = data[8:0]; else written[8:0] = data[8:0];
                default: begin
                    if (address[0]) written[8:0] = data[8:0];
                    if (address[1]) written[17:9] = data[17:9];
                end
            endcase
        end
    endfunction

    function [2:0] decoded(input [39:0] text);
        decoded = {text[16], text[8], text[0]};
    endfunction

    wire onA = CEA && CSA == decoded(CSDECODE_A), onB = CEB && CSB == decoded(CSDECODE_B);
    wire [17:0] nextA = written(rows[ADA[13:4]], DIA, ADA, DATA_WIDTH_A), nextB = written(rows[ADB[13:4]], DIB, ADB, DATA_WIDTH_B);
    reg [17:0] readA = 0, readB = 0, outA = 0, outB = 0;

    // Thirty-six bits: port A writes two rows at once, the upper from DIB, with byte enables in the four lowest address bits;
    // port B reads two rows, the lower to DOA.
    localparam WIDE = DATA_WIDTH_A == 36 || DATA_WIDTH_B == 36;
    wire [8:0] pair = ADA[13:5];
    reg [17:0] low = 0, high = 0, low_out = 0, high_out = 0;
    generate if (WIDE) begin : wide
        always @(posedge CLKA) if (onA && WEA) begin
            if (ADA[0]) rows[{pair, 1'b0}][8:0] <= DIA[8:0];
            if (ADA[1]) rows[{pair, 1'b0}][17:9] <= DIA[17:9];
            if (ADA[2]) rows[{pair, 1'b1}][8:0] <= DIB[8:0];
            if (ADA[3]) rows[{pair, 1'b1}][17:9] <= DIB[17:9];
        end
        always @(posedge CLKB)
            if (RSTB) begin low <= 0; high <= 0; low_out <= 0; high_out <= 0; end
            else begin
                if (OCEB) begin low_out <= low; high_out <= high; end
                if (onB) begin low <= rows[{ADB[13:5], 1'b0}]; high <= rows[{ADB[13:5], 1'b1}]; end
            end
    end endgenerate

    always @(posedge CLKA) begin
        if (!WIDE && onA && WEA) rows[ADA[13:4]] <= nextA;
        if (RSTA) readA <= 0;
        else if (onA && (!WEA || WRITEMODE_A != "NORMAL"))
            readA <= taken(WEA && WRITEMODE_A == "WRITETHROUGH" ? nextA : rows[ADA[13:4]], ADA, DATA_WIDTH_A);
        if (RSTA) outA <= 0;
        else if (OCEA) outA <= readA;
    end
    always @(posedge CLKB) begin
        if (!WIDE && onB && WEB) rows[ADB[13:4]] <= nextB;
        if (RSTB) readB <= 0;
        else if (onB && (!WEB || WRITEMODE_B != "NORMAL"))
            readB <= taken(WEB && WRITEMODE_B == "WRITETHROUGH" ? nextB : rows[ADB[13:4]], ADB, DATA_WIDTH_B);
        if (RSTB) outB <= 0;
        else if (OCEB) outB <= readB;
    end
    assign DOA = WIDE ? (REGMODE_B == "OUTREG" ? low_out : low) : REGMODE_A == "OUTREG" ? outA : readA;
    assign DOB = WIDE ? (REGMODE_B == "OUTREG" ? high_out : high) : REGMODE_B == "OUTREG" ? outB : readB;
endmodule

// Eighteen by eighteen bits, each operand signed or not; registers of one clock at the inputs, in the middle and at the output.
module MULT18X18D #(parameter INPUTA = 0, INPUTB = 0, PIPELINE = 0, OUTPUT = 0) (
    input [17:0] A, B,
    input SIGNEDA, SIGNEDB, CLK, CE, RST,
    output [35:0] P
);
    reg [18:0] a_held = 0, b_held = 0;
    reg signed [37:0] middle = 0, last = 0;
    wire [18:0] a_now = {SIGNEDA & A[17], A}, b_now = {SIGNEDB & B[17], B};
    wire signed [18:0] a = INPUTA ? a_held : a_now, b = INPUTB ? b_held : b_now;
    wire signed [37:0] product = a * b;
    wire signed [37:0] piped = PIPELINE ? middle : product;
    always @(posedge CLK)
        if (RST) begin
            a_held <= 0; b_held <= 0; middle <= 0; last <= 0;
        end else if (CE) begin
            a_held <= a_now; b_held <= b_now; middle <= product; last <= piped;
        end
    wire signed [37:0] result = OUTPUT ? last : piped;
    assign P = result[35:0];
endmodule
