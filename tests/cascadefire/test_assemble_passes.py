"""What saves words, events and weights in passes: live masks, parameters given once, averages over a map."""

import numpy as np
import pytest

from cascadefire.compiler import MODES, modes
from cascadefire.compiler.assemble import accelerator_config
from cascadefire.cspa.format import CompressedLayer
from cascadefire.graph import Term
from tests.cascadefire import random_graphs
from tests.cascadefire.test_assemble import check, fitting


def masked_convolution(make, source, kept, lanes=4):
    """A term of `lanes * chunks` outputs whose rows keep kept[channel] chunks at each of 3 x 3 positions."""
    counts = np.repeat(kept, 9)
    values = make.rng.integers(-127, 128, (counts.sum(), lanes)).astype(np.int8)
    return Term(source, "conv", len(kept), CompressedLayer(counts, values, 3 * lanes, lanes), 0, (3, 3), 1, 1)


@pytest.mark.parametrize("mode", MODES)
def test_channels_without_rows_in_a_tile_are_masked(mode):
    make = random_graphs.Builder(np.random.default_rng(1))
    kept = np.arange(40) % 4
    source = make.input((40, 6, 6))
    graph = make.graph([make.step([masked_convolution(make, source, kept)], (6, 6))])
    config = accelerator_config(graph, 2, 4, weight_depth=32)       # one chunk a tile
    assert config.mask_words == 2
    executable, result = check(graph, make.values(), config, mode)
    assert [one.first_chunk for one in executable.passes] == [0, 1, 2]
    assert [head.masked for head in result.headers] == [modes.skips_chunks(mode)] * 3
    for first, requests in enumerate(result.requests):
        live = kept > first if modes.skips_chunks(mode) else np.ones(40, bool)
        assert requests == list(np.flatnonzero(live))


def test_no_mask_where_all_are_live_or_too_many():
    make = random_graphs.Builder(np.random.default_rng(1))
    source, many = make.input((40, 3, 3)), make.input((80, 3, 3))
    all_live = make.step([masked_convolution(make, source, np.full(40, 3))], (3, 3))
    graph = make.graph([all_live, make.step([masked_convolution(make, many, np.arange(80) % 4)], (3, 3))])
    config = accelerator_config(graph, 2, 4)
    assert config.mask_words == 4
    for words, masked in ((4, [False, True]), (2, [False, False])):
        _, result = check(graph, make.values(), config.replace(mask_words=words), "both")
        assert [head.masked for head in result.headers] == masked


def test_a_pass_in_which_no_channel_is_live():
    make = random_graphs.Builder(np.random.default_rng(1))
    graph = make.graph([make.step([masked_convolution(make, make.input((3, 4, 4)), np.zeros(3, int))], (4, 4))])
    _, result = check(graph, make.values(), accelerator_config(graph, 2, 4), "both")
    assert [(head.masked, requests) for head, requests in zip(result.headers, result.requests)] == [(True, [])]


def test_a_fully_connected_channel_is_live_when_any_of_its_rows_is():
    make = random_graphs.Builder(np.random.default_rng(1))
    counts = np.zeros(3 * 4, int)
    counts[[1, 9]] = 1
    values = np.ones((2, 4), np.int8)
    source = make.input((3, 2, 2))
    graph = make.graph([make.step([Term(source, "fc", 3, CompressedLayer(counts, values, 8, 4))], (1, 1), vector=True)])
    _, result = check(graph, {source: np.ones((3, 2, 2), int)}, accelerator_config(graph, 2, 4), "both")
    assert [head.masked for head in result.headers] == [True]
    assert result.requests == [[0, 1, 2, 3, 8, 9, 10, 11]]


def test_parameters_are_given_once_for_the_tiles_that_share_them():
    make = random_graphs.Builder(np.random.default_rng(1))
    source = make.input((2, 12, 12))
    graph = make.graph([make.step([make.conv(source, 8, (3, 3), 1, 1)[0]], (12, 12)) for _ in range(2)])
    _, result = check(graph, make.values(), accelerator_config(graph, 2, 8, acc_depth=64), "both")
    same = [head.same_parameters for head in result.headers]
    assert len(same) >= 6 and same == ([False] + [True] * (len(same) // 2 - 1)) * 2


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("shape, vector", [((150, 5, 5), True), ((9, 11, 3), False), ((3, 1, 1), False)])
def test_an_average_over_a_map_reads_one_weight_a_channel(shape, vector, mode):
    make = random_graphs.Builder(np.random.default_rng(1))
    source, other = make.input(shape, signed=True), make.input((shape[0], 1, 1))
    a = make.step([make.average(source)[0]], (1, 1), vector=vector)
    b = make.step([make.conv(other, shape[0])[0], make.average(source)[0]], (1, 1), "none", vector=vector)
    graph = make.graph([a, b])
    executable, result = check(graph, make.values(), fitting(graph, (2, 8), acc_depth=32), mode)
    assert executable.config.kernel == 1
    assert [head.folded for head in result.headers] == [one.folded for one in executable.passes]
    assert [one.folded for one in executable.passes if one.step == 0][0]
