"""Compiled networks on a board: program and weights once, then an image at a time."""
from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from fpga.host.device import Device


@dataclass(frozen=True, eq=False)
class Run:
    """One image. counters: as of `Device.run`.  outputs: map -> int16 [C, H, W].  seconds: of the board, link and all.

    sent: 32-bit words of the input that were sent.
    """

    counters: dict
    outputs: dict
    seconds: float
    sent: int


class Loaded:
    """An Executable in a board's memory.

    device: Device.  executable: Executable of the board's configuration.  clock: returns seconds, of the board's own time where it has
    one.  progress: called with (words sent, words to send) while program and weights go over.
    Errors: InputError when it does not fit the board's memory.
    """

    def __init__(self, device: Device, executable, clock=time.perf_counter, progress=None):
        self.device, self.executable, self.clock = device, executable, clock
        device.check_size(executable.graph.name, len(executable.memory))
        begun = clock()
        self.words = self._send(0, self._first_map(), progress)
        self.seconds = clock() - begun
        self._image = executable.memory.copy()

    def _first_map(self) -> int:
        """The byte address from which on there are only maps: program and weights come first."""
        return min(layout.events for layout in self.executable.maps.values()) * self.executable.config.port_bytes

    def _send(self, start: int, stop: int, progress=None) -> int:
        return self.device.update(start, self.executable.memory[start:stop], progress)

    def _places(self, name: str, used: bool = False):
        """Yield (byte address, bytes) of a map's events and of its counts; used: only what a vector's values can reach."""
        layout, width, one = self.executable.maps[name], self.executable.config.port_bytes, self.executable.graph.maps[name]
        bands = layout.channels * layout.bands
        size = bands * layout.slot_words * width
        yield layout.events * width, min(size, -(-2 * one.shape[0] // width) * width) if used and one.vector and bands == 1 else size
        yield layout.counts, bands

    def run(self, inputs: dict) -> Run:
        """Run one image. inputs: name of an input map -> integers [C, H, W]."""
        begun, sent = self.clock(), 0
        for name, values in inputs.items():
            self.executable.fill(self._image, name, values)
            for address, size in self._places(name):
                start, stop = address // 4 * 4, -(-(address + size) // 4) * 4
                sent += self.device.update(start, self._image[start:stop])
        counters = self.device.run(self.executable.program, self.executable.length)
        for name in self.executable.maps:
            if name not in inputs:
                for address, size in self._places(name):
                    self.device.forget(address, size)
        outputs = {name: self._fetch(name) for name in self.executable.graph.outputs}
        return Run(counters, outputs, self.clock() - begun, sent)

    def _fetch(self, name: str) -> np.ndarray:
        """Read a map of results."""
        for address, size in self._places(name, used=True):
            self._image[address:address + size] = self.device.read(address, size)
        return self.executable.read(self._image, name)
