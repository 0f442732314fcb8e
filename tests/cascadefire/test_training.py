import dataclasses

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is needed only for training")

from cascadefire import digits, network, quantise  # noqa: E402
from cascadefire.cspa import prune  # noqa: E402
from scripts.recipes import RECIPES  # noqa: E402
from scripts.training import Trainer, augment  # noqa: E402


@pytest.fixture(scope="module")
def trained():
    """lenet5's recipe with a few epochs on 300 digits, twice with the same seed."""
    torch.set_num_threads(1)
    images, labels = digits.load()
    recipe = dataclasses.replace(RECIPES["lenet5"], epochs=1, steps=2, step_epochs=1, last_epochs=1)
    trainers = [Trainer(recipe, images[::33][:300], labels[::33][:300], report=lambda line: None) for _ in range(2)]
    for trainer in trainers:
        trainer.run()
    return trainers


def test_pruned_weights_stay_zero_and_densities_are_met(trained):
    for spec, layer in zip(trained[0].recipe.layers, trained[0].float_layers()):
        kept = prune.mask(layer.counts, layer.channels, 8)
        assert not layer.weights.reshape(layer.channels, -1)[~kept].any()
        assert 0.8 * spec.density <= kept.mean() <= spec.density


def test_the_same_seed_gives_the_same_network(trained):
    first, second = (trainer.float_layers() for trainer in trained)
    assert all((a.weights == b.weights).all() and (a.counts == b.counts).all() for a, b in zip(first, second))


def test_the_result_quantises_to_the_shape_of_the_shipped_network(trained):
    shipped = network.load("lenet5")
    images = digits.load()[0][::100][:, None]
    net = quantise.quantise("lenet5", shipped.title, (1, 28, 28), trained[0].float_layers(), 8, images)
    assert [layer.out_shape for layer in net.layers] == [layer.out_shape for layer in shipped.layers]


def test_augmentation_keeps_range_and_depends_only_on_the_generator():
    images = torch.rand(20, 1, 28, 28)
    first, second = (augment(images, torch.Generator().manual_seed(7)) for _ in range(2))
    assert torch.equal(first, second) and first.min() >= 0 and first.max() <= 1 + 1e-6
    assert not np.allclose(first, images)
