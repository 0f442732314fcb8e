"""The engine: program words and event words in, products summed up, fired outputs out; everything but the memory side."""
from myhdl import always_comb, always_seq, block

from rtl.accumulation_buffer import FirePort
from rtl.activity import activity
from rtl.config import DEALT_QUEUE, CoreConfig
from rtl.event_dispatch import event_dispatch
from rtl.event_locate import event_locate, located_word_bits
from rtl.fire import fire
from rtl.hdl import joined
from rtl.pass_settings import FireSettings
from rtl.pe import PeStatus, event_bits, pe
from rtl.program_sequencer import program_sequencer
from rtl.requantise import ParamPort
from rtl.row_walker import RowTable
from rtl.stream import Stream, bit, signed, unsigned
from rtl.weight_buffer import RingPort
from rtl.weight_loader import Slots, weight_loader


@block
def engine(clk, rst, config: CoreConfig, launch, cfg, control, fetch, mask, source, firing, fetch_free, unpacked, events, counts,
           weights, fired, fire_go, pe_state):
    """Runs passes: multiply every event with its rows' chunks, then fire.

    launch: pulse, a program begins.  cfg: program words.  control: Control.  fetch, source, firing: settings of the pass being fetched, in
    front, in fire.  mask: MaskPort.  fetch_free: the fetch may take a pass.  unpacked: no event of the front pass is left outside.
    events: stream of event words.  counts, weights: streams, in the order of the event words' `first`.
    fired: Fired.  fire_go: fire may read on.  pe_state: 3 bits a PE (activity).
    Reset clears the buffers (acc_depth cycles).
    """
    pes, lanes = config.pes, config.lanes
    tile = FireSettings(config)
    params, fire_port = ParamPort(config), FirePort(config)
    table, ring, slots = RowTable(config), RingPort(config), Slots(config)
    located = Stream(located_word_bits(config))
    offset_index, offset = unsigned(7), unsigned(config.acc_address_bits)
    bundles = [unsigned(event_bits(config)) for _ in range(pes)]
    pe_valid = unsigned(pes)
    pe_ready = [bit() for _ in range(pes)]
    status = [PeStatus(config) for _ in range(pes)]
    sums = [[signed(config.acc_bits) for _ in range(lanes)] for _ in range(pes)]
    located_idle, dispatch_empty, waiting_weights, front_done, events_over = bit(), bit(), bit(), bit(), bit()
    upstream_over = bit()
    fire_busy, fire_active, fire_stuck = bit(), bit(), bit()

    ready_bits = joined(pe_ready)
    holding = joined([s.holding for s in status])
    beating = joined([s.beating for s in status])
    busy = joined([s.busy for s in status])
    claims = joined([s.claim for s in status])

    u_sequencer = program_sequencer(clk, rst, config, launch, cfg, control, fetch, source, tile, firing, fetch_free, front_done,
                                    fire_busy, params, mask, offset_index, offset)
    u_locate = event_locate(clk, rst, config, source, tile, events, located, located_idle)
    u_loader = weight_loader(clk, rst, config, counts, weights, source.kernel_h, source.kernel_w, offset_index, offset,
                             slots, table, ring)
    u_dispatch = event_dispatch(clk, rst, config, control.start, located, slots, bundles, pe_valid, ready_bits, holding,
                                claims, upstream_over, waiting_weights, dispatch_empty)
    u_pe = [pe(clk, rst, config, bundles[i], pe_valid(i), pe_ready[i], table, ring, control.half, fire_port, sums[i], status[i],
               DEALT_QUEUE)
            for i in range(pes)]
    u_fire = fire(clk, rst, config, control.fire_start, fire_go, firing, control.sweeping, fire_port, sums, params,
                  None, None, fired, fire_busy, fire_active)
    u_activity = activity(config, beating, holding, control, fire_busy, fire_stuck, events_over, waiting_weights, pe_state)

    @always_comb
    def judge():
        upstream_over.next = unpacked and located_idle
        events_over.next = unpacked and located_idle and dispatch_empty

    @always_seq(clk.posedge, reset=rst)
    def finish():
        # In the cycle of a start all these are still those of the pass before.
        front_done.next = (unpacked and located_idle and dispatch_empty and holding == 0 and busy == 0
                           and not control.start)

    @always_comb
    def blame():
        fire_stuck.next = fire_active and not fire_go

    return u_sequencer, u_locate, u_loader, u_dispatch, u_pe, u_fire, u_activity, judge, finish, blame
