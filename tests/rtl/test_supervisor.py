"""supervisor with engine and memory played in Python: how a program starts, ends, fails and is cleared away."""
import pytest

from rtl.config import CoreConfig
from rtl.program_sequencer import Control
from rtl.stream import bit
from rtl.supervisor import BAD_PASS, BAD_WORD, CUT_SHORT, MEMORY_ERROR, STOPPED, STUCK, Status, supervisor
from tb.block_bench import reset, run
from tb.block_parts import Table

OUTPUTS = ("status", "launch", "clear", "running")
IDLE = dict(start=0, stop=0, renew=0, sweeping=0, control_over=0, control_hungry=0, control_bad_word=0, control_bad_pass=0, writing=0,
            exhausted=0, cfg_valid=1, failed=0, quiet=1)
CONFIG = CoreConfig(watchdog_bits=8)
PATIENCE = 1 << 8
CLEARING = 8        # cycles, where memory is quiet


def arguments():
    return dict(clk=bit(), rst=reset(), config=CONFIG, start=bit(), stop=bit(), renew=bit(), sweeping=bit(), control=Control(),
                writing=bit(), exhausted=bit(), cfg_valid=bit(), failed=bit(), quiet=bit(), status=Status(), launch=bit(), clear=bit(),
                running=bit())


def play(*changes, cycles=60):
    """changes: (cycle, inputs that differ from IDLE in that cycle)."""
    rows = [dict(IDLE) for _ in range(cycles)]
    for t, inputs in changes:
        rows[t].update(inputs)
    table = Table(rows)
    return run(supervisor, arguments, OUTPUTS, (table,), table.over)


def when(trace, name):
    return [t for t, on in enumerate(trace[name]) if on]


def done_at(t):
    return t, dict(control_over=1)


def test_a_program_begins_once_and_is_done_when_memory_is_quiet():
    trace = play((3, dict(start=1)), (5, dict(start=1)), *((t, dict(control_over=1, quiet=t >= 25)) for t in range(20, 30)))
    assert when(trace, "launch") == [3]
    assert trace["status_done"].index(1) == 26 and not any(trace["status_error"]) and not any(trace["clear"])
    assert when(trace, "running") == when(trace, "status_busy") == list(range(4, 26))


@pytest.mark.parametrize("inputs, cause", [
    (dict(failed=1), MEMORY_ERROR), (dict(control_bad_word=1), BAD_WORD), (dict(control_bad_pass=1), BAD_PASS),
    (dict(control_hungry=1, exhausted=1, cfg_valid=0), CUT_SHORT), (dict(stop=1), STOPPED)])
def test_an_error_has_a_cause_and_clears_until_memory_is_quiet(inputs, cause):
    busy = [(t, dict(quiet=0)) for t in range(9, 20)]
    trace = play((3, dict(start=1)), (8, inputs), *busy, (40, dict(start=1)))
    assert trace["status_error"][9] and trace["status_cause"][9] == cause and not any(trace["status_done"])
    assert when(trace, "clear") == list(range(9, 20 + CLEARING)), "while memory answers, and some cycles longer"
    assert when(trace, "status_busy")[:24] == list(range(4, 28)), "until all is clear"
    assert trace["launch"][40] and not trace["status_error"][41] and trace["status_cause"][41] == 0


def test_a_program_that_asks_for_nothing_for_too_long_has_failed():
    asks = [(t, dict(quiet=0)) for t in (30, 200)]
    trace = play((3, dict(start=1)), *asks, cycles=PATIENCE + 230)
    assert trace["status_error"].index(1) == 200 + PATIENCE + 2 and trace["status_cause"][-1] == STUCK
    assert when(trace, "clear")[0] == 200 + PATIENCE + 2


def test_a_memory_that_takes_long_to_answer_is_waited_for_and_so_is_the_next_start():
    waits = [(t, dict(quiet=0)) for t in range(10, PATIENCE + 100)]
    trace = play((3, dict(start=1)), *waits, done_at(PATIENCE + 110), cycles=2 * PATIENCE + 200)
    assert trace["status_done"][-1] and not any(trace["status_error"])


def test_a_stop_counts_only_while_a_program_runs():
    trace = play((3, dict(stop=1)), (10, dict(start=1)))
    assert not any(trace["status_error"]) and trace["running"][11]


def test_what_is_left_is_cleared_away_before_another_program():
    trace = play((3, dict(start=1)), done_at(9), (15, dict(start=1)), done_at(18), (25, dict(renew=1)), (30, dict(start=1)))
    assert when(trace, "launch") == [3, 15, 27 + CLEARING], "the same program again begins at once"
    assert when(trace, "clear") == list(range(27, 27 + CLEARING))
    assert when(trace, "status_done") == [*range(10, 16), *range(19, 31)], "until the start, though it waits"
    assert when(trace, "status_busy")[-1] == 59 and trace["status_busy"][25:31] == [0] * 6 and all(trace["status_busy"][31:])


@pytest.mark.parametrize("renewals", [(5,), (5, 6, 7), (12,), (5, 12, 13)])
def test_another_program_named_while_one_runs_is_cleared_for_after_it(renewals):
    trace = play((3, dict(start=1)), *((t, dict(renew=1)) for t in renewals if t != 12), (12, dict(renew=12 in renewals, control_over=1)),
                 (14, dict(start=1)))
    assert trace["status_done"][13] and when(trace, "clear") == list(range(14, 14 + CLEARING))
    assert when(trace, "launch") == [3, 14 + CLEARING]


def test_a_program_named_in_the_cycle_of_an_error_is_cleared_for_once():
    trace = play((3, dict(start=1)), (8, dict(renew=1, stop=1)), (10, dict(renew=1)), (30, dict(start=1)))
    assert when(trace, "clear") == list(range(9, 9 + CLEARING)) and when(trace, "launch") == [3, 30]


def test_a_start_waits_until_sums_are_cleared():
    trace = play((3, dict(start=1)), *((t, dict(sweeping=1)) for t in range(20)))
    assert when(trace, "launch") == [20] and when(trace, "status_busy")[0] == 4


def test_a_start_that_waits_can_be_stopped():
    trace = play((3, dict(start=1)), (8, dict(stop=1)), *((t, dict(sweeping=1)) for t in range(20)), (30, dict(start=1)))
    assert when(trace, "launch") == [30] and when(trace, "status_busy")[:6] == [4, 5, 6, 7, 8, 31]
    assert trace["status_error"][9] and trace["status_cause"][9] == STOPPED and not trace["status_error"][31]
    trace = play((3, dict(start=1)), (20, dict(stop=1)), *((t, dict(sweeping=1)) for t in range(20)))
    assert not any(trace["launch"]) and trace["status_cause"][21] == STOPPED, "in the cycle in which it would begin"
