"""Networks on disk: a small YAML file for people (shapes, notes) and an .npz file of arrays (`cascadefire.archive`).

    network: lenet
    title: ...
    input: {channels: 1, height: 28, width: 28, signed: false}
    chunk: 8
    arrays: lenet.npz            beside the YAML file
    arrays_sha256: ...           the checksum in the header of that file, so that the two cannot be mixed up
    layers:
    - {name: conv1, kind: conv, channels: 32, kernel: [5, 5], stride: 1, pad: 2, pool: {kernel: 2, stride: 2, pad: 0},
       activation: relu}
    - {name: fc1, kind: fc, channels: 10, activation: none}
    meta: {...}                  notes, free form
"""

from pathlib import Path

import numpy as np
import yaml

from cascadefire import archive, yaml_file
from cascadefire.cspa.format import CompressedLayer
from cascadefire.errors import InputError
from cascadefire.network import Layer, Network, check_geometry

FOLDER = Path(__file__).resolve().parents[1] / "data" / "networks"
ARRAYS = ("counts", "values", "bias", "multiplier", "shift")
CONV_KEYS = {"name", "kind", "channels", "kernel", "stride", "pad", "pool", "activation"}
FC_KEYS = {"name", "kind", "channels", "activation"}


def names():
    """Return the names of the shipped networks, in order."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def load(path_or_name):
    """Read a network.

    path_or_name: a .yaml file, or the name of a shipped network.
    Errors: InputError, one sentence that names the file, for anything missing, damaged or contradictory.
    """
    path = Path(path_or_name)
    if path.suffix != ".yaml":
        if str(path_or_name) not in names():
            raise InputError(f"there is no network called {path_or_name}: "
                             f"the shipped ones are {', '.join(names())}, and files end in .yaml")
        path = FOLDER / f"{path_or_name}.yaml"
    description = yaml_file.read(path)
    try:
        return _build(path, description)
    except InputError as error:
        raise InputError(f"{path.name}: {error}") from error


def _build(path, description):
    top = _keys("the file", description, {"network", "title", "input", "chunk", "arrays", "arrays_sha256", "layers"}, {"meta"})
    shape = _keys("input", top["input"], {"channels", "height", "width"}, {"signed"})
    input_shape = (shape["channels"], shape["height"], shape["width"])
    input_signed = shape.get("signed", False)
    if not isinstance(input_signed, bool):
        raise InputError(f"input signed must be true or false, not {input_signed!r}")
    if not isinstance(top["arrays"], str) or Path(top["arrays"]).name != top["arrays"]:
        raise InputError("arrays must be the name of a file in the same folder")
    if not isinstance(top["layers"], list):
        raise InputError("layers must be a list")
    arrays, checksum = archive.load(path.parent / top["arrays"])
    if checksum != top["arrays_sha256"]:
        raise InputError(f"{top['arrays']} is not the file this network was saved with: their checksums differ")
    meta = top.get("meta") or {}
    if not isinstance(meta, dict):
        raise InputError(f"meta must be a mapping of keys to values, not {type(meta).__name__}")
    layers, signed, in_shape = [], input_signed, input_shape
    for number, entry in enumerate(top["layers"], 1):
        name = entry.get("name", number) if isinstance(entry, dict) else number
        layers.append(_layer(f"layer {name}", entry, in_shape, signed, top["chunk"], arrays))
        in_shape, signed = layers[-1].out_shape, layers[-1].activation == "none"
    if arrays:
        raise InputError(f"{top['arrays']} holds the array {min(arrays)}, which belongs to no layer")
    return Network(str(top["network"]), str(top["title"]), input_shape, top["chunk"], layers, input_signed, meta)


def _layer(where, entry, in_shape, signed, chunk, arrays):
    """Build one layer; takes its arrays out of `arrays`, so that what is left over belongs to nobody."""
    kind = entry.get("kind") if isinstance(entry, dict) else None
    entry = _keys(where, entry, {"name", "kind", "channels", "activation"} if kind != "conv" else CONV_KEYS - {"pool"},
                  {"pool"} if kind == "conv" else set())
    name, kernel, pool = entry["name"], entry.get("kernel", [1, 1]), entry.get("pool")
    if not isinstance(name, str):
        raise InputError(f"{where}: name must be text, not {name!r}")
    if not isinstance(kernel, list):
        raise InputError(f"{where}: kernel must be [height, width], not {kernel!r}")
    if pool is not None:
        pool = _keys(f"{where}: pool", pool, {"kernel", "stride", "pad"})
        pool = (pool["kernel"], pool["stride"], pool["pad"])
    geometry = (kind, entry["channels"], tuple(kernel), entry.get("stride", 1), entry.get("pad", 0), pool)
    try:
        check_geometry(*geometry, entry["activation"], in_shape)
        missing = [key for key in ARRAYS if f"{name}.{key}" not in arrays]
        if missing:
            raise InputError(f"the array {name}.{missing[0]} is missing")
        counts, values, bias, multiplier, shift = (arrays.pop(f"{name}.{key}") for key in ARRAYS)
        weights = CompressedLayer(counts, values, entry["channels"], chunk)
    except InputError as error:
        raise InputError(f"{where}: {error}") from error
    return Layer(name, *geometry, entry["activation"], in_shape, weights, bias, multiplier, shift, signed)


def _keys(where, entry, required, optional=frozenset()):
    if not isinstance(entry, dict):
        raise InputError(f"{where} must be a mapping of keys to values, not {type(entry).__name__}")
    missing, unknown = required - set(entry), set(map(str, entry)) - required - optional
    if missing:
        raise InputError(f"{where} lacks the key {min(missing)}")
    if unknown:
        raise InputError(f"{where} has the unknown key {min(unknown)}")
    return entry


def save(network, path):
    """Write a network: the arrays first, then the YAML that names their checksum, each by renaming a finished file.

    network: Network.  path: the .yaml file; the arrays go beside it, with the ending .npz.
    Errors: InputError when the path does not end in .yaml or `meta` holds what YAML cannot.
    """
    path = Path(path)
    if path.suffix != ".yaml":
        raise InputError(f"a network file must end in .yaml, not {path.name}")
    arrays = {}
    for layer in network.layers:
        arrays[f"{layer.name}.counts"] = layer.weights.counts.astype(np.uint16)
        arrays[f"{layer.name}.values"] = layer.weights.values
        for key in ARRAYS[2:]:
            arrays[f"{layer.name}.{key}"] = getattr(layer, key)
    channels, height, width = network.input_shape
    top = {"network": network.name, "title": network.title,
           "input": {"channels": channels, "height": height, "width": width, "signed": network.input_signed},
           "chunk": network.chunk, "arrays": path.with_suffix(".npz").name, "arrays_sha256": archive.checksum(arrays)}
    top |= {"layers": [_describe(layer) for layer in network.layers], "meta": network.meta}
    try:
        text = yaml.dump(top, Dumper=_Dumper, sort_keys=False, default_flow_style=None, width=200)
    except yaml.YAMLError as error:
        raise InputError("meta must hold only text, numbers, lists and dictionaries") from error
    archive.save(path.with_suffix(".npz"), arrays)
    archive.write(path, text.encode())


def _describe(layer):
    entry = _Line(name=layer.name, kind=layer.kind, channels=layer.channels)
    if layer.kind == "conv":
        entry |= {"kernel": list(layer.kernel), "stride": layer.stride, "pad": layer.pad}
        if layer.pool is not None:
            entry["pool"] = dict(zip(("kernel", "stride", "pad"), layer.pool))
    entry["activation"] = layer.activation
    return entry


class _Line(dict):
    """A mapping that is written on one line, so that a layer reads as a row of a table."""


class _Dumper(yaml.SafeDumper):
    pass


def _one_line(dumper, line):
    return dumper.represent_mapping("tag:yaml.org,2002:map", line.items(), flow_style=True)


_Dumper.add_representer(_Line, _one_line)
