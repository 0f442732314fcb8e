"""Tiles: every output fired once, every partial sum a window reads is in its tile, and nothing more."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cascadefire.compiler.tiling import ceil_power, tile
from cascadefire.errors import InputError
from rtl.config import CoreConfig
from tests.cascadefire import random_networks


@st.composite
def layers(draw):
    rng = np.random.default_rng(draw(st.integers(0, 1 << 32)))
    kernel = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    pad, stride = draw(st.integers(0, max(kernel) - 1)), draw(st.sampled_from([1, 2, 4]))
    shape = (1, draw(st.integers(kernel[0], 20)), draw(st.integers(kernel[1], 20)))
    sides = [(side + 2 * pad - k) // stride + 1 for side, k in zip(shape[1:], kernel)]
    pool = None
    if draw(st.booleans()):
        k = draw(st.integers(1, min(3, *sides)))
        pool = (k, draw(st.integers(1, k)), draw(st.integers(0, k - 1)))
    return random_networks.layer(rng, "conv", shape, channels=draw(st.integers(1, 40)), kernel=kernel, stride=stride, pad=pad, pool=pool)


def window(position, pool, size):
    """Return the convolution outputs along one axis that an output after pooling reads."""
    k, stride, pad = pool
    return {i for i in range(position * stride - pad, position * stride - pad + k) if 0 <= i < size}


@settings(max_examples=300, deadline=None)
@given(layers(), st.sampled_from([16, 32, 128, 1024]), st.sampled_from([4, 16]), st.sampled_from([32, 512]), st.sampled_from([4, 64]))
def test_tiles_fire_each_output_once_and_hold_just_what_the_windows_read(layer, depth, lanes, weight_depth, params):
    config = CoreConfig(lanes=lanes, fire_lanes=lanes, weight_bytes=4, acc_depth=depth, weight_depth=weight_depth,
                        param_depth=params, kernel=4)
    try:
        tiling = tile(layer, config)
    except InputError as error:
        assert layer.pool and layer.pool[2] and "padded pooling" in str(error) or "set acc_depth" in str(error)
        return
    pool, (_, height, width) = layer.pool or (1, 1, 0), layer.conv_shape
    fired = np.zeros((-(-layer.channels // lanes), *layer.out_shape[1:]), int)
    for one in tiling.tiles:
        assert one.y.size * one.x.size * one.chunks <= depth and 1 <= one.chunks <= min(255, params)
        assert 2 * one.chunks * layer.kernel[0] * layer.kernel[1] <= weight_depth
        fired[one.first_chunk:one.first_chunk + one.chunks, one.y.fired_start:one.y.fired_start + one.y.fired,
              one.x.fired_start:one.x.fired_start + one.x.fired] += 1
        for axis, size in ((one.y, height), (one.x, width)):
            read = set().union(*(window(axis.fired_start + i, pool, size) for i in range(axis.fired)))
            assert (min(read), max(read)) == (axis.start, axis.start + axis.size - 1)
            assert axis.fired_start * pool[1] - pool[2] + axis.pad == axis.start
    assert (fired == 1).all()
    assert tiling.spatial == len({(one.y, one.x) for one in tiling.tiles}) and len(tiling.tiles) % tiling.spatial == 0


def test_chunks_are_cut_before_rows_and_rows_before_columns():
    layer = random_networks.layer(np.random.default_rng(0), "conv", (1, 18, 18), channels=16, kernel=(3, 3))
    shapes = {}
    for depth in (1024, 512, 256, 64, 16):
        tiling = tile(layer, CoreConfig(lanes=4, fire_lanes=4, weight_bytes=4, acc_depth=depth))
        shapes[depth] = tiling.spatial, tiling.chunks, max((one.y.size, one.x.size) for one in tiling.tiles)
    assert shapes == {1024: (1, 4, (16, 16)), 512: (1, 2, (16, 16)), 256: (1, 1, (16, 16)), 64: (4, 1, (4, 16)), 16: (16, 1, (1, 16))}
    wide = random_networks.layer(np.random.default_rng(0), "conv", (1, 3, 22), channels=4, kernel=(3, 3))
    assert tile(wide, CoreConfig(lanes=4, fire_lanes=4, weight_bytes=4, acc_depth=16)).spatial == 2


def test_the_weight_ring_holds_two_channels():
    layer = random_networks.layer(np.random.default_rng(0), "conv", (1, 4, 4), channels=64, kernel=(3, 3))
    for depth, chunks in ((512, 16), (256, 8), (64, 3), (32, 1)):   # of 16 chunks, 9 positions each: 14 fit twice, in two even ranges 8
        tiles = tile(layer, CoreConfig(lanes=4, fire_lanes=4, weight_bytes=4, weight_depth=depth)).tiles
        assert max(one.chunks for one in tiles) == chunks, depth


def test_parameters_that_do_not_fit_are_refused():
    layer = random_networks.layer(np.random.default_rng(0), "conv", (1, 4, 4))
    with pytest.raises(InputError, match="one chunk has 8 groups of 1 output channels, but the core holds the parameters of 4: "
                                         "set param_depth to at least 8."):
        tile(layer, CoreConfig(lanes=8, fire_lanes=1, param_depth=4))


def test_powers_of_two():
    assert [ceil_power(value) for value in (1, 2, 3, 4, 5, 1000)] == [1, 2, 4, 4, 8, 1024]
