"""Starts, ends and aborts programs: busy, done, error and its cause."""
from myhdl import always_comb, always_seq, block

from rtl.stream import bit, unsigned

NONE, MEMORY_ERROR, BAD_WORD, CUT_SHORT, BAD_PASS, STOPPED = range(6)
CAUSES = ("", "the memory answered with an error", "a word that should launch a pass does not",
          "the program ended without its end bit", "a pass that this core cannot run", "stopped by the host")


class Status:
    """busy: a program runs, or is being cleared away.  done: the last one ended well.  error, cause: it did not (see CAUSES)."""

    def __init__(self):
        self.busy, self.done, self.error = bit(), bit(), bit()
        self.cause = unsigned(4)


@block
def supervisor(clk, rst, start, stop, control, writing, exhausted, cfg_valid, failed, quiet, status, launch, clear, running):
    """launch at `start`; done when the program is over and memory is quiet; on an error clear until memory is quiet.

    start, stop: pulses of the host; start counts when nothing runs, stop when something does.  control: Control.
    writing: fired events are not all in memory.  exhausted, cfg_valid: all program words are given; one is offered.
    failed: pulse, the memory answered with an error.  quiet: no memory request is open.  status: Status.  launch: pulse.
    clear: resets engine and fetch; no request is made meanwhile.  running: from launch to done or error.  Reset: idle.
    """
    run_q, clear_q = bit(), bit()
    wait_q = unsigned(3)        # a bus answer may still be in a register when the port says it is quiet
    over = bit()

    @always_comb
    def tell():
        launch.next = start and not run_q and not clear_q
        clear.next = clear_q
        running.next = run_q
        status.busy.next = run_q or clear_q
        over.next = control.over and not writing and quiet

    @always_seq(clk.posedge, reset=rst)
    def watch():
        if run_q:
            wait_q.next = 0
            if failed or control.bad_word or control.bad_pass or stop or (control.hungry and exhausted and not cfg_valid):
                run_q.next = 0
                clear_q.next = 1
                status.error.next = 1
                if failed:
                    status.cause.next = MEMORY_ERROR
                elif control.bad_word:
                    status.cause.next = BAD_WORD
                elif control.bad_pass:
                    status.cause.next = BAD_PASS
                elif stop:
                    status.cause.next = STOPPED
                else:
                    status.cause.next = CUT_SHORT
            elif over:
                run_q.next = 0
                status.done.next = 1
        elif clear_q:
            if quiet:
                if wait_q == 7:
                    wait_q.next = 0
                    clear_q.next = 0
                else:
                    wait_q.next = wait_q + 1
        elif start:
            run_q.next = 1
            status.done.next = 0
            status.error.next = 0
            status.cause.next = NONE

    return tell, watch
