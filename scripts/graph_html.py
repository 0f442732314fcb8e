"""The report of a graph run as one HTML page that loads nothing."""
from __future__ import annotations

import html

from scripts import graph_plots, html_parts, summary
from scripts import graph_summary as figures
from scripts.html_parts import table
from scripts.summary import Report, detail_mode, over_dense, percent, ratio


FOLDED = 30  # layers from which on the long tables are folded: the plots say it first


def _number(value: float) -> str:
    return f"{value:,.0f}"


def layer_table(report: Report) -> str:
    return table(["layer", "kind", "shape", "weights kept", "inputs not zero", "events", "passes"],
                 ([layer["name"], layer["kind"], layer["shape"].replace("->", "\u2192"), percent(layer["weight_density"]),
                   percent(layer["activation_density"]), _number(layer["events"]), layer["passes"]] for layer in report["layers"]),
                 text_columns=3)


def cycle_table(report: Report) -> str:
    modes, detail, totals = report["modes"], detail_mode(report), report["totals"]
    others = [mode for mode in modes if mode != detail]
    rows = [[layer["name"], *(_number(layer["mode_cycles"][mode]) for mode in (*others, detail)),
             *(_number(layer[key]) for key in ("effectual_beats", "ideal_cycles", "memory_cycles", "roofline_cycles")),
             percent(layer["utilisation"]), percent(layer["efficiency"])] for layer in report["layers"]]
    rows.append(["all", *(_number(modes[mode]) for mode in (*others, detail)),
                 _number(sum(layer["effectual_beats"] for layer in report["layers"])),
                 *(_number(totals[key]) for key in ("ideal", "memory", "roofline")), percent(totals["utilisation"]),
                 percent(totals["efficiency"])])
    return table(["layer", *others, f"cycles, {detail}", "beats", "ideal", "memory", "roofline", "utilisation", "efficiency"], rows,
                 last_is_total=True)


def stall_table(report: Report) -> str:
    rows = [[layer["name"], *map(percent, share.values())] for layer, share in zip(report["layers"], figures.shares(report))]
    return table(["layer", *figures.headings(report)], [*rows, ["all", *map(percent, figures.total_shares(report).values())]],
                 last_is_total=True)


def traffic_table(report: Report) -> str:
    def row(name: str, inward: float, outward: float, compulsory: float, cycles: float) -> list[str]:
        moved = inward + outward
        busy = percent(moved / (cycles * report["port_bytes"])) if cycles else "-"
        return [name, _number(inward), _number(outward), _number(compulsory), ratio(moved / compulsory if compulsory else None), busy]

    rows = [row(layer["name"], layer["bytes_in"], layer["bytes_out"], figures.compulsory_bytes(layer, report), layer["cycles"])
            for layer in report["layers"]]
    return table(["layer", "bytes read", "bytes written", "compulsory", "moved over compulsory", "port busy"],
                 [*rows, row("all", *figures.traffic(report), report["cycles"])], last_is_total=True)


def gain_table(report: Report) -> str:
    """Each mode against dense; nothing when only one was run."""
    modes, ideal = report["modes"], report["modes_ideal"]
    if len(modes) < 2:
        return ""
    rows = ([mode, _number(cycles), *(ratio(over_dense(one, mode)) for one in (modes, ideal))] for mode, cycles in modes.items())
    return "<h2>Modes</h2>\n" + table(["mode", "cycles", "over dense", "ideal, from the densities"], rows)


def pictures(report: Report) -> str:
    """The photograph and the edge maps, or nothing."""
    found = report.get("pictures", ())
    shown = "".join(html_parts.figure(one["name"], one["png"], f"<b>{html.escape(one['name'])}</b>{html.escape(one['caption'])}",
                                      "wide") for one in found)
    return f"<h2>What it computed</h2>\n<div class=digits>{shown}</div>" if found else ""


def _facts(report: Report) -> list[tuple[str, str]]:
    totals, worst, detail = report["totals"], figures.lowest(report), detail_mode(report)
    inward, outward, compulsory = figures.traffic(report)
    facts = [(_number(report["cycles"]), f"cycles, {detail}"),
             (percent(totals["efficiency"]),
              f"efficiency: rooflines over cycles (lowest: {worst['name']}, {percent(worst['efficiency'])})"),
             (percent(totals["utilisation"]), "utilisation: ideal over cycles")]
    modes = report["modes"]
    if "dense" in modes and detail != "dense":
        facts.append((ratio(modes["dense"] / modes[detail]), "fewer cycles than dense"))
    facts.append((figures.size(inward + outward), f"through the memory port ({figures.size(compulsory)} compulsory)"))
    facts.append((figures.size(report["on_chip_bytes"]), "memory on chip"))
    facts.append((_number(report["cycles_per_second"]), f"cycles simulated a second, {report['simulator']}"))
    return facts


def render(report: Report) -> str:
    """The whole page."""
    verdict, detail = summary.verdict(report), detail_mode(report)

    def long(content: str) -> str:
        layers = len(report["layers"])
        return content if layers < FOLDED else html_parts.folded(content, f"The figures of {layers} layers")

    remarks = [*figures.assumed(report), *report.get("notes", ()), *figures.sources(report)]
    return html_parts.page(
        "graph_page.html", title=html.escape(f"{figures.title(report)} on {figures.array_name(report)}"), detail=detail,
        simulator=html.escape(report["simulator"]), port=str(8 * report["port_bytes"]), latency=str(report["latency"]),
        verdict_class=verdict[0], verdict=verdict[1], facts=html_parts.facts(_facts(report)), pictures=pictures(report),
        gain_table=gain_table(report), cycles_plot=graph_plots.cycles_by_layer(report), cycle_table=long(cycle_table(report)),
        roofline_plot=graph_plots.roofline(report), stall_plot=graph_plots.stalls(report), stall_table=long(stall_table(report)),
        traffic_plot=graph_plots.traffic(report), traffic_table=long(traffic_table(report)), layer_table=long(layer_table(report)),
        remarks=html_parts.sentences(remarks), surroundings=table(["", ""], figures.surroundings(report).items(), text_columns=2),
    )
