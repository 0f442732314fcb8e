"""What waits for what in the accelerator's cycle model, mechanism by mechanism."""

from types import SimpleNamespace

import numpy as np
import pytest

from cascadefire.graph_cycles import latencies as at
from cascadefire.graph_cycles.curve import Curve
from cascadefire.graph_cycles.front import Front
from cascadefire.graph_cycles.loads import event_loads
from cascadefire.graph_cycles.map_events import MapEvents
from cascadefire.graph_cycles.port import USED, Port
from cascadefire.graph_cycles.schedule import Schedule
from cascadefire.graph_cycles.stream import ProgramWords
from cascadefire.graph_cycles.weights import Weights

CONFIG = SimpleNamespace(port_bytes=8, port_events=4, event_lanes=4, pes=4, slots=4, weight_depth=64, words_per_chunk=4)


def dispatched(*runs):
    """A front whose dispatch took words in these runs of (number, first cycle, last cycle)."""
    curve = Curve()
    for run in runs:
        curve.add(*run)
    front = Front(CONFIG, Port(latency=20))
    front.dispatch = curve
    return front


def test_sections_of_the_program_are_some_cycles_apart():
    def read(*sections):
        return ProgramWords(CONFIG, Port(latency=20), 200).read(100, sections)

    assert read(22) == 121
    assert read(22, 9) == 121 + at.SECTION_TO_SECTION + 8
    assert read(22, 9, 4) == read(22, 9) + at.SECTION_TO_SECTION + 3


def test_the_port_brings_program_words_ahead():
    port = Port(latency=20)
    ProgramWords(CONFIG, port, 200).start()
    assert port.used.count(USED) == at.PROGRAM_AHEAD
    short = Port(latency=20)
    ProgramWords(CONFIG, short, 21).start()     # two 32-bit words a memory word
    assert short.used.count(USED) == 11


def test_words_go_on_at_once_until_the_look_ahead_is_full():
    assert dispatched((100, 0, 99))._room(50, 50 + at.TAKEN_TO_ROOM) == 50 + at.TAKEN_TO_ROOM
    assert dispatched((100, 0, 99))._room(50, 60.5) == 60.5


def test_a_full_look_ahead_goes_on_once_some_words_are_taken():
    assert dispatched((100, 0, 99))._room(50, 40) == 50 + at.RESUME + at.TAKEN_TO_ROOM
    assert dispatched((100, 0, 396))._room(50, 40) == 200 + 4 * at.RESUME + at.TAKEN_TO_ROOM


def test_where_the_dispatch_is_slow_a_word_is_in_the_middle_of_a_run_of_words():
    assert dispatched((100, 0, 396))._unpacked(50, 40) == 200 + 4 * at.RESUME / 2 + at.TAKEN_TO_ROOM + at.RESUME / 2
    assert dispatched((100, 0, 396))._unpacked(50, 300) == 300


def test_a_channel_stands_still_where_the_dispatch_waits_for_weights():
    """The dispatch waits until cycle 60 with word 10; word 10 + BETWEEN is the fifth of a channel of nine."""
    place = 10 + at.BETWEEN - 4
    front = dispatched((10, 3, 12), (60, 60, 119))
    assert front._supplied(place, 9, 9, 40, 48) == 60 + at.RESUME + at.TAKEN_TO_ROOM + 4
    assert front._supplied(place, 9, 9, 64, 72) == 72       # they come after it has gone on
    assert front._supplied(place, 4, 4, 40, 43) == 43       # the next channel's words meet it


@pytest.mark.parametrize("seed", range(20))
def test_a_channel_s_words_stand_still_one_by_one(seed):
    rng = np.random.default_rng(seed)
    times = np.cumsum(rng.choice([1, 1, 1, 2, 30], 100))
    front = dispatched(*((1, time, time) for time in times))
    place, words, time = 60, 25, int(times[60 - at.BETWEEN]) + at.TAKEN_TO_ROOM
    expected, free = time, 0
    for word in range(1, words):
        expected, free = expected + 1, free - 1
        if free <= 0 and times[place + word - at.BETWEEN] + at.TAKEN_TO_ROOM > expected:
            expected, free = max(expected, times[place + word - at.BETWEEN + at.RESUME] + at.TAKEN_TO_ROOM), at.RESUME
    assert front._supplied(place, words, words, time, time + words - 1) == expected


