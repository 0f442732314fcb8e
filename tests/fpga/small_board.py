"""Boards for tests: any memory, any divisor, no PLL."""
from __future__ import annotations

from types import SimpleNamespace

from rtl.config import CoreConfig

CLOCK_HZ = 12_000_000


def board(divisor="4", memory="block_ram", family="generic", port_bytes="8", memory_bytes="8192", leds="3", **changes):
    """What fpga.top asks of a board.  divisor: clock cycles of a bit; numbers may be text."""
    width = int(port_bytes)
    config = CoreConfig(pes=1, lanes=max(4, width), fire_lanes=2, weight_bytes=width, family=family)
    fields = dict(name="small", number=777, family=family, clock_pin_hz=CLOCK_HZ, clock_hz=CLOCK_HZ, pll=None,
                  baud=CLOCK_HZ // int(divisor), leds=int(leds), led_active_low=False, extra_pins={}, memory=memory,
                  memory_bytes=int(memory_bytes), config=lambda array=None: config)
    return SimpleNamespace(**{**fields, **changes})
