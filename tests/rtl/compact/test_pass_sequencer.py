"""pass_sequencer with pass_header on a program in memory: which words are asked for, in which order, and what is told when."""
from collections import deque

import numpy as np
import pytest
from myhdl import always_comb, block

from rtl.compact.memory_master import Answers, Ask
from rtl.compact.pass_header import Settings, pass_header, program_word
from rtl.compact.pass_sequencer import BEGIN, FIRE, Control, pass_sequencer
from rtl.compact.sizes import ADDRESS_BITS, PARAMS, word_bits
from rtl.config import CoreConfig
from rtl.hdl import leave_open
from rtl.pass_settings import MAGIC
from rtl.stream import bit, unsigned, wrapping
from tb.block_bench import reset, run
from tb.block_parts import Script
from tb.pauses import Gate

DEPTH, START, KERNEL = 16, 300, 3
NEVER, UNKNOWN = 1 << 30, 1 << 31       # cycles: of no pass; of a pass that was entered
AHEAD = PARAMS - 3
FIRST, FLAT, LAST, HEADER = range(13), 21, range(13, 21), 22
OUTPUTS = ("program_valid", "program_address", "program_note", "params_valid", "word", "enter", "fire", "sweeping", "sweep",
           "sweep_address", "control", "state")


@block
def sequencing(clk, rst, config, launch, address, length, program, answers, params_valid, word, enter, placed, multiplied, fire, fired,
               param_used, sweeping, sweep, sweep_address, control, state):
    """pass_sequencer and the header whose settings it goes by, joined as in the compact accelerator."""
    settings = Settings(config)
    complete, take_header, take_params, header_start, second, header_valid = (bit() for _ in range(6))
    u_word = program_word(config, answers, word)
    u_header = pass_header(clk, rst, config, header_start, second, header_valid, word, settings, complete)
    u_sequencer = pass_sequencer(clk, rst, config, launch, address, length, settings, complete, program, take_header, take_params,
                                 header_start, second, enter, placed, multiplied, fire, fired, param_used, sweeping, sweep,
                                 sweep_address, control, state)
    leave_open(*vars(settings).values())

    @always_comb
    def join():
        header_valid.next = answers.program and take_header
        params_valid.next = answers.program and take_params

    return u_word, u_header, u_sequencer, join


def config_of(lanes):
    return CoreConfig(pes=1, lanes=lanes, fire_lanes=1, weight_bytes=lanes, compact=True, kernel=KERNEL, acc_depth=DEPTH)


