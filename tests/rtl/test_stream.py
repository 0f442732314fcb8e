"""The signal shapes that blocks share."""
import pytest
from myhdl import modbv

from rtl.stream import Stream, bit, signed, unsigned, wrapping


def test_shapes_have_their_width_and_range():
    assert (unsigned(5).min, unsigned(5).max, len(unsigned(5))) == (0, 32, 5)
    assert (signed(5).min, signed(5).max, len(signed(5))) == (-16, 16, 5)
    assert isinstance(wrapping(5).val, modbv) and len(wrapping(5)) == 5
    assert bit().val is False and bit(1).val is True


@pytest.mark.parametrize("shape, value", [(unsigned, 32), (unsigned, -1), (signed, 16), (signed, -17)])
def test_a_value_out_of_range_stops_the_simulation(shape, value):
    with pytest.raises(ValueError):
        shape(5).next = value


def test_a_stream_takes_a_width_or_an_existing_signal():
    data = signed(7)
    assert len(Stream(12).data) == 12 and Stream(data=data).data is data
    assert not Stream(1).valid and not Stream(1).ready
