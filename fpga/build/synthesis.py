"""From Verilog to a netlist of a family's cells, with Yosys."""
from __future__ import annotations

import json
from pathlib import Path

from fpga.board import Board
from fpga.build.convert import TOP
from fpga.tools import Tools

# No -dsp for iCE40: with Yosys 0.70 it rewrites an instantiated 8 x 8 SB_MAC16 as 16 x 16 and loses products of registered
# operands. Its SPRAM is instantiated, too.
# -dff also looks at what registers hold, for some dozen cells less.
# Gowin's wide multiplexers save levels and cost cells, which its small devices are short of.
PASSES = {
    "up5k": "synth_ice40 -device u -dff -top {top}",
    "ice40": "synth_ice40 -device hx -dff -top {top}",
    "ecp5": "synth_ecp5 -top {top}",
    "gowin": "synth_gowin -nowidelut -family {gowin} -top {top}",
}
# Yosys takes a wire of a UP5K for 0.75 ns; routed ones take 1.8 ns and more. With that LUTs are chosen for fewer levels where paths
# are long, for some two dozen more of them.
UP5K_WIRE_PS = 1800
# And one of an ECP5 for 0.3 ns, where routed ones take about 1 ns and a LUT 0.24 ns. `synth_ecp5` has no way to set it: its step
# `map_luts` is written out below, but for what it does about latches, of which MyHDL makes none. A tenth more LUTs in the compact
# accelerator, and a tenth less time on its longest paths.
ECP5_WIRE_PS = 2000
ECP5_MAP_LUTS = [f"abc9 -W {ECP5_WIRE_PS}", "clean"]
# An HX8K has no multipliers. Yosys makes products of 8 x 9 bits of 197 LUTs, Booth-encoded ones of 149; its generic `synth` has an
# option for them, `synth_ice40` has none, so they are made where that would make them: before `alumacc`.
BOOTH = ["opt", "wreduce", "booth"]
# Signed wires on instantiated primitives make Yosys 0.70 derive the top anew after synthesis, unsynthesised; a round trip
# through its own format ends that. -nosdff and the like are left at their defaults.
ROUND_TRIP = ["proc", "write_rtlil read.il", "design -reset", "read_rtlil read.il"]
READ = ["read_verilog top.v", f"hierarchy -top {TOP}", *ROUND_TRIP]


def script(board: Board) -> str:
    """The Yosys script that makes top.json of top.v, both in the folder it runs in."""
    command = PASSES[board.family].format(top=TOP, gowin=gowin_family(board))
    return "\n".join([*READ, *commands(command), "write_json top.json"]) + "\n"


def commands(command: str) -> list[str]:
    """What Yosys runs for a synth_* command: itself, with what it has no option for."""
    words, lines = command.split(), []
    if words[0] == "synth_ecp5":
        return [f"{command} -run begin:map_luts", *ECP5_MAP_LUTS, f"{command} -run map_cells:"]
    if "-dff" in words:     # ABC would prove its own result, which takes minutes where multipliers are made of LUTs, and changes nothing
        lines.append("scratchpad -set abc9.verify 0")
    if words[:3] == ["synth_ice40", "-device", "u"]:
        lines.append(f"scratchpad -set synth_ice40.abc9.W {UP5K_WIRE_PS}")
    if words[:3] == ["synth_ice40", "-device", "hx"]:
        return [*lines, f"{command} -run begin:coarse", *BOOTH, f"{command} -run coarse:"]
    return [*lines, command]


def gowin_family(board: Board) -> str:
    """Yosys' name of a Gowin family: gw1n, gw2a or gw5a."""
    return board.device[:4].lower()


def synthesise(board: Board, folder: Path, tools: Tools) -> Path:
    """Make folder/top.json of folder/top.v and return its path; ToolError with Yosys' own error when it fails."""
    Path(folder, "synth.ys").write_text(script(board), encoding="utf-8")
    tools.run("yosys", ["synth.ys"], folder, "yosys.log")
    return Path(folder, "top.json")


def top_module(netlist: Path) -> dict:
    """The top module of a Yosys or nextpnr JSON netlist."""
    modules = json.loads(netlist.read_text(encoding="utf-8"))["modules"]
    return modules[TOP] if TOP in modules else next(module for module in modules.values()
                                                      if int(module["attributes"].get("top", "0"), 2))
