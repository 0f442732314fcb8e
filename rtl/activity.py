"""Says for every PE and cycle what it did, or why it did not multiply."""
from myhdl import always_comb, block, intbv

BEAT, CONFIGURATION, NO_EVENT, NO_WEIGHT, NO_BUFFER, OUTPUT_BLOCKED, ROW_LOOKUP, DRAIN = range(8)
CAUSES = ("beat", "configuration", "no_event", "no_weight", "no_buffer", "output_blocked", "row_lookup", "drain")


@block
def activity(config, beating, holding, control, fire_busy, fire_stuck, front_over, waiting_weights, pe_state):
    """pe_state[3p+3:3p] = one of CAUSES for PE p; combinational, every cycle has exactly one.

    beat: a chunk was multiplied. row_lookup: it has events but no row is at the counter yet. configuration: no pass is loaded.
    no_buffer: the next pass waits for fire. output_blocked: it waits for a fire that waits for room in the event banks.
    drain: the pass has no event left but is not over. no_weight: the next event waits for its weights.
    no_event: nothing to do has come.
    """
    pes = config.pes

    @always_comb
    def classify():
        shared = intbv(0)[3:]
        states = intbv(0)[3 * pes:]
        shared[:] = NO_EVENT
        if not control.front_on or front_over:
            shared[:] = DRAIN
            if control.next_ready and fire_busy and fire_stuck:
                shared[:] = OUTPUT_BLOCKED
            elif control.next_ready and fire_busy:
                shared[:] = NO_BUFFER
            elif not control.next_ready and not control.front_on:
                shared[:] = CONFIGURATION
        elif waiting_weights:
            shared[:] = NO_WEIGHT
        states[:] = 0
        for i in range(pes):
            if beating[i]:
                states[:] = states | (BEAT << (3 * i))
            elif holding[i]:
                states[:] = states | (ROW_LOOKUP << (3 * i))
            else:
                states[:] = states | (shared << (3 * i))
        pe_state.next = states

    return classify
