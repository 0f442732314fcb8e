"""Photographs as input: one that an optional package carries, or any file."""

import importlib.util
from pathlib import Path

import numpy as np

from cascadefire.errors import InputError

PACKAGED = ("china.jpg", "flower.jpg")     # in the scikit-learn wheel, CC BY 2.0, credits in the README.txt beside them
SIDE_MAX = 2048


def path_of(name):
    """Return the path of a photograph.

    name: "china.jpg" or "flower.jpg" of the scikit-learn wheel, which is found without being imported, or a path.
    Errors: InputError when there is no such file or the package is missing.
    """
    path = Path(name)
    if str(name) in PACKAGED and not path.is_file():
        spec = importlib.util.find_spec("sklearn")
        if spec is None:
            raise InputError(f"{name} is in an optional package: pip install --no-deps scikit-learn==1.9.1, or give a file of your own")
        path = Path(spec.submodule_search_locations[0]) / "datasets" / "images" / name
    if not path.is_file():
        raise InputError(f"there is no photograph {path}")
    return path


def load(name="china.jpg", side=224):
    """Return the centre square of a photograph, resized bilinearly, uint8 [side, side, 3], red first.

    name: as in `path_of`.  side: pixels, 1..2048.
    Errors: InputError when the file is missing or not an image, or Pillow is not installed.
    """
    if isinstance(side, bool) or not isinstance(side, int) or not 1 <= side <= SIDE_MAX:
        raise InputError(f"side must be a whole number from 1 to {SIDE_MAX}, not {side!r}")
    path = path_of(name)
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError:
        raise InputError("photographs are read with Pillow: pip install Pillow") from None
    try:
        with Image.open(path) as opened:
            image = opened.convert("RGB")
    except (UnidentifiedImageError, OSError) as error:
        raise InputError(f"{path} cannot be read as an image ({type(error).__name__})") from error
    width, height = image.size
    edge = min(width, height)
    left, top = (width - edge) // 2, (height - edge) // 2
    return np.asarray(image.crop((left, top, left + edge, top + edge)).resize((side, side), Image.Resampling.BILINEAR))
