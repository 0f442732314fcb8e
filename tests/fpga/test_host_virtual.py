"""The host and a simulated board, its real top: noise, spoiled frames, pulled cables, killed hosts, two hosts at once."""
import dataclasses
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fpga import board as boards
from fpga import virtual
from fpga.host import device as devices
from fpga.host import frames, ports
from fpga.host.device import Device
from fpga.host.link import Link
from fpga.host.ports import LinkError
from fpga.top import design_hz
from tb.virtual_board import VirtualBoard

pytestmark = pytest.mark.slow
CHECKOUT = Path(__file__).resolve().parents[2]
NOISE = 1_000_000
HOST = """import sys, time
from fpga.host import ports
from fpga.host.link import Link
port, baud = sys.argv[1], int(sys.argv[2])
link = Link(ports.open_port(port, baud), baud, 100)
print("open", flush=True)
while True:
    link.write(0, range(2000))
"""


@pytest.fixture(scope="module")
def board():
    """An iCEBreaker whose line is as fast as its UART can."""
    known = boards.load("icebreaker")
    return dataclasses.replace(known, baud=design_hz(known) // 4)


@pytest.fixture(scope="module")
def model(board):
    return virtual.model(board, "rtl")[0]


@pytest.fixture
def simulated(board, model):
    with VirtualBoard(model, virtual.cycles_per_bit(board), design_hz(board)) as one:
        yield one


def connect(simulated, board):
    return devices.connect(simulated.port, board, 2 * max(1.0, simulated.slowness()))


def test_a_million_random_bytes_change_nothing(simulated, board):
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")
    rng = random.Random(seed)
    device = connect(simulated, board)
    values = [rng.randrange(1 << 32) for _ in range(600)]
    device.link.write(0, values)
    port = device.link._port
    for _ in range(NOISE // 1000):
        port.write(rng.randbytes(1000))
        port.read(port.in_waiting)
    time.sleep(1)
    port.reset_input_buffer()
    assert connect_again(device, board).read(0, 600) == values


def connect_again(device, board):
    """A new session on the same open port."""
    return Link(device.link._port, board.baud, 100)


def test_every_flipped_bit_of_a_write_is_refused(simulated, board):
    device = connect(simulated, board)
    device.link.write(0, [0] * 8)
    session, sequence = device.link._session, device.link._sequence
    frame = frames.request(session, sequence, frames.WRITE, 2, 0, [0x7E7D1234, 0xFFFFFFFF])
    port = device.link._port
    for place in range(1, len(frame) - 1):
        for bit in range(8):
            spoiled = bytearray(frame)
            spoiled[place] ^= 1 << bit
            port.write(bytes(spoiled))
        port.read(port.in_waiting)
    time.sleep(0.3)
    port.reset_input_buffer()
    assert device.link.read(0, 8) == [0] * 8
    device.link.write(0, [0x7E7D1234, 0xFFFFFFFF])
    assert device.link.read(0, 2) == [0x7E7D1234, 0xFFFFFFFF]


def test_cut_and_doubled_frames_do_no_harm(simulated, board):
    device = connect(simulated, board)
    device.link.write(0, [5] * 60)
    port = device.link._port
    frame = frames.request(device.link._session, device.link._sequence, frames.WRITE, 1, 0, [6])
    for length in range(1, len(frame) - 1):
        port.write(frame[:length] + b"\x7d\x7e")
    assert device.link.read(0, 60) == [5] * 60
    again = frames.request(device.link._session, device.link._sequence, frames.WRITE, 1, 3, [9])
    port.write(again + again)
    device.link._sequence = device.link._sequence + 1 & 255
    time.sleep(0.2)
    port.reset_input_buffer()
    assert device.link.read(0, 5) == [5, 5, 5, 9, 5]


def test_a_killed_host_leaves_a_board_that_works(simulated, board):
    command = [sys.executable, "-c", HOST, simulated.port, str(board.baud)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=CHECKOUT) as host:
        assert host.stdout.readline() == b"open\n"
        time.sleep(0.5)
        host.send_signal(signal.SIGKILL)
    device = connect(simulated, board)
    device.link.write(10, range(500))
    assert device.link.read(10, 500) == list(range(500))


def test_of_two_hosts_the_first_one_is_told(simulated, board):
    device = connect(simulated, board)
    serial = ports.serial_module()
    second = serial.Serial(simulated.port, board.baud, timeout=0.1)     # not exclusive, as other programs may be
    second.write(frames.request(device.link._session ^ 0x55, 1, frames.HELLO, 0, 0))
    time.sleep(0.3)
    second.reset_input_buffer()
    with pytest.raises(LinkError, match="another program opened a session"):
        device.link.write(0, [1])


def test_a_cable_pulled_in_the_middle_is_one_sentence(board, model):
    with VirtualBoard(model, virtual.cycles_per_bit(board), design_hz(board)) as simulated:
        device = connect(simulated, board)
        device.link.write(0, range(100))
    with pytest.raises(LinkError, match="is gone: was the cable pulled"):
        device.link.write(0, range(100))


def test_another_bitstream_is_one_sentence(simulated, board):
    with pytest.raises(LinkError, match="another bitstream, of a compact 1 x 8 array with other settings: load this one's with"):
        slowness = 2 * max(1.0, simulated.slowness())
        Device(Link(ports.open_port(simulated.port, board.baud), board.baud, slowness), board, 1, slowness)
