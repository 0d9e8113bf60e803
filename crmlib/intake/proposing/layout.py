"""From a raw file alone: the settings by which it can be read (`crm new`).

Says what it is not sure of, so that a person looks there first. What `probe`
would find by itself is left out of the settings.
"""

from __future__ import annotations

import dataclasses
import zipfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crmlib.intake.reading.columns import looks_like_data
from crmlib.intake.reading.contents import check_content
from crmlib.intake.reading.dialect import DELIMITERS, clean_name, open_head
from crmlib.intake.reading.encodings import choose_encoding, name_encoding
from crmlib.intake.reading.files import check_file
from crmlib.intake.reading.fixed_width import find_fields
from crmlib.intake.reading.source import Part, printable, stamp
from crmlib.intake.reading.textfile import first_bad_byte, open_bytes, reading
from crmlib.intake.reading.tokenizer import first_record
from crmlib.params import TableInput

KEY = "inputs.transactions"
MOST_LINES = 5_000
TITLE_LINES = 30


@dataclass(frozen=True)
class Proposal:
    """How a file could be read.

    Attributes
    ----------
    settings : dict
        Keys of `params.TableInput`, `path` left out; those at their defaults too.
    unsure : tuple of str
        What a person should check, in sentences.
    header : tuple of str
        The column names that reading it by the settings gives.
    """

    settings: dict[str, Any]
    unsure: tuple[str, ...]
    header: tuple[str, ...]


def propose(path: Path | str) -> Proposal:
    """Find the settings by which a file can be read.

    Raises
    ------
    InputError
        No file, or one that is not what its name says.
    """
    path = Path(path)
    place = printable(str(path), 300)
    check_file(path, place)
    kind = check_content(path, place)
    part = Part(
        path=path,
        place=place,
        name=printable(path.name),
        kind=kind,
        packed=path.name.lower().endswith(".gz"),
        stamp=stamp(path),
    )
    if kind == "parquet":
        from crmlib.intake.reading.parquet import describe_parquet

        return Proposal({}, (), describe_parquet(part).header)
    return _workbook(part) if kind == "workbook" else _text(part)


def _text(part: Part) -> Proposal:
    settings, unsure = _encoding(part)
    stated = TableInput(path=part.name, **settings)
    _, lines = open_head(part, stated, KEY)
    lines = lines[:MOST_LINES]
    delimiter, skip_rows = _delimiter(lines)
    if delimiter is None:
        return _fixed_width(lines, settings, unsure)
    if delimiter != ",":
        settings["delimiter"] = "tab" if delimiter == "\t" else delimiter
    if skip_rows:
        settings["skip_rows"] = skip_rows
    names = tuple(clean_name(name) for name in first_record(lines[skip_rows:], delimiter)[0] or ())
    header = _header(names, settings, unsure)
    return Proposal(settings, tuple(unsure), header)


def _encoding(part: Part) -> tuple[dict[str, Any], list[str]]:
    """UTF-8 and marked UTF-16 need no setting; anything else is a guess."""
    with reading(part, KEY), open_bytes(part.path, part.packed) as stream:
        first = stream.read(4096)
    codec, _ = choose_encoding(first, "auto", KEY, part.place)
    with reading(part, KEY):
        at, around = first_bad_byte(dataclasses.replace(part, encoding=codec))
    guess = name_encoding(around if at >= 0 else first)
    if codec != "utf-8-sig" or (at < 0 and not (guess or "").startswith("utf-16")):
        return {}, []
    if guess is None:
        return {}, ["No encoding fits the file: ask in which one it was written."]
    return {"encoding": guess}, [
        f"`encoding: {guess}` is a guess: check that names with umlauts or Chinese characters "
        "read right."
    ]


def _delimiter(lines: list[str]) -> tuple[str | None, int]:
    """The delimiter that gives most lines the same number of fields, and the lines above them.

    None where fields stand below each other or there is one only.
    """
    best: tuple[float, int] = (0.5, 1)
    found, skip_rows = None, 0
    filled = [(at, line) for at, line in enumerate(lines) if line.strip()]
    candidates = (*DELIMITERS, *(() if any("  " in line for _, line in filled) else " "))
    for delimiter in candidates:
        counts = [(at, len(first_record([line], delimiter)[0] or ())) for at, line in filled]
        commonest, times = Counter(n for _, n in counts).most_common(1)[0]
        score = (round(times / len(counts), 2), commonest)
        if commonest > 1 and score > best:
            best, found = score, delimiter
            skip_rows = next(at for at, n in counts if n == commonest)
    return found, skip_rows if skip_rows <= TITLE_LINES else 0


def _header(names: tuple[str, ...], settings: dict[str, Any], unsure: list[str]) -> tuple[str, ...]:
    """The names, or numbers where the first line is a row."""
    if not looks_like_data(names):
        return names
    settings["header"] = False
    unsure.append("The first line looks like a row: the columns are numbered, column_1 and so on.")
    return tuple(f"column_{position + 1}" for position in range(len(names)))


def _fixed_width(lines: list[str], settings: dict[str, Any], unsure: list[str]) -> Proposal:
    """Fields of lines that stand below each other; the first line may name them."""
    filled = [line for line in lines if line.strip()]
    fields = find_fields(filled[1:] or filled)
    words = tuple(clean_name(word) for word in filled[0].split())
    headed = len(words) == len(fields) and not looks_like_data(words) and len(set(words)) > 1
    if len(fields) < 2:
        unsure.append("Only one column was found: ask what stands between the columns.")
        return Proposal(settings, tuple(unsure), (clean_name(filled[0]),))
    if headed:
        settings["skip_rows"] = lines.index(filled[0]) + 1
        names = words
    else:
        fields = find_fields(filled)
        names = tuple(f"column_{position + 1}" for position in range(len(fields)))
        unsure.append("No line names the columns: they are numbered, column_1 and so on.")
    settings["fields"] = {name: list(field) for name, field in zip(names, fields, strict=True)}
    unsure.append(
        f"Where the columns begin and end was found from {len(filled):,} lines: longer values may "
        "lie further down."
    )
    return Proposal(settings, tuple(unsure), names)


def _workbook(part: Part) -> Proposal:
    """The largest visible sheet, and the first row in it that is filled like its table."""
    from crmlib.intake.reading.archive import check_archive
    from crmlib.intake.reading.workbook import first_rows, opening, visible_sheets

    if zipfile.is_zipfile(part.path):
        check_archive(part.path, part.place)
    settings: dict[str, Any] = {}
    unsure: list[str] = []
    with opening(part) as book:
        sheets = visible_sheets(book, part)
        sheet = max(sheets, key=lambda each: each.height * each.width)
        rows = first_rows(sheet, 200)
    if len(sheets) > 1:
        settings["sheet"] = sheet.name
        unsure.append(f"`sheet: {printable(sheet.name)}` is the largest of {len(sheets)}.")
    filled = [(at, sum(bool(cell.strip()) for cell in row)) for at, row in enumerate(rows)]
    widest = max((n for _, n in filled), default=0)
    skip_rows = next((at for at, n in filled if n >= max(1, 0.6 * widest)), 0)
    if skip_rows:
        settings["skip_rows"] = skip_rows
    names = tuple(clean_name(name) for name in rows[skip_rows]) if rows else ()
    header = _header(names, settings, unsure)
    return Proposal(settings, tuple(unsure), header)
