"""The shell: everything between the memory port and the engine's streams."""
from myhdl import always_comb, always_seq, block, concat

from rtl.config import CoreConfig
from rtl.event_fetch import event_fetch, piece_bits
from rtl.event_queue import event_queue
from rtl.event_unpack import event_unpack
from rtl.event_writer import event_writer
from rtl.hdl import leave_open
from rtl.memory_bus import ReadPort, WritePort, job_stream
from rtl.memory_port import memory_port
from rtl.program_stream import program_stream
from rtl.stream import Stream, bit
from rtl.stream_reader import stream_reader
from rtl.weight_fetch import weight_fetch

PROGRAM_AHEAD, COUNTS_AHEAD, WEIGHTS_AHEAD, EVENTS_AHEAD = 32, 32, 64, 64       # memory words held or on their way
CHUNK_JOBS_AHEAD = 16


@block
def shell(clk, rst, hard_reset, config: CoreConfig, bus, halt, quiet, failed, launch, address, length, cfg, exhausted, control,
          fetch, mask, source, firing, fetch_free, unpacked, events, counts, weights, fired, fire_go, writing, progress, read_seen,
          write_seen):
    """Program, event counts, events, weight counts and weights come from memory; fired events go back to it.

    rst: resets all but the memory port, which hard_reset resets.  bus: MemoryBus.  halt, quiet, failed: as of memory_port.
    launch, address, length: a program.  cfg, exhausted: its words (program_stream).  control: Control.
    fetch, source, firing: settings of the passes being fetched, in front, in fire.  mask: MaskPort.  fetch_free, unpacked: to the engine.
    events, counts, weights: streams to the engine.  fired, fire_go, writing: fire and its writer.  progress: Progress.
    read_seen, write_seen: pulses, for counters.
    Event counts, events and weight counts of the next pass are asked for while the current one is being multiplied.
    """
    program_port, count_port, weight_count_port, chunk_port, event_port = (ReadPort(config) for _ in range(5))
    write = WritePort(config)
    program_jobs, count_jobs, weight_count_jobs, chunk_jobs, event_jobs = (job_stream() for _ in range(5))
    asked_chunks, queued_count_jobs = job_stream(), job_stream()
    program_words, count_words, weight_count_words, event_words = (Stream(8 * config.port_bytes) for _ in range(4))
    pieces, requests = Stream(piece_bits(config)), Stream(16)
    fetch_ready, taken_q = bit(), bit()

    # One pass is fetched while one is in front, so there are never more than two of these jobs.
    leave_open(weight_count_jobs.ready)

    u_memory = memory_port(clk, hard_reset, config, [program_port, count_port, weight_count_port, chunk_port, event_port],
                           write, bus, halt, quiet, failed)
    u_program = program_stream(clk, rst, config, launch, address, length, program_jobs, program_words, cfg, exhausted)
    u_fetch = event_fetch(clk, rst, config, control.take, fetch, mask, fetch_ready, progress, count_jobs, count_words,
                          event_jobs, pieces)
    u_unpack = event_unpack(clk, rst, config, control.start, source, pieces, event_words, events, requests, unpacked)
    u_weight_count_jobs = event_queue(clk, rst, weight_count_jobs, queued_count_jobs, 4)
    u_weights = weight_fetch(clk, rst, config, control.start, source, requests, weight_count_words, chunk_jobs, counts)
    u_chunk_jobs = event_queue(clk, rst, chunk_jobs, asked_chunks, CHUNK_JOBS_AHEAD)
    u_read_program = stream_reader(clk, rst, config, program_jobs, program_port, program_words, PROGRAM_AHEAD)
    u_read_counts = stream_reader(clk, rst, config, count_jobs, count_port, count_words, COUNTS_AHEAD)
    u_read_weight_counts = stream_reader(clk, rst, config, queued_count_jobs, weight_count_port, weight_count_words, COUNTS_AHEAD)
    u_read_chunks = stream_reader(clk, rst, config, asked_chunks, chunk_port, weights, WEIGHTS_AHEAD)
    u_read_events = stream_reader(clk, rst, config, event_jobs, event_port, event_words, EVENTS_AHEAD)
    u_writer = event_writer(clk, rst, config, control.fire_start, firing, fired, write, fire_go, writing, progress)

    @always_seq(clk.posedge, reset=rst)
    def follow():
        taken_q.next = control.take

    @always_comb
    def ask_for_counts():
        # The settings are in place a cycle after `take`.
        weight_count_jobs.valid.next = taken_q
        weight_count_jobs.data.next = concat(fetch.count_words, fetch.weight_counts)
        fetch_free.next = fetch_ready and not taken_q

    @always_comb
    def show():
        # Of the answers, since the bus acknowledges writes as well.
        read_seen.next = (program_port.answer or count_port.answer or weight_count_port.answer or chunk_port.answer
                          or event_port.answer)
        write_seen.next = write.valid and write.ready

    return (u_memory, u_program, u_fetch, u_unpack, u_weight_count_jobs, u_weights,
            u_chunk_jobs, u_read_program, u_read_counts, u_read_weight_counts, u_read_chunks, u_read_events, u_writer, follow,
            ask_for_counts, show)
