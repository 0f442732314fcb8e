"""A quantised, pruned network: its layers, their shapes, and the checks that make later stages safe.

`cascadefire.network_file` reads and writes the files; `load`, `names` and `Network.save` here are its short forms.
"""

from dataclasses import dataclass, field

import numpy as np

from cascadefire.cspa.format import CompressedLayer
from cascadefire.errors import InputError

KINDS = ("conv", "fc")
ACTIVATIONS = ("relu", "none")
KERNEL_MAX = 11
STRIDES = (1, 2, 4)
POOL_MAX = 3
MULTIPLIER_MIN = 1 << 15
SHIFT_MAX = 47


def output_side(side, kernel, stride, pad):
    """Return the outputs along one side:  (side + 2 pad - kernel) // stride + 1  (0 or less: the kernel does not fit)."""
    return (side + 2 * pad - kernel) // stride + 1


@dataclass(frozen=True, eq=False)
class Layer:
    """One convolution (with its max pooling) or fully connected layer, in integers.

        y = clamp((((max over the pool window of (W x)) + bias) * multiplier + 2**(shift - 1)) >> shift)

    name: unique in its network.  kind: "conv" or "fc".  channels: K, output channels.
    kernel: (kh, kw), 1..11.  stride: 1, 2 or 4.  pad: zeros on each side, less than the kernel.  fc: (1, 1), 1, 0.
    pool: None or (kernel 1..3, stride 1..3, pad less than its kernel); the padding never wins the maximum.
    activation: "relu" clamps to 0..255, "none" to -128..127.
    in_shape: (C, H, W).  input_signed: the inputs are int8, not uint8.
    weights: CompressedLayer with K channels and C kh kw rows (channel, ky, kx), for fc C H W rows (channel, y, x).
    bias: int32 [K], in units of the accumulator.  multiplier: uint16 [K], 32768..65535.  shift: uint8 [K], 1..47.
    Errors: InputError, naming the layer, when a field breaks its range or contradicts another.
    """

    name: str
    kind: str
    channels: int
    kernel: tuple
    stride: int
    pad: int
    pool: tuple | None
    activation: str
    in_shape: tuple
    weights: CompressedLayer
    bias: np.ndarray
    multiplier: np.ndarray
    shift: np.ndarray
    input_signed: bool = False

    def __post_init__(self):
        try:
            check_geometry(self.kind, self.channels, self.kernel, self.stride, self.pad, self.pool, self.activation,
                           self.in_shape)
            self._check_arrays()
        except InputError as error:
            raise InputError(f"layer {self.name}: {error}") from error

    def _check_arrays(self):
        if self.weights.rows != self.rows or self.weights.channels != self.channels:
            raise InputError(f"the weights must be {self.channels} channels of {self.rows} rows, "
                             f"not {self.weights.channels} of {self.weights.rows}")
        for name, kind, low, high in (("bias", np.int32, None, None), ("multiplier", np.uint16, MULTIPLIER_MIN, 65535),
                                      ("shift", np.uint8, 1, SHIFT_MAX)):
            array = getattr(self, name)
            if not isinstance(array, np.ndarray) or array.dtype != kind or array.shape != (self.channels,):
                raise InputError(f"{name} must be {np.dtype(kind)} with one value for each of {self.channels} channels")
            if low is not None and not (low <= array.min() and array.max() <= high):
                raise InputError(f"{name} must be from {low} to {high}, not {array.min()} to {array.max()}")

    @property
    def rows(self):
        """Rows of the weight matrix: C kh kw (conv) or C H W (fc)."""
        return row_count(self.kind, self.kernel, self.in_shape)

    @property
    def conv_shape(self):
        """(K, OH, OW) before pooling."""
        return conv_shape(self.kind, self.channels, self.kernel, self.stride, self.pad, self.in_shape)

    @property
    def out_shape(self):
        """(K, H, W) after pooling."""
        return pool_shape(self.conv_shape, self.pool)


def row_count(kind, kernel, in_shape):
    """Return the rows of a layer's weight matrix:  C kh kw  (conv) or  C H W  (fc)."""
    return in_shape[0] * (kernel[0] * kernel[1] if kind == "conv" else in_shape[1] * in_shape[2])


def conv_shape(kind, channels, kernel, stride, pad, in_shape):
    """Return (K, OH, OW) before pooling; an fc layer has one output position."""
    if kind == "fc":
        return channels, 1, 1
    return channels, *(output_side(in_shape[1 + axis], kernel[axis], stride, pad) for axis in (0, 1))


def pool_shape(shape, pool):
    """Return (K, H, W) after the pooling (kernel, stride, pad), or the shape itself without one."""
    return shape if pool is None else (shape[0], *(output_side(side, *pool) for side in shape[1:]))


