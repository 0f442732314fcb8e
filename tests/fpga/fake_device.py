"""The device's end of the link in Python, behind a pseudo-terminal: what the host's end is tested against."""
import os
import select
import struct
import threading
import tty

from fpga.host import frames

IDENTITY = (0x43464952, 1 | 7 << 16, 24_000_000, 4096, 0x01020801, 0x12345678, 1_000_000, 0)
MEMORY_WORDS = 1024


class FakeDevice:
    """Answers on `port` until closed. spoil: bytes of a request -> list of byte strings that arrive instead; also for replies.

    writes: every (address, words) carried out, in order.  registers: 64 words, of which word 0 starts `program`, a function.
    """

    def __init__(self, spoil_request=None, spoil_reply=None, program=None):
        self.master, self.slave = os.openpty()
        tty.setraw(self.master)
        tty.setraw(self.slave)
        self.port = os.ttyname(self.slave)
        self.memory, self.registers = [0] * MEMORY_WORDS, [0] * 64
        self.session = self.expected = self.last = None
        self.writes, self.requests = [], 0
        self.spoil_request, self.spoil_reply, self.program = spoil_request, spoil_reply, program
        self.receiver, self.ended = frames.Receiver(), threading.Event()
        self.silent = False
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Pull the cable."""
        self.ended.set()
        self.thread.join()
        for end in ("master", "slave"):
            if getattr(self, end) is not None:
                os.close(getattr(self, end))
                setattr(self, end, None)

    def _serve(self):
        while not self.ended.is_set():
            if not select.select([self.master], [], [], 0.01)[0]:
                continue
            data = os.read(self.master, 4096)
            for piece in self.spoil_request(data) if self.spoil_request else [data]:
                for body in self.receiver.feed(piece):
                    answer = self.answer(body)
                    if answer is not None and not self.silent:
                        for part in self.spoil_reply(answer) if self.spoil_reply else [answer]:
                            os.write(self.master, part)

    def answer(self, body):
        """Return the reply to a request's body as it goes over the line, None where a device says nothing."""
        if len(body) < 8:
            return None
        session, sequence, opcode, count, address = struct.unpack("<BBBBI", body[:8])
        data = body[8:]
        if len(data) != (4 * count if opcode == frames.WRITE else 0):
            return None
        self.requests += 1
        if opcode == frames.HELLO:
            self.session, self.expected, self.last = session, sequence + 1 & 255, sequence
            return self.reply(sequence, frames.DONE, IDENTITY)
        if self.session is None or session != self.session:
            return self.reply(sequence, frames.OTHER_SESSION, session=self.session or 0)
        if sequence not in (self.expected, self.last):
            return self.reply(self.expected, frames.OUT_OF_ORDER)
        repeated = sequence == self.last
        if not repeated:
            self.last, self.expected = sequence, sequence + 1 & 255
        if opcode not in (frames.READ, frames.WRITE) or not 1 <= count <= frames.MOST_WORDS:
            return self.reply(sequence, frames.IMPOSSIBLE)
        space, words = address >> 30, struct.unpack(f"<{len(data) // 4}I", data)
        place = address & 0x3FFFFFFF
        target = {0: self.memory, 1: list(IDENTITY), 2: self.registers}.get(space)
        if target is None:
            return self.reply(sequence, frames.IMPOSSIBLE)
        if place + count > len(target):
            return self.reply(sequence, frames.MEMORY_ERROR)
        if opcode == frames.READ:
            return self.reply(sequence, frames.DONE, target[place:place + count])
        if not repeated:
            self.writes.append((address, words))
            target[place:place + count] = words
            if space == 2 and self.program:
                self.program(self)
        return self.reply(sequence, frames.DONE)

    def reply(self, sequence, status, words=(), session=None):
        head = bytes([self.session if session is None else session, sequence, status, len(words)])
        return frames.stuffed(head + struct.pack(f"<{len(words)}I", *words))
