"""Bad input: one sentence on standard error, exit code 2, nothing simulated, no file left."""
from pathlib import Path

import pytest

from tb.toolchain import ToolError
from tests.scripts.conftest import small_network

EFFICIENCY = ("vgg16, alexnet, googlenet, resnet50_str80, mlp, mlp_batch16, alexnet_fc, alexnet_fc_batch16, transformer_csp, "
              "mobilenet05, mlp_mnist_300_100, resnet50_str90")
SENTENCES = {
    "run digits --array 0x8": "pes must be a whole number from 1 to 8, not 0",
    "run digits --array 9x8": "pes must be a whole number from 1 to 8, not 9",
    "run digits --array 3x12": "lanes must be a power of two from 4 to 32, not 12",
    "run digits --array 4": "array must be PEs x lanes, such as 4x8, not 4",
    "run digits --array -1x8": "array must be PEs x lanes, such as 4x8, not -1x8",
    "run digits --images 0": "images must be a whole number from 1 to 2004, or all, not 0",
    "run digits --images -1": "images must be a whole number from 1 to 2004, or all, not -1",
    "run digits --images 2005": "images must be a whole number from 1 to 2004, or all, not 2005",
    "run digits --images abc": "images must be a whole number from 1 to 2004, or all, not abc",
    "run digits --images 1.5": "images must be a whole number from 1 to 2004, or all, not 1.5",
    "run digist": "network must be a .yaml file or one of digits, vgg16, not digist (did you mean digits?)",
    "run zzz": "network must be a .yaml file or one of digits, vgg16, not zzz",
    "run nowhere/a.yaml": "there is no file nowhere/a.yaml",
    "run digits --mode bth": "mode must be one of dense, csp, mnf, both, all, not bth (did you mean both?)",
    "run digits --sim verilater": "sim must be one of verilator, myhdl, model, not verilater (did you mean verilator?)",
    "run digits --trace a.fst --sim model": "trace needs sim verilator or myhdl: the cycle model has no signals",
    "run digits --trace a.txt": "trace must end in .fst or .vcd, not a.txt",
    "run digits --json nowhere/r.json": "cannot write nowhere/r.json: no such file or directory",
    "run digits --html .": "cannot write .: it is a directory",
    "run digits --trace nowhere/a.vcd": "cannot write nowhere/a.vcd: no such file or directory",
    "run": "give either a NETWORK or --workload FILE_OR_NAME",
    "run digits --workload alexnet": "give either a NETWORK or --workload FILE_OR_NAME, not both",
    "run digits --side 64": "--side is for vgg16, not for digits",
    "run digits --batch 2": "--batch is for workloads, not for digits",
    "run digits --latency 5": "--latency is for vgg16 and workloads, not for digits",
    "run vgg16 --images 3": "--images is for digit networks, not for vgg16",
    "run vgg16 --shrink 2": "--shrink is for workloads, not for vgg16",
    "run vgg16 --side 8": "side must be a whole number from 16 to 2048, not 8",
    "run vgg16 --side x": "side must be a whole number from 16 to 2048, not x",
    "run vgg16 --mode bth": "mode must be one of dense, csp, mnf, both, all, not bth (did you mean both?)",
    "run --workload alexnet --photo a.png": "--photo is for vgg16, not for alexnet",
    "run --workload alexnet --images 3": "--images is for digit networks, not for alexnet",
    "run --workload alexnet --batch 0": "batch must be a whole number from 1 to 1024, not 0",
    "run --workload alexnet --batch 2": 'a batch of 2 needs fully connected layers only: alexnet has others; try layers="fc"',
    "run --workload alexnet --layers fc9": "alexnet has no layer fc9; near: fc8, fc7, fc6",
    "run --workload alexnet --shrink 1.5": "shrink must be a whole number from 1 to 64, not 1.5",
    "run --workload alexnet --shrink 60": "nothing is left of the map conv1 with shrink 60",
    "run --workload alexnet --seed -1": "seed must be a whole number from 0, not -1",
    "run --workload alexnet --latency 0": "latency must be a whole number from 1 to 100000, not 0",
    "run --workload alexnet --port-bits 48": "port-bits must be one of 16, 32, 64, 128, not 48",
    "run --workload alexnet --array 4x8 --port-bits 128": "port-bits must be at most the bits of a chunk, 64 with 8 lanes, not 128",
    "run --workload alexnet --acc-depth 1000": "acc_depth must be a power of two from 16 to 32768, not 1000",
    "run --workload alexnt": "there is no workload called alexnt: did you mean alexnet or googlenet or mobilenet05? Files end in .yaml",
    "run --workload nowhere.yaml": "there is no file nowhere.yaml",
    "efficiency --workloads lenet": f"workloads must be one of {EFFICIENCY}, not lenet (did you mean alexnet or googlenet?)",
    "efficiency --workloads ,": f"workloads must name at least one of {EFFICIENCY}",
    "efficiency --sim myhdl": "sim must be one of verilator, model, both, not myhdl (did you mean model?)",
    "sweep vgg16": "missing option '--over'",
    "sweep vgg16 --over ports": "over must be one of port, latency, side, not ports (did you mean port?)",
    "sweep vgg16 --over port --values 24": "port-bits must be one of 16, 32, 64, 128, not 24",
    "sweep vgg16 --over latency --values 5,0": "values must be a whole number from 1 to 100000, not 0",
    "sweep vgg16 --over latency --values ,": "values must be numbers separated by commas",
    "sweep vgg16 --over latency --latency 5": "--latency cannot be held in a sweep over the latency",
    "sweep vgg16 --over side --side 5": "--side cannot be held in a sweep over the side",
    "sweep --workload alexnet --over side --shrink 2": "--shrink cannot be held in a sweep over the side",
    "sweep --workload alexnet --over side --values 100": "values must be among 227, whole parts of the table's side, not 100",
    "sweep --workload transformer_csp --over side": "a sweep over the side needs images as inputs, and transformer_csp has vectors",
    "sweep digits --over port": "sweeps are for vgg16 and workloads, not for digits",
    "sweep digist --over port": "network must be a .yaml file or one of digits, vgg16, not digist (did you mean digits?)",
    "run digits --color": "no such option: --color",
    "rnu digits": "no such command 'rnu'. Did you mean 'run'?",
}


