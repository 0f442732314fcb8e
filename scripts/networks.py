"""`cascadefire networks`: what ships with the checkout."""
from __future__ import annotations

import typer
from rich.console import Console
from rich.table import Table

from cascadefire import network as graph
from cascadefire import workloads
from scripts.summary import percent


def networks() -> None:
    """List the networks that ship."""
    shipped = [graph.load(name) for name in graph.names()]
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("name", "title"):
        table.add_column(heading)
    for heading in ("layers", "weights", "kept", "chunk", "accuracy"):
        table.add_column(heading, justify="right", no_wrap=True)
    for net in shipped:
        weights = sum(layer.rows * layer.channels for layer in net.layers)
        accuracy = net.meta.get("held_out_accuracy")
        table.add_row(net.name, net.title, str(len(net.layers)), f"{weights:,}", percent(net.density), str(net.chunk),
                      "-" if accuracy is None else percent(accuracy, 2))
    Console().print(table)
    typer.echo("\nRun one: cascadefire run NAME, or run vgg16 (a photograph)")
    typer.echo(f"Tables of large networks, run --workload NAME: {', '.join(workloads.names())}")
