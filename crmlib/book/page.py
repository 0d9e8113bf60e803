"""What a page of the report is made of, read from an executed notebook.

A notebook's cells become blocks: prose, parameters, exhibits, findings, code,
text output. The template only lays them out. Whatever is not built by crmlib
itself arrives at the template as plain text and is escaped there.
"""

from __future__ import annotations

import base64
import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

from markupsafe import Markup
from nbconvert.filters import strip_ansi
from nbformat import NotebookNode
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from crmlib.book import markdown, parameter_table, picture
from crmlib.book.escaping import trusted, without_folders
from crmlib.exhibits import formats

MAX_ROWS = 60  # of an exhibit's data shown on the page
MAX_DOWNLOAD = 150_000  # bytes of an exhibit's data carried inside the page
ACRONYMS = {"roi": "ROI"}
BADGES = {"census": "Census fact", "estimate": "Estimate", "assumption": "Assumption"}


@dataclass(frozen=True)
class Prose:
    kind: ClassVar[str] = "prose"
    html: Markup


@dataclass(frozen=True)
class Settings:
    kind: ClassVar[str] = "settings"
    parameters: list[parameter_table.Parameter]


@dataclass(frozen=True)
class Code:
    kind: ClassVar[str] = "code"
    html: Markup


@dataclass(frozen=True)
class Text:
    """What a cell printed."""

    kind: ClassVar[str] = "text"
    text: str


@dataclass(frozen=True)
class Note:
    """What a cell said on stderr, without the machine's folders."""

    kind: ClassVar[str] = "note"
    text: str


@dataclass(frozen=True)
class DataTable:
    """The figures behind an exhibit: what is shown of them, and the file to take away."""

    header: list[str]
    rows: list[list[str]]
    numeric: list[bool]
    total: int
    file_name: str
    href: str

    @property
    def more(self) -> int:
        """Rows that are in the file only."""
        return self.total - len(self.rows)


@dataclass(frozen=True)
class Figure:
    kind: ClassVar[str] = "figure"
    id: str
    label: str
    title: str
    level: int
    body: Markup
    is_table: bool
    caption: list[str]
    note: str
    data: DataTable | None


@dataclass(frozen=True)
class Claim:
    """A finding as its card shows it."""

    kind: str
    badge: str
    sentence: str
    figure: str
    unit: str
    href: str
    evidence: str


@dataclass(frozen=True)
class Findings:
    kind: ClassVar[str] = "findings"
    claims: list[Claim]


Block = Prose | Settings | Code | Text | Note | Figure | Findings


@dataclass(frozen=True)
class Place:
    """Where in the version an exhibit stands."""

    page: str
    label: str
    title: str


@dataclass(frozen=True)
class Page:
    """One page: its file, its words, and what stands on it."""

    file: str
    name: str
    title: str
    blocks: list[Block] = field(default_factory=list)
    headings: list[markdown.Heading] = field(default_factory=list)

    @property
    def is_index(self) -> bool:
        return self.file == "index.html"


def file_name(stem: str) -> str:
    """The page of a notebook: the summary opens the version."""
    return "index.html" if stem.endswith("_summary") else f"{stem}.html"


def name(stem: str) -> str:
    """A chapter as the navigation names it: 05_roi → ROI."""
    words = stem.lstrip("0123456789_").replace("_", " ") or stem
    return ACRONYMS.get(words, words.capitalize())


def locate(notebooks: Mapping[str, NotebookNode]) -> dict[str, Place]:
    """Every exhibit's page and number, by id; the chapter that shows it first owns it."""
    places: dict[str, Place] = {}
    for stem, notebook in notebooks.items():
        chapter = re.match(r"\d+", stem)
        prefix = f"{int(chapter[0])}." if chapter else ""
        for number, record in enumerate(_metadata(notebook, "crm_exhibit"), start=1):
            place = Place(file_name(stem), f"Exhibit {prefix}{number}", record["title"])
            places.setdefault(record["id"], place)
    return places


def claims(
    records: Iterable[Mapping[str, Any]], places: Mapping[str, Place], page: str
) -> list[Claim]:
    """Findings with links to their exhibits, seen from `page`."""
    return [_claim(record, places.get(record["exhibit"]), page) for record in records]


