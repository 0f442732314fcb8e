"""pool_scan: carried out on a list, its accesses leave every window's maximum where fire looks for it."""
import numpy as np
import pytest

from rtl.compact.pass_header import Settings
from rtl.compact.pool_scan import Access, pool_scan
from rtl.config import CoreConfig
from rtl.stream import bit, wrapping
from tb.block_bench import reset, run
from tb.block_parts import Script

CONFIG = CoreConfig(pes=1, lanes=4, fire_lanes=1, weight_bytes=4, compact=True, acc_depth=256, coord_bits=6)
LOWEST = -(1 << 30)


def carry_out(config, tile, chunks, pool, stride, pad, fired):
    """Run a scan; returns the sums before and after, the start address and the places that fire reads."""
    height, width = tile
    settings = dict(stride_y=width * chunks, stride_x=chunks, tile_bottom=height - 1, tile_right=width - 1, pool_end=pool - 1,
                    pool_stride=stride, pool_pad=pad,
                    pool_pad_y=pad, bottom=fired[0] - 1, right=fired[1] - 1, fired=chunks * config.lanes)
    sums = np.random.default_rng(5).integers(-99, 99, config.acc_depth)
    before, total, seen = sums.copy(), 0, {}

    def script():
        nonlocal seen, total
        values = {f"settings_{name}": value for name, value in settings.items()}
        yield {**values, "start": 1}
        yield {"start": 0}
        for _ in range(4000):
            seen = yield {}
            if seen["access_valid"]:
                at = sums[seen["access_address"]]
                if not seen["access_freeze"]:
                    total = max(total, at) if seen["access_keep"] else at
                if seen["access_write"]:
                    sums[seen["access_target"]] = total
            if not seen["busy"]:
                return

    part = Script(script())
    run(pool_scan, lambda: dict(clk=bit(), rst=reset(), config=config, start=bit(), settings=Settings(config),
                                access=Access(config),
                                start_address=wrapping(8), last_address=wrapping(8), end_address=wrapping(8), busy=bit()),
        ("access", "start_address", "last_address", "end_address", "busy"), (part,), part.over)
    return before, sums, seen


CASES = [((6, 8), 2, 2, 2, 0, (3, 4)), ((5, 7), 1, 3, 2, 0, (2, 3)), ((5, 5), 3, 2, 1, 0, (4, 4)), ((6, 6), 2, 3, 1, 1,
        (6, 6)),
         ((7, 6), 1, 3, 2, 1, (4, 3)), ((5, 5), 2, 2, 2, 0, (3, 3)), ((4, 4), 1, 4, 4, 0, (1, 1))]


@pytest.mark.parametrize("tile, chunks, pool, stride, pad, fired", CASES)
def test_maxima_are_where_fire_reads_them(tile, chunks, pool, stride, pad, fired):
    before, after, seen = carry_out(CONFIG, tile, chunks, pool, stride, pad, fired)
    start = -(pad * tile[1] + pad) * chunks % CONFIG.acc_depth
    assert seen["start_address"] == start
    assert seen["last_address"] == tile[0] * tile[1] * chunks - 1
    assert seen["end_address"] == (start + fired[0] * fired[1] * chunks - 1) % CONFIG.acc_depth
    maps = np.full((tile[0] + 2 * pool + pad, tile[1] + 2 * pool + pad, chunks), LOWEST)
    maps[pad:pad + tile[0], pad:pad + tile[1]] = before[:tile[0] * tile[1] * chunks].reshape(*tile, chunks)
    for y, x, chunk in np.ndindex(*fired, chunks):
        right = maps[y * stride:y * stride + pool, x * stride:x * stride + pool, chunk].max()
        assert after[(start + (y * fired[1] + x) * chunks + chunk) % CONFIG.acc_depth] == right, (y, x, chunk)


@pytest.mark.parametrize("case", [0, 1, 2])
def test_a_small_device_pools_whole_windows_alike(case):
    tile, chunks, pool, stride, pad, fired = CASES[case]
    _, after, _ = carry_out(CONFIG.replace(family="up5k"), tile, chunks, pool, stride, pad, fired)
    assert np.array_equal(after, carry_out(CONFIG, tile, chunks, pool, stride, pad, fired)[1])


def test_without_pooling_nothing_is_touched():
    before, after, seen = carry_out(CONFIG, (3, 3), 1, 1, 1, 0, (3, 3))
    assert np.array_equal(before, after) and seen["start_address"] == 0
