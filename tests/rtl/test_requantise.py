"""requantise against the integer reference, extremes of every operand included."""
from types import SimpleNamespace

import numpy as np
import pytest

from cascadefire import reference
from rtl.config import CoreConfig
from rtl.requantise import BIAS_BITS, LATENCY, ParamPort, requantise
from rtl.stream import bit, signed
from tb.block_bench import run
from tb.block_parts import Table

SETTLE = 2      # cycles from the parameters' address to the first total that uses them


def expected(total, bias, multiplier, shift, relu):
    layer = SimpleNamespace(bias=[bias], multiplier=[multiplier], shift=[shift], activation="relu" if relu else "none")
    return int(reference.requantise(layer, np.array([[[total]]], np.int64)).item())


def arguments(config):
    port = ParamPort(config)
    del port.write                  # the other lanes' bits
    return dict(clk=bit(), config=config, awake=bit(), total=signed(config.acc_bits), params=port, write=bit(),
                group=ParamPort(config).address, beyond=bit(), relu=bit(), value=signed(9), dead=bit())


def check(config, params, totals, relu):
    """params: (bias, multiplier, shift, dead) for each address; totals: for each address, the totals that meet them."""
    write = [{"write": 1, "params_address": a, "params_data": p[0] % (1 << BIAS_BITS) | (p[1] | p[2] << 16 | p[3] << 22) << BIAS_BITS}
             for a, p in enumerate(params)]
    flow = [(a, total) for a, some in enumerate(totals) for total in some]
    rows = [{"group": a} for a, _ in flow] + [{} for _ in range(SETTLE + LATENCY)]
    for t, (_, total) in enumerate(flow):
        rows[t + SETTLE]["total"] = total
    rows[0]["awake"] = 1
    table = Table(write + [{"write": 0, "relu": relu, "total": 1}] + rows + [{"awake": 0, "total": 2}] + [{} for _ in range(9)])

    trace = run(requantise, lambda: arguments(config), ("value", "dead"), (table,), table.over)
    start = len(write) + 1 + SETTLE + LATENCY
    got = list(zip(trace["value"], trace["dead"], strict=True))
    assert len(set(got[start + len(flow):])) == 1, "what is not awake holds still"
    got = got[start:start + len(flow)]
    want = [(expected(total, *params[a][:3], relu), params[a][3]) for a, total in flow]
    for case, mine, right in zip(flow, got, want, strict=True):
        assert mine == right, f"total {case[1]}, bias, multiplier, shift, dead {params[case[0]]}"


@pytest.mark.parametrize("relu", [0, 1])
@pytest.mark.parametrize("acc_bits", [16, 24, 40])
def test_extreme_operands(acc_bits, relu):
    config = CoreConfig(acc_bits=acc_bits, param_depth=32)
    low, high = -(1 << acc_bits - 1), (1 << acc_bits - 1) - 1
    params = [(bias, multiplier, shift, shift & 1) for bias in (-(1 << 31), (1 << 31) - 1, 0, -1) for multiplier in (0, 1, 32768, 65535)
              for shift in (1, 16, 31, 62)]
    check(config, params, [(low, low + 1, -1, 0, 1, high - 1, high)] * len(params), relu)


@pytest.mark.parametrize("relu", [0, 1])
def test_halves_round_up_and_the_clamp_is_exact(relu):
    """Every total around zero and around both clamps, at shifts where many results are exact halves."""
    config = CoreConfig(param_depth=32)
    params = [(0, 1, 1, 0), (3, 1, 2, 0), (0, 3, 2, 1), (-7, 5, 3, 0)]
    check(config, params, [range(-530, 530)] * 2 + [range(-360, 360)] * 2, relu)


@pytest.mark.parametrize("seed", range(4))
def test_random_operands(seed):
    rng = np.random.default_rng(seed)
    config = CoreConfig(param_depth=32)
    params = [(int(rng.integers(-1 << 15, 1 << 15)), int(rng.integers(1 << 15, 1 << 16)), int(rng.integers(18, 28)), int(rng.integers(2)))
              for _ in range(64)]
    check(config, params, [rng.integers(-1 << 17, 1 << 17, 12).tolist() for _ in params], seed % 2)


def test_a_lane_past_the_last_channel_is_dead_whatever_its_parameters_say():
    pattern = [0, 1, 1, 0, 1, 0, 0, 1]
    table = Table([{"awake": 1, "beyond": b} for b in pattern] + [{"beyond": 0}] * (LATENCY + 1))
    trace = run(requantise, lambda: arguments(CoreConfig()), ("value", "dead"), (table,), table.over)
    assert trace["dead"][LATENCY:LATENCY + len(pattern)] == pattern
