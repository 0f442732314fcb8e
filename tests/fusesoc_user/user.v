// A user's design: an accelerator whose memory answers each request in the next cycle with its own address.
module user (
    input clk,
    input rx,
    output reg tx,
    output reg led
);
    reg [7:0] resets = 0;
    wire rst = !resets[7];
    wire cyc, stb, we, ack;
    wire [27:0] adr;
    wire [31:0] data, status;
    wire [3:0] sel;
    reg answer = 0;
    reg [27:0] last = 0;

    always @(posedge clk) begin
        if (rst) resets <= resets + 1;
        answer <= cyc & stb;
        last <= adr;
        led <= ack & status[1];
        tx <= rx ^ we ^ (^data) ^ (^sel) ^ (^status);
    end

    npu u_npu (
        .clk(clk), .rst(rst),
        .bus_cyc(cyc), .bus_stb(stb), .bus_we(we), .bus_adr(adr), .bus_dat_w(data), .bus_dat_r({4'd0, last}), .bus_sel(sel),
        .bus_stall(1'b0), .bus_ack(answer), .bus_err(1'b0),
        .regs_cyc(1'b1), .regs_stb(1'b1), .regs_we(rx), .regs_adr(6'd1), .regs_dat_w(32'd1), .regs_dat_r(status), .regs_ack(ack),
        /* verilator lint_off PINCONNECTEMPTY */
        .regs_stall(), .tap_fire_strobe(), .tap_fire_values(), .tap_fire_emit(), .tap_fire_y(), .tap_fire_x(), .tap_fire_group(),
        .tap_fired_pass_done(), .tap_pass_start(), .tap_pe_state()
        /* verilator lint_on PINCONNECTEMPTY */
    );
endmodule
