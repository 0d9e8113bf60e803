"""Every line of a delimited text file under one of three headings.

A strict engine stops at the first malformed line and a lenient one loses good
rows around it. This tokenizer (RFC 4180) reads what can be read and says what
cannot: each line becomes a *record*, is *rejected*, or is *blank*.

Rules. A field is quoted whole or not at all; spaces around a quoted field are
ignored, a quote inside an unquoted field is text, a doubled quote inside a
quoted one is a quote. A record has as many fields as the header; empty fields
behind the last column are allowed, as spreadsheets write them. A quoted field
may go over several lines, up to `MAX_LINES`. Where such a record turns out
malformed - the quote is never closed, is followed by text, holds a NUL, or the
number of fields is wrong - only its first line is rejected and reading resumes
on the next line, so that one stray quote costs one row.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice

MAX_LINES = 1000
RECORD, REJECTED, BLANK = "record", "rejected", "blank"

Line = tuple[str, list[str] | None]


def tokenize(lines: Iterable[str], n_fields: int, delimiter: str) -> Iterator[Line]:
    """Read physical lines as records.

    Parameters
    ----------
    lines : iterable of str
        Physical lines with their line ends, without the header.
    n_fields : int
        Number of fields in the header.
    delimiter : str
        One character.

    Yields
    ------
    (kind, fields)
        `fields` is None unless the kind is *record*.

    Examples
    --------
    >>> list(tokenize(['1,"a\\n', 'b"\\n', '\\n'], 2, ","))
    [('record', ['1', 'a\\nb']), ('blank', None)]
    >>> list(tokenize(['1,"a\\n', '2,b\\n'], 2, ","))
    [('rejected', None), ('record', ['2', 'b'])]
    """
    source, returned = iter(lines), deque[str]()
    syntax = _Syntax(delimiter)
    while (line := _next(returned, source)) is not None:
        if not line.strip() and delimiter not in line:
            yield BLANK, None
        elif "\0" in line:
            yield REJECTED, None
        elif '"' not in line:
            yield _sized(line.rstrip("\r\n").split(delimiter), n_fields)
        else:
            record, taken = _Record(syntax), [line]
            state = record.feed(line)
            while state == "open" and len(taken) < MAX_LINES:
                line = _next(returned, source)
                if line is None:
                    break
                taken.append(line)
                state = "malformed" if "\0" in line else record.feed(line)
            kind, fields = _sized(record.fields if state == "done" else [], n_fields)
            if kind == REJECTED:
                returned.extendleft(reversed(taken[1:]))
            yield kind, fields


def first_record(lines: Iterable[str], delimiter: str) -> tuple[list[str] | None, int]:
    """The fields of the first record, and how many physical lines it takes.

    The fields are None where a quote is not closed or is followed by text.

    >>> first_record(['a,"b\\n', 'c"\\n', '1,2\\n'], ",")
    (['a', 'b\\nc'], 2)
    """
    record = _Record(_Syntax(delimiter))
    for taken, line in enumerate(islice(lines, MAX_LINES), start=1):
        if (state := record.feed(line)) != "open":
            return (record.fields if state == "done" else None), taken
    return None, 1


def _next(returned: deque[str], source: Iterator[str]) -> str | None:
    return returned.popleft() if returned else next(source, None)


def _sized(fields: list[str], n_fields: int) -> Line:
    """A record if the number of fields is right, else a rejected line."""
    if len(fields) > n_fields and not any(fields[n_fields:]):
        fields = fields[:n_fields]
    return (RECORD, fields) if len(fields) == n_fields else (REJECTED, None)


class _Syntax:
    """What opens a quoted field, what is inside it, and what may follow it."""

    def __init__(self, delimiter: str) -> None:
        padding = "" if delimiter == " " else " *"
        self.delimiter = delimiter
        self.opening = re.compile(padding + '"')
        self.inside = re.compile('[^"]*(?:""[^"]*)*')
        self.closing = re.compile(f'"{padding}(?:({re.escape(delimiter)})|[\r\n]*\\Z)')


class _Record:
    """The fields of one record, fed line by line."""

    def __init__(self, syntax: _Syntax) -> None:
        self.fields: list[str] = []
        self._syntax = syntax
        self._quoted: list[str] | None = None  # parts of a quoted field that is still open

    def feed(self, line: str) -> str:
        """Read one physical line; *open* inside a quoted field, *done*, or *malformed*."""
        at, syntax = 0, self._syntax
        while True:
            if self._quoted is None:
                opening = syntax.opening.match(line, at)
                if not opening:
                    field, more, _ = line[at:].partition(syntax.delimiter)
                    if not more:
                        self.fields.append(field.rstrip("\r\n"))
                        return "done"
                    self.fields.append(field)
                    at += len(field) + 1
                    continue
                self._quoted, at = [], opening.end()
            inside = syntax.inside.match(line, at)
            self._quoted.append(inside.group())
            if inside.end() == len(line):
                return "open"
            closing = syntax.closing.match(line, inside.end())
            if not closing:
                return "malformed"
            self.fields.append("".join(self._quoted).replace('""', '"'))
            self._quoted, at = None, closing.end()
            if not closing.group(1):
                return "done"
