"""The bundles of the memory side: their widths, and that those who drive and those who read them mean the same bits."""
import random

import pytest
from myhdl import block

from rtl.config import CoreConfig
from rtl.event_writer import writing_progress
from rtl.memory_bus import MemoryBus, Progress, ReadPort, WritePort, job_stream
from rtl.memory_port import memory_port
from rtl.program_stream import JOB_WORDS, program_stream
from rtl.stream import Stream, bit, unsigned
from rtl.stream_reader import stream_reader
from tb.block_bench import reset, run
from tb.block_parts import Script, Sink, Source, Table
from tests.rtl.image_memory import ImageMemory
from tests.rtl.no_writes import no_writes
from tests.rtl.test_memory_port import Memory, word

PORTS = (2, 4, 8, 16)
ADDRESS_BITS, COUNT_BITS = 28, 16      # of a job, address low
BUS = ("bus_cyc", "bus_stb", "bus_we", "bus_adr", "bus_dat_w", "bus_sel")


def config_of(port_bytes):
    return CoreConfig(lanes=16, fire_lanes=4, weight_bytes=port_bytes)


@pytest.mark.parametrize("port_bytes", PORTS)
def test_data_are_a_memory_word_addresses_28_bits_and_sel_a_bit_a_byte(port_bytes):
    config = config_of(port_bytes)
    bus, read, write = MemoryBus(config), ReadPort(config), WritePort(config)
    assert [len(data) for data in (bus.dat_w, bus.dat_r, read.data, write.data)] == [8 * port_bytes] * 4
    assert [len(address) for address in (bus.adr, read.address, write.address)] == [ADDRESS_BITS] * 3
    assert [len(sel) for sel in (bus.sel, write.sel)] == [port_bytes] * 2


def test_no_two_bundles_share_a_signal():
    config = config_of(8)
    bundles = [kind(config) for kind in (MemoryBus, ReadPort, WritePort) for _ in range(2)] + [job_stream(), job_stream(), Progress()]
    signals = [id(signal) for bundle in bundles for signal in vars(bundle).values()]
    assert len(signals) == len(set(signals))


@pytest.mark.parametrize("port_bytes", PORTS)
def test_a_bit_of_sel_writes_its_byte_and_no_other(port_bytes):
    """Each byte of a word alone, then any of them, read back as whole words; narrowest and widest port in Verilog too."""
    seed = random.randrange(1 << 20)
    print("seed", seed)
    rng, config = random.Random(seed), config_of(port_bytes)
    sels = [1 << byte for byte in range(port_bytes)] + [(1 << port_bytes) - 1] + [rng.randrange(1 << port_bytes) for _ in range(20)]
    image = bytearray(rng.randbytes(len(sels) * port_bytes))
    memory = ImageMemory(config, image, "sometimes", "sometimes", 3, seed)
    writes = [{"write_address": at, "write_data": rng.getrandbits(8 * port_bytes), "write_sel": sel} for at, sel in enumerate(sels)]
    for at, one in enumerate(writes):
        for byte in range(port_bytes):
            if one["write_sel"] >> byte & 1:
                image[at * port_bytes + byte] = one["write_data"] >> 8 * byte & 255
    writer = Source("write", writes, "sometimes", seed)

    def addresses():
        while writer.sent < len(writes):
            yield None
        yield from ({"reads_0_address": at} for at in range(len(sels)))

    def arguments():
        return dict(clk=bit(), rst=reset(), config=config, reads=[ReadPort(config)], write=WritePort(config), bus=MemoryBus(config),
                    halt=bit(), quiet=bit(), failed=bit())

    reader = Source("reads_0", addresses())
    trace = run(memory_port, arguments, (*BUS, "reads_0_ready", "reads_0_data", "reads_0_answer", "write_ready", "quiet", "failed"),
                (writer, reader, memory), lambda: len(memory.requests) == 2 * len(sels) and not memory.open, linger=3,
                verilog=port_bytes in (PORTS[0], PORTS[-1]))
    assert memory.image == image
    read = [data for data, there in zip(trace["reads_0_data"], trace["reads_0_answer"]) if there]
    assert read == [int.from_bytes(image[at:at + port_bytes], "little") for at in range(0, len(image), port_bytes)]


