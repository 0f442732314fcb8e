"""Starts, ends and aborts programs: busy, done, error and its cause."""
from myhdl import always_comb, always_seq, block

from rtl.stream import bit, unsigned, wrapping
from rtl.watchdog import watchdog

NONE, MEMORY_ERROR, BAD_WORD, CUT_SHORT, BAD_PASS, STOPPED, STUCK = range(7)


class Status:
    """busy: a program runs or is about to, or one that failed is being cleared away.  done: the last one ended well.
    error, cause: it did not (docs/accelerator.md)."""

    def __init__(self):
        self.busy, self.done, self.error = bit(), bit(), bit()
        self.cause = unsigned(4)


@block
def supervisor(clk, rst, config, start, stop, renew, sweeping, control, writing, exhausted, cfg_valid, failed, quiet, status, launch,
               clear, running):
    """launch at `start`, once all is clear; done when the program is over and memory is quiet; on an error clear until memory is quiet.

    A program that does not do what its words say may be done and leave words unread, or sums that are not zero: before another one,
    everything is cleared.
    start, stop: pulses of the host; start counts when nothing runs, stop when something does or is about to.  renew: pulse, the next
    start is of another program.  sweeping: sums are being cleared.  control: Control.
    writing: fired events are not all in memory.  exhausted, cfg_valid: all program words are given; one is offered.
    failed: pulse, the memory answered with an error.  quiet: no memory request is open; a program that has none for
    2**config.watchdog_bits cycles has failed.  status: Status.  launch: pulse.
    clear: resets engine and fetch; no request is made meanwhile.  running: from launch to done or error.  Reset: idle.
    """
    run_q, clear_q, renew_q, start_q = bit(), bit(), bit(), bit()
    wait_q = wrapping(3)        # a bus answer may still be in a register when the port says it is quiet
    over, waits, stuck = bit(), bit(), bit()

    u_watchdog = watchdog(clk, rst, waits, config.watchdog_bits, stuck)

    @always_comb
    def tell():
        launch.next = (start or start_q) and not stop and not run_q and not clear_q and not renew_q and not sweeping
        clear.next = clear_q
        running.next = run_q
        status.busy.next = run_q or start_q or (clear_q and status.error)
        over.next = control.over and not writing and quiet
        waits.next = run_q and quiet

    @always_seq(clk.posedge, reset=rst)
    def watch():
        if renew and not clear_q:
            renew_q.next = 1
        if run_q:
            wait_q.next = 0
            if failed or control.bad_word or control.bad_pass or stop or stuck or (control.hungry and exhausted and not cfg_valid):
                run_q.next = 0
                renew_q.next = 0
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
                elif stuck:
                    status.cause.next = STUCK
                else:
                    status.cause.next = CUT_SHORT
            elif over:
                run_q.next = 0
                status.done.next = 1
        else:
            if start:
                start_q.next = 1
                status.done.next = 0
                status.error.next = 0
                status.cause.next = NONE
            elif start_q and stop:
                start_q.next = 0
                status.error.next = 1
                status.cause.next = STOPPED
            if clear_q:
                if quiet:
                    wait_q.next = wait_q + 1
                    if wait_q == 7:
                        clear_q.next = 0
            elif renew_q:
                renew_q.next = 0
                clear_q.next = 1
            elif launch:
                start_q.next = 0
                run_q.next = 1

    return u_watchdog, tell, watch
