"""Channels without weights keep their values when their parameters become small."""
import numpy as np
import pytest

from cascadefire import digits, graph_reference, network
from cascadefire.graph_network import from_network
from fpga.host.constants import with_small_constants


@pytest.mark.parametrize("name", ["mlp", "lenet5", "tiny"])
def test_the_graph_computes_the_same(name):
    graph = from_network(network.load(name))
    small = with_small_constants(graph)
    images = digits.load()[0]
    for index in (0, 3000, 9000):
        image = {"image": images[index][None]}
        before, after = graph_reference.run(graph, image), graph_reference.run(small, image)
        assert all(np.array_equal(before[key], after[key]) for key in before)


def test_biases_of_the_mlp_fit_its_sums():
    step = with_small_constants(from_network(network.load("mlp"))).steps[0]
    assert np.abs(step.bias.astype(np.int64)).max() < 1 << 23
