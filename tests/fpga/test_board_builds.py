"""Boards as they ship, through all tools, and a digit on what the tools made.

Minutes each, so one of each family whose netlists can be simulated; `cascadefire build` does the others.
"""
from __future__ import annotations

import numpy as np
import pytest

from cascadefire import digits, graph_reference, network
from fpga import board as boards
from fpga import netlist, virtual
from fpga.build import build
from fpga.host.device import COUNTERS, connect
from fpga.host.measure import compile_network
from fpga.host.runner import Loaded
from fpga.top import design_hz, memory_latency
from tb import accelerator_bench, accelerator_myhdl
from tb.accelerator_job import CYCLES, AcceleratorJob
from tb.virtual_board import VirtualBoard, board_model

PATIENCE = 5        # times the board's own time that the host waits for a simulated one


@pytest.fixture(scope="module", params=["icebreaker", "ulx3s-25f"])
def built(request, tmp_path_factory):
    """A board with a line that simulates in bearable time, the report of its build, and the build's folder."""
    board = virtual.quick_line(boards.load(request.param))
    folder = tmp_path_factory.mktemp("build")
    return board, build(board, folder=folder), folder


@pytest.mark.slow
def test_a_board_fits_and_meets_its_clock(built):
    report = built[1]
    assert report["meets_clock"] and report["compact"]
    assert all(item["used"] <= item["available"] for item in report["resources"].values())
    sources = {step["source"].split(":")[0] for step in report["critical_path"]["steps"] if step["source"]}
    assert sources and all(source.startswith(("rtl/", "fpga/")) for source in sources)
    places = set(report["blocks"])
    assert any("compact_accelerator" in place for place in places) and any(place.startswith("link") for place in places)


@pytest.mark.slow
def test_a_digit_is_the_same_on_myhdl_verilog_and_both_netlists_output_for_output_and_cycle_for_cycle(built):
    board, _, folder = built
    executable = compile_network(network.load("tiny"), board.config(), "both")
    images, labels = digits.load()
    inputs = {"image": images[digits.split(labels)[1][0]].astype(np.int16)[None]}
    expected = graph_reference.run(executable.graph, inputs)["fc1"]
    job = AcceleratorJob.from_executable(executable, inputs, latency=memory_latency(board))
    counted = {}
    for witness, run in (("MyHDL", accelerator_myhdl.run_job), ("Verilog", accelerator_bench.run_job)):
        result, = run(job)
        assert np.array_equal(result.outputs["fc1"], expected), witness
        counted[witness] = [int(value) for value in result.registers[CYCLES:CYCLES + len(COUNTERS)]]
    for stage, name in virtual.NETLISTS.items():
        outputs, counters = on_netlist(board, folder / name, executable, inputs)
        assert np.array_equal(outputs["fc1"], expected), stage
        counted[stage] = [counters[name] for name in COUNTERS]
    assert counted["MyHDL"][0] > 1000 and all(one == counted["MyHDL"] for one in counted.values()), counted


def on_netlist(board, path, executable, inputs):
    """Outputs and counters of a network on the virtual board of a netlist."""
    program = board_model(netlist.to_verilog(path, board.family))
    with VirtualBoard(program, virtual.cycles_per_bit(board), design_hz(board)) as simulated:
        device = connect(simulated.port, board, max(1.0, PATIENCE * simulated.slowness()))
        try:
            run = Loaded(device, executable).run(inputs)
        finally:
            device.link.close()
    return run.outputs, run.counters
