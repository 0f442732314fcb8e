"""The link's device side on the converted board top, byte for byte against the model in link_model.

The line is played into the top's rx pin in Verilator; memory is read back over the link, so that what was written is seen.
"""
import numpy as np
import pytest

from fpga.link.protocol import (DONE, FLAG, HELLO, IDENTITY, IMPOSSIBLE, MEMORY_ERROR, OTHER_SESSION, OUT_OF_ORDER, READ,
                                REGISTERS, SPACE_BIT, WRITE)
from fpga.top import identity_of
from tests.fpga.line_bench import QUIET, byte_rows, model, play
from tests.fpga.link_model import Device, bodies, request, words_of
from tests.fpga.small_board import board

SHAPES = {"8 bytes": ("4",), "2 bytes": ("5", "block_ram", "ice40", "2", "4096"), "spram": ("4", "spram", "up5k", "8", "131072"),
          "two banks": ("6", "spram", "up5k", "4", "131072"), "ecp5": ("4", "block_ram", "ecp5", "16", "16384"),
          "odd size": ("4", "block_ram", "gowin", "4", "12288")}
IDLE = (QUIET, 0, 4000)     # cycles: longer than a request takes from its last flag to its reply's first byte
REGISTER, IDENTITY_BLOCK = REGISTERS << SPACE_BIT, IDENTITY << SPACE_BIT


class Told(list):
    """Registers of the accelerator's stand-in: writes leave no trace."""

    def __setitem__(self, at, value):
        pass


class Line:
    """A board and its model."""

    def __init__(self, shape=("4",)):
        self.program, self.board = model(*shape), board(*shape)
        self.words = self.board.memory_bytes // 4
        self.fresh()

    def fresh(self):
        registers = Told([0] * 64)
        list.__setitem__(registers, 63, 0xABCD1234)
        self.device = Device(self.words, identity_of(self.board, self.board.config()), registers)
        return self

    def expect(self, *lines: bytes) -> list[bytes]:
        """Play pieces of line with silence between; the replies, after they were compared with the model's."""
        said = b"".join(self.device.hear(line) for line in lines)
        heard = self.say(*lines)
        assert heard == said
        return bodies(heard)

    def say(self, *lines: bytes) -> bytes:
        heard = play(self.program, [row for line in lines for row in (*byte_rows(line), IDLE)])
        assert all(byte < 256 for byte, _ in heard)
        return bytes(byte for byte, _ in heard)


def whole_memory(session, sequence, words):
    """Reads of all words of a memory, one frame each."""
    for number, at in enumerate(range(0, words, 60)):
        yield request(session, sequence + number, READ, at, count=min(60, words - at))


@pytest.fixture(scope="module")
def line():
    return Line()


def some_words(rng, number):
    return [int(w) for w in rng.integers(0, 1 << 32, number)]


@pytest.mark.parametrize("shape", SHAPES)
def test_a_conversation(shape):
    line = Line(SHAPES[shape])
    rng = np.random.default_rng(11)
    words, last = some_words(rng, 60), line.words - 1
    replies = line.expect(
        request(5, 9, HELLO), request(5, 10, WRITE, 100, words), request(5, 11, READ, 98, count=60),
        request(5, 12, WRITE, last, [0x7E7D7E7D]), request(5, 13, READ, last - 1, count=2), request(5, 14, READ, last, count=2),
        request(5, 15, WRITE, last, [1, 2]), request(5, 15, WRITE, last, [1, 2]), request(5, 16, READ, IDENTITY_BLOCK, count=8),
        request(5, 17, READ, IDENTITY_BLOCK + 6, count=3), request(5, 18, WRITE, IDENTITY_BLOCK, [1]),
        request(5, 19, READ, 3 << SPACE_BIT, count=1), request(5, 20, READ, REGISTER + 60, count=4),
        request(5, 21, READ, REGISTER + 61, count=4), request(5, 22, WRITE, REGISTER + 2, [7]), request(5, 23, READ, 1 << 29, count=1),
        request(5, 24, READ, (1 << 30) - 1, count=2), request(5, 25, READ, 100, count=60), request(5, 26, READ, 0, count=0),
        request(5, 27, READ, 0, count=61), request(5, 28, 9, 0), request(5, 29, WRITE, 0, []))
    assert [reply[2] for reply in replies] == [
        DONE, DONE, DONE, DONE, DONE, MEMORY_ERROR, MEMORY_ERROR, MEMORY_ERROR, DONE, MEMORY_ERROR, IMPOSSIBLE, IMPOSSIBLE, DONE,
        MEMORY_ERROR, DONE, MEMORY_ERROR, MEMORY_ERROR, DONE, IMPOSSIBLE, IMPOSSIBLE, IMPOSSIBLE, IMPOSSIBLE]
    assert words_of(replies[0]) == list(identity_of(line.board, line.board.config())) == words_of(replies[8])
    assert words_of(replies[2])[2:] == words[:58] and words_of(replies[4])[1] == 0x7E7D7E7D
    assert words_of(replies[17]) == words and words_of(replies[12])[3] == 0xABCD1234


