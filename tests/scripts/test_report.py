"""The report's two forms show the same figures; the page loads nothing."""
import copy
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from scripts import report_html, report_terminal, summary
from tests.scripts.lenet_report import lenet_report


@pytest.fixture
def report():
    return lenet_report()


@pytest.fixture
def page(report):
    return report_html.render(report)


def terminal(report, capsys) -> str:
    report_terminal.show(report, "lenet", Path("build/report.json"), Path("build/report.html"))
    return capsys.readouterr().out


def test_example_keeps_the_rules_of_a_report(report):
    for layer in report["layers"]:
        assert layer["effectual_beats"] + sum(layer["stalls"].values()) == layer["cycles"] * report["array"]["pes"]
        assert sum(summary.cycle_shares(layer, report["array"]["pes"]).values()) == pytest.approx(1)


def test_both_forms_show_the_figures(report, page, capsys):
    text = terminal(report, capsys)
    for figure in ("41,300", "305,620", "157,270", "95.2 %", "31.0 %", "44.0 %", "56,420", "90.00 %", "1,234,567", "18 of 20",
                   "7.40 x", "2.60 x", "output blocked", "row lookup"):
        assert figure in text, figure
        assert figure in page, figure
    assert "32x14x14 -> 64x7x7" in text and "64x7x7" in page


def test_narrow_terminal_cuts_no_heading(report, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    assert "\N{HORIZONTAL ELLIPSIS}" not in terminal(report, capsys)


def test_one_mode_has_no_ratio(report, capsys):
    report["modes"] = {"mnf": report["modes"]["mnf"]}
    report["modes_ideal"] = {"mnf": report["modes_ideal"]["mnf"]}
    assert summary.detail_mode(report) == "mnf"
    assert [gain.ratio for gain in summary.gains(report)] == [None]
    assert " - " in terminal(report, capsys) + " "
    assert "fewer cycles than dense" not in report_html.render(report)


def test_report_read_back_from_json(report, page):
    assert report_html.render(json.loads(json.dumps(report))) == page


def test_gains(report):
    report["modes"], report["modes_ideal"] = {"dense": 800, "both": 100}, {"dense": 700, "both": 70}
    dense, both = summary.gains(report)
    assert (dense.ratio, both.ratio, both.ideal_ratio, both.cycles_per_image) == (1, 8, 10, 5)


def test_chunks(report):
    layer = copy.deepcopy(report["layers"][3])
    assert [summary.full_row(layer, lanes) for lanes in (4, 8, 16)] == [3, 2, 1]
    layer["chunk_histogram"] = {0: 3, 2: 1}
    assert summary.chunk_mean(layer) == 0.5
    report["chunk"], layer["regroup"] = 8, {"chunks_before": 10, "chunks_after": 4}
    report["array"]["lanes"] = 32
    assert summary.regroup_cost(report, layer) == pytest.approx(0.6)
    assert summary.change(0.6) == "+60.0 %"


class _Loads(HTMLParser):
    """Collects what a browser would fetch, and open tags that must close."""

    def __init__(self):
        super().__init__()
        self.addresses, self.tags, self.text = [], [], []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.addresses += [value for name, value in attributes if name in ("src", "href", "xlink:href", "data", "action")]

    def handle_data(self, data):
        self.text.append(data)


def test_page_loads_nothing(page):
    parser = _Loads()
    parser.feed(page)
    assert parser.addresses
    assert all(address.startswith(("data:image/png;base64,", "#")) for address in parser.addresses)
    assert not {"script", "link", "iframe", "object"} & set(parser.tags)
    assert "@import" not in page and not re.search(r"url\((?!#)", page)


def test_page_has_three_plots_and_the_wrong_digits(page):
    parser = _Loads()
    parser.feed(page)
    assert (parser.tags.count("svg"), parser.tags.count("img")) == (3, 2)
    assert "$" not in page.split("</style>")[1]
    assert re.search(r"<b>0</b> for 6", page) and re.search(r"<b>4</b> for 9", page)


def test_plots_take_the_colour_of_the_page(page):
    assert "currentColor" in page and "#010203" not in page


def test_no_wrong_digit(report):
    report["wrong"] = []
    assert "all 20 images were classified as labelled" in report_html.render(report)


def test_many_wrong_digits(report):
    report["wrong"] = [report["wrong"][0]] * 100
    page = report_html.render(report)
    assert page.count("<figure>") == report_html.DIGITS_SHOWN and "40 more are in the JSON report" in page


def test_text_is_escaped(page):
    assert "&lt;of something&gt;" in page and "<of something>" not in page
