"""A job for the accelerator's benches: a memory image and the programs to run on it, and what a run brings back.

The Verilator harness reads jobs from a file (`AcceleratorJob.write`); the MyHDL bench uses the object.
"""
from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from rtl.activity import CAUSES as STATES
from rtl.config import OUTSTANDING, CoreConfig
from tb.job import UNFIRED, BenchError
from tb.pauses import MODES

__all__ = ["AcceleratorJob", "AcceleratorResult", "AcceleratorRun", "BenchError", "STATES", "UNFIRED", "CAUSES", "PORTS"]

MAGIC = b"CFACC001"
PORTS = ("request", "answer")
"""What may pause: the memory stalls requests, or is late with answers. The order gives each its own random numbers."""
PASS_FIELDS = ("step", "fires", "first_channel", "channels", "fired_y0", "fired_h", "fired_w")
REGISTERS = 64
CONTROL, STATUS, PROGRAM, LENGTH, CYCLES, PASSES = range(6)
START, STOP = 1, 2
BUSY, DONE, ERROR = 1, 2, 4
CAUSES = ("none", "the memory answered with an error", "a word that should begin a pass does not",
          "the program ended without its end bit", "a pass that this core cannot run", "stopped by the host",
          "a pass waited too long for what never came")
"""Why a run ended, by the number in the status register."""


@dataclass(frozen=True, eq=False)
class AcceleratorRun:
    """One start of the accelerator.

    program: word address. length: 32-bit words. patches: (byte address, uint8 array) pairs, written into the memory before.
    stop: the cycle (1 = the first after the start write) in which control.stop is written, 0 for never.
    fault: the request (1 = the run's first) that the memory answers with an error, 0 for none.
    wrong: the program may be wrong, so what it fires, and how many passes it has, is not looked at.
    """

    program: int
    length: int
    patches: tuple = ()
    stop: int = 0
    fault: int = 0
    wrong: bool = False


@dataclass(frozen=True, eq=False)
class AcceleratorJob:
    """Runs of an accelerator, one after the other on the same memory, with a reset before the first only.

    config: the core. memory: uint8, whole words. passes: int64 [passes, 7], see `PASS_FIELDS`. steps: (name, (K, H, W)) of
    each. runs: AcceleratorRuns, all read with the same passes and steps. latency: cycles from a request to its answer, >= 1.
    pauses: port of `PORTS` -> mode of `tb.pauses`, ports not named never pause. seed: of the pauses.
    watchdog: cycles without any progress that end the job with an error, >= 1.
    wait: cycles between naming a run's program and its start; by default until the accumulation buffers are swept.
    outstanding: requests that may be open at once.
    """

    config: CoreConfig
    memory: np.ndarray
    passes: np.ndarray
    steps: tuple
    runs: tuple
    latency: int = 20
    pauses: dict = field(default_factory=dict)
    seed: int = 1
    watchdog: int = 200_000
    wait: int | None = None
    outstanding: int = OUTSTANDING

    def __post_init__(self):
        for port, mode in self.pauses.items():
            if port not in PORTS or mode not in MODES:
                raise ValueError(f"a pause must name a port ({', '.join(PORTS)}) and a mode ({', '.join(MODES)}), "
                                 f"not {port}: {mode}")
        if self.latency < 1 or self.watchdog < 1:
            raise ValueError(f"the latency and the watchdog must be at least 1, not {self.latency} and {self.watchdog}")
        if self.memory.dtype != np.uint8 or self.memory.ndim != 1 or len(self.memory) % self.config.port_bytes:
            raise ValueError(f"the memory must be bytes in whole words of {self.config.port_bytes}, "
                             f"not {self.memory.dtype} of the shape {self.memory.shape}")
        for run in self.runs:
            for address, data in run.patches:
                if address < 0 or address + len(data) > len(self.memory):
                    raise ValueError(f"a patch of {len(data)} bytes at {address} is not inside the memory "
                                     f"of {len(self.memory)} bytes")
        if self.wait is None:
            object.__setattr__(self, "wait", self.config.acc_depth + 32)

    @classmethod
    def from_executable(cls, executable, inputs, **options) -> "AcceleratorJob":
        """Make a job of a compiled graph.

        inputs: a dictionary map name -> integers [C, H, W]; or a list of them, then there is one run for each.
        options: latency, pauses, seed, watchdog, wait; stop and fault, of the last run.
        """
        last = {name: options.pop(name) for name in ("stop", "fault") if name in options}
        images = [inputs] if isinstance(inputs, dict) else list(inputs)
        memory, runs = executable.memory.copy(), []
        for number, image in enumerate(images):
            target = memory if number == 0 else memory.copy()
            for name, values in image.items():
                executable.fill(target, name, values)
            patches = tuple(patch for name in image for patch in _regions(executable, name, target)) if number else ()
            runs.append(AcceleratorRun(executable.program, executable.length, patches))
        if runs:
            runs[-1] = dataclasses.replace(runs[-1], **last)
        passes = np.array([[int(getattr(one, name)) for name in PASS_FIELDS] for one in executable.passes], np.int64)
        steps = tuple((step.name, (step.channels, *step.fired_shape)) for step in executable.graph.steps)
        return cls(executable.config, memory, passes.reshape(-1, len(PASS_FIELDS)), steps, tuple(runs), **options)

    @property
    def output_sizes(self) -> list[int]:
        return [int(np.prod(shape)) for _, shape in self.steps]

    def split_outputs(self, flat: np.ndarray) -> dict:
        """Turn int16 [all outputs] into step name -> int16 [K, H, W]."""
        parts = np.split(flat, np.cumsum(self.output_sizes)[:-1])
        return {name: part.reshape(shape) for (name, shape), part in zip(self.steps, parts)}

    def write(self, path: Path) -> None:
        """Write the job for the harness: the magic, then sections of 64-bit length (bytes), data, padding to eight bytes."""
        config = self.config
        head = [config.pes, config.lanes, config.fire_lanes, config.port_bytes, self.latency, self.watchdog, self.seed, self.wait,
                self.outstanding]
        modes = [MODES.index(self.pauses.get(port, "never")) for port in PORTS]
        sections = [np.array(head, np.int64), np.array(modes, np.int64), self.memory, self.passes.astype(np.int64),
                    np.array([shape for _, shape in self.steps], np.int64),
                    np.array([(one.program, one.length, one.stop, one.fault, one.wrong, len(one.patches)) for one in self.runs], np.int64)]
        for run in self.runs:
            for address, data in run.patches:
                sections += [np.array([address], np.int64), np.asarray(data, np.uint8)]
        with open(path, "wb") as file:
            file.write(MAGIC)
            for section in sections:
                data = np.ascontiguousarray(section)
                file.write(data.nbytes.to_bytes(8, "little"))
                file.write(data.data if data.size else b"")
                file.write(bytes(-data.nbytes % 8))


