"""What holds of a title whatever its exhibit: it is made of the data, and stands in its table."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

from crmlib.exhibits import Exhibit, formats, trace

Pair = tuple[Callable[..., Exhibit], object, object]  # an exhibit of one thing and of another


def body(exhibit: Exhibit) -> tuple[list[str], list[list[str]]]:
    """Header and rows of the exhibit's CSV."""
    text = formats.safe_table(exhibit.table).to_csv(index=False, lineterminator="\n")
    header, *rows = csv.reader(io.StringIO(text))
    return header, rows


def assert_follows(pair: Pair) -> None:
    """Other data, another title; each true of its own table, the first not of the second."""
    make, one, other = pair
    before, after = make(one), make(other)
    assert trace.numbers(before.title) and before.title != after.title
    for exhibit in (before, after):
        assert trace.untraced(exhibit.title, *body(exhibit)) == []
    places = [
        [(found.row, found.column, found.counted) for found in trace.trace(before.title, *table)]
        for table in (body(before), body(after))
    ]
    assert places[0] != places[1], "the old title is not true of the new table"
