"""A runnable network from a table of shapes and densities: drawn CSP-A weights, and activations that are results of the step before.

Nothing here is a trained network: shapes and densities are the table's, values are random. What is assumed is listed in Graph.meta.
"""

from dataclasses import replace

import numpy as np

from cascadefire import calibrate, draw, graph_reference
from cascadefire.cspa.prune import check_whole
from cascadefire.errors import InputError
from cascadefire.graph import Graph, Map, Term
from cascadefire.quantise import ACCUMULATOR_BITS
from cascadefire.synthesis_plan import TOKENS, Plan
from cascadefire.workloads import load, whole_map

SHORTCUT_SPREAD = 12.0  # weights beside a shortcut are smaller, so that int8 factors bring the shortcut to their sums' scale
IDENTITY = (32768, 15)  # multiplier and shift of a factor of 1


def synthesise(workload, lanes=32, seed=1, batch=None, shrink=1, layers=None, assumed=0.5, bits=ACCUMULATOR_BITS):
    """Make a Graph of a table.

    workload: Workload, or what `workloads.load` takes.  lanes: C, the chunk that the weights are structured in.
    seed: whole number from 0; the same seed draws the same layer, whatever else is drawn.
    batch: inputs side by side (tokens of a transformer), in networks or parts of fully connected layers only; each layer is then a
        1 x 1 convolution of a map [C, 1, batch]. By default 16 for a transformer, else 1.
    shrink: divides height and width of the inputs, rounded up.  layers: "conv", "fc" or names; the others are left out, and the maps
        between are drawn.
    assumed: density of weights and activations that the table does not know.  bits: of the accumulator, for any activations.
    Returns a Graph; `draw_inputs` gives its inputs.
    Errors: InputError when the table cannot be run (kernel, stride, pooling, order of parts) or an argument is out of range.
    """
    workload = workload if hasattr(workload, "layers") else load(workload)
    check_whole("lanes", lanes)
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise InputError(f"seed must be a whole number from 0, not {seed!r}")
    if isinstance(assumed, bool) or not isinstance(assumed, (int, float)) or not 0 < assumed <= 1:
        raise InputError(f"assumed must be above 0 and at most 1, not {assumed!r}")
    if not isinstance(bits, int) or not 16 <= bits <= 40:
        raise InputError(f"bits must be from 16 to 40, not {bits!r}")
    return _Builder(Plan(workload, layers, batch, shrink), lanes, seed, assumed, bits).graph()


def draw_inputs(graph):
    """Return the inputs of a synthetic graph, name -> int16 [C, H, W]: those that it was calibrated on.

    graph: Graph from `synthesise`.
    """
    return {name: draw.activations(graph.maps[name].shape, np.array(graph.meta["inputs"][name]["densities"]),
                                   graph.maps[name].signed, draw.generator(graph.meta["seed"], f"input {name}"))
            for name in graph.inputs}


