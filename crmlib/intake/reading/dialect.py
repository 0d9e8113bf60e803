"""How a delimited text file is laid out: encoding, delimiter, and which line names the columns.

Found from the first `HEAD` characters with the tokenizer that reads the rows.
What stands in params is used as it is; where it does not fit, the message
says what would.
"""

from __future__ import annotations

import dataclasses
import io
import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

from crmlib.errors import InputError
from crmlib.intake.reading.contents import HEAD as FIRST_BYTES
from crmlib.intake.reading.contents import check_unpacked
from crmlib.intake.reading.encodings import choose_encoding, unmarked_utf16
from crmlib.intake.reading.source import Part, printable
from crmlib.intake.reading.textfile import open_bytes, open_text, reading
from crmlib.intake.reading.tokenizer import BLANK, RECORD, first_record, tokenize
from crmlib.params import TableInput

HEAD = 1 << 18  # characters looked at; a longer header is read on to `LONGEST_HEADER`
LONGEST_HEADER = 1 << 23
SAMPLE = 200  # rows by which delimiters are compared
TITLE_LINES = 30  # how far down a header may stand below titles and comments
DELIMITERS = {",": "`,`", ";": "`;`", "\t": "tab", "|": "`|`"}
UNUSUAL = "~^:#!\x01\x1e\x1f§¦ "  # proposed, never taken unasked
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]+")
_INVISIBLE = dict.fromkeys(map(ord, "\ufeff\u200b\u200c\u200d\u2060\u00ad"))


@dataclass(frozen=True)
class Wanted:
    """Which column names a header is known by.

    Attributes
    ----------
    names : collection of str
        The client's names that params map, and ours.
    alone : bool
        Whether one column is enough for the table.
    """

    names: Collection[str]
    alone: bool = False


def describe_text(part: Part, settings: TableInput, key: str, wanted: Wanted) -> Part:
    """Complete a text file's layout.

    Parameters
    ----------
    part : Part
        With path, place, name and whether it is packed.
    settings : TableInput
        What params say about encoding, delimiter, header and skipped rows.
    key : str
        The params key of the table.
    wanted : Wanted
        By which names the header is known.

    Raises
    ------
    InputError
        Another encoding, no header, or a header that cannot be taken apart.
    """
    _check_delimiter(settings, key)
    part, lines = open_head(part, settings, key)
    rows = _below(lines, settings.skip_rows, part, key)
    if settings.header:
        _is_header(lines, settings, part, key, wanted)
    delimiter = _delimiter(rows, settings, part, key, wanted)
    if not settings.header:
        header, n_lines = _numbered(rows, delimiter), 0
        whole = True
    else:
        names, n_lines = first_record(rows, delimiter)
        if names is None:
            _refuse_quotes(part, settings, key)
        header = tuple(clean_name(name) for name in names)
        header, whole = _as_rows_have(header, rows[n_lines:], delimiter, part, key)
    said = DELIMITERS.get(delimiter, f"`{printable(delimiter)}`")
    notes = (*part.notes, f"fields end with {said}")
    return dataclasses.replace(
        part,
        header=header,
        delimiter=delimiter,
        skip_rows=settings.skip_rows,
        head_lines=settings.skip_rows + n_lines,
        whole_header=whole,
        notes=notes,
    )


def open_head(part: Part, settings: TableInput, key: str) -> tuple[Part, list[str]]:
    """Choose the encoding; the file's first whole lines."""
    with reading(part, key), open_bytes(part.path, part.packed) as stream:
        first = stream.read(FIRST_BYTES)
    if part.packed:
        check_unpacked(first, part.path, part.place)
    encoding, name = choose_encoding(first, settings.encoding, key, part.place)
    notes = (*part.notes, f"{name}, packed with gzip" if part.packed else name)
    part = dataclasses.replace(part, encoding=encoding, notes=notes)
    with reading(part, key), open_text(part) as stream:
        text = stream.read(HEAD)
        while len(text) < LONGEST_HEADER and text.count("\n") + text.count("\r") < 2:
            more = stream.read(HEAD)
            if not more:
                break
            text += more
        whole = not stream.read(1)
    text = text.removeprefix("\ufeff")  # a mark that a stated byte order leaves in the text
    lines = list(io.StringIO(text, newline=""))
    if not whole:
        if len(lines) < 2:
            raise InputError(
                part.place,
                f"has no line end in its first {len(text):,} characters.",
                "Check that it is a table with one row to a line.",
            )
        lines.pop()
    if not any(line.strip() for line in lines) and whole:
        raise InputError(part.place, "holds nothing but blank lines.", "Export the table again.")
    if encoding == "utf-8-sig" and (order := unmarked_utf16(first)):
        raise InputError(
            part.place,
            "is UTF-16 without the byte-order mark that says so.",
            f"Set `{key}.encoding: {order}`, or save the file as UTF-8.",
        )
    return part, lines


