"""activity: every PE is in exactly one state, by the order of the rules."""
import itertools

import pytest

from rtl.activity import CAUSES, activity
from rtl.config import CoreConfig
from rtl.sequencer import Control
from rtl.stream import bit, unsigned
from tb.block_bench import run
from tb.block_parts import Table

OUTPUTS = ("pe_state",)
FLAGS = ("control_front_on", "control_next_ready", "fire_busy", "fire_stuck", "front_over", "waiting_weights")


def shared(on, ready, busy, stuck, over, waiting):
    """What a PE without events or beats waits for."""
    if on and not over:
        return "no_weight" if waiting else "no_event"
    if ready and busy:
        return "output_blocked" if stuck else "no_buffer"
    return "drain" if on or ready else "configuration"


@pytest.mark.parametrize("pes", [1, 3])
def test_states_of_all_situations(pes):
    config = CoreConfig(pes=pes)
    bits = max(2, pes)
    cases = [(flags, beating, holding) for flags in itertools.product((0, 1), repeat=6)
             for beating in range(1 << pes) for holding in range(1 << pes)]
    table = Table({**dict(zip(FLAGS, flags)), "beating": beating, "holding": holding} for flags, beating, holding in cases)

    def arguments():
        return dict(config=config, beating=unsigned(bits), holding=unsigned(bits), control=Control(), fire_busy=bit(),
                    fire_stuck=bit(), front_over=bit(), waiting_weights=bit(), pe_state=unsigned(3 * pes))

    trace = run(activity, arguments, OUTPUTS, (table,), table.over)
    seen = set()
    for (flags, beating, holding), state in zip(cases, trace["pe_state"], strict=True):
        for i in range(pes):
            name = "beat" if beating >> i & 1 else "row_lookup" if holding >> i & 1 else shared(*flags)
            assert CAUSES[state >> 3 * i & 7] == name
            seen.add(name)
    assert seen == set(CAUSES)
