"""Figures that both forms of a graph's report show, derived once from the report dictionary (docs/report.md)."""
from __future__ import annotations

from typing import Any, Iterable

from scripts.summary import Report, cause_label


def title(report: Report) -> str:
    """What was run, with the part and the batch."""
    return report.get("subject") or report["network"]


def array_name(report: Report) -> str:
    return f"{report['array']['pes']} x {report['array']['lanes']}"


def shares(report: Report) -> list[dict[str, float]]:
    """What the PEs did with their cycles, a dictionary a layer: beats, then each stall cause, as shares of cycles x PEs.

    Beats are those issued in the layer's cycles: what overlapping tiles compute twice is among them, and the first of the next
    layer where it begins early.
    """
    found = []
    for layer in report["layers"]:
        spent = {"beats": layer["effectual_beats"] + layer["recomputed_beats"], **layer["stalls"]}
        total = layer["cycles"] * report["array"]["pes"]
        found.append({cause: count / total if total else 0.0 for cause, count in spent.items()})
    return found


def total_shares(report: Report) -> dict[str, float]:
    """The shares of all layers together."""
    cycles = [layer["cycles"] for layer in report["layers"]]
    each = shares(report)
    return {cause: sum(share[cause] * own for share, own in zip(each, cycles)) / (sum(cycles) or 1) for cause in each[0]}


def headings(report: Report) -> list[str]:
    return [cause_label(cause) for cause in shares(report)[0]]


def compulsory_bytes(layer: Report, report: Report) -> float:
    """Bytes of weights, counts and events that the layer cannot do without, each once."""
    return layer["memory_cycles"] * report["port_bytes"]


def intensity(layer: Report, report: Report) -> float:
    """Effectual beats a compulsory byte: where the layer is on the roofline plot."""
    compulsory = compulsory_bytes(layer, report)
    return layer["effectual_beats"] / compulsory if compulsory else 0.0


def bound(layer: Report) -> str:
    """What the roofline of a layer is."""
    return "memory" if layer["memory_cycles"] > layer["ideal_cycles"] else "beats"


def lowest(report: Report) -> Report:
    """The layer with the lowest efficiency."""
    return min(report["layers"], key=lambda layer: layer["efficiency"])


def traffic(report: Report) -> tuple[int, int, float]:
    """Bytes read, bytes written, and compulsory bytes, of all layers."""
    layers = report["layers"]
    return (sum(layer["bytes_in"] for layer in layers), sum(layer["bytes_out"] for layer in layers),
            sum(compulsory_bytes(layer, report) for layer in layers))


def size(count: float) -> str:
    """Bytes with a decimal unit and three digits."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 999.5 or unit == "GB":
            break
        count /= 1000
    return f"{count:.{0 if count >= 100 or unit == 'B' else 1 if count >= 10 else 2}f} {unit}"


def assumed(report: Report) -> list[str]:
    """A sentence for each kind of value that the table did not know: what was taken instead, and for which layers."""
    groups: dict[tuple[str, float], list[str]] = {}
    for entry in report.get("assumed", ()):
        groups.setdefault((entry["what"], entry["density"]), []).append(entry["name"])
    return [f"assumed density {density:g} of {what}{'' if what.endswith('s') or len(names) == 1 else 's'}: {listed(names)}"
            for (what, density), names in groups.items()]


def listed(names: Iterable[str], most: int = 6) -> str:
    """Names in a row, a long list cut with the number of those left out."""
    names = list(names)
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def sources(report: Report) -> list[str]:
    """Where shapes, densities and weights come from."""
    return [f"{name}: {text}" for name, text in report.get("sources", {}).items()]


def surroundings(report: Report) -> dict[str, Any]:
    """Machine, versions and settings."""
    own = {"memory latency": f"{report['latency']} cycles", "memory port": f"{8 * report['port_bytes']} bits",
           "memory on chip": size(report["on_chip_bytes"]), "seconds": f"{report['seconds']:,.0f}"}
    if "draw_seed" in report:
        own["seed of the drawn values"] = report["draw_seed"]
    if "acc_depth" in report.get("core", {}):
        own["partial sums a lane"] = f"{report['core']['acc_depth']:,} (acc_depth)"
    return {**report["machine"], **report["versions"], **own}
