"""A network as the accelerator runs it: feature maps, and steps that make one map of others.

A step adds up terms (convolutions, fully connected products, diagonal ones) of one tile of outputs, then fires. Residual additions,
average pooling, depthwise convolution, concatenation and groups are all terms or channel offsets (docs/accelerator.md).
"""

from dataclasses import dataclass, field

import numpy as np

from cascadefire.cspa.format import CompressedLayer
from cascadefire.errors import InputError
from cascadefire.network import ACTIVATIONS, KERNEL_MAX, POOL_MAX, SHIFT_MAX, STRIDES

TERM_KINDS = ("conv", "fc", "diagonal")
VECTOR_WIDTH = 128      # values in a row of a vector map


@dataclass(frozen=True)
class Map:
    """A feature map. shape: (C, H, W).  signed: values are -128..127, not 0..255.

    vector: the values of a fully connected layer at batch 1: shape (K, 1, 1), kept in memory as one channel of rows of 128.
    """

    name: str
    shape: tuple
    signed: bool = False
    vector: bool = False


@dataclass(frozen=True, eq=False)
class Term:
    """One product of a step.

        conv      acc[k, y, x] += sum over c, ky, kx of W[k, c, ky, kx] * source[first + c, i, j]
        fc        acc[k] += sum over rows of W[k, row] * source[row],  row = c * H*W + y * W + x of the (whole) source map
        diagonal  acc[c, y, x] += sum over ky, kx of D[c, ky, kx] * source[first + c, i, j]
        i = y * stride + ky - pad,  j = x * stride + kx - pad

    source: name of a map.  first: first channel of it.  channels: input channels taken.
    kernel: (kh, kw), 1..11.  stride: 1, 2 or 4.  pad: zeros above and left (below and right: as many as the output shape asks for).
    weights: CompressedLayer of K channels and channels*kh*kw rows (conv), C*H*W rows (fc); int8 [channels, kh, kw] (diagonal).
    """

    source: str
    kind: str
    channels: int
    weights: CompressedLayer | np.ndarray
    first: int = 0
    kernel: tuple = (1, 1)
    stride: int = 1
    pad: int = 0


@dataclass(frozen=True, eq=False)
class Step:
    """y = clamp((((max over pool window of (sum of terms)) + bias) * multiplier + 2**(shift - 1)) >> shift), into a map.

    name: unique.  label: what a table calls it ("conv", "fc", "add", "pool", ...).  terms: at least one.
    channels: K.  conv_shape: (OH, OW) before pooling; every term gives it.
    bias: int32 [K].  multiplier: uint16 [K].  shift: uint8 [K], 1..47.
    pool: None or (kernel 1..3, stride <= kernel, pad < kernel, outputs (H, W)).  activation: "relu" (0..255) or "none" (-128..127).
    output: name of the map written.  first: its first channel (concatenation).
    """

    name: str
    label: str
    terms: tuple
    channels: int
    conv_shape: tuple
    bias: np.ndarray
    multiplier: np.ndarray
    shift: np.ndarray
    activation: str
    output: str
    first: int = 0
    pool: tuple | None = None

    @property
    def fired_shape(self):
        """(H, W) after pooling."""
        return tuple(self.pool[3]) if self.pool else tuple(self.conv_shape)


@dataclass(frozen=True, eq=False)
class Graph:
    """Maps and steps in the order of their execution; checked when it is made.

    name, title: for people.  maps: name -> Map.  inputs: names of the maps that the host fills.  outputs: names of those it reads.
    steps: tuple of Step.  chunk: C, the width that the weights were pruned at.  meta: plain dictionary (sources, seeds, densities).
    Errors: InputError, one sentence that names the map or the step, when something contradicts something else.
    """

    name: str
    title: str
    maps: dict
    inputs: tuple
    outputs: tuple
    steps: tuple
    chunk: int
    meta: dict = field(default_factory=dict)

    def __post_init__(self):
        for name, one in self.maps.items():
            _check_map(name, one)
        for name in (*self.inputs, *self.outputs):
            _need(name in self.maps, f"graph {self.name} has no map called {name}")
        _need(self.steps, f"graph {self.name} has no steps")
        names, written = set(), {name: [] for name in self.maps}
        for step in self.steps:
            _need(step.name not in names, f"two steps are called {step.name}")
            names.add(step.name)
            try:
                for term in step.terms:
                    _need(term.source in self.maps, f"there is no map called {term.source}")
                    _need(term.source in self.inputs or written[term.source], f"the map {term.source} is read before it is written")
                    _check_term(step, term, self.maps[term.source])
                _need(step.output not in self.inputs, f"the map {step.output} is an input, which no step may write")
                _check_step(step, self.maps)
                _need(step.output not in {term.source for term in step.terms}, f"the map {step.output} is read and written")
                span = (step.first, step.first + step.channels)
                _need(all(span[1] <= low or high <= span[0] for low, high in written[step.output]),
                      f"channels {span[0]} to {span[1] - 1} of the map {step.output} are written twice")
                written[step.output].append(span)
            except InputError as error:
                raise InputError(f"step {step.name}: {error}") from None

    def readers(self, name):
        """Return (step, term) of all terms that read a map."""
        return [(step, term) for step in self.steps for term in step.terms if term.source == name]

    def writers(self, name):
        """Return the steps that write a map."""
        return [step for step in self.steps if step.output == name]


