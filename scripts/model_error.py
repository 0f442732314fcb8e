"""How far the cycle model is from the hardware, layer by layer."""
from __future__ import annotations

from typing import Any, Iterable

import numpy as np
from rich.table import Table

from scripts.summary import percent


def with_model(report: dict[str, Any], model: dict[str, Any]) -> dict[str, Any]:
    """The report of a simulation, with `model_cycles` of the whole and of each layer from the model's report of the same run."""
    layers = [layer | {"model_cycles": other["cycles"]} for layer, other in zip(report["layers"], model["layers"], strict=True)]
    return report | {"model_cycles": model["cycles"], "layers": layers}


def layer_errors(report: dict[str, Any]) -> np.ndarray:
    """model cycles / cycles - 1 of each layer, float [layers]."""
    return np.array([layer["model_cycles"] / layer["cycles"] - 1 for layer in report["layers"]])


def row(name: str, report: dict[str, Any]) -> list[str]:
    """The figures of one network: the whole's error, and of its layers' the mean, the 95th percentile and the largest."""
    errors = layer_errors(report)
    sizes = np.abs(errors)
    worst = int(sizes.argmax())
    layer = report["layers"][worst]
    return [name, f"{report['cycles']:,.0f}", f"{report['model_cycles']:,.0f}", _signed(report["model_cycles"] / report["cycles"] - 1),
            str(len(errors)), percent(sizes.mean()), percent(np.percentile(sizes, 95)), _signed(errors[worst]),
            f"{layer['name']} ({layer['cycles']:,} cycles)", percent((sizes <= 0.02).mean(), 0)]


def table(reports: dict[str, dict[str, Any]]) -> Table:
    """A row a network, and one of all layers of all networks."""
    result = Table(box=None, pad_edge=False, header_style="dim", title="the cycle model against the hardware", title_justify="left")
    for heading in ("workload", "cycles", "model", "error", "layers", "mean", "95 %", "largest", "which", "within 2 %"):
        result.add_column(heading, justify="left" if heading in ("workload", "which") else "right", no_wrap=True)
    for name, report in reports.items():
        result.add_row(*row(name, report))
    if len(reports) > 1:
        result.add_row(*row("all", _together(reports.values())))
    return result


def _together(reports: Iterable[dict[str, Any]]) -> dict[str, Any]:
    reports = list(reports)
    return {"cycles": sum(one["cycles"] for one in reports), "model_cycles": sum(one["model_cycles"] for one in reports),
            "layers": [layer for one in reports for layer in one["layers"]]}


def _signed(ratio: float) -> str:
    return f"{100 * ratio:+.1f} %"
