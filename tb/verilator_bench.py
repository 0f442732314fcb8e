"""Jobs on the Verilator model: images are shared out over processes, results are put together again."""
from __future__ import annotations

import subprocess
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

from tb import toolchain
from tb.job import STATES, BenchError, BenchResult, Job, split_outputs
from tb.verilate import core_model


def run_job(job: Job, trace: Path | None = None, progress=None, status=None, processes: int | None = None,
            model: Path | None = None) -> BenchResult:
    """Run a job and return what the core did.

    trace: a VCD file that receives the waveform of the whole run, in one process.
    progress: called with (images done, cycles simulated), a few times a second. status: called with sentences while building.
    processes: how many at most, the CPUs by default. model: an executable to use instead of the core's own.
    Raises BenchError when the core hangs or breaks the contract, ToolError when the model cannot be built.
    """
    if trace is not None:
        processes = 1
    program = model or core_model(job.config, trace is not None, status)
    images = len(job.tokens)
    shares = max(1, min(processes or toolchain.cpus(), images))
    bounds = [images * share // shares for share in range(shares + 1)]
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="cascadefire-") as folder:
        runs = [_Run(program, job.part(low, high), Path(folder, str(low)), trace) for low, high in zip(bounds, bounds[1:])]
        try:
            _watch(runs, progress)
        finally:
            for one in runs:
                one.stop()
        seconds = time.perf_counter() - started
        return BenchResult.join([one.result() for one in runs], seconds)


def _watch(runs: list["_Run"], progress) -> None:
    """Wait for all processes, stop at the first that fails."""
    while True:
        codes = [one.process.poll() for one in runs]
        for one, code in zip(runs, codes):
            if code:
                raise BenchError(one.complaint())
        if progress:
            progress(sum(one.images for one in runs), sum(one.cycles for one in runs))
        if all(code == 0 for code in codes):
            return
        for one in runs:
            if one.process.returncode is None:
                try:
                    one.process.wait(0.1)
                except subprocess.TimeoutExpired:
                    pass
                break


class _Run:
    """One process of the harness on a share of the images."""

    def __init__(self, program: Path, job: Job, path: Path, trace: Path | None):
        self.job, self.images, self.cycles = job, 0, 0
        self.answer = path.with_suffix(".result")
        self.errors = open(path.with_suffix(".log"), "w+")
        job.write(path.with_suffix(".job"))
        command = [str(program), str(path.with_suffix(".job")), str(self.answer)] + ([str(trace)] if trace else [])
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.errors, text=True)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        for line in self.process.stdout:
            if line.startswith("P "):
                _, images, cycles = line.split()
                self.images, self.cycles = int(images), int(cycles)

    def complaint(self) -> str:
        self.errors.seek(0)
        return self.errors.read().strip() or f"the simulation ended with code {self.process.returncode}"

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.reader.join()
        self.process.stdout.close()

    def result(self) -> BenchResult:
        self.errors.close()
        sections = _sections(self.answer.read_bytes())
        images, simulated, row = np.frombuffer(next(sections), np.int64)
        figures = np.frombuffer(next(sections), np.int64).reshape(images, row)
        outputs = np.frombuffer(next(sections), np.int16).reshape(images, -1)
        offsets = np.frombuffer(next(sections), np.int64)
        events = np.frombuffer(next(sections), np.uint32)
        layers, passes, pes = len(self.job.layers), len(self.job.passes), self.job.config.pes
        widths = [layers, passes, layers * len(STATES), layers * pes, layers, layers]
        cycles, ends, states, beats, bytes_read, requests = np.split(figures, np.cumsum(widths)[:-1], axis=1)
        return BenchResult(split_outputs(self.job, outputs), cycles, ends, states.reshape(images, layers, -1),
                           beats.reshape(images, layers, pes), bytes_read, requests,
                           [events[low:high] for low, high in zip(offsets, offsets[1:])], int(simulated))


def _sections(data: bytes):
    """Yield the sections of a result file: 64-bit length, data, padding to eight bytes."""
    at = 0
    while at < len(data):
        length = int.from_bytes(data[at:at + 8], "little")
        yield data[at + 8:at + 8 + length]
        at += 8 + (length + 7) // 8 * 8
