"""The networks in data/networks: measured again on the held-out digits by the integer reference."""

import pytest

from cascadefire import digits, network, quantise, reference

# name: (largest density, smallest accuracy on the 2,004 held-out digits)
PROMISED = {"lenet": (0.30, 0.983), "mlp": (0.30, 0.97), "lenet5": (0.45, 0.98), "tiny": (0.60, 0.97)}


@pytest.mark.parametrize("name", PROMISED)
def test_density_and_accuracy_are_as_promised_and_as_noted(name):
    net = network.load(name)
    density, accuracy = PROMISED[name]
    images, labels = digits.load()
    _, held_out = digits.split(labels)
    correct = int((reference.predict(net, images[held_out]) == labels[held_out]).sum())
    assert net.density <= density and correct / len(held_out) >= accuracy
    assert net.meta["held_out_correct"] == correct and net.meta["density"] == round(net.density, 4)
    for layer in net.layers:
        noted = net.meta["layers"][layer.name]
        assert noted["density"] == round(layer.weights.density, 4)
        assert noted["accumulator_bits"] == quantise.accumulator_bits(layer) <= quantise.ACCUMULATOR_BITS


def test_shapes_are_those_documented():
    shapes = {name: [(layer.kind, *layer.out_shape) for layer in network.load(name).layers] for name in network.names()}
    assert shapes == {
        "lenet": [("conv", 32, 14, 14), ("conv", 64, 7, 7), ("fc", 256, 1, 1), ("fc", 10, 1, 1)],
        "lenet5": [("conv", 6, 14, 14), ("conv", 16, 5, 5), ("fc", 120, 1, 1), ("fc", 84, 1, 1), ("fc", 10, 1, 1)],
        "mlp": [("fc", 300, 1, 1), ("fc", 100, 1, 1), ("fc", 10, 1, 1)],
        "tiny": [("conv", 8, 8, 8), ("conv", 16, 3, 3), ("fc", 10, 1, 1)],
    }
    assert {network.load(name).chunk for name in network.names()} == {8}
