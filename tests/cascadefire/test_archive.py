import numpy as np
import pytest

from cascadefire import archive
from cascadefire.errors import InputError


@pytest.fixture
def arrays():
    rng = np.random.default_rng(0)
    return {"a.values": rng.integers(-127, 128, (500, 8)).astype(np.int8), "a.bias": np.arange(3, dtype=np.int32)}


def test_round_trip_and_plain_numpy_reading(tmp_path, arrays):
    archive.save(tmp_path / "n.npz", arrays)
    loaded, checksum = archive.load(tmp_path / "n.npz")
    assert checksum == archive.checksum(arrays) and set(loaded) == set(arrays)
    assert all((loaded[name] == arrays[name]).all() and loaded[name].dtype == arrays[name].dtype for name in arrays)
    with np.load(tmp_path / "n.npz") as file:
        assert file["header"].tolist() == ["cascadefire-network", "1", checksum]
    assert [path.name for path in tmp_path.iterdir()] == ["n.npz"]


def test_the_checksum_sees_names_types_and_shapes():
    array = np.zeros(4, np.int8)
    others = [array, array.view(np.uint8), array.view(np.int16), array.reshape(2, 2)]
    variants = [{"b": array}] + [{"a": other} for other in others]
    assert len({archive.checksum(variant) for variant in variants}) == len(variants)
    assert archive.checksum({"a": np.arange(4, dtype=">i4")}) == archive.checksum({"a": np.arange(4, dtype="<i4")})


@pytest.mark.parametrize("part", [0, 10, 0.5, 0.99])
def test_a_truncated_file_is_one_sentence(tmp_path, arrays, part):
    path = tmp_path / "n.npz"
    archive.save(path, arrays)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * part) if isinstance(part, float) else part])
    with pytest.raises(InputError, match="n.npz is truncated, damaged or not an .npz file"):
        archive.load(path)


def test_any_flipped_byte_is_found(tmp_path, arrays):
    path, rng = tmp_path / "n.npz", np.random.default_rng(1)
    archive.save(path, arrays)
    data, checksum = path.read_bytes(), archive.checksum(arrays)
    for place in rng.choice(len(data), 200, replace=False):
        path.write_bytes(data[:place] + bytes([data[place] ^ 0x10]) + data[place + 1:])
        try:
            loaded, found = archive.load(path)
        except InputError:
            continue
        assert found == checksum == archive.checksum(loaded)  # a date or a flag of the .zip form that nothing reads


@pytest.mark.parametrize("header, sentence", [
    (None, "is not a cascadefire-network file"),
    (["other", "1", ""], "is not a cascadefire-network file"),
    (["cascadefire-network", "2", ""], "has version 2 of the format, but this program reads version 1"),
    (["cascadefire-network", "1", "0" * 64], "is damaged: its checksum is [0-9a-f]{64}, but its header says 0000"),
])
def test_a_foreign_header_is_one_sentence(tmp_path, arrays, header, sentence):
    extra = {} if header is None else {"header": np.array(header)}
    np.savez(tmp_path / "n.npz", **arrays, **extra)
    with pytest.raises(InputError, match=f"n.npz {sentence}"):
        archive.load(tmp_path / "n.npz")


def test_a_missing_file_is_one_sentence(tmp_path):
    with pytest.raises(InputError, match="^there is no file .*n.npz$"):
        archive.load(tmp_path / "n.npz")


def test_a_failed_write_leaves_the_old_file_alone(tmp_path):
    archive.write(tmp_path / "file", b"old")
    with pytest.raises(TypeError):
        archive.write(tmp_path / "file", "text, not bytes")
    assert (tmp_path / "file").read_bytes() == b"old" and len(list(tmp_path.iterdir())) == 1
