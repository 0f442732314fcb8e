"""fire_scan against nested loops: what is read, when windows open and close, and that nothing is left uncleared."""
import numpy as np
import pytest

from rtl.accumulation_buffer import FirePort
from rtl.config import CoreConfig
from rtl.fire_scan import Scan, fire_scan
from rtl.pass_config import FireConfig
from rtl.stream import bit
from tb.block_bench import reset, run
from tb.block_parts import Script, Table
from tb.pauses import Gate

CONFIG = CoreConfig(lanes=8, fire_lanes=4, acc_depth=256)
OUTPUTS = ("scan", "port", "running")


def side(size, k, stride, pad):
    return (size + 2 * pad - k) // stride + 1


def arguments(config=CONFIG):
    return dict(clk=bit(), rst=reset(), config=config, start=bit(), go=bit(), settings=FireConfig(config), sweeping=bit(),
                scan=Scan(), port=FirePort(config), running=bit())


def settings_of(height, width, channels, pool, config=CONFIG, pad_y=None, fired=None):
    """Settings of a pass; pool: kernel, stride, padding of both sides unless pad_y is given.  fired: (height, width) fired."""
    k, stride, pad = pool
    pad_y = pad if pad_y is None else pad_y
    chunks = -(-channels // config.lanes)
    fired = (side(height, k, stride, pad_y), side(width, *pool)) if fired is None else fired
    return dict(tile_h=height, tile_w=width, stride_y=width * chunks, stride_x=chunks, channels=channels, pool=k, pool_stride=stride,
                pool_pad=pad, pool_pad_y=pad_y, height=fired[0], width=fired[1])


def steps(s, config):
    """(chunk, group of lanes) of a pass, up to its last channel."""
    return [divmod(n, config.fire_groups) for n in range(-(-s["channels"] // config.fire_lanes))]


def reads(s, config):
    """(group, covered, opens, closes, address) of every read in order; no address where not covered."""
    last = s["pool"] - 1
    for chunk, group in steps(s, config):
        for fy, fx, dy, dx in np.ndindex(s["height"], s["width"], s["pool"], s["pool"]):
            y, x = fy * s["pool_stride"] - s["pool_pad_y"] + dy, fx * s["pool_stride"] - s["pool_pad"] + dx
            inside = 0 <= y < s["tile_h"] and 0 <= x < s["tile_w"]
            yield (group, int(inside), int(dy == dx == 0), int(dy == last and dx == last),
                   y * s["stride_y"] + x * s["stride_x"] + chunk if inside else None)


def scan(passes, pause="never", config=CONFIG):
    """Run passes one after the other; return the trace."""
    gate = Gate(pause, 5)

    def script():
        for s in passes:
            yield {**{"settings_" + name: value for name, value in s.items()}, "start": 1, "go": 0}
            seen = yield {"start": 0}
            while seen["running"]:
                seen = yield {"go": not gate.closed()}
            for _ in range(4):
                yield {"go": 0}

    play = Script(script())
    return run(fire_scan, lambda: arguments(config), OUTPUTS, (play,), play.over, linger=5, limit=30_000)


def check(passes, trace, config=CONFIG):
    """Reads are those of the loops; all that a channel may have written is cleared once, and only after its last read."""
    columns = [trace[n] for n in ("scan_group", "scan_covered", "scan_opens", "scan_closes", "port_read_address")]
    got = [(t, [c[t] for c in columns]) for t, valid in enumerate(trace["scan_valid"]) if valid]
    want = [read for s in passes for read in reads(s, config)]
    assert [tuple(r if r4 is not None or i < 4 else None for i, r in enumerate(row)) for (_, row), (*_, r4) in zip(got, want)] == want
    assert len(got) == len(want) and trace["port_read"] == trace["scan_valid"]
    clears = [(t, a) for t, (clear, a) in enumerate(zip(trace["port_clear"], trace["port_clear_address"])) if clear]
    at = 0
    for s in passes:
        count = len(list(reads(s, config)))
        mine, first = got[at:at + count], got[at][0]
        at += count
        end = got[at][0] if at < len(got) else len(trace)
        last_read = {address: t for (t, (_, covered, *_, address)) in mine if covered}
        cleared = {a: t for t, a in clears if first <= t < end}
        assert len(cleared) == sum(first <= t < end for t, *_ in clears), "cleared once"
        everything = {place * s["stride_x"] + chunk for chunk, _ in steps(s, config) for place in range(s["tile_h"] * s["tile_w"])}
        assert cleared.keys() == last_read.keys() == everything
        assert all(cleared[place] > last_read[place] for place in everything)


POOLS = {"none": (1, 1, 0), "2 of 2": (2, 2, 0), "2 of 1": (2, 1, 0), "3 of 1": (3, 1, 0), "3 of 2": (3, 2, 0), "3 of 3": (3, 3, 0),
         "padded 2 of 1": (2, 1, 1), "padded 3 of 2": (3, 2, 1), "padded 3 of 1": (3, 1, 1)}


def whole(size, pool):
    """A size near `size` whose positions are all read by a window, as the compiler cuts tiles."""
    k, stride, pad = pool
    return next(n for n in range(size, 99) if (side(n, *pool) - 1) * stride + k - pad >= n)


@pytest.mark.parametrize("pause", ["never", "sometimes", "burst"])
@pytest.mark.parametrize("pool", POOLS)
def test_reads_and_clears_of_a_pass(pool, pause):
    pool = POOLS[pool]
    passes = [settings_of(whole(5, pool), whole(6, pool), 16, pool), settings_of(whole(3, pool), whole(4, pool), 19, pool)]
    check(passes, scan(passes, pause))


@pytest.mark.parametrize("pool, pads, size, fired", [
    ((2, 2), (0, 1), (4, 5), (2, 3)), ((3, 2), (1, 0), (5, 5), (3, 2)), ((3, 1), (0, 2), (3, 3), (1, 5)),
    ((15, 9), (14, 3), (8, 12), (2, 2))])
def test_padding_of_y_and_of_x_apart(pool, pads, size, fired):
    passes = [settings_of(*size, channels, (*pool, pads[1]), pad_y=pads[0], fired=fired) for channels in (8, 13)]
    check(passes, scan(passes, "sometimes"))


@pytest.mark.parametrize("pool, size, fired", [
    ((2, 2, 0), (5, 7), (3, 4)), ((3, 2, 0), (4, 6), (2, 3)), ((3, 3, 1), (3, 6), (2, 3)), ((3, 2, 1), (4, 4), (3, 3))])
def test_windows_that_hang_over_the_bottom_and_the_right_edge(pool, size, fired):
    """As with ceil mode: outside is not covered, and all of the tile is cleared once."""
    passes = [settings_of(*size, channels, pool, fired=fired) for channels in (8, 13)]
    check(passes, scan(passes, "sometimes"))


def test_the_smallest_passes():
    passes = [settings_of(1, 1, 1, (1, 1, 0)), settings_of(1, 1, 51, (1, 1, 0)), settings_of(2, 2, 4, (2, 2, 0)),
              settings_of(1, 1, 5, (3, 1, 1)), settings_of(1, 1, 8 * 256, (1, 1, 0))]
    check(passes, scan(passes))


@pytest.mark.parametrize("fire_lanes", [8, 1])
def test_other_numbers_of_lane_groups(fire_lanes):
    config = CONFIG.replace(fire_lanes=fire_lanes)
    passes = [settings_of(4, 4, 13, (2, 2, 0), config), settings_of(1, 3, 2, (1, 1, 0), config)]
    check(passes, scan(passes, "sometimes", config), config)


def test_one_read_a_cycle_while_it_may():
    passes = [settings_of(6, 6, 16, (2, 2, 0))]
    valid = scan(passes)["scan_valid"]
    first = valid.index(1)
    assert valid[first:first + 144] == [1] * 144 and sum(valid) == 144


def test_a_scan_held_for_a_thousand_cycles_goes_on_where_it_was():
    passes = [settings_of(4, 4, 8, (1, 1, 0))]
    trace = scan(passes, lambda cycle: 10 < cycle < 1010)
    check(passes, trace)
    assert sum(trace["scan_valid"][15:1010]) == 0


def test_a_sweep_clears_every_address():
    table = Table([{"sweeping": 1}] + [{}] * (CONFIG.acc_depth + 2) + [{"sweeping": 0}, {}])
    trace = run(fire_scan, arguments, OUTPUTS, (table,), table.over)
    swept = {a for a, clear, on in zip(trace["port_clear_address"], trace["port_clear"], trace["port_sweep"]) if on and clear}
    assert swept == set(range(CONFIG.acc_depth)) and not trace["port_clear"][-1] and not trace["port_sweep"][-1]
