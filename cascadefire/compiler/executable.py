"""What the compiler hands to a bench: a memory image with program and weights, and where everything is."""

from dataclasses import dataclass

import numpy as np

from cascadefire.compiler import map_layout, modes
from cascadefire.compiler.map_layout import MapLayout
from cascadefire.errors import InputError
from cascadefire.graph import Graph, check_values
from rtl.config import CoreConfig

__all__ = ["Executable", "MapLayout", "PassRecord"]


@dataclass(frozen=True)
class PassRecord:
    """One pass. step: index into the graph's steps.  term: index into its terms.  fires: whether it fires outputs.

    first_channel, channels: output channels fired, within the step.  fired_y0: first fired row.  fired_h, fired_w: fired outputs.
    out_y0, tile_h, tile_w: convolution outputs of the tile.  first_chunk, chunks: of the tile.
    folded: the term adds up whole channels, each with one weight (the average over a map).
    """

    step: int
    term: int
    fires: bool
    first_channel: int
    channels: int
    fired_y0: int
    fired_h: int
    fired_w: int
    out_y0: int
    tile_h: int
    tile_w: int
    first_chunk: int
    chunks: int
    folded: bool = False


@dataclass(frozen=True, eq=False)
class Executable:
    """A graph compiled for one accelerator in one mode.

    config: the core.  graph: the Graph.  mode: dense, csp, mnf or both.
    memory: uint8, the initial image (program, weights, empty maps), whole words.  program: its word address.  length: 32-bit words.
    passes: PassRecords in order.  maps: map name -> MapLayout.
    """

    config: CoreConfig
    graph: Graph
    mode: str
    memory: np.ndarray
    program: int
    length: int
    passes: tuple
    maps: dict

    def fill(self, memory, name, values):
        """Write a map's values into a memory image as events.

            events: values that are not zero in the modes mnf and both, all in dense and csp

        memory: uint8, a copy of `self.memory` or itself.  name: of a map.  values: integers [C, H, W] in its range.
        Errors: InputError for an unknown map, another shape, type or range.
        """
        one, layout = self._map(name), self.maps[name]
        values = check_values(one, values)
        live = np.ones(values.shape, bool) if not modes.skips_zeros(self.mode) else values != 0
        if one.vector:
            shape = (layout.channels, layout.height, layout.width)
            values, live = (np.resize(np.append(part.reshape(-1), np.zeros(int(np.prod(shape)) - part.size, part.dtype)), shape)
                            for part in (values, live))
        map_layout.encode(memory, layout, values, live, self.config.port_bytes)

    def read(self, memory, name):
        """Return the values that a memory image holds for a map, int16 [C, H, W]; what is no event is 0.

        Errors: InputError for an unknown map.
        """
        one, layout = self._map(name), self.maps[name]
        values = map_layout.decode(memory, layout, one.signed, self.config.port_bytes)
        return values.reshape(-1)[:one.shape[0]].reshape(one.shape) if one.vector else values

    def _map(self, name):
        if name not in self.maps:
            raise InputError(f"graph {self.graph.name} has no map called {name}")
        return self.graph.maps[name]
