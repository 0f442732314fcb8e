import numpy as np
import pytest
import yaml

from cascadefire import workloads
from cascadefire.errors import InputError

TOTALS = {  # layers, weights, convolution MACs, MACs of fully connected layers
    "alexnet": (11, 60_954_656, 665_784_864, 58_621_952),
    "googlenet": (54, 5_842_176, 1_103_972_352, 0),
    "mlp_mnist_300_100": (3, 266_200, 0, 266_200),
    "mobilenet05": (28, 1_319_648, 48_648_192, 512_000),
    "resnet50_str80": (54, 25_502_912, 4_087_136_256, 2_048_000),
    "resnet50_str90": (54, 25_502_912, 4_087_136_256, 2_048_000),
    "transformer_csp": (97, 48_914_944, 0, 48_914_944),
    "vgg16": (16, 138_344_128, 15_346_630_656, 123_633_664),
}


def test_the_shipped_tables_are_these():
    assert workloads.names() == sorted(TOTALS)


@pytest.mark.parametrize("name", TOTALS)
def test_a_shipped_table_has_its_totals_and_shapes(name):
    table = workloads.load(name)
    macs = [sum(row.macs for row in table.layers if (row.op == "fc") == fc) for fc in (False, True)]
    assert (len(table.layers), sum(row.weights for row in table.layers), *macs) == TOTALS[name]
    shapes = table.shapes()
    for row in table.layers:
        assert shapes[row.name] == (row.K, *row.ofmap)
        assert row.macs == row.weights * np.prod(row.ofmap)


def test_densities_weighted_by_macs():
    for name, weight, activation in (("vgg16", .326, .613), ("alexnet", .422, .705), ("googlenet", .420, .556)):
        rows = [row for row in workloads.load(name).layers if row.op == "conv"]
        macs = np.array([row.macs for row in rows])
        assert np.average([row.weight_density for row in rows], weights=macs) == pytest.approx(weight, abs=6e-4)
        assert np.average([row.input_density for row in rows], weights=macs) == pytest.approx(activation, abs=6e-4)


def test_the_transformer_keeps_whole_chunks():
    rows = workloads.load("transformer_csp").layers
    assert sum(row.nnz for row in rows) == 6_883_424 and all(row.nnz % 32 == 0 for row in rows)


def test_a_smaller_input_changes_every_shape():
    shapes = workloads.load("resnet50_str90").shapes(7)
    assert shapes["image"] == (3, 32, 32) and shapes["pool1"] == (64, 8, 8) and shapes["layer4.2.out"] == (2048, 1, 1)
    assert shapes["avgpool"] == (2048, 1, 1)
    assert workloads.load("vgg16").shapes(7)["flat"] == (512, 1, 1)
    assert workloads.load("googlenet").shapes(2)["pool_4e"] == (832, 3, 3)  # 14 -> 7 -> 3, rounding up


def test_an_input_can_be_too_small():
    with pytest.raises(InputError, match="nothing is left of the map pool4 with shrink 20"):
        workloads.load("vgg16").shapes(20)
    with pytest.raises(InputError, match="shrink must be a whole number from 1, not 0"):
        workloads.load("vgg16").shapes(0)


def test_unknown_names_get_the_nearest():
    with pytest.raises(InputError, match="there is no workload called resnet50: did you mean resnet50_str90 or resnet50_str80"):
        workloads.load("resnet50")
    with pytest.raises(InputError, match="there is no file nowhere.yaml"):
        workloads.load("nowhere.yaml")


def pick(table, name):
    return next(entry for key in ("layers", "glue") for entry in table[key] if entry["name"] == name)


@pytest.mark.parametrize("edit, sentence", [
    (lambda d: d.pop("glue"), "the file lacks the key glue"),
    (lambda d: d.update(more=1), "the file has the unknown key more"),
    (lambda d: d.update(layers=[]), "layers must not be empty"),
    (lambda d: d.update(layers=3), "layers must be a list"),
    (lambda d: d.update(inputs=[]), "inputs must be a mapping of names to [channels, height, width]"),
    (lambda d: d["inputs"].update(image=[3, 0, 1]), "input image must be 3 whole numbers from 1, not [3, 0, 1]"),
    (lambda d: d["layers"].append(4), "layer without a name must be a mapping of keys to values, not int"),
    (lambda d: pick(d, "conv3").pop("K"), "layer conv3 lacks the key K"),
    (lambda d: pick(d, "conv3").update(op="deconv"), "layer conv3: op must be conv, dwconv or fc, not 'deconv'"),
    (lambda d: pick(d, "conv3").update(K=True), "layer conv3: K must be a whole number from 1, not True"),
    (lambda d: pick(d, "conv3").update(weight_density=0), "layer conv3: weight_density must be null or above 0 and at most 1, not 0"),
    (lambda d: pick(d, "conv3").update(groups=2), "layer conv3: groups must be 1, since other groups are rows of their own"),
    (lambda d: pick(d, "fc7").update(stride=2), "layer fc7: a fully connected layer has R, S and stride 1"),
    (lambda d: pick(d, "conv3").update(name="conv1"), "the name conv1 is used twice"),
    (lambda d: pick(d, "conv3").update({"from": "pool8"}), "conv3 reads pool8, which does not exist (near: pool5, pool2)"),
    (lambda d: pick(d, "conv3").update(C=255), "conv3 has 255 input channels, but pool2 has 256"),
    (lambda d: pick(d, "fc6").update(C=9217), "fc6 has 9217 inputs, but flat has 9216 values"),
    (lambda d: pick(d, "conv3").update(pad=0), "the ofmap of conv3 must be [11, 11], not [13, 13]"),
    (lambda d: pick(d, "conv3").update(macs=5), "the macs of conv3 must be 149520384, not 5"),
    (lambda d: pick(d, "conv3").update(nnz=5), "the weight_density of conv3 must be nnz / weights = 0.000006, not 0.346133"),
    (lambda d: d["totals"].update(macs_fc=1), "totals macs_fc must be 58621952, the sum over the layers, not 1"),
    (lambda d: pick(d, "pool1").update(op="pool"), "glue pool1: op must be maxpool, avgpool, add, concat, slice, flatten, attention, not"),
    (lambda d: pick(d, "pool1").update(pad=3), "glue pool1: pad must be less than k = 3, not 3"),
    (lambda d: pick(d, "pool1").update(ceil=1), "glue pool1: ceil must be true or false, not 1"),
    (lambda d: pick(d, "conv2").update({"from": ["conv2_1"]}), "glue conv2: from must be a list of two or more names"),
    (lambda d: pick(d, "conv2_1.in").update(channels=[0, 97]), "conv2_1.in takes the channels [0, 97] of 96"),
    (lambda d: pick(d, "conv2").update({"from": ["conv2_1", "conv1"]}), "conv2 joins maps of different height or width"),
    (lambda d: pick(d, "pool1").update({"from": ["pool1"]}), "pool1 reads its own output"),
])
def test_a_contradiction_is_one_sentence(tmp_path, edit, sentence):
    table = yaml.safe_load((workloads.FOLDER / "alexnet.yaml").read_text())
    edit(table)
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(table))
    with pytest.raises(InputError) as error:
        workloads.load(path)
    assert str(error.value).startswith("mine.yaml: ") and sentence in str(error.value)


def test_broken_yaml(tmp_path):
    (tmp_path / "mine.yaml").write_text("layers: [")
    with pytest.raises(InputError, match="is not valid YAML"):
        workloads.load(tmp_path / "mine.yaml")
