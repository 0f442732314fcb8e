"""Small random graphs for tests, made from a seed so that a failing one can be made again."""

import numpy as np

from cascadefire.graph import Graph, Map, Step, Term
from cascadefire.network import output_side
from tests.cascadefire.random_networks import compressed


class Builder:
    """Collects maps and steps; every method returns the name of the map written."""

    def __init__(self, rng, chunk=4, empty=0.3):
        self.rng, self.chunk, self.empty = rng, chunk, empty
        self.maps, self.steps, self.inputs = {}, [], []

    def input(self, shape, signed=False):
        name = f"input{len(self.inputs)}"
        self.maps[name] = Map(name, tuple(shape), signed)
        self.inputs.append(name)
        return name

    def conv(self, source, channels, kernel=(1, 1), stride=1, pad=0, first=0, taken=None):
        """Return (Term, output sides)."""
        taken = taken or self.maps[source].shape[0] - first
        weights = compressed(self.rng, channels, taken * kernel[0] * kernel[1], self.chunk, self.empty)
        return Term(source, "conv", taken, weights, first, kernel, stride, pad), self._sides(source, kernel, stride, pad)

    def average(self, source):
        """Return (Term, output sides) of an average over a whole map."""
        term, sides = self.diagonal(source, self.maps[source].shape[1:])
        term.weights[:] = term.weights[:, :1, :1]
        return term, sides

    def diagonal(self, source, kernel=(1, 1), stride=1, pad=0, first=0, taken=None):
        taken = taken or self.maps[source].shape[0] - first
        weights = self.rng.integers(-127, 128, (taken, *kernel)).astype(np.int8)
        return Term(source, "diagonal", taken, weights, first, kernel, stride, pad), self._sides(source, kernel, stride, pad)

    def fc(self, source, channels):
        weights = compressed(self.rng, channels, int(np.prod(self.maps[source].shape)), self.chunk, self.empty)
        return Term(source, "fc", self.maps[source].shape[0], weights), (1, 1)

    def _sides(self, source, kernel, stride, pad):
        return tuple(output_side(side, k, stride, pad) for side, k in zip(self.maps[source].shape[1:], kernel))

    def step(self, terms, sides, activation="relu", pool=None, output=None, first=0, vector=False, sums=None):
        """Add a step of terms; pool: (kernel, stride, pad, ceil).  output: a map made by `concat`, from its channel `first` on."""
        one = terms[0]
        channels = one.channels if one.kind == "diagonal" else one.weights.channels
        fired = sides
        if pool:
            *pool, ceil = pool
            fired = tuple((side + 2 * pool[2] - pool[0] + (pool[1] - 1) * ceil) // pool[1] + 1 for side in sides)
            fired = tuple(n - ((n - 1) * pool[1] - pool[2] >= side) for n, side in zip(fired, sides))
            pool = (*pool, fired)
        name = output or f"map{len(self.maps)}"
        if not output:
            self.maps[name] = Map(name, (channels, *fired), activation == "none", vector)
        rows = sum(t.weights.rows if t.kind != "diagonal" else t.weights[0].size for t in terms)
        spread = max(1.0, 127 * 128 * np.sqrt(rows) / 4)
        shift = int(np.clip(np.round(np.log2(40000 * spread / 100)), 1, 47))
        self.steps.append(Step(
            f"step{len(self.steps)}", terms[0].kind, tuple(terms), channels, sides,
            self.rng.integers(-int(spread), int(spread), channels).astype(np.int32),
            self.rng.integers(1 << 15, 1 << 16, channels).astype(np.uint16), np.full(channels, shift, np.uint8),
            activation, name, first, pool))
        return name

    def concat(self, channels, sides, signed=False):
        name = f"map{len(self.maps)}"
        self.maps[name] = Map(name, (channels, *sides), signed)
        return name

    def graph(self, outputs):
        return Graph("random", "a random graph", self.maps, tuple(self.inputs), tuple(outputs), tuple(self.steps), self.chunk)

    def values(self, density=0.4):
        """Return random values for the inputs."""
        result = {}
        for name in self.inputs:
            one = self.maps[name]
            low, high = (-128, 128) if one.signed else (0, 256)
            result[name] = self.rng.integers(low, high, one.shape) * (self.rng.random(one.shape) < density)
        return result


def random_pool(rng, sides):
    if rng.random() < 0.5:
        return None
    kernel = int(rng.integers(1, 4))
    pad = int(rng.integers(0, kernel)) if rng.random() < 0.4 else 0
    pool = (kernel, int(rng.integers(1, kernel + 1)), pad, bool(rng.random() < 0.5))
    return pool if min(sides) + 2 * pool[2] >= kernel else None


def random_kernel(rng, shape, largest=5):
    kernel = (int(rng.integers(1, largest + 1)), int(rng.integers(1, largest + 1)))
    stride, pad = int(rng.choice([1, 1, 2, 4])), int(rng.integers(0, max(kernel)))
    if any(side + 2 * pad < k for side, k in zip(shape[1:], kernel)):
        return (1, 1), 1, 0
    return kernel, stride, pad


def small(seed, largest=5):
    """Return (graph, inputs): two to five random steps of any kind on maps of up to 11 a side (one in ten: 140 wide)."""
    rng = np.random.default_rng(seed)
    make = Builder(rng, int(rng.choice([4, 8])), float(rng.choice([0.0, 0.3, 0.8, 1.0], p=[0.3, 0.4, 0.2, 0.1])))
    wide = rng.random() < 0.1
    sides = rng.integers((1, 129), (5, 150)) if wide else rng.integers(1, 12, 2)
    shape = (int(rng.integers(1, 7)), *map(int, sides))
    now = make.input(shape, bool(rng.random() < 0.3))
    for _ in range(int(rng.integers(2, 6))):
        one, activation = make.maps[now], str(rng.choice(["relu", "none"], p=[0.75, 0.25]))
        kind = rng.choice(["conv", "depthwise", "residual", "concat", "group", "pool", "fc"],
                          p=[0.3, 0.15, 0.15, 0.15, 0.1, 0.1, 0.05])
        channels = int(rng.integers(1, 21))
        if one.vector or (kind == "fc" and int(np.prod(one.shape)) <= 2000):
            now = make.step(*_only(make.fc(now, int(rng.integers(1, 300)))), activation, vector=True)
        elif kind == "depthwise":
            term, sides = make.diagonal(now, *random_kernel(rng, one.shape, largest))
            now = make.step([term], sides, activation, random_pool(rng, sides))
        elif kind == "residual":
            side = make.step(*_only(make.conv(now, channels, (3, 3), 1, 1)), activation)
            a, sides = make.conv(side, channels, (1, 1))
            b, _ = make.diagonal(side) if rng.random() < 0.5 else make.conv(now, channels, (3, 3), 1, 1)
            now = make.step([a, b], sides, activation, random_pool(rng, sides))
        elif kind == "concat":
            parts = [int(rng.integers(1, 14)) for _ in range(2)]
            output, source = make.concat(sum(parts), one.shape[1:], activation == "none"), now
            for index, part in enumerate(parts):
                now = make.step(*_only(make.conv(source, part, *[((1, 1), 1, 0), ((3, 3), 1, 1)][index])), activation,
                                output=output, first=sum(parts[:index]))
        elif kind == "group" and one.shape[0] > 1:
            half = one.shape[0] // 2
            term, sides = make.conv(now, channels, *random_kernel(rng, one.shape, largest), first=half, taken=one.shape[0] - half)
            now = make.step([term], sides, activation, random_pool(rng, sides))
        elif kind == "pool":
            term, sides = make.diagonal(now)
            now = make.step([term], sides, activation, random_pool(rng, sides))
        else:
            term, sides = make.conv(now, channels, *random_kernel(rng, one.shape, largest))
            now = make.step([term], sides, activation, random_pool(rng, sides))
    return make.graph([now]), make.values(float(rng.choice([0.0, 0.1, 0.5, 1.0])))


def _only(made):
    return [made[0]], made[1]
