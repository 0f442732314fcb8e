"""The progress bar of a run: one line a mode with what is done, simulated cycles a second and the time left."""
from __future__ import annotations

from rich.console import Console
from rich.progress import (
    BarColumn, MofNCompleteColumn, Progress, ProgressColumn, SpinnerColumn, Task, TextColumn, TimeRemainingColumn,
)
from rich.text import Text


class _CyclesPerSecond(ProgressColumn):
    """Simulated cycles over the seconds since the mode's first report."""

    def render(self, task: Task) -> Text:
        seconds = task.finished_time or task.elapsed
        cycles = task.fields["cycles"]
        # A mode that is over with its first report has no speed worth showing.
        rate = f"{cycles / seconds:,.0f} cycles/s" if cycles and seconds and seconds > 0.5 else ""
        return Text(f"{rate:>20}", style="cyan")


class RunProgress:
    """Context manager; its `update` is the callback that the benches call.

    It writes to standard error, so that standard output holds the report alone.
    modes: a line each. total: parts of a mode, None when only the bench knows. unit: what the parts are called.
    """

    def __init__(self, modes: list[str], total: int | None, unit: str = "images"):
        # A part of a large network takes minutes: the speed is taken over the last ten of them, not over the last seconds.
        self._bars = Progress(
            SpinnerColumn(), TextColumn("{task.description:<9}"), BarColumn(bar_width=24), MofNCompleteColumn(),
            TextColumn(unit), _CyclesPerSecond(), TimeRemainingColumn(), console=Console(stderr=True), speed_estimate_period=600,
        )
        self._prepare = self._bars.add_task("preparing", total=None, cycles=0)
        self._tasks = {mode: self._bars.add_task(mode, total=total, start=False, visible=False, cycles=0)
                       for mode in modes}

    def __enter__(self) -> "RunProgress":
        self._bars.start()
        return self

    def __exit__(self, *_exception) -> None:
        self._bars.update(self._prepare, visible=False)
        self._bars.stop()

    def status(self, sentence: str) -> None:
        """What the benches do before the first cycle: converting, compiling."""
        self._bars.update(self._prepare, description=sentence, visible=True)

    def update(self, done_cycles: int, done: int, total: int, mode: str) -> None:
        """done_cycles, done: since the start of `mode`; done and total in units."""
        task = self._tasks[mode]
        if not self._bars.tasks[task].started:
            self._bars.update(self._prepare, visible=False)
            self._bars.start_task(task)
        self._bars.update(task, completed=done, total=total, cycles=done_cycles, visible=True)
