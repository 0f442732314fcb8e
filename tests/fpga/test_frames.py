"""The link's blocks in MyHDL and in Verilog, cycle for cycle: stuffing, the receive ring, order, whole conversations."""
import zlib
from pathlib import Path

import numpy as np
import pytest

from fpga.link.frame_receiver import frame_receiver
from fpga.link.frame_sender import frame_sender
from fpga.link.link import link
from fpga.link.protocol import FLAG, HELLO, IDENTITY, READ, RING_BITS, SPACE_BIT, WRITE, LinkBus
from rtl.stream import Stream, bit, unsigned, wrapping
from tb.block_bench import reset, run
from tb.block_parts import Script, Sink, Source, Table
from tests.fpga.link_model import Device, bodies, request

IDENTITY_WORDS = (0x43464952, 1, 2, 3, 0x7E7D7E7D, 5, 6, 0)


def spaced(line, gap=12):
    """Rows that bring bytes to a receiver."""
    return [row for byte in line for row in ({"strobe": 1, "data": byte}, *[{"strobe": 0}] * (gap - 1))]


@pytest.mark.parametrize("pause", ["never", "sometimes", "burst"])
def test_flags_and_escapes_are_stuffed(pause):
    body = bytes([0x7E, 0x7D, 0x20, 0x5E, *np.random.default_rng(4).bytes(60), 0x7D, 0x7E])
    words = [256, *body, 511]
    source, sink = Source("src", words, pause, 3), Sink("dst", pause, 8)
    trace = run(frame_sender, lambda: dict(clk=bit(), rst=reset(), src=Stream(9), dst=Stream(8)),
                ("src_ready", "dst_valid", "dst_data"), (source, sink), lambda: source.sent == len(words))
    trace.check_stream("dst")
    line = bytes(trace.moved("dst"))
    assert line[0] == line[-1] == FLAG and FLAG not in line[1:-1]
    assert bodies(line[:-1] + zlib.crc32(body).to_bytes(4, "little") + b"\x7e") == [body]


def received(line, released=0):
    """Run the receiver; the words committed at the end, and the ring."""
    table = Table(spaced(line))

    def arguments():
        return dict(clk=bit(), rst=reset(), data=unsigned(8), strobe=bit(), write=bit(), write_address=unsigned(RING_BITS),
                    write_data=unsigned(8), committed=wrapping(RING_BITS - 2), released=wrapping(RING_BITS - 2))

    first = Table([{"released": released}])
    trace = run(frame_receiver, arguments, ("write", "write_address", "write_data", "committed"), (first, table), table.over, linger=2)
    ring = {at: data for write, at, data in zip(trace["write"], trace["write_address"], trace["write_data"]) if write}
    return trace["committed"][-1], ring


def test_a_good_frame_is_committed_with_its_check_sequence():
    frame = request(1, 2, WRITE, 0x7E7D, [0x7D7E0001, 5])
    committed, ring = received(b"\x99" + frame + frame)
    body = bodies(frame)[0]
    assert committed == 2 * 5 and bytes(ring[n] for n in range(40)) == 2 * (body + zlib.crc32(body).to_bytes(4, "little"))


@pytest.mark.parametrize("frame", [
    b"\x7e\x7e\x7e", request(1, 2, READ, 0, [3]), request(1, 2, WRITE, 0, [3], count=2), request(1, 2, WRITE, 0, [3, 4], count=1),
    request(1, 2, WRITE, 0, [0] * 61), request(1, 2, WRITE, 0, [3])[:-1] + b"\x7d\x7e", request(1, 2, WRITE, 0, [3])[:-3] + b"\x7e",
    request(1, 2, WRITE, 0, [0x01020304])[:-1].replace(b"\x03", b"\x02") + b"\x7e"])
def test_any_other_frame_is_taken_back(frame):
    good = request(1, 2, READ, 0, count=1)
    committed, ring = received(frame + good)
    body = bodies(good)[0]
    assert committed == 3 and bytes(ring[n] for n in range(8)) == body


def test_a_frame_that_finds_no_room_is_taken_back():
    frame = request(1, 2, WRITE, 0, list(range(60)))
    assert received(frame + frame, released=0)[0] == 126
    assert received(frame + frame + request(1, 2, READ, 0, count=1), released=0)[0] == 126
    assert received(frame + frame, released=125)[0] == 63


class Memory:
    """Words behind the link's bus, after a random wait; an error from `size` on."""

    def __init__(self, size, rng):
        self.words, self.rng, self.left, self.done = [0] * size, rng, None, False

    def step(self, seen):
        quiet = {"bus_ack": 0, "bus_err": 0, "bus_dat_r": 0}
        if self.done or not seen.get("bus_stb"):
            self.done, self.left = False, None
            return quiet
        self.left = int(self.rng.integers(4)) if self.left is None else self.left - 1
        if self.left:
            return quiet
        self.done, at = True, seen["bus_adr"]
        if seen["bus_space"] == IDENTITY:
            return {"bus_ack": 1, "bus_err": int(at > 7), "bus_dat_r": 0}
        error = at >= len(self.words)
        if seen["bus_we"] and not error:
            self.words[at] = seen["bus_dat_w"]
        return {"bus_ack": 1, "bus_err": int(error), "bus_dat_r": 0 if error else self.words[at]}


@pytest.mark.parametrize("family, pause", [("generic", "never"), ("ecp5", "burst")])
def test_a_conversation_in_myhdl_and_in_verilog(family, pause):
    rng = np.random.default_rng(14)
    frames = [request(3, 4, HELLO), request(3, 5, WRITE, 2, [0x11223344, 0x7E7D0055]), request(3, 6, READ, 1, count=4),
              request(3, 6, READ, 1, count=4), request(3, 7, WRITE, 30, [1, 2, 3]), request(3, 7, WRITE, 30, [1, 2, 3]),
              request(3, 9, READ, 1, count=4), request(4, 8, READ, 1, count=4), request(3, 8, READ, 6 | 1 << SPACE_BIT, count=2),
              request(3, 9, READ, 30, count=2)]
    device = Device(32, IDENTITY_WORDS)
    answers = [device.hear(frame) for frame in frames]
    sink, memory = Sink("dst", pause, 5), Memory(32, rng)

    def script():
        wanted = 0
        for frame, answer in zip(frames, answers):
            for row in spaced(frame):
                yield row
            wanted += len(answer)
            while len(sink.words) < wanted:
                yield {}

    driver = Script(script())

    def arguments():
        return dict(clk=bit(), rst=reset(), data=unsigned(8), strobe=bit(), dst=Stream(8), bus=LinkBus(6),
                    identity_words=IDENTITY_WORDS, family=family)

    trace = run(link, arguments, ("dst_valid", "dst_data", "bus_stb", "bus_we", "bus_space", "bus_adr", "bus_dat_w"),
                (driver, sink, memory), driver.over, linger=4)
    trace.check_stream("dst")
    assert bytes(trace.moved("dst")) == b"".join(answers)
    assert memory.words == device.memory


def test_the_bytes_in_the_documentation_are_those_of_the_model():
    text = Path(__file__).resolve().parents[2].joinpath("docs", "link.md").read_text()
    sent = [bytes.fromhex(line[2:]) for line in text.splitlines() if line.startswith("> 7E")]
    heard = [bytes.fromhex(line[2:]) for line in text.splitlines() if line.startswith("< 7E")]
    device = Device(32768, (0x43464952, 0x00010001, 24_000_000, 131_072, 0x01080801, 0x12345678, 1_000_000, 0))
    assert [device.hear(frame) for frame in sent] == heard and len(heard) == 6
