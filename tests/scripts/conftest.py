"""A checkout with one small network, `digits`, and simulators that return the example reports at once."""
from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from cascadefire import network_file
from cascadefire.cspa.format import pack
from cascadefire.network import Layer, Network
from scripts import graph_run, main, run
from tests.scripts.graph_report import graph_report
from tests.scripts.lenet_report import lenet_report


def small_network(name: str = "digits", side: int = 28) -> Network:
    """One fully connected layer of ten outputs; rows keep 0, 1 or 2 chunks of eight."""
    rng = np.random.default_rng(1)
    dense = rng.integers(-20, 20, (10, side * side), dtype=np.int8)
    dense[:, ::2] = 0
    dense[8:, 1::4] = 0
    layer = Layer("fc1", "fc", 10, (1, 1), 1, 0, None, "none", (1, side, side), pack(dense, 8),
                  np.zeros(10, np.int32), np.full(10, 40000, np.uint16), np.full(10, 20, np.uint8))
    return Network(name, "Ten dot products", (1, side, side), 8, [layer], meta={"held_out_accuracy": 0.125})


@pytest.fixture
def command(tmp_path, monkeypatch, capsys):
    """Call with arguments as one string; returns exit code, standard output, standard error. The directory is empty before.

    `command.calls` holds what the simulators were asked for; `command.report` is what the digits' one answers,
    `command.graph_report`, a report, an exception or a function of the graph and the options, what the graphs' one answers.
    """
    shipped = tmp_path / "shipped"
    shipped.mkdir()
    small_network().save(shipped / "digits.yaml")
    monkeypatch.setattr(network_file, "FOLDER", shipped)
    workplace = tmp_path / "here"
    workplace.mkdir()
    monkeypatch.chdir(workplace)

    def answer(report, options, parts):
        for mode in options["modes"]:
            options["progress"](100_000, parts, parts, mode)
        if options.get("trace") is not None:
            options["trace"].write_text("waveform")
        if isinstance(report, BaseException):
            raise report
        return report

    def simulate(network, images, labels, **options):
        call.calls.append(SimpleNamespace(network=network, images=images, labels=labels, **options))
        return answer(call.report, options, len(images))

    def simulate_graph(graph, inputs, **options):
        call.calls.append(SimpleNamespace(graph=graph, inputs=inputs, **options))
        report = call.graph_report
        return answer(report(graph, options) if callable(report) else report, options, len(graph.steps))

    monkeypatch.setattr(run, "simulate", simulate)
    monkeypatch.setattr(graph_run, "simulate", simulate_graph)

    def call(line: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stop:
            main.main(line.split())
        output = capsys.readouterr()
        return stop.value.code or 0, output.out, output.err

    call.calls, call.report = [], lenet_report()
    call.graph_report = lambda graph, options: graph_report(
        len(graph.steps), tuple(options["modes"]), name=graph.name) | {"port_bytes": options.get("weight_bytes", 8)}
    return call
