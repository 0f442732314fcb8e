"""Output files are whole or absent."""
from pathlib import Path

import pytest

from cascadefire.errors import InputError
from scripts import files


def test_written_whole(tmp_path):
    target = tmp_path / "a.json"
    files.write_text(target, "one")
    files.write_text(target, "two")
    assert target.read_text() == "two" and list(tmp_path.iterdir()) == [target]


def test_failure_keeps_the_old_file(tmp_path):
    target = tmp_path / "a.vcd"
    target.write_text("old")
    with pytest.raises(KeyError), files.replacing(target) as temporary:
        assert temporary.parent == target.parent and temporary.suffix == ".vcd"
        temporary.write_text("half")
        raise KeyError
    assert target.read_text() == "old" and list(tmp_path.iterdir()) == [target]


def test_nothing_written(tmp_path):
    with files.replacing(tmp_path / "a.vcd"):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", ["missing/a.json", "/proc/a.json"])
def test_check_names_path_and_reason(tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=f"^cannot write {path}: "):
        files.check_writable(Path(path))


def test_check_leaves_nothing(tmp_path):
    target = tmp_path / "a.json"
    files.check_writable(target)
    assert list(tmp_path.iterdir()) == []
    target.write_text("old")
    files.check_writable(target)
    assert target.read_text() == "old" and list(tmp_path.iterdir()) == [target]
