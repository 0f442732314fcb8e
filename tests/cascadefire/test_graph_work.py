"""The work of steps against the sequential count, and against a count by hand loops where there are several terms."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cascadefire import effectual, graph_reference, reference
from cascadefire.compiler import MODES
from cascadefire.cspa.format import CompressedLayer
from cascadefire.errors import InputError
from cascadefire.graph import Graph, Map, Step, Term
from cascadefire.graph_network import from_network
from cascadefire.graph_work import graph_work
from tests.cascadefire import random_networks

LANES = 4


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 1 << 32), st.sampled_from([4, 8, 32]), st.sampled_from(MODES))
def test_a_sequential_network_has_the_work_of_its_layers(seed, lanes, mode):
    net, image = random_networks.small(seed)
    outputs = reference.run(net, image[None])
    graph = from_network(net)
    maps = graph_reference.run(graph, {"image": image})
    for step, one, other in zip(graph.steps, graph_work(graph, maps, lanes, mode),
                                effectual.network_work(net, [image[None], *outputs.values()], lanes, mode)):
        got = (one.events, one.beats, one.rows_met, one.events_in, one.events_out)
        wanted = (other.events, other.beats, other.rows_met, other.events, other.events_out)
        assert got == tuple(int(values[0]) for values in wanted), step.name
        assert one.weight_bytes == int(other.weight_bytes[0])
        assert one.compulsory_bytes == one.weight_bytes + 2 * (one.events_in + one.events_out)


def compressed(rng, channels, rows):
    total = -(-channels // LANES)
    counts = rng.integers(0, total + 1, rows)
    values = rng.integers(-127, 128, (counts.sum(), LANES)).astype(np.int8)
    short = channels % LANES
    if short:
        values[np.cumsum(counts)[counts == total] - 1, short:] = 0
    return CompressedLayer(counts, values, channels, LANES)


def step_of(name, terms, channels, conv_shape, output, first=0, pool=None):
    return Step(name, name, terms, channels, conv_shape, np.zeros(channels, np.int32), np.ones(channels, np.uint16),
                np.full(channels, 6, np.uint8), "relu", output, first, pool)


def branches(rng):
    """A graph of a convolution with an overlapping pooling beside a strided depthwise one, joined to one map, a residual addition
    with a convolution of half of its channels, and a fully connected layer."""
    maps = {name: Map(name, shape) for name, shape in (("image", (3, 9, 8)), ("joined", (8, 3, 3)), ("sum", (8, 3, 3)))}
    maps["logits"] = Map("logits", (6, 1, 1), vector=True)
    depthwise = rng.integers(1, 9, (3, 2, 2)).astype(np.int8)
    steps = (
        step_of("left", (Term("image", "conv", 3, compressed(rng, 5, 27), kernel=(3, 3), pad=1),), 5, (9, 8), "joined",
                pool=(3, 3, 1, (3, 3))),
        step_of("right", (Term("image", "diagonal", 3, depthwise, kernel=(2, 2), stride=4, pad=1),), 3, (3, 3), "joined", first=5),
        step_of("sum", (Term("joined", "diagonal", 8, np.full((8, 1, 1), 64, np.int8)),
                        Term("joined", "conv", 4, compressed(rng, 8, 4 * 9), first=2, kernel=(3, 3), pad=1)), 8, (3, 3), "sum"),
        step_of("logits", (Term("sum", "fc", 8, compressed(rng, 6, 72)),), 6, (1, 1), "logits"),
    )
    return Graph("branches", "Branches", maps, ("image",), ("logits",), steps, LANES)


def branches_and_image():
    """That graph and an input, the same wherever a bench runs it, so that its simulators are built once."""
    rng = np.random.default_rng(4)
    image = rng.integers(0, 256, (3, 9, 8)) * (rng.random((3, 9, 8)) < 0.6)
    return branches(rng), {"image": image.astype(np.int16)}


def by_hand(graph, step, maps):
    """Return (beats, rows met) of a step by the definition, one event and one output at a time."""
    pool = step.pool or (1, 1, 0, step.conv_shape)
    used = [{i for f in range(fired) for i in range(f * pool[1] - pool[2], f * pool[1] - pool[2] + pool[0]) if 0 <= i < size}
            for fired, size in zip(step.fired_shape, step.conv_shape)]
    beats, met = 0, set()
    for number, term in enumerate(step.terms):
        values = maps[term.source][term.first:term.first + term.channels]
        for c, y, x in zip(*np.nonzero(values)):
            if term.kind == "fc":
                rows = [(c * values.shape[1] + y) * values.shape[2] + x]
            else:
                rows = [(c * term.kernel[0] + ky) * term.kernel[1] + kx for oy in used[0] for ox in used[1]
                        for ky, kx in [(y + term.pad - oy * term.stride, x + term.pad - ox * term.stride)]
                        if 0 <= ky < term.kernel[0] and 0 <= kx < term.kernel[1]]
            counts = np.ones(term.weights.size, int) if term.kind == "diagonal" else term.weights.counts
            beats += sum(counts[row] for row in rows)
            if counts.reshape(len(values), -1)[c].any():
                met |= {(number, row) for row in rows}
    return beats, len(met)


@pytest.mark.parametrize("seed", range(8))
def test_terms_that_share_channels_are_counted_by_the_definition(seed):
    rng = np.random.default_rng(seed)
    graph = branches(rng)
    maps = graph_reference.run(graph, {"image": rng.integers(0, 256, (3, 9, 8)) * (rng.random((3, 9, 8)) < 0.6)})
    works = graph_work(graph, maps, LANES)
    for step, work in zip(graph.steps, works):
        assert (work.beats, work.rows_met) == by_hand(graph, step, maps), step.name
    assert works[2].events_in == np.count_nonzero(maps["joined"]), "the residual term reads them all"
    assert works[2].events > works[2].events_in
    assert works[3].events_out == np.count_nonzero(maps["logits"])


def test_arguments_that_do_not_fit_are_refused():
    graph = branches(np.random.default_rng(0))
    maps = graph_reference.run(graph, {"image": np.ones((3, 9, 8), int)})
    with pytest.raises(InputError, match="the mode must be one of"):
        graph_work(graph, maps, LANES, "sparse")
    with pytest.raises(InputError, match=r"the map sum must have the shape \(8, 3, 3\), but it is missing"):
        graph_work(graph, {name: one for name, one in maps.items() if name != "sum"}, LANES)
    with pytest.raises(InputError, match=r"not \(3, 9, 9\)"):
        graph_work(graph, maps | {"image": np.zeros((3, 9, 9))}, LANES)
    with pytest.raises(InputError, match="chunks of 4 channels cannot be regrouped to 6 lanes"):
        graph_work(graph, maps, 6)
