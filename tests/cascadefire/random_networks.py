"""Small random networks for tests, made from a seed so that a failing one can be made again."""

import numpy as np

from cascadefire.cspa.format import CompressedLayer, chunk_total
from cascadefire.network import Layer, Network


def compressed(rng, channels, rows, chunk, empty=0.3, extreme=False):
    """Return random compressed weights; about `empty` of the rows keep nothing."""
    total = chunk_total(channels, chunk)
    counts = rng.integers(0, total + 1, rows) * (rng.random(rows) >= empty)
    values = rng.choice([-127, 127], (counts.sum(), chunk)) if extreme else rng.integers(-127, 128, (counts.sum(), chunk))
    values = values.astype(np.int8)
    short = channels % chunk
    if short:
        values[np.cumsum(counts)[counts == total] - 1, short:] = 0
    return CompressedLayer(counts, values, channels, chunk)


def layer(rng, name, in_shape, kind="conv", channels=8, kernel=(3, 3), stride=1, pad=0, pool=None, activation="relu",
          chunk=4, input_signed=False, empty=0.3, extreme=False):
    """Return a random layer whose outputs are spread over their range, about half of them zero after ReLU."""
    if kind == "fc":
        kernel, stride, pad, pool = (1, 1), 1, 0, None
    rows = in_shape[0] * (in_shape[1] * in_shape[2] if kind == "fc" else kernel[0] * kernel[1])
    weights = compressed(rng, channels, rows, chunk, empty, extreme)
    spread = max(1.0, 127 * 128 * np.sqrt(rows) / 4)
    shift = int(np.clip(np.round(np.log2(40000 * spread / 100)), 1, 47))
    return Layer(
        name, kind, channels, tuple(kernel), stride, pad, pool, activation, tuple(in_shape), weights,
        bias=rng.integers(-int(spread), int(spread), channels).astype(np.int32),
        multiplier=rng.integers(1 << 15, 1 << 16, channels).astype(np.uint16),
        shift=np.full(channels, shift, np.uint8), input_signed=input_signed)


def network(rng, input_shape, specs, chunk=4, input_signed=False):
    """Return a network; specs: keyword dictionaries for `layer`, one per layer."""
    layers, shape, signed = [], tuple(input_shape), input_signed
    for index, spec in enumerate(specs):
        layers.append(layer(rng, f"layer{index}", shape, chunk=chunk, input_signed=signed, **spec))
        shape, signed = layers[-1].out_shape, layers[-1].activation == "none"
    return Network("random", "a random network", tuple(input_shape), chunk, layers, input_signed)


def image(rng, net, density=0.4):
    """Return one random image of a network, [C, H, W], about `density` of it not zero."""
    low, high, kind = (-128, 128, np.int8) if net.input_signed else (0, 256, np.uint8)
    values = rng.integers(low, high, net.input_shape) * (rng.random(net.input_shape) < density)
    return values.astype(kind)


def small(seed):
    """Return (network, image): one to three random layers on a map of 1 to 9 a side, pruned at 4 or 8 channels."""
    rng = np.random.default_rng(seed)
    shape = (int(rng.integers(1, 6)), int(rng.integers(1, 10)), int(rng.integers(1, 10)))
    chunk = int(rng.choice([4, 8]))
    signed, specs, current = bool(rng.random() < 0.2), [], shape
    for _ in range(int(rng.integers(1, 4))):
        spec = {"channels": int(rng.integers(1, 21)), "activation": str(rng.choice(["relu", "none"], p=[0.8, 0.2])),
                "empty": float(rng.choice([0.0, 0.3, 0.8, 1.0], p=[0.3, 0.4, 0.2, 0.1]))}
        if rng.random() < 0.3:
            spec["kind"] = "fc"
            current = (spec["channels"], 1, 1)
        else:
            kernel = (int(rng.integers(1, 6)), int(rng.integers(1, 6)))
            stride, pad = int(rng.choice([1, 1, 2, 4])), int(rng.integers(0, max(kernel)))
            sides = [(side + 2 * pad - k) // stride + 1 for side, k in zip(current[1:], kernel)]
            if min(sides) < 1:
                kernel, stride, pad, sides = (1, 1), 1, 0, list(current[1:])
            pool = None
            if rng.random() < 0.5:
                k = int(rng.integers(1, 4))
                pool = (k, int(rng.integers(1, k + 1)), int(rng.integers(0, k)) if rng.random() < 0.3 else 0)
                pooled = [(side + 2 * pool[2] - k) // pool[1] + 1 for side in sides]
                pool, sides = (pool, pooled) if min(pooled) >= 1 else (None, sides)
            spec |= {"kernel": kernel, "stride": stride, "pad": pad, "pool": pool}
            current = (spec["channels"], *sides)
        specs.append(spec)
    net = network(rng, shape, specs, chunk, signed)
    return net, image(rng, net, float(rng.choice([0.0, 0.1, 0.5, 1.0])))
