"""A subject through the simulated accelerator: progress, report, files, verdict."""
from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import typer

from scripts import files, graph_terminal
from scripts.progress import RunProgress
from scripts.subjects import Subject

ARRAY = "4x32"
LATENCY = 20


def simulate(graph, inputs, trace: Path | None = None, **options: Any) -> dict[str, Any]:
    """Hand over to the benches, imported here since they load the simulators."""
    from tb.run_graph import run_graph
    from tb.waveform import fst_from_vcd

    waveform = trace and trace.with_suffix(".vcd")
    report = run_graph(graph, inputs, **options, **({"trace": waveform} if waveform else {}))
    if waveform and waveform != trace:
        fst_from_vcd(waveform, trace)
        waveform.unlink()
    return report


def measure(subject: Subject, modes: list[str], latency: int = LATENCY, **options: Any) -> dict[str, Any]:
    """Run a subject and complete its report with what only the subject knows.

    options: array, sim, trace and fields of CoreConfig.
    """
    with RunProgress(modes, None, "passes") as progress:
        report = dict(simulate(subject.graph, subject.inputs, modes=modes, latency=latency, progress=progress.update,
                               status=progress.status, **options))
    outputs = report.pop("outputs", None)
    report |= {"subject": subject.name, "command": subject.command, **subject.facts}
    if subject.pictures and report["bit_exact"] is not False:
        # Where the bench hands no maps out, those of the reference are the hardware's: the run was bit-exact.
        report["pictures"] = subject.pictures(outputs or subject.maps(), report["bit_exact"] is True)
    return report


def json_lines(report: dict[str, Any]) -> str:
    """One key a line, one layer a line: neither one endless line nor a line for each number."""
    lines = []
    for key, value in report.items():
        text = json.dumps(value, allow_nan=False)
        if key == "layers":
            text = "[\n  " + ",\n  ".join(json.dumps(layer, allow_nan=False) for layer in value) + "]"
        lines.append(f"{json.dumps(key)}: {text}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def run_subject(subject: Subject, json_file: Path, html_file: Path, trace: Path | None = None, **options: Any) -> None:
    """Run, write both reports, print the tables; exit with 1 when the outputs are wrong."""
    with files.replacing(trace) if trace else nullcontext() as waveform:
        report = measure(subject, trace=waveform, **options)
    from scripts import graph_html

    files.write_text(json_file, json_lines(report))
    files.write_text(html_file, graph_html.render(report))
    graph_terminal.show(report, json_file, html_file)
    verdict_or_exit(report)


def verdict_or_exit(*reports: dict[str, Any]) -> None:
    """Exit with 1 when any report is not bit-exact."""
    if any(report["bit_exact"] is False for report in reports):
        typer.echo("cascadefire: the hardware's outputs differ from the reference", err=True)
        raise typer.Exit(1)