def test_without_a_hello_no_session_is_open(line):
    replies = line.fresh().expect(request(0, 0, WRITE, 0, [5]), request(0, 0, READ, 0, count=1), request(0, 7, HELLO),
                                  request(0, 8, READ, 0, count=1))
    assert [reply[2] for reply in replies] == [OTHER_SESSION, OTHER_SESSION, DONE, DONE] and words_of(replies[3]) == [0]


def test_a_second_session_takes_over_and_the_first_is_told(line):
    replies = line.fresh().expect(request(1, 0, HELLO), request(1, 1, WRITE, 3, [11]), request(2, 50, HELLO),
                                  request(1, 2, WRITE, 3, [12]), request(2, 51, READ, 3, count=1), request(1, 3, READ, 3, count=1))
    assert [(reply[0], reply[2]) for reply in replies] == [
        (1, DONE), (1, DONE), (2, DONE), (2, OTHER_SESSION), (2, DONE), (2, OTHER_SESSION)]
    assert words_of(replies[4]) == [11]


def test_a_resent_write_is_acknowledged_and_not_written_again_and_a_resent_read_is_read(line):
    replies = line.fresh().expect(
        request(1, 254, HELLO), request(1, 255, WRITE, 3, [11]), request(1, 255, WRITE, 3, [99]), request(1, 0, READ, 3, count=1),
        request(1, 0, READ, 3, count=1), request(1, 1, WRITE, 3, [12]), request(1, 2, READ, 3, count=1))
    assert [reply[1:3] for reply in replies] == [bytes([n, DONE]) for n in (254, 255, 255, 0, 0, 1, 2)]
    assert [words_of(reply) for reply in replies[3:]] == [[11], [11], [], [12]]


def test_a_gap_in_the_sequence_stops_everything_until_it_is_filled(line):
    replies = line.fresh().expect(request(1, 0, HELLO), request(1, 2, WRITE, 3, [2]) + request(1, 3, READ, 3, count=1),
                                  request(1, 1, WRITE, 3, [1]), request(1, 2, WRITE, 3, [2]), request(1, 3, READ, 3, count=1))
    assert [reply[1:3] for reply in replies[1:3]] == [bytes([1, OUT_OF_ORDER])] * 2 and words_of(replies[-1]) == [2]


def test_four_requests_may_be_open(line):
    rng = np.random.default_rng(5)
    burst = b"".join(request(1, 1 + n, WRITE, 60 * n, some_words(rng, 60)) for n in range(4))
    mixed = request(1, 5, READ, 0, count=60) + b"".join(request(1, 6 + n, WRITE, 60 * n, some_words(rng, 60)) for n in range(3))
    replies = line.fresh().expect(request(1, 0, HELLO), burst, mixed, b"".join(whole_memory(1, 9, 240)))
    assert [reply[2] for reply in replies] == [DONE] * 13


def test_one_flag_may_end_a_frame_and_begin_the_next(line):
    frames = [request(1, 0, HELLO), *(request(1, n, WRITE, n, [n]) for n in range(1, 5)), request(1, 5, READ, 0, count=6)]
    joined = bytes([FLAG]) + b"".join(frame[1:] for frame in frames)
    assert words_of(line.fresh().expect(joined)[-1]) == [0, 1, 2, 3, 4, 0]


def test_every_single_bit_flip_of_a_frame(line):
    """Between two good ones; the flips make other addresses, counts, sessions, escapes, flags."""
    line.fresh()
    pieces, frame = [request(7, 0, HELLO)], request(7, 1, WRITE, 5, [0xAABBCCDD, 0x7E11227D])
    for place in range(8 * len(frame)):
        broken = bytearray(frame)
        broken[place >> 3] ^= 1 << (place & 7)
        pieces.append(bytes(broken) + request(7, 1, READ, 4, count=4) + request(7, 0, HELLO))
    replies = line.expect(*pieces)
    assert line.device.writes == 0 and len(replies) >= 8 * len(frame)


