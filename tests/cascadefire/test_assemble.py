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
        assert (record.tile_h, record.tile_w, record.channels) == (head.tile_h, head.tile_w, head.channels)
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
