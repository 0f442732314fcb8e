"""Both forms of a graph's report show the same figures; the page loads nothing; long lists stay readable."""
import json
import re
from pathlib import Path

import pytest

from scripts import graph_html, graph_run, graph_summary, graph_terminal
from tests.scripts.graph_report import PES, graph_report
from tests.scripts.test_report import _Loads


def completed(report: dict) -> dict:
    """The report with what the subject adds."""
    assumed = [{"what": "weights", "name": f"l{index}", "density": 0.5} for index in range(9)]
    return report | {"subject": "alexnet, fc, batch 16", "command": "--workload alexnet", "assumed": assumed, "draw_seed": 5,
                     "notes": ["values <are> drawn"], "sources": {"han": "NIPS 2015"}}


@pytest.fixture
def report():
    return completed(graph_report(13, ("dense", "both")))


@pytest.fixture
def page(report):
    return graph_html.render(report)


def terminal(report, capsys) -> str:
    graph_terminal.show(report, Path("build/report.json"), Path("build/report.html"))
    return capsys.readouterr().out


def test_example_keeps_the_rules_of_a_report(report):
    for layer in report["layers"]:
        assert layer["effectual_beats"] + layer["recomputed_beats"] + sum(layer["stalls"].values()) == layer["cycles"] * PES
    for share in (*graph_summary.shares(report), graph_summary.total_shares(report)):
        assert sum(share.values()) == pytest.approx(1)


def test_both_forms_show_the_figures(report, page, capsys):
    text = terminal(report, capsys)
    layer, totals = report["layers"][5], report["totals"]
    for figure in (*(f"{layer[key]:,.0f}" for key in ("cycles", "ideal_cycles", "memory_cycles", "roofline_cycles", "events")),
                   f"{100 * layer['efficiency']:.1f}", f"{report['cycles']:,}", f"{totals['roofline']:,.0f}",
                   f"{100 * totals['efficiency']:.1f} %", "612,345", "396 kB", "5.90 x", "alexnet, fc, batch 16", "row lookup",
                   "assumed density 0.5 of weights: l0, l1, l2, l3, l4, l5 and 3 more", graph_summary.lowest(report)["name"]):
        assert figure in text, figure
        assert figure in page, figure


def test_one_mode_has_no_table_of_modes(capsys):
    report = completed(graph_report(3))
    assert "over dense" not in terminal(report, capsys) and "over dense" not in graph_html.render(report)


def test_model_is_not_called_hardware(report, capsys):
    report["bit_exact"] = None
    assert "No hardware was simulated" in terminal(report, capsys) and "No hardware was simulated" in graph_html.render(report)


def test_page_loads_nothing_and_has_four_plots(page):
    parser = _Loads()
    parser.feed(page)
    assert all(address.startswith(("data:image/png;base64,", "#")) for address in parser.addresses)
    assert not {"script", "link", "iframe", "object"} & set(parser.tags)
    assert parser.tags.count("svg") == 4 and not re.search(r"url\((?!#)", page) and "$" not in page.split("</style>")[1]
    assert "values &lt;are&gt; drawn" in page and "&lt;of something&gt;" in page


def test_read_back_from_json(report, page):
    assert graph_html.render(json.loads(graph_run.json_lines(report))) == page


def test_json_has_a_line_for_each_layer(report):
    text = graph_run.json_lines(report)
    assert json.loads(text) == json.loads(json.dumps(report))
    assert max(map(len, text.splitlines())) < 2000


def test_ninety_seven_layers(capsys):
    report = completed(graph_report(97))
    page = graph_html.render(report)
    assert page.count("<details>") == 4 and "The figures of 97 layers" in page
    drawing = re.search(r'<svg[^>]*viewBox="0 0 (\S+) (\S+)"', page)
    width, height = map(float, drawing.groups())
    assert height / 97 / width > 0.017     # 10 pt a bar at the width of the page: names do not touch
    text = terminal(report, capsys)
    assert text.count("enc5.slf_attn.layer80") == 3 and "\N{HORIZONTAL ELLIPSIS}" not in text


def test_layer_whose_neighbours_did_its_work(report, capsys):
    layer = report["layers"][0]
    early = layer["effectual_beats"] // 2
    layer["recomputed_beats"], layer["cycles"] = -early, layer["cycles"] // 2
    idle = layer["cycles"] * PES - layer["effectual_beats"] + early
    layer["stalls"] = {cause: 0 for cause in layer["stalls"]} | {"no_event": idle}
    layer |= {"efficiency": layer["roofline_cycles"] / layer["cycles"]}
    assert layer["efficiency"] > 1
    assert sum(graph_summary.shares(report)[0].values()) == pytest.approx(1) and min(graph_summary.shares(report)[0].values()) >= 0
    assert f"{100 * layer['efficiency']:.1f}" in terminal(report, capsys) and "</html>" in graph_html.render(report)


def test_layer_without_work(report, capsys):
    report["layers"][0] |= {"effectual_beats": 0, "ideal_cycles": 0.0, "memory_cycles": 0.0, "roofline_cycles": 0.0, "efficiency": 0.0}
    terminal(report, capsys)
    assert "</html>" in graph_html.render(report)


@pytest.mark.parametrize("count, text", [(0, "0 B"), (999, "999 B"), (1000, "1.00 kB"), (12_345, "12.3 kB"), (999_600, "1.00 MB"),
                                         (4.2e6, "4.20 MB"), (123e9, "123 GB"), (5e12, "5000 GB")])
def test_sizes(count, text):
    assert graph_summary.size(count) == text
