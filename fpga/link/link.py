"""The device's side of the link: bytes in, accesses, bytes out (docs/link.md)."""
from myhdl import block

from fpga.link.executor import executor
from fpga.link.frame_receiver import frame_receiver
from fpga.link.frame_sender import frame_sender
from fpga.link.protocol import RING_BITS, RING_BYTES
from rtl.primitives.two_port_ram import two_port_ram
from rtl.stream import Stream, bit, unsigned, wrapping


@block
def link(clk, rst, data, strobe, dst, bus, identity_words, family="generic"):
    """Carries out each request once, in order, and replies.

    data, strobe: bytes of the line, 12 cycles or more apart.  dst: stream of bytes for the line.  bus: LinkBus.
    identity_words: a tuple of eight (fpga/identity.py).  family: whose block RAM the receive ring is in.
    Reset forgets session and requests.
    """
    write, write_address, write_data = bit(), unsigned(RING_BITS), unsigned(8)
    read_address, read_data = unsigned(RING_BITS), unsigned(8)
    committed, released = wrapping(RING_BITS - 2), wrapping(RING_BITS - 2)
    reply = Stream(9)
    u_receiver = frame_receiver(clk, rst, data, strobe, write, write_address, write_data, committed, released)
    u_ring = two_port_ram(clk, write, write_address, write_data, read_address, read_data, RING_BYTES, family)
    u_executor = executor(clk, rst, read_address, read_data, committed, released, bus, reply, identity_words)
    u_sender = frame_sender(clk, rst, reply, dst)
    return u_receiver, u_ring, u_executor, u_sender
