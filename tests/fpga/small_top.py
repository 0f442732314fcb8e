"""A board top with the benches' stand-in for the accelerator, which is small and quickly built."""
from unittest import mock

from fpga import top
from tests.tb import accelerator_stub


def convert_small(board, folder):
    """`fpga.top.convert_top` with the stand-in."""
    with mock.patch.object(top, "accelerator", accelerator_stub.accelerator), \
            mock.patch.object(top, "AcceleratorTap", accelerator_stub.Tap):
        return top.convert_top(board, folder)
