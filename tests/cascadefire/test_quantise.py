from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cascadefire import quantise, reference
from cascadefire.cspa.format import pack
from cascadefire.errors import InputError
from cascadefire.quantise import FloatLayer


def test_each_channel_uses_the_whole_range_symmetrically():
    weights = np.array([[0.5, -1.0, 0.0], [0.02, 0.01, 0.0]])
    integers, scale = quantise.quantise_weights(weights)
    assert integers.tolist() == [[64, -127, 0], [127, 64, 0]] and integers.dtype == np.int8
    assert scale == pytest.approx([1 / 127, 0.02 / 127])


def test_dead_and_weak_channels_keep_a_usable_scale():
    integers, scale = quantise.quantise_weights(np.array([[1.0, 1.0], [0, 0], [1e-9, 0]]))
    assert integers[1:].any() == 0 and (scale[1:] == 1 / 4096 / 127).all()
    assert quantise.quantise_weights(np.zeros((1, 3)))[1].tolist() == [1 / 127]


@given(st.integers(0, 2**32 - 1), st.integers(16, 24), st.booleans())
def test_no_channel_can_leave_the_accumulator(seed, bits, signed):
    weights = np.random.default_rng(seed).normal(size=(5, 300)) + np.arange(5)[:, None]
    integers, scale = quantise.quantise_weights(weights, signed, bits)
    low, high = quantise.sum_range(integers, signed)
    assert high.max() < 1 << (bits - 1) and low.min() >= -(1 << (bits - 1))
    assert np.abs(integers * scale[:, None] - weights).max() <= scale.max() * 0.51


@given(st.lists(st.floats(2.0**-31, 2.0**14), min_size=1, max_size=20))
def test_factors_come_back_within_their_precision(factors):
    multiplier, shift = quantise.multiplier_and_shift(factors)
    assert multiplier.dtype == np.uint16 and multiplier.min() >= 32768 and shift.min() >= 1 and shift.max() <= 47
    assert multiplier / 2.0**shift == pytest.approx(np.array(factors), rel=2**-16)


def test_a_factor_that_rounds_up_to_65536_carries():
    multiplier, shift = quantise.multiplier_and_shift([1 - 2**-20, 1.0])
    assert multiplier.tolist() == [32768, 32768] and shift.tolist() == [15, 15]


@pytest.mark.parametrize("factor", [0.0, -1.0, 2.0**15, 2.0**-33])
def test_factors_out_of_reach_are_refused(factor):
    with pytest.raises(InputError, match="^requantisation factors must be from 2"):
        quantise.multiplier_and_shift([1.0, factor])


@pytest.mark.parametrize("signed", [False, True])
def test_the_accumulator_bound_is_met_exactly(make_layer, signed):
    layer = make_layer(np.random.default_rng(5), "conv", "conv", 6, (3, 5, 5), (5, 5), input_signed=signed)
    weights = layer.weights.unpack().reshape(6, 3, 5, 5)
    low, high = quantise.sum_range(layer.weights.unpack(), signed)
    least, most = (-128, 127) if signed else (0, 255)
    for k in range(6):
        for bound, image in ((high[k], np.where(weights[k] > 0, most, least)), (low[k], np.where(weights[k] > 0, least, most))):
            assert reference.accumulate(layer, image[None])[0, k, 0, 0] == bound
    bits = quantise.accumulator_bits(layer)
    assert -(1 << (bits - 1)) <= low.min() and high.max() < 1 << (bits - 1)
    assert not (-(1 << (bits - 2)) <= low.min() and high.max() < 1 << (bits - 2))


@pytest.mark.parametrize("weights, bits", [([0], 1), ([1], 9), ([-1], 9), ([127, 2], 17), ([-127, -1], 16), ([-64, -64], 16)])
def test_accumulator_bits_of_known_weights(make_layer, weights, bits):
    layer = make_layer(np.random.default_rng(0), "fc", "fc", 1, (len(weights), 1, 1))
    assert quantise.accumulator_bits(replace(layer, weights=pack(np.array([weights], np.int8), 4))) == bits


def float_layers(rng):
    conv = FloatLayer("conv", "conv", 6, (3, 3), 1, 1, (2, 2, 0), "relu",
                      rng.normal(size=(6, 1, 3, 3)), rng.normal(size=6) * 0.1, np.full(9, 2))
    fc = FloatLayer("fc", "fc", 5, (1, 1), 1, 0, None, "none",
                    rng.normal(size=(5, 96)), rng.normal(size=5), np.arange(96) % 3)
    return [conv, fc]


def test_a_quantised_network_follows_the_floats():
    rng = np.random.default_rng(6)
    layers = float_layers(rng)
    images = rng.integers(0, 256, (40, 1, 8, 8)).astype(np.uint8)
    network = quantise.quantise("n", "t", (1, 8, 8), layers, 4, images)
    padded = np.pad(images / 255, ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
    conv = np.einsum("ncyxij,kcij->nkyx", windows, layers[0].weights) + layers[0].bias[:, None, None]
    pooled = np.maximum(conv.reshape(40, 6, 4, 2, 4, 2).max(axis=(3, 5)), 0)
    kept = layers[1].weights * ((np.arange(5) // 4)[:, None] < layers[1].counts)
    logits = pooled.reshape(40, -1) @ kept.T + layers[1].bias
    outputs = reference.run(network, images)
    assert np.corrcoef(outputs["conv"].ravel(), pooled.ravel())[0, 1] > 0.9995
    assert np.corrcoef(outputs["fc"].ravel(), logits.ravel())[0, 1] > 0.9995
    assert outputs["conv"].max() == 255 and 120 <= np.abs(outputs["fc"]).max() <= 127
    assert network.layers[0].weights.counts.tolist() == [2] * 9


@pytest.mark.parametrize("change, sentence", [
    ({"weights": np.full((6, 9), np.nan)}, "the weights of conv must be finite, but 54 of 54 values are NaN or infinite"),
    ({"bias": np.full(6, np.inf)}, "the bias of conv must be finite, but 6 of 6 values"),
    ({"bias": np.full(6, 1e6)}, "a bias of conv does not fit 32 bits"),
    ({"counts": np.ones(5, int)}, r"the weights of conv must have 6 channels and one count per row, not .* and 5 counts"),
    ({"weights": np.ones((5, 9))}, r"the weights of conv must have 6 channels and one count per row, not the shape \(5, 9\)"),
    ({"kind": "lstm"}, "layer conv: kind must be one of conv, fc, not 'lstm'"),
])
def test_floats_that_cannot_be_quantised_are_one_sentence(change, sentence):
    layers = float_layers(np.random.default_rng(0))
    with pytest.raises(InputError, match=f"^{sentence}"):
        quantise.quantise("n", "t", (1, 8, 8), [replace(layers[0], **change), layers[1]], 4, np.zeros((2, 1, 8, 8), np.uint8))


@pytest.mark.parametrize("images, bits, sentence", [
    (np.zeros((2, 1, 8, 8)), 24, r"calibration images must be uint8 of the shape \(N, 1, 8, 8\), N from 1, not float64"),
    (np.zeros((2, 8, 8), np.uint8), 24, "calibration images must be uint8"),
    (np.zeros((0, 1, 8, 8), np.uint8), 24, "calibration images must be uint8"),
    (np.zeros((2, 1, 8, 8), np.uint8), 12, "bits must be from 16 to 40, not 12"),
])
def test_calibration_is_checked(images, bits, sentence):
    with pytest.raises(InputError, match=f"^{sentence}"):
        quantise.quantise("n", "t", (1, 8, 8), float_layers(np.random.default_rng(0)), 4, images, bits=bits)
