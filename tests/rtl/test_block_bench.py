"""The bench of the block tests: it finds what differs, what hangs, what breaks a stream, and a missing compiler."""
import pytest
from myhdl import always, always_comb, block

from rtl.stream import Stream, bit, signed, unsigned
from tb import block_model, toolchain
from tb.block_bench import Trace, reset, run
from tb.block_parts import Script, Sink, Source, Table


@block
def carry_lost(a, b, y):
    """A known trap: Verilog drops the carry of a + b before the shift."""

    @always_comb
    def add():
        y.next = (a + b) >> 1

    return add


@block
def register(clk, a, y, z):
    """y, z = a, one cycle later."""

    @always(clk.posedge)
    def hold():
        y.next = a
        z.next = a[4:]

    return hold


def halves():
    return dict(a=unsigned(8), b=unsigned(8), y=unsigned(8))


def registers():
    return dict(clk=bit(), a=signed(70), y=signed(70), z=unsigned(4))


def test_a_block_that_converts_wrongly_is_found_with_cycle_and_port():
    table = Table([{"a": 68, "b": 20}, {"a": 68, "b": 255}])
    with pytest.raises(AssertionError, match="^carry_lost, cycle 1: y is 161 in MyHDL and 33 in Verilog$"):
        run(carry_lost, halves, ("y",), (table,), table.over)
    table = Table([{"a": 68, "b": 255}])
    assert run(carry_lost, halves, ("y",), (table,), table.over, verilog=False)["y"] == [161]


def test_wide_and_negative_values_pass_both_ways():
    values = [-(1 << 69), (1 << 69) - 1, -1, 0, 1, -(1 << 33), 0x123456789ABCDEF]
    table = Table([{"a": v} for v in values] + [{}])
    trace = run(register, registers, ("y", "z"), (table,), table.over)
    assert trace["y"][1:] == values and trace["z"][1:] == [v & 15 for v in values] and trace["a"][:-1] == values


def test_a_run_that_is_never_done_is_ended():
    with pytest.raises(AssertionError, match="not done after 30 cycles"):
        run(register, registers, ("y", "z"), (), lambda: False, limit=30)


def test_names_that_are_no_ports_are_refused():
    table = Table([{"c": 1}])
    with pytest.raises(ValueError, match="no input called c"):
        run(register, registers, ("y", "z"), (table,), table.over)
    with pytest.raises(ValueError, match="no port called w"):
        run(register, registers, ("w",), (), lambda: True)


def test_without_a_compiler_a_run_fails(monkeypatch):
    """The model may be in the cache: the compiler is asked for its version all the same."""
    monkeypatch.setenv("CXX", "no-such-compiler")
    monkeypatch.setattr(block_model, "_programs", {})
    for cached in (toolchain.compiler, toolchain.compiler_version):
        cached.cache_clear()
    try:
        with pytest.raises(toolchain.ToolError, match="no-such-compiler does not start"):
            run(register, registers, ("y", "z"), (), lambda: True, linger=3)
    finally:
        for cached in (toolchain.compiler, toolchain.compiler_version):
            cached.cache_clear()


@pytest.mark.parametrize("rows, message", [
    ([(1, 0, 5), (0, 0, 5)], "valid fell in cycle 1"), ([(1, 0, 5), (1, 0, 5), (1, 1, 6)], "s_data changed in cycle 2"),
    ([(1, 1, 5), (0, 1, 0), (1, 0, 7), (1, 1, 7), (0, 0, 8)], None)])
def test_check_stream_finds_a_broken_contract(rows, message):
    trace = Trace(["s_valid", "s_ready", "s_data"], rows)
    if message is None:
        trace.check_stream("s")
        assert trace.when("s") == [0, 3] and trace.moved("s") == [5, 7] and trace.moved("s", "s_data", "s_valid") == [(5, 1), (7, 1)]
    else:
        with pytest.raises(AssertionError, match=message):
            trace.check_stream("s")


@block
def pipe(clk, rst, src, dst):
    """A stream through wires, to see sources and sinks at work."""

    @always_comb
    def join():
        dst.valid.next = src.valid
        dst.data.next = src.data
        src.ready.next = dst.ready

    return join


@pytest.mark.parametrize("idle, stall", [("never", "never"), ("sometimes", "burst"), ("burst", "fixed"), ("fixed", "sometimes")])
def test_sources_and_sinks_keep_the_contract(idle, stall):
    source, sink = Source("src", range(100), idle), Sink("dst", stall, 2)
    trace = run(pipe, lambda: dict(clk=bit(), rst=reset(), src=Stream(8), dst=Stream(8)), ("src_ready", "dst_valid", "dst_data"),
                (source, sink), lambda: len(sink.words) == 100, linger=5)
    trace.check_stream("src")
    assert sink.words == trace.moved("src") == list(range(100)) and source.sent == 100


def test_a_script_sees_the_outputs_of_the_cycle_it_gave_inputs_for():
    seen = []

    def script():
        for value in (3, 4, 5):
            seen.append((yield {"a": value})["y"])

    play = Script(script())
    run(register, registers, ("y", "z"), (play,), play.over)
    assert seen[1:] == [3, 4]