def read(stem: str, notebook: NotebookNode, exhibits: Path, places: Mapping[str, Place]) -> Page:
    """A page from an executed notebook.

    Parameters
    ----------
    stem : str
        The notebook's name, e.g. "02_value".
    exhibits : Path
        Folder of the charted tables, `<id>.csv`.
    places : mapping of exhibit id to Place
        From `locate`, for links.
    """
    reader = _Reader(file_name(stem), exhibits, places)
    blocks = list(reader.blocks(notebook))
    title = reader.outline.title or name(stem)
    page = Page(file_name(stem), name(stem), title, blocks, reader.outline.headings)
    return _findings_first(page) if page.is_index else page


@dataclass
class _Reader:
    """Goes through the cells in order; code is kept until the next prose and folded once."""

    page: str
    exhibits: Path
    places: Mapping[str, Place]
    outline: markdown.Outline = field(default_factory=markdown.Outline)
    shown: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        # Exhibits are linked to from elsewhere, so headings give way to their ids.
        self.outline.taken |= {"main", "contents", "provenance", *self.places}
        self.outline.taken |= {f"{exhibit}-title" for exhibit in self.places}

    def blocks(self, notebook: NotebookNode) -> Iterator[Block]:
        code: list[str] = []
        settings = _parameter_cells(notebook)
        for cell in notebook.cells:
            if cell.cell_type == "markdown":
                yield from _folded(code)
                code = []
                yield Prose(markdown.render(cell.source, self.outline))
            elif cell.cell_type == "code":
                if any(cell is one for one in settings):
                    if cell is settings[0]:
                        yield Settings(parameter_table.read(*(one.source for one in settings)))
                elif cell.source.strip():
                    code.append(cell.source)
                for output in cell.outputs:
                    yield from self._output(output)
        yield from _folded(code)

    def _output(self, output: NotebookNode) -> Iterator[Block]:
        if output.output_type == "stream":
            if output.text.strip():
                plain = strip_ansi(output.text).rstrip()
                yield Note(without_folders(plain)) if output.name == "stderr" else Text(plain)
        elif output.output_type == "error":
            yield Note(without_folders(f"{output.ename}: {output.evalue}"))
        elif "crm_exhibit" in output.metadata:
            yield self._figure(output.metadata["crm_exhibit"], output.data)
        elif "crm_findings" in output.metadata:
            records = output.metadata["crm_findings"]
            if records:
                yield Findings(claims(records, self.places, self.page))
        elif "text/markdown" in output.data:
            yield Prose(markdown.render(output.data["text/markdown"], self.outline))
        elif "text/plain" in output.data:
            yield Text(strip_ansi(output.data["text/plain"]).rstrip())

    def _figure(self, record: Mapping[str, Any], data: Mapping[str, str]) -> Figure:
        place = self.places[record["id"]]
        # The first showing on the owning page carries the plain id that links point to.
        mine = place.page == self.page and record["id"] not in self.shown
        anchor = record["id"] if mine else self.outline.claim(record["id"])
        self.shown.add(record["id"])
        svg = data.get("image/svg+xml")
        if svg is not None:
            body = picture.inline(svg, anchor, record["alt"])
        else:
            body = _captioned(data["text/html"], record["alt"])
        return Figure(
            id=anchor,
            label=place.label,
            title=record["title"],
            level=min(self.outline.level + 1, 6),
            body=body,
            is_table=svg is None,
            caption=_caption(record),
            note=record.get("note", ""),
            data=data_table(self.exhibits / f"{record['id']}.csv"),
        )


def data_table(path: Path) -> DataTable | None:
    """The table that was charted, numbers written out; None where there is no file."""
    if not path.exists():
        return None
    with path.open(encoding="utf-8", newline="") as lines:
        header, *rows = ([formats.plain_cell(cell) for cell in row] for row in csv.reader(lines))
    columns = [[row[i] for row in rows] for i in range(len(header))]
    numeric = [_is_numeric(column) for column in columns]
    shown = [
        [_number(cell) if right else cell for cell, right in zip(row, numeric, strict=True)]
        for row in rows[:MAX_ROWS]
    ]
    small = path.stat().st_size <= MAX_DOWNLOAD
    href = _download(header, rows) if small else f"exhibits/{path.name}"
    return DataTable(header, shown, numeric, len(rows), path.name, href)


