"""Turns finished partial sums into the next layer's activations, and says which are events."""
from myhdl import ConcatSignal, always, always_comb, always_seq, block, concat, intbv

from rtl.config import EVENT_BITS
from rtl.hdl import leave_open
from rtl.fire_scan import Scan, fire_scan
from rtl.output_counter import output_counter
from rtl.requantise import LATENCY, requantise
from rtl.stream import bit, signed, unsigned, wrapping
from rtl.sum_tree import levels, pick_group, sum_tree


class Fired:
    """What fire shows to an observer: F values of one output position, and which of them became events."""

    def __init__(self, config):
        self.strobe = bit()
        self.values = unsigned(EVENT_BITS * config.fire_lanes)
        self.emit = unsigned(config.fire_lanes)
        self.y, self.x, self.group = unsigned(16), unsigned(16), unsigned(16)
        self.done = bit()


@block
def peak_of_window(clk, config, total, valid, covered, counts, opens, peak):
    """peak = largest total of a window; valid, covered: as in Scan, in the cycle of the total; counts, opens: valid, opens, one later.

    Latency 2. No reset.
    """
    lowest = -(1 << (config.acc_bits - 1))
    total_q = signed(config.acc_bits)

    @always(clk.posedge)
    def cover():
        if valid:
            total_q.next = lowest
            if covered:
                total_q.next = total

    @always(clk.posedge)
    def compare():
        if counts:
            if opens or total_q > peak:
                peak.next = total_q

    return cover, compare


@block
def token_maker(clk, config, index, value, dead, strobe, settings, y, x, group, ends_group, emit, push, token):
    """One fire lane's token: an event when it is not zero (or emit_zeros) and its channel is live, and the channel's end.

    index: lane.  emit: combinational, this value becomes an event.  push, token: registered, to the lane's bank.
    """
    coord_bits, fire_lanes = config.coord_bits, config.fire_lanes
    mine = bit()

    @always_comb
    def decide():
        mine.next = group * fire_lanes + index < settings.channels
        emit.next = strobe and not dead and (value != 0 or settings.emit_zeros)

    @always(clk.posedge)
    def write():
        row = intbv(0)[17:]
        column = intbv(0)[17:]
        row[:] = y + settings.first_y
        column[:] = x + settings.first_x
        push.next = strobe and mine and (emit or ends_group)
        token.next = concat(ends_group, emit, row[coord_bits:], column[coord_bits:], value[EVENT_BITS:])

    return decide, write


@block
def emitter(value, dead, strobe, settings, emit):
    """emit = this lane's value becomes an event: not zero (or emit_zeros), and its channel not dead; combinational.

    value, dead, strobe: of the output in the lane.
    """

    @always_comb
    def decide():
        emit.next = strobe and not dead and (value != 0 or settings.emit_zeros)

    return decide


@block
def past_the_last(clk, awake, index, left, beyond):
    """beyond(t + 2) = lane `index` has no output channel, where left(t) are left from lane 0 on; while awake."""
    beyond_q = bit()

    @always(clk.posedge)
    def compare():
        if awake:
            beyond_q.next = left <= index
            beyond.next = beyond_q

    return compare


