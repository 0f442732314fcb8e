"""waveform: an FST file holds the signals and changes of the VCD file that it was made of."""
import pylibfst
import pytest

from tb.waveform import fst_from_vcd

VCD = """$timescale 10ps $end
 $scope module top $end
  $var wire 1 ! clk $end
  $var wire 4 " level [3:0] $end
  $scope module inner $end
   $var wire 1 ! same $end
  $upscope $end
 $upscope $end
$enddefinitions $end

#0
0!
b0 "
#5
1!
b101 "
#10
0!
"""


def read(path):
    """Signal name -> list of (time, value)."""
    reader = pylibfst.lib.fstReaderOpen(str(path).encode())
    _, signals = pylibfst.get_scopes_signals2(reader)
    names = {signal.handle: name for name, signal in signals.by_name.items() if "level" in name or "clk" in name}
    changes = {name: [] for name in names.values()}
    pylibfst.lib.fstReaderSetFacProcessMaskAll(reader)
    pylibfst.fstReaderIterBlocks(
        reader, lambda _, time, handle, value: changes[names[handle]].append((time, pylibfst.string(value))))
    pylibfst.lib.fstReaderClose(reader)
    return signals.by_name, changes


def test_every_change_is_in_the_fst_file(tmp_path):
    (tmp_path / "a.vcd").write_text(VCD)
    fst_from_vcd(tmp_path / "a.vcd", tmp_path / "a.fst")
    signals, changes = read(tmp_path / "a.fst")
    assert "top.inner.same" in signals
    assert changes["top.clk"] == [(0, "0"), (5, "1"), (10, "0")]
    assert changes["top.level [3:0]"] == [(0, "0000"), (5, "0101")]


def test_a_target_that_cannot_be_written_is_an_os_error(tmp_path):
    (tmp_path / "a.vcd").write_text(VCD)
    with pytest.raises(OSError, match="cannot write"):
        fst_from_vcd(tmp_path / "a.vcd", tmp_path / "nowhere" / "a.fst")
