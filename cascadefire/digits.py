"""The digits that ship with the repository: a 10,000-digit MNIST subset, 2,004 held out (the last 20 % of each class)."""

import hashlib
from pathlib import Path

import numpy as np

from cascadefire.errors import InputError

FILE = Path(__file__).resolve().parents[1] / "data" / "digits10k.npz"
IMAGES_SHA256 = "0768d16c5adea568dee18fa5e4e1acb117e9ec2c5d6b1dffe5fc29c1e61c1eca"
LABELS_SHA256 = "44e605757823cf79c6557e6d2a7f45c693b286e8cd303ea10339b002801b4916"


def load(path=FILE):
    """Read the digits.

    path: the .npz file; the shipped one by default.
    Returns images, uint8 [10000, 28, 28] (0 is background), and labels, uint8 [10000] (0..9, in ascending order).
    Errors: InputError when the file is missing, unreadable or not these digits.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            images, labels = archive["X"], archive["Y"]
    except Exception as error:
        raise InputError(f"{path} cannot be read as the digits file ({type(error).__name__})") from error
    check(images, labels)
    return images, labels


def check(images, labels):
    """Raise InputError unless the two arrays are, byte for byte, the digits this repository ships."""
    for name, array, expected in (("images", images, IMAGES_SHA256), ("labels", labels, LABELS_SHA256)):
        found = hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()
        if found != expected:
            raise InputError(f"the sha256 of the {name} must be {expected}, not {found}")


def split(labels, held_out_percent=20):
    """Cut each class by position, since neighbouring digits tend to share a writer.

        held out = the last held_out_percent % of each class, rounded up to whole digits

    labels: integers [N].  held_out_percent: 0..100.
    Returns two ascending index arrays: training and held-out positions.
    """
    held_out = []
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        held_out.append(members[len(members) * (100 - held_out_percent) // 100:])
    held_out = np.sort(np.concatenate(held_out))
    return np.setdiff1d(np.arange(len(labels)), held_out), held_out