@pytest.mark.parametrize("line", SENTENCES)
def test_one_sentence(command, line):
    code, output, error = command(line)
    assert (code, output, error) == (2, "", f"cascadefire: {SENTENCES[line]}\n")
    assert not command.calls
    assert [path for path in Path().rglob("*") if path.is_file()] == []


def test_directory_that_is_a_file(command):
    Path("build").write_text("")
    assert command("run digits")[::2] == (2, "cascadefire: build: file exists\n")
    code, _, error = command("run digits --json build/report.json --html report.html")
    assert (code, error) == (2, "cascadefire: build: file exists\n")
    code, _, error = command("run digits --json build/other.json --html report.html")
    assert (code, error) == (2, "cascadefire: cannot write build/other.json: not a directory\n")


def test_network_of_another_input_shape(command):
    small_network("wide", side=32).save("wide.yaml")
    code, _, error = command("run wide.yaml")
    assert (code, error) == (2, "cascadefire: the network's input must be 1 x 28 x 28, the shape of the shipped digits, "
                                "not 1 x 32 x 32\n")


def test_damaged_network_file(command):
    small_network("short").save("short.yaml")
    arrays = Path("short.npz")
    arrays.write_bytes(arrays.read_bytes()[:100])
    code, output, error = command("run short.yaml")
    assert (code, output, error.count("\n")) == (2, "", 1)
    assert "truncated" in error and not command.calls


def test_input_error_while_simulating(command):
    command.report = ValueError("layer fc1 needs 9000 partial sums,\n  but the array holds 1024")
    code, _, error = command("run digits --trace wave.vcd")
    assert code == 2
    assert error.splitlines()[-1] == "cascadefire: layer fc1 needs 9000 partial sums, but the array holds 1024"
    assert [path for path in Path().rglob("*") if path.is_file()] == []


def test_failing_tool(command):
    command.report = ToolError("compiling the core failed:\nno space left")
    code, _, error = command("run digits")
    assert code == 1
    assert error.splitlines()[-2:] == ["cascadefire: compiling the core failed:", "no space left"]


def test_other_errors_are_not_hidden(command):
    command.report = KeyError("a mistake in the program")
    with pytest.raises(KeyError):
        command("run digits")


def test_traceback_on_request(command, monkeypatch):
    monkeypatch.setenv("CASCADEFIRE_TRACEBACK", "1")
    with pytest.raises(ValueError):
        command("run digits --array 0x8")
