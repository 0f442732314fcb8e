"""The host's end of the link against a device in Python: order, losses, and one sentence for whatever goes wrong."""
import os
import random
import time

import pytest

from fpga.host import frames, ports
from fpga.host.link import Link
from fpga.host.ports import LinkError
from tests.fpga.fake_device import IDENTITY, FakeDevice

BAUD = 3_000_000        # a pseudo-terminal has none; the host's patience follows from it


def connect(device, **options):
    return Link(ports.open_port(device.port, 115200), BAUD, **options)


def fates(seed, lost=0.0, doubled=0.0, cut=0.0, flipped=0.0):
    """A function that spoils some frames: loses, doubles, cuts them, or flips a bit."""
    rng = random.Random(seed)

    def spoil(data):
        fate = rng.random()
        if fate < lost:
            return []
        if fate < lost + doubled:
            return [data, data]
        if fate < lost + doubled + cut:
            return [data[:rng.randrange(len(data))]]
        if fate < lost + doubled + cut + flipped:
            spoiled = bytearray(data)
            spoiled[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
            return [bytes(spoiled)]
        return [data]

    return spoil


def test_frames_are_those_of_the_document():
    """Flags and escapes inside a frame are escaped, and the check sequence is CRC-32."""
    frame = frames.request(0x7E, 0x7D, frames.WRITE, 1, 2, [0x01020304])
    assert frame[:1] == frame[-1:] == b"\x7e"
    assert frame[1:5] == b"\x7d\x5e\x7d\x5d"
    assert frames.Receiver().feed(frame) == [bytes([0x7E, 0x7D, 1, 1, 2, 0, 0, 0, 4, 3, 2, 1])]


def test_every_flipped_bit_drops_a_frame():
    frame = frames.stuffed(bytes([1, 2, 0, 1, 0x7E, 0x7D, 3, 4]))
    for place in range(len(frame)):
        for bit in range(8):
            spoiled = bytearray(frame)
            spoiled[place] ^= 1 << bit
            receiver = frames.Receiver()
            got = receiver.feed(bytes(spoiled))
            assert got in ([], [bytes([1, 2, 0, 1, 0x7E, 0x7D, 3, 4])]), (place, bit)
            assert receiver.feed(frame)[-1:] == [bytes([1, 2, 0, 1, 0x7E, 0x7D, 3, 4])] or place == len(frame) - 1


def test_random_bytes_are_no_frames():
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")
    noise, receiver = random.Random(seed), frames.Receiver()
    assert not any(receiver.feed(noise.randbytes(10_000)) for _ in range(100))
    receiver.feed(b"\x7e")
    assert receiver.feed(frames.stuffed(b"123456")) == [b"123456"]


def test_a_session_reads_and_writes():
    with FakeDevice() as device:
        link = connect(device)
        assert link.identity == IDENTITY
        link.write(5, range(1000, 1200))
        assert device.memory[5:205] == list(range(1000, 1200))
        assert link.read(5, 200) == list(range(1000, 1200))
        assert link.resent == 0
        assert max(len(words) for _, words in device.writes) == 60


@pytest.mark.parametrize("spoiling", ["request", "reply", "both"])
@pytest.mark.parametrize("fate", ["lost", "doubled", "cut", "flipped"])
def test_spoiled_frames_cost_time_and_nothing_else(spoiling, fate):
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")
    rate = {fate: 0.1}
    options = {f"spoil_{side}": fates(seed + index, **rate) for index, side in enumerate(("request", "reply"))
               if spoiling in (side, "both")}
    with FakeDevice(**options) as device:
        link = connect(device)
        numbers = random.Random(seed)
        values = [numbers.randrange(1 << 32) for _ in range(900)]
        link.write(0, values)
        assert link.read(0, 900) == values
        written = [address for address, _ in device.writes]
        assert written == sorted(set(written)), "a write was carried out twice or out of order"


def test_a_silent_line_is_one_sentence():
    with FakeDevice() as device:
        device.silent = True
        with pytest.raises(LinkError, match="no answer from a board"):
            connect(device)


def test_a_board_that_falls_silent_is_one_sentence():
    with FakeDevice() as device:
        link = connect(device)
        device.silent = True
        with pytest.raises(LinkError, match="does not answer any more"):
            link.read(0, 10)


def test_a_pulled_cable_is_one_sentence():
    device = FakeDevice()
    link = connect(device)
    device.close()
    with pytest.raises(LinkError, match="is gone: was the cable pulled"):
        for _ in range(50):
            link.read(0, 60)


def test_a_port_has_one_user():
    with FakeDevice() as device:
        link = connect(device)
        with pytest.raises(LinkError, match="in use by another program"):
            ports.open_port(device.port, 115200)
        link.close()
        connect(device)


def test_another_session_takes_over_and_the_first_one_is_told():
    with FakeDevice() as device:
        first = connect(device)
        first.write(0, [1, 2, 3])
        device.session = first._session ^ 0x55
        with pytest.raises(LinkError, match="another program opened a session"):
            first.write(0, [4])
        assert device.memory[:3] == [1, 2, 3]


def test_a_new_session_works_after_a_host_died_in_the_middle():
    with FakeDevice() as device:
        port = ports.open_port(device.port, 115200)
        link = Link(port, BAUD)
        port.write(frames.request(link._session, link._sequence, frames.WRITE, 2, 0, [7, 8])[:9])
        port.close()
        again = connect(device)
        again.write(0, [1, 2])
        assert again.read(0, 2) == [1, 2]


def test_a_board_that_was_reset_is_one_sentence():
    with FakeDevice() as device:
        link = connect(device)
        device.expected = link._sequence + 100 & 255
        device.last = device.expected - 1 & 255
        with pytest.raises(LinkError, match="lost its session"):
            link.read(0, 1)


def test_memory_that_is_not_there_is_one_sentence():
    with FakeDevice() as device:
        with pytest.raises(LinkError, match="error from its memory: read of 30 words at word 0x3f2"):
            connect(device).read(1010, 30)


def test_noise_before_a_session_does_no_harm():
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")
    with FakeDevice() as device:
        port = ports.open_port(device.port, 115200)
        port.write(random.Random(seed).randbytes(2000))
        time.sleep(0.1)
        link = Link(port, BAUD)
        link.write(3, [9])
        assert link.read(3, 1) == [9] and device.writes == [(3, (9,))]


def test_a_port_that_is_not_there_is_one_sentence(tmp_path):
    with pytest.raises(LinkError, match="cannot be opened"):
        ports.open_port(os.path.join(tmp_path, "nothing"), 115200)
