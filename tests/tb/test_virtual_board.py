"""A simulated board behind a pseudo-terminal: bytes both ways at the UART's pace, its own time, and its end."""
import os
import time

import pytest

from fpga.host import ports
from tb import virtual_board
from tb.toolchain import ToolError

PERIOD = 8
ECHO = """// Sends every byte back, inverted.
module top(input clk, input rx, output reg tx, output led);
    reg [1:0] line = 3;
    reg [7:0] taken = 0;
    reg [9:0] shift = 10'h3ff;
    reg [3:0] bits_in = 0, bits_out = 0;
    reg [3:0] left_in = 0, left_out = 0;
    reg busy = 0;
    initial tx = 1;
    assign led = busy;
    always @(posedge clk) begin
        line <= {line[0], rx};
        tx <= shift[0];
        if (left_out != 0) left_out <= left_out - 1;
        else begin shift <= {1'b1, shift[9:1]}; left_out <= 7; end
        if (!busy) begin
            if (!line[1]) begin busy <= 1; left_in <= 10; bits_in <= 0; end
        end else if (left_in != 0) left_in <= left_in - 1;
        else begin
            left_in <= 7;
            bits_in <= bits_in + 1;
            if (bits_in == 8) begin busy <= 0; shift <= {1'b1, ~taken, 1'b0}; left_out <= 7; end
            else taken <= {line[1], taken[7:1]};
        end
    end
endmodule
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return virtual_board.board_model(ECHO, models=tmp_path_factory.mktemp("models"))


def received(port, count, seconds=20):
    data, deadline = b"", time.monotonic() + seconds
    while len(data) < count and time.monotonic() < deadline:
        data += port.read(count - len(data))
    return data


def test_bytes_go_both_ways(model):
    message = bytes(range(256)) * 20
    with virtual_board.VirtualBoard(model, PERIOD, 1_000_000) as board:
        port = ports.open_port(board.port, 115200)
        begun = board.cycles()
        for start in range(0, len(message), 1024):
            port.write(message[start:start + 1024])
            assert received(port, 1024) == bytes(byte ^ 255 for byte in message[start:start + 1024])
        assert board.cycles() - begun >= len(message) * 10 * PERIOD, "faster than its line"


def test_a_board_has_a_time_of_its_own(model):
    with virtual_board.VirtualBoard(model, PERIOD, 1_000) as board:
        first, slowness = board.seconds(), board.slowness()
        assert board.seconds() > first >= 0
        assert 0 < slowness < 10


def test_a_closed_board_leaves_no_process_and_its_port_is_gone(model):
    with virtual_board.VirtualBoard(model, PERIOD, 1_000_000) as board:
        port = ports.open_port(board.port, 115200)
        pid = board.pid
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with pytest.raises((OSError, TypeError)):
        for _ in range(20):
            port.write(b"x")
            port.read(1)
    with pytest.raises(ToolError, match="the simulated board has ended"):
        board.cycles()


def test_the_next_host_finds_the_board_as_the_last_one_left_it(model):
    with virtual_board.VirtualBoard(model, PERIOD, 1_000_000) as board:
        for byte in (b"a", b"b"):
            port = ports.open_port(board.port, 115200)
            port.write(byte)
            assert received(port, 1) == bytes([byte[0] ^ 255])
            port.close()


def test_a_model_that_is_not_there_is_one_sentence(tmp_path):
    with pytest.raises(ToolError, match="the simulated board does not start"):
        virtual_board.VirtualBoard(tmp_path / "nothing", PERIOD, 1_000_000)


def test_a_bit_is_at_least_four_cycles(model):
    with pytest.raises(ToolError, match="usage: virtual_board CYCLES_PER_BIT"):
        virtual_board.VirtualBoard(model, 3, 1_000_000)
