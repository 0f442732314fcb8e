"""Fire: pooling, then every output requantised, packed and written."""
from myhdl import Signal, always_comb, always_seq, block, concat, intbv

from rtl.compact.emit_scan import Output, emit_scan
from rtl.compact.event_pack import event_pack
from rtl.compact.fire_params import fire_params
from rtl.compact.fire_value import LATENCY, fire_value
from rtl.compact.pool_scan import pool_scan
from rtl.compact.step_delay import step_delay
from rtl.config import EVENT_BITS
from rtl.stream import bit, signed, unsigned, wrapping
from rtl.sum_tree import pick_group

REST, POOL, SETTLE, EMIT, DRAIN = range(5)
SETTLE_CYCLES = 3           # until the last maximum is in memory
FIRST_SUM = 2               # steps from a read to its sum in the lanes
DEPTH = FIRST_SUM + 1 + LATENCY     # to its value


class Fired:
    """What fire shows to an observer: an output's value, whether it is an event, its place; and that a pass is done."""

    def __init__(self):
        self.strobe, self.emit, self.done = bit(), bit(), bit()
        self.value = signed(EVENT_BITS)
        self.ends_row, self.ends_channel = bit(), bit()


@block
def fire_unit(clk, rst, config, start, settings, param_valid, param, params_used, pool, emit_valid, emit_address,
              emit_clear, zero, sweep, sweep_address, current, scaling, go, passing, word, band, closes, write, fired):
    """fired = requantise(max over the window of sums), in the order channel, y, x; its events go to memory; then all
    sums are zero.

    The tile ends with the last sum that a window reads: no sum beyond it is cleared.
    start: pulse; settings: Settings, held until fired.done.  param_valid, param: words of parameters; params_used:
    pulse, two are used up.
    pool, emit_valid .. current, scaling, go: to and from lane_array.  passing, word, band,
    closes: of band_walk.  write: Put.  fired: Fired.
    Reset stops it.
    """
    state_q = Signal(intbv(REST, min=0, max=8))
    settle_q = wrapping(3)
    pool_start, pool_busy, emit_start, pack_idle, sweeping_q, swept = (bit() for _ in range(6))
    start_address, last_address, end_address, sweep_q = (wrapping(config.acc_address_bits) for _ in range(4))
    have_params, clear_allowed, chosen_dead, strobe, is_event = (bit() for _ in range(5))
    output = Output(config)
    lane_2, lane_3 = unsigned(len(output.lane)), unsigned(len(output.lane))
    valid_q, flags, late = unsigned(DEPTH), unsigned(4), unsigned(4)
    bias, multiplier, shift, dead = signed(config.acc_bits + 1), unsigned(16), unsigned(6), bit()
    sum_, value = signed(config.acc_bits), signed(EVENT_BITS)
    first, pooled = bit(), bit()
    ends_row, ends_band, ends_channel, ends_pass = (bit() for _ in range(4))
    narrow = unsigned(8)

    u_pool = pool_scan(clk, rst, config, pool_start, settings, pool, start_address, last_address, end_address, pool_busy)
    u_scan = emit_scan(clk, rst, config, emit_start, settings, start_address, go, have_params, clear_allowed, output,
                       emit_address, emit_clear)
    u_params = fire_params(clk, rst, config, start, param_valid, param, go, first, have_params, params_used, bias,
                           multiplier, shift, dead)
    u_pick = pick_group(clk, go, current, lane_3, sum_)
    u_value = fire_value(clk, rst, config, go, sum_, bias, multiplier, shift, dead, settings.relu, scaling, value, chosen_dead)
    u_flags = step_delay(clk, rst, go, flags, late, DEPTH, config.family)
    u_pack = event_pack(clk, rst, config, settings, strobe, narrow, is_event, ends_row, ends_band, ends_channel, go,
                        passing, word, band, closes, write, pack_idle)

    @always_comb
    def look():
        first.next = output.valid and output.first
        emit_valid.next = output.valid
        pooled.next = settings.pool_end != 0 or settings.pool_stride != 1
        clear_allowed.next = not sweeping_q
        sweep.next = sweeping_q
        sweep_address.next = sweep_q
        zero.next = state_q == SETTLE or state_q == EMIT or state_q == DRAIN
        swept.next = sweep_q == last_address
        pool_start.next = start

    @always_comb
    def arrive():
        strobe.next = valid_q[DEPTH - 1]
        flags.next = concat(output.ends_pass, output.ends_channel, output.ends_band, output.ends_row)
        ends_row.next = late[0]
        ends_band.next = late[1]
        ends_channel.next = late[2]
        ends_pass.next = late[3]
        is_event.next = not chosen_dead and (value != 0 or settings.emit_zeros)
        narrow.next = value[8:]

    @always_comb
    def show():
        fired.strobe.next = strobe and go
        fired.value.next = value
        fired.emit.next = is_event
        # The last sum was cleared before its value came.
        fired.done.next = state_q == DRAIN and pack_idle and not sweeping_q
        fired.ends_row.next = ends_row
        fired.ends_channel.next = ends_channel

    @always_seq(clk.posedge, reset=rst)
    def follow():
        if go:
            lane_2.next = output.lane
            lane_3.next = lane_2
            valid_q.next = concat(valid_q[DEPTH - 1:], output.valid)

    @always_seq(clk.posedge, reset=rst)
    def step():
        emit_start.next = False
        settle_q.next = settle_q + 1
        if sweeping_q:
            sweep_q.next = sweep_q + 1
            if swept:
                sweeping_q.next = False
        if state_q == REST:
            if start:
                state_q.next = POOL
        elif state_q == POOL:
            settle_q.next = 0
            sweep_q.next = end_address
            if not pool_busy:
                state_q.next = SETTLE
        elif state_q == SETTLE:
            if settle_q == SETTLE_CYCLES:
                state_q.next = EMIT
                emit_start.next = True
                sweeping_q.next = pooled
                sweep_q.next = sweep_q + 1
        elif state_q == EMIT:
            if strobe and go and ends_pass:
                state_q.next = DRAIN
        elif fired.done:
            state_q.next = REST

    return u_pool, u_scan, u_params, u_pick, u_value, u_flags, u_pack, look, arrive, show, follow, step
