"""Accelerator jobs on the MyHDL simulator: the same bench as the Verilator one, thousands of times slower, without any tool.

`AcceleratorOutside` is this bench's half of the work that `accelerator_harness.cpp` does for the other: the same memory, the
same pauses and the same counting, so the two agree cycle for cycle.
"""
from __future__ import annotations

import collections
import importlib
import time
from pathlib import Path

import numpy as np
from myhdl import StopSimulation, block, delay, instance

from tb.accelerator_job import (
    BUSY, CONTROL, DONE, ERROR, LENGTH, PORTS, PROGRAM, REGISTERS, START, STATES, STATUS, STOP, UNFIRED, AcceleratorJob,
    AcceleratorResult, BenchError)
from tb.pauses import Gate

RESET_EDGES = 4
PERIOD = 10         # time steps of a clock cycle
SETTLE = 4          # cycles after the start write in which the status may still be the last run's


class AcceleratorOutside:
    """The outside of an accelerator running a job.

    `script` is a generator of cycles: it yields (stall, ack, err, dat_r) and (stb, we, adr, dat_w) of the register port, and
    wants to be sent a dictionary of the outputs of that cycle. Raises BenchError as the harness does.
    """

    def __init__(self, job: AcceleratorJob):
        self.job, self.memory, self.width = job, bytearray(job.memory.tobytes()), job.config.port_bytes
        self.open = collections.deque()     # (first cycle of the answer, error, word or None)
        self.poll = (True, False, STATUS, 0)
        self.t = self.started = self.dat_r = 0
        self.results = []

    def script(self):
        for number, run in enumerate(self.job.runs):
            begun = time.perf_counter()
            self._begin(number, run)
            yield from self._quiet((True, True, PROGRAM, run.program))
            yield from self._quiet((True, True, LENGTH, run.length))
            for _ in range(self.job.wait):
                yield from self._quiet((False, False, 0, 0))
            self.start = self.t
            yield from self._quiet((True, True, CONTROL, START))
            yield from self._loop(run)
            if self.open:
                raise BenchError(f"run {number} ended with {len(self.open)} memory requests without an answer")
            registers = []
            for address in range(REGISTERS + 1):
                seen = yield from self._quiet((address < REGISTERS, False, address % REGISTERS, 0), watch=False)
                if address and not seen["regs_ack"]:
                    raise BenchError("the register port did not answer in the next cycle")
                registers += [seen["regs_dat_r"]] if address else []
            self.figures[:3] = self.over - self.start, self.started, self.fired_passes
            self.results.append(AcceleratorResult.of_figures(
                self.job, self.figures, np.array(registers, np.uint32), self.outputs,
                np.frombuffer(bytes(self.memory), np.uint8), self.t, time.perf_counter() - begun))

    def _begin(self, number: int, run) -> None:
        job = self.job
        for address, data in run.patches:
            self.memory[address:address + len(data)] = np.asarray(data, np.uint8).tobytes()
        self.gates = [Gate(job.pauses.get(port, "never"), job.seed, len(PORTS) * number + index)
                      for index, port in enumerate(PORTS)]
        width = 4 + len(STATES) + job.config.pes
        self.figures = np.zeros(3 + len(job.passes) * width, np.int64)
        self.shares = self.figures[3:].reshape(len(job.passes), width)
        self.outputs = np.full(sum(job.output_sizes), UNFIRED, np.int16)
        self.maps = list(job.split_outputs(self.outputs).values())
        self.firing = collections.deque((index, *map(int, one)) for index, one in enumerate(job.passes) if one[1])
        self.started = self.fired_passes = self.requests = 0
        self.fault, self.wrong, self.moved_at = run.fault, run.wrong, self.t

    def _quiet(self, registers: tuple, watch: bool = True):
        """A cycle outside of a run."""
        seen = yield (False, False, False, self.dat_r), registers
        if watch and seen["bus_stb"]:
            raise BenchError("the accelerator asks for memory while nothing runs")
        self.t += 1
        return seen

    def _loop(self, run):
        heed = self.start + SETTLE
        while True:
            registers = self.poll
            if run.stop and self.t == self.start + run.stop:
                registers = (True, True, CONTROL, STOP)
                heed = max(heed, self.t + 2)
            stall, late = (gate.closed() for gate in self.gates)
            ack = err = False
            if self.open and not late and self.open[0][0] <= self.t:
                _, err, word = self.open.popleft()
                ack, self.moved_at = not err, self.t
                self.dat_r = self.dat_r if word is None else word
            seen = yield (stall, ack, err, self.dat_r), registers
            self.over = self.t - 1
            status = seen["regs_dat_r"]
            if status & (DONE | ERROR) and not status & BUSY and self.t >= heed and seen["regs_ack"]:
                self.t += 1
                return
            self._observe(seen, stall)
            if self.t - self.moved_at >= self.job.watchdog:
                raise BenchError(self._hung(seen))
            self.t += 1

    def _hung(self, seen: dict) -> str:
        return (f"the accelerator made no progress for {self.job.watchdog} cycles: {self.started} of {len(self.shares)} passes "
                f"started, {self.fired_passes} fired, {self.requests} memory requests of which {len(self.open)} are open, "
                f"status {seen['regs_dat_r']}, PE states " + " ".join(str(one) for one in self._states(seen)))

    def _states(self, seen: dict) -> list[int]:
        return [seen["pe_state"] >> (3 * pe) & 7 for pe in range(self.job.config.pes)]

    def _observe(self, seen: dict, stall: bool) -> None:
        share = self.shares[max(0, self.started - 1)]
        for pe, state in enumerate(self._states(seen)):
            share[4 + state] += 1
            if state == 0:
                share[4 + len(STATES) + pe] += 1
                self.moved_at = self.t
        if (seen["bus_stb"] or self.open) and not seen["bus_cyc"]:
            raise BenchError("bus_cyc is low while a memory request is open")
        if seen["bus_stb"] and not stall:
            self._accept(seen, share)
        if self.wrong:
            return
        if seen["fire_strobe"]:
            self._fired(seen)
        if seen["fired_pass_done"]:
            if not self.firing:
                raise BenchError("the accelerator fired more passes than the program has")
            self.shares[self.firing.popleft()[0]][1] = self.t - self.start
            self.fired_passes += 1
        if seen["pass_start"]:
            if self.started >= len(self.shares):
                raise BenchError("the accelerator started more passes than the program has")
            self.shares[self.started][0] = self.t + 1 - self.start
            self.started += 1

    def _accept(self, seen: dict, share: np.ndarray) -> None:
        if len(self.open) >= self.job.outstanding:
            raise BenchError(f"the accelerator has more than {self.job.outstanding} open memory requests")
        self.requests += 1
        at, write, word = seen["bus_adr"] * self.width, seen["bus_we"], None
        error = at >= len(self.memory) or self.requests == self.fault
        share[3 if write else 2] += 1
        if write and not error:
            data = seen["bus_dat_w"].to_bytes(self.width, "little")
            for index in range(self.width):
                if seen["bus_sel"] >> index & 1:
                    self.memory[at + index] = data[index]
        elif not error:
            word = int.from_bytes(self.memory[at:at + self.width], "little")
        self.open.append((self.t + self.job.latency, error, word))
        self.moved_at = self.t

    def _fired(self, seen: dict) -> None:
        if not self.firing:
            raise BenchError("the accelerator fired outputs after its last pass")
        index, step, _, first_channel, channels, y0, height, width = self.firing[0]
        lanes, y, x = self.job.config.fire_lanes, seen["fire_y"], seen["fire_x"]
        channel = seen["fire_group"] * lanes
        if y >= height or x >= width or channel >= channels:
            raise BenchError(f"the accelerator fired an output outside pass {index}: y {y}, x {x}, channel {channel}")
        for lane in range(min(lanes, channels - channel)):
            value = seen["fire_values"] >> (9 * lane) & 511
            self.maps[step][first_channel + channel + lane, y0 + y, x] = value - ((value & 256) << 1)
        self.moved_at = self.t


