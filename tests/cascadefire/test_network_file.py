import numpy as np
import pytest
import yaml

from cascadefire import archive, network, network_file
from cascadefire.errors import InputError


@pytest.fixture
def saved(tiny, tmp_path):
    """A saved network, and a function that changes its YAML and saves it again."""
    path = tmp_path / "tiny.yaml"
    tiny.save(path)

    def change(edit):
        description = yaml.safe_load(path.read_text())
        edit(description)
        path.write_text(yaml.safe_dump(description))
        return path

    return path, change


def rewrite(path, edit):
    """Change the arrays of a saved network and make both checksums fit again."""
    arrays, _ = archive.load(path.with_suffix(".npz"))
    edit(arrays)
    archive.save(path.with_suffix(".npz"), arrays)
    description = yaml.safe_load(path.read_text()) | {"arrays_sha256": archive.checksum(arrays)}
    path.write_text(yaml.safe_dump(description))


def test_a_network_comes_back_as_it_was_saved(tiny, saved):
    loaded = network.load(saved[0])
    for field in ("name", "title", "input_shape", "input_signed", "chunk", "meta"):
        assert getattr(loaded, field) == getattr(tiny, field)
    for before, after in zip(tiny.layers, loaded.layers, strict=True):
        for field in ("name", "kind", "channels", "kernel", "stride", "pad", "pool", "activation", "in_shape", "input_signed"):
            assert getattr(before, field) == getattr(after, field)
        for field in ("bias", "multiplier", "shift"):
            assert (getattr(before, field) == getattr(after, field)).all()
        assert (before.weights.unpack() == after.weights.unpack()).all()
        assert (before.weights.counts == after.weights.counts).all()


def test_a_signed_input_reaches_network_and_first_layer(saved):
    loaded = network.load(saved[1](lambda description: description["input"].update(signed=True)))
    assert loaded.input_signed and loaded.layers[0].input_signed


def test_a_layer_is_one_line_of_the_file(saved):
    assert saved[0].read_text().count("\n- {name: ") == 4


@pytest.mark.parametrize("edit, sentence", [
    (lambda d: d.pop("chunk"), "the file lacks the key chunk"),
    (lambda d: d.update(extra=1), "the file has the unknown key extra"),
    (lambda d: d["input"].pop("width"), "input lacks the key width"),
    (lambda d: d.update(input=3), "input must be a mapping of keys to values, not int"),
    (lambda d: d["input"].update(signed="no one"), "input signed must be true or false, not 'no one'"),
    (lambda d: d.update(meta="none"), "meta must be a mapping of keys to values, not str"),
    (lambda d: d.update(layers="none"), "layers must be a list"),
    (lambda d: d.update(layers=[]), "tiny.npz holds the array conv1.bias, which belongs to no layer"),
    (lambda d: d.update(arrays="../tiny.npz"), "arrays must be the name of a file in the same folder"),
    (lambda d: d.update(arrays="other.npz"), "there is no file .*other.npz"),
    (lambda d: d.update(arrays_sha256="0"), "tiny.npz is not the file this network was saved with"),
    (lambda d: d["input"].update(width="wide"), "layer conv1: input width must be a whole number"),
    (lambda d: d["layers"][0].pop("stride"), "layer conv1 lacks the key stride"),
    (lambda d: d["layers"][2].update(pool={}), "layer fc1 has the unknown key pool"),
    (lambda d: d["layers"][0].update(pool={"kernel": 2}), "layer conv1: pool lacks the key pad"),
    (lambda d: d["layers"][0].update(kernel=3), r"layer conv1: kernel must be \[height, width\], not 3"),
    (lambda d: d["layers"][0].update(name=7), "layer 7: name must be text, not 7"),
    (lambda d: d["layers"][0].update(name="c"), "layer c: the array c.counts is missing"),
    (lambda d: d["layers"][2].update(kind="attention"), "layer fc1: kind must be one of conv, fc, not 'attention'"),
    (lambda d: d["layers"].insert(0, "conv"), "layer 1 must be a mapping of keys to values, not str"),
    (lambda d: d.update(chunk=8), "layer conv1: the counts ask for chunk data of|layer conv1: a chunk count must be"),
])
def test_a_bad_description_is_one_sentence_with_the_file(saved, edit, sentence):
    path = saved[1](edit)
    with pytest.raises(InputError, match=f"^tiny.yaml: ({sentence})"):
        network.load(path)


@pytest.mark.parametrize("edit, sentence", [
    (lambda a: a.update({"conv1.counts": a["conv1.counts"] + np.uint16(9)}),
     "layer conv1: a chunk count must be from 0 to 2, .* not (9|10|11)"),
    (lambda a: a.update({"fc1.values": a["fc1.values"][1:]}), "layer fc1: the counts ask for chunk data"),
    (lambda a: a.update({"fc1.values": a["fc1.values"].astype(np.int16) * 2}), "layer fc1: weights must be int8, not int16"),
    (lambda a: a.update({"fc1.counts": a["fc1.counts"][:-1]}), "layer fc1: "),
    (lambda a: a.update({"conv2.bias": a["conv2.bias"].astype(np.float32)}), "layer conv2: bias must be int32"),
    (lambda a: a.pop("conv2.shift"), "layer conv2: the array conv2.shift is missing"),
    (lambda a: a.update({"stray": np.zeros(1)}), "tiny.npz holds the array stray, which belongs to no layer"),
])
def test_bad_arrays_are_one_sentence_with_the_file(saved, edit, sentence):
    rewrite(saved[0], edit)
    with pytest.raises(InputError, match=f"^tiny.yaml: {sentence}"):
        network.load(saved[0])


def test_damaged_arrays_name_the_file(saved):
    path = saved[0].with_suffix(".npz")
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(InputError, match="^tiny.yaml: .*tiny.npz is truncated"):
        network.load(saved[0])


def test_names_and_files_that_do_not_exist(tmp_path):
    with pytest.raises(InputError, match="^there is no network called alexnet: the shipped ones are lenet, lenet5, mlp"):
        network.load("alexnet")
    with pytest.raises(InputError, match="^there is no file .*none.yaml$"):
        network.load(tmp_path / "none.yaml")
    (tmp_path / "bad.yaml").write_text("network: [")
    with pytest.raises(InputError, match="bad.yaml is not valid YAML"):
        network.load(tmp_path / "bad.yaml")
    (tmp_path / "list.yaml").write_text("- 1")
    with pytest.raises(InputError, match="^list.yaml: the file must be a mapping of keys to values, not list$"):
        network.load(tmp_path / "list.yaml")


def test_what_cannot_be_saved_leaves_nothing_behind(tiny, tmp_path):
    with pytest.raises(InputError, match="^a network file must end in .yaml, not tiny.txt$"):
        tiny.save(tmp_path / "tiny.txt")
    tiny.meta["note"] = object()
    with pytest.raises(InputError, match="^meta must hold only text"):
        tiny.save(tmp_path / "tiny.yaml")
    assert not list(tmp_path.iterdir())


def test_shipped_names_are_listed():
    assert network.names() == ["lenet", "lenet5", "mlp", "tiny"] and network_file.FOLDER.is_dir()
