"""Which chapter needs which: the book as data.

The order of the graph is the order of the report. Chapters that do not need
each other may run side by side.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from crmlib.errors import ParamsError, suggestion


@dataclass(frozen=True)
class Chapter:
    """One notebook of the book.

    Attributes
    ----------
    name : str
        The notebook's file name without its ending.
    needs : tuple of str
        Chapters that come before it, named directly.
    reads : {"tables", "records"}
        What it takes from them: customer-level tables, or, as the summary
        does, only their exhibits and findings.
    earlier : tuple of str
        Customer-level tables that it reads of the baseline version, where params name one.
    """

    name: str
    needs: tuple[str, ...] = ()
    reads: Literal["tables", "records"] = "tables"
    earlier: tuple[str, ...] = ()


Graph = Sequence[Chapter]

GRAPH: Graph = (
    Chapter("01_customers"),
    Chapter("02_value", needs=("01_customers",)),
    Chapter("03_segments", needs=("01_customers", "02_value"), earlier=("segments",)),
    Chapter("06_summary", needs=("01_customers", "02_value", "03_segments"), reads="records"),
)


def upstream(graph: Graph, name: str) -> tuple[str, ...]:
    """Every chapter that `name` rests on, directly or not, in the book's order."""
    by_name = {chapter.name: chapter for chapter in graph}
    found: set[str] = set()
    waiting = list(by_name[name].needs)
    while waiting:
        need = waiting.pop()
        if need not in found:
            found.add(need)
            waiting.extend(by_name[need].needs)
    return tuple(chapter.name for chapter in graph if chapter.name in found)


def select(graph: Graph, only: Iterable[str] = ()) -> Graph:
    """The chapters asked for and what they need; all of them where none is named.

    Raises
    ------
    ParamsError
        A name that is no chapter.
    """
    only = tuple(only)
    known = [chapter.name for chapter in graph]
    for name in only:
        if name not in known:
            raise ParamsError(
                f"--only {name}", "there is no such chapter.", suggestion(name, known)
            )
    if not only:
        return tuple(graph)
    wanted = set(only).union(*(upstream(graph, name) for name in only))
    return tuple(chapter for chapter in graph if chapter.name in wanted)
