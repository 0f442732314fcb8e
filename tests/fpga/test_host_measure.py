"""What a benchmark counts and runs, without a board: products, probes that fit, lines that simulate in time."""
import numpy as np
import pytest

from cascadefire import network
from cascadefire.graph_network import from_network
from fpga import board as boards
from fpga import virtual
from fpga.host.measure import compile_network, dense_macs, simulate
from fpga.host.probes import ACTIVATION_DENSITY, WEIGHT_DENSITY, probes
from rtl.config import CoreConfig

CONFIG = CoreConfig(pes=1, lanes=8, fire_lanes=8, weight_bytes=8)


def test_products_without_sparsity():
    """28 x 28 x 25 x 6 + 10 x 10 x 150 x 16 + 400 x 120 + 120 x 84 + 84 x 10."""
    assert dense_macs(from_network(network.load("lenet5"))) == 117600 + 240000 + 48000 + 10080 + 840


@pytest.mark.parametrize("memory_bytes", [4096, 8192, 131072])
def test_probes_fit_the_memory(memory_bytes):
    found = probes(CONFIG, memory_bytes)
    assert [one.name for one in found] == ["dense", "sparse", "events", "outputs"]
    assert all(len(one.executable.memory) <= memory_bytes for one in found)


def test_the_sparse_probe_has_the_densities_it_names():
    probe = probes(CONFIG, 131072)[1]
    term = probe.executable.graph.steps[0].terms[0]
    assert np.count_nonzero(probe.inputs["image"]) / probe.inputs["image"].size == pytest.approx(ACTIVATION_DENSITY, abs=0.001)
    assert np.count_nonzero(term.weights.unpack()) / term.weights.unpack().size == pytest.approx(WEIGHT_DENSITY, abs=0.002)
    assert probe.macs == 12 * 12 * 9 * 32 * 32


def test_slow_lines_become_fast_ones_on_virtual_boards_only():
    fast, slow = boards.load("icebreaker"), boards.load("ulx3s-85f")
    assert virtual.quick_line(fast) == fast
    assert virtual.cycles_per_bit(virtual.quick_line(slow)) == virtual.FASTEST
    assert virtual.quick_line(slow).clock_hz == slow.clock_hz


@pytest.mark.slow
def test_simulated_counters_add_up():
    executable = compile_network(network.load("tiny"), CONFIG, "both")
    image = np.zeros((1, 28, 28), np.uint8)
    image[0, 10:18, 12:16] = 200
    counted = simulate(executable, [{"image": image}], 3)[0]
    assert counted[2] + counted[6:].sum() == counted[0] * CONFIG.pes
