"""The core: streams in, whole networks through, streams out (see docs/core.md)."""
from myhdl import ResetSignal, always_comb, block

from rtl.accumulation_buffer import FirePort
from rtl.activity import activity
from rtl.config import FIRE_MARGIN, CoreConfig
from rtl.event_bank import event_bank
from rtl.event_router import event_router
from rtl.event_source import event_source, located_bits
from rtl.fire import Fired, fire
from rtl.hdl import convert, joined
from rtl.pass_config import FireConfig, SourceConfig
from rtl.pe import PeStatus, event_bits, pe
from rtl.requantise import ParamPort
from rtl.row_walker import RowTable
from rtl.sequencer import Control, sequencer
from rtl.stream import Stream, bit, signed, unsigned
from rtl.weight_buffer import RingPort
from rtl.weight_loader import Slots, weight_loader


class Tap:
    """What an observer sees of the core; nothing depends on it."""

    def __init__(self, config: CoreConfig):
        self.fire_strobe = bit()
        self.fire_values = unsigned(9 * config.fire_lanes)
        self.fire_emit = unsigned(config.fire_lanes)
        self.fire_y, self.fire_x, self.fire_group = unsigned(16), unsigned(16), unsigned(16)
        self.pass_start = bit()     # a pass enters the front with the next cycle
        self.pass_done = bit()
        self.pe_state = unsigned(3 * config.pes)


class CorePorts:
    """Fresh signals for every port of a core."""

    def __init__(self, config: CoreConfig):
        self.clk, self.rst = bit(), ResetSignal(0, active=1, isasync=False)
        self.cfg = Stream(32)
        self.events_in, self.events_out = Stream(config.token_bits), Stream(config.token_bits)
        self.requests = Stream(32)
        self.counts, self.weights = Stream(8), Stream(8 * config.weight_bytes)
        self.tap = Tap(config)


def ports(config: CoreConfig) -> CorePorts:
    """Fresh signals for every port of a core of this configuration."""
    return CorePorts(config)


@block
def core(config, clk, rst, cfg, events_in, requests, counts, weights, events_out, tap):
    """Runs the passes of a program: multiply every event with its rows' chunks, then fire the next events.

    cfg, events_in, counts, weights: streams in.  requests, events_out: streams out.  tap: Tap, for observers.
    Every output depends on registers only. After reset the buffers are swept (acc_depth cycles) before cfg is taken.
    """
    pes, lanes, fire_lanes = config.pes, config.lanes, config.fire_lanes
    control, source, tile, firing = Control(), SourceConfig(config), FireConfig(config), FireConfig(config)
    params, fire_port, fired = ParamPort(config), FirePort(config), Fired(config)
    table, ring, slots = RowTable(config), RingPort(config), Slots(config)
    located = Stream(located_bits(config))
    offset_index, offset = unsigned(7), unsigned(config.acc_address_bits)
    bundle = unsigned(event_bits(config))
    pe_valid = unsigned(pes)
    pe_ready = [bit() for _ in range(pes)]
    status = [PeStatus(config) for _ in range(pes)]
    sums = [[signed(config.acc_bits) for _ in range(lanes)] for _ in range(pes)]
    finished, router_empty, waiting_weights, front_done, events_over = bit(), bit(), bit(), bit(), bit()
    fire_busy, fire_active, fire_go, fire_stuck = bit(), bit(), bit(), bit()
    keep = bit()
    heads = [unsigned(config.token_bits) for _ in range(fire_lanes)]
    tokens = [unsigned(config.token_bits) for _ in range(fire_lanes)]
    pushes = [bit() for _ in range(fire_lanes)]
    rooms = [bit() for _ in range(fire_lanes)]
    bank_streams = [Stream(data=head) for head in heads]
    bank_ready = unsigned(fire_lanes)
    for i in range(fire_lanes):
        bank_streams[i].ready = bank_ready(i)
    bank_token, bank_valid, bank_take = unsigned(config.token_bits), bit(), bit()
    bank_index = unsigned(max(1, (fire_lanes - 1).bit_length()))

    ready_bits = joined(pe_ready)
    holding = joined([s.holding for s in status])
    beating = joined([s.beating for s in status])
    busy = joined([s.busy for s in status])
    claims = joined([s.claim for s in status])
    valid_bits = joined([s.valid for s in bank_streams])
    room_bits = joined(rooms)

    u_sequencer = sequencer(clk, rst, config, cfg, control, source, tile, firing, front_done, fire_busy, params,
                            offset_index, offset)
    u_source = event_source(clk, rst, config, control.start, source, tile, events_in, bank_token, bank_valid, bank_take,
                            bank_index, located, requests, events_out, finished)
    u_loader = weight_loader(clk, rst, config, counts, weights, source.kernel_h, source.kernel_w, offset_index, offset,
                             slots, table, ring)
    u_router = event_router(clk, rst, config, control.start, located, slots, bundle, pe_valid, ready_bits, holding,
                            claims, finished, waiting_weights, router_empty)
    u_pe = [pe(clk, rst, config, bundle, pe_valid(i), pe_ready[i], table, ring, control.half, fire_port, sums[i], status[i])
            for i in range(pes)]
    u_fire = fire(clk, rst, config, control.fire_start, fire_go, firing, control.sweeping, fire_port, sums, params,
                  tokens, pushes, fired, fire_busy, fire_active)
    u_bank = [event_bank(clk, rst, pushes[i], tokens[i], bank_streams[i], keep, control.rewind, rooms[i],
                         config.queue_depth, FIRE_MARGIN) for i in range(fire_lanes)]
    u_activity = activity(config, beating, holding, control, fire_busy, fire_stuck, events_over, waiting_weights,
                          tap.pe_state)
    all_rooms = (1 << fire_lanes) - 1

    @always_comb
    def read_bank():
        bank_token.next = 0
        bank_valid.next = False
        bank_ready.next = 0
        for i in range(fire_lanes):
            if bank_index == i:
                bank_token.next = heads[i]
                bank_valid.next = valid_bits[i]
        if bank_take:
            bank_ready.next = 1 << bank_index

    @always_comb
    def judge():
        events_over.next = finished and router_empty
        front_done.next = finished and router_empty and holding == 0 and busy == 0
        fire_go.next = room_bits == all_rooms
        keep.next = source.replay

    @always_comb
    def blame():
        fire_stuck.next = fire_active and not fire_go

    @always_comb
    def show():
        tap.fire_strobe.next = fired.strobe
        tap.fire_values.next = fired.values
        tap.fire_emit.next = fired.emit
        tap.fire_y.next = fired.y
        tap.fire_x.next = fired.x
        tap.fire_group.next = fired.group
        tap.pass_start.next = control.start
        tap.pass_done.next = fired.done

    return (u_sequencer, u_source, u_loader, u_router, u_pe, u_fire, u_bank, u_activity, read_bank, judge, blame, show)


def convert_core(config: CoreConfig, folder, name: str = "core"):
    """Write folder/name.v: one flat module with the ports of CorePorts. Returns the path."""
    ports = CorePorts(config)
    instance = core(config, ports.clk, ports.rst, ports.cfg, ports.events_in, ports.requests, ports.counts, ports.weights,
                    ports.events_out, ports.tap)
    return convert(instance, name, folder)