def run_job(job: AcceleratorJob, trace: Path | None = None, progress=None,
            module: str = "rtl.accelerator") -> list[AcceleratorResult]:
    """Run a job in this process and return what the accelerator did, run by run; meant for small programs on a small array.

    trace: a .vcd file that receives the waveform. progress: called with (passes started in the present run, cycles simulated).
    module: Python module with `ports(config)` and `accelerator(...)`.
    Raises BenchError when the accelerator hangs or breaks the contract.
    """
    accelerator = importlib.import_module(module)
    outside = AcceleratorOutside(job)
    top = _bench(accelerator, accelerator.ports(job.config), outside, job, progress)
    if trace is not None:
        path = Path(trace).resolve()
        path.unlink(missing_ok=True)    # MyHDL would rename an old one
        top.config_sim(trace=True, directory=str(path.parent), filename=path.stem)
    try:
        top.run_sim(quiet=1)
    finally:
        # Without this MyHDL keeps the simulation's state and refuses, or mixes up, the next one of this process.
        top.quit_sim()
    if len(outside.results) < len(job.runs):
        raise BenchError("the simulation ended before the last run did")
    return outside.results


@block
def _bench(accelerator, ports, outside, job, progress):
    """The accelerator between a clock, a reset of RESET_EDGES edges and the outside."""
    clk, rst, bus, regs, tap = ports.clk, ports.rst, ports.bus, ports.regs, ports.tap
    u_accelerator = accelerator.accelerator(job.config, clk, rst, bus, regs, tap)
    watched = {**{f"bus_{name}": getattr(bus, name) for name in ("cyc", "stb", "we", "adr", "dat_w", "sel")},
               "regs_ack": regs.ack, "regs_dat_r": regs.dat_r,
               **{name: getattr(tap, name) for name in ("fire_strobe", "fire_values", "fire_y", "fire_x", "fire_group",
                                                        "fired_pass_done", "pass_start", "pe_state")}}

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
        script, seen = outside.script(), None
        while True:
            try:
                memory, registers = script.send(seen)
            except StopIteration:
                break
            bus.stall.next, bus.ack.next, bus.err.next, bus.dat_r.next = memory
            regs.stb.next, regs.we.next, regs.adr.next, regs.dat_w.next = registers
            regs.cyc.next = registers[0]
            yield clk.posedge
            seen = {name: int(signal) for name, signal in watched.items()}
            if progress and time.monotonic() - shown > 0.2:
                shown = time.monotonic()
                progress(outside.started, outside.t)
        raise StopSimulation

    return u_accelerator, clock, bench
