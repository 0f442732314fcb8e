"""Reads the program and moves passes on: to the fetch, to the front, to fire."""
from myhdl import always_comb, always_seq, block, concat, intbv

from rtl.hdl import leave_open
from rtl.pass_settings import (ADDRESS_BITS, HEADER_WORDS, MAGIC, FetchSettings, FireSettings, SourceSettings, copy_fetch,
                               copy_fire, copy_source)
from rtl.stream import bit, unsigned

SWEEP, HEADER, OFFSETS, MASK, PARAMS = range(5)


class Control:
    """What the sequencer tells the rest.

    take: pulse, the shell may launch to fetch the next pass.  start: pulse, that pass enters the front.  fire_start: pulse, the pass
    that was in front enters fire.  half: of the accumulation buffers, for the front.  sweeping: buffers are being cleared.
    front_on: a pass is in front.  next_ready: another waits.  over: the program's last pass has been fired.
    hungry: a program word is wanted.  bad_word: a pass does not launch with its mark.  bad_pass: a pass that this core cannot run.
    """

    def __init__(self):
        self.take, self.start, self.fire_start, self.half = bit(), bit(), bit(), bit()
        self.sweeping, self.front_on, self.next_ready, self.over = bit(), bit(), bit(), bit()
        self.hungry, self.bad_word, self.bad_pass = bit(), bit(), bit()


