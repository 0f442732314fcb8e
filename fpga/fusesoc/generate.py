#!/usr/bin/env python3
"""FuseSoC generator `cascadefire`: converts the hardware anew each time it is asked, so that no Verilog is ever stale.

Called by FuseSoC as `generate.py INPUT.yml` in the folder where the files go. Parameters:

* part: accelerator (default), core, board or sim;
* array: PxC, 4x8 by default, for a board its own;
* name: of the module, `cascadefire` by default; a board's is `top`;
* settings: {field of CoreConfig: value}, such as {acc_depth: 256, compact: true};
* board: name, for part board: the top with the board's constraint file.

Part sim is an accelerator and a C++ testbench that runs a digit through it and checks every output.
"""
from __future__ import annotations

import os
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(CHECKOUT)]

try:
    import yaml

    from cascadefire.errors import InputError
    from fpga import board as boards
    from fpga import verilog
    from fpga.build.convert import TOP, convert
    from fpga.tools import Tools
    from rtl.config import CoreConfig
    from tb.toolchain import ToolError
except ImportError as error:
    sys.exit(f"cascadefire: {sys.executable} has no {error.name}: install cascadefire for the python3 that is first on PATH, "
             f"or put the environment where it is installed first (PATH={CHECKOUT}/.venv/bin:$PATH)")

PARTS = ("accelerator", "core", "board", "sim")
KNOWN = ("part", "array", "name", "settings", "board")
FILE_TYPES = {".v": "verilogSource", ".vlt": "vlt", ".pcf": "PCF", ".lpf": "LPF", ".cst": "CST", ".cpp": "cppSource"}


def generate(parameters: dict, folder: Path) -> list[Path]:
    """Make the files of a part in a folder and return them; InputError or ToolError when that cannot be."""
    unknown = sorted(set(parameters) - set(KNOWN))
    if unknown:
        raise InputError(f"the generator has no parameter called {unknown[0]}: {', '.join(KNOWN)}")
    part = parameters.get("part", "accelerator")
    if part not in PARTS:
        raise InputError(f"part must be one of {', '.join(PARTS)}, not {part}")
    if part == "board":
        return board_files(parameters, folder)
    name = parameters.get("name", "cascadefire")
    if part == "sim":
        from fpga.fusesoc import simulation

        return simulation.write(parameters.get("array", "1x8"), name, folder)
    config = configure(parameters.get("array", "4x8"), parameters.get("settings") or {})
    return [verilog.write(part, config, folder, Tools(), "fusesoc", name), folder / verilog.LINT.name]


def board_files(parameters: dict, folder: Path) -> list[Path]:
    """top.v and the constraint file of a board."""
    if "board" not in parameters:
        raise InputError("part board needs the parameter board")
    board = boards.load(parameters["board"])
    if "array" in parameters:
        board = board.with_array(parameters["array"])
    pins = folder / ("pins" + board.constraints_path.suffix)
    pins.write_bytes(board.constraints_path.read_bytes())
    return [convert(board, folder, Tools(), name=TOP), pins]


def configure(array: str, settings: dict) -> CoreConfig:
    """The configuration of an array; ports 64 bits wide and eight outputs fired a cycle unless the settings say otherwise."""
    pes, separator, lanes = str(array).partition("x")
    if not (separator and pes.isdigit() and lanes.isdigit()):
        raise InputError(f"array must be PEs x lanes, such as 4x8, not {array}")
    width = int(lanes) if settings.get("compact") else min(8, int(lanes))
    fields = {"fire_lanes": 1 if settings.get("compact") else width, "weight_bytes": width, **settings}
    return CoreConfig.from_dict({**fields, "pes": int(pes), "lanes": int(lanes)})


def core_file(vlnv: str, files: list[Path]) -> dict:
    """The core description that FuseSoC reads back."""
    listed = [{file.name: {"file_type": FILE_TYPES[file.suffix]} if file.suffix in FILE_TYPES
               else {"file_type": "cppSource", "is_include_file": True}} for file in files]
    return {"name": vlnv, "filesets": {"made": {"files": listed}}, "targets": {"default": {"filesets": ["made"]}}}


def main(arguments: list[str]) -> None:
    request = yaml.safe_load(Path(arguments[0]).read_text(encoding="utf-8"))
    folder = Path.cwd()
    try:
        files = generate(request.get("parameters") or {}, folder)
    except (ValueError, OSError, ToolError) as error:
        sys.exit(f"cascadefire: {error}")
    name = request["vlnv"].split(":")[2]
    text = "CAPI=2:\n" + yaml.safe_dump(core_file(request["vlnv"], files), sort_keys=False)
    temporary = folder / f".{name}.core"
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, folder / f"{name}.core")


if __name__ == "__main__":
    main(sys.argv[1:])
