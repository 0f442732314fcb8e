import numpy as np
import pytest

from cascadefire.errors import InputError

torch = pytest.importorskip("torch", reason="torch is needed only for training")

from cascadefire.cspa.regulariser import regulariser  # noqa: E402


def naive(weights, chunk, variant):
    weights = weights.reshape(len(weights), -1)
    n = -(-len(weights) // chunk)
    total = 0.0
    for k in range(n):
        part = weights[k * chunk:]
        if variant == "norm":
            total += (k + 1) * np.sqrt((part**2).sum(axis=0)).sum()
        else:
            total += (n - k) * np.sqrt((part**2).mean(axis=0)).sum()
    return total / (n * (n + 1) / 2)


@pytest.mark.parametrize("variant", ["norm", "rms"])
@pytest.mark.parametrize("channels, chunk", [(8, 4), (10, 4), (3, 8)])
def test_value_is_the_sum_over_layers_of_the_formula(variant, channels, chunk):
    rng = np.random.default_rng(0)
    layers = [rng.normal(size=(channels, 3, 2, 2)), rng.normal(size=(5, 7))]
    expected = sum(naive(layer, chunk, variant) for layer in layers)
    assert regulariser([torch.tensor(layer) for layer in layers], chunk, variant).item() == pytest.approx(expected, rel=1e-6)


def test_the_gradient_is_finite_where_weights_are_pruned():
    weights = torch.zeros(8, 3, requires_grad=True)
    regulariser([weights], 4).backward()
    assert torch.isfinite(weights.grad).all()


def test_bad_settings_are_one_sentence():
    with pytest.raises(InputError, match="^variant must be one of norm, rms, not 'l1'$"):
        regulariser([torch.ones(2, 2)], 1, "l1")
    with pytest.raises(InputError, match="^chunk must be a whole number from 1, not 0$"):
        regulariser([torch.ones(2, 2)], 0)
