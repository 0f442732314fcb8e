"""Address spaces, half words, identity, reset, LEDs and clock."""
from types import SimpleNamespace

import numpy as np
import pytest

from fpga import clock as clocks
from fpga.clock import clock
from fpga.identity import config_digest, identity, identity_words
from fpga.leds import leds
from fpga.link.address_spaces import address_spaces
from fpga.link.half_words import half_words
from fpga.link.protocol import IDENTITY, MEMORY, REGISTERS, LinkBus
from fpga.reset import power_on_reset
from rtl.config import CoreConfig
from rtl.memory_bus import MemoryBus
from rtl.registers import RegisterBus
from rtl.stream import bit, unsigned
from tb.block_bench import reset, run
from tb.block_parts import Script, Table


class Answering:
    """A slave that acknowledges `wait` cycles after it is asked, with what `answer` gives; zeros in between."""

    def __init__(self, port, wait, answer):
        self.port, self.wait, self.answer, self.left, self.log = port, wait, answer, None, []

    def step(self, seen):
        if self.left == 0:      # what was seen is the cycle of the answer
            self.left = None
        elif self.left is None and seen.get(f"{self.port}_stb"):
            self.left, self.reply = self.wait, self.answer(seen)
            self.log.append((seen[f"{self.port}_we"], seen[f"{self.port}_adr"], seen[f"{self.port}_dat_w"]))
        if self.left is not None:
            self.left -= 1
            if self.left == 0:
                return {f"{self.port}_ack": 1, **self.reply}
        return {f"{self.port}_ack": 0, f"{self.port}_dat_r": 0}


def asking(accesses, log):
    for space, we, adr, data in accesses:
        yield {"bus_stb": 0}
        inputs = {"bus_stb": 1, "bus_space": space, "bus_we": we, "bus_adr": adr, "bus_dat_w": data}
        seen = yield inputs
        while not seen["bus_ack"]:
            seen = yield inputs
        log.append((seen["bus_err"], seen["bus_dat_r"]))
    yield {"bus_stb": 0}


def test_an_access_goes_where_its_space_says():
    told = []
    accesses = [(MEMORY, 0, 5, 0), (REGISTERS, 0, 3, 0), (REGISTERS, 1, 63, 77), (REGISTERS, 0, 64, 0), (IDENTITY, 0, 7, 0),
                (IDENTITY, 0, 8, 0), (3, 0, 0, 0), (MEMORY, 1, 100, 9), (REGISTERS, 0, 256 + 3, 0)]
    memory = Answering("memory", 3, lambda seen: {"memory_dat_r": 1000 + seen["memory_adr"], "memory_err": seen["memory_adr"] > 99})
    regs = Answering("regs", 1, lambda seen: {"regs_dat_r": 2000 + seen["regs_adr"]})
    script = Script(asking(accesses, told))

    def arguments():
        return dict(clk=bit(), rst=reset(), bus=LinkBus(8), memory=LinkBus(8), regs=RegisterBus())

    run(address_spaces, arguments,
        ("bus_ack", "bus_err", "bus_dat_r", "memory_stb", "memory_we", "memory_space", "memory_adr", "memory_dat_w", "regs_cyc",
         "regs_stb", "regs_we", "regs_adr", "regs_dat_w"), (memory, regs, script), script.over)
    assert told == [(0, 1005), (0, 2003), (0, 2063), (1, 0), (0, 0), (1, 0), (1, 0), (1, 1100), (1, 0)]
    assert memory.log == [(0, 5, 0), (1, 100, 9)] and regs.log == [(0, 3, 0), (1, 63, 77)]


