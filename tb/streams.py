"""Stream source, sink and monitor for tests of MyHDL blocks.

All three behave like registers: they look at the signals at the rising edge of the clock and drive through `.next`, so a
block sees them one cycle later, as it would see another block. A stream is any object with `data`, `valid` and `ready`.
"""
from __future__ import annotations

from myhdl import block, instance

from tb.pauses import Gate


class ProtocolError(AssertionError):
    """A stream broke its contract: `valid` fell, or `data` changed, before the word was taken."""


@block
def stream_source(clk, stream, words, pause="never", seed=1, rst=None, sent=None):
    """Send `words` (an iterable of integers; asked for a word only when it is needed) through `stream`.

    pause, seed: when to stay idle, see `tb.pauses.Gate`; once `valid` is high it stays until the word is taken.
    rst: idle while this signal is high. sent: a list that receives the cycle (counted without reset) each word was taken in.
    The first word appears in the cycle after the first clock edge.
    """
    feed = iter(words)
    sent = [] if sent is None else sent     # MyHDL looks up `.append` while it reads the source
    gate = Gate(pause, seed)

    @instance
    def drive():
        held, cycle = None, 0
        while True:
            yield clk.posedge
            if rst is not None and rst:
                stream.valid.next = False
                continue
            if stream.valid and stream.ready:
                held = None
                sent.append(cycle)
            cycle += 1
            shut = gate.closed()
            if held is None and not shut:
                held = next(feed, None)
                if held is not None:
                    stream.data.next = int(held)
            stream.valid.next = held is not None

    return drive


@block
def stream_sink(clk, stream, out_list, pause="never", seed=1, rst=None, taken=None):
    """Take words from `stream` and append them to `out_list` as integers (signed if the signal is).

    pause, seed: when `ready` is low, see `tb.pauses.Gate`. rst: not ready while this signal is high.
    taken: a list that receives the cycle (counted without reset) each word was taken in.
    """
    taken = [] if taken is None else taken
    gate = Gate(pause, seed)

    @instance
    def drain():
        cycle = 0
        while True:
            yield clk.posedge
            if rst is not None and rst:
                stream.ready.next = False
                continue
            if stream.valid and stream.ready:
                out_list.append(int(stream.data))
                taken.append(cycle)
            cycle += 1
            stream.ready.next = not gate.closed()

    return drain


@block
def stream_monitor(clk, stream, name, rst=None):
    """Raise ProtocolError, which ends the simulation, when `valid` falls or `data` changes while a word waits.

    name: of the stream, for the message. rst: a word that waits when this signal is high may vanish.
    """

    @instance
    def watch():
        waiting, cycle = None, 0
        while True:
            yield clk.posedge
            cycle += 1
            if rst is not None and rst:
                waiting = None
                continue
            if waiting is not None:
                if not stream.valid:
                    raise ProtocolError(f"{name}: valid fell in cycle {cycle} while the word {waiting} waited")
                if int(stream.data) != waiting:
                    raise ProtocolError(f"{name}: the waiting word {waiting} became {int(stream.data)} in cycle {cycle}")
            waiting = int(stream.data) if stream.valid and not stream.ready else None

    return watch
