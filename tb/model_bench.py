"""Programs on the cycle model: no hardware, so cycles, beats and stalls, but no outputs."""
from __future__ import annotations

import time

import numpy as np

from cascadefire import cycles
from tb.job import STATES, BenchResult


def run(program, activations, latency: int = 20, progress=None) -> BenchResult:
    """Predict the cycles of each image.

    program: a Program. activations: arrays [N, C, H, W], the images, then every layer's outputs.
    progress: called with (images done, cycles) after each image.
    Returns a BenchResult without outputs, events_out, pass ends and bytes read; the beats are put on PE 0, since the model
    has only their sum.
    """
    images = range(len(activations[0]))
    layers, pes, started = len(program.network.layers), program.config.pes, time.perf_counter()
    figures = np.zeros((len(images), layers), np.int64)
    requests, states = np.zeros_like(figures), np.zeros((len(images), layers, len(STATES)), np.int64)
    beats = np.zeros((len(images), layers, pes), np.int64)
    for index in images:
        one = cycles.predict(program, [arrays[index] for arrays in activations], latency)
        figures[index], requests[index], beats[index, :, 0] = one.layer_cycles, one.requests, one.beats
        for layer, causes in enumerate(one.stalls):
            states[index, layer] = [causes.get(name, 0) for name in STATES]
        if progress:
            progress(index + 1, int(figures.sum()))
    return BenchResult({}, figures, np.zeros((len(images), 0), np.int64), states, beats, np.zeros_like(figures), requests,
                       [np.zeros(0, np.uint32)] * len(images), int(figures.sum()), time.perf_counter() - started)
