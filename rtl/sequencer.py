"""Reads the program and moves passes from the next place, to the front, to fire."""
from myhdl import always, always_comb, always_seq, block, concat

from rtl.pass_config import HEADER_WORDS, FireConfig, SourceConfig, copy_fire, copy_source
from rtl.requantise import BIAS_BITS, SCALE_BITS
from rtl.stream import bit, unsigned

SWEEP, HEADER, OFFSETS, PARAMS = range(4)


class Control:
    """What the sequencer tells the rest of the core.

    start: pulse, a pass enters the front.  fire_start: pulse, the pass before enters fire.  rewind: its tokens come again.
    half: of the accumulation buffers, for the front.  sweeping: buffers are being cleared.
    front_on: a pass is in front.  next_ready: another waits.
    """

    def __init__(self):
        self.start, self.fire_start, self.rewind, self.half = bit(), bit(), bit(), bit()
        self.sweeping, self.front_on, self.next_ready = bit(), bit(), bit()


@block
def sequencer(clk, rst, config, cfg, control, source, tile, fire_settings, front_done, fire_busy, params,
              offset_index, offset):
    """Passes in order; a pass starts when the one before has multiplied and the one before that has fired.

    cfg: program words.  control: Control.  source, tile: settings of the pass in front; fire_settings: of the pass in fire.
    front_done: all events of the front pass are multiplied.  fire_busy: fire is at work.
    params: requantise.ParamPort.  offset_index, offset: partial-sum offset of a kernel position of the front pass, a cycle later.
    One word a cycle; the words of the next pass load behind the current one's work. Reset clears buffers, then starts anew.
    """
    lanes, sum_bits = config.fire_lanes, config.acc_address_bits
    lane_bits = max(1, (lanes - 1).bit_length())
    lane_step = lane_bits if lanes > 1 else 0
    next_source, next_tile = SourceConfig(config), FireConfig(config)
    state_q = unsigned(2)
    word_q = unsigned(20)
    sweep_q = unsigned(sum_bits + 1)
    odd_q = bit()
    bias_q = unsigned(BIAS_BITS)        # of the output channel whose scale comes next
    ready_q, on_q, half_q = bit(), bit(), bit()
    swap, retire, fires, rewinds, open_, accept = bit(), bit(), bit(), bit(), bit(), bit()
    offsets = [unsigned(sum_bits) for _ in range(256)]
    positions, param_words = unsigned(8), unsigned(17)
    sweep_end, last_word = config.acc_depth + 3, HEADER_WORDS - 1
    address_bits = len(params.address) - 1

    u_source = copy_source(clk, rst, swap, next_source, source)
    u_tile = copy_fire(clk, rst, swap, next_tile, tile)
    u_fire = copy_fire(clk, rst, fires, tile, fire_settings)

    @always_comb
    def decide():
        swap.next = ready_q and (not on_q or front_done) and not fire_busy
        retire.next = on_q and front_done and tile.channels == 0 and not source.replay

    @always_comb
    def derive():
        fires.next = swap and on_q and tile.channels != 0
        rewinds.next = swap and on_q and source.replay
        positions.next = next_source.kernel_h * next_source.kernel_w
        param_words.next = next_tile.channels << 1

    @always_comb
    def admit():
        # Parameters of a pass share their half with the pass before last, which may still be firing.
        open_.next = ((state_q == HEADER and not ready_q) or state_q == OFFSETS
                      or (state_q == PARAMS and not (fire_busy and fire_settings.odd == next_tile.odd)))

    @always_comb
    def tell():
        accept.next = open_ and cfg.valid
        cfg.ready.next = open_
        control.start.next = swap
        control.fire_start.next = fires
        control.rewind.next = rewinds
        control.half.next = half_q
        control.sweeping.next = state_q == SWEEP
        control.front_on.next = on_q
        control.next_ready.next = ready_q

    @always(clk.posedge)
    def keep_offsets():
        if accept and state_q == OFFSETS:
            offsets[concat(next_tile.odd, word_q[7:])].next = cfg.data[sum_bits:]
        offset.next = offsets[concat(tile.odd, offset_index)]

    @always_seq(clk.posedge, reset=rst)
    def exchange():
        if swap:
            on_q.next = 1
            if fires:
                half_q.next = not half_q
        elif retire:
            on_q.next = 0

    @always_seq(clk.posedge, reset=rst)
    def load():
        params.write.next = 0
        params.data.next = concat(cfg.data[SCALE_BITS:], bias_q)
        params.address.next = concat(next_tile.odd, word_q[1 + lane_step + address_bits:1 + lane_step])
        if swap:
            ready_q.next = 0
        if state_q == SWEEP:
            sweep_q.next = sweep_q + 1
            if sweep_q == sweep_end:
                state_q.next = HEADER
        elif accept:
            word_q.next = word_q + 1
            if state_q == HEADER:
                if word_q == 0:
                    next_tile.odd.next = odd_q
                    odd_q.next = not odd_q
                    next_source.banks.next = cfg.data[0]
                    next_source.drain.next = cfg.data[1]
                    next_source.replay.next = cfg.data[2]
                    next_source.flatten.next = cfg.data[3]
                    next_tile.emit_zeros.next = cfg.data[4]
                    next_tile.relu.next = cfg.data[5]
                    next_source.kernel_h.next = cfg.data[12:8]
                    next_source.kernel_w.next = cfg.data[16:12]
                    next_source.stride_log2.next = cfg.data[18:16]
                elif word_q == 1:
                    next_source.channels.next = cfg.data[32:16]
                    next_source.repeats.next = cfg.data[16:]
                elif word_q == 2:
                    next_source.y_offset.next = cfg.data[32:16].signed()
                    next_source.x_offset.next = cfg.data[16:].signed()
                elif word_q == 3:
                    next_tile.tile_h.next = cfg.data[32:16]
                    next_tile.tile_w.next = cfg.data[16:]
                elif word_q == 4:
                    next_tile.stride_y.next = cfg.data[17 + sum_bits:16]
                    next_tile.stride_x.next = cfg.data[sum_bits + 1:]
                elif word_q == 5:
                    next_source.weights_id.next = cfg.data[16:]
                elif word_q == 6:
                    next_tile.channels.next = cfg.data[16:]
                elif word_q == 7:
                    next_tile.pool.next = cfg.data[4:]
                    next_tile.pool_stride.next = cfg.data[8:4]
                    next_tile.pool_pad.next = cfg.data[12:8]
                    next_tile.pool_pad_y.next = cfg.data[12:8]
                elif word_q == 8:
                    next_tile.height.next = cfg.data[32:16]
                    next_tile.width.next = cfg.data[16:]
                elif word_q == 9:
                    next_tile.first_y.next = cfg.data[32:16]
                    next_tile.first_x.next = cfg.data[16:]
                elif word_q == last_word:
                    next_source.flat_size.next = cfg.data[32:16]
                    next_source.flat_width.next = cfg.data[16:]
                    word_q.next = 0
                    if positions != 0:
                        state_q.next = OFFSETS
                    else:
                        ready_q.next = 1
                        if next_tile.channels != 0:
                            state_q.next = PARAMS
            elif state_q == OFFSETS:
                if word_q + 1 == positions:
                    word_q.next = 0
                    ready_q.next = 1
                    state_q.next = HEADER
                    if next_tile.channels != 0:
                        state_q.next = PARAMS
            else:
                if word_q[0]:
                    params.write.next = 1 << (word_q[20:1] & (lanes - 1))
                else:
                    bias_q.next = cfg.data
                if word_q + 1 == param_words:
                    word_q.next = 0
                    state_q.next = HEADER

    return u_source, u_tile, u_fire, decide, derive, admit, tell, keep_offsets, exchange, load
