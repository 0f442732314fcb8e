"""The words of a job's program, and patches that change one."""
import dataclasses

import numpy as np


def words_of(job):
    """The 32-bit words of the first run's program."""
    run = job.runs[0]
    base = run.program * job.config.port_bytes
    return job.memory[base:base + 4 * run.length].view("<u4")


def word_patch(job, at, value):
    """The patch that makes word `at` of the program `value`."""
    return job.runs[0].program * job.config.port_bytes + 4 * at, np.array([value], "<u4").view(np.uint8)


def changed_and_back(job, at, value):
    """The job with a word of its program changed, then the job as it was."""
    runs = (dataclasses.replace(job.runs[0], patches=(word_patch(job, at, word),)) for word in (value, words_of(job)[at]))
    return dataclasses.replace(job, runs=tuple(runs))
