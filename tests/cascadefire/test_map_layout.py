"""Feature maps in memory: hand-made words, round trips, and the choice of bands."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cascadefire.compiler import map_layout
from cascadefire.graph import Map
from rtl.config import CoreConfig


def test_a_small_map_byte_by_byte():
    layout, end = map_layout.place((2, 3, 3), 2, 5, 4)
    # bands of 2 x 3 positions, 12 bytes, 3 words; two bands a channel, four slots, then four counts in one word
    assert (layout.bands, layout.slot_words, layout.x_bits, layout.strips) == (2, 3, 2, 1)
    assert (layout.events, layout.counts, end) == (5, (5 + 12) * 4, 18)
    memory = np.full(end * 4, 0xEE, np.uint8)
    values = np.zeros((2, 3, 3), int)
    values[0, 0, 1], values[0, 1, 2], values[1, 2, 0] = 7, 200, 255
    map_layout.encode(memory, layout, values, values != 0, 4)
    assert list(memory[layout.counts:layout.counts + 4]) == [2, 0, 0, 1]
    assert list(memory[20:24]) == [7, 0 << 2 | 1, 200, 1 << 2 | 2]
    assert list(memory[(5 + 9) * 4:(5 + 9) * 4 + 2]) == [255, 0]
    assert (memory[:20] == 0xEE).all()
    np.testing.assert_array_equal(map_layout.decode(memory, layout, False, 4), values)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 1 << 32), st.sampled_from([2, 4, 8, 16]), st.booleans(), st.booleans())
def test_values_come_back(seed, port_bytes, signed, zeros):
    rng = np.random.default_rng(seed)
    shape = (int(rng.integers(1, 4)), int(rng.integers(1, 20)), int(rng.choice([rng.integers(1, 20), rng.integers(100, 400)])))
    rows = int(rng.integers(1, map_layout.most_rows(*shape[1:]) + 1))
    layout, end = map_layout.place(shape, rows, 3, port_bytes)
    memory = np.zeros(end * port_bytes, np.uint8)
    low, high = (-128, 128) if signed else (0, 256)
    values = rng.integers(low, high, shape) * (rng.random(shape) < 0.5)
    map_layout.encode(memory, layout, values, np.ones(shape, bool) if zeros else values != 0, port_bytes)
    np.testing.assert_array_equal(map_layout.decode(memory, layout, signed, port_bytes), values)
    counts = memory[layout.counts:layout.counts + shape[0] * layout.bands]
    assert counts.sum() == (values.size if zeros else np.count_nonzero(values))


@pytest.mark.parametrize("height, width, rows", [(7, 7, 7), (14, 14, 14), (28, 28, 8), (56, 56, 4), (112, 112, 2), (224, 224, 1),
                                                 (10, 128, 1), (10, 127, 2), (300, 1, 255), (20, 16, 15), (40, 8, 31), (3, 129, 1)])
def test_the_most_rows_of_a_band(height, width, rows):
    assert map_layout.most_rows(height, width) == rows


@given(st.integers(1, 300), st.integers(1, 1024))
def test_a_band_of_the_most_rows_keeps_its_bounds(height, width):
    rows, bits = map_layout.most_rows(height, width), map_layout.x_bits(width)
    strip = min(width, 128)
    assert 1 <= rows <= height and rows * strip <= 255 and rows << bits <= 256 and 1 << bits >= strip


def test_the_choice_of_rows():
    config = CoreConfig()
    whole = [(np.array([0]), np.array([28]), 4)]
    assert map_layout.choose_rows((4, 28, 28), [], whole, 0.5, config) == 8
    assert map_layout.choose_rows((4, 28, 28), [12], whole, 0.5, config) == 6           # divides the tiles that write it
    assert map_layout.choose_rows((4, 28, 28), [9, 6], whole, 0.5, config) == 3
    assert map_layout.choose_rows((4, 300, 200), [], [], 0.5, config) == 1
    single = [(np.arange(28), np.arange(28) + 1, 400)]
    assert map_layout.choose_rows((4, 28, 28), [], single, 1.0, config) == 1            # nothing is read in vain


def test_vectors_are_rows_of_128():
    assert map_layout.memory_shape(Map("v", (300, 1, 1), vector=True)) == (1, 3, 128)
    assert map_layout.memory_shape(Map("m", (300, 1, 1))) == (300, 1, 1)
