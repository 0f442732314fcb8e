"""`cascadefire mappings`: how evenly each way of sharing out the work loads the PEs, on real digits."""
from __future__ import annotations

import typer
from rich.console import Console
from rich.table import Table

from cascadefire import mappings as study
from cascadefire import reference
from scripts import arguments
from scripts.run import held_out, load_network


def mappings(
    network: str = typer.Argument(metavar="NETWORK", help="A shipped network or a YAML file."),
    images: str = typer.Option("20", metavar="N", help="Held-out digits to use, or all."),
    array: str = typer.Option("4x8", metavar="PxC", help="PEs x lanes, from 1x4 to 8x32."),
) -> None:
    """Print the busiest PE's beats over the mean for rows, diagonals, filter groups and whole events."""
    pes, lanes = arguments.parse_array(array)
    net = load_network(network)
    pixels, _ = held_out(net, images)
    outputs = reference.run(net, pixels)
    table = Table("layer", *study.MAPPINGS, title=f"{net.name} on {pes} x {lanes}, {len(pixels)} digits: busiest PE over mean")
    inputs = [pixels, *outputs.values()]
    for layer, values in zip(net.layers, inputs):
        table.add_row(layer.name, *(f"{value:.3f}" for value in study.imbalance(layer, values, pes, lanes).values()))
    Console().print(table)
