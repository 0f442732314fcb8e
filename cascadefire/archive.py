"""The file of a network's arrays: a versioned, checksummed .npz that any NumPy can read.

    header              three strings: format name, version, sha256 of all other arrays
    <layer>.counts      uint16 [rows]             chunk counts
    <layer>.values      int8 [sum of counts, C]   kept chunks, row after row
    <layer>.bias        int32 [K]
    <layer>.multiplier  uint16 [K]                32768..65535
    <layer>.shift       uint8 [K]                 1..47

The checksum runs over the arrays in the order of their names: for each, its name, type and shape as text, then its bytes
(row-major, little-endian).
"""

import hashlib
import io
import os
import tempfile
from pathlib import Path

import numpy as np

from cascadefire.errors import InputError

FORMAT = "cascadefire-network"
VERSION = "1"


def checksum(arrays):
    """Return the sha256, as hexadecimal text, over the arrays of a network.

    arrays: dictionary of name -> array.
    """
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        array = array.astype(array.dtype.newbyteorder("<"))
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def write(path, data):
    """Write bytes to a temporary file beside `path`, then rename it, so that a reader never sees half a file."""
    path = Path(path)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def save(path, arrays):
    """Write arrays as a network file.

    path: the file to write.  arrays: dictionary of name -> array, without `header`.
    """
    buffer = io.BytesIO()
    np.savez_compressed(buffer, header=np.array([FORMAT, VERSION, checksum(arrays)]), **arrays)
    write(path, buffer.getvalue())


def load(path):
    """Read a network file whole and check it.

    Returns the dictionary of arrays (without `header`) and their checksum.
    Errors: InputError, one sentence each, for a missing, truncated or foreign file, another version, or a wrong checksum.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"there is no file {path}")
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except Exception as error:  # zipfile, zlib and NumPy each raise their own kinds on a damaged file
        raise InputError(f"{path} is truncated, damaged or not an .npz file ({type(error).__name__})") from error
    header = arrays.pop("header", None)
    if header is None or header.shape != (3,) or header.dtype.kind != "U" or header[0] != FORMAT:
        raise InputError(f"{path} is not a {FORMAT} file: it has no header with that name")
    if header[1] != VERSION:
        raise InputError(f"{path} has version {header[1]} of the format, but this program reads version {VERSION}")
    found = checksum(arrays)
    if header[2] != found:
        raise InputError(f"{path} is damaged: its checksum is {found}, but its header says {header[2]}")
    return arrays, found