@block
def fire(clk, rst, config, start, go, settings, sweeping, port, sums, params, tokens, pushes, fired, busy, active):
    """fired = requantise(max over window(sum over PEs)) in the order group, y, x (x fastest), fire_lanes channels at once.

    start: pulse; settings (FireSettings) hold the pass from the next cycle until `busy` falls.
    go: a read may be issued; at most FIRE_MARGIN outputs come after it fell.  sweeping: clear the buffer.  port: FirePort to
    all PEs.  sums: sums[pe][lane].  params: ParamPort.  fired: Fired, y and x from the pass's first output on.
    tokens, pushes: None, or per fire lane the tokens of its event bank; settings are then a FireConfig, and fired has its
    first_y and first_x added.
    busy: from start until the last output came (or its token is pushed).  active: reads are still to be issued.
    One window position a cycle for fire_lanes channels; latency 18 + levels(pes) from a read decided on to its output. Reset stops it.
    """
    fire_lanes, groups, pes = config.fire_lanes, config.fire_groups, config.pes
    depth = levels(pes)
    length = 7 + depth + LATENCY
    scan = Scan()
    closes_q, valid_q, covered_q, opens_q = (unsigned(length) for _ in range(4))
    group_1, group_2, group_3 = unsigned(6), unsigned(6), unsigned(6)
    total = [signed(config.acc_bits) for _ in range(fire_lanes)]
    peak = [signed(config.acc_bits) for _ in range(fire_lanes)]
    value = [signed(EVENT_BITS) for _ in range(fire_lanes)]
    dead = [bit() for _ in range(fire_lanes)]
    emit = [bit() for _ in range(fire_lanes)]
    address = unsigned(len(params.address))
    y_p, x_p, group_p, y_e, x_e, group_e = (unsigned(16) for _ in range(6))
    ends_p, ends_e, step_p, step_e, last_e, last_q = (bit() for _ in range(6))
    left_p, left_e = wrapping(16), wrapping(16)
    beyond = [bit() for _ in range(fire_lanes)]
    running, busy_q, awake = bit(), bit(), bit()
    relu_q = bit()
    param_bits = len(params.address) - 1
    at_total, at_param, at_value = depth + 4, depth + 4, depth + 6 + LATENCY

    leave_open(ends_p, y_p, x_p, group_3)     # group_3 chooses lanes only where there are several groups
    u_scan = fire_scan(clk, rst, config, start, go, settings, sweeping, scan, port, running)
    u_lanes = []
    for f in range(fire_lanes):
        terms = [signed(config.acc_bits) for _ in range(pes)]
        for p in range(pes):
            u_lanes.append(pick_group(clk, awake, [sums[p][g * fire_lanes + f] for g in range(groups)], group_3, terms[p]))
        u_lanes.append(sum_tree(clk, awake, terms, total[f]))
        u_lanes.append(peak_of_window(clk, config, total[f], valid_q(at_total - 1), covered_q(at_total - 1),
                                      valid_q(at_total), opens_q(at_total), peak[f]))
        u_lanes.append(requantise(clk, config, awake, peak[f], params, params.write(f), address, beyond[f],
                                  relu_q, value[f], dead[f]))
        u_lanes.append(past_the_last(clk, awake, f, left_p, beyond[f]))
        if tokens is None:
            u_lanes.append(emitter(value[f], dead[f], step_e, settings, emit[f]))
        else:
            u_lanes.append(token_maker(clk, config, f, value[f], dead[f], step_e, settings, y_e, x_e, group_e, ends_e,
                                       emit[f], pushes[f], tokens[f]))
    u_param_count = output_counter(clk, rst, fire_lanes, start, step_p, settings, y_p, x_p, group_p, ends_p, left_p)
    u_emit_count = output_counter(clk, rst, fire_lanes, start, step_e, settings, y_e, x_e, group_e, ends_e, left_e)

    @always_seq(clk.posedge, reset=rst)
    def follow():
        closes_q.next = concat(closes_q[length - 1:], scan.valid and scan.closes)
        valid_q.next = concat(valid_q[length - 1:], scan.valid)
        covered_q.next = concat(covered_q[length - 1:], scan.covered)
        opens_q.next = concat(opens_q[length - 1:], scan.opens)
        group_1.next = scan.group
        group_2.next = group_1
        group_3.next = group_2
        relu_q.next = settings.relu

    if fire_lanes > 1:
        all_values, all_emit = ConcatSignal(*reversed(value)), ConcatSignal(*reversed(emit))
    else:
        all_values, all_emit = value[0](EVENT_BITS, 0), emit[0]

    @always_seq(clk.posedge, reset=rst)
    def show():
        fired.strobe.next = step_e
        fired.emit.next = 0
        if step_e:
            fired.values.next = all_values
            fired.emit.next = all_emit
            fired.group.next = group_e

    if tokens is None:
        @always(clk.posedge)
        def place():
            fired.y.next = y_e
            fired.x.next = x_e
    else:
        @always(clk.posedge)
        def place():
            fired.y.next = (y_e + settings.first_y) & 0xFFFF
            fired.x.next = (x_e + settings.first_x) & 0xFFFF

    @always_comb
    def step():
        step_p.next = closes_q[at_param - 1]
        step_e.next = closes_q[at_value - 1]
        address.next = concat(settings.odd, group_p[param_bits:])
        last_e.next = step_e and ends_e and left_e <= fire_lanes
        busy.next = busy_q
        active.next = running

    @always_seq(clk.posedge, reset=rst)
    def finish():
        if start:
            busy_q.next = 1
        elif fired.done:
            busy_q.next = 0
        last_q.next = last_e
        fired.done.next = last_q
        awake.next = scan.valid or valid_q != 0

    return u_scan, u_lanes, u_param_count, u_emit_count, follow, show, place, step, finish
