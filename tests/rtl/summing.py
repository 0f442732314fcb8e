"""An accumulation buffer with one lane, and a model of its two halves, for the tests of both blocks."""
from myhdl import always, block

from rtl.accumulation_buffer import FirePort, LanePort, accumulation_buffer
from rtl.config import EVENT_BITS, CoreConfig
from rtl.counter_skip import Beat
from rtl.mac_lane import mac_lanes
from rtl.stream import bit, signed
from tb.block_bench import Trace, reset, run
from tb.block_parts import Table

CONFIG = CoreConfig(lanes=4, fire_lanes=4, weight_bytes=4, acc_bits=16, acc_depth=16, weight_depth=8)
FIRE_LATENCY = 3
LOW, HIGH = -(1 << 15), (1 << 15) - 1
BUSY = 7        # cycles that a beat stays in flight after its own


@block
def summing(clk, rst, config, beat, weight, half, fire, fire_sum, busy):
    """beat.value * weight, both given in the cycle of the beat, added at beat.sum."""
    port = LanePort(config)
    weight_1, weight_2 = signed(8), signed(8)
    value_1, value_2 = signed(EVENT_BITS), signed(EVENT_BITS)
    u_buffer = accumulation_buffer(clk, rst, config, beat, half, fire, port, busy)
    u_lanes = mac_lanes(clk, config, [weight_2], value_2, port, [fire_sum])

    @always(clk.posedge)
    def align():
        weight_1.next = weight
        weight_2.next = weight_1
        value_1.next = beat.value
        value_2.next = value_1

    return u_buffer, u_lanes, align


def arguments():
    return dict(clk=bit(), rst=reset(), config=CONFIG, beat=Beat(CONFIG), weight=signed(8), half=bit(), fire=FirePort(CONFIG),
                fire_sum=signed(CONFIG.acc_bits), busy=bit())


def beat(address, value, weight):
    return {"beat_valid": 1, "beat_sum": address, "beat_value": value, "weight": weight}


IDLE = {"beat_valid": 0}


def play(rows, verilog=True) -> Trace:
    table = Table(rows)
    return run(summing, arguments, ("fire_sum", "busy"), (table,), table.over, linger=FIRE_LATENCY, verilog=verilog)


def read_out(half):
    """Wait for the beats in flight, change halves, then read every address; the last inputs of a table."""
    rows = [IDLE] * (BUSY + 1) + [{**IDLE, "half": 1 - half}]
    return rows + [{"fire_read": 1, "fire_read_address": a} for a in range(CONFIG.acc_depth)]


def sums_at_end(trace) -> list[int]:
    """What the last read_out read."""
    return trace["fire_sum"][-CONFIG.acc_depth:]
