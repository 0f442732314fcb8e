"""What `cascadefire bench` prints, and the verdict of a report."""
from __future__ import annotations

import sys
from typing import Any, Iterator

from rich.console import Console

from scripts.report_terminal import new_table
from scripts.summary import Report, cause_label, percent

WIDTH = 118


def passed(report: Report) -> bool:
    """Whether every output is the reference's and every cycle count the simulation's."""
    return (all(one["bit_exact"] and one["simulation"]["equal"] for one in report["networks"])
            and all(one["bit_exact"] and one["simulation_equal"] for one in report["probes"])
            and (report["link"] is None or report["link"]["equal"]))


def verdict(report: Report) -> str:
    """The verdict as a sentence."""
    if not passed(report):
        return "NOT everything is equal: see the columns exact and sim"
    return "every output is equal to the integer reference, every cycle count to the accelerator's own simulation"


def heading(report: Report) -> str:
    """The board, what of it was there, and the array."""
    kind = f"virtual, {STAGES[report['netlist']]}" if report["virtual"] else report["port"]
    array = report["array"]
    return (f"{report['title']} ({kind}): {array['pes']} x {array['lanes']}{' compact' if report['compact'] else ''}, "
            f"{report['clock_mhz']:g} MHz, {report['memory_bytes'] // 1024} KiB, {report['baud']:,} baud")


STAGES = {"rtl": "Verilog of the board's top", "synth": "netlist after synthesis", "routed": "netlist after placing and routing"}


def rows(report: Report) -> Iterator[list[str]]:
    """The cells of the networks' table."""
    for one in report["networks"]:
        yield [one["network"], f"{one['correct']} of {one['images']}", percent(one["accuracy"], 2),
               f"{one['images_exact']} of {one['images']}", f"{one['cycles']['mean']:,.0f}",
               "equal" if one["simulation"]["equal"] else f"{one['simulation']['cycles']:,.0f}", f"{one['compute_ms']:.3f}",
               f"{one['link_ms']:.2f}", f"{one['inferences_per_s']:,.0f}", f"{one['inferences_per_s_with_link']:,.1f}",
               percent(one["utilisation"]), f"{one['dense_macs_per_s'] / 1e6:,.0f}"]


NETWORK_HEADINGS = ["digits right", "accuracy", "exact", "cycles an image", "in simu- lation", "compute, ms", "link, ms", "images/s",
                    "with link", "used", "dense-eq. MMAC/s"]


def stall_rows(report: Report) -> Iterator[list[str]]:
    """The cells of the table of where the PEs' cycles went."""
    for one in report["networks"]:
        yield [one["network"], *(f"{100 * share:.1f}" for share in (one["utilisation"], *one["stalls"].values()))]


def probe_rows(report: Report) -> Iterator[list[str]]:
    """The cells of the probes' table."""
    for one in report["probes"]:
        equal = "equal" if one["simulation_equal"] and one["bit_exact"] else "NO"
        yield [one["name"], f"{one['cycles']:,}", equal, percent(one["utilisation"]), f"{one['macs_per_s'] / 1e6:,.1f}",
               f"{one['dense_macs_per_s'] / 1e6:,.1f}", f"{one['events_per_cycle']:.3f}", f"{one['outputs_per_cycle']:.3f}",
               f"{one['memory_bytes_per_s'] / 1e6:,.1f}"]


PROBE_HEADINGS = ["cycles", "exact, sim", "used", "MMAC/s", "dense-eq. MMAC/s", "events a cycle", "outputs a cycle", "memory, MB/s"]


def peer_rows(report: Report) -> Iterator[list[str]]:
    """The cells of the table of published figures, with this board's best rates on top."""
    yield from own_rows(report)
    for one in report["peers"]:
        yield [one["name"], one["part"], one["work"], *(figure(one.get(key)) for key in ("mmacs", "images_per_s", "power_mw")),
               one.get("note", ""), one["source"]]