class Program:
    """32-bit words of passes, which of them are asked for, and what happens: (what, words asked for up to then)."""

    def __init__(self, seed=1):
        self.rng, self.words, self.asked, self.happens, self.params, self.held = np.random.default_rng(seed), [], [], [], [], []

    def add(self, kernel=(1, 1), channels=3, fired=2, flatten=0, masked=0, keep=0, last=0):
        """A pass; its parameters are the words that fire gets, those of the pass before with `keep`."""
        at, words = len(self.words), [int(word) for word in self.rng.integers(1 << 32, size=HEADER)]
        words[0] = last | flatten << 2 | kernel[0] << 8 | kernel[1] << 12 | keep << 20 | masked << 21 | MAGIC << 24
        words[1], words[5], words[13], words[20] = channels << 16, 1 << 12, fired << 16, 1 << 12
        words[14] &= 0x7777     # nothing of more than seven places is pooled
        own = 0 if keep else 2 * fired
        behind = kernel[0] * kernel[1] + (-(-channels // 32) if masked else 0)
        words += [int(word) for word in self.rng.integers(1 << 32, size=behind + own)]
        self.words += words
        self.asked += [at + index for index in FIRST] + [at + FLAT] * flatten
        self.happens.append(("enter", len(self.asked)))
        self.asked += [at + index for index in LAST]
        if fired:
            self.held = self.held if keep else list(range(at + HEADER + behind, at + HEADER + behind + own))
            self.happens.append(("fire", len(self.asked)))
            self.asked += self.held
            self.params.append([self.words[index] for index in self.held])
        return self


class Around:
    """The memory of a program, and multiplying and firing that take their time; launches once the sums are swept.

    pauses: of requests and answers.  slow: most cycles that a phase takes.  cut: words by which the length is too short.
    hold: cycles of the run in which no parameter is used.
    """

    def __init__(self, config, program, pauses="never", latency=2, slow=0, seed=1, cut=0, hold=0):
        self.config, self.program, self.latency, self.slow, self.hold = config, program, latency, slow, hold
        self.rng, self.gates, self.length = np.random.default_rng(seed), [Gate(pauses, seed, n) for n in range(2)], len(program.words) - cut
        self.asked, self.happened, self.params, self.open, self.most = [], [], [], deque(), 0
        self.t = self.level = self.ahead = 0
        self.launched = self.over = self.ready = self.firing = self.entered = False
        self.placed = self.multiplied = NEVER

    def word_at(self, place):
        """The memory word around a 32-bit word."""
        per = 1 << word_bits(self.config)
        first = place // per * per - START
        parts = [self.program.words[i] if 0 <= i < len(self.program.words) else 0xDEAD for i in range(first, first + per)]
        return sum(part << 32 * i for i, part in enumerate(parts))

    def wait(self):
        """Cycles that a phase takes."""
        return int(self.rng.integers(self.slow)) if self.slow else 0

    def look(self, seen):
        """What the outputs of the cycle before lead to."""
        bits = word_bits(self.config)
        if seen["params_valid"]:
            self.params[-1].append(seen["word"])
            self.level += 1
        if seen["enter"]:
            self.happened.append(("enter", len(self.asked)))
            self.entered, self.multiplied = True, UNKNOWN
        if seen["fire"]:
            assert self.multiplied < self.t, "fire began while beats were on their way"
            self.happened.append(("fire", len(self.asked)))
            self.params.append([])
            self.level = self.ahead = 0
        if seen["program_valid"] and self.ready:
            place = seen["program_address"] << bits | (seen["program_note"] if bits else 0)
            self.asked.append(place - START)
            self.open.append((self.t + self.latency - 1, place))
            self.ahead += seen["state"] == FIRE
        self.firing = seen["state"] == FIRE
        if seen["state"] == BEGIN:
            assert self.multiplied < self.t or self.multiplied == NEVER, "a pass began while beats were on their way"
            self.placed = self.multiplied = NEVER
        self.most = max(self.most, self.ahead)
        self.over = bool(self.happened and seen["control_over"])

    def step(self, seen):
        self.t += 1
        inputs = {"launch": 0, "param_used": 0, "fired": 0, "answers_program": 0}
        if seen:
            self.look(seen)
        if not self.launched and seen and not seen["sweeping"]:
            self.launched = True
            inputs.update(launch=1, address=START >> word_bits(self.config), length=self.length)
        if self.open and self.open[0][0] <= self.t and not self.gates[1].closed():
            _, place = self.open.popleft()
            inputs.update(answers_program=1, answers_data=self.word_at(place), answers_note=place % (1 << word_bits(self.config)))
        if self.entered and not self.open:      # events come after the word of flatten
            self.placed, self.entered = self.t + self.wait(), False
            self.multiplied = self.placed + 4 * self.wait()
        inputs.update(placed=int(self.t >= self.placed), multiplied=int(self.t >= self.multiplied))
        if self.firing:
            whole = len(self.params[-1]) == len(self.program.params[len(self.params) - 1])
            if self.level >= 2 and self.t > self.hold and self.rng.random() < (0.3 if self.slow else 1):
                inputs["param_used"] = 1
                self.level, self.ahead = self.level - 2, self.ahead - 2
            elif whole and not self.level:
                inputs["fired"] = 1
        self.ready = not self.gates[0].closed()
        return {**inputs, "program_ready": int(self.ready)}


def simulate(config, parts, done, **options):
    print("seed 1")

    def arguments():
        return dict(clk=bit(), rst=reset(), config=config, launch=bit(), address=unsigned(ADDRESS_BITS),
                    length=unsigned(ADDRESS_BITS + word_bits(config)), program=Ask(config, max(1, word_bits(config))),
                    answers=Answers(config), params_valid=bit(), word=unsigned(32), enter=bit(), placed=bit(), multiplied=bit(),
                    fire=bit(), fired=bit(), param_used=bit(), sweeping=bit(), sweep=bit(),
                    sweep_address=wrapping(config.acc_address_bits), control=Control(), state=unsigned(4))

    return run(sequencing, arguments, OUTPUTS, parts, done, limit=20_000, **options)


def passes_of_every_kind():
    program = Program()
    program.add((2, 3), channels=40, masked=1, fired=3).add(fired=0, channels=32, masked=1).add((3, 3), fired=1)
    program.add(flatten=1, fired=2, channels=9).add((1, 2), keep=1, fired=2).add(flatten=1, fired=0, masked=1, channels=65)
    return program.add((2, 1), keep=1, fired=2, masked=1, channels=33).add(fired=160).add(fired=4, last=1)


@pytest.mark.parametrize("lanes, pauses, latency, slow", [(4, "never", 2, 0), (4, "sometimes", 1, 9), (8, "never", 9, 0),
                                                         (8, "burst", 3, 30), (16, "sometimes", 20, 5)])
def test_the_words_of_each_pass_are_asked_for_in_order_and_fire_gets_its_parameters(lanes, pauses, latency, slow):
    """Two header parts, the word of flatten, parameters once and again with `keep`; offsets and masks are passed over."""
    program = passes_of_every_kind()
    around = Around(config_of(lanes), program, pauses, latency, slow)
    trace = simulate(around.config, (around,), lambda: around.over, linger=10)
    assert around.asked == program.asked
    assert around.happened == program.happens
    assert around.params == program.params
    assert around.most <= AHEAD
    assert not any(trace["control_bad_word"]) and not any(trace["control_bad_pass"]) and not any(trace["control_hungry"])
    over = trace["control_over"].index(1)
    assert all(trace["control_over"][over:]) and not any(trace["program_valid"][over:])


def test_parameters_are_asked_for_ahead_until_there_is_no_room_and_again_when_two_are_used():
    program = Program().add(fired=200, last=1)
    around = Around(config_of(4), program, hold=600)
    simulate(around.config, (around,), lambda: around.over, linger=5)
    assert AHEAD - 3 <= around.most <= AHEAD and around.params == program.params


@pytest.mark.parametrize("cut", [1, 20, 39], ids=["a parameter", "parameters and header", "a pass"])
def test_a_program_that_is_cut_short_is_hungry_and_does_not_fire(cut):
    """What is behind the end may be read, as long as nothing comes of it; a pass that is missing is not even read."""
    program = Program().add(fired=2).add(fired=0)
    end = len(program.words)
    program.add(fired=8, last=1)
    around = Around(config_of(4), program, cut=cut)
    trace = simulate(around.config, (around,), lambda: around.t > 300)
    assert around.asked == ([at for at in program.asked if at < end] if end == len(program.words) - cut else program.asked[:-16])
    assert sum(trace["enter"]) == 3 - (cut == 39) and sum(trace["fire"]) == 1 and not any(trace["control_over"])
    assert trace["control_hungry"][-1] and sorted(trace["control_hungry"]) == trace["control_hungry"]


@pytest.mark.parametrize("bits, bad", [(1 << 24, "word"), (3 << 16, "pass"), (15 << 8, "pass")], ids=["mark", "stride", "kernel"])
def test_a_pass_that_does_not_begin_or_cannot_run_is_told_and_not_entered(bits, bad):
    program = Program().add(fired=1)
    at = len(program.words)
    program.add(last=1).words[at] ^= bits
    around = Around(config_of(4), program, latency=4)
    trace = simulate(around.config, (around,), lambda: around.t > 200)
    told = {"word": trace["control_bad_word"], "pass": trace["control_bad_pass"]}
    assert told.pop(bad)[-1] and not any(told.popitem()[1]) and not any(trace["control_over"])
    assert sum(trace["enter"]) == sum(trace["fire"]) == 1 and around.asked == program.asked[:program.asked.index(at) + len(FIRST)]


def test_reset_in_a_pass_sweeps_every_sum_once_and_the_next_launch_is_like_the_first():
    """Stopped in every phase of a pass, from the first header word to fire; an over program may be launched anew without."""
    runs, config = [], config_of(8)
    program = Program().add((1, 2), flatten=1, fired=3).add(fired=5, last=1)
    stops = [3, 12, 30, 47, 60, 75]

    def script():
        for stop in [*stops, None, None]:
            around, seen = Around(config, program, slow=3, latency=2), {}
            runs.append(around)
            while around.t < DEPTH + 8 + (stop or 1000) and not around.over:
                seen = yield {"rst": 0, **around.step(seen)}
            if stop:
                yield {"rst": 1, "answers_program": 0, "placed": 0, "multiplied": 0, "fired": 0, "param_used": 0, "launch": 0}

    part = Script(script())
    trace = simulate(config, (part,), part.over)
    swept = [at for at, sweep in zip(trace["sweep_address"], trace["sweep"]) if sweep]
    assert swept == [*range(DEPTH)] * (len(stops) + 1)
    assert not any(valid and sweeping for valid, sweeping in zip(trace["program_valid"], trace["sweeping"]))
    for around in runs[-2:]:
        assert (around.asked, around.happened, around.params) == (program.asked, program.happens, program.params)
    cut_off = [around.asked for around in runs[:-2]]
    assert all(asked == program.asked[:len(asked)] for asked in cut_off) and len({len(asked) for asked in cut_off}) > 3