@block
def program_sequencer(clk, rst, config, launch, cfg, control, fetch, source, tile, firing, may_take, front_done,
                      fire_busy, params, mask, offset_index, offset):
    """Passes in order; one is fetched as soon as it is read, starts when the one before has multiplied, and fires after it.

    launch: pulse, a program begins.  cfg: stream of program words.  control: Control.
    fetch: settings of the pass being fetched; source, tile: of the pass in front; firing: of the pass in fire.
    may_take: the fetch may take a pass.  front_done: all events of the front pass are multiplied.  fire_busy: fire is at work.
    params: requantise.ParamPort.  mask: event_fetch.MaskPort.  offset_index, offset: partial-sum offset of a kernel position of the front pass, same cycle.
    One word a cycle; the next pass's words load behind the current one's work. Reset clears the buffers (acc_depth cycles),
    then waits for `launch`.
    """
    lanes, sum_bits = config.fire_lanes, config.acc_address_bits
    lane_bits = max(1, (lanes - 1).bit_length())
    lane_step = lane_bits if lanes > 1 else 0
    kernel = config.kernel
    next_fetch, next_source, next_tile = FetchSettings(), SourceSettings(), FireSettings(config)
    state_q = unsigned(3)
    word_q = unsigned(20)
    sweep_q = unsigned(sum_bits + 1)
    on_program_q, ended_q, over_q = bit(), bit(), bit()
    odd_q, offset_half_q, mask_half_q, keep_q = bit(), bit(), bit(), bit()
    firings_q = unsigned(8)
    ready_q, fetched_q, on_q, half_q = bit(), bit(), bit(), bit()
    swap, retire, fires, take, open_, accept = bit(), bit(), bit(), bit(), bit(), bit()
    offsets = [unsigned(sum_bits) for _ in range(256)]
    positions, param_words, mask_words = unsigned(8), unsigned(17), unsigned(12)
    sweep_end, last_word = config.acc_depth + 3, HEADER_WORDS - 1
    address_bits = len(params.address) - 1
    byte_bits, mask_bits = len(next_fetch.counts), len(mask.address) - 1

    leave_open(firing.last, firing.strips)      # known to the sequencer; strips are always 128 columns wide
    u_fetch = copy_fetch(clk, rst, take, next_fetch, fetch)
    u_source = copy_source(clk, rst, swap, next_source, source)
    u_tile = copy_fire(clk, rst, swap, next_tile, tile)
    u_fire = copy_fire(clk, rst, fires, tile, firing)

    @always_comb
    def decide():
        # Fire must be free only where the front's pass is about to enter it.
        swap.next = ready_q and fetched_q and (not on_q or (front_done and not (fire_busy and tile.channels != 0)))
        retire.next = on_q and front_done and tile.last and not fire_busy and state_q == HEADER and word_q == 0
        take.next = ready_q and not fetched_q and may_take

    @always_comb
    def derive():
        fires.next = (swap or retire) and on_q and tile.channels != 0
        positions.next = next_source.kernel_h * next_source.kernel_w
        channels_up = intbv(0)[17:]
        param_words.next = next_tile.channels << 1
        channels_up[:] = next_fetch.channels + 31
        mask_words.next = channels_up[17:5]

    @always_comb
    def admit():
        # Parameters of a pass go to the half that the pass before does not use; an earlier one may still be firing from it.
        open_.next = on_program_q and ((state_q == HEADER and not ready_q and not (ended_q and word_q == 0)) or state_q == OFFSETS or state_q == MASK
                                       or (state_q == PARAMS and not (fire_busy and firing.odd == next_tile.odd)))

    @always_comb
    def tell():
        accept.next = open_ and cfg.valid
        cfg.ready.next = open_
        control.take.next = take
        control.start.next = swap
        control.fire_start.next = fires
        control.half.next = half_q
        control.sweeping.next = state_q == SWEEP
        control.front_on.next = on_q
        control.next_ready.next = ready_q
        control.hungry.next = open_
        control.over.next = over_q and not fire_busy
        offset.next = offsets[concat(source.offset_half, offset_index)]

    @always_seq(clk.posedge, reset=rst)
    def exchange():
        over_q.next = (over_q or retire) and not launch
        if swap:
            on_q.next = 1
        elif retire:
            on_q.next = 0
        if fires:
            half_q.next = not half_q

    @always_seq(clk.posedge, reset=rst)
    def check():
        control.bad_word.next = accept and state_q == HEADER and word_q == 0 and cfg.data[32:24] != MAGIC
        control.bad_pass.next = accept and state_q == HEADER and word_q == 0 and cfg.data[32:24] == MAGIC and (
            cfg.data[12:8] == 0 or cfg.data[16:12] == 0 or cfg.data[12:8] > kernel or cfg.data[16:12] > kernel
            or cfg.data[18:16] == 3)

    @always_seq(clk.posedge, reset=rst)
    def load():
        params.bias.next = 0
        params.scale.next = 0
        params.data.next = cfg.data
        params.address.next = concat(next_tile.odd, word_q[1 + lane_step + address_bits:1 + lane_step])
        mask.write.next = accept and state_q == MASK
        mask.data.next = cfg.data
        mask.address.next = concat(next_fetch.mask_half, word_q[mask_bits:])
        if launch:
            on_program_q.next = 1
            ended_q.next = 0
        elif retire:
            on_program_q.next = 0
        if take:
            fetched_q.next = 1
        if swap:
            ready_q.next = 0
            fetched_q.next = 0
        if state_q == SWEEP:
            sweep_q.next = sweep_q + 1
            if sweep_q == sweep_end:
                state_q.next = HEADER
        elif accept:
            word_q.next = word_q + 1
            if state_q == HEADER:
                if word_q == 0:
                    next_source.offset_half.next = offset_half_q
                    offset_half_q.next = not offset_half_q
                    keep_q.next = cfg.data[20]
                    next_fetch.masked.next = cfg.data[21]
                    next_fetch.mask_half.next = mask_half_q
                    if cfg.data[21]:
                        mask_half_q.next = not mask_half_q
                    next_fetch.before.next = firings_q
                    next_tile.last.next = cfg.data[0]
                    ended_q.next = cfg.data[0]
                    next_tile.vector.next = cfg.data[1]
                    next_source.flatten.next = cfg.data[2]
                    next_tile.emit_zeros.next = cfg.data[3]
                    next_tile.relu.next = cfg.data[4]
                    next_source.diagonal.next = cfg.data[5]
                    next_source.signed_source.next = cfg.data[6]
                    next_fetch.progressive.next = cfg.data[7]
                    next_source.kernel_h.next = cfg.data[12:8]
                    next_source.kernel_w.next = cfg.data[16:12]
                    next_source.stride_log2.next = cfg.data[18:16]
                    next_fetch.lag.next = cfg.data[20:18]
                elif word_q == 1:
                    next_fetch.channels.next = cfg.data[32:16]
                    next_fetch.bands.next = cfg.data[16:]
                elif word_q == 2:
                    next_fetch.slot_words.next = cfg.data[32:16]
                    next_fetch.map_bands.next = cfg.data[16:]
                elif word_q == 3:
                    next_fetch.events.next = cfg.data[ADDRESS_BITS:]
                elif word_q == 4:
                    next_fetch.counts.next = cfg.data[byte_bits:]
                elif word_q == 5:
                    next_fetch.band_rows.next = cfg.data[8:]
                    next_source.x_bits.next = cfg.data[12:8]
                    next_fetch.strips.next = cfg.data[16:12]
                    next_fetch.first_y.next = cfg.data[32:16]
                elif word_q == 6:
                    next_fetch.channel_words.next = cfg.data[ADDRESS_BITS:]
                elif word_q == 7:
                    next_source.y_offset.next = cfg.data[32:16].signed()
                    next_source.x_offset.next = cfg.data[16:].signed()
                elif word_q == 8:
                    next_tile.tile_h.next = cfg.data[32:16]
                    next_tile.tile_w.next = cfg.data[16:]
                elif word_q == 9:
                    next_tile.stride_y.next = cfg.data[17 + sum_bits:16]
                    next_tile.stride_x.next = cfg.data[sum_bits + 1:]
                elif word_q == 10:
                    next_fetch.weight_counts.next = cfg.data[ADDRESS_BITS:]
                elif word_q == 11:
                    next_source.chunks.next = cfg.data[ADDRESS_BITS:]
                elif word_q == 12:
                    next_fetch.count_words.next = cfg.data[32:16]
                    next_source.count_words.next = cfg.data[32:16]
                    next_source.first_chunk.next = cfg.data[16:]
                elif word_q == 13:
                    next_tile.channels.next = cfg.data[32:16]
                    next_tile.first_channel.next = cfg.data[16:]
                    if cfg.data[32:16] != 0:
                        firings_q.next = (firings_q + 1) & 255
                        if not keep_q:
                            odd_q.next = not odd_q
                elif word_q == 14:
                    next_tile.odd.next = odd_q
                    next_tile.pool.next = cfg.data[4:]
                    next_tile.pool_stride.next = cfg.data[8:4]
                    next_tile.pool_pad.next = cfg.data[12:8]
                    next_tile.pool_pad_y.next = cfg.data[16:12]
                elif word_q == 15:
                    next_tile.height.next = cfg.data[32:16]
                    next_tile.width.next = cfg.data[16:]
                elif word_q == 16:
                    next_tile.slot_words.next = cfg.data[32:16]
                    next_tile.map_bands.next = cfg.data[16:]
                elif word_q == 17:
                    next_tile.events.next = cfg.data[ADDRESS_BITS:]
                elif word_q == 18:
                    next_tile.counts.next = cfg.data[byte_bits:]
                elif word_q == 19:
                    next_tile.channel_words.next = cfg.data[ADDRESS_BITS:]
                elif word_q == 20:
                    next_tile.band_rows.next = cfg.data[8:]
                    next_tile.x_bits.next = cfg.data[12:8]
                    next_tile.strips.next = cfg.data[16:12]
                elif word_q == last_word:
                    next_source.flat_size.next = cfg.data[32:16]
                    next_source.flat_width.next = cfg.data[16:]
                    word_q.next = 0
                    state_q.next = OFFSETS
            elif state_q == OFFSETS:
                offsets[concat(next_source.offset_half, word_q[7:])].next = cfg.data[sum_bits:]
                if word_q + 1 == positions:
                    word_q.next = 0
                    if next_fetch.masked:
                        state_q.next = MASK
                    else:
                        ready_q.next = 1
                        state_q.next = HEADER
                        if next_tile.channels != 0 and not keep_q:
                            state_q.next = PARAMS
            elif state_q == MASK:
                if word_q + 1 == mask_words:
                    word_q.next = 0
                    ready_q.next = 1
                    state_q.next = HEADER
                    if next_tile.channels != 0 and not keep_q:
                        state_q.next = PARAMS
            else:
                if word_q[0]:
                    params.scale.next = 1 << (word_q[20:1] & (lanes - 1))
                else:
                    params.bias.next = 1 << (word_q[20:1] & (lanes - 1))
                if word_q + 1 == param_words:
                    word_q.next = 0
                    state_q.next = HEADER

    return u_fetch, u_source, u_tile, u_fire, decide, derive, admit, tell, exchange, check, load
