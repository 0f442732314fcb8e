"""A job: everything a bench needs to run images on a core, and what it brings back.

The Verilator harness reads jobs from a file (`Job.write`); the MyHDL bench uses the object.
"""
from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rtl.config import CoreConfig
from tb.pauses import MODES, PORTS
from tb.toolchain import ToolError

MAGIC = b"CFJOB001"
STATES = ("beat", "configuration", "no_event", "no_weight", "no_buffer", "output_blocked", "row_lookup", "drain")
"""What a PE does in a cycle, in the order of the core's `pe_state`."""
UNFIRED = -32768        # what an output holds that the core never fired
PASS_FIELDS = ("layer", "fires", "first_channel", "channels", "positions_fired", "weights_id")


class BenchError(ToolError):
    """A simulation went wrong: it hung, or the core asked for something that is not there."""


@dataclass(frozen=True, eq=False)
class Job:
    """Images to run on a core, one after the other.

    config: the core. words: uint32, the config stream of one image. passes: int64 [passes, 6], see `PASS_FIELDS`.
    layers: (name, (K, H, W)) of each. weights: WeightImages by weights_id. externals: passes fed from events_in.
    ends: channel ends that events_out brings per image. tokens: for each image, uint32 tokens of one external pass.
    latency: cycles of the memory, >= 0. pauses: port name -> mode of `tb.pauses`, ports not named never pause. seed: of the pauses.
    watchdog: cycles without any progress that end the run with an error, >= 1.
    number: of the first image; an image's pauses come from the seed and its number, whatever ran before it.
    requests: the most an image may make; more is an error, since a core that asks for ever would never seem to hang.
    """

    config: CoreConfig
    words: np.ndarray
    passes: np.ndarray
    layers: tuple
    weights: tuple
    externals: int
    ends: int
    tokens: list
    latency: int = 20
    pauses: dict = dataclasses.field(default_factory=dict)
    seed: int = 1
    watchdog: int = 200_000
    number: int = 0
    requests: int = 1 << 62

    def __post_init__(self):
        for port, mode in self.pauses.items():
            if port not in PORTS or mode not in MODES:
                raise ValueError(f"a pause must name a port ({', '.join(PORTS)}) and a mode ({', '.join(MODES)}), not {port}: {mode}")
        if self.latency < 0 or self.watchdog < 1:
            raise ValueError(f"the latency must be at least 0 and the watchdog at least 1, not {self.latency} and {self.watchdog}")

    @classmethod
    def from_program(cls, program, images, **options) -> "Job":
        """Make a job of a compiled program and images [N, C, H, W]; options: latency, pauses, seed, watchdog."""
        passes, externals, ends, requests = [], 0, 0, 0
        for one in program.passes:
            fires = one.layer >= 0
            passes.append((one.layer, fires, one.first_channel, one.channels, one.fired_h * one.fired_w if fires else 0, one.weights_id))
            externals += one.external
            if fires:   # once for each channel, and again for each repeat of the channels
                requests += program.weights[one.weights_id].channels * (one.words[1] & 0xFFFF)
            else:
                ends += (one.words[1] >> 16) * (one.words[1] & 0xFFFF)
        layers = tuple((layer.name, tuple(int(side) for side in layer.out_shape)) for layer in program.network.layers)
        return cls(program.config, np.asarray(program.words, np.uint32), np.array(passes, np.int64), layers,
                   tuple(program.weights), externals, ends, [program.input_tokens(image) for image in images],
                   requests=requests, **options)

    def part(self, start: int, stop: int) -> "Job":
        """The same job for some of its images."""
        return dataclasses.replace(self, tokens=self.tokens[start:stop], number=self.number + start)

    @property
    def output_sizes(self) -> list[int]:
        return [int(np.prod(shape)) for _, shape in self.layers]

    def write(self, path: Path) -> None:
        """Write the job for the harness: the magic, then sections of 64-bit length (bytes), data, padding to eight bytes."""
        config = self.config
        head = [config.pes, config.lanes, config.fire_lanes, config.weight_bytes, config.coord_bits, self.latency, self.watchdog,
                self.seed, self.externals, self.ends, len(self.layers), len(self.passes), len(self.weights), len(self.tokens),
                self.number, self.requests]
        modes = [MODES.index(self.pauses.get(port, "never")) for port in PORTS]
        offsets = np.concatenate([[0], np.cumsum([len(one) for one in self.tokens])])
        tokens = np.concatenate(self.tokens) if self.tokens else np.zeros(0)
        sections = [np.array(head, np.int64), np.array(modes, np.int64), self.words.astype(np.uint32), self.passes.astype(np.int64),
                    np.array([shape for _, shape in self.layers], np.int64), offsets.astype(np.int64), tokens.astype(np.uint32)]
        for image in self.weights:
            sections += [np.array(image.counts.shape, np.int64), image.counts.astype(np.uint8), image.start.astype(np.int64),
                         image.words.astype(np.uint8)]
        with open(path, "wb") as file:
            file.write(MAGIC)
            for section in sections:
                data = np.ascontiguousarray(section).tobytes()
                file.write(len(data).to_bytes(8, "little") + data + bytes(-len(data) % 8))


@dataclass(frozen=True, eq=False)
class BenchResult:
    """What a bench observed; N images, L layers, P PEs.

    outputs: layer name -> int16 [N, K, H, W], every output the core fired (`UNFIRED` where it fired none).
    cycles: int64 [N, L], from the image's first config word to its last event out; a row's sum is the image's cycles.
    pass_ends: int64 [N, passes], the cycle (1 = the image's first) in which each pass fired its last output, or sent its last token.
    states: int64 [N, L, 8], PE cycles by `STATES`, over all PEs. beats: int64 [N, L, P].
    bytes_read: int64 [N, L], counts and weights asked for. requests: int64 [N, L].
    events_out: for each image, the tokens of the drain pass, uint32.
    simulated: cycles simulated in all, with reset and the clearing of buffers. seconds: wall clock, without the build.
    """

    outputs: dict
    cycles: np.ndarray
    pass_ends: np.ndarray
    states: np.ndarray
    beats: np.ndarray
    bytes_read: np.ndarray
    requests: np.ndarray
    events_out: list
    simulated: int
    seconds: float = 0.0

    @classmethod
    def join(cls, parts: list["BenchResult"], seconds: float) -> "BenchResult":
        """Put the results of parts of a job together, in order."""
        arrays = {name: np.concatenate([getattr(part, name) for part in parts])
                  for name in ("cycles", "pass_ends", "states", "beats", "bytes_read", "requests")}
        return cls(outputs={name: np.concatenate([part.outputs[name] for part in parts]) for name in parts[0].outputs},
                   events_out=[tokens for part in parts for tokens in part.events_out],
                   simulated=sum(part.simulated for part in parts), seconds=seconds, **arrays)


def split_outputs(job: Job, flat: np.ndarray) -> dict:
    """Turn int16 [N, all outputs] into layer name -> int16 [N, K, H, W]."""
    parts = np.split(flat, np.cumsum(job.output_sizes)[:-1], axis=1)
    return {name: part.reshape(len(flat), *shape) for (name, shape), part in zip(job.layers, parts)}
