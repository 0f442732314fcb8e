// A UART that answers each byte with a sum of what the parts of a device make of it: block RAM, distributed RAM, a product, a count.
module top(input clk, input rx, output reg tx, output [1:0] led);
    localparam DIVISOR = 8;
    reg [2:0] line = 7;
    reg [7:0] taken = 0;
    reg [3:0] bits_in = 0, left_in = 0;
    reg busy = 0, got = 0, looked = 0, multiplied = 0, summed = 0;
    always @(posedge clk) begin
        line <= {line[1:0], rx};
        got <= 0;
        if (!busy) begin
            if (!line[2]) begin busy <= 1; left_in <= DIVISOR + DIVISOR / 2 - 2; bits_in <= 0; end
        end else if (left_in == 0) begin
            left_in <= DIVISOR - 1;
            bits_in <= bits_in + 1;
            if (bits_in == 8) begin busy <= 0; got <= 1; end
            else taken <= {line[2], taken[7:1]};
        end else left_in <= left_in - 1;
    end

    reg [7:0] count = 0, table_q [0:1023], from_table = 0, operand = 0;
    reg [3:0] list_q [0:15];
    reg [15:0] product = 0;
    wire [3:0] from_list = list_q[taken[7:4]];
    integer i;
    initial begin
        for (i = 0; i < 1024; i = i + 1) table_q[i] = i * 7;
        for (i = 0; i < 16; i = i + 1) list_q[i] = 0;
    end
    always @(posedge clk) begin
        looked <= got; multiplied <= looked; summed <= multiplied;
        operand <= taken;
        product <= operand * 8'd37;
        if (got) from_table <= table_q[{2'b0, taken}];
        if (looked) begin
            table_q[{2'b0, taken}] <= count;
            list_q[taken[3:0]] <= count[3:0];
            count <= count + 1;
        end
    end
`ifdef UP5K
    wire [15:0] kept;
    wire [31:0] multiplier;
    SB_SPRAM256KA spram (.ADDRESS({6'b0, taken}), .DATAIN({8'h5a, count}), .MASKWREN(4'b0011), .WREN(looked), .CHIPSELECT(got | looked),
        .CLOCK(clk), .STANDBY(1'b0), .SLEEP(1'b0), .POWEROFF(1'b1), .DATAOUT(kept));
    SB_MAC16 #(.A_REG(1'b1), .B_REG(1'b1), .PIPELINE_16x16_MULT_REG1(1'b1), .PIPELINE_16x16_MULT_REG2(1'b1), .TOPOUTPUT_SELECT(2'b11),
        .BOTOUTPUT_SELECT(2'b11)) mac (.CLK(clk), .CE(1'b1), .A({8'b0, taken}), .B(16'd41), .C(16'b0), .D(16'b0), .AHOLD(1'b0),
        .BHOLD(1'b0), .CHOLD(1'b0), .DHOLD(1'b0), .IRSTTOP(1'b0), .IRSTBOT(1'b0), .ORSTTOP(1'b0), .ORSTBOT(1'b0), .OLOADTOP(1'b0),
        .OLOADBOT(1'b0), .ADDSUBTOP(1'b0), .ADDSUBBOT(1'b0), .OHOLDTOP(1'b0), .OHOLDBOT(1'b0), .CI(1'b0), .ACCUMCI(1'b0),
        .SIGNEXTIN(1'b0), .O(multiplier));
    wire [7:0] more = kept[7:0] + multiplier[7:0];
`else
    wire [7:0] more = 0;
`endif
    wire [7:0] answer = from_table + product[7:0] + from_list + more;

    reg [9:0] shift = 10'h3ff;
    reg [3:0] left_out = 0;
    reg [23:0] blink = 0;
    initial tx = 1;
    always @(posedge clk) begin
        tx <= shift[0];
        blink <= blink + 1;
        if (summed) begin shift <= {1'b1, answer, 1'b0}; left_out <= DIVISOR - 1; end
        else if (left_out == 0) begin shift <= {1'b1, shift[9:1]}; left_out <= DIVISOR - 1; end
        else left_out <= left_out - 1;
    end
    assign led = {blink[10], ~blink[9]};
endmodule
