"""Events, beats and bytes against a count by hand loops, and against the beats a program really takes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cascadefire import effectual, reference
from cascadefire.compiler import MODES, compile, core_config
from cascadefire.errors import InputError
from tests.cascadefire import random_networks
from tests.cascadefire.executor import Executor


def by_hand(layer, image, lanes):
    """Return (beats, rows met) of one image by the definition, one event at a time."""
    counts = layer.weights.regroup(lanes).counts
    k, stride, pad = layer.pool or (1, 1, 0)
    beats, met = 0, set()
    windows = [{i for f in range(fired) for i in range(f * stride - pad, f * stride - pad + k) if i < size}
               for fired, size in zip(layer.out_shape[1:], layer.conv_shape[1:])]
    for c, y, x in zip(*np.nonzero(image)):
        if layer.kind == "fc":
            rows = [(c * image.shape[1] + y) * image.shape[2] + x]
        else:
            rows = [(c * layer.kernel[0] + ky) * layer.kernel[1] + kx
                    for oy in windows[0] for ox in windows[1] if oy >= 0 and ox >= 0
                    for ky, kx in [(y + layer.pad - oy * layer.stride, x + layer.pad - ox * layer.stride)]
                    if 0 <= ky < layer.kernel[0] and 0 <= kx < layer.kernel[1]]
        live = counts.reshape(image.shape[0], -1)[c].any()
        beats += sum(counts[row] for row in rows)
        met |= {row for row in rows if live}
    return beats, met


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 1 << 32), st.sampled_from([4, 8, 32]))
def test_counts_are_those_of_the_definition(seed, lanes):
    net, image = random_networks.small(seed)
    outputs = reference.run(net, image[None])
    activations = [image[None]] + [outputs[layer.name] for layer in net.layers]
    for index, (layer, work) in enumerate(zip(net.layers, effectual.network_work(net, activations, lanes))):
        beats, met = by_hand(layer, activations[index][0], lanes)
        counts = layer.weights.regroup(lanes).counts
        assert work.beats[0] == beats and work.rows_met[0] == len(met)
        assert work.weight_bytes[0] == sum(1 + counts[row] * lanes for row in met)
        assert work.compulsory_bytes[0] == work.weight_bytes[0] + 3 * (work.events[0] + work.events_out[0])
        if index:
            assert work.events[0] == before
        before = work.events_out[0]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1 << 32), st.sampled_from(MODES))
def test_a_program_without_halo_takes_just_these_beats(seed, mode):
    net, image = random_networks.small(seed)
    program = compile(net, core_config(net, 2, 8), mode)
    result = Executor(program).run(image)
    outputs = reference.run(net, image[None])
    activations = [image[None]] + [outputs[layer.name] for layer in net.layers]
    for index, work in enumerate(effectual.network_work(net, activations, 8, mode)):
        assert result.beats.get(index, 0) == work.beats[0]
        if mode == "dense":
            assert work.beats[0] == work.dense_beats


def test_saving_cycles_and_roofline():
    rng = np.random.default_rng(0)
    net = random_networks.network(rng, (2, 6, 6), [{"channels": 16, "empty": 0.5}])
    images = np.stack([random_networks.image(rng, net, 0.5) for _ in range(3)])
    outputs = reference.run(net, images)["layer0"]
    work = effectual.layer_work(net.layers[0], images, outputs, 8)
    assert work.beats.shape == (3,) and work.saving == work.dense_beats * 3 / work.beats.sum() > 1
    np.testing.assert_array_equal(work.ideal_cycles(4), work.beats / 4)
    np.testing.assert_array_equal(work.roofline_cycles(4, 8), np.maximum(work.beats / 4, work.compulsory_bytes / 8))
    nothing = effectual.layer_work(net.layers[0], images * 0, outputs, 8)
    assert nothing.saving == float("inf") and not nothing.weight_bytes.any()


def test_activations_that_do_not_match_are_refused():
    net = random_networks.network(np.random.default_rng(0), (1, 4, 4), [{"channels": 4}])
    with pytest.raises(InputError, match=r"the inputs of layer0 must have the shape \(N, 1, 4, 4\), not \(1, 1, 4, 5\)"):
        effectual.network_work(net, [np.zeros((1, 1, 4, 5), int), np.zeros((1, 4, 2, 2), int)], 4)
    with pytest.raises(InputError, match="the outputs of layer0"):
        effectual.network_work(net, [np.zeros((2, 1, 4, 4), int), np.zeros((1, 4, 2, 2), int)], 4)
    with pytest.raises(InputError, match="needs 2 activations"):
        effectual.network_work(net, [], 4)
