"""Clock multipliers: the settings that make one frequency from another, and the cells that use them."""
from __future__ import annotations

import functools
from dataclasses import dataclass

from myhdl import always_comb, block

from rtl.hdl import drop_in

MHZ = 1_000_000
TOLERANCE = 0.005       # how far the made frequency may be from the wanted one
ICE40_FILTERS = (17, 26, 44, 66, 101)   # MHz of the phase detector from which FILTER_RANGE is 2, 3, .. 6


@dataclass(frozen=True)
class Limits:
    """Lowest and highest frequency of phase detector, VCO and output, in Hz; what each divider can be."""

    pfd: tuple[float, float]
    vco: tuple[float, float]
    out: tuple[float, float]
    references: range
    feedbacks: range
    outputs: tuple


LIMITS = {
    "ice40": Limits((10 * MHZ, 133 * MHZ), (533 * MHZ, 1066 * MHZ), (16 * MHZ, 275 * MHZ), range(1, 17), range(1, 129),
                    (2, 4, 8, 16, 32, 64)),
    "ecp5": Limits((3.125 * MHZ, 400 * MHZ), (400 * MHZ, 800 * MHZ), (3.125 * MHZ, 400 * MHZ), range(1, 129), range(1, 81),
                   tuple(range(1, 129))),
    "gowin": Limits((3 * MHZ, 400 * MHZ), (400 * MHZ, 1200 * MHZ), (3.125 * MHZ, 600 * MHZ), range(1, 65), range(1, 65),
                    (2, 4, 8, 16, 32, 48, 64, 80, 96, 112, 128)),
}
"""Of an ECP5's EHXPLLL, an iCE40's SB_PLL40, and the rPLL of GW1N-9C (grade C6) and GW2A-18C, from their data sheets."""


@dataclass(frozen=True)
class PllSettings:
    """pfd_hz = pin_hz / reference, vco_hz, out_hz: frequencies.  reference, feedback, output: what they are divided by.

    ecp5, gowin: out = pin * feedback / reference, vco = out * output.  ice40: vco = pin * feedback / reference, out = vco / output.
    """

    type: str
    pin_hz: int
    out_hz: int
    pfd_hz: float
    vco_hz: float
    reference: int
    feedback: int
    output: int


def _candidates(kind: str, pin_hz: int):
    """Yield (reference, feedback, output, pfd, vco, out) of every setting that the limits of a PLL allow."""
    limits = LIMITS[kind]
    for reference in limits.references:
        pfd = pin_hz / reference
        if not limits.pfd[0] <= pfd <= limits.pfd[1]:
            continue
        for feedback in limits.feedbacks:
            for output in limits.outputs:
                vco = pfd * feedback if kind == "ice40" else pfd * feedback * output
                out = vco / output
                if limits.vco[0] <= vco <= limits.vco[1] and limits.out[0] <= out <= limits.out[1]:
                    yield reference, feedback, output, pfd, vco, out


@functools.cache
def pll_settings(kind: str, pin_hz: int, out_hz: int) -> PllSettings:
    """The settings nearest to a frequency, with the fastest phase detector, then the fastest VCO, among equals.

    kind: one of LIMITS.  pin_hz, out_hz: Hz.
    Raises ValueError when nothing within half a per cent exists.
    """
    if kind not in LIMITS:
        raise ValueError(f"a PLL's type must be one of {', '.join(LIMITS)}, not {kind}")
    best, found = None, None
    for reference, feedback, output, pfd, vco, out in _candidates(kind, pin_hz):
        rank = (abs(out - out_hz), -pfd, -vco)
        if best is None or rank < best:
            best, found = rank, PllSettings(kind, pin_hz, round(out), pfd, vco, reference, feedback, output)
    if found is None or abs(found.out_hz - out_hz) > TOLERANCE * out_hz:
        nearest = "" if found is None else f": the nearest is {found.out_hz / MHZ:g} MHz"
        raise ValueError(f"a PLL of type {kind} cannot make {out_hz / MHZ:g} MHz from {pin_hz / MHZ:g} MHz{nearest}")
    return found


