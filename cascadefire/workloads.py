"""Per-layer tables of large networks: shapes, densities and how the layers hang together (data/workloads/README.md has the keys).

A table is a YAML file with the keys network, title, sources, notes, inputs, totals, glue and layers. Everything in it that follows
from something else (shapes, MACs, totals, densities of counted weights) is checked, so that a mistyped row is found here.
"""

import difflib
from dataclasses import dataclass
from pathlib import Path

from cascadefire import yaml_file
from cascadefire.errors import InputError
from cascadefire.workload_rows import Glue, glue, keys, row, wholes

FOLDER = Path(__file__).resolve().parents[1] / "data" / "workloads"
TOP_KEYS = ("network", "title", "sources", "notes", "inputs", "totals", "glue", "layers")
TOTALS = ("layers", "weights", "macs_conv", "macs_fc")
DENSITY_STEP = 1e-5  # counted densities are written with five or six decimals


@dataclass(frozen=True)
class Workload:
    """A table, checked.  name, title: text.  citations: short name -> text.  notes: sentences.

    inputs: name -> (C, H, W).  totals: as in the file.  layers: Rows in execution order.  glue: Glues.
    """

    name: str
    title: str
    citations: dict
    notes: tuple
    inputs: dict
    totals: dict
    glue: tuple
    layers: tuple

    @property
    def nodes(self):
        """Every layer and glue node by name."""
        return {node.name: node for node in (*self.layers, *self.glue)}

    def readers(self):
        """Return node -> tuple of the layers and glue nodes that read it."""
        found = {name: [] for name in (*self.inputs, *self.nodes)}
        for node in self.nodes.values():
            for source in dict.fromkeys(node.sources):
                found[source].append(node)
        return {name: tuple(readers) for name, readers in found.items()}

    def shapes(self, shrink=1):
        """Return node -> (C, H, W) of its output, with the height and width of the inputs divided by `shrink`, rounded up.

        An average pooling over a whole map stays one. A fully connected layer after a flattened map has as many inputs as that gives.

        shrink: whole number from 1.
        Errors: InputError when the network does not fit so small an input or its parts do not fit each other.
        """
        if isinstance(shrink, bool) or not isinstance(shrink, int) or shrink < 1:
            raise InputError(f"shrink must be a whole number from 1, not {shrink!r}")
        full = self.shapes() if shrink > 1 else {}
        shapes = {name: (c, -(-h // shrink), -(-w // shrink)) for name, (c, h, w) in self.inputs.items()}
        nodes = self.nodes

        def shape(name, path=()):
            if name in path:
                raise InputError(f"{name} reads its own output")
            if name not in shapes:
                node = nodes[name]
                inner = [shape(source, (*path, name)) for source in node.sources]
                shapes[name] = _glue_shape(node, inner, full) if isinstance(node, Glue) else _row_shape(node, inner[0], shrink)
                if min(shapes[name]) < 1:
                    raise InputError(f"nothing is left of the map {name}" + (f" with shrink {shrink}" if shrink > 1 else ""))
            return shapes[name]

        for name in nodes:
            shape(name)
        return shapes


def pooled(side, node):
    """Return the outputs of a pooling along one side; with `ceil` no window may begin in the padding below."""
    room = side + 2 * node.pad - node.k
    if room < 0:
        return 0
    out = (-(-room // node.stride) if node.ceil else room // node.stride) + 1
    return out - 1 if node.ceil and (out - 1) * node.stride >= side + node.pad else out


def whole_map(node, shapes):
    """Return whether an average pooling covers the whole of its source, given the full-size shapes."""
    return node.op == "avgpool" and node.pad == 0 and shapes[node.sources[0]][1:] == (node.k, node.k)


def _row_shape(row, source, shrink):
    channels, height, width = source
    if row.op == "fc":
        if (row.ifmap, row.ofmap) != ((1, 1), (1, 1)):
            raise InputError(f"the ifmap and ofmap of {row.name} must be [1, 1], since it is fully connected")
        if shrink == 1 and channels * height * width != row.C:
            raise InputError(f"{row.name} has {row.C} inputs, but {row.source} has {channels * height * width} values")
        return row.K, 1, 1
    if channels != row.C:
        raise InputError(f"{row.name} has {row.C} input channels, but {row.source} has {channels}")
    sides = [(side + 2 * row.pad - kernel) // row.stride + 1 if side + 2 * row.pad >= kernel else 0
             for side, kernel in ((height, row.R), (width, row.S))]
    if shrink == 1:
        for key, told, found in (("ifmap", row.ifmap, (height, width)), ("ofmap", row.ofmap, tuple(sides))):
            if told != found:
                raise InputError(f"the {key} of {row.name} must be {list(found)}, not {list(told)}")
    return row.K, *sides


def _glue_shape(node, inner, full):
    channels, height, width = inner[0]
    if node.op in ("maxpool", "avgpool"):
        return (channels, 1, 1) if full and whole_map(node, full) else (channels, pooled(height, node), pooled(width, node))
    if node.op == "concat":
        if any(shape[1:] != (height, width) for shape in inner):
            raise InputError(f"{node.name} joins maps of different height or width")
        return sum(shape[0] for shape in inner), height, width
    if node.op in ("add", "attention"):
        if any(shape != inner[0] for shape in inner):
            raise InputError(f"{node.name} reads maps of different shapes")
        return inner[0]
    if node.op == "slice":
        if not 0 <= node.channels[0] < node.channels[1] <= channels:
            raise InputError(f"{node.name} takes the channels {list(node.channels)} of {channels}")
        return node.channels[1] - node.channels[0], height, width
    return channels * height * width, 1, 1


def names():
    """Return the names of the shipped tables, in order."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def load(path_or_name):
    """Read and check a table.

    path_or_name: a .yaml file, or the name of a shipped table.
    Returns a Workload.
    Errors: InputError, one sentence that names the file, for anything missing, damaged or contradictory.
    """
    path = Path(path_or_name)
    if path.suffix != ".yaml":
        if str(path_or_name) not in names():
            near = difflib.get_close_matches(str(path_or_name), names(), 3, 0.4) or names()
            raise InputError(f"there is no workload called {path_or_name}: did you mean {' or '.join(near)}? Files end in .yaml")
        path = FOLDER / f"{path_or_name}.yaml"
    description = yaml_file.read(path)
    try:
        return _build(description)
    except InputError as error:
        raise InputError(f"{path.name}: {error}") from error


def _build(top):
    keys("the file", top, TOP_KEYS)
    if not isinstance(top["inputs"], dict) or not top["inputs"]:
        raise InputError("inputs must be a mapping of names to [channels, height, width]")
    for key, kind in (("layers", list), ("glue", list), ("notes", list), ("sources", dict)):
        if not isinstance(top[key], kind):
            raise InputError(f"{key} must be a {'list' if kind is list else 'mapping'}")
    if not top["layers"]:
        raise InputError("layers must not be empty")
    inputs = {str(name): wholes(f"input {name}", shape, 3) for name, shape in top["inputs"].items()}
    workload = Workload(str(top["network"]), str(top["title"]), top["sources"], tuple(map(str, top["notes"])), inputs,
                        keys("totals", top["totals"], TOTALS), tuple(glue(entry) for entry in top["glue"]),
                        tuple(row(entry) for entry in top["layers"]))
    known = [*inputs, *(layer.name for layer in workload.layers), *(node.name for node in workload.glue)]
    for name in known:
        if known.count(name) > 1:
            raise InputError(f"the name {name} is used twice")
    for node in workload.nodes.values():
        for source in node.sources:
            if source not in known:
                near = difflib.get_close_matches(source, known, 2)
                raise InputError(f"{node.name} reads {source}, which does not exist" + (f" (near: {', '.join(near)})" if near else ""))
    _agree(workload)
    return workload


def _agree(workload):
    """Check what a table says twice."""
    workload.shapes()
    for layer in workload.layers:
        if layer.macs != (macs := layer.weights * layer.ofmap[0] * layer.ofmap[1]):
            raise InputError(f"the macs of {layer.name} must be {macs}, not {layer.macs}")
        if layer.nnz is not None and abs(layer.nnz / layer.weights - (layer.weight_density or 0)) > DENSITY_STEP:
            raise InputError(f"the weight_density of {layer.name} must be nnz / weights = {layer.nnz / layer.weights:.6f}, "
                             f"not {layer.weight_density}")
    found = {"layers": len(workload.layers), "weights": sum(layer.weights for layer in workload.layers),
             "macs_conv": sum(layer.macs for layer in workload.layers if layer.op != "fc"),
             "macs_fc": sum(layer.macs for layer in workload.layers if layer.op == "fc")}
    for key in TOTALS:
        if workload.totals[key] != found[key]:
            raise InputError(f"totals {key} must be {found[key]}, the sum over the layers, not {workload.totals[key]}")