def mangled(rng, frame):
    """A frame as a bad line might deliver it: whole, dropped, doubled, cut, without a byte, with a byte more, with a flip."""
    at = int(rng.integers(len(frame)))
    return [frame, b"", frame + frame, frame[:at], frame[at:], frame[:at] + frame[at + 1:],
            frame[:at] + rng.bytes(1) + frame[at:], frame[:at] + bytes([frame[at] ^ 1 << int(rng.integers(8))]) + frame[at + 1:],
            frame[:at] + b"\x7d\x7e", frame + frame[:at]][int(rng.choice(10, p=[.5] + [.5 / 9] * 9))]


def random_frame(rng, expected):
    """A request with a right check sequence and any contents; most have the sequence number that is expected."""
    opcode = int(rng.choice([0, WRITE, READ, HELLO, 4, 255], p=[.01, .5, .4, .06, .02, .01]))
    count = int(rng.choice([0, 1, 2, 59, 60, 61, 255], p=[.03, .4, .3, .1, .1, .04, .03]))
    space = int(rng.choice(4, p=[.85, .05, .07, .03]))
    address = int(rng.choice([0, 7, 63, 1990, 2040, 2047, 2048, (1 << 30) - 1])) | space << SPACE_BIT
    if space == REGISTERS:
        address |= 32       # else the stand-in is started
    words = some_words(rng, count if rng.random() < .95 else int(rng.integers(62))) if opcode == WRITE else []
    return request(int(rng.choice([3, 4], p=[.95, .05])), expected + int(rng.choice([0, -1, 1, 100], p=[.8, .1, .05, .05])),
                   opcode, address, words, count)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_random_frames_on_a_bad_line(line, seed):
    print("seed", seed)
    rng = np.random.default_rng(seed)
    pieces = [request(3, 0, HELLO)]
    shadow = line.fresh().device
    for _ in range(300):
        shadow.hear(pieces[-1])
        pieces.append(mangled(rng, random_frame(rng, shadow.expected)))
    replies = line.fresh().expect(*pieces, bytes([FLAG]), request(3, 0, HELLO), *whole_memory(3, 1, line.words))
    assert replies[-1][2] == DONE and line.device.writes > 100


def test_a_million_random_bytes_write_nothing_and_leave_the_link_working(line):
    """Flags and escapes are frequent among them; then a session reads the whole memory."""
    number, seed = 1_000_000, 77
    print("seed", seed)
    rng = np.random.default_rng(seed)
    noise = np.where(rng.random(number) < .1, rng.choice([0x7E, 0x7D, 0x7E, 1], number), rng.integers(0, 256, number))
    replies = line.fresh().expect(noise.astype(np.uint8).tobytes() + bytes([FLAG]), request(9, 3, HELLO),
                                  *whole_memory(9, 4, line.words))
    assert line.device.writes == 0 and not any(word for reply in replies[-30:] for word in words_of(reply))


def test_what_finds_no_room_is_dropped_and_can_be_sent_again(line):
    """Sixty long reads at once are more than the ring holds: some are lost, then the rest is out of order, nothing is wrong."""
    frames = [request(1, 1 + n, READ, n, count=60) for n in range(60)]
    replies = bodies(line.say(request(1, 0, HELLO), request(1, 0, HELLO) + b"".join(frames), request(2, 0, HELLO)))
    statuses = [reply[2] for reply in replies]
    carried = statuses[2:-1].count(DONE)
    assert 36 <= carried < 60 and statuses[-1] == DONE and replies[-1][0] == 2
    assert [reply[1] for reply in replies[2:2 + carried]] == list(range(1, 1 + carried))
    assert all(reply[1:3] == bytes([1 + carried, OUT_OF_ORDER]) for reply in replies[2 + carried:-1])


@pytest.mark.parametrize("opcode", [WRITE, READ])
def test_bursts_of_sixty_words_use_nine_tenths_of_the_line(line, opcode):
    """Of the bytes that the line can carry in the time, nine tenths and more are data."""
    rng = np.random.default_rng(6)
    frames = [request(1, 1 + n, opcode, 60 * n, some_words(rng, 60) if opcode == WRITE else (), 60) for n in range(16)]
    heard = play(line.program, [*byte_rows(request(1, 0, HELLO)), IDLE, *byte_rows(b"".join(frames)), IDLE])
    replies = bodies(bytes(byte for byte, _ in heard))
    assert [reply[2] for reply in replies] == [DONE] * 17
    hello = [cycle for byte, cycle in heard if byte == FLAG][1]
    share = 16 * 60 * 4 * 10 * 4 / (heard[-1][1] - hello - IDLE[2])
    print(f"{share:.3f} of the line")
    assert share >= .9
