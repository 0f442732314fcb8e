"""The build of Verilator models: cached by content, complete or not there, one builder at a time."""
from __future__ import annotations

import concurrent.futures
import subprocess

import pytest

from tb import toolchain, verilate
from tb.toolchain import ToolError

VERILOG = """// File: somewhere
module blink (clk, out);
input clk; output [7:0] out; reg [7:0] out = 0;
always @(posedge clk) out <= out + STEP;
endmodule
"""
MAIN = """#include "Vblink.h"
#include <cstdio>
int main() {
    Vblink top;
    for (int i = 0; i < 20; i++) { top.clk = i & 1; top.eval(); }
    std::printf("%d\\n", top.out * SCALE);
}
"""


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A harness and a folder of models that the tests of this file fill together."""
    folder = tmp_path_factory.mktemp("models")
    harness = folder / "blink.cpp"
    harness.write_text(MAIN)
    return folder, harness


def build(shared, step=1, scale=1, head="// another date\n", said=None):
    folder, harness = shared
    text = head + VERILOG.replace("STEP", str(step))
    return verilate.build(text, "blink", [harness], {"SCALE": scale}, folder, progress=said.append if said is not None else None)


def answer(program):
    return int(subprocess.run([program], capture_output=True, text=True, check=True).stdout)


def test_a_model_is_built_once_and_found_again_whatever_its_comments_say(shared):
    said = []
    program = build(shared, said=said)
    assert answer(program) == 10 and said
    said.clear()
    assert build(shared, head="// Date: later\n", said=said) == program and not said


def test_verilog_and_defines_make_other_models(shared):
    assert answer(build(shared, step=2)) == 20
    assert answer(build(shared, scale=3)) == 30


def test_two_builders_at_once_make_one_model(shared):
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        programs = list(pool.map(lambda _: build(shared, step=5), range(2)))
    assert programs[0] == programs[1] and answer(programs[0]) == 50
    assert not list(shared[0].glob("building-*"))


def test_verilog_that_is_wrong_leaves_nothing_behind(shared):
    before = {path for path in shared[0].iterdir() if path.suffix != ".lock"}
    with pytest.raises(ToolError, match="verilator failed"):
        build(shared, step="nothing_like_this")
    assert {path for path in shared[0].iterdir() if path.suffix != ".lock"} == before


def test_a_compiler_that_is_not_there_is_named(shared, monkeypatch):
    toolchain.compiler.cache_clear()
    toolchain.compiler_version.cache_clear()
    monkeypatch.setenv("CXX", "no-such-compiler")
    try:
        with pytest.raises(ToolError, match="no-such-compiler does not start"):
            build(shared, step=7)
    finally:
        toolchain.compiler.cache_clear()
        toolchain.compiler_version.cache_clear()


def test_a_model_can_trace_to_vcd(shared):
    folder, harness = shared
    program = verilate.build(VERILOG.replace("STEP", "1"), "blink", [harness], {"SCALE": 1}, folder, trace=True)
    assert answer(program) == 10
