"""`cascadefire`: the commands, and the one place where bad input becomes one sentence."""
from __future__ import annotations

import os
import signal
import sys
from importlib.metadata import version

import typer
from typer.exceptions import TyperException

from scripts.bench import bench
from scripts.benchmark import benchmark
from scripts.boards import boards
from scripts.build import build
from scripts.efficiency import efficiency
from scripts.mappings import mappings
from scripts.networks import networks
from scripts.program import program
from scripts.run import run
from scripts.sweep import sweep
from scripts.verilog import verilog
from tb.toolchain import ToolError

app = typer.Typer(
    help="Sparse neural networks on simulated cascadefire hardware.",
    add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(run)
app.command()(networks)
app.command()(mappings)
app.command()(benchmark)
app.command()(efficiency)
app.command()(sweep)
app.command()(boards)
app.command()(build)
app.command()(verilog)
app.command()(program)
app.command()(bench)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"cascadefire {version('cascadefire')}")
        raise typer.Exit()


@app.callback()
def cascadefire(
    _version: bool = typer.Option(False, "--version", help="Print the version.", callback=_show_version, is_eager=True),
) -> None:
    """Sparse neural networks on simulated cascadefire hardware."""


def _sentence(error: Exception) -> str:
    """The error as one line without a closing full stop: the rule, then the offending value."""
    if isinstance(error, TyperException):
        text = error.format_message()
        text = text[:1].lower() + text[1:]
    elif isinstance(error, OSError) and error.filename:
        text = f"{error.filename}: {(error.strerror or 'cannot be used').lower()}"
    else:
        text = str(error)
    return " ".join(text.split()).rstrip(".")


def _unwind(number: int, _frame) -> None:
    """Leave through every `finally`, so that tools are ended and scratch folders go; the shell's exit code for a signal."""
    sys.exit(128 + number)


def main(arguments: list[str] | None = None) -> None:
    """Run a command and exit: 0 done, 1 outputs wrong or a tool missing or failing, 2 bad input, 130 interrupted, 143 ended.

    What the code raises for input is a ValueError or an OSError. CASCADEFIRE_TRACEBACK=1 shows where it came from.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, _unwind)
    try:
        code = app(arguments or ["--help"], prog_name="cascadefire", standalone_mode=False)
    except (TyperException, ValueError, OSError) as error:
        if os.environ.get("CASCADEFIRE_TRACEBACK"):
            raise
        print(f"cascadefire: {_sentence(error)}", file=sys.stderr)
        code = 2
    except ToolError as error:
        # Not folded into one line: it ends with what the tool printed.
        print(f"cascadefire: {error}", file=sys.stderr)
        code = 1
    sys.exit(code)
