"""Which chapter needs which: the book as data.

The order of the graph is the order of the report. Chapters that do not need
each other may run side by side.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, replace
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
    takes : tuple of str
        Chapters whose results it uses where they are made, and does without where not.
    inputs : tuple of str
        Tables of the client, of which it needs one at least; none, where it does with any.
    """

    name: str
    needs: tuple[str, ...] = ()
    reads: Literal["tables", "records"] = "tables"
    earlier: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()

    @property
    def before(self) -> tuple[str, ...]:
        """Chapters that come before it in a book that holds them all."""
        return (*self.needs, *self.takes)


Graph = Sequence[Chapter]

GRAPH: Graph = (
    Chapter("01_customers"),
    Chapter("02_value", needs=("01_customers",), inputs=("transactions",)),
    Chapter(
        "03_segments",
        needs=("01_customers", "02_value"),
        earlier=("segments",),
        inputs=("transactions",),
    ),
    Chapter(
        "04_needs",
        needs=("01_customers",),
        takes=("02_value", "03_segments"),
        inputs=("survey", "choices", "maxdiff"),
    ),
    Chapter(
        "05_roi",
        needs=("01_customers", "02_value", "03_segments"),
        takes=("04_needs",),
        inputs=("initiatives",),
    ),
    Chapter(
        "06_summary",
        needs=("01_customers",),
        takes=("02_value", "03_segments", "04_needs", "05_roi"),
        reads="records",
    ),
)


def upstream(graph: Graph, name: str) -> tuple[str, ...]:
    """Every chapter that `name` rests on, directly or not, in the book's order.

    Of a graph that was cut by `possible` those are left that can be made.
    """
    by_name = {chapter.name: chapter for chapter in graph}
    found: set[str] = set()
    waiting = list(by_name[name].before)
    while waiting:
        need = waiting.pop()
        if need not in found:
            found.add(need)
            waiting.extend(by_name[need].before)
    return tuple(chapter.name for chapter in graph if chapter.name in found)


def wanting(graph: Graph, given: Container[str]) -> dict[str, tuple[str, ...]]:
    """Chapters that cannot be made of the given tables, each with those of which it needs one."""
    lacking: dict[str, tuple[str, ...]] = {}
    for chapter in graph:
        if chapter.inputs and not any(table in given for table in chapter.inputs):
            lacking[chapter.name] = chapter.inputs
        else:
            found = (lacking[need] for need in chapter.needs if need in lacking)
            if inputs := next(found, ()):
                lacking[chapter.name] = inputs
    return lacking


def possible(graph: Graph, given: Container[str]) -> Graph:
    """The chapters that can be made of the given tables, which do without the others."""
    lacking = wanting(graph, given)
    return tuple(
        replace(chapter, takes=tuple(name for name in chapter.takes if name not in lacking))
        for chapter in graph
        if chapter.name not in lacking
    )


def select(graph: Graph, only: Iterable[str] = (), given: Container[str] | None = None) -> Graph:
    """The chapters asked for and what they rest on; all of them where none is named.

    Parameters
    ----------
    given : container of str, optional
        The client's tables, where they decide what can be made.

    Raises
    ------
    ParamsError
        A name that is no chapter, or that of one which needs a table that is not given.
    """
    only = tuple(only)
    lacking = {} if given is None else wanting(graph, given)
    known = [chapter.name for chapter in graph]
    for name in only:
        if name not in known:
            raise ParamsError(
                f"--only {name}", "there is no such chapter.", suggestion(name, known)
            )
        if name in lacking:
            needed = " or ".join(f"inputs.{table}" for table in lacking[name])
            raise ParamsError(
                f"--only {name}", f"needs {needed}, which is not given.", "Leave the chapter out."
            )
    if given is not None:
        graph = possible(graph, given)
    if not only:
        return tuple(graph)
    wanted = set(only).union(*(upstream(graph, name) for name in only))
    return tuple(chapter for chapter in graph if chapter.name in wanted)
