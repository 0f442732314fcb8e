"""Accelerator jobs on the Verilator model, in a process of their own."""
from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import numpy as np

from tb.accelerator_job import AcceleratorJob, AcceleratorResult, BenchError
from tb.verilate import accelerator_model

MICROSECONDS = 1e6


def run_job(job: AcceleratorJob, trace: Path | None = None, progress=None, status=None, model: Path | None = None,
            module: str = "rtl.accelerator") -> list[AcceleratorResult]:
    """Run a job and return what the accelerator did, run by run.

    trace: a VCD file that receives the waveform. progress: called with (passes started in the present run, cycles simulated),
    a few times a second. status: called with sentences while building. model: an executable to use instead of the accelerator's own.
    module: Python module with the accelerator.
    Raises BenchError when the accelerator hangs or breaks the contract, ToolError when the model cannot be built.
    """
    program = model or accelerator_model(job.config, trace is not None, status, module=module)
    with tempfile.TemporaryDirectory(prefix="cascadefire-") as folder:
        question, answer, log = (Path(folder, name) for name in ("run.job", "run.result", "run.log"))
        job.write(question)
        command = [str(program), str(question), str(answer)] + ([str(trace)] if trace else [])
        with open(log, "w") as errors, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True) as process:
            try:
                for line in process.stdout:
                    if progress and line.startswith("P "):
                        progress(*(int(word) for word in line.split()[1:]))
            except BaseException:
                process.kill()
                raise
        if process.returncode:
            raise BenchError(log.read_text().strip() or f"the simulation ended with code {process.returncode}")
        with open(answer, "rb") as file:
            return [_result(job, file) for _ in job.runs]


def _result(job: AcceleratorJob, file) -> AcceleratorResult:
    simulated, microseconds = _section(file, np.int64)
    figures, registers, outputs, memory = (_section(file, kind) for kind in (np.int64, np.uint32, np.int16, np.uint8))
    seconds = int(microseconds) / MICROSECONDS
    return AcceleratorResult.of_figures(job, figures, registers, outputs, memory, int(simulated), seconds)


def _section(file, kind) -> np.ndarray:
    """Read a section: 64-bit length in bytes, data, padding to eight bytes."""
    length = int.from_bytes(file.read(8), "little")
    data = np.fromfile(file, kind, length // np.dtype(kind).itemsize)
    file.seek(-length % 8, 1)
    return data