def test_a_curve_finds_the_first_item_that_comes_later_than_others():
    curve = Curve()
    curve.add(10, 0, 9)
    curve.add(10, 30, 57)       # three cycles each
    assert curve.first_later(2, 6, 2, 1) == 6
    assert curve.first_later(2, 20, 2, 1) == 8
    assert curve.first_later(10, 10, 35, 1) == 3            # 39 > 38
    assert curve.first_later(10, 10, 100, 1) == 10
    assert curve.first_later(0, 30, 100, 1) == 30           # no more items than that


def random_events(seed, bands=3, rows=4, width=11):
    rng = np.random.default_rng(seed)
    height = bands * rows - 2
    layout = SimpleNamespace(rows=rows, bands=bands, strips=1, width=width, height=height, channels=5)
    return MapEvents(layout, rng.random((5, height, width)) < 0.4)


@pytest.mark.parametrize("size", [(10, 11), (9, 11)])       # with the map's last row, every event meets an output
def test_lanes_of_each_word_go_to_the_next_pes_in_turn(size):
    events, turn, expected = random_events(3), 0, np.zeros((5, 4), int)
    one = SimpleNamespace(place=0, bands=3, kernel=(1, 1), stride=1, tile=size, offset_y=0, offset_x=0)
    table = np.arange(1, 6)[:, None]
    for channel in range(5):
        for band in range(3):
            places = np.argwhere(events.live[channel, 4 * band:4 * band + 4])
            for begin in range(0, len(places), 4):
                word = places[begin:begin + 4]
                meets = [4 * band + y < size[0] for y, _ in word]
                for lane in np.flatnonzero(meets):
                    expected[channel, (turn + lane) % 4] += table[channel, 0]
                used = max(np.flatnonzero(meets), default=-1) + 1
                turn += used + (used == 4)
    loads, _, trail = event_loads(CONFIG, one, events, np.arange(5), table)
    np.testing.assert_array_equal(loads, expected)
    assert trail.any() == (size[0] < 10)


def test_words_behind_the_last_one_that_meets_an_output_are_counted():
    events = random_events(2)
    one = SimpleNamespace(place=0, bands=2, kernel=(3, 3), stride=2, tile=(2, 6), offset_y=1, offset_x=1)
    chosen = np.arange(5)
    _, located, trail = event_loads(CONFIG, one, events, chosen, np.ones((5, 9), np.int64))
    for channel in range(5):
        meets = []
        for band in range(2):
            rows = np.argwhere(events.live[channel, 4 * band:4 * band + 4])[:, 0] + 4 * band
            # rows y with 0 <= y + 1 - ky = 2 oy <= 2 for a ky in 0 .. 2: up to 3
            meets += [bool((rows[start:start + 4] <= 3).any()) for start in range(0, len(rows), 4)]
        assert trail[channel] == meets[::-1].index(True)
        assert located[channel] == sum(meets)


def weights_of(count_words):
    port = Port(latency=20)
    weights = Weights(CONFIG, port)
    weights.begin(SimpleNamespace(kernel=(1, 1), count_words=count_words), 0, 10)
    return weights, port


def test_counts_of_the_next_pass_are_asked_for_as_this_pass_s_are_used():
    weights, port = weights_of(40)
    assert port.used.count(USED) == at.COUNTS_AHEAD
    weights.bring(50, 1, 20, 1)
    weights.free.append(100)
    asked = port.used.count(USED)
    assert asked == 40 + 4      # the last eight of its own, and a chunk
    weights.follow(0, SimpleNamespace(count_words=100))
    assert port.used.count(USED) == asked + 20 + at.COUNTS_AHEAD - 40
    weights.bring(200, 1, 40, 0)
    weights.end(10)
    assert weights.ahead == at.COUNTS_AHEAD and port.used.count(USED) == asked + at.COUNTS_AHEAD
    weights.begin(SimpleNamespace(kernel=(1, 1), count_words=100), 300, 310)
    assert port.used.count(USED) == asked + at.COUNTS_AHEAD


def test_counts_of_a_pass_that_is_taken_later_wait():
    weights, port = weights_of(40)
    weights.bring(50, 1, 20, 1)
    weights.free.append(100)
    asked = port.used.count(USED)
    weights.follow(weights.walked + 100, SimpleNamespace(count_words=100))
    weights.bring(60, 1, 21, 0)
    assert port.used.count(USED) == asked
    weights.bring(300, 1, 22, 0)        # it has been taken
    assert port.used.count(USED) == asked + 22 + at.COUNTS_AHEAD - 40


