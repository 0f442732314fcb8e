"""program_stream with a memory played in Python: every word once, in order, nothing past the end."""
import numpy as np
import pytest

from rtl.config import CoreConfig
from rtl.memory_bus import job_stream
from rtl.pass_settings import ADDRESS_BITS
from rtl.program_stream import program_stream
from rtl.stream import Stream, bit, unsigned
from tb.block_bench import reset, run
from tb.block_parts import Sink
from tb.pauses import Gate


class Memory:
    """Answers jobs with words of a memory, in order; `top` is the first word that was not asked for."""

    def __init__(self, data, width, pause, seed):
        self.data, self.width, self.gate, self.wait = data, width, Gate(pause, seed), Gate(pause, seed + 1)
        self.queue, self.held, self.open, self.top = [], None, False, 0

    def step(self, seen):
        if self.open and seen.get("jobs_valid"):
            job = seen["jobs_data"]
            first, count = job & ((1 << ADDRESS_BITS) - 1), job >> ADDRESS_BITS
            self.queue += range(first, first + count)
            self.top = max(self.top, first + count)
        if self.held is not None and seen.get("words_ready"):
            self.held = None
        if self.held is None and self.queue and not self.wait.closed():
            at = self.queue.pop(0) * self.width
            self.held = int.from_bytes(self.data[at:at + self.width], "little")
        self.open = not self.gate.closed()
        return {"jobs_ready": self.open, "words_valid": self.held is not None, "words_data": self.held or 0}


class Host:
    """Starts one program after the other."""

    def __init__(self, programs, sink):
        self.programs, self.sink, self.wanted, self.t = list(programs), sink, 0, 0

    def step(self, seen):
        self.t += 1
        if self.t > 3 and self.programs and len(self.sink.words) == self.wanted and (seen.get("exhausted") or not self.wanted):
            address, length = self.programs.pop(0)
            self.wanted += length
            return {"launch": 1, "address": address, "length": length}
        return {"launch": 0}


@pytest.mark.parametrize("pause", ["never", "sometimes", "burst"])
@pytest.mark.parametrize("width", [2, 4, 8, 16])
def test_every_word_of_a_program_comes_once_and_nothing_past_its_end(width, pause):
    config = CoreConfig(lanes=16, weight_bytes=width)
    rng = np.random.default_rng(51)
    data = rng.integers(0, 256, 4096, np.uint8).tobytes()
    programs = [(3, 100), (40, 1), (16, 2), (7, 67)]
    sink, memory = Sink("cfg", pause, 5), Memory(data, width, pause, 6)
    host = Host(programs, sink)

    def arguments():
        return dict(clk=bit(), rst=reset(), config=config, launch=bit(), address=unsigned(ADDRESS_BITS), length=unsigned(32),
                    jobs=job_stream(), words=Stream(8 * width), cfg=Stream(32), exhausted=bit())

    run(program_stream, arguments, ("jobs_data", "jobs_valid", "words_ready", "cfg_data", "cfg_valid", "exhausted"), (host, memory, sink),
        lambda: not host.programs and len(sink.words) == host.wanted)
    expected = [int.from_bytes(data[address * width + 4 * n:address * width + 4 * n + 4], "little")
                for address, length in programs for n in range(length)]
    assert sink.words == expected
    assert memory.top == max(-(-(address * width + 4 * length) // width) for address, length in programs)
