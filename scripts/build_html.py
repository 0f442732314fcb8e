"""The page of a build: utilisation and floorplan as pictures, critical path, seeds, blocks."""
from __future__ import annotations

import html
from pathlib import Path
from typing import Any

from fpga.build import blocks, floorplan
from fpga.build.path import sentence
from scripts import build_plots, html_parts
from scripts.build_terminal import LABELS
from scripts.html_parts import table


def render(board, report: dict[str, Any], folder: Path) -> str:
    """The page as text.

    board: Board.  report: of fpga.build.build.  folder: where the build left top.v and routed.json.
    """
    fmax, path = report["fmax_mhz"], report["critical_path"]
    kind = "Compact" if report["compact"] else "Full"
    memory = f"{report['memory_bytes'] // 1024} KiB"
    plan = floorplan.read(folder / "routed.json", folder / "top.v")
    rows = blocks.grouped(report["blocks"])
    kinds = list(LABELS)
    return html_parts.page(
        "build_page.html",
        title=html.escape(f"{board.title}, {report['array']}"),
        subject=html.escape(f"{kind} accelerator, {report['array']}, {memory} of memory, on {report['device']}"),
        verdict="meets its clock" if report["meets_clock"] else "DOES NOT MEET ITS CLOCK",
        verdict_class="yes" if report["meets_clock"] else "no",
        facts=html_parts.facts([
            (f"{report['clock_mhz']:g} MHz", "clock"), (f"{fmax['max']:.1f} MHz", f"Fmax, best of {len(report['seeds'])}"),
            *((f"{100 * item['used'] / item['available']:.0f} %", LABELS[label]) for label, item in report["resources"].items())]),
        utilisation=build_plots.utilisation(report["resources"]),
        floorplan=build_plots.floorplan(plan),
        path=html.escape(sentence(path)),
        path_table=table(["signal", "block", "instance", "source", "ns"],
                         ([step["signal"], step["block"] or "", step["instance"] or "", step["source"] or "made by a tool",
                           f"{step['delay_ns']:.2f}"]
                          for step in path.get("steps", [])), text_columns=4),
        clock_note=html.escape(report["remark"]),
        seed_table=table(["seed", "Fmax, MHz"], ((seed, f"{value:.2f}") for seed, value in report["seeds"].items())),
        block_table=table(["block", "instances", *("LUTs" if kind == "lut" else LABELS[kind] for kind in kinds)],
                          ([row["block"], row["instances"], *(f"{row[kind]:,}" for kind in kinds)] for row in rows)),
        build_table=table(["step", "seconds"], [*((step, f"{spent:.1f}") for step, spent in report["seconds"].items()),
                                                *((tool, version) for tool, version in report["tools"].items())]),
    )
