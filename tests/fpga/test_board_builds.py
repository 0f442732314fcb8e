"""The boards as they ship, through all tools: minutes each, so one that fits and one that does not; `cascadefire build` does the others."""
from __future__ import annotations

import pytest

from fpga import board as boards
from fpga.build import build
from fpga.build.place import DoesNotFit


@pytest.mark.slow
@pytest.mark.xfail(raises=DoesNotFit, strict=True, reason="the compact accelerator of 1 x 8 takes more logic cells than an UP5K has")
def test_icebreaker_fits(tmp_path):
    build(boards.load("icebreaker"), folder=tmp_path)


@pytest.mark.slow
def test_ulx3s_25f_fits_and_meets_its_clock(tmp_path):
    report = build(boards.load("ulx3s-25f"), folder=tmp_path)
    assert report["meets_clock"] and report["compact"]
    assert all(item["used"] <= item["available"] for item in report["resources"].values())
    sources = {step["source"].split(":")[0] for step in report["critical_path"]["steps"] if step["source"]}
    assert sources and all(source.startswith(("rtl/", "fpga/")) for source in sources)
    places = set(report["blocks"])
    assert any("compact_accelerator" in place for place in places) and any(place.startswith("link") for place in places)
