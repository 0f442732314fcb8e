"""Compiled graphs on the cycle model: no hardware, so cycles, beats and stalls, but no outputs."""
from __future__ import annotations

import time

import numpy as np

from cascadefire.graph_cycles import CAUSES, predict
from rtl.requantise import SCALE_BITS
from rtl.row_walker import RowTable
from tb.accelerator_job import REGISTERS, STATES, AcceleratorResult


def run(executable, maps: dict, latency: int = 20) -> AcceleratorResult:
    """Predict one run.

    executable: an Executable. maps: map name -> integers [C, H, W] (`cascadefire.graph_reference.run`). latency: of the memory.
    Returns an AcceleratorResult without outputs, registers, memory and pass ends; a pass's beats are put on PE 0, since the model
    has only their sum, and its reads and writes are its own, whenever they cross the port.
    """
    begun = time.perf_counter()
    one = predict(executable, maps, latency)
    passes = len(executable.passes)
    states, beats = np.zeros((passes, len(STATES)), np.int64), np.zeros((passes, executable.config.pes), np.int64)
    for cause, column in zip(CAUSES, one.stalls.T):
        states[:, STATES.index(cause)] = column
    beats[:, 0] = one.beats
    fired = sum(record.fires for record in executable.passes)
    ends, registers, memory = np.zeros(passes, np.int64), np.zeros(REGISTERS, np.uint32), np.zeros(0, np.uint8)
    return AcceleratorResult({}, one.total, passes, fired, one.pass_starts + 1, ends, states, beats, one.reads, one.writes,
                             registers, memory, 0, time.perf_counter() - begun)


def on_chip_bytes(config) -> int:
    """Return about how many bytes the accelerator's memories have, without converting it: those that matter.

        P * C * (2 * acc_depth * acc_bits + 8 * weight_depth) / 8 + row tables + parameters + bands; all but 0.5 % of them
    """
    sums = config.pes * config.lanes * 2 * config.acc_depth * config.acc_bits
    rings = config.pes * config.lanes * config.weight_depth * 8
    rows = config.pes * len(RowTable(config).entry) << (config.slot_bits + config.position_bits)
    parameters = config.fire_lanes * 2 * config.param_depth * (32 + SCALE_BITS)
    bands = config.fire_lanes * 2 * 256 * 16
    return (sums + rings + rows + parameters + bands) // 8
