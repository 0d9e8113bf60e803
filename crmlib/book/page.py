"""What a page of the report is made of, read from an executed notebook.

A notebook's cells become blocks: prose, parameters, exhibits, findings, code,
text output. The template only lays them out. Whatever is not built by crmlib
itself arrives at the template as plain text and is escaped there.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from markupsafe import Markup
from nbconvert.filters import strip_ansi
from nbformat import NotebookNode
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from crmlib.book import data_table, markdown, parameter_table, picture
from crmlib.book.escaping import trusted, without_folders
from crmlib.book.links import Evidence, Place
from crmlib.exhibits import formats
from crmlib.exhibits.exhibit import caption_parts

ACRONYMS = {"roi": "ROI"}
_CELL = re.compile(r"<(?P<tag>t[dh]) [^>]*>")  # text in cells holds no bare `<`
_CURRENCY = re.compile(r"[A-Z]{3}")
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
class Figure:
    kind: ClassVar[str] = "figure"
    id: str
    label: str
    title: Markup
    level: int
    body: Markup
    is_table: bool
    caption: list[str]
    note: str
    data: data_table.DataTable | None
    png: str


@dataclass(frozen=True)
class Claim:
    """A finding as its card shows it."""

    kind: str
    badge: str
    sentence: Markup
    figure: str
    unit: str
    href: str
    evidence: str


@dataclass(frozen=True)
class Findings:
    kind: ClassVar[str] = "findings"
    claims: list[Claim]


@dataclass(frozen=True)
class Decision:
    """What the reader is asked to decide, and where the evidence stands."""

    kind: ClassVar[str] = "decision"
    sentence: Markup
    href: str
    evidence: str


Block = Prose | Settings | Code | Text | Note | Figure | Findings | Decision


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

    @property
    def brief(self) -> list[Block]:
        """What a reader with ten minutes reads: on the first page all before the first exhibit."""
        return self.blocks[: self._end_of_brief]

    @property
    def appendix(self) -> list[Block]:
        """What stands behind it."""
        return self.blocks[self._end_of_brief :]

    @property
    def _end_of_brief(self) -> int:
        kinds = [block.kind for block in self.blocks]
        if not self.is_index or "figure" not in kinds:
            return len(kinds)
        first = kinds.index("figure")
        return first - (kinds[first - 1 : first] == ["prose"])


def file_name(stem: str) -> str:
    """The page of a notebook: the summary opens the version."""
    return "index.html" if stem.endswith("_summary") else f"{stem}.html"


def name(stem: str) -> str:
    """A chapter as the navigation names it: 05_roi → ROI."""
    words = stem.lstrip("0123456789_").replace("_", " ") or stem
    return ACRONYMS.get(words, words.capitalize())


def left_out(lacking: Mapping[str, Sequence[str]]) -> list[tuple[str, str]]:
    """Name of each chapter that was not made, and which inputs it wants.

    >>> left_out({"02_value": ["transactions"]})
    [('Value', 'inputs.transactions')]
    """
    return [
        (name(stem), " or ".join(f"inputs.{table}" for table in tables))
        for stem, tables in lacking.items()
    ]


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


def claims(records: Iterable[Mapping[str, Any]], evidence: Evidence, page: str) -> list[Claim]:
    """Findings with links to their exhibits, seen from `page`."""
    return [_claim(record, evidence, page) for record in records]


def read(stem: str, notebook: NotebookNode, evidence: Evidence) -> Page:
    """A page from an executed notebook.

    Parameters
    ----------
    stem : str
        The notebook's name, e.g. "02_value".
    evidence : Evidence
        The version's exhibits, with their places from `locate`.
    """
    reader = _Reader(file_name(stem), evidence)
    blocks = list(reader.blocks(notebook))
    title = reader.outline.title or name(stem)
    page = Page(file_name(stem), name(stem), title, blocks, reader.outline.headings)
    return _settings_last(page) if page.is_index else page


@dataclass
class _Reader:
    """Goes through the cells in order; code is kept until the next prose and folded once."""

    page: str
    evidence: Evidence
    outline: markdown.Outline = field(default_factory=markdown.Outline)
    shown: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        # Exhibits are linked to from elsewhere, so headings give way to their ids.
        self.outline.taken |= {"main", "contents", "provenance", *self.evidence.places}
        self.outline.taken |= {f"{exhibit}-title" for exhibit in self.evidence.places}

    def blocks(self, notebook: NotebookNode) -> Iterator[Block]:
        code: list[str] = []
        settings = _parameter_cells(notebook)
        for at, cell in enumerate(notebook.cells):
            if cell.cell_type == "markdown" and _speaks_of_nothing(notebook.cells, at):
                continue
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
        elif "crm_caption" in output.metadata:
            pass  # the figure has its own
        elif "crm_exhibit" in output.metadata:
            yield self._figure(output.metadata["crm_exhibit"], output.data)
        elif "crm_findings" in output.metadata:
            records = output.metadata["crm_findings"]
            if records:
                yield Findings(claims(records, self.evidence, self.page))
        elif "crm_decision" in output.metadata:
            yield _decision(output.metadata["crm_decision"], self.evidence, self.page)
        elif "text/markdown" in output.data:
            yield Prose(markdown.render(output.data["text/markdown"], self.outline))
        elif "text/plain" in output.data:
            yield Text(strip_ansi(output.data["text/plain"]).rstrip())

    def _figure(self, record: Mapping[str, Any], data: Mapping[str, str]) -> Figure:
        place = self.evidence.places[record["id"]]
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
            title=self.evidence.linked(record["title"], record["id"], self.page),
            level=min(self.outline.level + 1, 6),
            body=body,
            is_table=svg is None,
            caption=caption_parts(record),
            note=record.get("note", ""),
            data=data_table.read(self.evidence, record["id"], anchor),
            png=data_table.picture(self.evidence.folder / f"{record['id']}.png"),
        )


def quantity(value: float, unit: str) -> tuple[str, str]:
    """A finding's figure and unit as a board reads them: (.843, "share") → ("84.3%", "")."""
    if unit.startswith("share"):
        digits = 0 if round(100 * value, 1).is_integer() else 1
        return formats.percent(value, digits), unit.removeprefix("share").strip()
    if abs(value) >= 1e6 or (abs(value) >= 1e4 and _CURRENCY.fullmatch(unit)):
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