def test_a_word_is_two_halves_low_one_first():
    told = []
    halves = Answering("halves", 2, lambda seen: {"halves_dat_r": 0x1000 + seen["halves_adr"], "halves_err": seen["halves_adr"] == 12})
    script = Script(asking([(MEMORY, 0, 3, 0), (MEMORY, 1, 4, 0xAAAABBBB), (MEMORY, 0, 6, 0), (MEMORY, 0, 7, 0)], told))

    def arguments():
        return dict(clk=bit(), rst=reset(), bus=LinkBus(8), halves=LinkBus(9, 16))

    run(half_words, arguments, ("bus_ack", "bus_err", "bus_dat_r", "halves_stb", "halves_we", "halves_space", "halves_adr",
                                "halves_dat_w"), (halves, script), script.over)
    assert halves.log[2:4] == [(1, 8, 0xBBBB), (1, 9, 0xAAAA)]
    assert told == [(0, 0x10071006), (0, 0x10091008), (1, 0x100D100C), (0, 0x100F100E)]


def test_the_identity_tells_every_bit():
    words = identity_words(513, CoreConfig(pes=1, lanes=8, compact=True, fire_lanes=1), 24_000_000, 131_072, 1_000_000)
    assert words[:5] == (0x43464952, 0x02010001, 24_000_000, 131_072, 0x01080801) and words[6:] == (1_000_000, 0)
    table = Table({"place": n} for n in range(256))
    trace = run(identity, lambda: dict(place=unsigned(8), data=bit(), words=words), ("data",), (table,), table.over)
    assert trace["data"] == [word >> i & 1 for word in words for i in range(32)]


def test_another_configuration_has_another_digest():
    assert config_digest(CoreConfig()) != config_digest(CoreConfig(acc_depth=512))


def test_reset_is_held_after_power_on_and_again_when_the_lock_is_lost():
    table = Table([{"locked": 0}] * 5 + [{"locked": 1}] * 200 + [{"locked": 0}] * 3 + [{"locked": 1}] * 200)
    trace = run(power_on_reset, lambda: dict(clk=bit(), locked=bit(), rst=reset()), ("rst",), (table,), table.over)
    levels = trace["rst"]
    # The bench's first cycles come before the trace; two registers bring the lock into the clock's domain.
    assert all(levels[:5 + 128]) and not any(levels[5 + 131:205]) and all(levels[208:208 + 128]) and not levels[-1]


@pytest.mark.parametrize("number, low", [(1, False), (2, True), (8, True)])
def test_leds_blink_and_show_busy_and_error(number, low):
    rows = [{"regs_cyc": 1, "regs_stb": 1, "regs_adr": 1}, {"regs_stb": 0, "regs_dat_r": 4}, {"regs_dat_r": 0}, {"bus_cyc": 1},
            {"bus_cyc": 0}, *[{}] * 20, {"regs_stb": 1}, {"regs_stb": 0}, {}]
    table = Table(rows)

    def arguments():
        return dict(clk=bit(), rst=reset(), bus=MemoryBus(CoreConfig()), regs=RegisterBus(), led=unsigned(number), clock_hz=60,
                    active_low=low)

    trace = run(leds, arguments, ("led",), (table,), table.over)
    lights = [value ^ ((1 << number) - 1 if low else 0) for value in trace["led"]]
    assert [light & 1 for light in lights[:24]] == [t >> 3 & 1 for t in range(24)]
    if number > 1:
        assert [light >> 1 & 1 for light in lights] == [t == 3 for t in range(len(rows))]
    if number > 2:
        assert [light >> 2 & 1 for light in lights] == [2 <= t < 27 for t in range(len(rows))]
        assert not any(light >> 3 for light in lights)


def test_a_clock_without_a_pll_is_the_pin_and_cannot_be_another():
    plain = SimpleNamespace(name="plain", pll=None, clock_pin_hz=12_000_000, clock_hz=12_000_000, family="ice40")
    table = Table([{"pin": int(b)} for b in np.random.default_rng(1).integers(0, 2, 20)])
    trace = run(clock, lambda: dict(pin=bit(), out=bit(), locked=bit(), board=plain), ("out", "locked"), (table,), table.over)
    assert all(trace["locked"]) and trace["out"] == trace["pin"]
    with pytest.raises(ValueError, match="board plain has no PLL: its clock must be 12 MHz, not 13 MHz"):
        clocks.settings(SimpleNamespace(**{**vars(plain), "clock_hz": 13_000_000}))
