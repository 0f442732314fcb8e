"""Output files: checked before the work starts, complete or absent when it ends."""
from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import Iterable, Iterator

from cascadefire.errors import InputError


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def _temporary(path: Path) -> Path:
    """A name in the same directory (so that the rename is atomic) that keeps the suffix (simulators choose the format by it)."""
    return path.with_name(f".{os.getpid()}.{path.name}")


def check_writable(path: Path) -> None:
    """Raise InputError unless a file can be made at `path`; a long run must not find that out at its end.

    The file is really created, since permission bits say nothing to root or on a read-only file system.
    """
    if path.is_dir():
        raise InputError(f"cannot write {path}: it is a directory")
    try:
        with replacing(path) as temporary:
            temporary.touch()
            raise _OnlyProbing
    except _OnlyProbing:
        pass


def prepare(paths: Iterable[Path | None], defaults: Iterable[Path]) -> None:
    """Check the files of a command before its work; the folder of a default is made when it is not there."""
    wanted, defaults = [path for path in paths if path is not None], set(defaults)
    for path in defaults.intersection(wanted):
        path.parent.mkdir(exist_ok=True)
    for path in wanted:
        check_writable(path)


class _OnlyProbing(Exception):
    """Leaves `replacing` the way a failed writer does, which removes the temporary file."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path; move it to `path` when the block ends well, remove it when the block raises.

    A block that writes nothing leaves `path` as it was. OSError becomes InputError with the path and the reason.
    """
    temporary = _temporary(path)
    try:
        yield temporary
        if temporary.exists():
            os.replace(temporary, path)
    except OSError as error:
        raise InputError(f"cannot write {path}: {_reason(error)}") from error
    finally:
        if os.path.lexists(temporary):
            temporary.unlink()


def write_text(path: Path, text: str) -> None:
    """Write `path` whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
