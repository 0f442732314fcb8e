"""The Verilog side of `tb.block_bench`: a block between one wide input and one wide output, built with Verilator, and its replay."""
from __future__ import annotations

import os
import platform
import sys
import tempfile
from pathlib import Path

import myhdl
from myhdl import ConcatSignal, Signal, SignalType, always_comb, block, intbv

import rtl.hdl
from rtl.hdl import convert, cut, leave_open
from tb import toolchain, verilate

HARNESS = Path(__file__).with_name("block_harness.cpp")
_programs: dict = {}


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


def split(arguments: dict, outputs) -> tuple[dict, dict]:
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
    """The executable for a block and its constants, built once for each state of the sources.

    Not kept by its Verilog as a core is: MyHDL numbers names by what the process elaborated before and writes resets in the
    order of a set, so the text of one block differs from process to process.
    """
    arguments = make()
    inputs, results = split(arguments, outputs)
    shape = [(name, len(s), s.min) for name, s in (inputs | results).items()]
    constants = [(name, repr(v)) for name, v in arguments.items() if not ports({name: v})]
    key = repr((factory.__module__, factory.__name__, outputs, shape, constants))
    if key not in _programs:
        own = Path(sys.modules[factory.__module__].__file__)
        sources = [*sorted(Path(rtl.hdl.__file__).parent.rglob("*.py")), Path(__file__), HARNESS, own]
        options = (toolchain.VERILATOR_FLAGS, toolchain.CXX_FLAGS, toolchain.FAST, toolchain.SLOW, toolchain.defines(False),
                   myhdl.__version__, toolchain.verilator_version(), toolchain.compiler_version(), platform.machine())
        state = verilate.digest("\0".join([repr(options), *(path.read_text() for path in sources)]).encode())
        models = toolchain.BUILD / "models"
        name = "block-" + verilate.digest(key.encode())[:16]
        final = models / f"{name}-{state[:16]}"
        with verilate.locked(models / name):
            if not final.exists():
                clk = arguments.get("clk")
                clk = Signal(bool(0)) if clk is None else clk
                top = _packed(clk, Signal(intbv(0)[32 * _words(inputs):]), Signal(intbv(0)[32 * _words(results):]),
                              (factory, arguments, inputs, results))
                _build(top, final)
                for old in models.glob(f"{name}-*"):
                    if old != final:
                        old.unlink(missing_ok=True)
        _programs[key] = final
    return _programs[key]


def _build(top, final: Path) -> None:
    """As `verilate.build`, but all C++ in one piece: a block is so small that the headers are most of the compiler's work."""
    runtime = verilate.runtime_objects(final.parent, False, None)
    with tempfile.TemporaryDirectory(dir=final.parent, prefix="building-") as folder:
        work = Path(folder)
        toolchain.verilate(convert(top, "block_top", work), "block_top", work / "obj", False)
        (work / "all.cpp").write_text("".join(f'#include "{path}"\n' for path in [*sorted((work / "obj").glob("*.cpp")), HARNESS]))
        flags = [*toolchain.defines(False), f"-I{work / 'obj'}", *toolchain.includes()]
        objects = toolchain.compile_all([work / "all.cpp"], work, flags)
        toolchain.link(objects + runtime, work / "harness")
        os.replace(work / "harness", final)


def _pack(values, widths) -> int:
    word, low = 0, 0
    for value, width in zip(values, widths):
        word |= (value & (1 << width) - 1) << low
        low += width
    return word


def replay(factory, make, outputs, stimuli) -> list[tuple[int, ...]]:
    """The outputs of the converted block under these inputs."""
    program = _program(factory, make, outputs)
    inputs, results = split(make(), outputs)
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