def test_counts_are_asked_for_when_others_are_used_and_not_when_chunks_are():
    weights, port = weights_of(200)
    port.ask(200, 50)
    weights.asked = 249
    weights.bring(150, 1, 1, 1)
    assert port.used[150 + at.USED_TO_ASKED] == USED and not port.used[199]
    assert weights.asked == 253


def test_the_walk_is_some_channels_ahead_of_the_reader_of_chunks():
    weights, _ = weights_of(2000)
    for channel in range(at.JOBS_AHEAD):
        weights.bring(100 + channel, 1, 0, 10)
        weights.free.append(100)
    assert weights.walked == 100 + at.JOBS_AHEAD
    weights.bring(110, 1, 0, 10)
    weights.bring(110, 1, 0, 10)
    assert weights.walked == weights.begun[1] + 1 > 100 + at.JOBS_AHEAD + 2


def test_chunks_leave_cycles_to_the_program_from_the_end_of_fire_on():
    weights, port = weights_of(40)
    begin = 200 + 1 + at.WALK_TO_JOB

    def interrupt(known):
        if known < begin + 7:
            return begin + 7.0
        port.program(begin + 8, 2, 20)

    weights.interrupt = interrupt
    weights.bring(200, 1, 1, 5)
    assert weights.asked == begin + 7 + 2 * 12 and weights.interrupt is None


def test_chunks_leave_cycles_to_counts_of_bands_that_come_in_their_midst():
    weights, port = weights_of(40)
    begin = 200 + 1 + at.WALK_TO_JOB
    weights.ahead_of_chunks = SimpleNamespace(before=lambda time: port.ask(time - 1, 1), within=lambda first, last: port.ask(last - 3, 1))
    weights.bring(200, 1, 1, 2)
    assert weights.begun == [begin] and weights.asked == begin + 2 * 4 and port.used[begin + 2 * 4 - 3] == USED


def waiting(announced, **parts):
    """A Schedule of which only what waits for fire is there: 64 parameters, for cycle 500 as far as is known."""
    schedule = Schedule.__new__(Schedule)
    schedule._late, schedule._free, schedule._begin = 64, 500, 100
    schedule.program = SimpleNamespace(announce=lambda *request: announced.append(request))
    vars(schedule).update(parts)
    return schedule


def test_parameters_that_wait_for_fire_come_once_its_end_is_sure():
    announced, ends = [], iter([700, 900])
    schedule = waiting(announced, port=SimpleNamespace(known=400, crowded=False), writer=SimpleNamespace(free=lambda: next(ends)))
    schedule._watch()
    assert schedule._free == 500 and not announced
    schedule.port.known = 600       # reads up to there made fire later
    schedule._watch()
    assert schedule._free == 700 and not announced
    schedule.port.known = 950
    schedule._watch()
    assert announced == [(900, 64)] and schedule._late == 0
    schedule._watch()
    assert len(announced) == 1


def test_parameters_come_when_fire_ends_where_nothing_is_read_before():
    announced, gates = [], iter([(800, None), (860, None), (400, None)])
    schedule = waiting(announced, writer=SimpleNamespace(gate=lambda one: next(gates)))
    assert schedule._gate(None) == (860, None)      # what is still to be written waits for them
    assert announced == [(500, 64)] and schedule._late == 0
    schedule._late = 64
    assert schedule._gate(None) == (400, None) and len(announced) == 1


def test_parameters_that_wait_for_fire_come_after_the_first_events_of_their_pass():
    """From cycle 500 on 100 words are written, and 20 words of events, asked for in their midst, go before them."""
    announced, port = [], Port(latency=20)
    schedule = waiting(
        announced, _half=False, _fire_half=True, port=port,
        writer=SimpleNamespace(gate=lambda one: (0.0, None), free=lambda: port.written(500, 100)))
    schedule.program.read = lambda begin, sections: begin
    one, work = SimpleNamespace(parameters=64), SimpleNamespace(words=[15, 5])
    assert schedule._parameters(100, one, 480, work) == 620
    assert announced == [(620, 64)] and port.free(500, 620)
