"""The one exception of the offline side, and the one check that several of its borders share."""

import numpy as np


class InputError(ValueError):
    """Something given by the caller or read from a file is wrong; the message is one sentence that says what and where."""


def finite(name, values):
    """Return `values` as a float64 array.

    name: what the sentence calls the array.  values: numbers of any shape.
    Errors: InputError when a value is not a number or not finite.
    """
    try:
        array = np.asarray(values, np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{name} must be an array of numbers") from None
    bad = array.size - int(np.isfinite(array).sum())
    if bad:
        raise InputError(f"{name} must be finite, but {bad} of {array.size} values are NaN or infinite")
    return array