def check_values(one, values):
    """Return integers as int16 in a map's shape, or raise InputError, one sentence, when they do not fit it."""
    values = np.asarray(values)
    low, high = (-128, 127) if one.signed else (0, 255)
    _need(values.shape == tuple(one.shape), f"the map {one.name} must have the shape {tuple(one.shape)}, not {values.shape}")
    _need(values.dtype.kind in "iu" and low <= values.min() and values.max() <= high,
          f"the map {one.name} must hold whole numbers from {low} to {high}")
    return values.astype(np.int16)


def _need(true, sentence):
    if not true:
        raise InputError(sentence)


def _check_map(name, one):
    _need(one.name == name, f"the map {one.name} is listed as {name}")
    _need(len(one.shape) == 3 and min(one.shape) >= 1, f"the map {name} must have three sides from 1, not {tuple(one.shape)}")
    _need(not one.vector or tuple(one.shape[1:]) == (1, 1),
          f"the vector map {name} must have the shape (K, 1, 1), not {tuple(one.shape)}")


def _check_term(step, term, source):
    weights, sides = term.weights, tuple(term.kernel)
    _need(term.kind in TERM_KINDS, f"a term must be one of {', '.join(TERM_KINDS)}, not {term.kind}")
    _need(0 <= term.first and term.channels >= 1 and term.first + term.channels <= source.shape[0],
          f"channels {term.first} to {term.first + term.channels - 1} are not all in the map {source.name} of "
          f"{source.shape[0]}")
    if term.kind == "diagonal":
        _need(isinstance(weights, np.ndarray) and weights.dtype == np.int8 and weights.shape == (term.channels, *sides)
              and weights.min() > -128, f"diagonal weights must be int8, -127..127, of the shape {(term.channels, *sides)}")
        _need(term.channels == step.channels, f"a diagonal term of {term.channels} channels cannot give {step.channels}")
    else:
        rows = int(np.prod(source.shape)) if term.kind == "fc" else term.channels * sides[0] * sides[1]
        _need(weights.channels == step.channels and weights.rows == rows,
              f"its weights must be {step.channels} channels of {rows} rows, not {weights.channels} of {weights.rows}")
    if term.kind == "fc":
        _need((term.first, term.channels) == (0, source.shape[0]), "an fc term takes all channels of its map")
        _need((sides, term.stride, term.pad) == ((1, 1), 1, 0) and tuple(step.conv_shape) == (1, 1) and step.pool is None,
              "an fc term has no kernel, stride, pad or pool, and one output position")
    else:
        _need(not source.vector, f"the vector map {source.name} can only be read by fc terms")
        _need(len(sides) == 2 and 1 <= min(sides) and max(sides) <= KERNEL_MAX,
              f"a kernel must have two sides of 1..{KERNEL_MAX}, not {sides}")
        _need(term.stride in STRIDES, f"a stride must be one of {', '.join(map(str, STRIDES))}, not {term.stride}")
        _need(0 <= term.pad < 1024, f"a pad must be from 0 to 1023, not {term.pad}")


def _check_step(step, maps):
    _need(step.terms, "a step has at least one term")
    _need(step.output in maps, f"there is no map called {step.output}")
    output = maps[step.output]
    _need(len(step.conv_shape) == 2 and min(step.conv_shape) >= 1, f"conv_shape must be two sides from 1, not {step.conv_shape}")
    _need(step.activation in ACTIVATIONS, f"activation must be one of {', '.join(ACTIVATIONS)}, not {step.activation}")
    _need(output.signed == (step.activation == "none"),
          f"the activation {step.activation} does not give the values of the {'' if output.signed else 'un'}signed map "
          f"{output.name}")
    _need(0 <= step.first and step.channels >= 1 and step.first + step.channels <= output.shape[0],
          f"channels {step.first} to {step.first + step.channels - 1} are not all in the map {output.name} of "
          f"{output.shape[0]}")
    _need(tuple(output.shape[1:]) == step.fired_shape,
          f"it gives {step.fired_shape} outputs, but the map {output.name} has {output.shape[1:]}")
    _need(not output.vector or step.first % VECTOR_WIDTH == 0,
          f"in a vector map a step begins at a multiple of {VECTOR_WIDTH}, not {step.first}")
    for name, kind, low, high in (
            ("bias", np.int32, None, None), ("multiplier", np.uint16, None, None), ("shift", np.uint8, 1, SHIFT_MAX)):
        array = getattr(step, name)
        _need(array.dtype == kind and array.shape == (step.channels,), f"{name} must be {np.dtype(kind)} with one value a channel")
        _need(low is None or low <= array.min() and array.max() <= high, f"{name} must be from {low} to {high}")
    if step.pool:
        kernel, stride, pad, sides = step.pool
        _need(1 <= kernel <= POOL_MAX and 1 <= stride <= kernel and 0 <= pad < kernel,
              f"a pool has a kernel of 1..{POOL_MAX}, a stride of 1 to the kernel and a pad below it, not {(kernel, stride, pad)}")
        _need(min(sides) >= 1 and all((n - 1) * stride - pad < size for n, size in zip(sides, step.conv_shape)),
              f"a pooling window lies outside the {step.conv_shape[0]} x {step.conv_shape[1]} map: "
              f"{sides[0]} x {sides[1]} outputs are too many")
