"""The report as one HTML page that loads nothing: style, plots and digits are inside it."""
from __future__ import annotations

import html

from scripts import html_parts, report_plots, summary
from scripts.html_parts import table
from scripts.summary import Report, percent, ratio

DIGITS_SHOWN = 60


def layer_table(report: Report) -> str:
    lanes, images = report["array"]["lanes"], report["images"]
    return table(
        ["layer", "kind", "shape", "weights kept", "chunks a row", "regrouping", "non-zero inputs", "events an image"],
        ([layer["name"], layer["kind"], layer["shape"].replace("->", "\u2192"), percent(layer["weight_density"]),
          f"{summary.chunk_mean(layer):.2f} of {summary.full_row(layer, lanes)}",
          summary.change(summary.regroup_cost(report, layer)), percent(layer["activation_density"]),
          f"{layer['events'] / images:,.0f}"] for layer in report["layers"]),
        text_columns=3,
    )


def cycle_table(report: Report) -> str:
    modes, images = list(report["modes"]), report["images"]
    return table(
        ["layer", *modes, "beats", "ideal", "memory", "roofline", "utilisation", "efficiency", "bytes in", "bytes out"],
        ([layer["name"], *(f"{layer['mode_cycles'][mode] / images:,.0f}" for mode in modes),
          *(f"{layer[key] / images:,.0f}" for key in ("effectual_beats", "ideal_cycles", "memory_cycles", "roofline_cycles")),
          percent(layer["utilisation"]), percent(layer["efficiency"]),
          *(f"{layer[key] / images:,.0f}" for key in ("bytes_in", "bytes_out"))] for layer in report["layers"]),
    )


def stall_table(report: Report) -> str:
    shares = [summary.cycle_shares(layer, report["array"]["pes"]) for layer in report["layers"]]
    return table(["layer", *map(summary.cause_label, shares[0])],
                 ([layer["name"], *map(percent, share.values())] for layer, share in zip(report["layers"], shares)))


def gain_table(report: Report) -> str:
    return table(["mode", "cycles an image", "over dense", "ideal, from the densities"],
                 ([gain.mode, f"{gain.cycles_per_image:,.0f}", ratio(gain.ratio), ratio(gain.ideal_ratio)]
                  for gain in summary.gains(report)))


def wrong_digits(report: Report) -> str:
    """The images whose class the hardware missed, each with what it said and what it is."""
    wrong = report["wrong"]
    if not wrong:
        return f"<p>None: all {report['images']} images were classified as labelled.</p>"
    figures = [html_parts.figure(f"image {digit['index']}", html_parts.png(digit["pixels"]),
                                 f"<b>{digit['predicted']}</b> for {digit['label']}") for digit in wrong[:DIGITS_SHOWN]]
    rest = len(wrong) - len(figures)
    note = f"<p>{rest} more are in the JSON report.</p>" if rest else ""
    caption = f"<p>{len(wrong)} of {report['images']}: what it said, for what the label says.</p>"
    return f'{caption}<div class=digits>{"".join(figures)}</div>{note}'


def _facts(report: Report) -> list[tuple[str, str]]:
    """The tiles at the top: value and what it is."""
    detail = summary.detail_mode(report)
    correct = round(report["accuracy"] * report["images"])
    facts = [(percent(report["accuracy"], 2), f"accuracy, {correct} of {report['images']} images"),
             (f"{report['modes'][detail] / report['images']:,.0f}", f"cycles an image, {detail}")]
    gain = next(gain for gain in summary.gains(report) if gain.mode == detail)
    if gain.ratio is not None and detail != "dense":
        facts.append((ratio(gain.ratio), f"fewer cycles than dense (ideal {ratio(gain.ideal_ratio)})"))
    facts.append((f"{report['cycles_per_second']:,.0f}", f"cycles simulated a second, {report['simulator']}"))
    return facts


def render(report: Report) -> str:
    """The whole page."""
    array, detail = report["array"], summary.detail_mode(report)
    surroundings = {**report["machine"], **report["versions"], "seed": report["seed"]}
    verdict = summary.verdict(report)
    return html_parts.page(
        "report_page.html", title=html.escape(f"{report['network']} on {array['pes']} x {array['lanes']}"),
        images=str(report["images"]), simulator=html.escape(report["simulator"]), detail=detail, lanes=str(array["lanes"]),
        verdict_class=verdict[0], verdict=verdict[1], facts=html_parts.facts(_facts(report)),
        gain_table=gain_table(report), cycles_plot=report_plots.cycles_by_mode(report), cycle_table=cycle_table(report),
        stall_plot=report_plots.stalls(report), stall_table=stall_table(report),
        chunk_plot=report_plots.chunk_histograms(report), layer_table=layer_table(report), digits=wrong_digits(report),
        surroundings=table(["", ""], surroundings.items(), text_columns=2),
    )
