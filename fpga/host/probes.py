"""Small programs that show one limit of an accelerator each: beats, events, outputs, memory words, and what skipping zeros is worth.

Layers are drawn, not trained: random weights in CSP-A structure and random activations at stated densities.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cascadefire import draw
from cascadefire.compiler.assemble import assemble
from cascadefire.graph import Graph, Map, Step, Term

SEED = 1
WEIGHT_DENSITY, ACTIVATION_DENSITY = 0.25, 0.4
SIDES = ((32, 32, 12), (16, 32, 12), (16, 16, 8), (8, 8, 8), (8, 8, 6))
"""Input channels, output channels (in chunks of 8), side of the map of the 3 x 3 layers, the largest that fits the memory is taken."""
SCALE = (32768, 22)     # multiplier and shift: sums over 128


@dataclass(frozen=True, eq=False)
class Probe:
    """name, title: for people.  executable: Executable.  inputs: map -> values.  macs: of the layer without any sparsity."""

    name: str
    title: str
    executable: object
    inputs: dict
    macs: int


def probes(config, memory_bytes: int) -> list[Probe]:
    """Return the probes that fit a board's memory.

    config: CoreConfig.  memory_bytes: of the board.
    """
    found = []
    for name, title, build in KINDS:
        for size in SIDES:
            probe = build(name, title, config, *size)
            if len(probe.executable.memory) <= memory_bytes:
                found.append(probe)
                break
    return found


def _layer(name: str, title: str, config, shapes, kernel: int, density: float, activation: float) -> Probe:
    """One convolution. shapes: input channels, output channels, side.  density, activation: of weights and inputs."""
    channels, outputs, side = shapes
    pad = kernel // 2
    rows = channels * kernel * kernel
    weights = draw.weights(rows, outputs, config.lanes, round(density * rows * outputs), draw.generator(SEED, f"weights {name}"))
    image = draw.activations((channels, side, side), activation, False, draw.generator(SEED, f"input {name}"))
    multiplier, shift = SCALE
    step = Step(name, "conv", (Term("image", "conv", channels, weights, kernel=(kernel, kernel), pad=pad),), outputs, (side, side),
                np.zeros(outputs, np.int32), np.full(outputs, multiplier, np.uint16), np.full(outputs, shift, np.uint8), "relu", "result")
    maps = {"image": Map("image", (channels, side, side)), "result": Map("result", (outputs, side, side))}
    graph = Graph(name, title, maps, ("image",), ("result",), (step,), config.lanes,
                  {"steps": {name: {"input": activation, "output": 0.5}}})
    return Probe(name, title, assemble(graph, config, "both"), {"image": image}, rows * outputs * side * side)


def _dense(name, title, config, channels, outputs, side):
    return _layer(name, title, config, (channels, outputs, side), 3, 1.0, 1.0)


def _sparse(name, title, config, channels, outputs, side):
    return _layer(name, title, config, (channels, outputs, side), 3, WEIGHT_DENSITY, ACTIVATION_DENSITY)


def _events(name, title, config, channels, _outputs, side):
    """One chunk for every event: nothing but events limits it."""
    return _layer(name, title, config, (channels, config.lanes, side), 1, 1.0, 1.0)


def _fires(name, title, config, _channels, outputs, side):
    """Next to no input, many outputs."""
    return _layer(name, title, config, (1, 2 * outputs, side), 1, 1.0, 1 / (side * side))


KINDS = (
    ("dense", "3 x 3 convolution, every weight kept, every input not zero: products a cycle without sparsity", _dense),
    ("sparse", f"the same layer with {WEIGHT_DENSITY:.0%} of the weights in CSP-A chunks and {ACTIVATION_DENSITY:.0%} of the inputs "
               "not zero", _sparse),
    ("events", "1 x 1 convolution of one chunk a channel: events a cycle", _events),
    ("outputs", "1 x 1 convolution of one value: outputs a cycle", _fires),
)
