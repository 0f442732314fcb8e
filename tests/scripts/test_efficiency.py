"""`efficiency` and `sweep`: tables, files and what is asked of the simulator; simulated at once."""
import json
from pathlib import Path

import pytest

from scripts import efficiency, sweep
from tb.toolchain import ToolError
from tests.scripts.graph_report import graph_report
from tests.scripts.test_graph_commands import needs_vgg16
from tests.scripts.test_report import _Loads

MLP = "--workload mlp_mnist_300_100"


def test_efficiency(command):
    code, output, _ = command("efficiency --workloads mlp,mlp_batch16 --array 2x32 --port-bits 32 --latency 9 --seed 3")
    assert code == 0
    one, many = command.calls
    assert [call.graph.meta["batch"] for call in (one, many)] == [1, 16]
    assert (one.array, one.weight_bytes, one.latency, one.modes, one.sim) == ((2, 32), 4, 9, ["both"], "verilator")
    reports = [json.loads(line) for line in Path("build/efficiency.json").read_text().splitlines()]
    assert [report["case"] for report in reports] == ["mlp", "mlp_batch16"]
    for report in reports:
        row = next(line for line in output.splitlines() if line.split()[:1] == [report["case"]])
        assert f"{report['cycles']:,}" in row and f"{100 * report['totals']['efficiency']:.1f} %" in row and row.rstrip().endswith("yes")
    assert output.index("seed of the drawn values  3") > output.index("verilator")


def test_all_cases_are_known(command):
    named = {case["name"] for case in efficiency.CASES.values() if "name" in case}
    assert named <= set(efficiency.tables.names())
    assert len(efficiency.CASES) == 10


def test_other_tables_can_be_named(command):
    assert command("efficiency --workloads mlp_mnist_300_100 --sim model")[0] == 0
    assert command.calls[0].sim == "model"


def test_the_model_is_held_against_the_hardware(command):
    hardware, model = graph_report(3), graph_report(3)
    model["layers"] = [layer | {"cycles": layer["cycles"] * (110 if index == 1 else 100) // 100}
                       for index, layer in enumerate(model["layers"])]
    model["cycles"] = sum(layer["cycles"] for layer in model["layers"])
    command.graph_report = lambda graph, options: model if options["sim"] == "model" else hardware
    code, output, _ = command("efficiency --workloads mlp --sim both")
    assert code == 0 and [call.sim for call in command.calls] == ["verilator", "model"]
    report, = [json.loads(line) for line in Path("build/efficiency.json").read_text().splitlines()]
    assert [layer["model_cycles"] for layer in report["layers"]] == [layer["cycles"] for layer in model["layers"]]
    row = output[output.index("the cycle model against the hardware"):].splitlines()[2]
    largest = report["layers"][1]
    assert f"{report['model_cycles']:,}" in row and f"{largest['name']} ({largest['cycles']:,} cycles)" in row
    assert f"{100 * (largest['model_cycles'] / largest['cycles'] - 1):+.1f} %" in row


@needs_vgg16
def test_real_vgg16_is_shrunk_by_its_side(command):
    assert command("efficiency --workloads vgg16 --shrink 7")[0] == 0
    assert command.calls[0].graph.name == "vgg16_photograph" and command.calls[0].inputs["image"].shape == (3, 32, 32)


def test_one_failure_does_not_take_the_others_along(command):
    command.graph_report = lambda graph, options: (graph_report(3) if graph.meta["batch"] == 16
                                                   else ToolError("compiling failed:\n  line 1\nno space left\n"))
    code, output, error = command("efficiency --workloads mlp,mlp_batch16")
    assert code == 1 and "mlp failed: compiling failed: no space left" in output and "mlp: compiling failed" in error
    assert [json.loads(line)["case"] for line in Path("build/efficiency.json").read_text().splitlines()] == ["mlp_batch16"]


def test_difference_from_the_reference_fails(command):
    command.graph_report = graph_report(3) | {"bit_exact": False}
    code, output, _ = command("efficiency --workloads mlp")
    assert code == 1 and " NO" in output


def test_sweep_over_the_port(command):
    code, output, _ = command(f"sweep {MLP} --over port --batch 2")
    assert code == 0
    assert [call.weight_bytes for call in command.calls] == [2, 4, 8, 16]
    assert len({id(call.graph) for call in command.calls}) == 1
    assert [json.loads(line)["port"] for line in Path("build/sweep.json").read_text().splitlines()] == [16, 32, 64, 128]
    assert [line.split()[0] for line in output.splitlines() if line.strip()[:1].isdigit()] == ["16", "32", "64", "128"]
    page = Path("build/sweep.html").read_text()
    parser = _Loads()
    parser.feed(page)
    assert parser.tags.count("svg") == 2 and all(address.startswith("#") for address in parser.addresses)
    assert "$" not in page.split("</style>")[1]


def test_sweep_over_the_latency(command):
    assert command(f"sweep {MLP} --over latency --port-bits 32 --sim model")[0] == 0
    assert [(call.latency, call.weight_bytes, call.sim) for call in command.calls] == [
        (value, 4, "model") for value in (5, 20, 50, 100, 200)]
    assert command(f"sweep {MLP} --over latency --values 7,3")[0] == 0
    assert [call.latency for call in command.calls[5:]] == [3, 7]


def test_sweep_over_the_side_of_a_table(command):
    assert command("sweep --workload alexnet --layers conv1 --over side --values 227")[0] == 0
    assert command.calls[0].graph.maps["image"].shape[1] == 227
    assert sweep.points_of("side", None, "resnet50_str80", 32) == [28, 32, 56, 112, 224]
    assert sweep.shrink_of("resnet50_str80", 32) == 7


@needs_vgg16
def test_sweep_over_the_side_of_the_photograph(command):
    code, output, _ = command("sweep vgg16 --over side --values 48,32")
    assert code == 0
    assert [call.inputs["image"].shape[1] for call in command.calls] == [32, 48]
    beats = sum(layer["effectual_beats"] for layer in graph_report()["layers"])
    assert f"{graph_report()['cycles'] * 4 / beats:.3f}" in output


@pytest.mark.parametrize("lanes, points", [(4, [16, 32]), (8, [16, 32, 64]), (32, [16, 32, 64, 128])])
def test_words_are_not_wider_than_chunks(lanes, points):
    assert sweep.points_of("port", None, None, lanes) == points
