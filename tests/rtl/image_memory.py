"""A memory with contents behind a MemoryBus, which checks the bus as that of test_memory_port does."""
from collections import deque

from tests.rtl.test_memory_port import Memory


class ImageMemory(Memory):
    """`image` holds its bytes: whole words are read, those bytes are written whose bit in sel is set.

    requests: (cycle, we, address, data, sel) of each.  Raises AssertionError for an address outside the image.
    """

    def __init__(self, config, image, stall="never", late="never", latency=1, seed=1):
        super().__init__(stall, late, latency, seed)
        self.width, self.image, self.due, self.served = config.port_bytes, bytearray(image), deque(), 0

    def step(self, seen):
        inputs = super().step(seen)
        for _, we, address, data, sel in self.requests[self.served:]:
            at = address * self.width
            assert at + self.width <= len(self.image), f"address {address} is outside the memory"
            if we:
                for byte in range(self.width):
                    if sel >> byte & 1:
                        self.image[at + byte] = data >> 8 * byte & 255
            self.due.append(int.from_bytes(self.image[at:at + self.width], "little"))
        self.served = len(self.requests)
        if self.answered:
            inputs["bus_dat_r"] = self.due.popleft()
        return inputs
