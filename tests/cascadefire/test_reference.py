from dataclasses import replace

import numpy as np
import pytest

from cascadefire import reference
from cascadefire.errors import InputError


def naive(layer, image):
    """One layer on one image, index by index in Python integers."""
    channels, height, width = layer.conv_shape
    kernel, stride, pad = layer.kernel, layer.stride, layer.pad
    weights = layer.weights.unpack()
    sums = {}
    for k in range(channels):
        for oy in range(height):
            for ox in range(width):
                total, row = 0, 0
                for c in range(layer.in_shape[0]):
                    for ky in range(kernel[0] if layer.kind == "conv" else layer.in_shape[1]):
                        for kx in range(kernel[1] if layer.kind == "conv" else layer.in_shape[2]):
                            y, x = oy * stride + ky - pad, ox * stride + kx - pad
                            if 0 <= y < layer.in_shape[1] and 0 <= x < layer.in_shape[2]:
                                total += int(weights[k, row]) * int(image[c, y, x])
                            row += 1
                sums[k, oy, ox] = total
    pool = layer.pool or (1, 1, 0)
    output = np.zeros(layer.out_shape, int)
    for k, py, px in np.ndindex(*layer.out_shape):
        top, left = py * pool[1] - pool[2], px * pool[1] - pool[2]
        places = [(k, top + dy, left + dx) for dy in range(pool[0]) for dx in range(pool[0])]
        window = [sums[place] for place in places if place in sums]
        shift = int(layer.shift[k])
        value = ((max(window) + int(layer.bias[k])) * int(layer.multiplier[k]) + 2 ** (shift - 1)) >> shift
        output[k, py, px] = min(max(value, 0), 255) if layer.activation == "relu" else min(max(value, -128), 127)
    return output


def test_a_network_equals_the_naive_loops(tiny):
    images = np.random.default_rng(1).integers(0, 256, (3, 2, 11, 9)).astype(np.uint8)
    outputs = reference.run(tiny, images, batch=2)
    for n, x in enumerate(images):
        for layer in tiny.layers:
            x = naive(layer, x)
            assert (outputs[layer.name][n] == x).all(), layer.name
    assert {output.dtype for output in outputs.values()} == {np.dtype(np.int16)}
    assert all(len(np.unique(output)) > 3 for output in outputs.values())


@pytest.mark.parametrize("kernel, stride, pad, pool, side", [
    ((11, 11), 4, 2, (3, 2, 0), 35), ((3, 3), 1, 1, (3, 1, 1), 6), ((1, 1), 2, 0, (2, 1, 1), 5), ((2, 4), 1, 3, (1, 2, 0), 5),
    ((5, 5), 2, 0, (3, 3, 2), 12),
])
def test_geometries_equal_the_naive_loops(make_layer, kernel, stride, pad, pool, side):
    rng = np.random.default_rng(2)
    layer = make_layer(rng, "conv", "conv", 3, (2, side, side + 1), kernel, stride, pad, pool)
    image = rng.integers(0, 256, layer.in_shape)
    sums = reference.pool_max(reference.accumulate(layer, image[None]), layer.pool)
    assert (reference.requantise(layer, sums)[0] == naive(layer, image)).all()


def test_a_large_map_is_done_in_bands(make_layer, monkeypatch):
    rng = np.random.default_rng(4)
    layer = make_layer(rng, "conv", "conv", 3, (2, 9, 8), (3, 3), 1, 1)
    images = rng.integers(0, 256, (2, 2, 9, 8))
    whole = reference.accumulate(layer, images)
    monkeypatch.setattr(reference, "WORKSPACE", 1)
    assert (reference.accumulate(layer, images) == whole).all()


@pytest.mark.parametrize("activation, sums, expected", [
    ("none", [1, -1, 2, -2, 3, -3, 254, 255, -256, -300, 10**6], [1, 0, 1, -1, 2, -1, 127, 127, -128, -128, 127]),
    ("relu", [1, -1, -3, 509, 510, 511, 10**6], [1, 0, 0, 255, 255, 255, 255]),
])
def test_halves_round_up_and_the_ends_clamp(make_layer, activation, sums, expected):
    layer = make_layer(np.random.default_rng(0), "fc", "fc", 1, (1, 1, 1), activation=activation)
    half = replace(layer, bias=np.zeros(1, np.int32), multiplier=np.array([32768], np.uint16), shift=np.array([16], np.uint8))
    assert reference.requantise(half, np.array(sums)[:, None, None, None]).ravel().tolist() == expected


def test_extreme_bias_multiplier_and_shift_stay_exact(make_layer):
    layer = make_layer(np.random.default_rng(0), "fc", "fc", 2, (1, 1, 1), activation="none")
    layer = replace(layer, bias=np.array([2**31 - 1, -2**31], np.int32), multiplier=np.full(2, 65535, np.uint16),
                    shift=np.full(2, 47, np.uint8))
    sums = np.array([2**31, -2**31])[None, :, None, None]
    exact = [((int(s) + int(b)) * 65535 + 2**46) >> 47 for s, b in zip(sums.ravel(), layer.bias)]
    assert reference.requantise(layer, sums).ravel().tolist() == exact


def test_images_and_batch_are_checked(tiny):
    with pytest.raises(InputError, match="^images must be uint8, not int64$"):
        reference.run(tiny, np.zeros((1, 2, 11, 9), int))
    with pytest.raises(InputError, match="^images for tiny must have the shape"):
        reference.run(tiny, np.zeros((1, 2, 11, 8), np.uint8))
    with pytest.raises(InputError, match="^batch must be a whole number from 1, not 0$"):
        reference.run(tiny, np.zeros((1, 2, 11, 9), np.uint8), batch=0)


def test_no_images_give_no_outputs(tiny):
    none = np.zeros((0, 2, 11, 9), np.uint8)
    assert reference.run(tiny, none)["fc2"].shape == (0, 3, 1, 1) and reference.predict(tiny, none).shape == (0,)


def test_the_first_of_equal_logits_is_predicted(tiny):
    images = np.random.default_rng(1).integers(0, 256, (4, 2, 11, 9)).astype(np.uint8)
    logits = reference.run(tiny, images)["fc2"][:, :, 0, 0]
    assert reference.predict(tiny, images).tolist() == [row.tolist().index(row.max()) for row in logits]
