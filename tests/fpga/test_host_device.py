"""A board's identity, memory and registers as the host sees them, on a device in Python."""
import types

import numpy as np
import pytest

from cascadefire.errors import InputError
from fpga.host import ports
from fpga.host.device import COUNTERS, REGISTERS, Device
from fpga.host.link import Link
from fpga.host.ports import LinkError
from tests.fpga.fake_device import IDENTITY, FakeDevice

BOARD = types.SimpleNamespace(name="fake", number=IDENTITY[1] >> 16, usb={"vid": 1, "pid": 2})
DIGEST = IDENTITY[5]


def connect(fake, board=BOARD, digest=DIGEST):
    return Device(Link(ports.open_port(fake.port, 115200), 3_000_000), board, digest)


def finish(status, counters=range(100, 113)):
    """A program that ends at once with a status."""
    def run(fake):
        if fake.registers[0] & 1:
            fake.registers[0] = 0
            fake.registers[1] = status
            fake.registers[4:17] = counters
        if fake.registers[0] & 2:
            fake.registers[0] = 0
            fake.registers[1] = 4
    return run


@pytest.mark.parametrize("board, digest, sentence", [
    (types.SimpleNamespace(name="other", number=9), DIGEST, "the bitstream is that of board number 7, but other is number 9"),
    (BOARD, DIGEST ^ 1, "another bitstream, of a compact 1 x 8 array .*cascadefire program --board fake"),
])
def test_what_is_not_the_expected_board_is_one_sentence(board, digest, sentence):
    with FakeDevice() as fake, pytest.raises(LinkError, match=sentence):
        connect(fake, board, digest)


def test_only_what_changed_is_sent():
    data = np.arange(400, dtype=np.uint8)
    with FakeDevice() as fake:
        device = connect(fake)
        assert device.update(16, data) == 100
        assert bytes(device.read(16, 400)) == data.tobytes() and bytes(device.read(21, 3)) == data[5:8].tobytes()
        assert device.update(16, data) == 0
        data[40] ^= 1
        data[300:303] ^= 255
        assert device.update(16, data) <= 3
        assert bytes(device.read(16, 400)) == data.tobytes()
        device.forget(16, 8)
        assert device.update(16, data) == 2


def test_a_memory_that_is_too_small_is_named():
    with FakeDevice() as fake, pytest.raises(InputError, match="lenet5 needs 37 KiB, this board has 4 KiB"):
        connect(fake).check_size("lenet5", 37 * 1024 - 5)


def test_a_program_runs_and_leaves_its_counters():
    with FakeDevice(program=finish(2)) as fake:
        found = connect(fake).run(5, 77)
        assert fake.registers[2:4] == [5, 77]
        assert [found[name] for name in COUNTERS] == list(range(100, 113))


def test_a_program_that_stops_with_an_error_is_one_sentence():
    sentence = "the accelerator stopped: the program ended without its end bit"
    with FakeDevice(program=finish(4 | 3 << 8)) as fake, pytest.raises(LinkError, match=sentence):
        connect(fake).run(0, 1)


def test_what_a_dead_host_left_running_is_stopped():
    with FakeDevice(program=finish(2)) as fake:
        fake.registers[1] = 1
        connect(fake)
        assert fake.registers[1] == 4 and ((REGISTERS, (2,)) in fake.writes)


def test_a_port_is_found_by_its_usb_id(monkeypatch):
    serial = ports.serial_module()
    known = types.SimpleNamespace
    listed = [known(device="/dev/ttyUSB0", vid=1, pid=2, location="1-1:1.0"),
              known(device="/dev/ttyUSB1", vid=1, pid=2, location="1-1:1.1"),
              known(device="/dev/ttyS0", vid=None, pid=None, location=None)]
    monkeypatch.setattr(serial.tools.list_ports, "comports", lambda: listed)
    board = known(name="fake", usb={"vid": 1, "pid": 2, "interface": 1})
    assert ports.find(board) == "/dev/ttyUSB1"
    with pytest.raises(LinkError, match="several serial ports may be fake: name one of /dev/ttyUSB0, /dev/ttyUSB1 with --port"):
        ports.find(known(name="fake", usb={"vid": 1, "pid": 2}))
    with pytest.raises(LinkError, match="no serial port has the USB id 0001:0003 .*take --board virtual:fake"):
        ports.find(known(name="fake", usb={"vid": 1, "pid": 3}))
    with pytest.raises(LinkError, match="the USB id of fake is not known"):
        ports.find(known(name="fake", usb={}))
