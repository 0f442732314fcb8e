"""Serial ports: found by a board's USB id, opened for one program alone."""
from __future__ import annotations

from tb.toolchain import ToolError


POLL = 0.02


class LinkError(ToolError):
    """The board cannot be talked to; one sentence for the user."""


def serial_module():
    """pyserial, or ToolError with how to get it."""
    try:
        import serial
        import serial.tools.list_ports
    except ImportError:
        raise ToolError("pyserial is not installed, which talks to boards: `pip install pyserial`") from None
    return serial


def find(board) -> str:
    """Return the serial port of a board.

        ports with its USB vendor and product id; of several interfaces of one device the one that its YAML names

    Raises LinkError when none or several are there.
    """
    listed = serial_module().tools.list_ports.comports()
    vid, pid, interface = (board.usb.get(key) for key in ("vid", "pid", "interface"))
    if vid is None or pid is None:
        raise LinkError(f"the USB id of {board.name} is not known: name its serial port with --port")
    fitting = [port for port in listed if (port.vid, port.pid) == (vid, pid)]
    if interface is not None and len(fitting) > 1:
        fitting = [port for port in fitting if (port.location or "").endswith(f".{interface}")] or fitting
    if not fitting:
        there = ", ".join(port.device for port in listed) or "none"
        raise LinkError(f"no {board.name} is plugged in: no serial port has the USB id {vid:04x}:{pid:04x} (ports here: {there}); "
                        f"name its port with --port, or take --board virtual:{board.name}")
    if len(fitting) > 1:
        raise LinkError(f"several serial ports may be {board.name}: name one of {', '.join(port.device for port in fitting)} with --port")
    return fitting[0].device


def open_port(name: str, baud: int):
    """Return an open pyserial port that nobody else can open through pyserial; a read waits for at most POLL seconds.

    Raises LinkError when there is no such port, or it is in use or forbidden.
    """
    serial = serial_module()
    try:
        return serial.Serial(name, baud, timeout=POLL, write_timeout=10, exclusive=True)
    except (serial.SerialException, OSError, ValueError) as error:
        text = str(error).lower()
        if "lock" in text or "busy" in text or "temporarily" in text:
            raise LinkError(f"{name} is in use by another program") from None
        if "permission" in text:
            raise LinkError(f"{name} may not be opened by this user (on Linux, the group of the port, often dialout, may)") from None
        raise LinkError(f"{name} cannot be opened: {getattr(error, 'strerror', None) or text}") from None
