"""Executes a memory image from its words alone, written from docs/accelerator.md and independent of the compiler.

It knows no time, but checks what time could break: an event may be read only when the rule "lag, progressive" says it is in memory.
"""

from dataclasses import dataclass, field

import numpy as np

HEADER = 22


def signed(value, bits):
    return value - (1 << bits) if value >> (bits - 1) & 1 else value


class Header:
    def __init__(self, words):
        w = [int(one) for one in words]
        names = ("end", "vector", "flatten", "emit_zeros", "relu", "diagonal", "signed_source", "progressive")
        for bit, name in enumerate(names):
            setattr(self, name, bool(w[0] >> bit & 1))
        self.kh, self.kw, self.log, self.lag = w[0] >> 8 & 15, w[0] >> 12 & 15, w[0] >> 16 & 3, w[0] >> 18 & 3
        self.same_parameters, self.masked = bool(w[0] >> 20 & 1), bool(w[0] >> 21 & 1)
        assert w[0] >> 22 == 0xCF << 2
        self.in_channels, self.bands = w[1] >> 16, w[1] & 0xFFFF
        self.slot_words, self.map_bands = w[2] >> 16, w[2] & 0xFFFF
        self.events, self.counts = w[3], w[4]
        self.rows, self.x_bits, self.strips, self.first_y = w[5] & 255, w[5] >> 8 & 15, w[5] >> 12 & 15, w[5] >> 16
        self.channel_words = w[6]
        self.y_offset, self.x_offset = signed(w[7] >> 16, 16), signed(w[7] & 0xFFFF, 16)
        self.tile_h, self.tile_w = w[8] >> 16, w[8] & 0xFFFF
        self.stride_y, self.stride_x = w[9] >> 16, w[9] & 0xFFFF
        self.folded = self.stride_y == self.stride_x == 0
        self.weight_counts, self.weight_chunks = w[10], w[11]
        self.count_words, self.first_chunk = w[12] >> 16, w[12] & 0xFFFF
        self.channels, self.first_channel = w[13] >> 16, w[13] & 0xFFFF
        self.pool, self.pool_stride, self.pool_pad, self.pool_pad_y = (w[14] >> shift & 15 for shift in (0, 4, 8, 12))
        assert w[14] >> 16 == 0
        self.fired_h, self.fired_w = w[15] >> 16, w[15] & 0xFFFF
        self.out_slot_words, self.out_bands = w[16] >> 16, w[16] & 0xFFFF
        self.out_events, self.out_counts, self.out_channel_words = w[17], w[18], w[19]
        self.out_rows, self.out_x_bits, self.out_strips = w[20] & 255, w[20] >> 8 & 15, w[20] >> 12 & 15
        self.flat_size, self.flat_width = w[21] >> 16, w[21] & 0xFFFF


@dataclass
class Result:
    """memory: uint8 after the run.  headers: of the passes.  beats, requests: of each pass.  fired: outputs of each firing pass."""

    memory: np.ndarray
    headers: list = field(default_factory=list)
    beats: list = field(default_factory=list)
    requests: list = field(default_factory=list)
    fired: list = field(default_factory=list)


