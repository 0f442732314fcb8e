"""One SB_SPRAM256KA of the iCE40 UP5K: 16384 words of 16 bits."""
from myhdl import always, block

from rtl.hdl import drop_in

DEPTH = 16384
WRITTEN = (0x0000, 0x00FF, 0xFF00, 0xFFFF)     # bits that each value of `write` writes


@block
def spram(clk, enable, write, address, write_data, read_data):
    """read_data(t + 1) = words[address(t)] for an enabled cycle without a write; it stays in a cycle that is not enabled.

    enable: one bit.  write: 2 bits, bytes of write_data that are written.  address: 14 bits.  write_data, read_data: 16 bits.
    After a write read_data means nothing (the model keeps it, the device says nothing of it). Latency 1, an access a cycle.
    No reset; the device's words are unknown at first, the model's are zero.
    """
    words = {}

    @always(clk.posedge)
    def access():
        if enable:
            at = int(address)
            if write == 0:
                read_data.next = words.get(at, 0)
            else:
                mask = WRITTEN[int(write)]
                words[at] = words.get(at, 0) & ~mask | int(write_data) & mask

    drop_in((clk, enable, write, address, write_data), (read_data,))
    # Ports may be slices of wider signals, of which Yosys 0.70 takes the wrong bit when they are indexed again.
    spram.verilog_code = f"""wire [1:0] ${{read_data}}_bytes = $write;
wire [15:0] ${{read_data}}_value = $write_data;
`ifdef YOSYS
SB_SPRAM256KA u_$read_data (.CLOCK($clk), .CHIPSELECT($enable), .WREN(|$write), .ADDRESS($address), .DATAIN($write_data),
    .MASKWREN({{{{2{{${{read_data}}_bytes[1]}}}}, {{2{{${{read_data}}_bytes[0]}}}}}}), .STANDBY(1'b0), .SLEEP(1'b0),
    .POWEROFF(1'b1), .DATAOUT($read_data));
`else
reg [15:0] ${{read_data}}_words [0:{DEPTH - 1}];
reg [15:0] ${{read_data}}_array;
integer ${{read_data}}_index;
initial begin
    ${{read_data}}_array = 0;
    for (${{read_data}}_index = 0; ${{read_data}}_index < {DEPTH}; ${{read_data}}_index = ${{read_data}}_index + 1)
        ${{read_data}}_words[${{read_data}}_index] = 0;
end
always @(posedge $clk)
    if ($enable) begin
        if (${{read_data}}_bytes[0]) ${{read_data}}_words[$address][7:0] <= ${{read_data}}_value[7:0];
        if (${{read_data}}_bytes[1]) ${{read_data}}_words[$address][15:8] <= ${{read_data}}_value[15:8];
        if (~|$write) ${{read_data}}_array <= ${{read_data}}_words[$address];
    end
assign $read_data = ${{read_data}}_array;
`endif"""
    return access
