"""What MyHDL 0.11.52 piles up over hundreds of tests in one process, taken away again."""
from __future__ import annotations

import inspect
import sys

import pytest
from myhdl import _simulator

FRAMES = 6      # of the caller's stack, which is as far as MyHDL looks


def nearest_frames(context: int = 1) -> list[inspect.FrameInfo]:
    """As `inspect.stack`, but of the nearest frames only, without their source text.

    MyHDL asks for the stack at every instance of a block; under a test runner it is fifty frames deep.
    """
    frame, found = sys._getframe(1), []
    while frame is not None and len(found) < FRAMES:
        found.append(inspect.FrameInfo(frame, frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name, None, None))
        frame = frame.f_back
    return found


@pytest.fixture(autouse=True, scope="session")
def shallow_stacks():
    """MyHDL gets `nearest_frames` for `inspect.stack`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inspect, "stack", nearest_frames)
        yield


@pytest.fixture(autouse=True)
def forgotten_signals():
    """MyHDL keeps every signal ever made, to clear it after each simulation: those of a test are forgotten with it."""
    yield
    _simulator._signals.clear()
