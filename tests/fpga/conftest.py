"""Builds whose top is the quick one of `blinker`."""
import pytest

from fpga.build import convert


@pytest.fixture
def blinker(monkeypatch):
    """Every board's top is tests.fpga.blinker's."""
    monkeypatch.setattr(convert, "MODULE", "tests.fpga.blinker")
