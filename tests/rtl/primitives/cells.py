"""Replaying a block's vectors on its device text, with models of the device's cells."""
from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

from tb import toolchain


def use_models(monkeypatch, *models: Path) -> None:
    """Let tb.block_bench build the text that Yosys sees, with these files beside it."""
    monkeypatch.setattr(toolchain, "VERILATOR_FLAGS", [*toolchain.VERILATOR_FLAGS, "-DYOSYS", *map(str, models)])


def yosys_model(folder: Path, library: str, cell: str) -> Path:
    """A cell of Yosys' own simulation library as a file of its own."""
    text = (resources.files("pyosys") / "share" / library).read_text()
    found = re.search(rf"^module {cell} .*?^endmodule", text, re.S | re.M)
    path = folder / f"{cell}.v"
    path.write_text(re.sub(r" `ICE40_DEFAULT_ASSIGNMENT_\w+", "", found[0]) + "\n")
    return path
