"""What every copy of settings must do: all fields change when they are taken, and at no other time."""
import numpy as np

from rtl.stream import bit
from tb.block_bench import reset, run
from tb.block_model import ports
from tb.block_parts import Table


def check_copies(copy, settings, seed):
    """Run a copy block on random settings, in MyHDL and in Verilog, and compare every field in every cycle.

    copy: block (clk, rst, take, src, dst).  settings: function that returns fresh settings.
    """
    rng = np.random.default_rng(seed)
    shapes = ports({"src": settings()})

    def value(signal):
        low, high = (0, 2) if signal.max is None else (signal.min, signal.max)
        return int(rng.choice([low, high - 1, int(rng.integers(low, high))]))

    rows = [{"take": int(rng.integers(2)), **{name: value(s) for name, s in shapes.items()}} for _ in range(60)]
    table = Table(rows + [{"rst": 1}, {"rst": 0, "take": 0}, {}])
    trace = run(copy, lambda: dict(clk=bit(), rst=reset(), take=bit(), src=settings(), dst=settings()), ("dst",),
                (table,), table.over)
    held = dict.fromkeys(shapes, 0)
    for t, row in enumerate(rows):
        assert {name: trace["dst" + name[3:]][t] for name in shapes} == held
        held = {name: row[name] for name in shapes} if row["take"] else held
    assert not any(trace["dst" + name[3:]][-1] for name in shapes)