def _regions(executable, name: str, memory: np.ndarray):
    """Yield the patches that hold a map: its events and its counts."""
    layout, width = executable.maps[name], executable.config.port_bytes
    bands = layout.channels * layout.bands
    for address, size in ((layout.events * width, bands * layout.slot_words * width), (layout.counts, bands)):
        yield address, memory[address:address + size].copy()


@dataclass(frozen=True, eq=False)
class AcceleratorResult:
    """What a bench observed of one run. Cycles are counted from the start write; 1 is the first cycle after it.

    outputs: step name -> int16 [K, H, W], every output fired (`UNFIRED` where none was).
    cycles: from the start write until the status says that the run is over and nothing is busy.
    started, fired: passes that entered the front, and that fired their last output.
    pass_starts: int64 [passes], the first cycle of a pass in the front, 0 when it never was there.
    pass_ends: int64 [passes], the cycle in which a pass fired its last output, 0 when it fires none or never did.
    states: int64 [passes, 8], PE cycles by `STATES`, over all PEs; a pass's share ends before the next one's first cycle, the
    first one's begins with cycle 1, so all together are cycles x PEs. beats: int64 [passes, P].
    reads, writes: int64 [passes], memory words asked for.
    registers: uint32 [64], read after the run. memory: uint8, as the run left it.
    simulated: cycles simulated since the reset. seconds: wall clock of the run.
    """

    outputs: dict
    cycles: int
    started: int
    fired: int
    pass_starts: np.ndarray
    pass_ends: np.ndarray
    states: np.ndarray
    beats: np.ndarray
    reads: np.ndarray
    writes: np.ndarray
    registers: np.ndarray
    memory: np.ndarray
    simulated: int
    seconds: float = 0.0

    @classmethod
    def of_figures(cls, job: AcceleratorJob, figures, registers, outputs, memory, simulated: int, seconds: float):
        """Make a result; figures: cycles, started, fired; then start, end, reads, writes, states [8], beats [P] of each pass."""
        cycles, started, fired = (int(value) for value in figures[:3])
        table = figures[3:].reshape(len(job.passes), 4 + len(STATES) + job.config.pes)
        states, beats = np.split(table[:, 4:], [len(STATES)], axis=1)
        starts, ends, reads, writes = table[:, :4].T
        return cls(job.split_outputs(outputs), cycles, started, fired, starts, ends, states, beats, reads, writes,
                   registers, memory, simulated, seconds)

    @property
    def done(self) -> bool:
        """Whether the run ended as it should."""
        return bool(self.registers[STATUS] & DONE) and not self.registers[STATUS] & ERROR

    @property
    def cause(self) -> int:
        """The number of the cause in the status register; an index into `CAUSES`."""
        return int(self.registers[STATUS]) >> 8 & 15

    @property
    def reason(self) -> str:
        """The cause in words."""
        return CAUSES[self.cause] if self.cause < len(CAUSES) else f"cause {self.cause}"
