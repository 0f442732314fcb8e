"""What FuseSoC's sim target runs: an accelerator, a memory image with a digit in it, and the bytes it must leave."""
from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

from cascadefire import digits, graph_reference, network
from cascadefire.compiler.assemble import accelerator_config, assemble
from cascadefire.graph_network import from_network
from fpga import verilog
from fpga.tools import Tools

HERE = Path(__file__).resolve().parent
NETWORK = "lenet5"
LATENCY = 20


HEAD = """// A job for testbench.cpp: %(title)s.
#include <cstdint>
#include "V%(name)s.h"
using Top = V%(name)s;
constexpr char TITLE[] = "%(title)s";
constexpr int PORT_BYTES = %(port_bytes)d, LATENCY = %(latency)d, CHECKED = %(checked)d;
constexpr uint32_t PROGRAM = %(program)d, LENGTH = %(length)d;
"""


def write(array: str, name: str, folder: Path) -> list[Path]:
    """Write NAME.v, testbench.cpp and job.h to a folder and return them.

    array: PxC, power-of-two lanes.  name: of the module.
    """
    from scripts.arguments import parse_array

    graph = from_network(network.load(NETWORK))
    config = accelerator_config(graph, *parse_array(array))
    images, labels = digits.load()
    chosen = int(digits.split(labels)[1][0])
    inputs = {graph.inputs[0]: images[chosen][None].astype(np.int16)}
    executable = assemble(graph, config)
    memory = executable.memory.copy()
    for map_name, values in inputs.items():
        executable.fill(memory, map_name, values)
    (folder / "job.h").write_text(job_text(executable, memory, expected(executable, graph, inputs), int(labels[chosen]), name))
    shutil.copyfile(HERE / "testbench.cpp", folder / "testbench.cpp")
    return [verilog.write("accelerator", config, folder, Tools(), "fusesoc", name), folder / "testbench.cpp", folder / "job.h"]


def expected(executable, graph, inputs: dict) -> tuple[np.ndarray, np.ndarray]:
    """Addresses and values of the bytes that hold the output maps after a run: counts, and as many events as they say."""
    results = graph_reference.run(graph, inputs)
    addresses, memory = [], executable.memory.copy()
    for name in graph.outputs:
        executable.fill(memory, name, results[name])
        layout, width = executable.maps[name], executable.config.port_bytes
        bands = layout.channels * layout.bands
        addresses.append(layout.counts + np.arange(bands))
        for band in range(bands):
            start = (layout.events + band * layout.slot_words) * width
            addresses.append(start + np.arange(2 * int(memory[layout.counts + band])))
    where = np.concatenate(addresses)
    return where, memory[where]


def job_text(executable, memory: np.ndarray, checks: tuple[np.ndarray, np.ndarray], label: int, name: str) -> str:
    """The C++ header that testbench.cpp includes."""
    config, (where, values) = executable.config, checks
    head = HEAD % {"title": f"{executable.graph.name}, a {label}, on {config.pes} x {config.lanes}", "name": name,
                   "port_bytes": config.port_bytes, "latency": LATENCY, "checked": len(where), "program": executable.program,
                   "length": executable.length}
    tables = [("uint8_t MEMORY[]", memory), ("uint32_t WHERE[]", where), ("uint8_t VALUES[]", values)]
    return head + "".join(f"constexpr {kind} = {{{','.join(map(str, data))}}};\n" for kind, data in tables)
