"""Waveforms in the compact FST format.

Verilator's own FST writer needs the headers of zlib and lz4, which no wheel brings, and MyHDL has none: both write VCD, and
pylibfst (libfst in a wheel) makes an FST file of it.
"""
from __future__ import annotations

from pathlib import Path


def fst_from_vcd(vcd: Path, fst: Path) -> None:
    """Write the FST file of a VCD file of Verilator or MyHDL: same scopes, signals, changes and times.

    Raises OSError when the target cannot be written.
    """
    from pylibfst import ffi, lib

    writer = lib.fstWriterCreate(str(fst).encode(), 1)
    if writer == ffi.NULL:
        raise OSError(f"cannot write {fst}")
    try:
        with open(vcd) as lines:
            widths, handles = _declarations(lines, writer, lib, ffi)
            _changes(lines, writer, lib, widths, handles)
    finally:
        lib.fstWriterClose(writer)


def _declarations(lines, writer, lib, ffi) -> tuple[dict, dict]:
    """Copy scopes and signals up to $enddefinitions; return identifier code -> width and -> handle."""
    widths, handles = {}, {}
    for line in lines:
        words = line.split()
        if not words:
            continue
        if words[0] == "$timescale":
            scale = words[1:-1] if len(words) > 2 else next(lines).split()
            lib.fstWriterSetTimescaleFromString(writer, "".join(scale).encode())
        elif words[0] == "$scope":
            lib.fstWriterSetScope(writer, lib.FST_ST_VCD_MODULE, words[2].encode(), ffi.NULL)
        elif words[0] == "$upscope":
            lib.fstWriterSetUpscope(writer)
        elif words[0] == "$var":
            code, name = words[3], " ".join(words[4:-1])
            widths[code] = int(words[2])
            handles[code] = lib.fstWriterCreateVar(writer, lib.FST_VT_VCD_WIRE, lib.FST_VD_IMPLICIT, widths[code],
                                                   name.encode(), handles.get(code, 0))
        elif words[0] == "$enddefinitions":
            break
    return widths, handles


def _changes(lines, writer, lib, widths: dict, handles: dict) -> None:
    for line in lines:
        mark = line[0]
        if mark == "#":
            lib.fstWriterEmitTimeChange(writer, int(line[1:]))
        elif mark in "01xzXZ":
            code = line[1:].strip()
            lib.fstWriterEmitValueChange(writer, handles[code], mark.lower().encode())
        elif mark in "bB":
            value, code = line[1:].split()
            # A VCD value may leave out leading zeros; FST wants every bit.
            fill = value[0] if value[0] in "xzXZ" else "0"
            lib.fstWriterEmitValueChange(writer, handles[code], value.rjust(widths[code], fill).lower().encode())
