"""A plain executor of a program's words, written from docs/core.md alone and independent of the compiler's encoder.

It knows no time: it takes each pass's tokens, asks for weights, accumulates and fires. It checks what the core relies on:
accumulator addresses and partial sums in range, no bank over its depth, each weight image asked for real channels only.
"""

from collections import deque
from dataclasses import dataclass, field

import numpy as np


def signed(value, bits):
    return value - (1 << bits) if value >> (bits - 1) & 1 else value


@dataclass
class Header:
    words: tuple

    def __post_init__(self):
        w = self.words
        for bit, name in enumerate(("banks", "drain", "replay", "flatten", "emit_zeros", "relu")):
            setattr(self, name, bool(w[0] >> bit & 1))
        self.kh, self.kw, self.log = w[0] >> 8 & 15, w[0] >> 12 & 15, w[0] >> 16 & 3
        self.in_channels, self.repeats = w[1] >> 16, w[1] & 0xFFFF
        self.y_offset, self.x_offset = signed(w[2] >> 16, 16), signed(w[2] & 0xFFFF, 16)
        self.tile_h, self.tile_w = w[3] >> 16, w[3] & 0xFFFF
        self.stride_y, self.stride_x = w[4] >> 16, w[4] & 0xFFFF
        self.chunks, self.weights_id = w[5] >> 16, w[5] & 0xFFFF
        self.channels = w[6]
        self.pool, self.pool_stride, self.pool_pad = w[7] & 15, w[7] >> 4 & 15, w[7] >> 8 & 15
        self.fired_h, self.fired_w = w[8] >> 16, w[8] & 0xFFFF
        self.fired_y0, self.fired_x0 = w[9] >> 16, w[9] & 0xFFFF
        self.flat_hw, self.flat_w = w[10] >> 16, w[10] & 0xFFFF
        self.offsets = w[11:11 + self.kh * self.kw]
        rest = w[11 + self.kh * self.kw:]
        assert len(rest) == 2 * self.channels
        self.bias = [signed(b, 32) for b in rest[::2]]
        self.multiplier = [p & 0xFFFF for p in rest[1::2]]
        self.shift = [p >> 16 & 63 for p in rest[1::2]]
        self.dead = [bool(p >> 22 & 1) for p in rest[1::2]]


@dataclass
class Result:
    """fired: {layer: int array [K, H, W]}, -999 where nothing was fired; tokens: drained; beats and events per layer."""

    fired: dict = field(default_factory=dict)
    tokens: list = field(default_factory=list)
    beats: dict = field(default_factory=dict)
    events: dict = field(default_factory=dict)
    requests: list = field(default_factory=list)


