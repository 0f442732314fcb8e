"""How evenly four ways of sharing a layer's beats out over the PEs load them: the measurement behind the core's dataflow."""

import heapq

import numpy as np

from cascadefire.compiler import modes

MAPPINGS = ("rows", "diagonals", "filter groups", "events")


def imbalance(layer, inputs, pes: int, lanes: int) -> dict[str, float]:
    """Return, for each of MAPPINGS, the beats of the busiest PE over the mean, summed over the images (1 = perfect).

        rows           PE p has the outputs with y mod P = p
        diagonals      PE p has the outputs with (y + x) mod P = p
        filter groups  PE p has the chunks j with j mod P = p
        events         an event, with all its rows, goes to the PE that is free first

    A layer is as slow as its busiest PE, so these are also cycles over ideal cycles, all else being free.
    layer: a Layer.  inputs: integers [N, C, H, W].  pes: P.  lanes: C of the array.
    """
    counts = modes.weights(layer, lanes, "both").counts
    if layer.kind == "fc":
        inputs, kernel, pad, stride = inputs.reshape(len(inputs), -1, 1, 1), (1, 1), 0, 1
    else:
        kernel, pad, stride = layer.kernel, layer.pad, layer.stride
    counts = counts.reshape(inputs.shape[1], *kernel)
    busiest, total = dict.fromkeys(MAPPINGS, 0.0), 0.0
    for image in inputs:
        events = np.pad(image != 0, ((0, 0), (pad, pad), (pad, pad))).astype(np.int64)
        outputs, chunks, each = _beats(events, counts, stride)
        y, x = np.indices(outputs.shape)
        loads = {
            "rows": np.bincount((y % pes).ravel(), outputs.ravel(), pes),
            "diagonals": np.bincount(((y + x) % pes).ravel(), outputs.ravel(), pes),
            "filter groups": np.bincount(np.arange(len(chunks)) % pes, chunks, pes),
            "events": _first_free(each[events > 0], pes),
        }
        for name, load in loads.items():
            busiest[name] += float(np.max(load))
        total += float(outputs.sum()) / pes
    return {name: value / total if total else 1.0 for name, value in busiest.items()}


def _beats(events, counts, stride):
    """Beats by output position [OH, OW], by chunk [n], and by event [C, H, W] (padded); events: 0 or 1, [C, H, W] padded."""
    channels, height, width = events.shape
    kh, kw = counts.shape[1:]
    rows, columns = (height - kh) // stride + 1, (width - kw) // stride + 1
    outputs, each = np.zeros((rows, columns), np.int64), np.zeros_like(events)
    chunks = np.zeros(max(1, int(counts.max())), np.int64)
    for ky in range(kh):
        for kx in range(kw):
            window = (slice(None), slice(ky, ky + stride * rows, stride), slice(kx, kx + stride * columns, stride))
            own = counts[:, ky, kx, None, None]
            outputs += (events[window] * own).sum(axis=0)
            each[window] += own
            hits = events[window].sum(axis=(1, 2))
            chunks += ((counts[:, ky, kx, None] > np.arange(len(chunks))) * hits[:, None]).sum(axis=0)
    return outputs, chunks, each


def _first_free(beats, pes: int) -> list[int]:
    """Load of each PE when events, in order, go to the PE that is free first."""
    loads = [0] * pes
    for beat in beats.tolist():
        heapq.heapreplace(loads, loads[0] + beat)
    return loads
