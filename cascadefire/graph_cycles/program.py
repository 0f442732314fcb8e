"""The passes of a program in memory, read back from its words (docs/accelerator.md, Passes)."""

from dataclasses import dataclass

import numpy as np

from cascadefire.compiler.pass_words import FLATTEN, LIVE_MASK, MASK_WORD, PROGRESSIVE, SAME_PARAMETERS, VECTOR
from rtl.pass_settings import HEADER_WORDS


@dataclass(frozen=True, eq=False)
class Pass:
    """What the hardware is told of one pass.

    sections: 32-bit words of header, offsets and, where there is one, live mask: all until it may start.
    parameters: words after these.  channels, bands: read of the source map.
    place: number of the first band read within it; event_counts: byte address of that band's count.
    band_step: from a channel's first band to the next channel's.  offset_y, offset_x: added to coordinates.
    tile: (height, width).  stride.  kernel: (kh, kw).  counts: byte address of the weight counts.  count_words: words of them.
    flatten, vector, progressive, lag: as in the header.  live: bool [channels], or None: all.
    fired: output channels; 0 where the pass does not fire.  pool: side of the window.  fired_shape: (height, width).
    out_band: number of the first band fired within the output map.  out_first: first channel fired, within the step.
    """

    sections: tuple
    parameters: int
    channels: int
    bands: int
    place: int
    event_counts: int
    band_step: int
    offset_y: int
    offset_x: int
    tile: tuple
    stride: int
    kernel: tuple
    counts: int
    count_words: int
    flatten: bool
    vector: bool
    progressive: bool
    lag: int
    live: np.ndarray | None
    fired: int
    pool: int
    fired_shape: tuple
    out_band: int
    out_first: int

    @property
    def words(self):
        """All 32-bit words until the pass may start."""
        return sum(self.sections)


def read_passes(executable) -> list[Pass]:
    """Return the passes of a compiled graph, in order."""
    width, maps, graph = executable.config.port_bytes, executable.maps, executable.graph
    start = executable.program * width
    words = executable.memory[start:start + 4 * executable.length].view("<u4")
    passes, at = [], 0
    for record in executable.passes:
        step = graph.steps[record.step]
        one = _read(words, at, width, maps[step.terms[record.term].source], maps[step.output])
        passes.append(one)
        at += one.words + one.parameters
    return passes


def _read(words, at, width, source, output) -> Pass:
    head = words[at:at + HEADER_WORDS].tolist()
    flags, channels = head[0], head[1] >> 16
    kernel = (flags >> 8 & 15, flags >> 12 & 15)
    sections, live = (HEADER_WORDS, kernel[0] * kernel[1]), None
    if flags & LIVE_MASK:
        number = -(-channels // MASK_WORD)
        first = at + sum(sections)
        bits = np.ascontiguousarray(words[first:first + number]).view(np.uint8)
        live, sections = np.unpackbits(bits, bitorder="little")[:channels].astype(bool), (*sections, number)
    fired = head[13] >> 16
    return Pass(
        sections=sections, parameters=0 if flags & SAME_PARAMETERS else 2 * fired, channels=channels, bands=head[1] & 0xFFFF,
        place=head[4] - source.counts, event_counts=head[4], band_step=head[2] & 0xFFFF,
        offset_y=_signed(head[7] >> 16), offset_x=_signed(head[7] & 0xFFFF),
        tile=(head[8] >> 16, head[8] & 0xFFFF), stride=1 << (flags >> 16 & 3), kernel=kernel, counts=head[10] * width,
        count_words=head[12] >> 16, flatten=bool(flags & FLATTEN), vector=bool(flags & VECTOR),
        progressive=bool(flags & PROGRESSIVE), lag=flags >> 18 & 3, live=live, fired=fired, pool=head[14] & 15,
        fired_shape=(head[15] >> 16, head[15] & 0xFFFF), out_band=head[18] - output.counts, out_first=head[13] & 0xFFFF)


def _signed(half: int) -> int:
    return half - (half >> 15 << 16)
