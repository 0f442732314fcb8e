from dataclasses import replace

import numpy as np
import pytest

from cascadefire import network
from cascadefire.errors import InputError


def test_shapes_follow_the_floor_rule(tiny):
    conv1, conv2, fc1, fc2 = tiny.layers
    assert conv1.rows == 2 * 3 * 5 and conv1.conv_shape == (6, 7, 5) and conv1.out_shape == (6, 4, 3)
    assert conv2.out_shape == (5, 4, 3) and fc1.rows == 60 and fc1.out_shape == (7, 1, 1) and fc2.rows == 7


def test_density_counts_kept_weights_of_all_layers(tiny):
    kept = sum(layer.weights.kept for layer in tiny.layers)
    assert tiny.density == kept / sum(layer.weights.unpack().size for layer in tiny.layers)


@pytest.mark.parametrize("change, sentence", [
    ({"kind": "lstm"}, "kind must be one of conv, fc, not 'lstm'"),
    ({"activation": "tanh"}, "activation must be one of relu, none, not 'tanh'"),
    ({"channels": 0}, "channels must be a whole number from 1 to 65535, not 0"),
    ({"kernel": (12, 3)}, "kernel height must be a whole number from 1 to 11, not 12"),
    ({"kernel": (3,)}, r"kernel must be \(height, width\), not \(3,\)"),
    ({"stride": 3}, "stride must be one of 1, 2, 4, not 3"),
    ({"pad": 5}, "pad must be a whole number from 0 to 4, not 5"),
    ({"pool": (4, 2, 0)}, "pool kernel must be a whole number from 1 to 3, not 4"),
    ({"pool": (2, 2, 2)}, "pool pad must be a whole number from 0 to 1, not 2"),
    ({"pool": (2, 0, 0)}, "pool stride must be a whole number from 1 to 3, not 0"),
    ({"pool": (2, 2)}, r"pool must be \(kernel, stride, pad\)"),
    ({"in_shape": (2, 9)}, r"in_shape must be \(channels, height, width\), not \(2, 9\)"),
    ({"in_shape": (2, 1, 9), "pad": 0}, "a 3x5 kernel does not fit an input of 1x9 padded by 0"),
    ({"in_shape": (2, 3, 5), "pad": 0, "pool": (2, 2, 0)}, "a 2x2 pool does not fit a convolution of 1x1 padded by 0"),
    ({"in_shape": (3, 11, 9)}, "the weights must be 6 channels of 45 rows, not 6 of 30"),
    ({"channels": 7}, "the weights must be 7 channels of 30 rows, not 6 of 30"),
    ({"bias": np.zeros(6)}, "bias must be int32 with one value for each of 6 channels"),
    ({"bias": np.zeros(5, np.int32)}, "bias must be int32 with one value"),
    ({"multiplier": np.full(6, 100, np.uint16)}, "multiplier must be from 32768 to 65535, not 100 to 100"),
    ({"shift": np.zeros(6, np.uint8)}, "shift must be from 1 to 47, not 0 to 0"),
    ({"shift": np.full(6, 48, np.uint8)}, "shift must be from 1 to 47, not 48 to 48"),
])
def test_a_bad_layer_is_one_sentence_with_its_name(tiny, change, sentence):
    with pytest.raises(InputError, match=f"^layer conv1: {sentence}"):
        replace(tiny.layers[0], **change)


def test_an_fc_layer_has_no_kernel(tiny):
    with pytest.raises(InputError, match="^layer fc1: an fc layer has no kernel, stride, pad or pool$"):
        replace(tiny.layers[2], stride=2)


def test_layers_that_do_not_chain_are_refused(tiny, make_layer):
    rng = np.random.default_rng(0)

    def with_layers(*layers, **change):
        return replace(tiny, layers=list(layers), **change)

    conv1, conv2 = tiny.layers[:2]
    with pytest.raises(InputError, match=r"^layer conv1 takes \(2, 11, 9\), but the input gives \(2, 9, 9\)$"):
        with_layers(conv1, input_shape=(2, 9, 9))
    with pytest.raises(InputError, match=r"^layer fc takes \(6, 4, 4\), but layer conv1 gives \(6, 4, 3\)$"):
        with_layers(conv1, make_layer(rng, "fc", "fc", 3, (6, 4, 4)))
    with pytest.raises(InputError, match="^layer fc takes unsigned values, but layer conv2 gives signed ones$"):
        with_layers(conv1, conv2, make_layer(rng, "fc", "fc", 3, conv2.out_shape))
    with pytest.raises(InputError, match="^two layers are called conv1$"):
        with_layers(conv1, replace(conv2, name="conv1"))
    with pytest.raises(InputError, match="^layer conv1 has chunks of 4 channels, but the network of 8$"):
        with_layers(conv1, chunk=8)
    with pytest.raises(InputError, match="^network tiny has no layers$"):
        with_layers()


def test_images_are_checked(tiny):
    assert network.check_images(tiny, np.zeros((5, 2, 11, 9), np.uint8)).shape == (5, 2, 11, 9)
    with pytest.raises(InputError, match="^images must be uint8, not float64$"):
        network.check_images(tiny, np.zeros((5, 2, 11, 9)))
    with pytest.raises(InputError, match=r"^images for tiny must have the shape \(N, 2, 11, 9\), not \(5, 11, 9\)$"):
        network.check_images(tiny, np.zeros((5, 11, 9), np.uint8))
    signed = replace(tiny, input_signed=True, layers=[replace(tiny.layers[0], input_signed=True)])
    with pytest.raises(InputError, match="^images must be int8, not uint8$"):
        network.check_images(signed, np.zeros((5, 2, 11, 9), np.uint8))
