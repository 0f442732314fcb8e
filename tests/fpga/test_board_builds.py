"""Boards as they ship, through all tools: minutes each, so one of each family that has a figure to trust; `cascadefire build` does the others."""
from __future__ import annotations

import pytest

from fpga import board as boards
from fpga.build import build


@pytest.mark.slow
@pytest.mark.parametrize("name", ["icebreaker", "ulx3s-25f"])
def test_a_board_fits_and_meets_its_clock(name, tmp_path):
    report = build(boards.load(name), folder=tmp_path)
    assert report["meets_clock"] and report["compact"]
    assert all(item["used"] <= item["available"] for item in report["resources"].values())
    sources = {step["source"].split(":")[0] for step in report["critical_path"]["steps"] if step["source"]}
    assert sources and all(source.startswith(("rtl/", "fpga/")) for source in sources)
    places = set(report["blocks"])
    assert any("compact_accelerator" in place for place in places) and any(place.startswith("link") for place in places)
