"""The compact accelerator: the programs of docs/accelerator.md on one PE that does one thing at a time (docs/compact.md)."""
from myhdl import ResetSignal, always_comb, always_seq, block

from rtl.activity import BEAT, CONFIGURATION, DRAIN, NO_BUFFER, NO_EVENT, NO_WEIGHT, ROW_LOOKUP
from rtl.compact.band_walk import band_walk
from rtl.compact.beat_issue import beat_issue
from rtl.compact.counters import counters
from rtl.compact.event_feed import FeedEvent, event_feed
from rtl.compact.event_place import PlacedEvent, event_place
from rtl.compact.fire_unit import Fired, fire_unit
from rtl.compact.lane_array import lane_array
from rtl.compact.memory_master import Answers, Ask, Put, memory_master, note_bits
from rtl.compact.pass_header import Settings, pass_header, program_word
from rtl.compact.pass_sequencer import FIRE, MULTIPLY, Control, pass_sequencer
from rtl.compact.pool_scan import Access
from rtl.compact.row_steps import row_steps
from rtl.compact.scale_product import Scaling
from rtl.compact.sizes import ADDRESS_BITS, byte_bits, lends_multipliers, side_bits, slot_bits, word_bits
from rtl.compact.weight_tally import COUNT_BITS, weight_tally
from rtl.config import EVENT_BITS
from rtl.hdl import leave_open
from rtl.stream import bit, signed, unsigned, wrapping
from rtl.supervisor import Status, supervisor


@block
def output_place(clk, rst, start, settings, strobe, ends_row, ends_channel, y, x, channel):
    """Where the output of this cycle is: y, x and the channel of the pass; x fastest."""

    @always_seq(clk.posedge, reset=rst)
    def count():
        if start:
            y.next = 0
            x.next = 0
            channel.next = 0
        elif strobe:
            x.next = x + 1
            if ends_row:
                x.next = 0
                y.next = y + 1
            if ends_channel:
                y.next = 0
                channel.next = channel + 1

    return count


@block
def pe_activity(state, beat, feeding, placing, rows_waiting, chunks_open, pe_state):
    """pe_state = what the PE does, or why it does not multiply (rtl.activity); combinational.

    no_event: events are on their way from memory.  row_lookup: an event is being placed or walked.  no_weight: chunks
    are on their way.
    no_buffer: fire reads the sums.  drain: the last beat is being added.  configuration: everything else.
    """

    @always_comb
    def classify():
        pe_state.next = CONFIGURATION
        if beat:
            pe_state.next = BEAT
        elif state == MULTIPLY:
            if chunks_open:
                pe_state.next = NO_WEIGHT
            elif rows_waiting or placing:
                pe_state.next = ROW_LOOKUP
            elif feeding:
                pe_state.next = NO_EVENT
            else:
                pe_state.next = DRAIN
        elif state == FIRE:
            pe_state.next = NO_BUFFER

    return classify


