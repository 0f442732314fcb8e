"""A board's memories and the arbiter before them: bytes, banks, latency, errors, and two masters at once."""
import numpy as np
import pytest

from fpga.arbiter import arbiter
from fpga.link.protocol import LinkBus
from fpga.memory_block_ram import memory_block_ram
from fpga.memory_port import RamPort
from fpga.memory_spram import memory_spram
from myhdl import block
from rtl.config import CoreConfig
from rtl.memory_bus import MemoryBus
from rtl.primitives.block_ram import latency
from rtl.stream import bit
from tb.block_bench import reset, run
from tb.block_parts import Script, Table

SHAPES = [("generic", 2, 64), ("ecp5", 4, 100), ("ice40", 8, 512), ("gowin", 16, 32), ("spram", 8, 16384), ("spram", 4, 32768),
          ("spram", 2, 65536)]


def config(width):
    return CoreConfig(pes=1, lanes=max(4, width), fire_lanes=2, weight_bytes=width)


@block
def memory(clk, ram, words, kind):
    return memory_spram(clk, ram, words) if kind == "spram" else memory_block_ram(clk, ram, words, kind)


@block
def shared(clk, rst, bus, client, words, width, kind):
    """An arbiter with its memory."""
    ram = RamPort(width, words)
    u_arbiter = arbiter(clk, rst, bus, client, ram, words, 1 if kind == "spram" else latency(kind))
    u_memory = memory(clk, ram, words, kind)
    return u_arbiter, u_memory


def places(rng, words):
    return [0, 1, words - 1, words >> 1, *(int(a) for a in rng.integers(0, words, 12))]


@pytest.mark.parametrize("kind, width, words", SHAPES)
def test_bytes_are_written_and_words_are_read(kind, width, words):
    rng = np.random.default_rng(width)
    some = places(rng, words)
    rows = [{"ram_enable": 1, "ram_write": (1 << width) - 1, "ram_adr": at, "ram_dat_w": int.from_bytes(rng.bytes(width), "little")}
            for at in some]
    for _ in range(300):
        rows.append({"ram_enable": 1, "ram_write": int(rng.integers(1 << width)) if rng.random() < .5 else 0,
                     "ram_adr": int(rng.choice(some)), "ram_dat_w": int.from_bytes(rng.bytes(width), "little")})
    table = Table(rows)

    def arguments():
        return dict(clk=bit(), ram=RamPort(width, words), words=words, kind=kind)

    trace = run(memory, arguments, ("ram_dat_r",), (table,), table.over, linger=3)
    held, wait = {}, 1 if kind == "spram" else latency(kind)
    for t, row in enumerate(rows):
        if not row["ram_write"]:
            assert trace["ram_dat_r"][t + wait] == held.get(row["ram_adr"], 0)
        else:
            mask = sum(255 << 8 * i for i in range(width) if row["ram_write"] >> i & 1)
            held[row["ram_adr"]] = held.get(row["ram_adr"], 0) & ~mask | row["ram_dat_w"] & mask


@pytest.mark.parametrize("width, words", [(16, 8192), (8, 16385), (4, 32769)])
def test_a_memory_that_four_sprams_cannot_hold_is_refused(width, words):
    with pytest.raises(ValueError, match="words of 2, 4 or 8 bytes and 131072 bytes at most"):
        memory_spram(bit(), RamPort(width, words), words)


def master(rng, words, width, log, count):
    """The accelerator's side: requests at random, repeated while stalled; log gets (address, mask, data) of those taken."""
    quiet, seen = {"bus_cyc": 0, "bus_stb": 0}, {}
    while len(log) < count:
        if rng.random() < .3:
            yield quiet
            continue
        at, mask = int(rng.integers(words + 2)), int(rng.integers(1 << width)) if rng.random() < .5 else 0
        data = int.from_bytes(rng.bytes(width), "little")
        inputs = {"bus_cyc": 1, "bus_stb": 1, "bus_we": int(mask != 0), "bus_adr": at, "bus_sel": mask, "bus_dat_w": data}
        seen = yield inputs
        while seen["bus_stall"]:
            seen = yield inputs
        log.append((at, mask, data))
    yield quiet


def client(rng, words, lanes, part, log, count):
    """The link's side: one access at a time; log gets (address, data or None, error, what was read) and how long it took."""
    for _ in range(count):
        for _ in range(int(rng.integers(4))):
            yield {"client_stb": 0}
        at, we = int(rng.integers(words * lanes + 2)), int(rng.integers(2))
        data = int.from_bytes(rng.bytes(part), "little")
        inputs, cycles = {"client_stb": 1, "client_we": we, "client_adr": at, "client_dat_w": data}, 1
        seen = yield inputs
        while not seen["client_ack"]:
            seen = yield inputs
            cycles += 1
        log.append((at, data if we else None, seen["client_err"], seen["client_dat_r"], cycles))
    yield {"client_stb": 0}


@pytest.mark.parametrize("kind, width, words", [("generic", 2, 16), ("ecp5", 4, 12), ("ice40", 8, 16), ("gowin", 16, 8), ("spram", 8, 16)])
def test_two_masters_see_one_memory(kind, width, words):
    """Every answer is what the accesses before it left; errors for what is beyond; the client waits 2 * latency + 1 cycles."""
    rng = np.random.default_rng(100 + width)
    part, wait = min(4, width), 1 if kind == "spram" else latency(kind)
    lanes = width // part
    bus_log, client_log = [], []
    parts = Script(master(rng, words, width, bus_log, 300)), Script(client(rng, words, lanes, part, client_log, 60))

    def arguments():
        return dict(clk=bit(), rst=reset(), bus=MemoryBus(config(width)), client=LinkBus(8, 8 * part), words=words, width=width,
                    kind=kind)

    trace = run(shared, arguments, ("bus_ack", "bus_err", "bus_stall", "bus_dat_r", "client_ack", "client_err", "client_dat_r"),
                parts, lambda: all(p.over() for p in parts), linger=6)
    assert {row[4] for row in client_log} == {2 * wait + 2}
    held, answers = [0] * words, {}
    for t in range(len(trace)):
        if trace["bus_stall"][t]:
            at, lane = divmod(trace["client_adr"][t], lanes)
            data, mask = trace["client_dat_w"][t] << 8 * part * lane, ((1 << 8 * part) - 1) << 8 * part * lane
            name, write, after = "client", trace["client_we"][t], 2 * wait
        elif trace["bus_cyc"][t] and trace["bus_stb"][t]:
            at, data, name, write, after = trace["bus_adr"][t], trace["bus_dat_w"][t], "bus", trace["bus_we"][t], wait + 1
            mask = sum(255 << 8 * i for i in range(width) if trace["bus_sel"][t] >> i & 1)
        else:
            continue
        error = at >= words
        answers[name, t + after] = (error, None if write or error else held[at] if name == "bus" else
                                    held[at] >> 8 * part * lane & (1 << 8 * part) - 1)
        if write and not error:
            held[at] = held[at] & ~mask | data & mask
    for t in range(len(trace)):
        error, data = answers.get(("bus", t), (None, None))
        assert (trace["bus_ack"][t], trace["bus_err"][t]) == (error is False, error is True)
        assert data is None or trace["bus_dat_r"][t] == data
        error, data = answers.get(("client", t), (None, None))
        assert trace["client_ack"][t] == (error is not None)
        assert error is None or trace["client_err"][t] == error
        assert error is not None or trace["client_dat_r"][t] == 0
        assert data is None or trace["client_dat_r"][t] == data
