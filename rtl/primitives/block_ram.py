"""A byte-wide memory with one address, in the device's block RAM: a lane of a memory with byte enables."""
from myhdl import always, block

from rtl.hdl import drop_in
from rtl.stream import unsigned

ECP5_SLICES = ((2048, 8, 9), (4096, 4, 4), (8192, 2, 2), (16384, 1, 1))     # words, bits of a byte, DATA_WIDTH of a DP16KD
ECP5_LOCKED = ("CSA0", "CSA1", "CSA2", "CSB0", "CSB1", "CSB2", "RSTA", "RSTB", "WEB", "CEB", "OCEB")


def latency(family: str) -> int:
    """Cycles from an address to its word: 1, or 2 on ECP5, whose array is slow (5.6 ns) without the RAM's own output register."""
    return 2 if family == "ecp5" else 1


def check(family: str, depth: int) -> None:
    """Raise ValueError for a depth that a family's block RAMs are not joined to here."""
    if family == "ecp5" and depth > ECP5_SLICES[-1][0]:
        raise ValueError(f"a memory on ECP5 must have at most {ECP5_SLICES[-1][0]} words, not {depth}")


@block
def block_ram(clk, write, address, write_data, read_data, depth, family="generic"):
    """read_data(t + latency) = words[address(t)] unless write(t), when the array gives the word that it gave before.

    write: one bit; words[address] = write_data.  write_data, read_data: 8 bits.  depth: words, all zero at first.
    family: on ecp5 DP16KDs are instantiated (at most 16384 words, rounded up to a multiple of 2048) with their output
    register; elsewhere the memory is inferred. One access a cycle, a read or a write, so that no logic is needed to order
    them. No reset. Raises ValueError for an ECP5 memory that is too deep.
    """
    check(family, depth)
    words = {}
    array_q = unsigned(8)

    if latency(family) == 1:
        @always(clk.posedge)
        def access():
            if write:
                words[int(address)] = int(write_data)
            else:
                read_data.next = words.get(int(address), 0)
    else:
        @always(clk.posedge)
        def access():
            if write:
                words[int(address)] = int(write_data)
            else:
                array_q.next = words.get(int(address), 0)
            read_data.next = array_q

    drop_in((clk, write, address, write_data), (read_data,))
    if family == "ecp5":
        block_ram.verilog_code = f"`ifdef YOSYS\n{_ecp5(depth, len(address))}\n`else\n{_inferred(depth, 2)}\n`endif"
    else:
        block_ram.verilog_code = _inferred(depth, 1)
    return access


def _inferred(depth: int, stages: int) -> str:
    """The memory as a text that Yosys maps to block RAM, with `stages` registers from address to data."""
    last = "assign $read_data = ${read_data}_array;" if stages == 1 else (
        "reg [7:0] ${read_data}_register;\n"
        "always @(posedge $clk) ${read_data}_register <= ${read_data}_array;\n"
        "assign $read_data = ${read_data}_register;")
    return f"""reg [7:0] ${{read_data}}_words [0:{depth - 1}];
reg [7:0] ${{read_data}}_array;
integer ${{read_data}}_index;
initial begin
    ${{read_data}}_array = 0;
    for (${{read_data}}_index = 0; ${{read_data}}_index < {depth}; ${{read_data}}_index = ${{read_data}}_index + 1)
        ${{read_data}}_words[${{read_data}}_index] = 0;
end
always @(posedge $clk)
    if ($write) ${{read_data}}_words[$address] <= $write_data;
    else ${{read_data}}_array <= ${{read_data}}_words[$address];
{last}"""


def _parts(depth: int) -> list[tuple[int, int, int, int]]:
    """(first word, words, bits of a byte, DATA_WIDTH) of the memories of a power of two that are together deep enough, largest first."""
    least = ECP5_SLICES[0][0]
    left, first, found = -(-depth // least), 0, []
    for words, bits, width in reversed(ECP5_SLICES):
        if left >= words // least:
            found.append((first, words, bits, width))
            first, left = first + words, left - words // least
    return found


def _ecp5(depth: int, address_bits: int) -> str:
    """DP16KDs side by side, each with some bits of every byte, for each power of two in the depth; port B sleeps."""
    parts = _parts(depth)
    # The data may be a slice of a wider signal, of which Yosys 0.70 takes the wrong bit when it is indexed again.
    cells = ["wire [7:0] ${read_data}_value = $write_data;"]
    if len(parts) == 1:
        return "\n".join(cells + _ecp5_part(parts[0], address_bits, "", "$write", "1'b1", "$read_data"))
    last = len(parts) - 1
    cells.append(f"reg [{last}:0] ${{read_data}}_sel_q = 0, ${{read_data}}_sel_out = 0;\nwire [{last}:0] ${{read_data}}_sel;\n"
                 "always @(posedge $clk) begin\n    if (!$write) ${read_data}_sel_q <= ${read_data}_sel;\n"
                 "    ${read_data}_sel_out <= ${read_data}_sel_q;\nend")
    for number, part in enumerate(parts):
        first, words = part[:2]
        low, name = (words - 1).bit_length(), f"${{read_data}}_part{number}"
        chosen, selected = f"$address[{address_bits - 1}:{low}] == {first >> low}", f"${{read_data}}_sel[{number}]"
        cells.append(f"wire [7:0] {name};\nassign {selected} = {chosen};")
        # A part that is not written holds what it read last, as one memory would.
        cells += _ecp5_part(part, low, f"_{number}", f"($write & {selected})", f"(~$write | {selected})", name)
    terms = " | ".join(f"({{8{{${{read_data}}_sel_out[{n}]}}}} & ${{read_data}}_part{n})" for n in range(len(parts)))
    return "\n".join([*cells, f"assign $read_data = {terms};"])


def _ecp5_part(part, address_bits: int, suffix: str, write: str, enable: str, read_data: str) -> list[str]:
    """The DP16KDs of one part, an instance text each."""
    _, words, bits, width = part
    used = (words - 1).bit_length()
    wires = [f"$address[{i}]" if i < address_bits else "1'b0" for i in range(used)]
    low = 14 - used
    pins = [f".ADA{i}(1'b0)" for i in range(low)] + [f".ADA{low + i}({wire})" for i, wire in enumerate(wires)]
    pins += [f".ADB{i}(1'b0)" for i in range(14)] + [f".DIB{i}(1'b0)" for i in range(18)]
    pins += [f".{name}(1'b0)" for name in ECP5_LOCKED]
    pins += [".CLKA($clk)", ".CLKB(1'b0)", f".WEA({write})", f".CEA({enable})", ".OCEA(1'b1)"]
    cells = []
    for number in range(8 // bits):
        data = [f".DIA{i}(${{read_data}}_value[{number * bits + i}])" if i < bits else f".DIA{i}(1'b0)" for i in range(18)]
        data += [f".DOA{i}({read_data}[{number * bits + i}])" for i in range(bits)]
        cells.append(f"""DP16KD #(.DATA_WIDTH_A({width}), .DATA_WIDTH_B({width}), .REGMODE_A("OUTREG"), .REGMODE_B("NOREG"),
    .WRITEMODE_A("NORMAL"), .WRITEMODE_B("NORMAL"), .RESETMODE("SYNC"), .ASYNC_RESET_RELEASE("SYNC"), .CSDECODE_A("0b000"),
    .CSDECODE_B("0b000"), .CLKAMUX("CLKA"), .CLKBMUX("CLKB"), .GSR("AUTO")) u_${{read_data}}{suffix}_{number} (
    {", ".join(pins)},
    {", ".join(data)});""")
    return cells
