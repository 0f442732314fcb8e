"""weight_loader against the row tables, masks and ring contents that its channels must have for as long as they are needed."""
import numpy as np
import pytest
from myhdl import always, block

from rtl.config import CoreConfig
from rtl.row_walker import RowTable
from rtl.stream import Stream, bit, unsigned
from rtl.weight_buffer import RingPort
from rtl.weight_loader import Slots, weight_loader
from tb.block_bench import reset, run
from tb.block_parts import Source
from tb.pauses import Gate

CONFIG = CoreConfig(lanes=4, fire_lanes=4, weight_bytes=2, kernel=3, slots=4, weight_depth=16, acc_depth=64)
OUTPUTS = ("counts_ready", "weights_ready", "slots_listed", "slots_loaded", "slots_mask", "table", "ring")


def offset_of(index):
    return (index * 5 + 3) % 64


@block
def loader(clk, rst, config, counts, weights, kernel_h, kernel_w, slots, table, ring):
    """weight_loader, and an offset table that answers a cycle later."""
    index, offset = unsigned(7), unsigned(6)
    u_loader = weight_loader(clk, rst, config, counts, weights, kernel_h, kernel_w, index, offset, slots, table, ring)

    @always(clk.posedge)
    def look_up():
        offset.next = (index * 5 + 3) & 63

    return u_loader, look_up


class User:
    """Plays the rest of the core: keeps memories as the PEs do, and frees channels late, after a look at all they need."""

    def __init__(self, config, kernel, counts, chunks, pause, seed, firsts):
        self.config, self.kernel, self.counts, self.chunks, self.firsts = config, kernel, counts, chunks, firsts
        self.gate = Gate(pause, seed)
        self.table, self.ring, self.masks = {}, {}, {}
        self.freed = self.listed = self.loaded = 0
        self.read = 0

    def step(self, seen):
        c, size = self.config, 2 * self.config.slots
        if seen:
            self.masks[self.read] = seen["slots_mask"]
            self.listed += (seen["slots_listed"] - self.listed) % size
            self.loaded += (seen["slots_loaded"] - self.loaded) % size
            assert self.freed <= self.loaded <= self.listed <= self.freed + c.slots
            assert self.loaded <= len(self.counts)
            if seen["table_write"]:
                self.table[seen["table_address"]] = seen["table_entry"]
            if seen["ring_write"]:
                self.ring[seen["ring_address"]] = seen["ring_data"]
        if self.freed < self.loaded and not self.gate.closed():
            if self.read == self.freed % c.slots and self.masks.get(self.read) is not None:
                self.check(self.freed)
                self.freed += 1
            self.masks.clear()
        self.read = self.freed % c.slots
        return {"slots_freed": self.freed % size, "slots_read": self.read}

    def check(self, channel):
        """All that channel's entries, mask and chunks are in place: nothing written later has touched them."""
        c, (height, width) = self.config, self.kernel
        slot, mask = channel % c.slots, 0
        start = sum(int(row.sum()) for row in self.counts[:channel])
        words = iter(self.chunks[channel])
        for index, count in enumerate(self.counts[channel].tolist()):
            place = index // width * c.kernel + index % width
            mask |= (count != 0) << place
            offset = (offset_of(index) - int(self.firsts[channel, index])) % c.acc_depth
            entry = self.table[slot << c.position_bits | place]
            assert entry == (count << c.ring_bits | start % c.weight_depth) << c.acc_address_bits | offset
            for chunk in range(start, start + count):
                for column in range(c.words_per_chunk):
                    word = self.ring[chunk % c.weight_depth] >> (8 * c.weight_bytes * column) & ((1 << 8 * c.weight_bytes) - 1)
                    assert word == next(words)
            start += count
        assert self.masks[slot] == mask


