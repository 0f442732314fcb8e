"""The rows of a workload table: layers and the glue between them, read and checked one by one."""

from dataclasses import dataclass

from cascadefire.errors import InputError

ROW_KEYS = ("name", "op", "from", "C", "K", "R", "S", "stride", "pad", "groups", "ifmap", "ofmap",
            "weight_density", "input_density", "output_density", "nnz", "macs", "source")
GLUE_KEYS = {"maxpool": {"k", "stride", "pad"}, "avgpool": {"k", "stride", "pad"}, "add": set(), "concat": set(),
             "slice": {"channels"}, "flatten": set(), "attention": set()}


@dataclass(frozen=True)
class Row:
    """A layer with weights; the fields are the keys of the table, `source` being the node read and `cite` the citation."""

    name: str
    op: str
    source: str
    C: int
    K: int
    R: int
    S: int
    stride: int
    pad: int
    ifmap: tuple
    ofmap: tuple
    weight_density: float | None
    input_density: float | None
    output_density: float | None
    nnz: int | None
    macs: int
    cite: str

    @property
    def weights(self):
        """Weights of the layer, zeros with them."""
        return self.K * self.R * self.S * (1 if self.op == "dwconv" else self.C)

    @property
    def sources(self):
        """The node read, as a tuple of one."""
        return (self.source,)


@dataclass(frozen=True)
class Glue:
    """A node without weights.  op: a key of GLUE_KEYS.  k, stride, pad, ceil: of a pooling.  channels: [first, end) of a slice."""

    name: str
    op: str
    sources: tuple
    k: int = 1
    stride: int = 1
    pad: int = 0
    ceil: bool = False
    channels: tuple | None = None


def row(entry):
    """Return a Row from an entry of `layers`, with every value checked on its own."""
    name = entry.get("name", "without a name") if isinstance(entry, dict) else "without a name"
    where = f"layer {name}"
    keys(where, entry, ROW_KEYS)
    if entry["op"] not in ("conv", "dwconv", "fc"):
        raise InputError(f"{where}: op must be conv, dwconv or fc, not {entry['op']!r}")
    for key in ("name", "from"):
        if not isinstance(entry[key], str):
            raise InputError(f"{where}: {key} must be text, not {entry[key]!r}")
    for key in ("C", "K", "R", "S", "stride", "groups", "macs"):
        wholes(f"{where}: {key}", [entry[key]], 1)
    wholes(f"{where}: pad", [entry["pad"]], 1, 0)
    for key in ("weight_density", "input_density", "output_density"):
        value = entry[key]
        if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= 1):
            raise InputError(f"{where}: {key} must be null or above 0 and at most 1, not {value!r}")
    if entry["nnz"] is not None:
        wholes(f"{where}: nnz", [entry["nnz"]], 1, 0)
    groups = entry["C"] if entry["op"] == "dwconv" else 1
    if entry["groups"] != groups or (entry["op"] == "dwconv" and entry["K"] != groups):
        raise InputError(f"{where}: groups must be {groups}, since other groups are rows of their own")
    if entry["op"] == "fc" and any(entry[key] != 1 for key in ("R", "S", "stride")):
        raise InputError(f"{where}: a fully connected layer has R, S and stride 1")
    return Row(entry["name"], entry["op"], entry["from"], *(entry[key] for key in ("C", "K", "R", "S", "stride", "pad")),
               wholes(f"{where}: ifmap", entry["ifmap"], 2), wholes(f"{where}: ofmap", entry["ofmap"], 2),
               *(entry[key] for key in ("weight_density", "input_density", "output_density", "nnz", "macs")), str(entry["source"]))


def glue(entry):
    """Return a Glue from an entry of `glue`, with every value checked on its own."""
    name, op = (entry.get("name"), entry.get("op")) if isinstance(entry, dict) else (None, None)
    if op not in GLUE_KEYS:
        raise InputError(f"glue {name}: op must be {', '.join(GLUE_KEYS)}, not {op!r}")
    keys(f"glue {name}", entry, {"name", "op", "from"} | GLUE_KEYS[op], {"ceil"} if op.endswith("pool") else set())
    sources = entry["from"]
    many = op in ("add", "concat", "attention")
    if not isinstance(sources, list) or not all(isinstance(source, str) for source in sources) or not (
            len(sources) > 1 if many else len(sources) == 1):
        raise InputError(f"glue {name}: from must be a list of {'two or more names' if many else 'one name'}, not {sources!r}")
    if op.endswith("pool"):
        k, stride = wholes(f"glue {name}: k and stride", [entry["k"], entry["stride"]], 2)
        pad, = wholes(f"glue {name}: pad", [entry["pad"]], 1, 0)
        if pad >= k:
            raise InputError(f"glue {name}: pad must be less than k = {k}, not {pad}")
        if not isinstance(entry.get("ceil", False), bool):
            raise InputError(f"glue {name}: ceil must be true or false, not {entry['ceil']!r}")
        return Glue(str(name), op, tuple(sources), k, stride, pad, entry.get("ceil", False))
    channels = wholes(f"glue {name}: channels", entry["channels"], 2, 0) if op == "slice" else None
    return Glue(str(name), op, tuple(sources), channels=channels)


def keys(where, entry, required, optional=()):
    """Return `entry`, a mapping called `where`, checked to have all required keys and no unknown ones."""
    if not isinstance(entry, dict):
        raise InputError(f"{where} must be a mapping of keys to values, not {type(entry).__name__}")
    missing, unknown = set(required) - set(entry), set(map(str, entry)) - set(required) - set(optional)
    if missing:
        raise InputError(f"{where} lacks the key {min(missing)}")
    if unknown:
        raise InputError(f"{where} has the unknown key {min(unknown)}")
    return entry


def wholes(where, values, length, least=1):
    """Return `values` as a tuple, checked to be `length` whole numbers from `least`."""
    if not isinstance(values, (list, tuple)) or len(values) != length or any(
            isinstance(value, bool) or not isinstance(value, int) or value < least for value in values):
        shown = values[0] if length == 1 and isinstance(values, (list, tuple)) and values else values
        raise InputError(f"{where} must be {'a whole number' if length == 1 else f'{length} whole numbers'} from {least}, not {shown!r}")
    return tuple(values)
