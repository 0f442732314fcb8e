"""The settings of PLLs: limits, exact frequencies, the published examples, and what cannot be made."""
import pytest

from rtl.hdl import convert
from rtl.primitives.pll import pll, pll_settings
from rtl.stream import bit
from tb.block_bench import run
from tb.block_parts import Table

MHZ = 1_000_000


@pytest.mark.parametrize("mhz", [25, 50, 60, 75, 80, 100, 120, 125, 130, 140, 150, 160, 170, 175, 180, 200, 400])
def test_an_ecp5_pll_stays_within_its_limits(mhz):
    """From 25 MHz; the VCO runs at 400 to 800 MHz, the phase detector at 3.125 MHz or more."""
    found = pll_settings("ecp5", 25 * MHZ, mhz * MHZ)
    assert 400 * MHZ <= found.vco_hz <= 800 * MHZ and found.pfd_hz >= 3.125 * MHZ
    assert abs(found.out_hz - mhz * MHZ) <= .005 * mhz * MHZ
    assert found.out_hz == round(25 * MHZ / found.reference * found.feedback)
    assert found.vco_hz == pytest.approx(found.out_hz * found.output, rel=1e-6)
    assert 1 <= found.reference <= 128 and 1 <= found.feedback <= 80 and 1 <= found.output <= 128


@pytest.mark.parametrize("mhz", [18, 24, 27, 30, 36, 48, 60, 66, 100])
def test_an_ice40_pll_stays_within_its_limits(mhz):
    found = pll_settings("ice40", 12 * MHZ, mhz * MHZ)
    assert 533 * MHZ <= found.vco_hz <= 1066 * MHZ and found.pfd_hz >= 10 * MHZ
    assert abs(found.out_hz - mhz * MHZ) <= .005 * mhz * MHZ
    assert found.vco_hz == 12 * MHZ / found.reference * found.feedback and found.output in (2, 4, 8, 16, 32, 64)


@pytest.mark.parametrize("mhz", [27, 36, 54, 81, 108])
def test_a_gowin_pll_stays_within_its_limits(mhz):
    found = pll_settings("gowin", 27 * MHZ, mhz * MHZ)
    assert found.out_hz == mhz * MHZ and 400 * MHZ <= found.vco_hz <= 1200 * MHZ and found.pfd_hz >= 3 * MHZ


def test_icepll_finds_the_same_settings_for_24_mhz():
    found = pll_settings("ice40", 12 * MHZ, 24 * MHZ)
    assert (found.reference - 1, found.feedback - 1, found.output) == (0, 63, 32)


@pytest.mark.parametrize("kind, pin, out, what", [
    ("ice40", 12, 500, "cannot make 500 MHz from 12 MHz"), ("ecp5", 25, 2, "cannot make 2 MHz from 25 MHz"),
    ("gowin", 27, 700, "cannot make 700 MHz"), ("xilinx", 1, 1, "type must be one of ice40, ecp5, gowin, not xilinx")])
def test_what_cannot_be_made_is_said(kind, pin, out, what):
    with pytest.raises(ValueError, match=what):
        pll_settings(kind, pin * MHZ, out * MHZ)


@pytest.mark.parametrize("kind, pad, cell", [("ice40", True, "SB_PLL40_PAD"), ("ice40", False, "SB_PLL40_CORE"),
                                             ("ecp5", False, "EHXPLLL"), ("gowin", False, "rPLL")])
def test_a_device_gets_its_cell_and_a_simulator_the_pin(tmp_path, kind, pad, cell):
    found = pll_settings(kind, 27 * MHZ, 54 * MHZ)
    text = convert(pll(bit(), bit(), bit(), found, pad, "GW1N-9C"), "top", tmp_path).read_text()
    device, simulation = text.split("`ifdef YOSYS")[1].split("`else")
    assert cell + " #(" in device and "assign out = pin;" in simulation
    table = Table([{"pin": n & 1} for n in range(6)])
    trace = run(pll, lambda: dict(pin=bit(), out=bit(), locked=bit(), settings=found), ("out", "locked"), (table,), table.over)
    assert trace["locked"] == [1] * len(trace) and trace["out"] == trace["pin"]
