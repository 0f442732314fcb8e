"""What stands at the ports of a core in a bench, cycle by cycle: the memory, the tokens, the program, and the counting.

This is the MyHDL bench's half of the work that `harness.cpp` does for the Verilator bench: the same memory, the same pauses
and the same counting, so the two agree cycle for cycle.

The memory has one port of W bytes a cycle and a latency of L cycles. A request accepted in cycle t moves the port's cursor:

    cursor = max(cursor, t * W) + positions            counts available from cycle ceil(cursor / W) + L
    cursor = cursor + W, for each weight word          available from cycle ceil(cursor / W) + L
"""
from __future__ import annotations

import collections

import numpy as np

from tb.job import STATES, UNFIRED, BenchError, BenchResult, Job, split_outputs
from tb.pauses import PORTS, Gate

CFG, EVENTS_IN, REQUESTS, COUNTS, WEIGHTS, EVENTS_OUT = range(len(PORTS))


class CorePorts:
    """The outside of a core running a job.

    In each cycle, first `drive()` gives the inputs of the cycle, then `observe()` takes the core's outputs of the same cycle.
    `done` turns true with the last event of the last image. Raises BenchError as the harness does.
    """

    def __init__(self, job: Job):
        self.job = job
        layers, images, config = len(job.layers), len(job.tokens), job.config
        self.cycles = np.zeros((images, layers), np.int64)
        self.pass_ends = np.zeros((images, len(job.passes)), np.int64)
        self.states = np.zeros((images, layers, len(STATES)), np.int64)
        self.beats = np.zeros((images, layers, config.pes), np.int64)
        self.bytes_read = np.zeros((images, layers), np.int64)
        self.requests = np.zeros((images, layers), np.int64)
        self.outputs = [np.full((images, *shape), UNFIRED, np.int16) for _, shape in job.layers]
        self.events_out = [[] for _ in range(images)]
        self.pausing = any(mode != "never" for mode in job.pauses.values())
        self.end_of_channel = 1 << (config.token_bits - 1)
        self.layer_of = {int(weights): int(layer) for layer, fires, *_, weights in job.passes if fires}
        self.passes = [(index, *map(int, one)) for index, one in enumerate(job.passes) if one[1]]
        self.t = self.image = self.cursor = 0
        self.held = [None] * len(PORTS)         # the word a source shows
        self.ready = [False] * len(PORTS)
        self.counts = collections.deque()       # (available from, count)
        self.weights = collections.deque()      # (available from, word)
        self.done = not images
        self.idle_since = 0
        if images:
            self._begin()

    def _begin(self) -> None:
        job = self.job
        self.words = collections.deque(int(word) for word in job.words)
        self.tokens = collections.deque(int(token) for _ in range(job.externals) for token in job.tokens[self.image])
        self.asked = 0
        self.first, self.layer, self.next_pass, self.started, self.ends = None, 0, 0, 0, job.ends

    def drive(self) -> tuple:
        """The inputs of this cycle: the words (None: not valid) of cfg, events_in, counts, weights; ready of requests, events_out."""
        if self.pausing and self.first is not None:
            shut = [gate.closed() for gate in self.gates]
        else:
            shut = [self.pausing and port == EVENTS_IN for port in range(len(PORTS))]
        if self.held[CFG] is None and not shut[CFG] and self.words:
            self.held[CFG] = self.words[0]
        if self.held[EVENTS_IN] is None and not shut[EVENTS_IN] and self.tokens:
            self.held[EVENTS_IN] = self.tokens[0]
        for port, queue in ((COUNTS, self.counts), (WEIGHTS, self.weights)):
            if self.held[port] is None and not shut[port] and queue and queue[0][0] <= self.t:
                self.held[port] = queue[0][1]
        self.ready[REQUESTS], self.ready[EVENTS_OUT] = not shut[REQUESTS], not shut[EVENTS_OUT]
        return (self.held[CFG], self.held[EVENTS_IN], self.held[COUNTS], self.held[WEIGHTS],
                self.ready[REQUESTS], self.ready[EVENTS_OUT])

    def observe(self, ready: tuple, request: int | None, event: int | None, fire: tuple | None,
                pass_start: bool, pass_done: bool, pe_state: int) -> None:
        """Take the core's outputs of this cycle; the next `drive()` is the next cycle's.

        ready: of cfg, events_in, counts, weights. request, event: the word shown, None when not valid.
        fire: (values, y, x, group) when outputs are fired, else None.
        """
        taken = [self.held[port] is not None and bool(high) for port, high in zip((CFG, EVENTS_IN, COUNTS, WEIGHTS), ready)]
        request = request if self.ready[REQUESTS] else None
        event = event if self.ready[EVENTS_OUT] else None
        if taken[0] and self.first is None:
            self.first = self.layer_start = self.t
            # From here on, so that an image's pauses do not depend on the images before it.
            first_gate = len(PORTS) * (self.job.number + self.image)
            self.gates = [Gate(self.job.pauses.get(port, "never"), self.job.seed, first_gate + number) for number, port in enumerate(PORTS)]
        if self.first is not None:
            self._count_states(pe_state)
        if fire is not None:
            self._fired(*fire)
        if request is not None:
            self._accept(request)
        if pass_start:
            self._pass_start()
        if pass_done:
            self._pass_done()
        for high, port, queue in zip(taken, (CFG, EVENTS_IN, COUNTS, WEIGHTS), (self.words, self.tokens, self.counts, self.weights)):
            if high:
                self.held[port] = None
                queue.popleft()
        if any(taken) or request is not None or event is not None or fire is not None or self._beating(pe_state):
            self.idle_since = self.t
        elif self.t - self.idle_since >= self.job.watchdog:
            raise BenchError(self._hung(pe_state))
        if event is not None:
            self.events_out[self.image].append(event)
            if event & self.end_of_channel:
                self.ends -= 1
                if self.ends == 0:
                    self._finish()
        self.t += 1

    def _pe_states(self, pe_state: int) -> list[int]:
        return [pe_state >> (3 * pe) & 7 for pe in range(self.job.config.pes)]

    def _beating(self, pe_state: int) -> bool:
        return 0 in self._pe_states(pe_state)

    def _count_states(self, pe_state: int) -> None:
        for pe, state in enumerate(self._pe_states(pe_state)):
            self.states[self.image, self.layer, state] += 1
            self.beats[self.image, self.layer, pe] += state == 0

    def _accept(self, request: int) -> None:
        number, channel = request >> 16, request & 0xFFFF
        if number >= len(self.job.weights) or channel >= len(self.job.weights[number].counts):
            raise BenchError(f"the core asked for channel {channel} of weights {number}, which do not exist")
        self.asked += 1
        if self.asked > self.job.requests:
            raise BenchError("the core asked more often than its passes have channels")
        image, port, latency = self.job.weights[number], self.job.config.weight_bytes, self.job.latency
        counts, words = image.counts[channel], image.words[image.start[channel]:image.start[channel + 1]]
        self.cursor = max(self.cursor, self.t * port) + len(counts)
        self.counts.extend((-(-self.cursor // port) + latency, int(count)) for count in counts)
        for word in words:
            self.cursor += port
            self.weights.append((-(-self.cursor // port) + latency, int.from_bytes(word.tobytes(), "little")))
        layer = self.layer_of[number]
        self.bytes_read[self.image, layer] += len(counts) + words.size
        self.requests[self.image, layer] += 1

    def _fired(self, values: int, y: int, x: int, group: int) -> None:
        if self.next_pass >= len(self.passes):
            raise BenchError("the core fired outputs after its last pass")
        _, layer, _, first_channel, channels, _, _ = self.passes[self.next_pass]
        _, (_, height, width) = self.job.layers[layer]
        if y >= height or x >= width:
            raise BenchError(f"the core fired an output outside layer {layer}")
        lanes = self.job.config.fire_lanes
        for lane in range(min(lanes, channels - group * lanes)):
            value = values >> (9 * lane) & 511
            self.outputs[layer][self.image, first_channel + group * lanes + lane, y, x] = value - ((value & 256) << 1)

    def _pass_done(self) -> None:
        if self.next_pass >= len(self.passes):
            raise BenchError("the core fired more passes than the program has")
        index = self.passes[self.next_pass][0]
        self.pass_ends[self.image, index] = self.t - self.first + 1
        self.next_pass += 1

    def _pass_start(self) -> None:
        """A layer's cycles end when the first pass of the next layer enters the front, the last layer's with the image."""
        if self.started >= len(self.job.passes):
            raise BenchError("the core started more passes than the program has")
        layer, fires = self.job.passes[self.started][:2]
        if self.started and fires and self.job.passes[self.started - 1][0] != layer:
            self._end_layer()
        self.started += 1

    def _end_layer(self) -> None:
        self.cycles[self.image, self.layer] = self.t + 1 - self.layer_start
        self.layer_start = self.t + 1
        self.layer += 1

    def _finish(self) -> None:
        self._end_layer()
        for index, one in enumerate(self.job.passes):
            if not one[1]:
                self.pass_ends[self.image, index] = self.t - self.first + 1
        left = [len(self.passes) - self.next_pass, len(self.words), len(self.tokens)]
        if any(left):
            raise BenchError(f"image {self.image} ended early: {left[0]} passes not fired, {left[1]} configuration words "
                             f"and {left[2]} tokens not taken")
        if self.counts or self.weights:
            raise BenchError(f"image {self.image} ended with weights that the core asked for and did not take")
        self.image += 1
        self.done = self.image == len(self.job.tokens)
        if not self.done:
            self._begin()

    def _hung(self, pe_state: int) -> str:
        return (f"image {self.image} made no progress for {self.job.watchdog} cycles: {self.next_pass} of {len(self.passes)} firing "
                f"passes done, {len(self.words)} configuration words, {len(self.tokens)} tokens, {len(self.counts)} counts and "
                f"{len(self.weights)} weight words not taken, {self.ends} channel ends of events_out missing, PE states "
                + " ".join(str(state) for state in self._pe_states(pe_state)))

    def result(self, seconds: float) -> BenchResult:
        """What was observed so far; seconds: wall clock of the run."""
        flat = np.concatenate([one.reshape(len(one), -1) for one in self.outputs], axis=1)
        return BenchResult(split_outputs(self.job, flat), self.cycles, self.pass_ends, self.states, self.beats, self.bytes_read,
                           self.requests, [np.array(events, np.uint32) for events in self.events_out], self.t, seconds)
