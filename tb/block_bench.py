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

import os
import platform
import tempfile
from collections.abc import Callable
from pathlib import Path

from myhdl import ConcatSignal, ResetSignal, Signal, SignalType, StopSimulation, always_comb, block, delay, instance, intbv

from rtl.hdl import convert, cut, leave_open
from tb import toolchain, verilate
from tb.pauses import Gate

HARNESS = Path(__file__).with_name("block_harness.cpp")
RESET_CYCLES = 2
LIMIT = 100_000     # cycles after which a run is called hung, where the caller says nothing
_programs: dict = {}


def reset():
    """The reset signal of a block."""
    return ResetSignal(0, active=1, isasync=False)


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
        replayed = _replay(factory, arguments, outputs, stimuli)
        for t, (mine, other) in enumerate(zip(responses, replayed, strict=True)):
            if mine != other and t >= RESET_CYCLES:
                name, a, b = next((n, a, b) for n, a, b in zip(names_out, mine, other) if a != b)
                raise AssertionError(f"{factory.__name__}, cycle {t - RESET_CYCLES}: {name} is {a} in MyHDL and {b} in Verilog")
    rows = [tuple(a) + tuple(b) for a, b in zip(stimuli, responses)]
    return Trace(names_in + names_out, rows[RESET_CYCLES:])


def ports(arguments: dict) -> dict:
    """The signals in a block's arguments, by the names that MyHDL gives them."""
    found: dict = {}

    def look(name, thing):
        if isinstance(thing, SignalType):
            found[name] = thing
        elif isinstance(thing, (list, tuple)):
            for number, item in enumerate(thing):
                look(f"{name}_{number}", item)
        elif hasattr(thing, "__dict__") and not callable(thing):
            for key, item in vars(thing).items():
                look(f"{name}_{key}", item)

    for name, thing in arguments.items():
        look(name, thing)
    return found


def _split(arguments: dict, outputs) -> tuple[dict, dict]:
    """Inputs and outputs by name, without the clock."""
    everything = ports(arguments)
    everything.pop("clk", None)
    driven = set()
    for output in outputs:
        names = [output] if output in everything else [name for name in everything if name.startswith(output + "_")]
        if not names:
            raise ValueError(f"the block has no port called {output}")
        driven.update(names)
    return ({name: s for name, s in everything.items() if name not in driven},
            {name: s for name, s in everything.items() if name in driven})


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
    inputs, results = _split(arguments, outputs)
    session = _Session({name: int(signal) for name, signal in inputs.items()}, list(results), parts, done, linger, limit)
    clk = arguments.get("clk")
    top = _stage(factory, arguments, Signal(bool(0)) if clk is None else clk, inputs, results, session)
    try:
        top.run_sim(quiet=1)
    finally:
        top.quit_sim()      # else MyHDL refuses the next simulation of this process
    return list(inputs), list(results), session.stimuli, session.responses


@block
def _take(bus, part, high, low):
    """part = unsigned bus[high:low]; combinational."""
    if isinstance(part.val, bool):

        @always_comb
        def pick():
            part.next = bus[low]

        return pick

    @always_comb
    def slice_bus():
        part.next = bus[high:low]

    return slice_bus


@block
def _packed(clk, stimulus, response, plan):
    """A block between one wide input and one wide output. plan: factory, arguments, inputs, outputs (a tuple hides them)."""
    factory, arguments, inputs, results = plan
    u_block = factory(**arguments)
    u_take, low = [], 0
    for signal in inputs.values():
        high = low + len(signal)
        u_take.append((cut if signal.min is not None and signal.min < 0 else _take)(stimulus, signal, high, low))
        low = high
    gap = len(response) - sum(len(signal) for signal in results.values())
    joined = ConcatSignal("0" * gap, *reversed(results.values()))
    leave_open(clk, stimulus, *inputs.values())

    @always_comb
    def answer():
        response.next = joined

    return u_block, u_take, answer


def _words(signals: dict) -> int:
    """32-bit words of a port that carries these signals and at least one bit more; three at least, or it is no array in C++."""
    return max(3, sum(len(signal) for signal in signals.values()) // 32 + 1)


def _program(factory, make, outputs) -> Path:
    """The executable for a block and its constants; converted once a process, built once for each text."""
    arguments = make()
    inputs, results = _split(arguments, outputs)
    shape = [(name, len(s), s.min) for name, s in (inputs | results).items()]
    constants = [(name, repr(v)) for name, v in arguments.items() if not ports({name: v})]
    key = repr((factory.__module__, factory.__name__, outputs, shape, constants))
    if key not in _programs:
        clk = arguments.get("clk")
        clk = Signal(bool(0)) if clk is None else clk
        top = _packed(clk, Signal(intbv(0)[32 * _words(inputs):]), Signal(intbv(0)[32 * _words(results):]),
                      (factory, arguments, inputs, results))
        with tempfile.TemporaryDirectory() as folder:
            text = convert(top, "block_top", folder).read_text()
        _programs[key] = _build(text, toolchain.BUILD / "models")
    return _programs[key]


def _build(text: str, models: Path) -> Path:
    """As `verilate.build`, but all C++ in one piece: a block is so small that the headers are most of the compiler's work."""
    key = verilate._digest("\n".join([
        text, HARNESS.read_text(), repr((toolchain.VERILATOR_FLAGS, toolchain.CXX_FLAGS, toolchain.FAST, toolchain.SLOW)),
        toolchain.verilator_version(), toolchain.compiler_version(), platform.machine()]).encode())
    final = models / f"block-{key[:24]}"
    with verilate._lock(final):
        if not final.exists():
            runtime = verilate._runtime(models, None, None)
            with tempfile.TemporaryDirectory(dir=models, prefix="building-") as folder:
                work = Path(folder)
                (work / "block.v").write_text(text)
                toolchain.verilate(work / "block.v", "block_top", work / "obj", None)
                (work / "all.cpp").write_text("".join(f'#include "{path}"\n' for path in [*sorted((work / "obj").glob("*.cpp")), HARNESS]))
                flags = [*toolchain.defines(None), f"-I{work / 'obj'}", *toolchain.includes()]
                objects = toolchain.compile_all([work / "all.cpp"], work, flags)
                toolchain.link(objects + runtime, work / "harness", [])
                os.replace(work / "harness", final)
    return final


def _pack(values, widths) -> int:
    word, low = 0, 0
    for value, width in zip(values, widths):
        word |= (value & (1 << width) - 1) << low
        low += width
    return word


def _replay(factory, make, outputs, stimuli) -> list[tuple[int, ...]]:
    """The outputs of the converted block under these inputs."""
    program = _program(factory, make, outputs)
    inputs, results = _split(make(), outputs)
    widths, size, step = [len(s) for s in inputs.values()], 4 * _words(inputs), 4 * _words(results)
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "stimulus"), Path(folder, "response")
        source.write_bytes(b"".join(_pack(row, widths).to_bytes(size, "little") for row in stimuli))
        toolchain.run([str(program), str(source), str(target)], "the harness of a block")
        data = target.read_bytes()
    shapes, low = [], 0
    for signal in results.values():
        shapes.append((low, (1 << len(signal)) - 1, 1 << (len(signal) - 1) if signal.min is not None and signal.min < 0 else 0))
        low += len(signal)
    words = (int.from_bytes(data[at:at + step], "little") for at in range(0, len(data), step))
    return [tuple(((word >> low & mask) ^ sign) - sign for low, mask, sign in shapes) for word in words]