def load(counts, kernel=(3, 3), config=CONFIG, idle=("never", "never"), hold="never", seed=1, firsts=None):
    """Load channels of these counts, and first chunks (arrays [channel, position]), if any; return the trace."""
    rng = np.random.default_rng(seed)
    top = 1 << 8 * config.weight_bytes
    chunks = [rng.integers(0, top, int(row.sum()) * config.words_per_chunk).tolist() for row in counts]

    def arguments():
        return dict(clk=bit(), rst=reset(), config=config, counts=Stream(8 if firsts is None else 16),
                    weights=Stream(8 * config.weight_bytes),
                    kernel_h=unsigned(4), kernel_w=unsigned(4), slots=Slots(config), table=RowTable(config), ring=RingPort(config))

    class Kernel:
        def step(self, seen):
            return {"kernel_h": kernel[0], "kernel_w": kernel[1]}

    user = User(config, kernel, counts, chunks, hold, seed, np.zeros_like(counts) if firsts is None else firsts)
    words = counts if firsts is None else counts | firsts << 8
    sources = (Source("counts", words.reshape(-1), idle[0], seed),
               Source("weights", (word for channel in chunks for word in channel), idle[1], seed + 1))
    return run(loader, arguments, OUTPUTS, (Kernel(), *sources, user), lambda: user.freed == len(counts), linger=20, limit=20_000)


@pytest.mark.parametrize("idle, hold", [(("never", "never"), "never"), (("sometimes", "never"), "burst"),
                                        (("burst", "sometimes"), "sometimes"), (("never", "burst"), "fixed")])
def test_every_channel_is_complete_when_loaded_and_untouched_until_freed(idle, hold):
    """Forty channels of zero to sixteen chunks: the ring of 16 and the four slots wrap many times."""
    rng = np.random.default_rng(41)
    counts = (rng.integers(0, 4, (40, 9)) * (rng.random((40, 9)) < 0.5)).clip(0, 4)
    counts *= counts.cumsum(axis=1) <= 16
    load(counts, idle=idle, hold=hold, seed=3)


@pytest.mark.parametrize("idle, hold", [(("never", "never"), "sometimes"), (("sometimes", "burst"), "never")])
def test_a_first_chunk_is_subtracted_from_the_sum_offset_modulo_the_depth(idle, hold):
    rng = np.random.default_rng(43)
    counts = (rng.integers(0, 3, (20, 9)) * (rng.random((20, 9)) < 0.5)).clip(0, 2)
    counts *= counts.cumsum(axis=1) <= 16
    firsts = rng.choice([0, 1, 2, 63, 64, 255], (20, 9))
    load(counts, idle=idle, hold=hold, seed=4, firsts=firsts)


def test_first_chunks_do_not_reach_the_counts():
    trace = load(np.zeros((6, 9), int), firsts=np.full((6, 9), 255))
    assert not any(trace["ring_write"]) and not any(trace["slots_mask"])


def test_all_counts_zero_needs_no_weight_word():
    trace = load(np.zeros((20, 9), int))
    assert not any(trace["ring_write"]) and not any(trace["slots_mask"])
    assert len(trace.when("counts")) == 180


@pytest.mark.parametrize("position", [0, 4, 8])
def test_one_chunk_in_one_position(position):
    load(np.eye(9, dtype=int)[[position] * 6])


def test_a_channel_that_fills_the_ring_waits_until_the_ring_is_free():
    """Sixteen chunks a channel: the next one's words wait for the channel before to be freed."""
    counts = np.zeros((6, 9), int)
    counts[:, 2], counts[:, 7] = 7, 9
    load(counts, hold="burst")


@pytest.mark.parametrize("kernel", [(1, 1), (1, 3), (3, 2), (2, 3)])
def test_kernels_smaller_than_the_largest_are_listed_at_their_places(kernel):
    rng = np.random.default_rng(42)
    load(rng.integers(0, 3, (20, kernel[0] * kernel[1])), kernel, hold="sometimes")


def test_a_count_of_255_is_loaded_where_the_ring_holds_it():
    load(np.array([[255], [0], [1], [255]]), (1, 1), CONFIG.replace(weight_depth=256), hold="sometimes")


def test_slots_held_full_for_a_thousand_cycles_take_no_further_channel():
    trace = load(np.ones((12, 9), int), hold=lambda cycle: cycle < 1000)
    assert len([t for t in trace.when("counts") if t < 1000]) == CONFIG.slots * 9
    assert set(trace["slots_listed"][200:1000]) == {CONFIG.slots}


def test_a_pass_without_a_kernel_takes_no_counts():
    def arguments():
        return dict(clk=bit(), rst=reset(), config=CONFIG, counts=Stream(8), weights=Stream(16), kernel_h=unsigned(4),
                    kernel_w=unsigned(4), slots=Slots(CONFIG), table=RowTable(CONFIG), ring=RingPort(CONFIG))

    trace = run(loader, arguments, OUTPUTS, (Source("counts", [1] * 9),), lambda: True, linger=50)
    assert not any(trace["counts_ready"])
