"""Reads the program and moves passes on: to the fetch, to the front, to fire."""
from myhdl import always, always_comb, always_seq, block, concat, intbv

from rtl.hdl import leave_open
from rtl.pass_header import pass_header
from rtl.pass_settings import HEADER_WORDS, MAGIC, FetchSettings, FireSettings, SourceSettings, copy_fetch, copy_fire, copy_source
from rtl.requantise import BIAS_BITS, SCALE_BITS
from rtl.serial_product import serial_product
from rtl.stream import bit, unsigned, wrapping

SWEEP, HEADER, OFFSETS, MASK, PARAMS = range(5)
SETTLE = 4      # cycles from the last word of a section to the choice of the next: its fields are in place by then


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
    params: requantise.ParamPort.  mask: count_fetch.MaskPort.  offset_index, offset: partial-sum offset of a kernel position of the
    front pass, a cycle later.
    One word a cycle, SETTLE + 1 cycles between header, offsets, mask and parameters; the next pass's words load behind the current
    one's work. A pulse comes a cycle after its reason. Reset clears the buffers (acc_depth cycles), then waits for `launch`.
    """
    lanes, sum_bits = config.fire_lanes, config.acc_address_bits
    lane_bits = max(1, (lanes - 1).bit_length())
    lane_step = lane_bits if lanes > 1 else 0
    kernel, position_bits = config.kernel, config.position_bits
    next_fetch, next_source, next_tile = FetchSettings(), SourceSettings(), FireSettings(config)
    state_q, settle_q = unsigned(3), unsigned(SETTLE)
    word_q, length_q = wrapping(17), wrapping(17)       # the next word of the section; its words less two
    last_q, open_q, accept, may_open = bit(), bit(), bit(), bit()
    # The word taken in the cycle before.
    word_1, data_1 = unsigned(17), unsigned(32)
    header_1 = unsigned(HEADER_WORDS)       # one bit: which header word it is
    offset_1, mask_1, param_1 = bit(), bit(), bit()
    bias_q = unsigned(BIAS_BITS)            # of the output channel whose scale comes next
    more_masks, more_params = wrapping(17), wrapping(17)        # words of these sections, less two
    sweep_q = unsigned(sum_bits + 1)
    on_program_q, over_q, ended, keep = bit(), bit(), bit(), bit()
    ready_q, fetched_q, on_q, half_q = bit(), bit(), bit(), bit()
    swap_q, retire_q, fires_q, take_q = bit(), bit(), bit(), bit()
    changing, fires = bit(), bit()
    offsets = [unsigned(sum_bits) for _ in range(2 << position_bits)]
    positions, multiply, loads_params = unsigned(8), bit(), bit()
    sweep_end, last_settle, third, header_less = config.acc_depth + 3, SETTLE - 1, 2, HEADER_WORDS - 2
    address_bits = len(params.address) - 1
    mask_bits = len(mask.address) - 1

    leave_open(firing.last, firing.strips)      # known to the sequencer; strips are always 128 columns wide
    u_header = pass_header(clk, rst, config, launch, header_1, data_1, next_fetch, next_source, next_tile, ended, keep)
    u_fetch = copy_fetch(clk, rst, take_q, next_fetch, fetch)
    u_source = copy_source(clk, rst, swap_q, next_source, source)
    u_tile = copy_fire(clk, rst, swap_q, next_tile, tile)
    u_fire = copy_fire(clk, rst, fires_q, tile, firing)
    u_positions = serial_product(clk, multiply, next_source.kernel_h, next_source.kernel_w, positions)

    @always_comb
    def derive():
        changing.next = swap_q or retire_q
        fires.next = on_q and tile.channels != 0
        multiply.next = header_1[third]

    @always_seq(clk.posedge, reset=rst)
    def decide():
        # In the cycle of a change what is asked for here is still that of the pass before.
        swap_q.next = False
        retire_q.next = False
        fires_q.next = False
        take_q.next = ready_q and not fetched_q and not take_q and may_take
        if not changing:
            # Fire must be free only where the front's pass is about to enter it.
            if ready_q and fetched_q and (not on_q or (front_done and not (fire_busy and fires))):
                swap_q.next = True
                fires_q.next = fires
            elif on_q and front_done and tile.last and ended and not fire_busy and state_q == HEADER and not open_q and settle_q == 0:
                retire_q.next = True
                fires_q.next = fires

    @always_comb
    def admit():
        # Parameters of a pass go to the half that the pass before does not use; an earlier one may still be firing from it.
        # None enters fire with that half while they come, so a section that is open stays open.
        may_open.next = on_program_q and settle_q == 0 and (
            (state_q == HEADER and not ready_q and not ended) or state_q == OFFSETS or state_q == MASK
            or (state_q == PARAMS and not (fire_busy and firing.odd == next_tile.odd)))

    @always_comb
    def tell():
        accept.next = open_q and cfg.valid
        cfg.ready.next = open_q
        control.take.next = take_q
        control.start.next = swap_q
        control.fire_start.next = fires_q
        control.half.next = half_q
        control.sweeping.next = state_q == SWEEP
        control.front_on.next = on_q
        control.next_ready.next = ready_q
        control.hungry.next = open_q
        control.over.next = over_q and not fire_busy

    @always_seq(clk.posedge, reset=rst)
    def exchange():
        over_q.next = (over_q or retire_q) and not launch
        if swap_q:
            on_q.next = 1
        elif retire_q:
            on_q.next = 0
        if fires_q:
            half_q.next = not half_q
        if launch:
            on_program_q.next = 1
        elif retire_q:
            on_program_q.next = 0

    @always_seq(clk.posedge, reset=rst)
    def follow():
        # Which section the words belong to, and where it ends.
        settle_q.next = concat(settle_q[last_settle:], accept and last_q)
        open_q.next = may_open
        if open_q:
            open_q.next = not (accept and last_q)
        if swap_q:
            ready_q.next = 0
            fetched_q.next = 0
        elif take_q:
            fetched_q.next = 1
        if accept:
            word_q.next = word_q + 1
            last_q.next = word_q == length_q
        if state_q == SWEEP:
            sweep_q.next = sweep_q + 1
            length_q.next = header_less
            if sweep_q == sweep_end:
                state_q.next = HEADER
        elif settle_q[last_settle]:
            word_q.next = 0
            last_q.next = 0
            state_q.next = HEADER
            length_q.next = header_less
            if state_q == HEADER:
                state_q.next = OFFSETS
                length_q.next = positions - 2
                last_q.next = positions == 1
            elif state_q == OFFSETS and next_fetch.masked:
                state_q.next = MASK
                length_q.next = more_masks
                last_q.next = next_fetch.channels <= 32
            elif state_q != PARAMS:
                ready_q.next = 1
                if loads_params:
                    state_q.next = PARAMS
                    length_q.next = more_params

    @always_seq(clk.posedge, reset=rst)
    def hand_on():
        header_1.next = 0
        if accept and state_q == HEADER:
            header_1.next = 1 << word_q[5:]
        offset_1.next = accept and state_q == OFFSETS
        mask_1.next = accept and state_q == MASK
        param_1.next = accept and state_q == PARAMS

    @always(clk.posedge)
    def carry():
        channels_up = intbv(0)[17:]
        word_1.next = word_q
        data_1.next = cfg.data
        loads_params.next = next_tile.channels != 0 and not keep
        channels_up[:] = next_fetch.channels + 31
        more_masks.next = (channels_up >> 5) - 2
        more_params.next = (next_tile.channels << 1) - 2

    @always(clk.posedge)
    def keep_offsets():
        if offset_1:
            offsets[concat(next_source.offset_half, word_1[position_bits:])].next = data_1[sum_bits:]
        offset.next = offsets[concat(source.offset_half, offset_index[position_bits:])]

    @always_seq(clk.posedge, reset=rst)
    def check():
        control.bad_word.next = header_1[0] and data_1[32:24] != MAGIC
        control.bad_pass.next = header_1[0] and data_1[32:24] == MAGIC and (
            data_1[12:8] == 0 or data_1[16:12] == 0 or data_1[12:8] > kernel or data_1[16:12] > kernel
            or data_1[18:16] == 3)

    @always_seq(clk.posedge, reset=rst)
    def write():
        params.write.next = 0
        params.data.next = concat(data_1[SCALE_BITS:], bias_q)
        params.address.next = concat(next_tile.odd, word_1[1 + lane_step + address_bits:1 + lane_step])
        mask.write.next = mask_1
        mask.data.next = data_1
        mask.address.next = concat(next_fetch.mask_half, word_1[mask_bits:])
        if param_1 and word_1[0]:
            params.write.next = 1 << (word_1[17:1] & (lanes - 1))
        elif param_1:
            bias_q.next = data_1

    return (u_header, u_fetch, u_source, u_tile, u_fire, u_positions, derive, decide, admit, tell, exchange, follow, hand_on, carry,
            keep_offsets, check, write)
