"""The reference of graphs against plain loops, and against the reference of sequential networks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cascadefire import graph_reference, network, reference
from cascadefire.errors import InputError
from cascadefire.graph_network import from_network
from tests.cascadefire import random_graphs, random_networks


def by_loops(step, maps):
    """Return a step's outputs as the docstrings of Term and Step define them, with Python's integers."""
    sums = np.zeros((step.channels, *step.conv_shape), object)
    for term in step.terms:
        source = maps[term.source].astype(object)
        if term.kind == "fc":
            sums[:, 0, 0] += term.weights.unpack().astype(object) @ source.reshape(-1)
            continue
        _, height, width = source.shape
        kh, kw = term.kernel
        if term.kind == "conv":
            weights = term.weights.unpack().astype(object).reshape(step.channels, term.channels, kh, kw)
        for oy, ox, ky, kx in np.ndindex(*step.conv_shape, kh, kw):
            y, x = oy * term.stride + ky - term.pad, ox * term.stride + kx - term.pad
            if 0 <= y < height and 0 <= x < width:
                pixel = source[term.first:term.first + term.channels, y, x]
                sums[:, oy, ox] += (weights[:, :, ky, kx] @ pixel if term.kind == "conv"
                                    else pixel * term.weights[:, ky, kx].astype(object))
    kernel, stride, pad, (height, width) = step.pool or (1, 1, 0, step.conv_shape)
    low, high = (0, 255) if step.activation == "relu" else (-128, 127)
    result = np.zeros((step.channels, height, width), np.int64)
    for k, y, x in np.ndindex(*result.shape):
        window = sums[k, max(0, y * stride - pad):y * stride - pad + kernel, max(0, x * stride - pad):x * stride - pad + kernel]
        shift = int(step.shift[k])
        value = ((window.max() + int(step.bias[k])) * int(step.multiplier[k]) + (1 << shift - 1)) >> shift
        result[k, y, x] = min(high, max(low, value))
    return result


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 1 << 32))
def test_random_graphs_equal_plain_loops(seed):
    graph, inputs = random_graphs.small(seed)
    maps, outputs = graph_reference.run_steps(graph, inputs)
    for step in graph.steps:
        np.testing.assert_array_equal(outputs[step.name], by_loops(step, maps), err_msg=step.name)
        np.testing.assert_array_equal(maps[step.output][step.first:step.first + step.channels], outputs[step.name])


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1 << 32))
def test_a_sequential_network_has_the_outputs_of_its_layers(seed):
    net, image = random_networks.small(seed)
    expected = reference.run(net, image[None])
    maps = graph_reference.run(from_network(net), {"image": image})
    for name, values in expected.items():
        np.testing.assert_array_equal(maps[name], values[0], err_msg=name)


@pytest.mark.parametrize("name", network.names())
def test_shipped_networks_have_the_outputs_of_their_layers(name):
    net = network.load(name)
    image = np.random.default_rng(1).integers(0, 256, net.input_shape).astype(np.uint8)
    maps = graph_reference.run(from_network(net), {"image": image})
    for layer, values in reference.run(net, image[None]).items():
        np.testing.assert_array_equal(maps[layer], values[0], err_msg=layer)


def test_sums_that_float32_would_round_are_exact():
    rng = np.random.default_rng(2)
    make = random_graphs.Builder(rng, empty=0.0)
    source = make.input((600, 2, 2))
    term, sides = make.conv(source, 4)
    dense = term.weights.values
    dense[:] = 127
    dense[-1] = 1
    name = make.step([term], sides)
    graph = make.graph([name])
    values = np.full((600, 2, 2), 255)
    got = graph_reference.sums(graph.steps[0], {source: values})
    np.testing.assert_array_equal(got[:, 0, 0], term.weights.unpack().astype(np.int64).sum(axis=1) * 255)


def test_bands_of_rows_do_not_show(monkeypatch):
    graph, inputs = random_graphs.small(12)
    expected = graph_reference.run(graph, inputs)
    monkeypatch.setattr(graph_reference, "WORKSPACE", 1)
    for name, values in graph_reference.run(graph, inputs).items():
        np.testing.assert_array_equal(values, expected[name])


def test_wrong_inputs_are_refused():
    make = random_graphs.Builder(np.random.default_rng(0))
    source = make.input((2, 3, 4))
    term, sides = make.conv(source, 4)
    graph = make.graph([make.step([term], sides)])
    with pytest.raises(InputError, match="graph random takes the inputs input0, not none"):
        graph_reference.run(graph, {})
    with pytest.raises(InputError, match=r"the map input0 must have the shape \(2, 3, 4\), not \(2, 3, 3\)"):
        graph_reference.run(graph, {source: np.zeros((2, 3, 3), int)})
    with pytest.raises(InputError, match="the map input0 must hold whole numbers from 0 to 255"):
        graph_reference.run(graph, {source: np.full((2, 3, 4), -1)})
    with pytest.raises(InputError, match="whole numbers"):
        graph_reference.run(graph, {source: np.zeros((2, 3, 4))})
