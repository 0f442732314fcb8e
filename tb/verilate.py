"""Verilator models of core and accelerator, built once and kept by content in `build/models`.

The key of a model is the sha256 of the Verilog text without its comment lines (which hold a path and a date), the C++
harness, all flags, and the versions of Verilator and compiler. A model is built in a folder of its own and renamed when it
is complete; a lock keeps two processes from building the same one twice.
"""
from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import shutil
import sys
import tempfile
from pathlib import Path

from rtl.config import CoreConfig
from tb import toolchain
from tb.toolchain import ToolError

HERE = Path(__file__).resolve().parent
HARNESS = tuple(HERE / name for name in ("harness.cpp", "harness_figures.h", "harness_job.h", "harness_requests.h", "harness_common.h"))
ACCELERATOR_HARNESS = (HERE / "accelerator_harness.cpp", HERE / "accelerator_memory.h", HERE / "accelerator_job.h",
                       HERE / "harness_common.h")

# In a process of its own: MyHDL 0.11.52 numbers names by what was elaborated before (so the same core would get another text
# and another model), writes resets in the order of a set (hence the hash seed), and keeps every signal ever made, which slows
# later simulations.
CONVERT = """import importlib, json, sys
from rtl.config import CoreConfig
config, folder, module, name = sys.argv[1:]
getattr(importlib.import_module(module), "convert_" + name)(CoreConfig.from_dict(json.loads(config)), folder, name=name)
"""


def core_model(config: CoreConfig, trace: bool = False, progress=None, models: Path | None = None) -> Path:
    """Return the executable of the bench for a core; build it when it is not there yet.

    trace: whether it can write VCD waveforms, which makes it slower. progress: called with a sentence when something takes time.
    models: where models are kept, `build/models` by default.
    Raises ToolError when a tool is missing or fails.
    """
    models = models or toolchain.BUILD / "models"
    verilog = core_verilog(config, models, progress)
    defines = {"PES": config.pes, "FIRE_LANES": config.fire_lanes, "WEIGHT_BYTES": config.weight_bytes, "COORD_BITS": config.coord_bits}
    return build(verilog, "core", HARNESS, defines, models, trace, progress)


def accelerator_model(config: CoreConfig, trace: bool = False, progress=None, models: Path | None = None,
                      module: str = "rtl.accelerator") -> Path:
    """Return the executable of the bench for an accelerator; build it when it is not there yet.

    module: Python module with `convert_accelerator`. The other arguments and the errors are those of `core_model`.
    """
    models = models or toolchain.BUILD / "models"
    defines = {"PES": config.pes, "LANES": config.lanes, "FIRE_LANES": config.fire_lanes, "PORT_BYTES": config.port_bytes}
    verilog = accelerator_verilog(config, models, progress, module)
    return build(verilog, "accelerator", ACCELERATOR_HARNESS, defines, models, trace, progress)


def core_verilog(config: CoreConfig, models: Path, progress=None) -> str:
    """Return the Verilog of a core, converted once for each state of the sources in rtl/ and each configuration."""
    return _verilog(config, models, "rtl.core", "core", progress)


def accelerator_verilog(config: CoreConfig, models: Path | None = None, progress=None,
                        module: str = "rtl.accelerator") -> str:
    """Return the Verilog of an accelerator, converted once for each state of the sources and each configuration."""
    return _verilog(config, models or toolchain.BUILD / "models", module, "accelerator", progress)


def _verilog(config: CoreConfig, models: Path, module: str, name: str, progress) -> str:
    """Return what convert_<name> of a module writes; kept by the text of the module and of rtl/, and by the configuration."""
    import myhdl

    own = HERE.parent / (module.replace(".", "/") + ".py")
    sources = sorted({own, *(HERE.parent / "rtl").glob("**/*.py")})
    state = [[path.name, digest(path.read_bytes())] for path in sources]
    key = digest(json.dumps([state, config.to_dict(), myhdl.__version__]).encode())
    target = models / f"{name}-{key[:24]}.v"
    with locked(target):
        if not target.exists():
            if progress:
                progress(f"converting the {name} ({config.pes} x {config.lanes}) to Verilog")
            with tempfile.TemporaryDirectory(dir=models) as folder:
                environment = {**os.environ, "PYTHONPATH": str(HERE.parent), "PYTHONHASHSEED": "0"}
                toolchain.run([sys.executable, "-P", "-c", CONVERT, json.dumps(config.to_dict()), folder, module, name],
                              f"converting the {name} to Verilog", env=environment)
                os.replace(Path(folder, name + ".v"), target)
        return target.read_text()