@block
def pll(pin, out, locked, settings, pad=False, device=""):
    """out = pin * settings.out_hz / settings.pin_hz on a device; in simulation out = pin, locked from the start.

    settings: PllSettings.  pad: ice40 only; the pin is the PLL's own (SB_PLL40_PAD), else any signal (SB_PLL40_CORE).
    device: gowin only; the name in the rPLL's DEVICE. The model does not multiply: who simulates a design drives the design's
    clock into its clock pin.
    """

    @always_comb
    def pass_through():
        out.next = pin
        locked.next = True

    drop_in((pin,), (out, locked))
    make = {"ice40": _ice40, "ecp5": _ecp5, "gowin": _gowin}[settings.type]
    pll.verilog_code = f"""`ifdef YOSYS
{make(settings, pad, device)}
`else
assign $out = $pin;
assign $locked = 1'b1;
`endif"""
    return pass_through


def _ice40(settings: PllSettings, pad: bool, device: str) -> str:
    cell, port = ("SB_PLL40_PAD", "PACKAGEPIN") if pad else ("SB_PLL40_CORE", "REFERENCECLK")
    filter_range = 1 + sum(settings.pfd_hz >= edge * MHZ for edge in ICE40_FILTERS)
    return f"""{cell} #(.FEEDBACK_PATH("SIMPLE"), .PLLOUT_SELECT("GENCLK"), .DIVR(4'd{settings.reference - 1}),
    .DIVF(7'd{settings.feedback - 1}), .DIVQ(3'd{settings.output.bit_length() - 1}), .FILTER_RANGE(3'd{filter_range})) u_pll_$out (
    .{port}($pin), .PLLOUTGLOBAL($out), .LOCK($locked), .RESETB(1'b1), .BYPASS(1'b0));"""


def _ecp5(settings: PllSettings, pad: bool, device: str) -> str:
    low = ", ".join(f".{name}(1'b0)" for name in (
        "RST", "STDBY", "PHASESEL0", "PHASESEL1", "PHASEDIR", "PHASESTEP", "PHASELOADREG", "PLLWAKESYNC", "ENCLKOP",
        "ENCLKOS", "ENCLKOS2", "ENCLKOS3"))
    return f"""(* FREQUENCY_PIN_CLKI="{settings.pin_hz / MHZ:g}", FREQUENCY_PIN_CLKOP="{settings.out_hz / MHZ:g}", ICP_CURRENT="12",
   LPF_RESISTOR="8", MFG_ENABLE_FILTEROPAMP="1", MFG_GMCREF_SEL="2" *)
EHXPLLL #(.PLLRST_ENA("DISABLED"), .INTFB_WAKE("DISABLED"), .STDBY_ENABLE("DISABLED"), .DPHASE_SOURCE("DISABLED"),
    .OUTDIVIDER_MUXA("DIVA"), .OUTDIVIDER_MUXB("DIVB"), .OUTDIVIDER_MUXC("DIVC"), .OUTDIVIDER_MUXD("DIVD"),
    .CLKI_DIV({settings.reference}), .CLKOP_ENABLE("ENABLED"), .CLKOP_DIV({settings.output}), .CLKOP_CPHASE({settings.output - 1}),
    .CLKOP_FPHASE(0), .FEEDBK_PATH("CLKOP"), .CLKFB_DIV({settings.feedback})) u_pll_$out (
    .CLKI($pin), .CLKFB($out), .CLKOP($out), .LOCK($locked), {low});"""


def _gowin(settings: PllSettings, pad: bool, device: str) -> str:
    return f"""rPLL #(.FCLKIN("{settings.pin_hz / MHZ:g}"), .DEVICE("{device}"), .IDIV_SEL({settings.reference - 1}),
    .FBDIV_SEL({settings.feedback - 1}), .ODIV_SEL({settings.output}), .DYN_IDIV_SEL("false"), .DYN_FBDIV_SEL("false"),
    .DYN_ODIV_SEL("false"), .CLKFB_SEL("internal")) u_pll_$out (
    .CLKIN($pin), .CLKFB(1'b0), .CLKOUT($out), .LOCK($locked), .RESET(1'b0), .RESET_P(1'b0), .FBDSEL(6'b0), .IDSEL(6'b0),
    .ODSEL(6'b0), .PSDA(4'b0), .DUTYDA(4'b0), .FDLY(4'b0));"""
