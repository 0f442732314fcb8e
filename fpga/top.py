"""A board's top: clock, reset, UART, link, memory and accelerator between its pins."""
from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

from myhdl import ResetSignal, Signal, block, instance, intbv

from fpga import clock as clocks
from fpga.arbiter import arbiter
from fpga.clock import clock
from fpga.identity import identity_words
from fpga.leds import leds
from fpga.link.address_spaces import address_spaces
from fpga.link.half_words import half_words
from fpga.link.link import link
from fpga.link.protocol import REGISTER_BITS, LinkBus
from fpga.memory_block_ram import memory_block_ram
from fpga.memory_port import RamPort
from fpga.memory_spram import memory_spram, spram_banks
from fpga.reset import power_on_reset
from fpga.uart_receiver import uart_receiver
from fpga.uart_transmitter import uart_transmitter
from rtl.accelerator import AcceleratorTap, accelerator
from rtl.hdl import convert, drop_in, leave_open
from rtl.memory_bus import MemoryBus
from rtl.primitives import block_ram
from rtl.registers import RegisterBus
from rtl.stream import Stream, bit, unsigned


class ExtraPins:
    """Pins of a board that are held at a constant: one signal each."""

    def __init__(self, values: dict):
        for name in values:
            setattr(self, name, bit())


def ram_latency(board) -> int:
    """Cycles from an access of the board's RAM to its word."""
    return block_ram.latency(board.family) if board.memory == "block_ram" else 1


def memory_latency(board) -> int:
    """Cycles from a request on the accelerator's memory bus to its answer."""
    return ram_latency(board) + 1


def design_hz(board) -> int:
    """What the design really runs at: the nearest that the board's PLL makes of clock_hz."""
    chosen = clocks.settings(board)
    return board.clock_hz if chosen is None else chosen.out_hz


def identity_of(board, config) -> tuple[int, ...]:
    """The identity words of a board's bitstream."""
    return identity_words(board.number, config, design_hz(board), board.memory_bytes, board.baud)


def check(board, config) -> None:
    """Raise ValueError, with the rule, for a clock that the PLL cannot make or a memory that the device cannot be given."""
    clocks.settings(board)
    words, rest = divmod(board.memory_bytes, config.port_bytes)
    if rest or board.memory_bytes % 4 or not words:
        raise ValueError(f"memory_bytes must be a multiple of the memory word's {max(4, config.port_bytes)} bytes, "
                         f"not {board.memory_bytes}")
    if board.memory == "spram":
        spram_banks(config.port_bytes, words)
    else:
        block_ram.check(board.family, words)


@block
def board_top(clk, rx, tx, led, extra, board, config):
    """A board's design; all of it runs in one clock domain.

    clk: the oscillator's pin; in simulation the design's own clock (see fpga/clock.py).  rx, tx: UART, 8N1.
    led: see fpga/leds.py.  extra: ExtraPins.  board: Board.  config: CoreConfig of its accelerator.
    """
    words = board.memory_bytes // config.port_bytes
    link_bits = max(REGISTER_BITS, (board.memory_bytes // 4 - 1).bit_length())
    divisor = round(design_hz(board) / board.baud)
    inner, locked, rst = bit(), bit(), ResetSignal(0, active=1, isasync=False)
    data, strobe, line = unsigned(8), bit(), Stream(8)
    request, memory = LinkBus(link_bits), LinkBus(link_bits)
    bus, regs, tap, ram = MemoryBus(config), RegisterBus(), AcceleratorTap(config), RamPort(config.port_bytes, words)

    u_clock = clock(clk, inner, locked, board)
    u_reset = power_on_reset(inner, locked, rst)
    u_receiver = uart_receiver(inner, rst, rx, data, strobe, divisor)
    u_transmitter = uart_transmitter(inner, rst, line, tx, divisor)
    u_link = link(inner, rst, data, strobe, line, request, identity_of(board, config), config.family)
    u_spaces = address_spaces(inner, rst, request, memory, regs)
    if config.port_bytes == 2:
        halves = LinkBus(link_bits + 1, 16)
        leave_open(halves.space)
        u_client = half_words(inner, rst, memory, halves), arbiter(inner, rst, bus, halves, ram, words, ram_latency(board))
    else:
        u_client = arbiter(inner, rst, bus, memory, ram, words, ram_latency(board))
    if board.memory == "spram":
        u_memory = memory_spram(inner, ram, words)
    else:
        u_memory = memory_block_ram(inner, ram, words, config.family)
    u_accelerator = accelerator(config, inner, rst, bus, regs, tap)
    u_leds = leds(inner, rst, bus, regs, led, design_hz(board), board.led_active_low)
    u_extra = [_hold(getattr(extra, name), value) for name, value in board.extra_pins.items()]
    leave_open(*vars(tap).values(), memory.space, regs.stall)
    return (u_clock, u_reset, u_receiver, u_transmitter, u_link, u_spaces, u_client, u_memory, u_accelerator, u_leds, u_extra)


@block
def _hold(pin, value):
    """pin = value, which the converter has no statement for."""

    @instance
    def drive():
        pin.next = bool(value)
        yield pin

    drop_in((), (pin,))
    _hold.verilog_code = f"assign $pin = 1'b{int(bool(value))};"
    return drive


def convert_top(board, folder, name: str = "top", config=None) -> Path:
    """Write folder/name.v, a board's design as one module whose ports are clk, rx, tx, led and the board's extra pins.

    board: Board.  config: CoreConfig, the board's own by default.  Returns the path.
    Raises ValueError for a memory or a clock that cannot be.
    """
    config = config or board.config()
    check(board, config)
    extra = ExtraPins(board.extra_pins)
    led = Signal(intbv(0)[board.leds:])
    Path(folder).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        instance = board_top(bit(), bit(), bit(), led, extra, board, config)
        path = convert(instance, name, scratch)
        # MyHDL names a member of an interface after it; a pin has its own name.
        text = re.sub(r"\bextra_(\w+)\b", lambda m: m[1] if m[1] in board.extra_pins else m[0], path.read_text())
        path.write_text(text)
        os.replace(path, Path(folder, name + ".v"))
    return Path(folder, name + ".v")
