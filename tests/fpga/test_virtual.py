"""Which netlist a virtual board is made of: that of the user's last build, where it is of the very same design."""
import dataclasses

import pytest

from fpga import board as boards
from fpga import virtual
from fpga.build import build
from fpga.build import fingerprint as prints
from fpga.build.fingerprint import fingerprint
from tb import toolchain

BOARD = boards.load("icebreaker").with_array("1x4")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Builds go to a folder of the test's own."""
    monkeypatch.setattr(toolchain, "BUILD", tmp_path)
    return tmp_path


@pytest.mark.usefixtures("blinker")
def test_the_netlist_of_a_build_of_the_same_design_is_taken(folder):
    build(BOARD, until="synthesis")
    made = folder / "fpga" / "icebreaker-1x4"
    assert virtual._made(BOARD, "synth", print) == made
    assert not virtual._holds(made, "routed", fingerprint(BOARD))
    for other in (BOARD.with_clock(25_000_000), BOARD.with_array("1x8"), dataclasses.replace(BOARD, baud=500_000)):
        assert not virtual._holds(made, "synth", fingerprint(other))


@pytest.mark.usefixtures("blinker", "folder")
def test_a_built_netlist_keeps_its_line_and_all_else_gets_a_quick_one():
    slow = dataclasses.replace(BOARD, baud=115_200)
    quick = virtual.quick_line(slow)
    assert quick != slow
    assert [virtual.line_for(slow, stage) for stage in virtual.STAGES] == [quick] * 3
    build(slow, until="synthesis")
    assert [virtual.line_for(slow, stage) for stage in virtual.STAGES] == [quick, slow, quick]


@pytest.mark.usefixtures("blinker")
def test_another_top_is_another_design(folder, monkeypatch):
    build(BOARD, until="synthesis")
    monkeypatch.undo()
    assert not virtual._holds(folder / "fpga" / "icebreaker-1x4", "synth", fingerprint(BOARD))


@pytest.mark.parametrize("own", [{"memory_bytes": 65_536}, {"core": {"acc_bits": 20}}])
def test_what_an_array_has_of_its_own_is_another_design(own):
    other = dataclasses.replace(BOARD, arrays={"1x4": own}).with_array("1x4")
    assert fingerprint(other) != fingerprint(BOARD)


def test_what_is_only_told_of_a_board_changes_no_fingerprint(monkeypatch):
    assert fingerprint(dataclasses.replace(BOARD, arrays={"1x16": {}}, title="Another name")) == fingerprint(BOARD)
    first = fingerprint(BOARD)
    monkeypatch.setattr(prints, "sources", lambda: [])
    assert fingerprint(BOARD) != first
