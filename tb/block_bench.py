"""One block on its own: driven cycle by cycle in MyHDL, then the same input vectors on its converted Verilog.

`run` simulates a block in MyHDL while a driver gives its inputs, and records inputs and outputs of every cycle. It then
converts the block, builds it with Verilator, replays the recorded inputs and raises when any output of any cycle after reset
differs. A cycle: inputs change, combinational logic settles, outputs are sampled, the clock rises.

    sink = Sink("dst", "burst")
    run(event_queue, lambda: dict(clk=bit(), rst=reset(), src=Stream(8), dst=Stream(8), depth=4),
        ("src_ready", "dst_valid", "dst_data"), (Source("src", words), sink), lambda: len(sink.words) == len(words))

Arguments that are signals, interfaces of signals or lists of either are ports, named as MyHDL names them (`src_data`, `sums_0_3`);
all others are constants. The Verilog top has one wide input and one wide output, so that one C++ harness serves all blocks.
"""
from __future__ import annotations

from collections.abc import Callable

from myhdl import ResetSignal, Signal, StopSimulation, block, delay, instance

from tb.block_model import replay, split

RESET_CYCLES = 2
LIMIT = 100_000     # cycles after which a run is called hung, where the caller says nothing


def reset():
    """The reset signal of a block."""
    return ResetSignal(0, active=1, isasync=False)


class Trace:
    """What the ports of a block were, cycle by cycle, from the first cycle after reset on."""

    def __init__(self, names: list[str], rows: list[tuple[int, ...]]):
        self.names, self.rows = names, rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, name: str) -> list[int]:
        """The values of a port."""
        column = self.names.index(name)
        return [row[column] for row in self.rows]

    def moved(self, port: str, *fields: str) -> list:
        """The words that a stream moved: <port>_data, or tuples of `fields`."""
        columns = [self[name] for name in fields] if fields else [self[port + "_data"]]
        words = [tuple(column[t] for column in columns) for t in self.when(port)]
        return words if fields else [word[0] for word in words]

    def when(self, port: str) -> list[int]:
        """The cycles in which a stream moved a word."""
        return [t for t, both in enumerate(zip(self[port + "_valid"], self[port + "_ready"])) if all(both)]

    def check_stream(self, port: str, *fields: str) -> None:
        """Raise AssertionError when valid fell, or a field changed, before a word was taken (see `rtl.stream.Stream`)."""
        valid, ready = self[port + "_valid"], self[port + "_ready"]
        columns = {name: self[name] for name in fields or (port + "_data",)}
        for t in range(1, len(valid)):
            if valid[t - 1] and not ready[t - 1]:
                assert valid[t], f"{port}: valid fell in cycle {t} while a word waited"
                for name, values in columns.items():
                    assert values[t] == values[t - 1], f"{name} changed in cycle {t} while a word waited"


def run(factory, arguments: Callable[[], dict], outputs: tuple[str, ...], parts, done: Callable[[], bool],
        linger: int = 0, limit: int = LIMIT, verilog: bool = True) -> Trace:
    """Run a block in MyHDL and in Verilog; return its trace.

    factory: the block. arguments: makes its arguments, with fresh signals, by name; `clk` and `rst` are driven here.
    outputs: ports that the block drives, each a name or the part of names before a `_`; all others are inputs, zero at first.
    parts: objects with `step(seen) -> inputs`, asked in turn in every cycle after reset.
    done: asked before every cycle; once it says so, `linger` more cycles follow. verilog: replay on the converted block.
    Raises AssertionError when the block is not done after `limit` cycles, or when MyHDL and Verilog differ.
    """
    names_in, names_out, stimuli, responses = _simulate(factory, arguments(), outputs, parts, done, linger, limit)
    if verilog:
        replayed = replay(factory, arguments, outputs, stimuli)
        for t, (mine, other) in enumerate(zip(responses, replayed, strict=True)):
            if mine != other and t >= RESET_CYCLES:
                name, a, b = next((n, a, b) for n, a, b in zip(names_out, mine, other) if a != b)
                raise AssertionError(f"{factory.__name__}, cycle {t - RESET_CYCLES}: {name} is {a} in MyHDL and {b} in Verilog")
    rows = [tuple(a) + tuple(b) for a, b in zip(stimuli, responses)]
    return Trace(names_in + names_out, rows[RESET_CYCLES:])


@block
def _stage(factory, arguments, clk, inputs, results, session):
    """The block and its driver; the clock falls while inputs change and rises after outputs were sampled."""
    u_block = factory(**arguments)

    @instance
    def operate():
        for changes in session.steps():
            for name, value in changes.items():
                inputs[name].next = value
            clk.next = False
            yield delay(5)
            session.sample([int(signal) for signal in results.values()])
            clk.next = True
            yield delay(5)
        raise StopSimulation

    return u_block, operate


class _Session:
    """Asks the parts of a run for inputs and keeps what happened."""

    def __init__(self, values: dict, names_out: list[str], parts, done, linger: int, limit: int):
        self.values, self.names_out, self.parts = values, names_out, parts
        self.done, self.linger, self.limit = done, linger, limit
        self.stimuli, self.responses, self.seen = [], [], {}

    def steps(self):
        left = None
        for t in range(self.limit + RESET_CYCLES):
            changes = {}
            if t >= RESET_CYCLES:
                if left is None and self.done():
                    left = self.linger
                if left == 0:
                    return
                left = None if left is None else left - 1
                for part in self.parts:
                    changes.update(part.step(self.seen))
            if "rst" in self.values and t <= RESET_CYCLES:
                changes.setdefault("rst", t < RESET_CYCLES)
            unknown = changes.keys() - self.values.keys()
            if unknown:
                raise ValueError(f"the block has no input called {min(unknown)}")
            self.values.update((name, int(value)) for name, value in changes.items())
            self.stimuli.append(tuple(self.values.values()))
            yield changes
        raise AssertionError(f"the block was not done after {self.limit} cycles")

    def sample(self, values: list[int]) -> None:
        self.responses.append(tuple(values))
        if len(self.responses) > RESET_CYCLES:
            self.seen = dict(zip(self.names_out, values))


def _simulate(factory, arguments, outputs, parts, done, linger, limit):
    """Run the MyHDL simulation; return input names, output names, and the rows of both."""
    inputs, results = split(arguments, outputs)
    session = _Session({name: int(signal) for name, signal in inputs.items()}, list(results), parts, done, linger, limit)
    clk = arguments.get("clk")
    top = _stage(factory, arguments, Signal(bool(0)) if clk is None else clk, inputs, results, session)
    try:
        top.run_sim(quiet=1)
    finally:
        top.quit_sim()      # else MyHDL refuses the next simulation of this process
    return list(inputs), list(results), session.stimuli, session.responses
