"""The compiler of graphs against the reference, through an interpreter that knows only the memory image."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cascadefire import network
from cascadefire.compiler import MODES, modes
from cascadefire.compiler.assemble import accelerator_config, assemble, dead_channels
from cascadefire.cspa.format import CompressedLayer
from cascadefire.errors import InputError
from cascadefire.graph import Map, Step, Term
from cascadefire.graph_network import from_network
from cascadefire.graph_reference import run
from tests.cascadefire import random_graphs
from tests.cascadefire.interpreter import Interpreter

ARRAYS = [(1, 4), (2, 8), (4, 8), (1, 16), (8, 32)]


def check(graph, inputs, config, mode, **options):
    """Run one image; every map in memory must equal the reference, but for dead channels, which have no events."""
    executable = assemble(graph, config, mode, **options)
    memory = executable.memory.copy()
    for name, values in inputs.items():
        executable.fill(memory, name, values)
        np.testing.assert_array_equal(executable.read(memory, name), values)
    result = Interpreter(config).run(memory, executable.program, executable.length)
    expected = run(graph, inputs)
    for step in graph.steps:
        expected[step.output][step.first:step.first + step.channels][dead_channels(graph, step, mode)] = 0
    for name, values in expected.items():
        np.testing.assert_array_equal(executable.read(result.memory, name), values, err_msg=f"{name} {mode}")
    assert len(executable.passes) == len(result.headers)
    for record, head in zip(executable.passes, result.headers):
        assert record.folded or (record.tile_h, record.tile_w) == (head.tile_h, head.tile_w)
        assert record.channels == head.channels
        assert record.fires == (head.channels > 0)
    return executable, result


def fitting(graph, array, **overrides):
    """Return the accelerator, with acc_depth as small as asked for or the least that its refusal names."""
    try:
        return accelerator_config(graph, *array, **overrides)
    except InputError as error:
        assert "set acc_depth to at least " in str(error)
        least = int(str(error).rsplit(" ", 1)[1].rstrip("."))
        return fitting(graph, array, **(overrides | {"acc_depth": least}))


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 1 << 32), st.sampled_from(ARRAYS), st.sampled_from(MODES), st.sampled_from([16, 64, 256, 4096]),
       st.sampled_from([None, 2, 4]))
def test_random_graphs_give_the_reference(seed, array, mode, acc_depth, weight_bytes):
    graph, inputs = random_graphs.small(seed)
    overrides = {} if weight_bytes is None else {"weight_bytes": weight_bytes}
    check(graph, inputs, fitting(graph, array, acc_depth=acc_depth, **overrides), mode)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", network.names())
def test_shipped_networks_give_the_reference(name, mode):
    graph, rng = from_network(network.load(name)), np.random.default_rng(5)
    shape = graph.maps["image"].shape
    image = rng.integers(0, 256, shape) * (rng.random(shape) < 0.2)
    check(graph, {"image": image}, accelerator_config(graph, 4, 8), mode)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kernel, stride, pad", [((11, 11), 4, 2), ((7, 7), 2, 3), ((1, 1), 2, 0), ((5, 1), 1, 4)])
def test_large_kernels_and_strides_in_row_tiles(kernel, stride, pad, mode):
    make = random_graphs.Builder(np.random.default_rng(3))
    source = make.input((3, 30, 23), signed=True)
    term, sides = make.conv(source, 12, kernel, stride, pad)
    graph = make.graph([make.step([term], sides, pool=(3, 2, 1, True))])
    config = fitting(graph, (2, 4), acc_depth=16)
    executable, _ = check(graph, make.values(), config, mode)
    assert len({one.fired_y0 for one in executable.passes}) > 1


def residual(rng, empty=0.3):
    """A graph of a convolution, and one that adds it to the input's shortcut, on a map of 12 x 12."""
    make = random_graphs.Builder(rng, empty=empty)
    source = make.input((8, 12, 12))
    inside = make.step([make.conv(source, 8, (3, 3), 1, 1)[0]], (12, 12))
    return make, make.graph([make.step([make.conv(inside, 8, (3, 3), 1, 1)[0], make.diagonal(source)[0]], (12, 12))])


