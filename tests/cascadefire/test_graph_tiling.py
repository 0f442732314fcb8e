"""Tiles of steps: they cover every output once, fit the core, and are cut where it costs least."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cascadefire.compiler.graph_estimate import PASS_CYCLES, StepEstimate, Workload
from cascadefire.compiler.graph_sizing import accelerator_config, map_densities, tilings
from cascadefire.compiler.graph_tiling import cut_chunks
from cascadefire.compiler.tiling import Span
from cascadefire.errors import InputError
from cascadefire.graph import Step, Term
from rtl.config import CoreConfig
from tests.cascadefire import random_graphs


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 1 << 32), st.sampled_from([16, 64, 512]), st.sampled_from([4, 8, 32]))
def test_tiles_cover_every_output_once_and_fit(seed, depth, lanes):
    graph, _ = random_graphs.small(seed)
    try:
        config = accelerator_config(graph, 2, lanes, acc_depth=depth)
    except InputError:
        return
    for step, tiling in zip(graph.steps, tilings(graph, config, "both")):
        total = -(-step.channels // lanes)
        covered = np.zeros((step.fired_shape[0], total), int)
        kernel, stride, pad = step.pool[:3] if step.pool else (1, 1, 0)
        for tile in tiling.tiles:
            covered[tile.fired_y0:tile.fired_y0 + tile.fired_h, tile.first_chunk:tile.first_chunk + tile.chunks] += 1
            assert tile.tile_h * tile.tile_w * tile.chunks <= depth
            assert tile.fired_h == tiling.rows or tile.fired_y0 + tile.fired_h == step.fired_shape[0]
            top = tile.fired_y0 * stride - pad
            assert tile.out_y0 - tile.pad_y == top and tile.out_y0 == max(0, top)
            assert tile.out_y0 + tile.tile_h == min(step.conv_shape[0], top + (tile.fired_h - 1) * stride + kernel)
            for term in step.terms:
                assert 2 * term.kernel[0] * term.kernel[1] * (1 if term.kind == "diagonal" else tile.chunks) <= config.weight_depth
            if graph.maps[step.output].vector:
                assert tile.first_chunk * lanes % 128 == 0
        assert (covered == 1).all()
        order = [(tile.first_chunk, tile.fired_y0) for tile in tiling.tiles]
        assert order == sorted(order)


@pytest.mark.parametrize("total, limit, unit, ranges", [
    (5, 5, 1, [(0, 5)]), (5, 4, 1, [(0, 3), (3, 2)]), (7, 2, 1, [(0, 2), (2, 2), (4, 2), (6, 1)]),
    (38, 20, 16, [(0, 16), (16, 16), (32, 6)]), (38, 37, 16, [(0, 32), (32, 6)]), (10, 10, 16, [(0, 10)])])
def test_ranges_of_chunks_are_few_and_even(total, limit, unit, ranges):
    assert cut_chunks(total, limit, unit) == ranges


def one_step(channels, sides, kernel, in_channels=16):
    make = random_graphs.Builder(np.random.default_rng(0), empty=0.0)
    term, out = make.conv(make.input((in_channels, *sides)), channels, kernel, 1, kernel[0] // 2)
    return make.graph([make.step([term], out)])


def test_a_step_is_one_tile_unless_its_firing_is_long():
    # The second of two tiles multiplies while the first one fires, but the weights are read twice.
    many_weights, few_weights = one_step(64, (8, 8), (3, 3), 64), one_step(16, (64, 8), (1, 1), 2)
    config = accelerator_config(many_weights, 2, 8)
    assert len(tilings(many_weights, config, "both", {"input0": 0.05, "map1": 0.0})[0].tiles) == 1
    assert len(tilings(few_weights, config, "both")[0].tiles) > 1


def test_channels_that_keep_nothing_in_a_tile_cost_nothing():
    term = Term("map0", "conv", 8, None, 0, (3, 3), 1, 1)
    counts = np.zeros((8, 3, 3), int)
    counts[3] = 1
    one = StepEstimate(Step("s", "conv", (term,), 16, (8, 8), *[None] * 3, "relu", "map1"), {"map0": (8, 8, 8)},
                       [Workload(counts, 1.0)], CoreConfig(pes=2), 8, 1.0)
    spans = [Span(0, 8, 0, 8, 0)]
    first, second = one.costs(spans, [(0, 1), (1, 1)], 8).multiply
    # 64 events of the one channel hit all nine positions but at the borders: 22 * 22 beats for two PEs
    assert 242 <= first - PASS_CYCLES < 1.2 * 242 and second == PASS_CYCLES
    only = one.costs(spans, [(1, 1)], 8)
    assert (only.fire[0], only.write[0]) == (64, 8 * (16 + 1)) and only.inside == 0


def test_densities_are_those_given_or_measured_or_a_half():
    make = random_graphs.Builder(np.random.default_rng(0))
    source, other = make.input((2, 4, 4)), make.input((2, 4, 4))
    whole = make.concat(4, (4, 4))
    make.step([make.conv(source, 3)[0]], (4, 4), output=whole)
    make.step([make.conv(other, 1)[0]], (4, 4), output=whole, first=3)
    graph = dataclasses.replace(make.graph([whole]), meta={"steps": {
        "step0": {"input": 0.25, "output": 0.5}, "step1": {"output": 0.1}}})
    assert map_densities(graph, "both") == {source: 0.25, other: 0.5, whole: pytest.approx(0.4)}
    assert map_densities(graph, "both", {other: 2})[other] == 1.0
    assert set(map_densities(graph, "csp").values()) == {1.0}


def test_events_or_weights_are_read_again_whichever_is_cheaper():
    # Few activations and many weights: filter tiles, each weight once. Many activations and few weights: row tiles.
    many_weights, many_events = one_step(128, (8, 8), (3, 3), 64), one_step(8, (64, 16), (3, 3), 64)
    config = accelerator_config(many_weights, 8, 4, acc_depth=256)
    [tiling] = tilings(many_weights, config, "mnf", {"input0": 0.05})
    assert len({tile.fired_y0 for tile in tiling.tiles}) == 1 and len(tiling.tiles) > 1
    config = accelerator_config(many_events, 8, 4, acc_depth=256)
    [tiling] = tilings(many_events, config, "dense")
    assert len({tile.first_chunk for tile in tiling.tiles}) == 1 and len(tiling.tiles) > 1
