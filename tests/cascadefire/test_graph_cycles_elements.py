"""What the PEs make of a channel's events, in the accelerator's cycle model."""

from cascadefire.graph_cycles import latencies as at
from cascadefire.graph_cycles.curve import Curve
from cascadefire.graph_cycles.elements import Elements


def test_a_channel_takes_its_share_of_beats_or_as_long_as_it_is_dispatched():
    pes = Elements(4, Curve(), 0, 0.0)
    pes.channel(100, 109, 10, 400, None)
    assert pes.over == 100 + at.DISPATCH_TO_BEAT + 100
    pes.channel(300, 699, 400, 400, None)
    assert pes.over == 699 + at.DISPATCH_TO_BEAT + 100 / 400       # the last event's beat comes after it


def test_the_pe_with_most_beats_ends_a_channel():
    pes = Elements(2, Curve(), 0, 0.0)
    pes.channel(100, 101, 2, 60, [10, 50])
    assert pes.over == 100 + at.DISPATCH_TO_BEAT + 50


def test_beats_of_a_channel_begin_where_the_channel_before_ends():
    beats = Curve()
    pes = Elements(4, beats, 0, 0.0)
    pes.channel(100, 109, 10, 400, None)
    pes.channel(110, 119, 10, 400, None)
    assert pes.over == 100 + at.DISPATCH_TO_BEAT + 200
    assert beats.total == 20 and beats.at(10) == 100 + at.DISPATCH_TO_BEAT + 100


def test_single_events_go_to_the_pes_in_turn():
    beats = Curve()
    pes = Elements(2, beats, 0, 0.0)
    for first, load in ((100, 30), (101, 5), (102, 7), (103, 0)):
        pes.event(first, load)
    begin = 100 + at.DISPATCH_TO_BEAT
    assert [beats.at(item) for item in range(4)] == [begin, begin + 1, begin + 30, begin + 6]
    assert pes.over == begin + 37       # an event without beats ends nothing
