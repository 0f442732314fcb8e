// Two bits of an ECP5 carry chain, as Lattice's primitive and Yosys' simulation library have it: a LUT of four inputs says whether a bit
// passes the carry on, its lowest quarter, a LUT of A and B, what the carry is where it does not.
module CCU2C (input CIN, A0, B0, C0, D0, A1, B1, C1, D1, output S0, S1, COUT);
    parameter [15:0] INIT0 = 0, INIT1 = 0;
    parameter INJECT1_0 = "YES", INJECT1_1 = "YES";
    localparam [0:0] CHAIN_0 = INJECT1_0 == "NO", CHAIN_1 = INJECT1_1 == "NO";

    wire pass_0 = INIT0[{D0, C0, B0, A0}], pass_1 = INIT1[{D1, C1, B1, A1}];
    wire make_0 = CHAIN_0 & INIT0[{2'b00, B0, A0}], make_1 = CHAIN_1 & INIT1[{2'b00, B1, A1}];
    wire middle = pass_0 ? CIN : make_0;
    assign S0 = pass_0 ^ (CHAIN_0 & CIN);
    assign S1 = pass_1 ^ (CHAIN_1 & middle);
    assign COUT = pass_1 ? middle : make_1;
endmodule
