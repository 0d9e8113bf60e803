"""Where a run stands, as a person sees it: bars on a terminal, lines in a log."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from crmlib.book.runner import Progress, Step

_WIDTH = 14


@contextmanager
def watching(stream: TextIO | None = None) -> Iterator[Progress]:
    """Give the run something to report to, fit for where its words go."""
    stream = stream or sys.stderr
    if not stream.isatty():
        yield lambda step: _say(step, stream)
        return
    with _bars(stream) as report:
        yield report


def line(step: Step) -> str:
    """One line at a chapter's start and at its end; none for its cells."""
    said = {
        "started": "started",
        "executed": f"{step.seconds:.1f} s",
        "reused": f"unchanged, taken from {step.source}",
    }.get(step.state)
    return f"{step.chapter:{_WIDTH}}{said}" if said else ""


def _say(step: Step, stream: TextIO) -> None:
    text = line(step)
    if text:
        stream.write(text + "\n")
        stream.flush()


@contextmanager
def _bars(stream: TextIO) -> Iterator[Progress]:
    """A bar for each chapter, its cells counted."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn(f"{{task.description:{_WIDTH}}}"),
        BarColumn(),
        TextColumn("{task.fields[note]}"),
        TimeElapsedColumn(),
    )
    tasks: dict[str, int] = {}
    with Progress(*columns, console=Console(file=stream)) as bars:

        def report(step: Step) -> None:
            if step.chapter not in tasks:
                tasks[step.chapter] = bars.add_task(step.chapter, total=1, note="")
            task = tasks[step.chapter]
            if step.state == "cell":
                note = f"cell {step.done + 1}/{step.total}"
                bars.update(task, completed=step.done, total=step.total, note=note)
            elif step.state != "started":
                note = line(step).removeprefix(step.chapter).strip()
                bars.update(task, completed=1, total=1, note=note)
                bars.stop_task(task)

        yield report
