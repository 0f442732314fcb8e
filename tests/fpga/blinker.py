"""A board top that is quick to build: a counter, and as many multipliers as the board's array has lanes, on the LEDs."""
from myhdl import Signal, always, always_comb, block, intbv, modbv

from rtl.hdl import convert
from rtl.stream import bit

COUNTER_BITS = 8


@block
def ticker(clk, count):
    """count, one more each cycle."""

    @always(clk.posedge)
    def step():
        count.next = count + 1

    return step


@block
def square(clk, value, offset, product):
    """product = (value xor offset) squared, two cycles later."""
    operand = Signal(intbv(0)[COUNTER_BITS:])

    @always(clk.posedge)
    def multiply():
        operand.next = value ^ offset
        product.next = operand * operand

    return multiply


@block
def top(leds, lanes, clk, rx, tx, led):
    """Blinks; tx is rx, and a bit of a product."""
    count = Signal(modbv(0)[COUNTER_BITS:])
    products = [Signal(intbv(0)[2 * COUNTER_BITS:]) for _ in range(lanes)]
    mixed = Signal(intbv(0)[2 * COUNTER_BITS:])
    u_ticker = ticker(clk, count)
    u_square = [square(clk, count, lane, products[lane]) for lane in range(lanes)]

    @always_comb
    def mix():
        together = intbv(0)[2 * COUNTER_BITS:]
        together[:] = 0
        for i in range(lanes):
            together[:] = together ^ products[i]
        mixed.next = together

    @always(clk.posedge)
    def show():
        led.next = mixed[COUNTER_BITS + leds:COUNTER_BITS]
        tx.next = rx ^ mixed[1]

    return u_ticker, u_square, mix, show


@block
def top_with_constant(leds, lanes, clk, rx, tx, led, wifi_gpio0):
    """The same with the ULX3S's pin held high."""
    u_top = top(leds, lanes, clk, rx, tx, led)

    @always(clk.posedge)
    def hold():
        wifi_gpio0.next = 1

    return u_top, hold


def convert_top(board, folder, name="top"):
    """Write folder/name.v."""
    ports = [bit(), bit(), bit(), Signal(intbv(0)[board.leds:])]
    lanes = board.config().lanes
    if board.extra_pins:
        return convert(top_with_constant(board.leds, lanes, *ports, bit()), name, folder)
    return convert(top(board.leds, lanes, *ports), name, folder)
