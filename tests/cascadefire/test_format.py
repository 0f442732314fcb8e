import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cascadefire.cspa.format import CompressedLayer, pack
from cascadefire.cspa.prune import mask
from cascadefire.errors import InputError

shapes = st.tuples(st.integers(1, 21), st.integers(1, 12), st.sampled_from([1, 2, 4, 8, 16]), st.integers(0, 2**32 - 1))


def cascade(channels, rows, chunk, seed):
    """Random prefix-sparse weights and their counts; kept weights may be zero, too."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, -(-channels // chunk) + 1, rows)
    return (rng.integers(-127, 128, (channels, rows)) * mask(counts, channels, chunk)).astype(np.int8), counts


@given(shapes)
def test_unpack_gives_back_what_was_packed(shape):
    dense, counts = cascade(*shape)
    layer = pack(dense, shape[2], counts)
    assert (layer.counts == counts).all() and (layer.unpack() == dense).all()
    assert layer.kept == mask(counts, *dense.shape[:1], shape[2]).sum() and layer.density == layer.kept / dense.size


@given(shapes)
def test_counts_found_from_the_weights_are_the_shortest(shape):
    dense, counts = cascade(*shape)
    layer = pack(dense, shape[2])
    assert (layer.unpack() == dense).all() and (layer.counts <= counts).all()
    last = layer.values[np.cumsum(layer.counts)[layer.counts > 0] - 1]
    assert last.any(axis=1).all()


@given(shapes, st.sampled_from([1, 2, 4, 8, 16, 32]))
def test_regrouping_keeps_the_weights(shape, lanes):
    dense, counts = cascade(*shape)
    layer = pack(dense, shape[2], counts).regroup(lanes)
    assert layer.chunk == lanes and (layer.unpack() == dense).all()
    kept, before = mask(layer.counts, len(dense), lanes), mask(counts, len(dense), shape[2])
    assert kept[before].all()
    if lanes <= shape[2]:
        assert (kept == before).all()


def test_values_are_row_after_row_chunk_after_chunk():
    layer = pack(np.array([[1, 5], [2, 6], [3, 0]], np.int8), 2, np.array([2, 1]))
    assert layer.values.tolist() == [[1, 2], [3, 0], [5, 6]] and layer.total == 2 and layer.rows == 2


def test_wider_chunks_round_the_count_up():
    dense = np.arange(1, 13, dtype=np.int8)[:, None]
    assert pack(dense, 4).regroup(8).counts.tolist() == [2]
    assert pack(dense, 4).regroup(8).values[1].tolist() == [9, 10, 11, 12, 0, 0, 0, 0]


def layer(counts=(1, 2), values=None, channels=3, chunk=2):
    values = np.ones((3, 2), np.int8) * np.array([[1, 1], [1, 1], [1, 0]], np.int8) if values is None else values
    return CompressedLayer(np.array(counts), values, channels, chunk)


@pytest.mark.parametrize("change, sentence", [
    ({"counts": (1, 3)}, "a chunk count must be from 0 to 2, the chunks of 3 channels, not 3"),
    ({"counts": (-1, 2)}, "a chunk count must be from 0 to 2, the chunks of 3 channels, not -1"),
    ({"counts": (1.0, 2.0)}, "counts must be whole numbers, one per row, not float64"),
    ({"counts": ((1, 2),)}, "counts must be whole numbers, one per row, not int64 of the shape"),
    ({"counts": (2, 2)}, r"the counts ask for chunk data of the shape \(4, 2\), but it is \(3, 2\)"),
    ({"values": np.ones((3, 2))}, "weights must be int8, not float64"),
    ({"values": np.full((3, 2), 200, np.int16)}, "weights must be int8, not int16"),
    ({"values": np.full((3, 2), -128, np.int8)}, "weights must be from -127 to 127, but one is -128"),
    ({"values": np.ones((3, 2), np.int8)}, "the lanes past channel 2 in the last chunk must be 0"),
    ({"chunk": 0}, "chunk must be a whole number from 1, not 0"),
    ({"channels": "3"}, "channels must be a whole number from 1, not '3'"),
])
def test_contradictions_are_one_sentence(change, sentence):
    layer()
    with pytest.raises(InputError, match=f"^{sentence}"):
        layer(**change)


@pytest.mark.parametrize("arguments, sentence", [
    ((np.ones((3, 2)), 2), "weights must be int8, not float64"),
    ((np.ones(3, np.int8), 2), r"weights must have the shape \(channels, rows\), not \(3,\)"),
    ((np.ones((3, 2), np.int8), 0), "chunk must be a whole number from 1, not 0"),
    ((np.ones((3, 2), np.int8), 2, [1]), r"counts must have one entry for each of 2 rows, not the shape \(1,\)"),
    ((np.ones((3, 2), np.int8), 2, [1, 2]), "1 weights outside the kept chunks are not zero"),
    ((np.full((2, 2), -128, np.int8), 2), "weights must be from -127 to 127"),
])
def test_what_cannot_be_packed_is_one_sentence(arguments, sentence):
    with pytest.raises(InputError, match=f"^{sentence}"):
        pack(*arguments)


@pytest.mark.parametrize("lanes", [0, 3])
def test_widths_that_do_not_divide_are_refused(lanes):
    with pytest.raises(InputError, match=f"^chunks of 2 channels cannot be regrouped to {lanes} lanes"):
        layer().regroup(lanes)
