"""The compiler against the reference, through an executor that knows only the program's words."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cascadefire import reference
from cascadefire.compiler import MODES, compile, core_config, tokens
from cascadefire.compiler.sizing import ACC_DEPTH
from cascadefire.cspa.format import CompressedLayer
from cascadefire.errors import InputError
from cascadefire.network import Network
from cascadefire.quantise import accumulator_bits
from rtl.config import CoreConfig
from tests.cascadefire import random_networks
from tests.cascadefire.executor import Executor

ARRAYS = [(1, 4), (2, 8), (4, 8), (1, 16), (8, 32)]


def check(net, image, config, mode):
    """Run one image; every output of every layer and the drained map must equal the reference."""
    program = compile(net, config, mode)
    result = Executor(program).run(image)
    expected = reference.run(net, image[None])
    for index, layer in enumerate(net.layers):
        np.testing.assert_array_equal(result.fired[index], expected[layer.name][0], err_msg=f"{layer.name} {mode}")
    drained = tokens.to_map(np.array(result.tokens), net.layers[-1].out_shape, config.coord_bits)
    np.testing.assert_array_equal(drained, expected[net.layers[-1].name][0])
    return program, result


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 1 << 32), st.sampled_from(ARRAYS), st.sampled_from(MODES), st.sampled_from([16, 32, 64, 1024]),
       st.sampled_from([None, 64, 512]))
def test_random_networks_give_the_reference(seed, array, mode, acc_depth, weight_depth):
    net, image = random_networks.small(seed)
    overrides = {} if weight_depth is None else {"weight_depth": weight_depth}
    try:
        config = core_config(net, *array, acc_depth=acc_depth, **overrides)
    except InputError as error:
        assert "padded pooling" in str(error)
        config = core_config(net, *array, **overrides)
    check(net, image, config, mode)


def lenet(rng, image_shape=(1, 14, 14)):
    return random_networks.network(rng, image_shape, [
        {"channels": 12, "kernel": (5, 5), "pool": (2, 2, 0)}, {"channels": 20, "kernel": (3, 3), "pad": 1, "pool": (2, 2, 0)},
        {"channels": 24, "kind": "fc"}, {"channels": 10, "kind": "fc", "activation": "none"}])


@pytest.mark.parametrize("array", ARRAYS)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("acc_depth", [16, 64, 1024])
def test_a_lenet_in_every_mode_and_tiling(array, mode, acc_depth):
    rng = np.random.default_rng(7)
    net = lenet(rng)
    check(net, random_networks.image(rng, net), core_config(net, *array, acc_depth=acc_depth), mode)


def test_filter_tiles_inside_row_tiles_keep_the_channels_of_a_repeat_together():
    rng = np.random.default_rng(1)
    net = random_networks.network(rng, (3, 12, 12), [{"channels": 16}, {"channels": 8}])
    program, _ = check(net, random_networks.image(rng, net), core_config(net, 2, 4, acc_depth=32), "both")
    first = [one for one in program.passes if one.layer == 0]
    assert [(one.out_y0, one.first_channel) for one in first[:5]] == [(0, 0), (0, 4), (0, 8), (0, 12), (3, 0)]
    assert len({one.weights_id for one in first}) == 4
    assert [one.external for one in program.passes] == [True] * len(first) + [False] * (len(program.passes) - len(first))


def test_replay_is_set_on_all_passes_from_the_banks_but_a_layers_last():
    rng = np.random.default_rng(2)
    net = random_networks.network(rng, (2, 8, 8), [{"channels": 8}, {"channels": 16}, {"channels": 8, "kind": "fc"}])
    program = compile(net, core_config(net, 2, 4, acc_depth=32), "mnf")
    for index in range(3):
        flags = [program.passes[i].words[0] & 7 for i in program.layer_passes(index)]
        assert flags == ([0] * len(flags) if index == 0 else [5] * (len(flags) - 1) + [1])
    assert program.passes[-1].words[0] & 7 == 3 and len(program.passes[-1].words) == 11


@pytest.mark.parametrize("mode", MODES)
def test_only_channels_that_no_row_keeps_are_dead_and_only_where_counts_are_real(mode):
    rng = np.random.default_rng(3)
    net = random_networks.network(rng, (1, 6, 6), [{"channels": 8}, {"channels": 8, "empty": 0.9}])
    program = compile(net, core_config(net, 1, 4), mode)
    kept = net.layers[1].weights.counts.reshape(8, -1).any(axis=1)
    dead = [bool(word >> 22 & 1) for word in program.passes[0].words[11 + 9 + 1::2]]
    assert dead == ([not keep for keep in kept] if mode in ("csp", "both") else [False] * 8)
    assert not kept.all() and not any(word >> 22 & 1 for word in program.passes[1].words[11 + 9 + 1::2])


def extreme(rng, rows, weight):
    """Return a fully connected network of `rows` rows whose weights are all `weight`."""
    net = random_networks.network(rng, (rows, 1, 1), [{"channels": 4, "kind": "fc", "empty": 0.0, "extreme": True}])
    kept = CompressedLayer(np.ones(rows, int), np.full((rows, 4), weight, np.int8), 4, 4)
    return Network("random", "extreme", net.input_shape, 4, [dataclasses.replace(net.layers[0], weights=kept)])


@pytest.mark.parametrize("weight", [127, -127])
def test_the_accumulator_bound_is_the_least_that_holds_the_extreme_sum(weight):
    rng, rows = np.random.default_rng(4), 300
    net = extreme(rng, rows, weight)
    bits, worst = accumulator_bits(net.layers[0]), rows * 127 * 255
    assert 1 << (bits - 2) <= worst < 1 << (bits - 1)
    assert core_config(net, 1, 4).acc_bits == max(24, bits)
    check(net, np.full(net.input_shape, 255, np.uint8), core_config(net, 1, 4), "both")


def lone(rng, **spec):
    return random_networks.network(rng, spec.pop("shape", (1, 8, 8)), [spec])


@pytest.mark.parametrize("spec, changes, sentence", [
    ({"kernel": (5, 5)}, {"kernel": 3}, "layer0: its kernel side 5 is more than the core's 3: set kernel to 5."),
    ({"kernel": (5, 5)}, {"weight_depth": 32},
     "layer0: two channels have 50 chunks, but the weight ring holds 32: set weight_depth to at least 64."),
    ({"pool": (1, 2, 0)}, {}, "layer0: the pooling stride must be at most its kernel 1, not 2: the core clears only"),
    ({"pool": (3, 2, 1)}, {"acc_depth": 32},
     "layer0: a padded pooling cannot be cut into spatial tiles: set acc_depth to at least 64."),
    ({"shape": (1, 18, 18)}, {"coord_bits": 4}, "layer0: a map of side 18 is more than coordinates of 4 bits hold: set coord_bits to 5."),
    ({"channels": 64}, {"queue_depth": 128},
     "random may put 592 tokens into an event bank, but the core's hold 103: set queue_depth to 1024."),
    ({"shape": (1024, 1, 1), "kind": "fc", "extreme": True, "empty": 0.0}, {"acc_bits": 20}, "layer0: its partial sums need"),
])
def test_a_core_that_does_not_fit_is_refused_in_one_sentence(spec, changes, sentence):
    net = lone(np.random.default_rng(5), **spec)
    with pytest.raises(InputError) as caught:
        compile(net, core_config(net, 1, 4).replace(**changes), "both")
    assert str(caught.value).startswith(sentence) and str(caught.value).endswith(".")


@pytest.mark.parametrize("field, value", [("pes", 9), ("lanes", 6), ("acc_depth", 100), ("nonsense", 1), ("lanes", "four")])
def test_a_setting_out_of_range_is_refused(field, value):
    net = lone(np.random.default_rng(5))
    with pytest.raises(InputError, match=field):
        core_config(net, **({"pes": 1, "lanes": 4} | {field: value}))


def test_bad_modes_images_and_chunk_widths_are_refused():
    rng = np.random.default_rng(6)
    net = random_networks.network(rng, (1, 4, 4), [{"kernel": (1, 1)}])
    config = core_config(net, 1, 4)
    with pytest.raises(InputError, match="mode must be one of dense, csp, mnf, both, not fast"):
        compile(net, config, "fast")
    program = compile(net, config, "both")
    with pytest.raises(InputError, match="must have the shape"):
        program.input_tokens(np.zeros((1, 4, 5), np.uint8))
    with pytest.raises(InputError, match="whole numbers from 0 to 255"):
        program.input_tokens(np.full((1, 4, 4), -1))
    with pytest.raises(InputError, match="whole numbers"):
        program.input_tokens(np.full((1, 4, 4), np.nan))


def test_the_default_core_serves_every_mode():
    net = lenet(np.random.default_rng(8), (1, 28, 28))
    config = core_config(net, 4, 8)
    assert isinstance(config, CoreConfig) and config.acc_depth == ACC_DEPTH and config.weight_depth == 512 and config.kernel == 5
    assert all(compile(net, config, mode).config == config for mode in MODES)
