"""What the commands do when all is well, with a simulator that answers at once."""
import json
import subprocess
import sys
from pathlib import Path

import numpy as np


def test_defaults(command):
    code, output, error = command("run digits")
    assert code == 0
    [call] = command.calls
    assert (call.network.name, call.array, call.modes, call.sim) == ("digits", (4, 8), ["dense", "csp", "mnf", "both"], "verilator")
    assert call.images.shape == (20, 1, 28, 28) and call.images.dtype == np.uint8
    assert "both" in error and "lenet on 4 x 8" in output


def test_files(command):
    assert command("run digits")[0] == 0
    report = json.loads(Path("build/report.json").read_text())
    assert report["layers"][1]["name"] == "conv2" and report["chunk"] == 8
    assert "</html>" in Path("build/report.html").read_text()
    assert sorted(path.name for path in Path("build").iterdir()) == ["report.html", "report.json"]


def test_options(command):
    code, _, _ = command("run digits --images 7 --array 1X32 --mode csp --sim myhdl --json a.json --html b.html --trace c.vcd")
    assert code == 0
    [call] = command.calls
    assert (len(call.images), call.array, call.modes, call.sim) == (7, (1, 32), ["csp"], "myhdl")
    assert call.trace.suffix == ".vcd" and call.trace.name != "c.vcd"
    assert sorted(path.name for path in Path().iterdir()) == ["a.json", "b.html", "c.vcd"]


def test_images_are_spread_over_the_classes(command):
    command("run digits --images 10")
    command("run digits --images all")
    few, every = command.calls
    assert sorted(few.labels) == list(range(10))
    assert len(every.images) == len(every.labels) == 2004
    assert len(np.unique(every.images.reshape(2004, -1), axis=0)) == 2004


def test_network_file(command, tmp_path):
    assert command(f"run {tmp_path}/shipped/digits.yaml --mode both")[0] == 0


def test_next_commands_can_be_typed(command):
    output = command("run digits")[1]
    following = [line.split()[1:] for line in output.split("Next:")[1].splitlines() if line]
    assert len(following) == 2
    for words in following:
        assert command(" ".join(words))[0] == 0


def test_difference_from_the_reference_fails(command):
    command.report["bit_exact"] = False
    code, output, error = command("run digits")
    assert code == 1
    assert "NOT equal" in output and "differ from the reference" in error
    assert "NOT equal" in Path("build/report.html").read_text()


def test_old_report_survives_a_failed_run(command):
    command("run digits --json r.json")
    before = Path("r.json").read_text()
    command.report = OSError(28, "No space left on device", "sim")
    assert command("run digits --json r.json")[0] == 2
    assert Path("r.json").read_text() == before


def test_networks(command):
    code, output, _ = command("networks")
    assert code == 0
    line = next(line for line in output.splitlines() if line.startswith("digits"))
    assert line.split()[-6:] == ["7,840", "45.0", "%", "8", "12.50", "%"]
    assert "googlenet" in output and "vgg16" in output


def test_help_and_interpreter(command):
    assert "Commands:" in command("")[1]
    assert "--array PxC" in command("run --help")[1]
    done = subprocess.run([sys.executable, "-c", "from scripts.main import main; main()", "run", "lenet", "--array", "0x8"],
                          capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "cascadefire: pes must be a whole number from 1 to 8, not 0\n"


def test_mappings_prints_a_row_per_layer(command):
    code, output, _ = command("mappings digits --images 1")
    assert code == 0
    assert all(word in output for word in ("diagonals", "filter groups", "events"))