class Interpreter:
    """config: CoreConfig (lanes, port_bytes, and the depths that are checked)."""

    def __init__(self, config):
        self.config, self.port = config, config.port_bytes

    def run(self, memory, program, length):
        """Run `length` 32-bit words from word address `program` of a memory image; returns a Result with a new memory."""
        self.memory = memory.copy()
        self.touched, self.writer, self.before = np.zeros(len(memory), bool), {}, 0
        result = Result(self.memory)
        words = self.memory[program * self.port:program * self.port + 4 * length].view("<u4").copy()
        self.touched[:(program * self.port + 4 * length)] = True        # nothing may be written over the program
        sums, at, parameters = None, 0, None
        while at < length:
            head = Header(words[at:at + HEADER])
            positions = head.kh * head.kw
            offsets = words[at + HEADER:at + HEADER + positions].astype(np.int64)
            at += HEADER + positions
            live = np.ones(head.in_channels, bool)
            if head.masked:
                number = -(-head.in_channels // 32)
                assert number <= self.config.mask_words and not head.diagonal
                mask = np.unpackbits(words[at:at + number].view(np.uint8), bitorder="little").astype(bool)
                live, at = mask[:head.in_channels], at + number
                assert not mask[head.in_channels:].any()
            if head.channels and head.same_parameters:
                assert len(parameters) == head.channels
            elif head.channels:
                parameters = words[at:at + 2 * head.channels].reshape(-1, 2)
                at += 2 * head.channels
            if sums is None:
                sums = np.zeros((self.config.acc_depth, self.config.lanes), np.int64)
            self.accumulate(head, offsets, live, sums, result)
            result.headers.append(head)
            if head.channels:
                result.fired.append(self.fire(head, parameters, sums))
                self.before, sums = self.before + 1, None
            assert head.end == (at == length)
        assert at == length and sums is None
        return result

    def bytes_of(self, word, words):
        return self.memory[word * self.port:(word + words) * self.port]

    def accumulate(self, head, offsets, live, sums, result):
        config, lanes = self.config, self.config.lanes
        chunks, depth = head.stride_x, head.tile_h * head.tile_w * head.stride_x
        if head.folded:
            chunks = depth = config.acc_depth
            assert head.diagonal and (head.kh, head.kw, head.log) == (1, 1, 0) and -(-head.channels // lanes) <= depth
        assert depth <= config.acc_depth and max(head.kh, head.kw) <= config.kernel
        assert head.stride_y == head.tile_w * head.stride_x
        positions = head.kh * head.kw
        table = self.bytes_of(head.weight_counts, head.count_words).astype(np.int64)
        if positions > 1:
            table = table.reshape(-1, -(-positions // self.port) * self.port)[:, :positions]
        else:
            table = table.reshape(-1, 1)
        ends = np.cumsum(table.sum(axis=1))
        assert 2 * table.sum(axis=1).max(initial=0) <= config.weight_depth
        beats, requests = 0, []
        for channel in range(head.in_channels):
            rows = table[channel * head.flat_size:(channel + 1) * head.flat_size] if head.flatten else table[channel]
            if not live[channel]:
                assert not rows.any(), "a channel that is not live keeps a row"
                continue
            value, y, x = self.events(head, channel)
            if not len(value):
                continue
            if head.flatten:
                index = channel * head.flat_size + y * head.flat_width + x
                value, yp, xp = value[:, None], np.zeros((len(index), 1), int), np.zeros((len(index), 1), int)
            else:
                index, value, yp, xp = [channel], value[None], (y + head.y_offset)[None], (x + head.x_offset)[None]
            for row, values, ys, xs in zip(index, value, yp, xp):
                requests.append(int(row))
                counts = table[row]
                start = (ends[row] - counts.sum()) * lanes
                data = self.memory[
                    head.weight_chunks * self.port + start:head.weight_chunks * self.port + ends[row] * lanes]
                data = data.view(np.int8).astype(np.int64).reshape(-1, lanes)
                first = (row // lanes - head.first_chunk) if head.diagonal else 0
                for position in range(positions):
                    ky, kx = divmod(position, head.kw)
                    count = counts[position]
                    mine, data = data[:count], data[count:]
                    dy, dx = ys - ky, xs - kx
                    step = 1 << head.log
                    hit = (dy >= 0) & (dx >= 0) & (dy % step == 0) & (dx % step == 0)
                    hit &= (dy >> head.log < head.tile_h) & (dx >> head.log < head.tile_w)
                    if not count or not hit.any():
                        continue
                    base = (ys[hit] >> head.log) * head.stride_y + (xs[hit] >> head.log) * head.stride_x - offsets[position] + first
                    assert base.min() >= 0 and first >= 0 and first + count <= chunks and base.max() + count <= depth
                    beats += int(hit.sum()) * int(count)
                    for j in range(count):
                        np.add.at(sums, base + j, values[hit][:, None] * mine[j])
        assert requests == sorted(set(requests)) and max(requests, default=0) < 1 << 16
        limit = 1 << (config.acc_bits - 1)
        assert sums.min() >= -limit and sums.max() < limit
        result.beats.append(beats)
        result.requests.append(requests)

    def events(self, head, channel):
        """Return value, y and x of the events of one channel that a pass reads."""
        parts = []
        for band in range(head.bands):
            byte = head.counts + channel * head.map_bands + band
            self.check_written(head, channel, byte)
            word = head.events + channel * head.channel_words + band * head.slot_words
            count = int(self.memory[byte])
            assert -(-2 * count // self.port) <= head.slot_words
            event = self.bytes_of(word, head.slot_words).view("<u2")[:count].astype(np.int64)
            value, position = event & 255, event >> 8
            assert (np.diff(position) > 0).all()
            y = (position >> head.x_bits) + head.first_y + band // head.strips * head.rows
            x = (position & (1 << head.x_bits) - 1) + band % head.strips * 128
            assert (position >> head.x_bits < head.rows).all()
            parts.append((np.where(value > 127, value - 256, value) if head.signed_source else value, y, x))
        return (np.concatenate(one) for one in zip(*parts))

    def check_written(self, head, channel, byte):
        """The band was written by a pass that is surely in memory when the hardware reads it."""
        if byte in self.writer:
            firing, layer_channel = self.writer[byte]
            early = head.progressive and firing == self.before - 1 and layer_channel <= channel
            assert firing < self.before - head.lag or early

    def fire(self, head, parameters, sums):
        lanes, chunks, sides = self.config.lanes, head.stride_x, (head.tile_h, head.tile_w)
        if head.folded:
            chunks, sides = -(-head.channels // lanes), (1, 1)
            assert (head.fired_h, head.fired_w, head.pool) == (1, 1, 1)
        assert head.first_channel % lanes == 0 and head.channels <= chunks * lanes
        assert -(-head.channels // self.config.fire_lanes) <= self.config.param_depth
        maps = sums[:sides[0] * sides[1] * chunks].reshape(*sides, chunks * lanes)
        padded = np.full((head.pool_pad_y + head.fired_h * head.pool_stride + head.pool + sides[0],
                          head.pool_pad + head.fired_w * head.pool_stride + head.pool + sides[1], chunks * lanes), -(1 << 60))
        padded[head.pool_pad_y:head.pool_pad_y + sides[0], head.pool_pad:head.pool_pad + sides[1]] = maps
        seen = np.zeros(padded.shape[:2], bool)
        best = np.full((head.fired_h, head.fired_w, chunks * lanes), -(1 << 60))
        for dy in range(head.pool):
            for dx in range(head.pool):
                part = (slice(dy, dy + head.fired_h * head.pool_stride, head.pool_stride),
                        slice(dx, dx + head.fired_w * head.pool_stride, head.pool_stride))
                best = np.maximum(best, padded[part])
                seen[part] = True
        assert best.min() > -(1 << 60), "a window covers nothing"
        inside = seen[head.pool_pad_y:head.pool_pad_y + sides[0], head.pool_pad:head.pool_pad + sides[1]]
        assert inside.all(), "a partial sum is read by no window and would not be cleared"
        values = np.moveaxis(best, 2, 0)[:head.channels]
        bias = parameters[:, 0].view(np.int32).astype(np.int64)[:, None, None]
        scale = parameters[:, 1].astype(np.int64)[:, None, None]
        shift, dead = scale >> 16 & 63, (scale >> 22 & 1).astype(bool)
        assert shift.min() >= 1 and scale.max() < 1 << 23
        values = ((values + bias) * (scale & 0xFFFF) + (1 << shift - 1)) >> shift
        values = np.clip(values, *((0, 255) if head.relu else (-128, 127)))
        emit = ~dead & ((values != 0) | head.emit_zeros)
        if head.vector:
            assert values.shape[1:] == (1, 1) and head.first_channel % 128 == 0
            flat, live = values[:, 0, 0], emit[:, 0, 0]
            for band in range(-(-head.channels // 128)):
                part = slice(band * 128, band * 128 + 128)
                self.write(head, 0, band, np.flatnonzero(live[part]), flat[part][live[part]], head.first_channel)
            return values
        for k in range(head.channels):
            for band, (ys, xs) in enumerate(
                    (ys, xs) for ys in range(0, head.fired_h, head.out_rows) for xs in range(0, head.out_strips * 128, 128)):
                width = min(head.fired_w - xs, 128) if head.out_strips > 1 else head.fired_w
                part = (k, slice(ys, ys + head.out_rows), slice(xs, xs + width))
                y, x = np.nonzero(emit[part])
                assert width <= 1 << head.out_x_bits and head.out_rows * width <= 255
                self.write(head, k, band, y << head.out_x_bits | x, values[part][y, x], head.first_channel + k)
        return values

    def write(self, head, channel, band, positions, values, layer_channel):
        """Write one band: its events and their number."""
        assert len(positions) <= 255 and (not len(positions) or positions.max() <= 255)
        event = (values & 255 | positions << 8).astype("<u2").view(np.uint8)
        start = (head.out_events + channel * head.out_channel_words + band * head.out_slot_words) * self.port
        assert len(event) <= head.out_slot_words * self.port
        byte = head.out_counts + (0 if head.vector else channel * head.out_bands) + band
        slot = slice(start, start + head.out_slot_words * self.port)
        assert not self.touched[slot].any() and not self.touched[byte], "memory is written twice"
        self.touched[slot] = self.touched[byte] = True
        self.memory[slot] = 0xEE        # what follows the last event means nothing
        self.memory[start:start + len(event)] = event
        self.memory[byte] = len(positions)
        self.writer[byte] = (self.before, layer_channel)
