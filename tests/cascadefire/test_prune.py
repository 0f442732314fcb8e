import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cascadefire.cspa import prune
from cascadefire.errors import InputError

shapes = st.tuples(st.integers(1, 19), st.integers(1, 12), st.integers(1, 8), st.integers(0, 2**32 - 1))


def transcription(weights, chunk, factor):
    """The rule as the first author's code states it, loop by loop."""
    channels, rows = weights.shape
    n = -(-channels // chunk)
    total = n * (n + 1) / 2
    cutoff = factor * np.std(weights) / total
    kept = np.ones(weights.shape, bool)
    for k in range(n):
        for r in range(rows):
            score = np.mean(np.abs(weights[k * chunk:, r])) * (n - k) / total
            if not score > cutoff:
                kept[k * chunk:, r] = False
    return kept


def random_weights(channels, rows, seed):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(channels, rows)) * rng.random((channels, rows)) ** 2


@given(shapes, st.floats(0, 3))
def test_counts_equal_the_transcribed_loop(shape, factor):
    channels, rows, chunk, seed = shape
    weights = random_weights(channels, rows, seed)
    counts = prune.keep_counts(weights, chunk, factor)
    assert (prune.mask(counts, channels, chunk) == transcription(weights, chunk, factor)).all()


def test_equal_chunks_follow_the_suffix_sum_of_chunk_means():
    weights = random_weights(24, 200, 1)
    means = np.abs(weights).reshape(3, 8, 200).mean(axis=1)
    suffix = means[::-1].cumsum(axis=0)[::-1]
    assert (prune.keep_counts(weights, 8, 1.5) == (suffix > 1.5 * weights.std()).sum(axis=0)).all()


def test_a_strong_short_last_chunk_falls_with_a_weak_first_one():
    weights = np.array([[0.1, 1], [0.1, -1], [0.1, 1], [0.1, -1], [1.0, 1]])
    score = prune.scores(weights, 4)
    assert score[1, 0] > score[0, 0]
    factor = 3 * (score[0, 0] + score[1, 0]) / 2 / weights.std()  # the cutoff is between the two
    assert prune.keep_counts(weights, 4, factor)[0] == 0


def test_zero_rows_are_pruned_even_at_factor_zero():
    assert prune.keep_counts(np.array([[0.0, 1], [0, 0]]), 1, 0).tolist() == [0, 1]


@settings(max_examples=50)
@given(shapes, st.floats(0, 1))
def test_the_target_density_is_met_and_not_undershot(shape, density):
    channels, rows, chunk, seed = shape
    weights = random_weights(channels, rows, seed)
    if weights.std() == 0:
        return
    factor = prune.factor_for_density(weights, chunk, density)
    kept = prune.kept_weights(prune.keep_counts(weights, chunk, factor), channels, chunk)
    assert kept <= density * weights.size
    if factor > 0:
        more = prune.kept_weights(prune.keep_counts(weights, chunk, factor * (1 - 1e-9)), channels, chunk)
        assert more > density * weights.size


def test_kept_weights_count_no_padding_lanes():
    counts = np.array([2, 1, 0])
    assert prune.kept_weights(counts, 10, 8) == 18 == prune.mask(counts, 10, 8).sum()


def test_equal_weights_have_no_factor_for_a_density():
    assert prune.factor_for_density(np.ones((4, 2)), 2, 1.0) == 0
    with pytest.raises(InputError, match="cannot be pruned to a density"):
        prune.factor_for_density(np.ones((4, 2)), 2, 0.5)


@pytest.mark.parametrize("arguments, sentence", [
    ((np.ones((2, 2)), 0), "chunk must be a whole number from 1, not 0"),
    ((np.ones((2, 2)), 2.0), "chunk must be a whole number from 1, not 2.0"),
    ((np.ones(3), 2), r"weights must have an output axis and at least one input axis, not the shape \(3,\)"),
    ((np.array([[1.0, np.nan]]), 1), "weights must be finite, but 1 of 2 values are NaN or infinite"),
    ((np.array([[1.0, np.inf]]), 1), "weights must be finite"),
    (([["a", "b"]], 1), "weights must be an array of numbers"),
    ((np.ones((2, 2)), 1, -0.5), "threshold_factor must be a finite number from 0, not -0.5"),
    ((np.ones((2, 2)), 1, float("nan")), "threshold_factor must be a finite number from 0, not nan"),
])
def test_bad_input_is_one_sentence(arguments, sentence):
    with pytest.raises(InputError, match=f"^{sentence}"):
        prune.keep_counts(*arguments)


def test_a_density_above_one_is_refused():
    with pytest.raises(InputError, match="^density must be from 0 to 1, not 1.5$"):
        prune.factor_for_density(np.ones((2, 2)), 1, 1.5)
