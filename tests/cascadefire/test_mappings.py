"""mappings: loads add up whatever the mapping, and known cases load as they must."""
import numpy as np
import pytest

from cascadefire.effectual import layer_work
from cascadefire.mappings import MAPPINGS, imbalance
from tests.cascadefire import random_networks


def layer_and_inputs(seed=1, **spec):
    rng = np.random.default_rng(seed)
    net = random_networks.network(rng, (3, 8, 8), [{"channels": 16, "pad": 1, **spec}])
    return net.layers[0], np.stack([random_networks.image(rng, net) for _ in range(2)])


def test_one_pe_is_always_balanced():
    layer, inputs = layer_and_inputs()
    assert imbalance(layer, inputs, 1, 4) == dict.fromkeys(MAPPINGS, 1.0)


@pytest.mark.parametrize("spec", [{}, {"stride": 2}, {"kernel": (5, 3)}])
def test_the_beats_shared_out_are_the_effectual_beats(spec):
    """The busiest of as many PEs as there are chunks has chunk 0's beats; times the mean these are known."""
    layer, inputs = layer_and_inputs(**spec)
    work = layer_work(layer, inputs, np.zeros((2, *layer.out_shape), int), 4)
    busiest = imbalance(layer, inputs, 4, 4)["filter groups"]
    counts = layer.weights.counts > 0
    first = layer_work(layer, inputs, np.zeros((2, *layer.out_shape), int), 16).beats if counts.any() else 0
    assert busiest * work.beats.sum() / 4 == pytest.approx(first.sum())


def test_a_map_of_one_position_keeps_one_pe_busy_unless_events_are_split():
    rng = np.random.default_rng(2)
    net = random_networks.network(rng, (64, 1, 1), [{"kind": "fc", "channels": 16}])
    image = random_networks.image(rng, net, 1.0)
    loads = imbalance(net.layers[0], image[None], 4, 4)
    assert loads["rows"] == loads["diagonals"] == 4.0
    assert loads["events"] < loads["filter groups"] < 4
