"""The comparison of two versions as one page of the report's look, and its publication.

The page stands beside the versions, under `compare/`, and leads back to the
exhibits of both. It carries no clock and no folder of this machine, so the same
two versions give the same bytes.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from crmlib.book import compare, compare_words, disk, indices, page, report, versions
from crmlib.book.compare import Comparison, Edition, ExhibitChange
from crmlib.book.compare_findings import VERDICTS, Move, times
from crmlib.book.compare_tables import TableChange, same
from crmlib.book.escaping import data_uri
from crmlib.book.versions import Version
from crmlib.exhibits import formats

FOLDER = "compare"
MAX_ROWS = 40  # of an exhibit's table that are shown
MAX_CELLS = 5_000  # of all tables together; with the pictures they keep the page below 1 MB
MAX_PICTURES = 550_000  # bytes of all pictures, as they stand in the page
PICTURE_WIDTH = 900  # pixels
PICTURE_COLOURS = 64
_LABELS = {"n": "n"}
_MANY_COLUMNS = 12  # shown of a table where only whole rows came or went


@dataclass(frozen=True)
class Picture:
    """One version's picture: inside the page, or only linked to where they grow too many."""

    side: str
    alt: str
    source: str
    href: str


@dataclass(frozen=True)
class Cell:
    """A cell of a table of changes; `new` is None where nothing changed."""

    old: str
    new: str | None = None


@dataclass(frozen=True)
class Line:
    state: str
    key: tuple[str, ...]
    cells: list[Cell]


@dataclass(frozen=True)
class Table:
    """The rows of an exhibit that differ, in those columns that do."""

    keys: list[str]
    columns: list[str]
    numeric: list[bool]
    lines: list[Line]
    more: int
    notes: list[str]


@dataclass(frozen=True)
class Exhibit:
    """An exhibit that differs."""

    id: str
    title: str
    old_title: str
    old_href: str
    new_href: str
    words: list[tuple[str, str, str]]
    pictures: list[Picture]
    table: Table | None


@dataclass(frozen=True)
class Finding:
    """A finding that moved: both sentences, both figures, and how far it went."""

    id: str
    verdict: str
    label: str
    unit: str
    sentences: list[tuple[str, str, str]]  # version, words, address of the exhibit
    figures: list[tuple[str, str, str]]  # version, value, interval
    change: str
    relative: str
    reach: str


def publish(root: Path, old: Version, new: Version) -> tuple[Path, Comparison]:
    """Compare two versions, write the page, and list it with the engagement's versions.

    Returns
    -------
    Path, Comparison
        The page, and what it says.

    Raises
    ------
    CrmError
        The tolerances name an unknown finding, or the page cannot be written.
    """
    comparison = compare.of(old.path, new.path)
    text = render(comparison)
    target = old.path.parent / FOLDER / f"{old.name}..{new.name}.html"
    done = "no comparison was written"
    with disk.writing(root, done):
        target.parent.mkdir(exist_ok=True)
        disk.put(target, text)
    done = f"{target.name} is written, but no list names it: compare again to list it"
    with disk.writing(root, done), versions.locked(root / versions.LOCK):
        indices.write(root, old.engagement)
    return target, comparison


def render(comparison: Comparison) -> str:
    """The page's HTML."""
    old, new = comparison.old, comparison.new
    found = comparison.findings
    return report.template("compare.html.j2").render(
        title=str(new.manifest.get("title") or new.manifest.get("engagement") or ""),
        old=compare_words.label(old),
        new=compare_words.label(new),
        names=(old.name, new.name),
        headline=compare_words.headline(comparison),
        alone=[
            (edition.name, [page.name(n) for n in names]) for edition, names in comparison.alone
        ],
        broken=comparison.broken,
        settings=compare_words.settings(comparison),
        inputs=[
            (each.name, compare_words.short(each.old), compare_words.short(each.new))
            for each in compare_words.inputs(comparison)
        ],
        rows=compare_words.rows(comparison),
        parts=[
            (each.name, compare_words.short(each.old), compare_words.short(each.new))
            for each in comparison.parts
        ],
        packages=[
            (each.name, compare_words.release(each.old), compare_words.release(each.new))
            for each in comparison.packages
        ],
        findings=[_finding(comparison, move) for move in found.moves],
        new_findings=[(r["sentence"], _href(new, r["exhibit"])) for r in found.new],
        dropped_findings=[(r["sentence"], _href(old, r["exhibit"])) for r in found.dropped],
        unchanged_findings=found.unchanged,
        exhibits=_exhibits(comparison),
        new_exhibits=[(r["title"], _href(new, r["id"])) for r in comparison.new_exhibits],
        dropped_exhibits=[(r["title"], _href(old, r["id"])) for r in comparison.dropped_exhibits],
        unchanged_exhibits=comparison.exhibits_in_both - len(comparison.exhibits),
    )