def quantity(value: float, unit: str) -> tuple[str, str]:
    """A finding's figure and unit as a board reads them: (.843, "share") → ("84.3%", "")."""
    if unit.startswith("share"):
        digits = 0 if round(100 * value, 1).is_integer() else 1
        return formats.percent(value, digits), unit.removeprefix("share").strip()
    if abs(value) >= 1e6:
        return formats.money(value), unit
    return (formats.count(value) if abs(value) >= 100 else f"{value:.3g}"), unit


def _metadata(notebook: NotebookNode, key: str) -> Iterator[Any]:
    """What crmlib attached to the notebook's outputs under `key`."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if key in output.get("metadata", {}):
                yield output.metadata[key]


def _parameter_cells(notebook: NotebookNode) -> list[NotebookNode]:
    """The notebook's own parameter cell and the one Papermill added, where they are."""
    found = []
    for tag in ("parameters", "injected-parameters"):
        found += [c for c in notebook.cells if tag in c.metadata.get("tags", [])][:1]
    return found


def _folded(sources: list[str]) -> Iterator[Code]:
    """Code since the last prose, in one fold."""
    if sources:
        text = "\n\n".join(source.strip("\n") for source in sources)
        yield Code(trusted(highlight(text, PythonLexer(), HtmlFormatter(nowrap=True))))


def _caption(record: Mapping[str, Any]) -> list[str]:
    """Source, period, n and unit, in the order in which a reviewer asks."""
    people = f"n = {formats.count(record['n'])} {record.get('population', '')}".strip()
    return [f"Source: {record['source']}", record["period"], people, f"Unit: {record['unit']}"]


def _captioned(table: str, alt: str) -> Markup:
    """An exhibit's HTML table (escaped by crmlib) with its description as caption."""
    opening, bracket, rest = table.partition(">")
    caption = Markup("<caption>{}</caption>").format(alt)
    return trusted(opening + bracket) + caption + trusted(rest)


def _claim(record: Mapping[str, Any], place: Place | None, page: str) -> Claim:
    unit = record["unit"] or ""
    figure, rest = ("", "") if record["value"] is None else quantity(record["value"], unit)
    href = ""
    if place is not None:
        href = f"{'' if place.page == page else place.page}#{record['exhibit']}"
    return Claim(
        kind=record["kind"] if record["kind"] in BADGES else "assumption",
        badge=BADGES.get(record["kind"], record["kind"]),
        sentence=record["sentence"],
        figure=figure,
        unit=rest,
        href=href,
        evidence=f"{place.label}: {place.title}" if place else "",
    )


def _findings_first(page: Page) -> Page:
    """The summary with its findings, and the words that lead to them, right below the opening."""
    opening, rest = page.blocks[:1], page.blocks[1:]
    leading: list[Block] = []
    for position, block in enumerate(rest):
        if block.kind == "findings":
            before = rest[position - 1] if position else None
            leading += [before, block] if before and before.kind == "prose" else [block]
    others = [block for block in rest if not any(block is one for one in leading)]
    return replace(page, blocks=_code_joined([*opening, *leading, *others]))


def _code_joined(blocks: list[Block]) -> list[Block]:
    """Folds of code that have come to stand together, as one."""
    joined: list[Block] = []
    for block in blocks:
        if block.kind == "code" and joined and joined[-1].kind == "code":
            joined[-1] = Code(joined[-1].html + "\n" + block.html)
        else:
            joined.append(block)
    return joined


def _is_numeric(column: list[str]) -> bool:
    filled = [cell for cell in column if cell]
    return bool(filled) and all(formats.NUMBER.fullmatch(cell) for cell in filled)


def _number(text: str) -> str:
    """A figure of the data at six significant digits, thousands separated, years as they are."""
    if not text:
        return ""
    value = float(text)
    if abs(value) >= 10_000:
        return formats.count(value)
    return text if text.lstrip("-").isdigit() else f"{value:.6g}"


def _download(header: list[str], rows: list[list[str]]) -> str:
    """The table as a data: address; no cell can start a formula in a spreadsheet."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerows([formats.safe_cell(cell) for cell in row] for row in [header, *rows])
    return f"data:text/csv;base64,{base64.b64encode(buffer.getvalue().encode()).decode()}"
