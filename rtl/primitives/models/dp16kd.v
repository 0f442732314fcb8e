// Port A of an ECP5's DP16KD as the ECP5 memory usage guide describes it, for tests: Yosys has the cell only as a black box.
// Not modelled: port B, resets, chip selects, initial contents other than zero, write modes other than NORMAL.
module DP16KD #(
    parameter DATA_WIDTH_A = 18, DATA_WIDTH_B = 18, REGMODE_A = "NOREG", REGMODE_B = "NOREG", WRITEMODE_A = "NORMAL",
    parameter WRITEMODE_B = "NORMAL", RESETMODE = "SYNC", ASYNC_RESET_RELEASE = "SYNC", CSDECODE_A = "0b000",
    parameter CSDECODE_B = "0b000", CLKAMUX = "CLKA", CLKBMUX = "CLKB", GSR = "AUTO"
) (
    input DIA0, DIA1, DIA2, DIA3, DIA4, DIA5, DIA6, DIA7, DIA8, DIA9, DIA10, DIA11, DIA12, DIA13, DIA14, DIA15, DIA16,
    DIA17,
    input DIB0, DIB1, DIB2, DIB3, DIB4, DIB5, DIB6, DIB7, DIB8, DIB9, DIB10, DIB11, DIB12, DIB13, DIB14, DIB15, DIB16,
    DIB17,
    input ADA0, ADA1, ADA2, ADA3, ADA4, ADA5, ADA6, ADA7, ADA8, ADA9, ADA10, ADA11, ADA12, ADA13,
    input ADB0, ADB1, ADB2, ADB3, ADB4, ADB5, ADB6, ADB7, ADB8, ADB9, ADB10, ADB11, ADB12, ADB13,
    input CLKA, CEA, OCEA, WEA, CSA0, CSA1, CSA2, RSTA, CLKB, CEB, OCEB, WEB, CSB0, CSB1, CSB2, RSTB,
    output DOA0, DOA1, DOA2, DOA3, DOA4, DOA5, DOA6, DOA7, DOA8, DOA9, DOA10, DOA11, DOA12, DOA13, DOA14, DOA15,
    DOA16, DOA17
);
    wire [17:0] din = {DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8, DIA7, DIA6, DIA5, DIA4,
    DIA3, DIA2, DIA1, DIA0};
    wire [13:0] address = {ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0};
    // The lowest address bit of a word: a word of one bit takes all fourteen, one of eighteen leaves two for byte enables.
    localparam LOW = DATA_WIDTH_A == 1 ? 0 : DATA_WIDTH_A == 2 ? 1 : DATA_WIDTH_A == 4 ? 2 : DATA_WIDTH_A == 9 ? 3 : 4;
    reg [17:0] words [0:16383];
    reg [17:0] array_q = 0, out_q = 0;
    integer i;
    initial for (i = 0; i < 16384; i = i + 1) words[i] = 0;
    wire [13:0] at = address >> LOW;
    always @(posedge CLKA) begin
        if (CEA) begin
            if (WEA) words[at] <= din & ((19'd1 << DATA_WIDTH_A) - 1);
            else array_q <= words[at];
        end
        if (OCEA) out_q <= array_q;
    end
    assign {DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6, DOA5, DOA4, DOA3, DOA2,
    DOA1, DOA0} = REGMODE_A == "OUTREG" ? out_q : array_q;
endmodule
