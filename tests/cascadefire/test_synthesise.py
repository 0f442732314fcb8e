from dataclasses import replace

import numpy as np
import pytest
import yaml

from cascadefire import calibrate, draw, graph_reference, workloads
from cascadefire.cspa.prune import kept_weights
from cascadefire.errors import InputError
from cascadefire.quantise import sum_range
from cascadefire.synthesise import draw_inputs, synthesise

SMALL = {"alexnet": {"shrink": 2}, "googlenet": {"shrink": 2}, "mlp_mnist_300_100": {}, "mobilenet05": {"shrink": 4},
         "resnet50_str80": {"shrink": 7}, "resnet50_str90": {"shrink": 7}, "transformer_csp": {}, "vgg16": {"shrink": 7}}


@pytest.fixture(scope="module")
def small():
    made = {}

    def get(name):
        if name not in made:
            made[name] = synthesise(name, **SMALL[name])
        return made[name]

    return get


def share(values):
    return np.count_nonzero(values) / values.size


@pytest.mark.parametrize("rows, channels, chunk, kept", [
    (100, 64, 32, 3200), (100, 64, 32, 6400), (100, 64, 32, 0), (27, 64, 32, 977), (512, 9521, 32, 2_776_928), (50, 16, 32, 400),
    (64, 96, 32, 70), (300, 208, 32, 29_971), (7, 33, 32, 197), (9, 3, 1, 13)])
