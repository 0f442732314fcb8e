"""What the compiler hands to a bench: the passes' words, the weights they ask for, and an image's tokens."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from cascadefire.compiler import tokens
from cascadefire.errors import InputError
from rtl.config import CoreConfig

DRAIN = -1


@dataclass(frozen=True)
class Pass:
    """One tile of one layer, or the drain pass at the end of a program.

    layer: index into the network's layers, or DRAIN.  words: header, offsets and parameters, unsigned 32-bit each.
    external: True when the tokens come from events_in, False when they come from the event banks.
    first_channel, channels: output channels of this pass within the layer.
    out_y0, out_x0: first convolution output of the tile.  tile_h, tile_w: convolution outputs in the tile.
    fired_y0, fired_x0, fired_h, fired_w: the outputs after pooling that this pass fires.
    weights_id: index of the WeightImage it requests from.  kernel_positions: kh * kw.
    """

    layer: int
    words: tuple[int, ...]
    external: bool
    first_channel: int
    channels: int
    out_y0: int
    out_x0: int
    tile_h: int
    tile_w: int
    fired_y0: int
    fired_x0: int
    fired_h: int
    fired_w: int
    weights_id: int
    kernel_positions: int

    @property
    def drain(self) -> bool:
        """Whether this pass only sends the banks' tokens to events_out."""
        return self.layer == DRAIN


@dataclass(frozen=True, eq=False)
class WeightImage:
    """The weights of one range of output chunks of one layer, as the memory streams them.

    counts: uint8 [channels, positions], chunks of each row in this range; row order (channel, ky, kx).
    words: uint8 [total words, W], row after row, chunks 0 .. count-1, lane 0 first, C/W words a chunk.
    start: int64 [channels + 1], the words of channel c are start[c] .. start[c+1]-1.
    A fully connected layer has one channel per row and one position.
    """

    counts: np.ndarray
    words: np.ndarray
    start: np.ndarray

    @property
    def channels(self) -> int:
        """Channels a request may name."""
        return len(self.counts)


@dataclass(frozen=True, eq=False)
class Program:
    """A network compiled for one core in one mode.

    config: the core.  network: the network it was compiled from.  mode: dense, csp, mnf or both.
    passes: in order, the drain pass last.  weights: WeightImages, indexed by weights_id.
    """

    config: CoreConfig
    network: Any
    mode: str
    passes: tuple[Pass, ...]
    weights: tuple[WeightImage, ...]

    @property
    def words(self) -> np.ndarray:
        """The whole config stream, uint32."""
        return np.concatenate([np.array(one.words, np.uint32) for one in self.passes])

    def layer_passes(self, layer: int) -> list[int]:
        """Return the indices of the passes of a layer, in order."""
        return [index for index, one in enumerate(self.passes) if one.layer == layer]

    def input_tokens(self, image: np.ndarray) -> np.ndarray:
        """Return the tokens of one external pass, to be repeated for each external pass.

            events: pixels that are not zero in the modes mnf and both, all pixels in dense and csp

        image: integers [C, H, W] in the range of the network's input (0..255, or -128..127 when it is signed).
        Returns uint32 [tokens], channel after channel, each row after row.
        Errors: InputError for another shape, type or range.
        """
        image = np.asarray(image)
        shape, signed = tuple(self.network.input_shape), self.network.input_signed
        low, high = (-128, 127) if signed else (0, 255)
        if image.shape != shape:
            raise InputError(f"an image of {self.network.name} must have the shape {shape}, not {image.shape}.")
        if image.dtype.kind not in "iu" or (image.size and (image.min() < low or image.max() > high)):
            raise InputError(f"an image of {self.network.name} must hold whole numbers from {low} to {high}.")
        return tokens.of_map(image, self.config.coord_bits, zeros=self.mode in ("dense", "csp"))
