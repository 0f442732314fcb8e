"""The report of `cascadefire bench` as one HTML page that loads nothing."""
from __future__ import annotations

import html

from scripts import bench_terminal as figures
from scripts import html_parts, plots
from scripts.html_parts import table
from scripts.summary import Report, percent


def render(report: Report) -> str:
    """The whole page."""
    good = figures.passed(report)
    names = [one["network"] for one in report["networks"]]
    shares = [{"beats": one["utilisation"], **one["stalls"]} for one in report["networks"]]
    return html_parts.page(
        "bench_page.html", title=html.escape(f"{report['title']}, {report['array']['pes']} x {report['array']['lanes']}"),
        heading=html.escape(figures.heading(report)), verdict_class="yes" if good else "no",
        verdict=html.escape(figures.verdict(report).capitalize()) + ".",
        facts=html_parts.facts(_tiles(report)),
        network_table=table(["network", *figures.NETWORK_HEADINGS], figures.rows(report)) if names else NO_NETWORK,
        stall_plot=plots.cause_bars(names, shares, 0.6) if names else "",
        probe_table=table(["probe", *figures.PROBE_HEADINGS], figures.probe_rows(report)),
        probe_titles=html_parts.sentences(f"{one['name']}: {one['title']}" for one in report["probes"]),
        peer_table=table(["design", "part", "work", "MMAC/s, dense-equivalent", "images/s", "mW", "note", "source"],
                         ([name, part, work, mmacs, rate, power, note, source]
                          for name, part, work, mmacs, rate, power, note, source in figures.peer_rows(report)), text_columns=3),
        details=table(["", ""], figures.facts(report), text_columns=2),
        surroundings=table(["", ""], [*report["machine"].items(), *report["versions"].items()], text_columns=2),
        origin=ORIGIN["virtual" if report["virtual"] else "real"],
    )


NO_NETWORK = "<p>No network that was asked for fits this board; the details below say why.</p>"
ORIGIN = {
    "virtual": "No board took part: the Verilog or the netlist of its top ran in Verilator behind a pseudo-terminal, and the host spoke to "
               "it as it speaks to a board. Cycles are the counters of the simulated chip; times are cycles over the clock that the board "
               "would have.",
    "real": "Cycles are the chip's own counters; times are cycles over its clock, and the link's times were measured by the host.",
}


def _tiles(report: Report) -> list[tuple[str, str]]:
    """The figures worth a tile."""
    tiles = []
    for one in report["networks"]:
        tiles += [(percent(one["accuracy"], 1), f"{one['network']}: accuracy, {one['images']} digits"),
                  (f"{one['compute_ms']:.2f} ms", f"{one['network']}: compute, {one['cycles']['mean']:,.0f} cycles")]
    tiles += [(f"{one['dense_macs_per_s'] / 1e6:,.0f} MMAC/s", f"dense-equivalent, {one['name']} layer")
              for one in report["probes"] if one["name"] in ("dense", "sparse")]
    return tiles
