"""What `cascadefire build` prints."""
from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table

from scripts.summary import percent

LABELS = {"lut": "logic cells", "ff": "registers", "dsp": "multipliers", "ram": "block RAMs", "spram": "single-port RAMs"}


def show(board, report: dict[str, Any], with_blocks: bool) -> None:
    """board: Board.  report: of fpga.build.build.  with_blocks: also the table of blocks."""
    console = Console(highlight=False, width=140)
    kind = "compact" if report["compact"] else "full"
    console.print(f"[bold]{board.title}[/bold] ({report['device']}), {kind} accelerator {report['array']}, "
                  f"{report['memory_bytes'] // 1024} KiB of memory\n", soft_wrap=True)
    if "resources" in report:
        resources(console, report)
        clock(console, report)
        critical(console, report["critical_path"])
    if with_blocks:
        blocks(console, report)
    spent = ", ".join(f"{step} {seconds:.1f} s" for step, seconds in report["seconds"].items())
    console.print(f"time        {spent}", soft_wrap=True)
    if "bitstream" in report:
        console.print(f"bitstream   {report['bitstream']}", soft_wrap=True)
        console.print(f"load it     cascadefire program --board {board.name}", soft_wrap=True)
        for line in report["program"]:
            console.print(f"            or {line}", soft_wrap=True)


def resources(console: Console, report: dict[str, Any]) -> None:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("resource")
    for heading in ("used", "of", "share"):
        table.add_column(heading, justify="right")
    table.add_column("cells of the device", style="dim")
    for label, item in report["resources"].items():
        table.add_row(LABELS[label], f"{item['used']:,}", f"{item['available']:,}", percent(item["used"] / item["available"]),
                      " + ".join(item["cells"]))
    console.print(table)
    console.print()


def clock(console: Console, report: dict[str, Any]) -> None:
    """Fmax of the seeds against the clock, and what is wrong with the figure."""
    fmax, wanted = report["fmax_mhz"], report["clock_mhz"]
    seeds = len(report["seeds"])
    verdict = "[green]met[/green]" if report["meets_clock"] else "[bold red]NOT MET: this bitstream will not work[/bold red]"
    if report["meets_clock"] and not report["every_seed_meets_clock"]:
        verdict += " by the best seed, not by all"
    console.print(f"clock       {wanted:g} MHz, {verdict}", soft_wrap=True)
    spread = "" if seeds == 1 else f" (best of {seeds} seeds; min {fmax['min']:.1f}, median {fmax['median']:.1f})"
    console.print(f"Fmax        {fmax['max']:.1f} MHz by nextpnr{spread}", soft_wrap=True)
    if "icetime_mhz" in report:
        real = report["icetime_mhz"]
        console.print(f"            {real['max']:.1f} MHz by icetime (min {real['min']:.1f}, median {real['median']:.1f}), which decides",
                      soft_wrap=True)
    if report["remark"]:
        console.print(f"            [dim]{report['remark']}[/dim]", soft_wrap=True)


def critical(console: Console, path: dict[str, Any]) -> None:
    if not path:
        return
    console.print(f"critical    {path['delay_ns']:.2f} ns: {path['logic_ns']:.2f} logic, {path['routing_ns']:.2f} routing, "
                  f"{path['levels']} levels", soft_wrap=True)
    for step in path["steps"]:
        name = f"{step['block']}.{step['signal']}" if step["block"] else step["signal"]
        source = f"{step['source']} {step['instance']}".rstrip() if step["source"] else "made by a tool"
        console.print(f"            {step['delay_ns']:>6.2f} ns  {name:<44} [dim]{source}[/dim]", soft_wrap=True)


def blocks(console: Console, report: dict[str, Any]) -> None:
    """What each block takes after synthesis, instances of a block together."""
    from fpga.build.blocks import grouped

    rows = grouped(report["blocks"])
    kinds = [kind for kind in ("lut", "ff", "dsp", "ram", "spram") if any(row[kind] for row in rows)]
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("block, after synthesis")
    for heading in ("instances", *(LABELS[kind] for kind in kinds)):
        table.add_column(heading.replace("logic cells", "LUTs"), justify="right")
    for row in rows:
        table.add_row(row["block"], str(row["instances"]), *(f"{row[kind]:,}" for kind in kinds))
    table.add_row("all", "", *(f"{sum(row[kind] for row in rows):,}" for kind in kinds), style="bold")
    console.print(table)
    console.print()
