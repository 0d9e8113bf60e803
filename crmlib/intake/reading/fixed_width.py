"""Text of fixed width: columns that stand below each other, without a delimiter.

Fields are counted in characters from 1, ends included. A line is *rejected*
where text stands outside every field or where it is cut: a figure that lost
its last digits would pass for a smaller one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Iterator
from itertools import pairwise

from crmlib.errors import InputError
from crmlib.intake.reading.dialect import clean_name, open_head
from crmlib.intake.reading.source import Part, printable
from crmlib.intake.reading.tokenizer import BLANK, RECORD, REJECTED, Line
from crmlib.params import TableInput

Fields = tuple[tuple[int, int], ...]
FULL_SHARE = 0.95  # of the lines that reach the last field, for the others to count as cut


def describe_fixed_width(
    part: Part, settings: TableInput, key: str, needed: Collection[str]
) -> Part:
    """Complete the layout of text of fixed width.

    Parameters
    ----------
    part : Part
        With path, place, name and whether it is packed.
    settings : TableInput
        With `fields`; `header: true`, where stated, skips one more line.
    key : str
        The params key of the table.
    needed : collection of str
        Names of the fields that every row must have.

    Raises
    ------
    InputError
        Fields that overlap, or that leave out what most lines hold.
    """
    names = tuple(clean_name(name) for name in settings.fields)
    fields: Fields = tuple((first, last) for first, last in settings.fields.values())
    _check_fields(names, fields, key)
    part, lines = open_head(part, settings, key)
    headed = settings.header and "header" in settings.model_fields_set
    head_lines = settings.skip_rows + headed
    rows = [line for line in lines[head_lines:] if line.strip()]
    _covers(rows, fields, part, key)
    last_needed = max(
        (field for name, field in zip(names, fields, strict=True) if name in needed),
        key=lambda field: field[1],
        default=(1, 1),
    )
    reach = sum(len(line.rstrip("\r\n")) >= last_needed[1] for line in rows)
    cut = not rows or reach >= FULL_SHARE * len(rows)
    how = "fixed width" if cut else "fixed width, lines end where their text ends"
    return dataclasses.replace(
        part,
        header=names,
        fields=fields,
        shortest=last_needed[1] if cut else last_needed[0],
        skip_rows=settings.skip_rows,
        head_lines=head_lines,
        notes=(*part.notes, how),
    )


def slice_lines(lines: Iterable[str], fields: Fields, shortest: int) -> Iterator[Line]:
    """Read physical lines as records.

    Parameters
    ----------
    lines : iterable of str
        Physical lines with their line ends.
    fields : tuple of (first, last)
        Characters of each field, from 1.
    shortest : int
        Characters that a whole line has at least.

    Yields
    ------
    (kind, cells)
        Cells without the blanks around them; None unless the kind is *record*.

    Examples
    --------
    >>> list(slice_lines(["01  5.00\\n", "02  6\\n", "\\n"], ((1, 2), (3, 8)), 8))
    [('record', ['01', '5.00']), ('rejected', None), ('blank', None)]
    """
    spans = [(first - 1, last) for first, last in fields]
    outside = _outside(fields)
    for line in lines:
        text = line.rstrip("\r\n")
        if not text.strip():
            yield BLANK, None
        elif len(text) < shortest or "\0" in text or any(text[a:b].strip() for a, b in outside):
            yield REJECTED, None
        else:
            yield RECORD, [text[first:last].strip() for first, last in spans]


def _outside(fields: Fields) -> list[tuple[int, int | None]]:
    """Slices of a line that belong to no field."""
    gaps: list[tuple[int, int | None]] = []
    end = 0
    for first, last in sorted(fields):
        if first - 1 > end:
            gaps.append((end, first - 1))
        end = last
    return [*gaps, (end, None)]


def _check_fields(names: tuple[str, ...], fields: Fields, key: str) -> None:
    ordered = sorted(zip(fields, names, strict=True))
    for (first, last), name in ordered:
        if first > last:
            raise InputError(
                f"{key}.fields.{printable(name)}",
                f"[{first}, {last}] ends before it starts.",
                "The first and the last character were expected, counted from 1.",
            )
    for ((_, last), name), ((first, _), other) in pairwise(ordered):
        if first <= last:
            raise InputError(
                f"{key}.fields",
                f"`{printable(name)}` and `{printable(other)}` overlap at character {first}.",
                "Each character belongs to one field.",
            )


def _covers(rows: list[str], fields: Fields, part: Part, key: str) -> None:
    """Refuse fields outside of which most lines hold text."""
    for start, end in _outside(fields):
        filled = sum(bool(line.rstrip("\r\n")[start:end].strip()) for line in rows)
        if filled > len(rows) / 2:
            to = f"to {end}" if end else "onwards"
            raise InputError(
                part.place,
                f"most lines hold text from character {start + 1} {to}, where no field is.",
                f"Describe it in `{key}.fields`, under any name.",
            )


def find_fields(rows: list[str]) -> Fields:
    """Fields of lines that stand below each other, by the characters that are always blank.

    Blanks between two fields go to the one whose text does not always reach
    them: numbers grow to the left, words to the right.

    >>> find_fields(["a    5.00", "bcd 15.00", "ab   0.50"])
    ((1, 3), (4, 9))
    """
    rows = [row.rstrip("\r\n") for row in rows if row.strip()]
    width = max(map(len, rows), default=0)
    filled = [sum(at < len(row) and row[at] != " " for row in rows) for at in range(width)]
    runs: list[list[int]] = []
    for at, count in enumerate(filled):
        if not count:
            continue
        if runs and runs[-1][1] == at - 1:
            runs[-1][1] = at
        else:
            runs.append([at, at])
    for left, right in pairwise(runs):
        if filled[right[0]] < len(rows):  # its first character is missing somewhere: a number
            right[0] = left[1] + 1
        elif filled[left[1]] < len(rows):
            left[1] = right[0] - 1
    if runs:
        runs[0][0] = 0
    return tuple((first + 1, last + 1) for first, last in runs)