class _Builder:
    """Steps in the order of what they read; `place` makes whatever a node needs and says where its values are."""

    def __init__(self, plan, lanes, seed, assumed, bits):
        self.plan, self.lanes, self.seed, self.assumed, self.bits = plan, lanes, seed, assumed, bits
        self.maps, self.values, self.steps, self.places, self.inputs, self.read = {}, {}, [], {}, [], set()
        self.meta = {"workload": plan.workload.name, "sources": dict(plan.workload.citations), "seed": seed, "batch": plan.batch,
                     "shrink": plan.shrink, "layers": [row.name for row in plan.selected], "inputs": {}, "steps": {},
                     "assumed": [], "disagreements": {}, "notes": list(NOTES) + plan.notes}

    def graph(self):
        for row in self.plan.selected:
            self.place(self.plan.fired_by(row))
        for node in self.plan.trailing_pools():
            self.place(node)
        outputs = tuple(name for name in self.maps if name not in self.read)
        workload = self.plan.workload
        return Graph(workload.name, workload.title, self.maps, tuple(self.inputs), outputs, tuple(self.steps), self.lanes, self.meta)

    def place(self, name):
        """Return (map, first channel) of a node's values, after making the steps that give them."""
        if name not in self.places:
            node = self.plan.nodes.get(name)
            if not self.plan.made(name):
                self.places[name] = self.drawn(name)
            elif node.op == "slice":
                source, first = self.place(node.sources[0])
                self.places[name] = source, first + node.channels[0]
            elif node.op == "flatten":
                self.places[name] = self.place(node.sources[0])
            elif node.op == "concat":
                self.places[name] = name, 0
                for source in node.sources:
                    self.place(source)
            elif (row := self.plan.row_of(name)) is not None:
                self.layer(row, name)
            else:
                self.pooling(node)
        return self.places[name]

    def drawn(self, name):
        shape, signed = self.plan.map_shape(name), self.plan.drawn_signed(name)
        self.maps[name] = Map(name, shape, signed, self.plan.is_vector(name))
        densities = np.resize(self.target(name), shape[0])  # a batch puts all values of an input into channels
        unknown = np.isnan(densities)
        if unknown.any():
            share = 1.0 if self.plan.dense(name) else self.assumed
            densities[unknown] = share
            self.meta["assumed"].append({"what": "input map", "name": name, "density": share})
        self.meta["inputs"][name] = {"densities": densities.tolist()}
        self.values[name] = draw.activations(shape, densities, signed, draw.generator(self.seed, f"input {name}"))
        self.inputs.append(name)
        return name, 0

    def target(self, name, row=None):
        """Return the wanted density of each channel of a node, NaN where the table knows none."""
        told, disagreement = self.plan.target(name, row)
        if disagreement:
            self.meta["disagreements"][name] = disagreement
        return told

    def layer(self, row, name):
        """Make the step of a layer, with the addition and the pooling that it takes over."""
        plan, weights = self.plan, draw.generator(self.seed, f"weights {row.name}")
        source, first = self.place(row.source)
        shortcuts = [self.place(other) for other in plan.shortcuts(row)]
        signed, rows, conv_shape = self.maps[source].signed, plan.rows(row), plan.map_shape(row.name)[1:]
        share = row.weight_density
        if share is None:
            share = self.assumed
            self.meta["assumed"].append({"what": "weights", "name": row.name, "density": share})
        limit = (1 << (self.bits - 1)) - 1 - len(shortcuts) * 127 * 255
        if row.op == "dwconv":
            drawn = draw.diagonal(row.C, (row.R, row.S), share, weights)
        else:
            kept = row.nnz if row.nnz is not None and rows == row.C * row.R * row.S else round(share * row.K * rows)
            drawn = draw.weights(rows, row.K, self.lanes, kept, weights, SHORTCUT_SPREAD if shortcuts else draw.WEIGHT_SPREAD,
                                 limit, signed)
        if row.op == "fc" and not plan.tokens:
            if first or self.values[source].size != rows:
                raise InputError(f"{row.name} is fully connected and must read a whole map, not channels of {source}")
            terms = [Term(source, "fc", self.maps[source].shape[0], drawn)]
        else:
            terms = [Term(source, "diagonal" if row.op == "dwconv" else "conv", row.C, drawn, first, (row.R, row.S), row.stride, row.pad)]
        label = {"dwconv": "dwconv", "fc": "fc"}.get(row.op, "conv") + ("+add" if shortcuts else "")
        step = calibrate.neutral(row.name, label, terms, row.K, conv_shape, plan.activation(row), name, pool=plan.fused_pool(row))
        if shortcuts:
            sums = graph_reference.sums(step, self.values)
            deviation = sums.std(axis=(1, 2)) if sums[0].size >= calibrate.FEW else np.full(row.K, sums.std())
            for place, start in shortcuts:
                part = self.values[place][start:start + row.K]
                scale = np.clip(np.rint(deviation / max(part.std(), 1)), 1, 127).astype(np.int8).reshape(-1, 1, 1)
                terms.append(Term(place, "diagonal", row.K, scale, start))
            step = replace(step, terms=tuple(terms))
        wanted = self.target(name, row) if step.activation == "relu" else None
        if wanted is not None and np.isnan(wanted).any():
            wanted = np.where(np.isnan(wanted), self.assumed, wanted)
            self.meta["assumed"].append({"what": "outputs", "name": name, "density": self.assumed})
        self.fire(step, wanted, row=row)

    def pooling(self, node):
        """Make the step of a pooling that stands alone: a diagonal term of ones."""
        source, first = self.place(node.sources[0])
        (channels, *shape), (_, height, width) = self.plan.shapes[node.name], self.plan.shapes[node.sources[0]]
        activation = "none" if self.maps[source].signed else "relu"
        if node.op == "maxpool":
            kernel, stride, pad, factor, conv_shape = (1, 1), 1, 0, 1.0, (height, width)
            pool = self.plan.pool(node)
        else:
            whole = whole_map(node, self.plan.full_shapes)
            kernel, stride, pad = ((height, width) if whole else (node.k, node.k)), node.stride, node.pad
            factor, conv_shape, pool = 1 / (kernel[0] * kernel[1]), tuple(shape), None
            self.plan.check(node.name, kernel, stride)
        term = Term(source, "diagonal", channels, np.ones((channels, *kernel), np.int8), first, kernel, stride, pad)
        step = calibrate.neutral(node.name, node.op, [term], channels, conv_shape, activation, node.name, pool=pool)
        wanted = self.target(node.name)
        wanted = np.where(np.isnan(wanted), 1.0, wanted) if activation == "relu" and not np.isnan(wanted).all() else None
        self.fire(step, wanted, factor)

    def fire(self, step, wanted, factor=None, row=None):
        """Choose bias and scale, and write the step and its values."""
        node, channels, signed = step.output, step.channels, step.activation == "none"
        sums = calibrate.pooled_sums(step, self.values)
        if wanted is not None:
            numbers = calibrate.threshold(sums, wanted, draw.generator(self.seed, f"outputs {step.name}"), factor)
        elif factor is not None:
            numbers = (np.zeros(channels, np.int32), *calibrate.multiplier_and_shift(np.full(channels, factor)))
        else:
            numbers = calibrate.centre(sums)
        target, first = self.plan.concat_place(node) or (node, 0)
        if target not in self.maps:
            self.maps[target] = Map(target, self.plan.map_shape(target), signed, self.plan.is_vector(target))
            self.values[target] = np.zeros(self.maps[target].shape, np.int16)
        elif self.maps[target].signed != signed:
            raise InputError(f"{target} joins signed and unsigned maps")
        step = replace(step, bias=numbers[0], multiplier=numbers[1], shift=numbers[2], output=target, first=first)
        outputs = graph_reference.fire(step, sums)
        self.values[target][first:first + channels] = outputs
        self.places[node] = target, first
        self.read.update(term.source for term in step.terms)
        self.steps.append(step)
        term = step.terms[0]
        source = self.values[term.source][term.first:term.first + term.channels]
        found = {"input": share(source), "output": share(outputs),
                 "channels": (outputs != 0).mean(axis=(1, 2)).round(4).tolist(),
                 "output wanted": None if wanted is None else float(np.mean(wanted))}
        if row is not None:
            found |= {"input of the table": row.input_density, "output of the table": row.output_density,
                      "weights of the table": row.weight_density,
                      "weights": share(term.weights) if row.op == "dwconv" else term.weights.density}
        self.meta["steps"][step.name] = found


def share(values):
    """Return the share of `values` that is not zero."""
    return float(np.count_nonzero(values) / values.size)


NOTES = (
    "weights, inputs and biases are drawn: only shapes and densities are the table's, so accuracy means nothing here",
    "chunk counts of the rows are beta-binomial with alpha + beta = 2, as in networks trained with CSP-A, moved to the exact sum",
    "each step's bias gives its outputs the table's density after pooling; channels differ by a normal of 1 in logits",
    "a pooling that stands alone subtracts a threshold where its result would be denser than the table says, and never adds",
    f"a transformer's maps after attention, addition and normalisation are drawn ({TOKENS} tokens by default), since those have no weights",
)