def test_every_bit_of_a_jobs_address_and_number_reaches_its_reader():
    """Without an answer a reader asks for `depth` words at most; reset between jobs."""
    assert len(job_stream().data) == ADDRESS_BITS + COUNT_BITS
    depth, config = 16, config_of(2)
    jobs = [(1 << bit_, 3) for bit_ in range(ADDRESS_BITS)] + [(7, 1 << bit_) for bit_ in range(COUNT_BITS)]
    jobs += [((1 << ADDRESS_BITS) - 1, (1 << COUNT_BITS) - 1), (0, 0)]
    asked = []

    def script():
        for address, number in jobs:
            asked.append([])
            yield {"rst": 0, "jobs_data": number << ADDRESS_BITS | address, "jobs_valid": 1}
            for _ in range(depth + 6):
                seen = yield {"jobs_valid": 0, "port_ready": 1}
                if seen["port_valid"]:
                    asked[-1].append(seen["port_address"])
            yield {"rst": 1, "port_ready": 0}

    part = Script(script())
    trace = run(stream_reader, lambda: dict(clk=bit(), rst=reset(), config=config, jobs=job_stream(), port=ReadPort(config),
                                            words=Stream(16), depth=depth),
                ("jobs_ready", "port_address", "port_valid", "words_valid", "words_data"), (part,), part.over)
    assert len(trace.moved("jobs")) == len(jobs)
    for (address, number), got in zip(jobs, asked, strict=True):
        assert got == [(address + n) % (1 << ADDRESS_BITS) for n in range(min(number, depth))], (address, number)


@block
def reading(clk, rst, config, launch, address, length, cfg, exhausted, bus, halt, quiet, failed):
    """program_stream, the reader of its jobs, and their way to the bus; nobody writes."""
    jobs, port, words, write = job_stream(), ReadPort(config), Stream(8 * config.port_bytes), WritePort(config)
    u_write = no_writes(halt, write)
    u_program = program_stream(clk, rst, config, launch, address, length, jobs, words, cfg, exhausted)
    u_reader = stream_reader(clk, rst, config, jobs, port, words, 2 * JOB_WORDS)
    u_port = memory_port(clk, rst, config, [port], write, bus, halt, quiet, failed)

    return u_program, u_reader, u_port, u_write


@pytest.mark.parametrize("port_bytes, address, length", [(2, 5, 41), (2, (1 << 28) - 20, 30), (4, 0x5A5A5A5, 33), (16, 0xA5A5A5A, 150)])
def test_jobs_that_one_block_packs_another_reads_word_for_word(port_bytes, address, length):
    """Of whole portions and of a rest, beyond the last address too."""
    config, memory, sink = config_of(port_bytes), Memory("sometimes", "never", 4, 3), Sink("cfg", "sometimes", 4)
    host = Table([{"launch": 1, "address": address, "length": length}, {"launch": 0}])

    def arguments():
        return dict(clk=bit(), rst=reset(), config=config, launch=bit(), address=unsigned(ADDRESS_BITS), length=unsigned(32),
                    cfg=Stream(32), exhausted=bit(), bus=MemoryBus(config), halt=bit(), quiet=bit(), failed=bit())

    run(reading, arguments, (*BUS, "cfg_valid", "cfg_data", "exhausted", "quiet", "failed"), (host, memory, sink),
        lambda: len(sink.words) == length, linger=20, verilog=port_bytes == 2)
    number = -(-length * 4 // port_bytes)
    places = [(address + n) % (1 << ADDRESS_BITS) for n in range(number)]
    assert [request[2] for request in memory.requests] == places
    data = b"".join(word(at).to_bytes(port_bytes, "little") for at in places)
    assert sink.words == [int.from_bytes(data[4 * n:4 * n + 4], "little") for n in range(length)]


def test_progress_counts_passes_modulo_256_and_channels_to_16_bits():
    progress, config = Progress(), config_of(4)
    assert (len(progress.passes), len(progress.channels)) == (8, 16)
    firsts, told = [*range(300)] + [65_528], []

    def script():
        for first in firsts:
            while not (yield {"first_valid": 1, "first_data": first, "wrote_pass": 0})["first_ready"]:
                pass
            seen = yield {"first_valid": 0, "wrote_group": 1}
            assert seen["progress_channels"] == first
            seen = yield {"wrote_group": 0}
            told.append((seen["progress_passes"], seen["progress_channels"]))
            yield {"wrote_group": 1, "wrote_pass": 1}
            yield {"wrote_group": 0, "wrote_pass": 0}

    part = Script(script())
    trace = run(writing_progress, lambda: dict(clk=bit(), rst=reset(), config=config, first=Stream(16), wrote_group=bit(),
                                               wrote_pass=bit(), progress=Progress()), ("first_ready", "progress"), (part,), part.over)
    assert told == [(number % 256, first + config.fire_lanes) for number, first in enumerate(firsts)]
    assert trace["progress_passes"][-1] == len(firsts) % 256 and trace["progress_channels"][-1] == 0