def test_chunk_counts_meet_the_sum(rows, channels, chunk, kept):
    counts = draw.chunk_counts(rows, channels, chunk, kept, np.random.default_rng(1))
    n, short = -(-channels // chunk), channels % chunk
    assert counts.shape == (rows,) and counts.min() >= 0 and counts.max() <= n
    assert abs(kept_weights(counts, channels, chunk) - kept) <= min(chunk, short or chunk) / 2
    if kept % chunk == 0 and channels >= chunk:
        assert kept_weights(counts, channels, chunk) == kept


def test_chunk_counts_vary_like_a_beta_binomial():
    n, rows = 16, 20_000
    counts = draw.chunk_counts(rows, n * 32, 32, rows * n * 32 // 4, np.random.default_rng(2))
    correlation = (counts.var() / (n * .25 * .75) - 1) / (n - 1)
    assert correlation == pytest.approx(1 / (1 + draw.CONCENTRATION), abs=.02)


def test_drawn_weights_fit_the_accumulator():
    weights = draw.weights(4608, 64, 32, 4608 * 64, np.random.default_rng(3), spread=90)
    low, high = sum_range(weights.unpack(), False)
    assert high.max() < 1 << 23 and low.min() >= -(1 << 23)
    assert np.count_nonzero(weights.unpack()) == 4608 * 64


def test_drawn_activations_have_exact_densities():
    values = draw.activations((4, 10, 10), [.25, .25, 1, 1], False, np.random.default_rng(4))
    assert np.count_nonzero(values[:2]) == 50 and values[2:].min() >= 1 and values.max() <= 255
    values = draw.activations((4, 10, 10), .5, True, np.random.default_rng(4))
    assert np.count_nonzero(values) == 200 and values.min() < 0 and np.abs(values).max() <= 127


@pytest.mark.parametrize("positions", [1, 4, 400])
@pytest.mark.parametrize("target", [.05, .5, .97])
def test_a_threshold_gives_the_density(positions, target):
    rng = np.random.default_rng(5)
    sums = np.rint(rng.normal(0, 20_000, (300, 1, positions))).astype(np.int64)
    sums[250:] = 0  # channels that keep no weights
    bias, multiplier, shift = calibrate.threshold(sums, target, rng)
    step = calibrate.neutral("s", "conv", (), 300, (1, positions), "relu", "s")
    outputs = graph_reference.fire(replace(step, bias=bias, multiplier=multiplier, shift=shift), sums)
    assert share(outputs) == pytest.approx(target, abs=.5 / 300 + 1e-9)
    assert outputs.max() > 100


def test_a_pooling_only_drops():
    sums = np.random.default_rng(6).integers(0, 4, (8, 5, 5))
    bias, multiplier, shift = calibrate.threshold(sums, .99, np.random.default_rng(7), factor=1.0)
    assert (bias == 0).all() and (multiplier == 32768).all() and (shift == 15).all()
    assert calibrate.threshold(sums, .1, np.random.default_rng(7), factor=1.0)[0].max() < 0


@pytest.mark.parametrize("name", SMALL)
def test_every_step_is_at_the_density_of_the_table(small, name):
    graph, table = small(name), workloads.load(name)
    maps, outputs = graph_reference.run_steps(graph, draw_inputs(graph))
    rows = {row.name: row for row in table.layers}
    assumed = {(entry["what"], entry["name"]) for entry in graph.meta["assumed"]}
    assert [step.name for step in graph.steps if step.name in rows] and set(rows) <= {step.name for step in graph.steps}
    for step in graph.steps:
        told = graph.meta["steps"][step.name]
        assert share(outputs[step.name]) == pytest.approx(told["output"])
        if told["output wanted"] is not None and step.label not in ("maxpool", "avgpool"):
            assert told["output"] == pytest.approx(told["output wanted"], abs=3 / outputs[step.name].size + .004)
        if step.name in rows:
            row, term = rows[step.name], step.terms[0]
            kept = np.count_nonzero(term.weights) if row.op == "dwconv" else term.weights.kept
            all_weights = row.weights if row.op != "fc" else row.K * term.weights.rows
            wanted = .5 if row.weight_density is None else row.weight_density
            assert kept == row.nnz if row.nnz else abs(kept - wanted * all_weights) <= 16.5
            assert (row.weight_density is None) == (("weights", row.name) in assumed)
            if row.op != "dwconv":
                assert kept == np.count_nonzero(term.weights.values)
            source = maps[term.source][term.first:term.first + term.channels]
            if row.input_density is not None:
                assert share(source) == pytest.approx(row.input_density, abs=.06)


@pytest.mark.parametrize("name", ["alexnet", "googlenet", "mobilenet05", "vgg16"])
def test_full_size_shapes_weights_and_densities(name):
    graph, table = synthesise(name), workloads.load(name)
    steps = {step.name: step for step in graph.steps}
    for row in table.layers:
        step = steps[row.name]
        assert step.channels == row.K and step.conv_shape == row.ofmap
        term = step.terms[0]
        assert (term.weights.size if row.op == "dwconv" else term.weights.rows * row.K) == row.weights
        told = graph.meta["steps"][row.name]
        if row.input_density is not None:
            assert told["input"] == pytest.approx(row.input_density, abs=.02)
    rows = [row for row in table.layers if row.weight_density is not None and row.op == "conv"]
    macs = [row.macs for row in rows]
    assert np.average([graph.meta["steps"][row.name]["weights"] for row in rows], weights=macs) == pytest.approx(
        np.average([row.weight_density for row in rows], weights=macs), abs=1e-3)


def test_parts_of_the_steps(small):
    steps = {step.name: step for step in small("vgg16").steps}
    assert steps["conv1_2"].pool == (2, 2, 0, (16, 16)) and steps["conv1_2"].output == "pool1"
    assert steps["fc6"].terms[0].kind == "fc" and small("vgg16").maps["fc6"].vector and steps["fc8"].activation == "none"
    steps = {step.name: step for step in small("alexnet").steps}
    assert steps["conv2_2"].output == "conv2" and steps["conv2_2"].first == 128 and steps["conv2_2"].terms[0].first == 48
    assert steps["pool2"].label == "maxpool" and steps["pool2"].terms[0].kind == "diagonal"
    graph = small("resnet50_str90")
    steps = {step.name: step for step in graph.steps}
    block = steps["layer1.0.conv3"]
    assert block.label == "conv+add" and [term.kind for term in block.terms] == ["conv", "diagonal"]
    assert block.terms[1].source == "layer1.0.downsample.0" and graph.maps["layer1.0.downsample.0"].signed
    assert steps["layer1.1.conv3"].terms[1].source == "layer1.0.out" and steps["layer1.1.conv3"].activation == "relu"
    assert steps["avgpool"].terms[0].weights.shape == (2048, 1, 1)  # 7 x 7 at full size
    steps = {step.name: step for step in small("googlenet").steps}
    assert steps["inception_3a-pool"].terms[0].source == "stem" and steps["pool_3b"].pool == (3, 2, 0, (7, 7))
    assert [steps[f"inception_3a-{part}"].first for part in ("1x1", "3x3", "5x5", "pool_proj")] == [0, 64, 192, 224]
    assert steps["inception_3a-3x3_reduce"].output == "inception_3a-3x3_reduce"
    assert {step.terms[0].kind for step in small("mobilenet05").steps if step.label == "dwconv"} == {"diagonal"}


def test_the_average_pooling_of_the_full_resnet():
    graph = synthesise("resnet50_str90", layers=["layer4.2.conv3", "fc"])
    pooling = next(step for step in graph.steps if step.name == "avgpool")
    assert pooling.terms[0].kernel == (7, 7) and graph.maps["avgpool"].shape == (2048, 1, 1)
    assert set(graph.inputs) == {"layer4.2.conv2", "layer4.1.out"}


def test_the_transformer_runs_each_linear_layer_by_itself(small):
    graph = small("transformer_csp")
    steps = {step.name: step for step in graph.steps}
    assert len(steps) == 97 and graph.maps["src_tokens"].shape == (512, 1, 16) and graph.maps["src_tokens"].signed
    assert steps["enc0.slf_attn.w_qs"].activation == "none" and steps["enc0.pos_ffn.w_1"].activation == "relu"
    assert steps["enc0.pos_ffn.w_2"].terms[0].source == "enc0.pos_ffn.w_1"
    assert graph.meta["steps"]["enc0.pos_ffn.w_2"]["input"] == pytest.approx(.5, abs=1e-4)
    assert graph.meta["steps"]["enc0.pos_ffn.w_1"]["input"] == 1.0
    assert steps["trg_word_prj"].terms[0].weights.kept == 2_776_928
    assert sum(step.terms[0].weights.kept for step in graph.steps) == 6_883_424


@pytest.mark.parametrize("batch", [1, 16])
def test_fully_connected_layers_alone(batch):
    graph = synthesise("alexnet", layers="fc", batch=batch)
    assert [step.name for step in graph.steps] == ["fc6", "fc7", "fc8"]
    if batch == 1:
        assert graph.maps["flat"].vector and graph.steps[0].terms[0].kind == "fc"
    else:
        assert graph.maps["flat"].shape == (9216, 1, 16) and graph.steps[0].terms[0].kind == "conv"
    assert share(draw_inputs(graph)["flat"]) == pytest.approx(.34, abs=1e-4)
    assert graph.meta["steps"]["fc7"]["input"] == pytest.approx(.36, abs=1e-3)


def test_a_layer_is_the_same_alone():
    whole, alone = synthesise("vgg16", shrink=7), synthesise("vgg16", shrink=7, layers=["conv4_2"])
    weights = next(step for step in whole.steps if step.name == "conv4_2").terms[0].weights
    assert (alone.steps[0].terms[0].weights.values == weights.values).all()
    assert alone.inputs == ("conv4_1",)
    other = synthesise("vgg16", shrink=7, layers=["conv4_2"], seed=2).steps[0].terms[0].weights
    assert other.kept == weights.kept and (other.counts != weights.counts).any()


def test_readers_that_disagree_share_the_mean(tmp_path):
    table = yaml.safe_load((workloads.FOLDER / "googlenet.yaml").read_text())
    for row in table["layers"]:
        if row["name"] == "inception_3a-1x1":
            row["input_density"] = 0.2
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(table))
    graph = synthesise(tmp_path / "mine.yaml", shrink=4, layers=["inception_3a-1x1", "inception_3a-3x3_reduce"])
    told = graph.meta["disagreements"]["stem"]
    assert told["inception_3a-1x1"] == .2 and told["inception_3a-3x3_reduce"] == .708978
    assert .2 < share(draw_inputs(graph)["stem"]) < .708


@pytest.mark.parametrize("arguments, sentence", [
    ({"lanes": 0}, "lanes must be a whole number from 1"),
    ({"seed": -1}, "seed must be a whole number from 0"),
    ({"assumed": 0}, "assumed must be above 0 and at most 1"),
    ({"bits": 8}, "bits must be from 16 to 40"),
    ({"batch": 0}, "batch must be a whole number from 1"),
    ({"batch": 2}, 'a batch of 2 needs fully connected layers only: alexnet has others; try layers="fc"'),
    ({"layers": "fc9"}, "alexnet has no layer fc9; near: fc8"),
    ({"layers": []}, "layers must name at least one layer"),
])
def test_wrong_arguments(arguments, sentence):
    with pytest.raises(InputError, match=sentence):
        synthesise("alexnet", **arguments)


def wide_kernel(table):
    row = table["layers"][0]
    more = row["macs"] * (13 * 13 - 11 * 11) // (11 * 11)
    table["totals"]["macs_conv"] += more
    table["totals"]["weights"] += 96 * 3 * (13 * 13 - 11 * 11)
    row.update(R=13, S=13, pad=1, macs=row["macs"] + more)


def wide_pool(table):
    next(node for node in table["glue"] if node["name"] == "pool_3b").update(k=4, pad=1)


def shared_sum(table):
    next(node for node in table["glue"] if node["name"] == "layer1.1.out").update({"from": ["layer1.0.out", "layer1.0.out"]})


@pytest.mark.parametrize("name, edit, sentence", [
    ("alexnet", wide_kernel, "conv1 has the kernel 13 x 13 and the stride 4, but kernels go to 11"),
    ("googlenet", wide_pool, "pool_3b pools 4 x 4 with the stride 2, but pooling kernels go to 3"),
    ("resnet50_str90", shared_sum, "the addition layer1.1.out needs a convolution that nothing else reads"),
])
def test_what_the_accelerator_cannot_run(tmp_path, name, edit, sentence):
    table = yaml.safe_load((workloads.FOLDER / f"{name}.yaml").read_text())
    edit(table)
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(table))
    with pytest.raises(InputError, match=sentence):
        synthesise(tmp_path / "mine.yaml", layers="conv")