@block
def compact_accelerator(config, clk, rst, bus, regs, tap):
    """Runs the program that the registers name, on the memory behind the bus; one PE, one thing at a time.

    bus: MemoryBus (Wishbone B4 pipelined master).  regs: RegisterBus (Wishbone B4 pipelined slave).  tap: AcceleratorTap.
    config: CoreConfig with `compact`.  Bus outputs are registers, but for cyc, the number of open requests. After reset, after
    an error, and before another program than the last one, the sums are cleared (acc_depth cycles) before a program runs.
    """
    wide, sums = ADDRESS_BITS, config.acc_address_bits
    entry_place = slot_bits(config) + 2 * side_bits(config)
    control, status, settings, answers = Control(), Status(), Settings(config), Answers(config)
    program, counts, events = Ask(config, max(1, word_bits(config))), Ask(config, walks=True), Ask(config, walks=True)
    weights, chunk, put = Ask(config), Ask(config, note_bits(config)), Put(config)
    at, count_at = wrapping(wide), wrapping(wide + byte_bits(config))
    word_read, band_read, closes_read, word_written, band_written, closes_written = (bit() for _ in range(6))
    walk_word, walk_band, walk_closes, passing, second = (bit() for _ in range(5))
    event, placed, pool, fired = FeedEvent(config), PlacedEvent(config), Access(config), Fired()
    start, stop, renew, launch, clear, running, quiet, failed = (bit() for _ in range(8))
    address, length, state = unsigned(wide), unsigned(wide + word_bits(config)), unsigned(4)
    complete, take_header, take_params, header_start, enter, multiplied, fire, params_used = (bit() for _ in range(8))
    header_valid, params_valid, word = bit(), bit(), unsigned(32)
    feed_over, place_empty, places_done, steps_empty, beats_empty = (bit() for _ in range(5))
    row_asked, row_lists, row_ahead, row_passes = bit(), bit(), bit(), bit()
    freed, entry_write, filled = bit(), bit(), unsigned(slot_bits(config) + 1)
    entry_address, entry = unsigned(entry_place), unsigned(wide + COUNT_BITS + 1)
    row_count, row_chunk, row_sum, row_value = unsigned(COUNT_BITS), unsigned(wide), wrapping(sums), signed(EVENT_BITS)
    row_valid, row_ready = bit(), bit()
    sweeping, first_sweep, sweep, fire_sweep, zero, fire_zero, go, emit_valid, emit_clear = (bit() for _ in range(9))
    first_address, sweep_address, fire_address, emit_address = (wrapping(sums) for _ in range(4))
    current = [signed(config.acc_bits) for _ in range(config.lanes)]
    nothing, everything, feeding, placing, rows_waiting, chunks_open = (bit() for _ in range(6))
    pe_state, taken = unsigned(3), bit()
    read_seen, write_seen = bit(), bit()
    scaling = Scaling() if lends_multipliers(config) else None
    inner = ResetSignal(0, active=1, isasync=False)

    leave_open(weights.ready)
    u_counters = counters(clk, rst, config, regs, start, stop, renew, status, address, length, launch, running, pe_state,
                          fired.done, taken, read_seen, write_seen)
    u_supervisor = supervisor(clk, rst, config, start, stop, renew, sweeping, control, nothing, everything, nothing, failed,
                              quiet, status, launch, clear, running)
    u_memory = memory_master(clk, rst, config, program, counts, events, weights, chunk, put, at, count_at,
                             bus, clear, answers, quiet, failed)
    u_word = program_word(config, answers, word)
    u_header = pass_header(clk, inner, config, header_start, second, header_valid, word, settings, complete)
    u_sequencer = pass_sequencer(clk, inner, config, launch, address, length, settings, complete, program, take_header,
                                 take_params, header_start, second, enter, places_done, multiplied, fire,
                                 fired.done, params_used, sweeping,
                                 first_sweep, first_address, control, state)
    u_walk = band_walk(clk, inner, config, settings, walk_word, walk_band, walk_closes, at, count_at, passing)
    u_feed = event_feed(clk, inner, config, enter, settings, counts, events, count_at, passing, answers, event, word_read,
                        band_read, closes_read, feed_over)
    u_place = event_place(clk, inner, config, enter, settings, event, placed, row_asked, row_lists, row_ahead, row_passes,
                          place_empty)
    u_tally = weight_tally(clk, inner, config, enter, settings, weights, answers, row_asked, row_lists, row_ahead,
                           row_passes, freed, entry_write, entry_address, entry, filled)
    u_steps = row_steps(clk, inner, config, enter, settings, placed, filled, freed, entry_write, entry_address, entry,
                        row_count, row_chunk, row_sum, row_value, row_valid, row_ready, steps_empty)
    u_beats = beat_issue(clk, inner, config, row_count, row_chunk, row_sum, row_value, row_valid, row_ready, chunk,
                         answers.chunk, beats_empty)
    u_lanes = lane_array(clk, inner, config, go, answers, pool, emit_valid, emit_address, emit_clear, zero, sweep,
                         sweep_address, current, scaling)
    u_fire = fire_unit(clk, inner, config, fire, settings, params_valid, word, params_used, pool, emit_valid,
                       emit_address, emit_clear, fire_zero, fire_sweep, fire_address, current, scaling, go, passing,
                       word_written, band_written, closes_written, put, fired)
    u_place_out = output_place(clk, inner, fire, settings, fired.strobe, fired.ends_row, fired.ends_channel,
                               tap.fire_y, tap.fire_x, tap.fire_group)
    u_activity = pe_activity(state, answers.chunk, feeding, placing, rows_waiting, chunks_open, pe_state)

    @always_comb
    def reset_inside():
        inner.next = rst or clear

    @always_comb
    def join():
        places_done.next = feed_over and place_empty
        multiplied.next = feed_over and place_empty and steps_empty and beats_empty
        header_valid.next = answers.program and take_header
        params_valid.next = answers.program and take_params
        sweep.next = first_sweep or fire_sweep
        zero.next = sweeping or fire_zero
        sweep_address.next = fire_address
        if first_sweep:
            sweep_address.next = first_address

    @always_comb
    def share():
        # Events are read while the pass multiplies, and written while it fires.
        walk_word.next = word_read or word_written
        walk_band.next = band_read or band_written
        walk_closes.next = closes_read
        if state == FIRE:
            walk_closes.next = closes_written

    @always_comb
    def watch():
        feeding.next = not feed_over
        placing.next = not place_empty
        rows_waiting.next = not steps_empty
        chunks_open.next = not beats_empty
        read_seen.next = answers.program or answers.count or answers.events or answers.weights or answers.chunk
        nothing.next = False
        everything.next = True

    @always_seq(clk.posedge, reset=rst)
    def watch_late():
        taken.next = event.valid and event.ready and not event.ends
        write_seen.next = put.valid and put.ready

    @always_comb
    def show():
        tap.fire_strobe.next = fired.strobe
        tap.fire_values.next = fired.value[EVENT_BITS:]
        tap.fire_emit.next = fired.emit
        tap.fired_pass_done.next = fired.done
        tap.pass_start.next = enter
        tap.pe_state.next = pe_state

    return (u_counters, u_supervisor, u_memory, u_word, u_header, u_sequencer, u_walk, u_feed, u_place, u_tally, u_steps,
            u_beats, u_lanes, u_fire, u_place_out, u_activity, reset_inside, join, share, watch, watch_late, show)
