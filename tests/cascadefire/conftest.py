"""Small networks with random integers, for the tests of this folder."""

import numpy as np
import pytest
from hypothesis import settings

from cascadefire.cspa.format import pack
from cascadefire.network import Layer, Network, row_count

settings.register_profile("patient", deadline=None)  # a busy machine must not fail a property
settings.load_profile("patient")


def build_layer(rng, name, kind, channels, in_shape, kernel=(1, 1), stride=1, pad=0, pool=None, activation="relu",
                input_signed=False, chunk=4):
    rows = row_count(kind, kernel, in_shape)
    total = -(-channels // chunk)
    counts = rng.integers(0, total + 1, rows)
    dense = rng.integers(-127, 128, (channels, rows)) * ((np.arange(channels) // chunk)[:, None] < counts)
    return Layer(name, kind, channels, kernel, stride, pad, pool, activation, in_shape,
                 pack(dense.astype(np.int8), chunk, counts), rng.integers(-2000, 2000, channels).astype(np.int32),
                 rng.integers(32768, 65536, channels).astype(np.uint16),
                 rng.integers(20, 24, channels).astype(np.uint8), input_signed)


@pytest.fixture
def make_layer():
    """The function that builds a random layer."""
    return build_layer


@pytest.fixture
def tiny():
    """A network of two convolutions and two fully connected layers: every kind, a stride, both activations, a padded pool."""
    rng = np.random.default_rng(3)
    layers = [build_layer(rng, "conv1", "conv", 6, (2, 11, 9), (3, 5), 2, 2, (3, 2, 1))]
    layers.append(build_layer(rng, "conv2", "conv", 5, layers[-1].out_shape, (1, 1), activation="none"))
    layers.append(build_layer(rng, "fc1", "fc", 7, layers[-1].out_shape, input_signed=True))
    layers.append(build_layer(rng, "fc2", "fc", 3, layers[-1].out_shape, activation="none"))
    return Network("tiny", "A tiny network", (2, 11, 9), 4, layers, meta={"note": "random"})
