"""Outputs of a graph that no input can change, with parameters as small as their values."""
from __future__ import annotations

import dataclasses

import numpy as np

ONE = (32768, 15)       # multiplier and shift of a factor of 1
RANGES = {"relu": (0, 255), "none": (-128, 127)}


def with_small_constants(graph):
    """Return a graph that computes the same with small biases where pruning left a channel no weight.

        y[k] = clamp((bias[k] * multiplier[k] + 2**(shift[k] - 1)) >> shift[k])   for every input;
        bias[k] = y[k],  multiplier[k] = 32768,  shift[k] = 15  give the same

    The scale of such a channel is arbitrary, so that its bias may need more bits than any sum: a compact accelerator then refuses it.
    graph: Graph.
    """
    return dataclasses.replace(graph, steps=tuple(map(_small, graph.steps)))


def _small(step):
    idle = np.ones(step.channels, bool)
    for term in step.terms:
        weights = term.weights.reshape(term.channels, -1) if term.kind == "diagonal" else term.weights.unpack()
        idle &= ~weights.any(axis=1)
    if not idle.any():
        return step
    low, high = RANGES[step.activation]
    bias, multiplier, shift = (values.astype(np.int64) for values in (step.bias, step.multiplier, step.shift))
    values = np.clip((bias * multiplier + (1 << shift - 1)) >> shift, low, high)
    return dataclasses.replace(step, bias=np.where(idle, values, bias).astype(step.bias.dtype),
                               multiplier=np.where(idle, ONE[0], multiplier).astype(step.multiplier.dtype),
                               shift=np.where(idle, ONE[1], shift).astype(step.shift.dtype))
