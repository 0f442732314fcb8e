"""The critical path of a routed design in names of the source."""
from __future__ import annotations

from fpga.build.names import Names


def critical_path(report: dict, clock: str, names: Names) -> dict:
    """The slowest register-to-register path of a clock, as nextpnr reports it.

    Returns {delay_ns, logic_ns, routing_ns, levels, steps: [{signal, block, instance, source, delay_ns, levels}]}: steps that
    belong to one signal are one, and its delay is what is spent up to there. Empty when there is no such path.
    """
    found = [path for path in report["critical_paths"] if path["from"] == path["to"] and _clock(path["from"]) == clock]
    if not found:
        return {}
    path = max(found, key=lambda one: sum(step["delay"] for step in one["path"]))["path"]
    steps: list[dict] = []
    for step in path:
        place = names.place(step["net"]) if step.get("net") else names.place(step["to"]["cell"])
        key = _key(place, step)
        if not steps or steps[-1]["key"] != key:
            steps.append({"key": key, **_described(place, step), "delay_ns": 0.0, "levels": 0})
        steps[-1]["delay_ns"] += step["delay"]
        steps[-1]["levels"] += step["type"] == "logic"
    for step in steps:
        del step["key"]
        step["delay_ns"] = round(step["delay_ns"], 3)
    spent = {kind: round(sum(step["delay"] for step in path if (step["type"] == "routing") == (kind == "routing")), 3)
             for kind in ("logic", "routing")}
    return {"delay_ns": round(spent["logic"] + spent["routing"], 3), "logic_ns": spent["logic"], "routing_ns": spent["routing"],
            "levels": sum(step["type"] == "logic" for step in path), "steps": steps}


def _clock(edge: str) -> str:
    return edge.split(" ", 1)[-1]


def _key(place, step) -> tuple:
    return (place.instance, place.signal) if place else (None, step["to"]["cell"])


def _described(place, step) -> dict:
    if place is None:
        return {"signal": step["to"]["cell"], "block": None, "instance": None, "source": None}
    return {"signal": place.signal, "block": place.block, "instance": place.instance, "source": f"{place.file}:{place.line}"}


def sentence(path: dict) -> str:
    """First and last step of a path and what is between, in one line."""
    if not path:
        return "no path between registers"
    ends = [path["steps"][0], path["steps"][-1]]
    told = [f"{step['block']}.{step['signal']} ({step['source']})" if step["block"] else step["signal"] for step in ends]
    return f"{path['delay_ns']:.1f} ns, {path['levels']} levels of logic, from {told[0]} to {told[1]}"
