"""The words of a pass decode back to what went in, and values that do not fit are refused."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cascadefire.compiler import compile, core_config, encode, tokens
from cascadefire.compiler.tiling import tile
from cascadefire.errors import InputError
from tests.cascadefire import random_networks
from tests.cascadefire.executor import Header


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 1 << 32), st.sampled_from([32, 1024]))
def test_header_and_parameters_decode_back(seed, depth):
    net, _ = random_networks.small(seed)
    try:
        config = core_config(net, 1, 8, acc_depth=depth)
    except InputError:
        return
    program = compile(net, config, "csp")
    for index, layer in enumerate(net.layers):
        for number, one in zip(program.layer_passes(index), tile(layer, config).tiles):
            head, it = Header(program.passes[number].words), program.passes[number]
            assert (head.banks, head.drain, head.flatten, head.emit_zeros) == (index > 0, False, layer.kind == "fc", True)
            assert head.relu == (layer.activation == "relu") and (head.kh, head.kw) == layer.kernel and 1 << head.log == layer.stride
            assert head.in_channels == layer.in_shape[0] and head.weights_id == it.weights_id and head.chunks == one.chunks
            assert head.y_offset == layer.pad - one.y.start * layer.stride and head.x_offset == layer.pad - one.x.start * layer.stride
            assert (head.tile_h, head.tile_w, head.fired_h, head.fired_w) == (it.tile_h, it.tile_w, it.fired_h, it.fired_w)
            assert (head.fired_y0, head.fired_x0, head.channels) == (it.fired_y0, it.fired_x0, it.channels)
            assert (head.stride_y, head.stride_x) == (it.tile_w * one.chunks, one.chunks)
            assert (head.pool, head.pool_stride) == (layer.pool or (1, 1))[:2] and head.pool_pad == one.y.pad
            part = slice(it.first_channel, it.first_channel + it.channels)
            for name in ("bias", "multiplier", "shift"):
                assert getattr(head, name) == getattr(layer, name)[part].tolist()
            assert len(it.words) == 11 + it.kernel_positions + 2 * it.channels


def test_fields_that_do_not_fit_are_refused_with_the_layers_name():
    net = random_networks.network(np.random.default_rng(0), (1, 4, 4), [{"channels": 4}])
    config = core_config(net, 1, 4)
    one = tile(net.layers[0], config).tiles[0]
    with pytest.raises(InputError, match="layer0: the repeats must be from 0 to 65535 to fit a program word, not 65536."):
        encode.layer_pass(net.layers[0], one, 0, 65536, 0, 4, np.zeros(4, bool))
    far = dataclasses.replace(one, y=dataclasses.replace(one.y, start=40000))
    with pytest.raises(InputError, match="layer0: the y offset must be from -32768 to 32767"):
        encode.layer_pass(net.layers[0], far, 0, 1, 0, 4, np.zeros(4, bool))


@given(st.integers(0, 1 << 32), st.booleans(), st.sampled_from([5, 8, 10]), st.sampled_from([0.0, 0.2, 1.0]))
def test_tokens_give_their_map_back_and_end_each_channel_once(seed, zeros, bits, density):
    rng = np.random.default_rng(seed)
    values = rng.integers(-128, 256, (4, 5, 6)) * (rng.random((4, 5, 6)) < density)
    stream = tokens.of_map(values, bits, zeros)
    value, y, x, valid, eoc = tokens.unpack(stream, bits)
    assert eoc.sum() == 4 and eoc[-1] and stream.dtype == np.uint32
    assert valid.sum() == (values.size if zeros else np.count_nonzero(values))
    assert len(stream) == valid.sum() + (0 if zeros else 4 - values.any(axis=(1, 2)).sum())
    np.testing.assert_array_equal(tokens.to_map(stream, values.shape, bits), values)
    channel = np.cumsum(eoc) - eoc
    order = list(zip(channel[valid], y[valid], x[valid]))
    assert order == sorted(order)


def test_tokens_that_do_not_make_a_map_are_refused():
    stream = tokens.of_map(np.ones((2, 2, 2), int), 8)
    with pytest.raises(ValueError, match="not a whole multiple of 3"):
        tokens.to_map(stream, (3, 2, 2), 8)
    with pytest.raises(ValueError, match="outside the 1 x 2 map"):
        tokens.to_map(stream, (2, 1, 2), 8)