def clean_name(name: str) -> str:
    """A header's name as one line, without what cannot be seen and without spaces around it."""
    return _CONTROLS.sub(" ", name.translate(_INVISIBLE)).strip()


def _below(lines: list[str], skip_rows: int, part: Part, key: str) -> list[str]:
    """The lines below those that params skip."""
    if len(lines) <= skip_rows:
        raise InputError(
            part.place,
            f"ends before line {skip_rows + 1:,}.",
            f"Check `{key}.skip_rows`: {skip_rows}.",
        )
    return lines[skip_rows:]


def _delimiter(rows: list[str], settings: TableInput, part: Part, key: str, wanted: Wanted) -> str:
    """The stated delimiter, or the one that splits header and rows best."""
    stated = _stated(settings)
    if not settings.header:
        rows = [row for row in rows if row.strip()] or rows
    if stated != "auto":
        if wanted.alone or stated in rows[0] or not settings.header:
            return stated
        _refuse_one_column(rows, stated, part, settings, key, wanted)
    best = guess_delimiter(rows, wanted.names, tuple(DELIMITERS))
    if best is None:
        if not wanted.alone:
            _refuse_one_column(rows, "auto", part, settings, key, wanted)
        return ","
    return best


def _stated(settings: TableInput) -> str:
    return "\t" if settings.delimiter in ("tab", "\\t") else settings.delimiter


def _check_delimiter(settings: TableInput, key: str) -> None:
    stated = _stated(settings)
    if stated != "auto" and (len(stated) != 1 or stated in '"\r\n\0'):
        raise InputError(
            f"{key}.delimiter",
            f"{stated!r} cannot stand between fields.",
            "One character was expected, `tab` or `auto`.",
        )


def guess_delimiter(
    rows: list[str], names: Collection[str], candidates: tuple[str, ...]
) -> str | None:
    """The delimiter that finds most of the names, then fits most rows, then makes most fields.

    None where no candidate makes two fields of the first record.
    """
    scored = []
    for delimiter in candidates:
        header, taken = first_record(rows, delimiter)
        if header is None or len(header) < 2:
            continue
        known = len({clean_name(name) for name in header} & set(names))
        kinds = [kind for kind, _ in _sample(rows[taken:], len(header), delimiter)]
        filled = [kind for kind in kinds if kind != BLANK]
        fit = sum(kind == RECORD for kind in filled) / len(filled) if filled else 1.0
        scored.append((known, round(fit, 2), len(header), delimiter))
    # Of equals the first candidate is taken: `max` keeps it.
    return max(scored, key=lambda each: each[:3])[3] if scored else None


def _sample(rows: list[str], n_fields: int, delimiter: str) -> list:
    return list(tokenize(iter(rows[:SAMPLE]), n_fields, delimiter))


def _refuse_one_column(
    rows: list[str], stated: str, part: Part, settings: TableInput, key: str, wanted: Wanted
) -> None:
    """Say which delimiter would split the header, or that fields have a fixed width."""
    alone = [first_record(rows, delimiter)[0] for delimiter in DELIMITERS]
    if None in alone:
        _refuse_quotes(part, settings, key)
    if rows[0].lstrip().startswith('"') and guess_delimiter(alone[0], wanted.names, (*DELIMITERS,)):
        raise InputError(
            part.place,
            "each of its lines stands in quotes as a whole.",
            "Export it with quotes around fields, or without quotes.",
        )
    others = tuple(c for c in (*DELIMITERS, *UNUSUAL) if c != stated)
    near = guess_delimiter(rows, wanted.names, tuple(DELIMITERS)) or guess_delimiter(
        rows, wanted.names, others
    )
    if near == " " and "  " in rows[0].strip():
        raise InputError(
            part.place,
            "its columns stand below each other, with blanks between them.",
            f"Describe them as text of fixed width: `{key}.fields: {{name: [first, last]}}`.",
        )
    if near is None:
        remedy = "Check that it is a table; `crm new` proposes how to read a file."
    else:
        word = "tab" if near == "\t" else f'"{printable(near)}"'
        remedy = f"Set `{key}.delimiter: {word}`, which splits it."
    name = printable(clean_name(rows[0]))
    raise InputError(part.place, f"its header is one column, `{name}`.", remedy)