class Executor:
    def __init__(self, program):
        self.program, self.config = program, program.config
        self.banks = [deque() for _ in range(self.config.fire_lanes)]

    def token(self, raw):
        b = self.config.coord_bits
        return (signed(raw & 511, 9), raw >> 9 & ((1 << b) - 1), raw >> (9 + b) & ((1 << b) - 1),
                raw >> (9 + 2 * b) & 1, raw >> (10 + 2 * b) & 1)

    def source(self, head, external):
        """Yield (channel, token) of a pass; replayed tokens go back to the end of their bank."""
        for _ in range(head.repeats):
            for channel in range(head.in_channels):
                bank = self.banks[channel % len(self.banks)]
                while True:
                    raw = next(external) if not head.banks else bank.popleft()
                    if head.banks and head.replay:
                        self.kept[channel % len(self.banks)].append(raw)
                    token = self.token(raw)
                    yield channel, raw, token
                    if token[4]:
                        break

    def run(self, image):
        result = Result()
        image_tokens = [int(t) for t in self.program.input_tokens(image)]
        for one in self.program.passes:
            head = Header(one.words)
            external = iter([]) if head.banks else iter(image_tokens)
            self.kept = [[] for _ in self.banks]
            if head.drain:
                result.tokens += [raw for _, raw, _ in self.source(head, external)]
                continue
            sums = self.accumulate(head, external, one.layer, result)
            assert next(external, None) is None, "tokens of an external pass are left over"
            for bank, kept in zip(self.banks, self.kept):
                bank.extendleft(reversed(kept))
            self.fire(head, sums, one, result)
        assert not any(self.banks), "tokens are left in the banks"
        return result

    def accumulate(self, head, external, layer, result):
        lanes, image = self.config.lanes, self.program.weights[head.weights_id]
        depth = self.config.acc_depth
        assert head.tile_h * head.tile_w * head.chunks <= depth
        sums = np.zeros((depth, lanes), np.int64)
        positions = 1 if head.flatten else head.kh * head.kw
        assert image.counts.shape[1] == positions and image.counts.max(initial=0) <= head.chunks
        cache = {}
        for channel, _, (value, x, y, valid, _) in self.source(head, external):
            if not valid:
                continue
            row = channel * head.flat_hw + y * head.flat_w + x if head.flatten else channel
            yp, xp = (0, 0) if head.flatten else (y + head.y_offset, x + head.x_offset)
            met = False
            for ky in range(head.kh):
                for kx in range(head.kw):
                    dy, dx = yp - ky, xp - kx
                    step = 1 << head.log
                    if dy < 0 or dx < 0 or dy % step or dx % step or dy >> head.log >= head.tile_h or dx >> head.log >= head.tile_w:
                        continue
                    met = True
                    if row not in cache:
                        cache[row] = self.fetch(image, row)
                        result.requests.append((head.weights_id, row))
                    position = ky * head.kw + kx
                    chunks = cache[row][position]
                    address = (yp >> head.log) * head.stride_y + (xp >> head.log) * head.stride_x - head.offsets[position]
                    assert 0 <= address and address + len(chunks) <= head.tile_h * head.tile_w * head.chunks
                    sums[address:address + len(chunks)] += value * chunks
                    result.beats[layer] = result.beats.get(layer, 0) + len(chunks)
            result.events[layer] = result.events.get(layer, 0) + met
        limit = 1 << (self.config.acc_bits - 1)
        assert sums.min() >= -limit and sums.max() < limit
        return sums

    def fetch(self, image, row):
        """Return the chunks of each position of one request, [count, C] each."""
        width = self.config.weight_bytes
        words = image.words[image.start[row]:image.start[row + 1]].reshape(-1).view(np.int8).astype(np.int64)
        assert image.words.shape[1] == width
        chunks = words.reshape(-1, self.config.lanes)
        assert len(chunks) <= self.config.weight_depth
        counts = image.counts[row].astype(int)
        assert counts.sum() == len(chunks)
        return np.split(chunks, np.cumsum(counts)[:-1])

    def fire(self, head, sums, one, result):
        lanes = self.config.lanes
        shape = self.program.network.layers[one.layer].out_shape
        fired = result.fired.setdefault(one.layer, np.full(shape, -999))
        maps = sums[:head.tile_h * head.tile_w * head.chunks].reshape(head.tile_h, head.tile_w, head.chunks * lanes)
        low, high = (0, 255) if head.relu else (-128, 127)
        for k in range(head.channels):
            tokens = []
            for fy in range(head.fired_h):
                for fx in range(head.fired_w):
                    y0, x0 = fy * head.pool_stride - head.pool_pad, fx * head.pool_stride - head.pool_pad
                    window = maps[max(0, y0):y0 + head.pool, max(0, x0):x0 + head.pool, k]
                    assert window.size and head.shift[k] >= 1
                    value = int(window.max()) + head.bias[k]
                    value = (value * head.multiplier[k] + (1 << (head.shift[k] - 1))) >> head.shift[k]
                    value = min(high, max(low, value))
                    y, x = fy + head.fired_y0, fx + head.fired_x0
                    assert fired[one.first_channel + k, y, x] == -999, "an output was fired twice"
                    fired[one.first_channel + k, y, x] = value
                    if not head.dead[k] and (value or head.emit_zeros):
                        tokens.append((value & 511) | x << 9 | y << (9 + self.config.coord_bits) | 1 << (9 + 2 * self.config.coord_bits))
            tokens = tokens or [0]
            tokens[-1] |= 1 << (10 + 2 * self.config.coord_bits)
            bank = self.banks[k % len(self.banks)]
            bank.extend(tokens)
            assert len(bank) <= self.config.bank_capacity