def _speaks_of_nothing(cells: list[NotebookNode], at: int) -> bool:
    """Whether a paragraph introduces an exhibit that was not shown: another has said why.

    A section's heading does where none of its paragraphs speaks of anything.
    """
    following = itertools.takewhile(lambda cell: cell.cell_type == "code", cells[at + 1 :])
    showing = [cell for cell in following if "chapter.show(" in cell.source]
    if not showing or any(cell.outputs for cell in showing):
        return False
    if not _is_heading(cells[at]):
        return True
    section = itertools.takewhile(lambda i: not _is_heading(cells[i]), range(at + 1, len(cells)))
    paragraphs = [i for i in section if cells[i].cell_type == "markdown"]
    return all(_speaks_of_nothing(cells, i) for i in paragraphs)


def _is_heading(cell: NotebookNode) -> bool:
    return cell.cell_type == "markdown" and cell.source.lstrip().startswith("#")


def _folded(sources: list[str]) -> Iterator[Code]:
    """Code since the last prose, in one fold."""
    if sources:
        text = "\n\n".join(source.strip("\n") for source in sources)
        yield Code(trusted(highlight(text, PythonLexer(), HtmlFormatter(nowrap=True))))


def _captioned(made: str, alt: str) -> Markup:
    """An exhibit's table, escaped by great-tables, without its own look, described for all."""
    rows = _CELL.sub(_plain_cell, made[made.index("<thead>") : made.rindex("</table>")])
    caption = Markup("<caption>{}</caption>").format(alt)
    return trusted('<table class="exhibit">') + caption + trusted(f"{rows}</table>")


def _plain_cell(opening: re.Match[str]) -> str:
    """A cell's opening tag with what the page's style sheet knows of it."""
    scope = ' scope="col"' if opening["tag"] == "th" else ""
    number = ' class="number"' if "gt_right" in opening[0] else ""
    return f"<{opening['tag']}{scope}{number}>"


def _claim(record: Mapping[str, Any], evidence: Evidence, page: str) -> Claim:
    unit = record["unit"] or ""
    figure, rest = ("", "") if record["value"] is None else quantity(record["value"], unit)
    href, words = _led_to(record["exhibit"], evidence, page)
    return Claim(
        kind=record["kind"] if record["kind"] in BADGES else "assumption",
        badge=BADGES.get(record["kind"], record["kind"]),
        sentence=evidence.linked(record["sentence"], record["exhibit"], page),
        figure=figure,
        unit=rest,
        href=href,
        evidence=words,
    )


def _decision(record: Mapping[str, Any], evidence: Evidence, page: str) -> Decision:
    href, words = _led_to(record["exhibit"], evidence, page)
    sentence = evidence.linked(record["sentence"], record["exhibit"], page)
    return Decision(sentence, href, words)


def _led_to(exhibit: str, evidence: Evidence, page: str) -> tuple[str, str]:
    """Address and words of a link to an exhibit; empty where it is not in the version."""
    place = evidence.places.get(exhibit)
    if place is None:
        return "", ""
    return evidence.address(exhibit, page), f"{place.label}: {place.title}"


def _settings_last(page: Page) -> Page:
    """The summary with its parameters and code behind everything that a board reads."""
    last = [block for block in page.blocks if block.kind in ("settings", "code")]
    first = [block for block in page.blocks if not any(block is one for one in last)]
    return replace(page, blocks=_code_joined([*first, *last]))


def _code_joined(blocks: list[Block]) -> list[Block]:
    """Folds of code that have come to stand together, as one."""
    joined: list[Block] = []
    for block in blocks:
        if block.kind == "code" and joined and joined[-1].kind == "code":
            joined[-1] = Code(joined[-1].html + "\n" + block.html)
        else:
            joined.append(block)
    return joined
