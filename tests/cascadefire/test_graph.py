"""What a graph refuses, and its small questions."""

import dataclasses

import numpy as np
import pytest

from cascadefire.errors import InputError
from cascadefire.graph import Graph, Map
from cascadefire.graph_network import from_network
from cascadefire.network import Network
from tests.cascadefire import random_graphs
from tests.cascadefire.random_networks import network


def parts():
    """A graph of a convolution with pooling, a depthwise one and a fully connected layer."""
    make = random_graphs.Builder(np.random.default_rng(4))
    source = make.input((3, 9, 8))
    a = make.step(*_one(make.conv(source, 6, (3, 3), 1, 1)), pool=(2, 2, 0, True))
    b = make.step(*_one(make.diagonal(a, (3, 3), 1, 1)))
    c = make.step(*_one(make.fc(b, 5)), vector=True)
    return make.graph([c]), make


def _one(made):
    return [made[0]], made[1]


def changed(graph, index, **changes):
    steps = list(graph.steps)
    steps[index] = dataclasses.replace(steps[index], **changes)
    return dataclasses.replace(graph, steps=tuple(steps))


def changed_term(graph, index, **changes):
    return changed(graph, index, terms=(dataclasses.replace(graph.steps[index].terms[0], **changes),))


def test_readers_and_writers():
    graph, _ = parts()
    first, second, third = graph.steps
    assert graph.writers(first.output) == [first]
    assert graph.readers(first.output) == [(second, second.terms[0])]
    assert graph.readers(third.output) == [] and graph.writers("input0") == []
    assert first.fired_shape == (5, 4) and second.fired_shape == (5, 4)


@pytest.mark.parametrize("changes, sentence", [
    ({"name": "step1"}, "two steps are called step1"),
    ({"activation": "tanh"}, "activation must be one of relu, none"),
    ({"activation": "none"}, "does not give the values of the unsigned map"),
    ({"output": "nowhere"}, "step step0: there is no map called nowhere"),
    ({"output": "input0"}, "the map input0 is an input, which no step may write"),
    ({"pool": (4, 4, 0, (5, 4))}, "a pool has a kernel of 1..3"),
    ({"pool": (2, 3, 0, (5, 4))}, "a stride of 1 to the kernel"),
    ({"pool": (2, 2, 0, (6, 4))}, "it gives"),
    ({"conv_shape": (8, 8)}, "a pooling window lies outside the 8 x 8 map: 5 x 4 outputs are too many"),
    ({"first": 1}, "channels 1 to 6 are not all in the map"),
    ({"bias": np.zeros(6)}, "bias must be int32 with one value a channel"),
    ({"shift": np.zeros(6, np.uint8)}, "shift must be from 1 to 47"),
    ({"terms": ()}, "a step has at least one term"),
])
def test_wrong_steps_are_refused(changes, sentence):
    graph, _ = parts()
    with pytest.raises(InputError, match=sentence):
        changed(graph, 0, **changes)


@pytest.mark.parametrize("index, changes, sentence", [
    (0, {"source": "nothing"}, "step step0: there is no map called nothing"),
    (0, {"source": "map2"}, "the map map2 is read before it is written"),
    (0, {"kind": "dense"}, "a term must be one of conv, fc, diagonal"),
    (0, {"stride": 3}, "a stride must be one of 1, 2, 4"),
    (0, {"kernel": (3, 12)}, "its weights must be|two sides of 1..11"),
    (0, {"channels": 2}, "its weights must be 6 channels of 18 rows, not 6 of 27"),
    (0, {"first": 1}, "channels 1 to 3 are not all in the map"),
    (1, {"weights": np.zeros((6, 2, 3), np.int8)}, "diagonal weights must be int8"),
    (1, {"channels": 5, "weights": np.zeros((5, 3, 3), np.int8)}, "a diagonal term of 5 channels cannot give 6"),
    (2, {"pad": 1}, "an fc term has no kernel, stride, pad or pool"),
])
def test_wrong_terms_are_refused(index, changes, sentence):
    graph, _ = parts()
    with pytest.raises(InputError, match=sentence):
        changed_term(graph, index, **changes)


def test_wrong_maps_are_refused():
    graph, _ = parts()
    with pytest.raises(InputError, match="has no map called lost"):
        dataclasses.replace(graph, outputs=("lost",))
    for wrong, sentence in ((Map("other", (3, 9, 8)), "is listed as input0"), (Map("input0", (3, 9)), "three sides"),
                            (Map("input0", (3, 9, 8), vector=True), r"must have the shape \(K, 1, 1\)")):
        with pytest.raises(InputError, match=sentence):
            dataclasses.replace(graph, maps=graph.maps | {"input0": wrong})
    with pytest.raises(InputError, match="can only be read by fc terms"):
        dataclasses.replace(graph, maps=graph.maps | {"input0": Map("input0", (3, 1, 1), vector=True)})
    with pytest.raises(InputError, match="has no steps"):
        Graph("empty", "", {}, (), (), (), 4)


def test_channels_written_twice_are_refused():
    make = random_graphs.Builder(np.random.default_rng(4))
    source = make.input((3, 4, 4))
    output = make.concat(7, (4, 4))
    make.step(*_one(make.conv(source, 4)), output=output)
    make.step(*_one(make.conv(source, 4)), output=output, first=3)
    with pytest.raises(InputError, match="channels 3 to 6 of the map map1 are written twice"):
        make.graph([output])


def test_a_network_becomes_a_chain_of_steps():
    net = network(np.random.default_rng(0), (2, 9, 9), [
        {"channels": 5, "pool": (3, 2, 1)}, {"channels": 7, "kind": "fc"}, {"channels": 3, "kind": "fc", "activation": "none"}])
    graph = from_network(net)
    assert [step.name for step in graph.steps] == ["layer0", "layer1", "layer2"]
    assert [step.label for step in graph.steps] == ["conv", "fc", "fc"]
    assert graph.inputs == ("image",) and graph.outputs == ("layer2",)
    assert graph.steps[0].pool == (3, 2, 1, net.layers[0].out_shape[1:])
    assert [graph.maps[name].vector for name in ("image", "layer0", "layer1", "layer2")] == [False, False, True, True]
    assert graph.maps["layer2"].signed and not graph.maps["layer1"].signed


def test_a_convolution_after_a_fully_connected_layer_reads_a_plain_map():
    graph = from_network(network(np.random.default_rng(0), (2, 5, 5), [
        {"channels": 5, "kind": "fc"}, {"channels": 3, "kernel": (1, 1)}]))
    assert not graph.maps["layer0"].vector and not graph.maps["layer1"].vector


def test_a_pooling_with_gaps_is_refused():
    net = network(np.random.default_rng(0), (2, 9, 9), [{"channels": 5, "pool": (2, 3, 0)}])
    with pytest.raises(InputError, match="layer0: the pooling stride must be at most its kernel 2, not 3"):
        from_network(Network(net.name, net.title, net.input_shape, net.chunk, net.layers))
