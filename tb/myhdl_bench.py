"""Jobs on the MyHDL simulator: the same bench as the Verilator one, thousands of times slower, without any tool."""
from __future__ import annotations

import importlib
import time
from pathlib import Path

from myhdl import StopSimulation, block, delay, instance

from tb.job import BenchError, BenchResult, Job
from tb.ports import CorePorts

RESET_EDGES = 4
PERIOD = 10          # time steps of a clock cycle


def run_job(job: Job, trace: Path | None = None, progress=None, core=None) -> BenchResult:
    """Run a job in this process and return what the core did; meant for a few images on a small array.

    trace: a .vcd file that receives the waveform. progress: called with (images done, cycles simulated) a few times a second.
    core: a module with `CorePorts(config)` and `core(...)`, `rtl.core` by default.
    Raises BenchError when the core hangs or breaks the contract.
    """
    core = core or importlib.import_module("rtl.core")
    outside = CorePorts(job)
    started = time.perf_counter()
    top = _bench(core, core.CorePorts(job.config), outside, job, progress)
    if trace is not None:
        path = Path(trace).resolve()
        path.unlink(missing_ok=True)    # MyHDL would rename an old one
        top.config_sim(trace=True, directory=str(path.parent), filename=path.stem)
    try:
        top.run_sim(quiet=1)
    finally:
        # Without this MyHDL keeps the simulation's state and refuses, or mixes up, the next one of this process.
        top.quit_sim()
    if not outside.done:
        raise BenchError("the simulation ended before the last image did")
    return outside.result(time.perf_counter() - started)


@block
def _bench(core, ports, outside, job, progress):
    """The core between a clock, a reset of RESET_EDGES edges and the outside."""
    clk, rst, tap = ports.clk, ports.rst, ports.tap
    cfg, events_in, counts, weights = ports.cfg, ports.events_in, ports.counts, ports.weights
    requests, events_out = ports.requests, ports.events_out
    u_core = core.core(job.config, clk, rst, cfg, events_in, requests, counts, weights, events_out, tap)

    @instance
    def clock():
        while True:
            clk.next = False
            yield delay(PERIOD // 2)
            clk.next = True
            yield delay(PERIOD - PERIOD // 2)

    @instance
    def bench():
        shown = time.monotonic()
        rst.next = True
        for _ in range(RESET_EDGES):
            yield clk.posedge
        rst.next = False
        while not outside.done:
            *words, requests.ready.next, events_out.ready.next = outside.drive()
            for stream, word in zip((cfg, events_in, counts, weights), words):
                stream.valid.next = word is not None
                if word is not None:
                    stream.data.next = word
            yield clk.posedge
            outside.observe(
                (cfg.ready, events_in.ready, counts.ready, weights.ready),
                int(requests.data) if requests.valid else None,
                int(events_out.data) if events_out.valid else None,
                (int(tap.fire_values), int(tap.fire_y), int(tap.fire_x), int(tap.fire_group)) if tap.fire_strobe else None,
                bool(tap.pass_start), bool(tap.pass_done), int(tap.pe_state))
            if progress and time.monotonic() - shown > 0.2:
                shown = time.monotonic()
                progress(outside.image, outside.t)
        raise StopSimulation

    return u_core, clock, bench
