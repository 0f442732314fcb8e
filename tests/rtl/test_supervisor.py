"""supervisor with engine and memory played in Python: how a program starts, ends, fails and is cleared away."""
import pytest

from rtl.program_sequencer import Control
from rtl.stream import bit
from rtl.supervisor import BAD_PASS, BAD_WORD, CUT_SHORT, MEMORY_ERROR, STOPPED, Status, supervisor
from tb.block_bench import reset, run
from tb.block_parts import Table

OUTPUTS = ("status", "launch", "clear", "running")
IDLE = dict(start=0, stop=0, control_over=0, control_hungry=0, control_bad_word=0, control_bad_pass=0, writing=0, exhausted=0, cfg_valid=1, failed=0,
            quiet=1)


def arguments():
    return dict(clk=bit(), rst=reset(), start=bit(), stop=bit(), control=Control(), writing=bit(), exhausted=bit(), cfg_valid=bit(), failed=bit(),
                quiet=bit(), status=Status(), launch=bit(), clear=bit(), running=bit())


def play(*changes):
    """changes: (cycle, inputs that differ from IDLE in that cycle)."""
    rows = [dict(IDLE) for _ in range(60)]
    for t, inputs in changes:
        rows[t].update(inputs)
    table = Table(rows)
    return run(supervisor, arguments, OUTPUTS, (table,), table.over)


def test_a_program_begins_once_and_is_done_when_memory_is_quiet():
    trace = play((3, dict(start=1)), (5, dict(start=1)), *((t, dict(control_over=1, quiet=t >= 25)) for t in range(20, 30)))
    assert [t for t, launch in enumerate(trace["launch"]) if launch] == [3]
    assert trace["status_done"].index(1) == 26 and not any(trace["status_error"]) and not any(trace["clear"])
    assert [t for t, on in enumerate(trace["running"]) if on] == list(range(4, 26))


@pytest.mark.parametrize("inputs, cause", [
    (dict(failed=1), MEMORY_ERROR), (dict(control_bad_word=1), BAD_WORD), (dict(control_bad_pass=1), BAD_PASS),
    (dict(control_hungry=1, exhausted=1, cfg_valid=0), CUT_SHORT), (dict(stop=1), STOPPED)])
def test_an_error_has_a_cause_and_clears_until_memory_is_quiet(inputs, cause):
    busy = [(t, dict(quiet=0)) for t in range(9, 20)]
    trace = play((3, dict(start=1)), (8, inputs), *busy, (40, dict(start=1)))
    assert trace["status_error"][9] and trace["status_cause"][9] == cause and not any(trace["status_done"])
    cleared = [t for t, clear in enumerate(trace["clear"]) if clear]
    assert cleared == list(range(9, 28)), "while memory answers, and eight cycles longer"
    assert trace["launch"][40] and not trace["status_error"][41] and trace["status_cause"][41] == 0


def test_a_stop_counts_only_while_a_program_runs():
    trace = play((3, dict(stop=1)), (10, dict(start=1)))
    assert not any(trace["status_error"]) and trace["running"][11]
