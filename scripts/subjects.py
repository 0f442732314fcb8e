"""What a graph run runs: VGG-16 on a photograph, or a table of shapes and densities with drawn weights."""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Mapping

import numpy as np

from cascadefire import graph_reference, photographs, synthesise, vgg16, workloads
from cascadefire.errors import InputError
from cascadefire.graph import Graph
from scripts.html_parts import png

VGG16 = "vgg16"


@dataclass(frozen=True)
class Subject:
    """A graph with its inputs.

    name: for headings, with the part and the batch.  command: what was typed after `cascadefire run`.
    facts: JSON for the report: what was drawn or taken from where, assumed densities, remarks.
    pictures: given the outputs' maps and whether they were read from hardware, dictionaries of name, caption and png (base64).
    """

    name: str
    command: str
    graph: Graph
    inputs: Mapping[str, np.ndarray]
    facts: dict[str, Any]
    pictures: Callable[[Mapping[str, np.ndarray], bool], list[dict]] | None = None

    def maps(self) -> dict[str, np.ndarray]:
        """The integer reference's maps."""
        return graph_reference.run(self.graph, self.inputs)


def photograph(photo: str | None = None, side: int = 224) -> Subject:
    """VGG-16 with real weights. photo: None for the packaged one, or a file."""
    name = photo or photographs.PACKAGED[0]
    graph, inputs, reference = vgg16.vgg16(name, side)
    pixels = photographs.load(name, side)

    def pictures(maps: Mapping[str, np.ndarray], simulated: bool) -> list[dict]:
        own = vgg16.edge_map(vgg16.dequantise(graph, maps), side)
        theirs = vgg16.edge_map(reference, side)
        alike = vgg16.agreement(graph, maps, reference)["edges"]
        origin = "the accelerator's int8 maps" if simulated else "the int8 maps of the integer reference, no hardware was simulated"
        return [
            {"name": "Photograph", "caption": f"{Path(name).name}, centre square, {side} x {side} pixels, the input.", "png": png(pixels)},
            {"name": "Edges, from the hardware" if simulated else "Edges, int8", "png": png(_grey(own)),
             "caption": f"HED side outputs of {origin}: weights pruned in one shot, without retraining. Correlation with the float "
                        f"network's edges: {alike:.3f}."},
            {"name": "Edges, float", "png": png(_grey(theirs)),
             "caption": "The same side outputs of the float32 network, nothing pruned."},
        ]

    option = f" --photo {photo}" if photo else ""
    command = f"{VGG16}{option}" + (f" --side {side}" if side != 224 else "")
    facts = {"sources": graph.meta["sources"], "notes": graph.meta["notes"], "assumed": [], "side": side}
    return Subject(f"VGG-16 on a photograph, {side} x {side}", command, graph, inputs, facts, pictures)


def table(name: str, batch: int | None = None, layers: str | None = None, shrink: int = 1, seed: int = 1) -> Subject:
    """A shipped table or a YAML file, as `synthesise` takes it. layers: conv, fc, or names separated by commas."""
    workload = workloads.load(name)
    chosen = layers if layers in (None, "conv", "fc") else [part for part in layers.split(",") if part]
    graph = synthesise.synthesise(workload, seed=seed, batch=batch, layers=chosen, shrink=shrink)
    used = graph.meta["batch"]
    parts = [workload.name, *([layers] if layers else []), *([f"batch {used}"] if used > 1 or batch else []),
             *([f"input 1/{shrink}"] if shrink > 1 else [])]
    options = {"batch": batch, "layers": layers, "shrink": shrink if shrink > 1 else None, "seed": seed if seed != 1 else None}
    command = f"--workload {name}" + "".join(f" --{key} {value}" for key, value in options.items() if value is not None)
    facts = {"sources": graph.meta["sources"], "notes": graph.meta["notes"], "assumed": graph.meta["assumed"],
             "batch": used, "shrink": shrink, "draw_seed": seed}
    return Subject(", ".join(parts), command, graph, synthesise.draw_inputs(graph), facts)


def side_of(name: str) -> int:
    """The height of a table's input, which `shrink` divides."""
    workload = workloads.load(name)
    sides = {max(shape[1:]) for shape in workload.inputs.values()}
    if sides == {1}:
        raise InputError(f"a sweep over the side needs images as inputs, and {workload.name} has vectors")
    return max(sides)


def _grey(edges: np.ndarray) -> np.ndarray:
    """0..1 as bytes, edges dark on white as usual for edge maps."""
    return np.rint(255 * (1 - np.clip(edges, 0, 1))).astype(np.uint8)