def test_the_terms_of_a_tile_follow_one_another_and_the_last_fires():
    make, graph = residual(np.random.default_rng(1))
    executable, result = check(graph, make.values(), accelerator_config(graph, 2, 4, acc_depth=128), "both")
    second = [one for one in executable.passes if one.step == 1]
    assert len(second) >= 4 and [one.fires for one in second] == [False, True] * (len(second) // 2)
    assert [one.term for one in second] == [1, 0] * (len(second) // 2)          # the older map, the input, first
    assert [one.channels for one in second[::2]] == [0] * (len(second) // 2)
    assert executable.passes[-1].fires and [head.end for head in result.headers] == [False] * (len(second) * 3 // 2 - 1) + [True]


def test_a_diagonal_term_reads_the_channels_of_its_tile_only():
    make, graph = residual(np.random.default_rng(1))
    executable, result = check(graph, make.values(), accelerator_config(graph, 2, 4, acc_depth=256, weight_depth=32), "both")
    diagonal = [head for head in result.headers if head.diagonal]
    assert [head.in_channels for head in diagonal] == [4] * len(diagonal)
    assert [head.first_chunk for head in diagonal] == [0] * len(diagonal)


def test_lag_and_progressive_follow_the_writers():
    make = random_graphs.Builder(np.random.default_rng(1))
    source = make.input((2, 8, 8))
    a = make.step([make.conv(source, 8)[0]], (8, 8))
    b = make.step([make.conv(a, 8)[0]], (8, 8))
    c = make.step([make.conv(b, 4, first=4)[0]], (8, 8))
    graph = make.graph([make.step([make.conv(c, 4)[0], make.conv(a, 4)[0]], (8, 8))])
    config = accelerator_config(graph, 2, 4)
    _, result = check(graph, make.values(), config, "both")
    got = [(head.lag, head.progressive) for head in result.headers]
    # the input; all of a, just written; half of b, so not by its channel numbers; a, two passes ago; c
    assert got == [(3, False), (0, True), (0, False), (2, False), (0, True)]


def test_channels_that_nothing_keeps_are_dead_where_chunks_are_skipped():
    make = random_graphs.Builder(np.random.default_rng(1), chunk=4, empty=0.0)
    source = make.input((2, 4, 4))
    a = make.step([make.conv(source, 6)[0]], (4, 4))
    term = make.conv(a, 8)[0]
    counts = term.weights.counts * np.array([1, 0, 1, 0, 0, 1])
    values = np.ones((counts.sum(), 4), np.int8)
    term = Term(a, "conv", 6, CompressedLayer(counts, values, 8, 4))
    b = make.step([term], (4, 4))
    graph = make.graph([b])
    expected = counts == 0
    for mode in MODES:
        np.testing.assert_array_equal(dead_channels(graph, graph.steps[0], mode), expected & modes.skips_chunks(mode))
        assert not dead_channels(graph, graph.steps[1], mode).any()
    shown = dataclasses.replace(graph, outputs=(a, b))
    assert not dead_channels(shown, shown.steps[0], "both").any()
    added = make.step([make.diagonal(a)[0]], (4, 4))
    assert not dead_channels(make.graph([added]), graph.steps[0], "both").any()


@pytest.mark.parametrize("mode", MODES)
def test_wide_maps_are_cut_into_strips(mode):
    make = random_graphs.Builder(np.random.default_rng(1))
    source = make.input((2, 6, 300))
    graph = make.graph([make.step([make.conv(source, 5, (3, 3), 1, 1)[0]], (6, 300), pool=(2, 1, 0, False))])
    executable, _ = check(graph, make.values(0.8), fitting(graph, (2, 4), acc_depth=1024), mode)
    layout = executable.maps[source]
    assert (layout.rows, layout.strips, layout.x_bits, layout.bands) == (1, 3, 7, 18)


@pytest.mark.parametrize("mode", MODES)
def test_a_batch_of_fully_connected_layers_and_vectors(mode):
    make = random_graphs.Builder(np.random.default_rng(1))
    batch = make.input((40, 1, 16))
    a = make.step([make.conv(batch, 20)[0]], (1, 16))
    single = make.input((3, 7, 7))
    b = make.step([make.fc(single, 300)[0]], (1, 1), vector=True)
    c = make.step([make.fc(b, 140)[0], make.fc(single, 140)[0]], (1, 1), vector=True)
    d = make.step([make.fc(c, 10)[0]], (1, 1), "none", vector=True)
    graph = make.graph([a, d])
    for depth in (32, 4096):
        check(graph, make.values(), fitting(graph, (2, 8), acc_depth=depth), mode)


@pytest.mark.parametrize("mode", MODES)
def test_an_average_pooling_that_writes_a_vector(mode):
    make = random_graphs.Builder(np.random.default_rng(1))
    source = make.input((150, 5, 5))
    term, sides = make.diagonal(source, (5, 5))
    a = make.step([term], sides, vector=True)
    graph = make.graph([make.step([make.fc(a, 10)[0]], (1, 1), vector=True)])
    check(graph, make.values(), fitting(graph, (1, 4), acc_depth=32), mode)


def test_densities_change_tiles_but_not_results():
    make, graph = residual(np.random.default_rng(2))
    config = accelerator_config(graph, 2, 4, acc_depth=64)
    for density in (0.0, 0.02, 1.0):
        check(graph, make.values(), config, "both", densities=dict.fromkeys(graph.maps, density))


def test_the_accelerator_of_a_graph():
    make, graph = residual(np.random.default_rng(2))
    config = accelerator_config(graph, 2, 8)
    assert (config.pes, config.lanes, config.fire_lanes, config.weight_bytes) == (2, 8, 8, 8)
    assert (config.kernel, config.acc_bits, config.acc_depth, config.weight_depth, config.param_depth) == (3, 24, 256, 512, 64)
    assert accelerator_config(graph, 2, 32).weight_bytes == 8 and accelerator_config(graph, 2, 4).weight_bytes == 4


def test_partial_sums_are_proven_over_all_terms():
    make = random_graphs.Builder(np.random.default_rng(2))
    source = make.input((2, 2, 2))
    weights = CompressedLayer(np.ones(2, int), np.full((2, 4), 127, np.int8), 4, 4)
    terms = [Term(source, "conv", 2, weights) for _ in range(300)]
    make.maps["map1"] = Map("map1", (4, 2, 2))
    ones = np.ones(4, np.uint8)
    make.steps.append(Step("sum", "sum", tuple(terms), 4, (2, 2), ones.astype(np.int32), ones.astype(np.uint16), ones, "relu", "map1"))
    graph = make.graph(["map1"])
    bits = 1 + (300 * 2 * 127 * 255).bit_length()
    assert accelerator_config(graph, 1, 4).acc_bits == bits
    with pytest.raises(InputError, match=f"sum: its partial sums need {bits} bits, but the core has 24: set acc_bits to {bits}"):
        assemble(graph, accelerator_config(graph, 1, 4, acc_bits=24))


@pytest.mark.parametrize("changes, sentence", [
    ({"kernel": 2}, "step0: its kernel side 3 is more than the core's 2: set kernel to 3"),
    ({"acc_depth": 16}, "does not fit 16 partial sums: set acc_depth to at least 32"),
    ({"coord_bits": 4}, "a map of side 20 is more than coordinates of 4 bits hold: set coord_bits to 5"),
    ({"weight_depth": 8}, "two channels have 18 chunks, but the weight ring holds 8: set weight_depth to at least 32"),
    ({"weight_bytes": 1}, "a memory word must have 2 to 16 bytes, not 1: set weight_bytes to 2"),
    ({"fire_lanes": 1, "param_depth": 2}, "set param_depth to at least 4"),
])
def test_an_accelerator_too_small_is_refused_with_what_would_do(changes, sentence):
    make = random_graphs.Builder(np.random.default_rng(2))
    graph = make.graph([make.step([make.conv(make.input((2, 20, 20)), 5, (3, 3), 1, 1)[0]], (20, 20))])
    config = accelerator_config(graph, 1, 4)
    with pytest.raises(InputError, match=sentence):
        assemble(graph, config.replace(**changes))


def test_wrong_arguments_are_refused():
    make, graph = residual(np.random.default_rng(2))
    config = accelerator_config(graph, 2, 4)
    with pytest.raises(InputError, match="a core has no setting called width"):
        accelerator_config(graph, 2, 4, width=3)
    with pytest.raises(InputError, match="lanes must be a power of two"):
        accelerator_config(graph, 2, 3)
    with pytest.raises(InputError, match="the mode must be one of"):
        assemble(graph, config, "sparse")
    executable = assemble(graph, config)
    with pytest.raises(InputError, match="graph random has no map called photo"):
        executable.fill(executable.memory, "photo", np.zeros(1, int))
    with pytest.raises(InputError, match="has no map called photo"):
        executable.read(executable.memory, "photo")
    with pytest.raises(InputError, match="the map input0 must have the shape"):
        executable.fill(executable.memory, "input0", np.zeros((1, 2, 3), int))


def test_weights_that_cannot_be_regrouped_are_refused():
    make = random_graphs.Builder(np.random.default_rng(2), chunk=6)
    graph = make.graph([make.step([make.conv(make.input((2, 4, 4)), 5)[0]], (4, 4))])
    with pytest.raises(InputError, match="step0: chunks of 6 channels cannot be regrouped to 4 lanes"):
        assemble(graph, accelerator_config(graph, 1, 4))
