"""The order of steps: always one that can run, with the same results, and with waits hidden where the graph allows it."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cascadefire.compiler.graph_order import ordered
from cascadefire.compiler.graph_sizing import accelerator_config
from cascadefire.errors import InputError
from tests.cascadefire import random_graphs
from tests.cascadefire.test_assemble import check


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1 << 32))
def test_any_order_gives_the_reference(seed):
    graph, inputs = random_graphs.small(seed)
    try:
        config = accelerator_config(graph, 2, 8)
    except InputError:
        return
    other = ordered(graph, config)
    assert sorted(step.name for step in other.steps) == sorted(step.name for step in graph.steps)
    check(other, inputs, config, "both")


def branches():
    """A long convolution, and a pooling whose nine reads an output are followed at once by the one step that needs them."""
    make = random_graphs.Builder(np.random.default_rng(1), empty=0.0)
    source = make.input((64, 12, 12))
    long = make.step([make.conv(source, 64, (3, 3), 1, 1)[0]], (12, 12))
    pooled = make.step([make.diagonal(source)[0]], (12, 12), pool=(3, 1, 1, False))
    return make, make.graph([long, make.step([make.conv(pooled, 16)[0]], (12, 12))])


def test_a_long_step_is_put_behind_one_that_is_waited_for():
    make, graph = branches()
    config = accelerator_config(graph, 4, 8)
    other = ordered(graph, config)
    assert [step.name for step in other.steps] == ["step1", "step0", "step2"]
    check(other, make.values(), config, "both")


def test_a_chain_stays_as_it_is():
    make = random_graphs.Builder(np.random.default_rng(1))
    first = make.step([make.conv(make.input((4, 8, 8)), 8)[0]], (8, 8))
    graph = make.graph([make.step([make.conv(first, 8)[0]], (8, 8))])
    assert ordered(graph, accelerator_config(graph, 2, 4)) is graph
