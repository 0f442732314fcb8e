"""The estimate that tiles of the compact accelerator are chosen by, against its RTL."""
import numpy as np
import pytest

from cascadefire.compiler.compact_estimate import PASS_CYCLES, CompactEstimate
from cascadefire.compiler.graph_estimate import Workload
from cascadefire.compiler.graph_sizing import all_tilings, tilings
from cascadefire.compiler.graph_tiling import cheapest
from cascadefire.compiler.tiling import Span
from cascadefire.graph import Step, Term
from fpga import board as boards
from fpga.host.measure import simulate
from fpga.host.probes import probes
from fpga.top import memory_latency
from rtl.config import CoreConfig

ICEBREAKER = boards.load("icebreaker")
PROBES = {one.name: one for one in probes(ICEBREAKER.config(), ICEBREAKER.memory_bytes)}


@pytest.mark.parametrize("name", sorted(PROBES))
def test_the_estimate_is_within_an_eighth_of_the_rtl(name):
    probe, latency = PROBES[name], memory_latency(ICEBREAKER)
    estimated = cheapest(all_tilings(probe.executable.graph, ICEBREAKER.config(), "both"))[1]
    assert estimated == pytest.approx(simulate(probe.executable, [probe.inputs], latency)[0][0], rel=1 / 8)


def test_tiles_are_as_high_as_the_sums_allow_so_that_events_are_read_seldom():
    # 12 columns of 4 chunks: five rows fit 256 sums, and three tiles of four are no more than two of five and one of two.
    [tiling] = tilings(PROBES["sparse"].executable.graph, ICEBREAKER.config(), "both")
    assert [tile.tile_h for tile in tiling.tiles] == [4, 4, 4]


def test_a_pass_of_dead_channels_costs_its_header_and_its_outputs():
    term = Term("map0", "conv", 8, None, 0, (3, 3), 1, 1)
    step = Step("s", "conv", (term,), 16, (8, 8), *[None] * 3, "relu", "map1")
    one = CompactEstimate(step, {"map0": (8, 8, 8)}, [Workload(np.zeros((8, 3, 3), int), 1.0)],
                          CoreConfig(pes=1, lanes=8, weight_bytes=8, fire_lanes=1, compact=True), 8, 1.0)
    costs = one.costs([Span(0, 8, 0, 8, 0)], [(0, 2)], 8)
    assert costs.multiply[0] == PASS_CYCLES + 16 * (64 + 2) and costs.inside == 0 and not costs.fire.any()
