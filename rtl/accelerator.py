"""The accelerator: engine and shell, one memory port, one register port (docs/accelerator.md)."""
from myhdl import ResetSignal, always, always_comb, block, intbv

from rtl.compact.accelerator import compact_accelerator
from rtl.config import CoreConfig
from rtl.engine import engine
from rtl.event_unpack import event_word_bits, lane_bits
from rtl.count_fetch import MaskPort
from rtl.fire import Fired
from rtl.hdl import convert
from rtl.memory_bus import MemoryBus, Progress
from rtl.pass_settings import ADDRESS_BITS, FetchSettings, FireSettings, SourceSettings
from rtl.performance import Counters, performance
from rtl.primitives.global_buffer import global_buffer
from rtl.program_sequencer import Control
from rtl.registers import RegisterBus, registers
from rtl.shell import shell
from rtl.stream import Stream, bit, unsigned
from rtl.supervisor import Status, supervisor


class AcceleratorTap:
    """What an observer sees; nothing depends on it. fire_y, fire_x are relative to the fired tile of the pass."""

    def __init__(self, config: CoreConfig):
        self.fire_strobe = bit()
        self.fire_values = unsigned(9 * config.fire_lanes)
        self.fire_emit = unsigned(config.fire_lanes)
        self.fire_y, self.fire_x, self.fire_group = unsigned(16), unsigned(16), unsigned(16)
        self.fired_pass_done = bit()
        self.pass_start = bit()     # a pass enters the front with the next cycle
        self.pe_state = unsigned(3 * config.pes)


class AcceleratorPorts:
    """Fresh signals for every port of an accelerator."""

    def __init__(self, config: CoreConfig):
        self.clk, self.rst = bit(), ResetSignal(0, active=1, isasync=False)
        self.bus, self.regs, self.tap = MemoryBus(config), RegisterBus(), AcceleratorTap(config)


def ports(config: CoreConfig) -> AcceleratorPorts:
    """Fresh signals for every port of an accelerator of this configuration."""
    return AcceleratorPorts(config)


@block
def accelerator(config, clk, rst, bus, regs, tap):
    """Runs the program that the registers name, on the memory behind the bus.

    bus: MemoryBus (Wishbone B4 pipelined master).  regs: RegisterBus (Wishbone B4 pipelined slave).  tap: AcceleratorTap.
    Bus outputs depend on registers only. After reset, after an error, and before another program than the last one, buffers are
    swept (acc_depth cycles) before a program runs.
    With config.compact it is the compact accelerator (rtl/compact/accelerator.py).
    """
    if config.compact:
        return compact_accelerator(config, clk, rst, bus, regs, tap)
    control, status, counters, progress = Control(), Status(), Counters(), Progress()
    fetch, source, firing, fired = FetchSettings(), SourceSettings(), FireSettings(config), Fired(config)
    mask = MaskPort(config)
    cfg, events = Stream(32), Stream(event_word_bits(config))
    counts, weights = Stream(16), Stream(8 * config.port_bytes)
    start, stop, renew, launch, clear, running = (bit() for _ in range(6))
    exhausted, quiet, failed, fetch_free, unpacked, fire_go, writing = (bit() for _ in range(7))
    read_seen, write_seen = bit(), bit()
    address, length = unsigned(ADDRESS_BITS), unsigned(32)
    pe_state = unsigned(3 * config.pes)
    event_taken = unsigned(4)
    flush_q, inner = bit(), ResetSignal(0, active=1, isasync=False)
    event_lanes, lane_width = config.event_lanes, lane_bits(config)

    u_registers = registers(clk, rst, regs, start, stop, renew, status, address, length, counters)
    u_supervisor = supervisor(clk, rst, config, start, stop, renew, control.sweeping, control, writing, exhausted, cfg.valid, failed,
                              quiet, status, launch, clear, running)
    u_shell = shell(clk, inner, rst, config, bus, clear, quiet, failed, launch, address, length, cfg, exhausted, control, fetch,
                    mask, source, firing, fetch_free, unpacked, events, counts, weights, fired, fire_go, writing, progress, read_seen,
                    write_seen)
    u_engine = engine(clk, inner, config, launch, cfg, control, fetch, mask, source, firing, fetch_free, unpacked, events, counts,
                      weights, fired, fire_go, pe_state)
    u_performance = performance(clk, rst, config, launch, running, pe_state, fired.done, read_seen, write_seen, event_taken,
                                counters)
    u_inner = global_buffer(flush_q, inner, config.family)

    # Its way to the engine's registers has a cycle of its own. What is reset clears its sums first, so no launch is missed.
    @always(clk.posedge)
    def reset_inside():
        flush_q.next = rst or clear

    @always_comb
    def count_events():
        number = intbv(0)[4:]
        number[:] = 0
        if events.valid and events.ready:
            for i in range(event_lanes):
                if events.data[(i + 1) * lane_width - 1]:
                    number[:] = number + 1
        event_taken.next = number

    @always_comb
    def show():
        tap.fire_strobe.next = fired.strobe
        tap.fire_values.next = fired.values
        tap.fire_emit.next = fired.emit
        tap.fire_y.next = fired.y
        tap.fire_x.next = fired.x
        tap.fire_group.next = fired.group
        tap.fired_pass_done.next = fired.done
        tap.pass_start.next = control.start
        tap.pe_state.next = pe_state

    return u_registers, u_supervisor, u_shell, u_engine, u_performance, u_inner, reset_inside, count_events, show


def convert_accelerator(config: CoreConfig, folder, name: str = "accelerator"):
    """Write folder/name.v: one flat module with the ports of AcceleratorPorts. Returns the path."""
    all_ports = AcceleratorPorts(config)
    instance = accelerator(config, all_ports.clk, all_ports.rst, all_ports.bus, all_ports.regs, all_ports.tap)
    return convert(instance, name, folder)