def _refuse_quotes(part: Part, settings: TableInput, key: str) -> None:
    line = settings.skip_rows + 1
    raise InputError(
        part.place,
        f"line {line}, its header, has a quote that is not closed or that text follows.",
        f"Mend the line, or set `{key}.skip_rows` to the number of lines above the header.",
    )


def _numbered(rows: list[str], delimiter: str) -> tuple[str, ...]:
    """column_1, column_2 …: as many as most rows have fields."""
    counts: Counter[int] = Counter()
    at = 0
    while at < len(rows) and at < SAMPLE:
        fields, taken = first_record(rows[at:], delimiter)
        if fields is not None and rows[at].strip():
            counts[len(fields)] += 1
        at += taken
    n_fields = max(counts, key=lambda n: (counts[n], n), default=1)
    return tuple(f"column_{position + 1}" for position in range(n_fields))


def _is_header(
    lines: list[str], settings: TableInput, part: Part, key: str, wanted: Wanted
) -> None:
    """Refuse a line that has none of the names where another one has; raises InputError."""
    ways = taken_apart(lines, _stated(settings))
    if settings.skip_rows < len(ways):
        names = tuple(clean_name(name) for way in ways[settings.skip_rows] for name in way)
        refuse_other_line(ways, names, settings.skip_rows, part, key, wanted.names)


def refuse_other_line(
    candidates: list[list[list[str]]],
    header: tuple[str, ...],
    skip_rows: int,
    part: Part,
    key: str,
    names: Collection[str],
) -> None:
    """Refuse a title above the header, or a header that was skipped, by its line.

    Parameters
    ----------
    candidates : list
        For each of the first lines, the ways in which it can be taken apart.
    header, skip_rows
        The line taken for the header, and how many stand above it.
    part, key
        For the message.
    names : collection of str
        By which a header is known.

    Raises
    ------
    InputError
        Another line has names that are wanted, and this none.
    """
    if set(header) & set(names):
        return
    found = line_of_header(candidates, names)
    if found is not None and found != skip_rows:
        raise InputError(
            part.place,
            f"line {skip_rows + 1} does not name the columns; line {found + 1} does.",
            f"Set `{key}.skip_rows: {found}`.",
        )


def line_of_header(candidates: list[list[list[str]]], names: Collection[str]) -> int | None:
    """Position of the line with most of the names, at least two; None where there is none."""
    best, position = 1, None
    for at, ways in enumerate(candidates):
        for fields in ways:
            known = len({clean_name(field) for field in fields} & set(names))
            if known > best:
                best, position = known, at
    return position


def taken_apart(lines: list[str], stated: str) -> list[list[list[str]]]:
    """Each of the first lines, split by the stated delimiter or by each."""
    delimiters = tuple(DELIMITERS) if stated == "auto" else (stated,)
    return [
        [first_record([line], delimiter)[0] or [] for delimiter in delimiters]
        for line in lines[:TITLE_LINES]
    ]


def _as_rows_have(
    header: tuple[str, ...], rows: list[str], delimiter: str, part: Part, key: str
) -> tuple[tuple[str, ...], bool]:
    """The header, without delimiters at its end that the rows do not have.

    Returns
    -------
    header, whole
        Whole where nothing was left off.

    Raises
    ------
    InputError
        No row of the sample fits the header, and all have another number of fields.
    """
    named = max((n + 1 for n, name in enumerate(header) if name), default=0)
    if not named:
        raise InputError(
            part.place,
            "its header is a line without names.",
            f"Set `{key}.skip_rows` to the number of lines above the header.",
        )
    counts = _field_counts(rows, delimiter)
    commonest = max(counts, key=counts.get, default=len(header))
    if named <= commonest < len(header) and not counts[len(header)]:
        return header[:commonest], False
    fits = sum(kind == RECORD for kind, _ in _sample(rows, len(header), delimiter))
    if not fits and sum(counts.values()) >= 5 and len(counts) == 1:
        raise InputError(
            part.place,
            f"its header names {len(header):,} columns, but its rows have "
            f"{commonest:,} field{'' if commonest == 1 else 's'}.",
            f"Check `{key}.delimiter` and `{key}.skip_rows`; where the delimiter stands inside "
            "numbers or text, those must be quoted.",
        )
    return header, True


def _field_counts(rows: list[str], delimiter: str) -> Counter[int]:
    """How many rows of the sample have how many fields, blank lines left out."""
    counts: Counter[int] = Counter()
    for line in rows[:SAMPLE]:
        fields, _ = first_record([line], delimiter)
        if fields is not None and (line.strip() or delimiter in line):
            counts[len(fields)] += 1
    return counts