def _href(edition: Edition, exhibit: str) -> str:
    """Where an exhibit stands on a version's pages; nothing where it is not shown."""
    record = edition.exhibit(exhibit)
    if record is None:
        return ""
    return f"../{edition.name}/{page.file_name(record['chapter'])}#{record['id']}"


def _finding(comparison: Comparison, move: Move) -> Finding:
    sides = ((comparison.old, move.old), (comparison.new, move.new))
    labels = [compare_words.label(edition) for edition, _ in sides]
    figures = [
        (side, value, "" if lo == "–" else f"{lo} to {hi}")
        for side, (value, lo, hi) in zip(labels, compare_words.figures(move), strict=True)
    ]
    estimated = move.verdict in ("beyond", "within") and move.change != 0
    return Finding(
        move.id,
        move.verdict,
        VERDICTS[move.verdict],
        compare_words.unit(move.new),
        [
            (side, record["sentence"], _href(edition, record["exhibit"]))
            for side, (edition, record) in zip(labels, sides, strict=True)
        ],
        figures if move.verdict != "worded" else [],
        compare_words.change(move),
        compare_words.relative(move),
        f"{times(move.reach)} the way to its end" if estimated else "",
    )


def _exhibits(comparison: Comparison) -> list[Exhibit]:
    left, cells = MAX_PICTURES, MAX_CELLS
    shown = []
    for change in comparison.exhibits:
        pictures = _pictures(comparison, change, left)
        left -= sum(len(picture.source) for picture in pictures)
        table = _table(change.table, cells) if change.table else None
        cells -= sum(len(line.cells) for line in table.lines) if table else 0
        shown.append(
            Exhibit(
                change.id,
                change.new["title"],
                change.old["title"] if change.old["title"] != change.new["title"] else "",
                _href(comparison.old, change.id),
                _href(comparison.new, change.id),
                [
                    (
                        _LABELS.get(word.name, word.name.capitalize()),
                        _word(word.old),
                        _word(word.new),
                    )
                    for word in change.words
                    if word.name != "title"
                ],
                pictures,
                table,
            )
        )
    return shown


def _word(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value) or "none"


def _pictures(comparison: Comparison, change: ExhibitChange, left: int) -> list[Picture]:
    """Both pictures where they differ; links alone if they would make the page too large."""
    if not change.redrawn:
        return []
    sides: tuple[tuple[Edition, Mapping[str, Any]], ...] = (
        (comparison.old, change.old),
        (comparison.new, change.new),
    )
    pictures = [
        Picture(
            compare_words.label(edition),
            record["alt"],
            _reduced(edition.folder / record["picture"]),
            f"../{edition.name}/{record['picture']}",
        )
        for edition, record in sides
        if record["picture"]
    ]
    if sum(len(picture.source) for picture in pictures) > left:
        return [Picture(each.side, each.alt, "", each.href) for each in pictures]
    return pictures


def _reduced(path: Path) -> str:
    """A picture as a data: address, on white, at a width and with colours that suffice here."""
    with Image.open(path) as opened:
        picture = opened.convert("RGBA")
    ground = Image.new("RGBA", picture.size, "white")
    flat = Image.alpha_composite(ground, picture).convert("RGB")
    if flat.width > PICTURE_WIDTH:
        height = round(flat.height * PICTURE_WIDTH / flat.width)
        flat = flat.resize((PICTURE_WIDTH, height), Image.Resampling.LANCZOS)
    few = flat.quantize(
        PICTURE_COLOURS, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE
    )
    buffer = io.BytesIO()
    few.save(buffer, "PNG", optimize=True)
    return data_uri("image/png", buffer.getvalue())


def _table(change: TableChange, cells: int) -> Table:
    """Rows that differ; of their columns those that changed, or all where rows came or went."""
    touched = change.touched() or list(range(min(len(change.columns), _MANY_COLUMNS)))
    most = min(MAX_ROWS, cells // max(1, len(touched)))
    lines = [
        Line(row.state, row.key, [_cell(row.state, row.old[i], row.new[i]) for i in touched])
        for row in change.rows[:most]
    ]
    columns = (("New columns", change.added), ("Dropped columns", change.dropped))
    notes = [f"{words}: {', '.join(names)}." for words, names in columns if names]
    return Table(
        list(change.keys) or ["Row"],
        [change.columns[i] for i in touched],
        [_is_numeric(change, i) for i in touched],
        lines,
        len(change.rows) - len(lines),
        notes,
    )


def _is_numeric(change: TableChange, column: int) -> bool:
    """Whether a column's cells are figures, as far as they are shown."""
    cells = [cell for row in change.rows for cell in (row.old[column], row.new[column]) if cell]
    return all(formats.NUMBER.fullmatch(cell) for cell in cells)


def _cell(state: str, old: str, new: str) -> Cell:
    before, after = compare_words.cell(old, new)
    if state == "changed":
        return Cell(before) if same(old, new) else Cell(before, after)
    return Cell(after if state == "new" else before)
