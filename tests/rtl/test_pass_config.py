"""copy_source and copy_fire: settings change when they are taken, all of them, and at no other time."""
import numpy as np
import pytest

from rtl.config import CoreConfig
from rtl.pass_config import FireConfig, SourceConfig, copy_fire, copy_source
from rtl.stream import bit
from tb.block_bench import reset, run
from tb.block_model import ports
from tb.block_parts import Table

CONFIG = CoreConfig()


@pytest.mark.parametrize("copy, settings", [(copy_source, SourceConfig), (copy_fire, FireConfig)])
def test_all_settings_are_copied_when_taken_and_kept_otherwise(copy, settings):
    rng = np.random.default_rng(81)
    shapes = ports({"src": settings(CONFIG)})

    def value(signal):
        low, high = (0, 2) if signal.max is None else (signal.min, signal.max)
        return int(rng.choice([low, high - 1, int(rng.integers(low, high))]))

    rows = [{"take": int(rng.integers(2)), **{name: value(s) for name, s in shapes.items()}} for _ in range(60)]
    table = Table(rows + [{"rst": 1}, {"rst": 0, "take": 0}, {}])
    trace = run(copy, lambda: dict(clk=bit(), rst=reset(), take=bit(), src=settings(CONFIG), dst=settings(CONFIG)), ("dst",),
                (table,), table.over)
    held = dict.fromkeys(shapes, 0)
    for t, row in enumerate(rows):
        assert {name: trace["dst" + name[3:]][t] for name in shapes} == held
        held = {name: row[name] for name in shapes} if row["take"] else held
    assert not any(trace["dst" + name[3:]][-1] for name in shapes)
