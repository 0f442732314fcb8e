"""axis_place against a search through all kernel positions, for every coordinate, kernel and stride."""
import pytest

from rtl.compact.axis_place import axis_place
from rtl.compact.sizes import place, place_bits, side_bits
from rtl.config import CoreConfig
from rtl.stream import bit, unsigned
from tb.block_bench import run
from tb.block_parts import Table

OUTPUTS = ("first", "final", "out", "none")


def simulate(config, cases):
    side, wide = side_bits(config), place_bits(config)
    table = Table([dict(zip(("along", "side", "tile_end", "log2"), case)) for case in cases])
    trace = run(axis_place, lambda: dict(config=config, along=place(config), side=unsigned(4), tile_end=unsigned(wide - 2),
                                         log2=unsigned(2), first=unsigned(side), final=unsigned(side), out=unsigned(wide - 2),
                                         none=bit()),
                OUTPUTS, (table,), table.over)
    return zip(cases, *(trace[name] for name in OUTPUTS), strict=True)


def check(results):
    met = 0
    for (along, side, tile_end, log2), first, final, out, none in results:
        stride = 1 << log2
        hits = [k for k in range(side) if along >= k and (along - k) % stride == 0 and (along - k) // stride <= tile_end]
        case = along, side, tile_end, log2
        assert none == (not hits), case
        if hits:
            met += 1
            assert list(range(first, final + 1, stride)) == hits and out == (along - first) // stride, case
    return met


@pytest.mark.parametrize("kernel", [1, 3, 5, 11])
def test_positions_that_hit_the_tile(kernel):
    config = CoreConfig(pes=1, lanes=4, fire_lanes=1, weight_bytes=4, compact=True, kernel=kernel, coord_bits=4)
    cases = [(along, side, tile_end, log2) for log2 in range(3) for side in {1, (kernel + 1) // 2, kernel}
             for tile_end in (0, 1, 2, 7, 30, 31) for along in range(-64, 64)]
    assert check(simulate(config, cases)) > 50


def test_the_widest_coordinates():
    config = CoreConfig(pes=1, lanes=4, fire_lanes=1, weight_bytes=4, compact=True, kernel=7, coord_bits=10)
    top = 1 << place_bits(config) - 1
    cases = [(along, 7, tile_end, log2) for log2 in range(3) for tile_end in (0, 1023, 2046, 2047)
             for along in (-top, -1, 0, 1, 6, 7, 1022, 1023, 1024, 1029, 1030, 2047, 2053, 2054, 4094, 4095, top - 2, top - 1)]
    assert check(simulate(config, cases)) > 20
