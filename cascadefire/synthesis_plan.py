"""How the nodes of a table become maps and steps: what is made, what is drawn, what a step takes over, and which density it should have."""

import difflib

import numpy as np

from cascadefire.errors import InputError

TOKENS = 16             # inputs side by side of a network with attention
KERNEL_MAX, POOL_MAX, STRIDES = 11, 3, (1, 2, 4)


class Plan:
    """The decisions about one table.

    workload: Workload.  layers: None, "conv", "fc" or names.  batch: None or from 1.  shrink: from 1.
    Errors: InputError for unknown layers, a batch of something else than fully connected layers, and what the accelerator cannot run.
    """

    def __init__(self, workload, layers=None, batch=None, shrink=1):
        self.workload, self.shrink, self.nodes, self.readers = workload, shrink, workload.nodes, workload.readers()
        self.selected = _select(workload, layers)
        self.names = {row.name for row in self.selected}
        attention = any(node.op == "attention" for node in workload.glue)
        only_fc = all(row.op == "fc" for row in self.selected)
        if batch is None:
            batch = TOKENS if attention else 1
        if isinstance(batch, bool) or not isinstance(batch, int) or batch < 1:
            raise InputError(f"batch must be a whole number from 1, not {batch!r}")
        if batch > 1 and not only_fc:
            raise InputError(f'a batch of {batch} needs fully connected layers only: {workload.name} has others; try layers="fc"')
        if attention and not only_fc:
            raise InputError(f"{workload.name} has attention and convolutions, which cannot be run together")
        self.batch, self.tokens = batch, attention or batch > 1
        self.full_shapes = workload.shapes()
        self.shapes = workload.shapes(shrink) if shrink != 1 else self.full_shapes
        self.notes = ([f"the inputs are 1/{shrink} as high and wide as the table's"] if shrink > 1 else [])
        for row in self.selected:
            self.check(row.name, (row.R, row.S), row.stride)

    @staticmethod
    def check(name, kernel, stride):
        """Raise InputError unless the accelerator has this kernel and stride."""
        if max(kernel) > KERNEL_MAX or stride not in STRIDES:
            raise InputError(f"{name} has the kernel {kernel[0]} x {kernel[1]} and the stride {stride}, but kernels go to {KERNEL_MAX} "
                             "and strides are 1, 2 or 4")

    def made(self, name):
        """Return whether a node is computed, not drawn."""
        node = self.nodes.get(name)
        if node is None or node.op == "attention":
            return False
        if name in self.names or node.op in ("conv", "dwconv", "fc"):
            return name in self.names
        if node.op == "add":
            return not self.tokens and self.adder(node) in self.names
        return all(self.made(source) or source in self.workload.inputs and node.op != "concat" for source in node.sources)

    def adder(self, node):
        """Return the name of the layer that takes an addition over: the first source that nothing else reads."""
        for source in node.sources:
            if source in self.nodes and self.nodes[source].op == "conv" and self.readers[source] == (node,):
                return source
        raise InputError(f"the addition {node.name} needs a convolution that nothing else reads")

    def sum_of(self, row):
        """Return the addition that a layer takes over, or None."""
        readers = self.readers[row.name]
        if self.tokens or len(readers) != 1 or readers[0].op != "add" or self.adder(readers[0]) != row.name:
            return None
        return readers[0]

    def shortcuts(self, row):
        """Return the nodes that are added to a layer's sums."""
        node = self.sum_of(row)
        return [source for source in node.sources if source != row.name] if node else []

    def _pool_after(self, name):
        readers = self.readers[name]
        return readers[0] if len(readers) == 1 and readers[0].op == "maxpool" else None

    def fused_pool(self, row):
        """Return the pooling (kernel, stride, pad, (H, W)) that a layer's step does, or None."""
        node = self._pool_after((self.sum_of(row) or row).name)
        return self.pool(node) if node else None

    def pool(self, node):
        """Return (kernel, stride, pad, (H, W)) of a max pooling, checked."""
        if node.k > POOL_MAX or node.stride > node.k:
            raise InputError(f"{node.name} pools {node.k} x {node.k} with the stride {node.stride}, but pooling kernels go to {POOL_MAX} "
                             "and strides to the kernel")
        return node.k, node.stride, node.pad, self.shapes[node.name][1:]

    def fired_by(self, row):
        """Return the node that a layer's step gives: the layer, its addition, or the pooling after it."""
        node = self.sum_of(row) or row
        return (self._pool_after(node.name) or node).name

    def row_of(self, name):
        """Return the layer whose step gives a node, or None."""
        return next((row for row in self.selected if self.fired_by(row) == name), None)

    def trailing_pools(self):
        """Return the poolings that nothing reads but that have all they need."""
        return [node.name for node in self.workload.glue
                if node.op.endswith("pool") and not self.readers[node.name] and self.made(node.name)]

    def concat_place(self, name):
        """Return (map, first channel) of a node inside a concatenation that is made, or None."""
        joins = [node for node in self.readers[name] if node.op == "concat" and self.made(node.name)]
        if not joins:
            return None
        if len(joins) > 1 or joins[0].sources.count(name) > 1:
            raise InputError(f"{name} is joined into more than one map")
        before = joins[0].sources[:joins[0].sources.index(name)]
        if self.concat_place(joins[0].name):
            raise InputError(f"{joins[0].name} is joined again, which is not supported")
        return joins[0].name, sum(self.shapes[source][0] for source in before)

    def map_shape(self, name):
        """Return the shape of a node's map: one column for each input of the batch where there is one."""
        channels, height, width = self.shapes[name]
        return (channels * height * width, 1, self.batch) if self.tokens else (channels, height, width)

    def rows(self, row):
        """Return the rows of a layer's weight matrix, which a smaller input may change."""
        return int(np.prod(self.shapes[row.source])) if row.op == "fc" else row.C * row.R * row.S

    def is_vector(self, name):
        """Return whether a map is kept as a vector: the values of fully connected layers at batch 1."""
        if self.tokens or self.shapes[name][1:] != (1, 1):
            return False
        node = self.nodes.get(name)
        if node is not None and self.made(name):
            return node.op == "fc"
        return bool(found := self._rows_after(name)) and all(row.op == "fc" for row in found)

    def _rows_after(self, name):
        return [row for node in self.readers[name]
                for row in (self._rows_after(node.name) if node.op in ("flatten", "slice") else [node])]

    def activation(self, row):
        """Return "relu", or "none" for the terms of later additions, what attention reads, and a last fully connected layer."""
        readers = self.readers[row.name]
        if row.op == "fc":
            return "none" if not readers or any(node.op in ("add", "attention") for node in readers) else "relu"
        return "none" if readers and all(node.op == "add" for node in readers) and not self.sum_of(row) else "relu"

    def dense(self, name):
        """Return whether a drawn map of unknown density is dense: an input, or a sum or attention that is normalised."""
        node = self.nodes.get(name)
        return node is None or node.op in ("add", "attention") and self.tokens

    def drawn_signed(self, name):
        """Return whether a drawn map is signed: the tokens of a transformer, and the terms of additions."""
        node = self.nodes.get(name)
        if node is None or node.op in ("add", "attention"):
            return self.tokens and any(glue.op == "attention" for glue in self.workload.glue)
        return node.op in ("conv", "dwconv", "fc") and self.activation(node) == "none"

    def target(self, name, row=None):
        """Return the density [K] wanted of what a step gives, NaN where unknown, and the readers that disagree (name -> density).

        After a pooling the readers' input density counts; without, the layer's output density, or that of a term of its sum.
        Several readers: the mean by MACs.

        name: node.  row: the layer whose step gives it.
        """
        wanted, told = self._read(name)
        if row is not None and not self.fused_pool(row):
            own = next((self.nodes[source].output_density for source in (row.name, *self.shortcuts(row))
                        if source in self.nodes and getattr(self.nodes[source], "output_density", None) is not None), None)
            if own is not None:
                wanted = np.full(len(wanted), own)
        return wanted, told

    def _read(self, name):
        """Return the input density that the readers of each channel state, and who states what if that differs."""
        channels, stated = self.shapes[name][0], []
        self._stated(name, stated)
        weight, total = np.zeros(channels), np.zeros(channels)
        for row, start, end in stated:
            weight[start:end] += row.macs
            total[start:end] += row.macs * row.input_density
        differ = any(a.input_density != b.input_density and s < f and t < e
                     for a, s, e in stated for b, t, f in stated)
        with np.errstate(invalid="ignore"):
            return total / np.where(weight, weight, np.nan), ({row.name: row.input_density for row, _, _ in stated} if differ else {})

    def _stated(self, name, stated, first=0, end=None):
        """Collect (layer, first, end) of those that read channels of a node and state a density, slices seen through."""
        end = self.shapes[name][0] if end is None else end
        for node in self.readers[name]:
            if node.op in ("conv", "dwconv", "fc"):
                if node.input_density is not None:
                    stated.append((node, first, end))
            elif node.op == "slice":
                self._stated(node.name, stated, first + node.channels[0], first + node.channels[1])
            elif node.op == "flatten":
                self._stated(node.name, stated, first, end)


def _select(workload, layers):
    if layers is None:
        return workload.layers
    if isinstance(layers, str) and layers in ("conv", "fc"):
        chosen = tuple(row for row in workload.layers if (row.op == "fc") == (layers == "fc"))
        if not chosen:
            raise InputError(f"{workload.name} has no layers of the kind {layers}")
        return chosen
    known = [row.name for row in workload.layers]
    wanted = [layers] if isinstance(layers, str) else list(layers)
    for name in wanted:
        if name not in known:
            near = difflib.get_close_matches(str(name), known, 3)
            raise InputError(f"{workload.name} has no layer {name}" + (f"; near: {', '.join(near)}" if near else ""))
    if not wanted:
        raise InputError("layers must name at least one layer")
    return tuple(row for row in workload.layers if row.name in wanted)