def check_geometry(kind, channels, kernel, stride, pad, pool, activation, in_shape):
    """Raise InputError, one sentence, unless the fields describe a layer that this project supports (see `Layer`)."""
    if kind not in KINDS:
        raise InputError(f"kind must be one of {', '.join(KINDS)}, not {kind!r}")
    if activation not in ACTIVATIONS:
        raise InputError(f"activation must be one of {', '.join(ACTIVATIONS)}, not {activation!r}")
    _whole("channels", channels, 1, 65535)
    if len(in_shape) != 3:
        raise InputError(f"in_shape must be (channels, height, width), not {in_shape}")
    for name, side in zip(("input channels", "input height", "input width"), in_shape):
        _whole(name, side, 1, 65535)
    if kind == "fc":
        if (tuple(kernel), stride, pad, pool) != ((1, 1), 1, 0, None):
            raise InputError("an fc layer has no kernel, stride, pad or pool")
        return
    if len(kernel) != 2:
        raise InputError(f"kernel must be (height, width), not {kernel}")
    for name, side in zip(("kernel height", "kernel width"), kernel):
        _whole(name, side, 1, KERNEL_MAX)
    if stride not in STRIDES:
        raise InputError(f"stride must be one of {', '.join(map(str, STRIDES))}, not {stride!r}")
    _whole("pad", pad, 0, max(kernel) - 1)
    shape = conv_shape(kind, channels, kernel, stride, pad, in_shape)
    if min(shape) < 1:
        raise InputError(f"a {kernel[0]}x{kernel[1]} kernel does not fit an input of "
                         f"{in_shape[1]}x{in_shape[2]} padded by {pad}")
    if pool is None:
        return
    if len(pool) != 3:
        raise InputError(f"pool must be (kernel, stride, pad), not {pool}")
    _whole("pool kernel", pool[0], 1, POOL_MAX)
    _whole("pool stride", pool[1], 1, POOL_MAX)
    _whole("pool pad", pool[2], 0, pool[0] - 1)
    if min(pool_shape(shape, pool)) < 1:
        raise InputError(f"a {pool[0]}x{pool[0]} pool does not fit a convolution of {shape[1]}x{shape[2]} padded by {pool[2]}")


def _whole(name, value, low, high):
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not low <= value <= high:
        raise InputError(f"{name} must be a whole number from {low} to {high}, not {value!r}")


@dataclass(frozen=True, eq=False)
class Network:
    """Layers that follow one another.

    name: file name without its ending.  title: one line for people.  input_shape: (C, H, W).
    input_signed: the images are int8, not uint8.  chunk: C, the width that the weights were pruned at.
    layers: list of Layer.  meta: plain dictionary of notes (dataset, densities, accuracies, seeds).
    Errors: InputError when shapes, signs or chunk widths do not chain.
    """

    name: str
    title: str
    input_shape: tuple
    chunk: int
    layers: list
    input_signed: bool = False
    meta: dict = field(default_factory=dict)

    def __post_init__(self):
        if not self.layers:
            raise InputError(f"network {self.name} has no layers")
        seen, shape, signed, source = set(), tuple(self.input_shape), self.input_signed, "the input"
        for layer in self.layers:
            if layer.name in seen:
                raise InputError(f"two layers are called {layer.name}")
            seen.add(layer.name)
            if tuple(layer.in_shape) != shape:
                raise InputError(f"layer {layer.name} takes {tuple(layer.in_shape)}, but {source} gives {shape}")
            if layer.input_signed != signed:
                raise InputError(f"layer {layer.name} takes {_sign(layer.input_signed)} values, "
                                 f"but {source} gives {_sign(signed)} ones")
            if layer.weights.chunk != self.chunk:
                raise InputError(f"layer {layer.name} has chunks of {layer.weights.chunk} channels, "
                                 f"but the network of {self.chunk}")
            shape, signed, source = layer.out_shape, layer.activation == "none", f"layer {layer.name}"

    @property
    def density(self):
        """Kept over all weights of the network, 0..1."""
        return sum(layer.weights.kept for layer in self.layers) / sum(layer.channels * layer.rows for layer in self.layers)

    def save(self, path):
        """Write the network as `path` (.yaml) and its arrays beside it (.npz); see `cascadefire.network_file`."""
        from cascadefire import network_file  # here, since that module builds on this one

        network_file.save(self, path)


def _sign(signed):
    return "signed" if signed else "unsigned"


def load(path_or_name):
    """Read a network by its .yaml file or, for a shipped one, by its name; see `cascadefire.network_file`."""
    from cascadefire import network_file

    return network_file.load(path_or_name)


def names():
    """Return the names of the shipped networks, in order."""
    from cascadefire import network_file

    return network_file.names()


def check_images(network, images):
    """Return images as an array [N, C, H, W] that `network` takes, or raise InputError.

    images: uint8 (int8 for a network with signed input) [N, C, H, W]; [N, H, W] is taken for one channel.
    """
    images = np.asarray(images)
    kind = np.dtype(np.int8 if network.input_signed else np.uint8)
    if images.dtype != kind:
        raise InputError(f"images must be {kind}, not {images.dtype}")
    if images.ndim == 3 and network.input_shape[0] == 1:
        images = images[:, None]
    if images.ndim != 4 or images.shape[1:] != tuple(network.input_shape):
        expected = ", ".join(map(str, network.input_shape))
        raise InputError(f"images for {network.name} must have the shape (N, {expected}), not {images.shape}")
    return images