def build(verilog: str, top: str, harness, defines: dict, models: Path, trace: bool = False, progress=None) -> Path:
    """Return the executable made of a Verilog text and a C++ harness; build it when it is not in `models` yet.

    top: the module; its class is V<top>. harness: paths, the first is compiled, the others are headers beside it.
    defines: macros of the harness. trace: whether it can write VCD.
    """
    text = "".join(line + "\n" for line in verilog.splitlines() if not line.lstrip().startswith("//"))
    flags = [f"-D{name}={value}" for name, value in sorted(defines.items())] + toolchain.defines(trace)
    key = digest(json.dumps([
        text, [Path(path).read_text() for path in harness], top, flags, toolchain.VERILATOR_FLAGS, toolchain.OUTPUT_SPLIT,
        toolchain.BRANCH_HINTS.read_text(), [toolchain.CXX_FLAGS, toolchain.FAST, toolchain.SLOW, toolchain.RUNTIME_LEVEL],
        toolchain.verilator_version(), toolchain.compiler_version(), platform.machine()]).encode())
    final = models / key[:24]
    program = final / "harness"
    if program.exists():
        return program
    with locked(final):
        if not program.exists():
            work = Path(tempfile.mkdtemp(prefix="building-", dir=models))
            try:
                _build_in(work, text, top, Path(harness[0]), flags, trace, progress)
                # Only what runs and what explains it stays: the C++ of a large core is tens of megabytes.
                done = work / "done"
                done.mkdir()
                for name in ("harness", "source.v"):
                    os.replace(work / name, done / name)
                shutil.rmtree(final, ignore_errors=True)
                os.replace(done, final)
            finally:
                shutil.rmtree(work, ignore_errors=True)
    return program


def _build_in(work: Path, text: str, top: str, harness: Path, flags: list[str], trace: bool, progress) -> None:
    (work / "source.v").write_text(text)
    if progress:
        progress("translating the Verilog to C++")
    toolchain.verilate(work / "source.v", top, work / "obj", trace)
    runtime = runtime_objects(work.parent, trace, progress)
    generated = sorted((work / "obj").glob("*.cpp"))
    tick = (lambda done, total: progress(f"compiling the simulator: {done} of {total} files")) if progress else None
    folders = [f"-I{work / 'obj'}", f"-I{harness.parent}", *toolchain.includes()]
    objects = toolchain.compile_all([*generated, harness], work, [*flags, *folders], tick, hinted=generated)
    toolchain.link(objects + runtime, work / "harness")


def runtime_objects(models: Path, trace: bool, progress) -> list[Path]:
    """Return the objects of Verilator's runtime, compiled once for all models."""
    flags = toolchain.defines(trace) + toolchain.includes()
    key = digest(json.dumps([flags, toolchain.CXX_FLAGS, toolchain.FAST, toolchain.RUNTIME_LEVEL, toolchain.verilator_version(),
                              toolchain.compiler_version(), platform.machine()]).encode())
    final = models / f"runtime-{key[:24]}"
    with locked(final):
        if not final.exists():
            if progress:
                progress("compiling Verilator's runtime")
            work = Path(tempfile.mkdtemp(prefix="building-", dir=models))
            try:
                names = toolchain.RUNTIME + (toolchain.RUNTIME_TRACE if trace else [])
                toolchain.compile_all([toolchain.verilator_root() / "include" / name for name in names], work, flags)
                os.replace(work, final)
            finally:
                shutil.rmtree(work, ignore_errors=True)
        return sorted(final.glob("*.o"))


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@contextlib.contextmanager
def locked(target: Path):
    """Hold the lock of `target`; the system frees it when a process dies. Without fcntl the rename alone must do."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        import fcntl
    except ImportError:
        yield
        return
    with open(target.with_name(target.name + ".lock"), "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
