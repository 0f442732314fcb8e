"""Reads a YAML file, or says in one sentence why not."""

import yaml

from cascadefire.errors import InputError


def read(path):
    """Return what a YAML file holds.

    path: a Path.
    Errors: InputError when there is no such file, or it is not valid YAML.
    """
    if not path.is_file():
        raise InputError(f"there is no file {path}")
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not valid YAML: {' '.join(str(error).split())}") from error
