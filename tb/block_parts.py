"""What drives a block in `tb.block_bench`: sources, sinks, tables and scripts.

Each has `step(seen) -> inputs`, asked once a cycle: `seen` holds the outputs of the cycle before, by name (empty at first), and
inputs that are not in the answer keep their values.
"""
from __future__ import annotations

from tb.pauses import Gate


class Source:
    """Sends words into a stream of a block.

    port: its name; words go to <port>_data, or are dictionaries of input -> value; <port>_valid and <port>_ready do the rest.
    pause, seed: when to stay idle, see `tb.pauses.Gate`. sent: words taken so far.
    """

    def __init__(self, port: str, words, pause="never", seed: int = 1):
        self.valid, self.ready, self.data = port + "_valid", port + "_ready", port + "_data"
        self.feed, self.gate = iter(words), Gate(pause, seed)
        self.held, self.sent = None, 0

    def step(self, seen: dict) -> dict:
        if self.held is not None and seen.get(self.ready):
            self.held = None
            self.sent += 1
        inputs = {}
        if self.held is None and not self.gate.closed():
            self.held = next(self.feed, None)
            if self.held is not None:
                inputs.update(self.held if isinstance(self.held, dict) else {self.data: int(self.held)})
        inputs[self.valid] = self.held is not None
        return inputs


class Sink:
    """Takes words from a stream of a block.

    port: its name; `words` collects <port>_data, or tuples of the outputs named in `fields`.
    pause, seed: when `ready` is low, see `tb.pauses.Gate`.
    """

    def __init__(self, port: str, pause="never", seed: int = 1, fields: tuple[str, ...] = ()):
        self.valid, self.ready, self.data = port + "_valid", port + "_ready", port + "_data"
        self.fields, self.gate = fields, Gate(pause, seed)
        self.open, self.words = False, []

    def step(self, seen: dict) -> dict:
        if self.open and seen.get(self.valid):
            self.words.append(tuple(seen[name] for name in self.fields) if self.fields else seen[self.data])
        self.open = not self.gate.closed()
        return {self.ready: self.open}


class Table:
    """Gives inputs from rows, one a cycle, each a dictionary of input -> value; values not named stay.

    over: whether all rows were given, for `done` of `run`.
    """

    def __init__(self, rows):
        self.rows, self.at = list(rows), 0

    def step(self, seen: dict) -> dict:
        self.at += 1
        return self.rows[self.at - 1] if self.at <= len(self.rows) else {}

    def over(self) -> bool:
        return self.at >= len(self.rows)


class Script:
    """Gives inputs from a generator, one yield a cycle; `yield` returns the outputs of that cycle.

    over: whether the generator has ended, for `done` of `run`.
    """

    def __init__(self, script):
        self.script, self.started, self.ended = script, False, False

    def step(self, seen: dict) -> dict:
        try:
            inputs = {} if self.ended else self.script.send(seen if self.started else None)
        except StopIteration:
            self.ended, inputs = True, {}
        self.started = True
        return inputs

    def over(self) -> bool:
        return self.ended