def own_rows(report: Report) -> Iterator[list[str]]:
    """This board's rows of the table of peers: each probe of products, each network."""
    part, power = report["device"], report["power_w"]
    origin = ("simulated cycles at " if report["virtual"] else "measured at ") + f"{report['clock_mhz']:g} MHz"
    shown = figure(power * 1e3 if power else None)
    for one in report["probes"]:
        if one["name"] in ("dense", "sparse"):
            rate = figure(one["dense_macs_per_s"] / 1e6)
            yield [f"cascadefire, {one['name']} layer", part, one["title"], rate, "", shown, origin, "this report"]
    for one in report["networks"]:
        yield [f"cascadefire, {one['network']}", part, f"digits, {one['title']}", figure(one["dense_macs_per_s"] / 1e6),
               figure(one["inferences_per_s"]), shown, origin + ", link not counted", "this report"]


def figure(value: Any) -> str:
    return "" if value is None else f"{value:,.1f}" if value < 100 else f"{value:,.0f}"


def facts(report: Report) -> Iterator[tuple[str, str]]:
    """Lines of name and value under the tables."""
    yield "verdict", verdict(report)
    for sentence in report["left_out"]:
        yield "left out", sentence
    link = report["link"]
    if link:
        yield "link", "; ".join(f"{name} {link[name]['bytes_per_s'] / 1e3:,.1f} kB/s, {percent(link[name]['line_share'])} of the line"
                                for name in ("write", "read")) + f" in bursts of {link['words']} words; {link['resent']} frames sent again"
    built = report["bitstream"]
    if built:
        used = ", ".join(f"{item['used']:,} of {item['available']:,} {'+'.join(item['cells'])}" for item in built["resources"].values())
        yield "bitstream", f"{used}; Fmax {built['fmax_mhz']['max']:.1f} MHz by nextpnr for {built['clock_mhz']:g} MHz"
        if built["remark"]:
            yield "", built["remark"]
    else:
        yield "bitstream", f"not built here: cascadefire build --board {report['board']}"
    if report["power_w"]:
        for one in report["networks"]:
            energy = 1e3 * report["power_w"] * one["compute_ms"]
            yield "energy", f"{one['network']}: {energy:,.1f} uJ an image at {report['power_w']:g} W as read"
    if report["virtual"]:
        yield "simulated", f"{report['simulated_cycles_per_second']:,.0f} cycles a second; no board was there"
        yield "time", f"cycles over {report['clock_mhz']:g} MHz; what the cable and its drivers take on a real board is not in it"


def show(report: Report, written: list) -> None:
    """Print a report. written: files it went to."""
    console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH)
    console.print(f"\n[bold]{heading(report)}[/bold]\n", soft_wrap=True)
    tables = (
        ("Networks", ["network"], NETWORK_HEADINGS, rows(report)),
        ("\nPE cycles by cause, %", ["network"], ["beats", *(cause_label(name) for name in STALLS)], stall_rows(report)),
        ("\nProbes (one layer each, whole program)", ["probe"], PROBE_HEADINGS, probe_rows(report)),
    )
    for title, names, headings, lines in tables:
        table = new_table(title, names, headings)
        for cells in lines:
            table.add_row(*cells)
        if table.rows:
            console.print(table)
    for one in report["probes"]:
        console.print(f"  [dim]{one['name']}: {one['title']}[/dim]", soft_wrap=True)
    peers = new_table("\nPublished figures of others (not measured here), and this board", ["design", "part"],
                      ["MMAC/s, dense-eq.", "images/s", "mW"])
    peers.add_column("source", style="dim")
    for name, part, _work, mmacs, rate, power, _note, source in peer_rows(report):
        peers.add_row(name, part, mmacs, rate, power, source)
    console.print(peers)
    console.print()
    for name, value in facts(report):
        console.print(f"{name:<12}{value}", soft_wrap=True, style="bold red" if name == "verdict" and not passed(report) else "")
    for path in written:
        console.print(f"{'report':<12}{path}", soft_wrap=True)


STALLS = ("configuration", "no_event", "no_weight", "no_buffer", "output_blocked", "row_lookup", "drain")
