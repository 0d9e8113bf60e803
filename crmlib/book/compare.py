"""What differs between two published versions of one engagement, from their files alone.

The question is a reviewer's: what did you change since last week, and which of
my figures moved, more than their uncertainty? So causes (parameters, inputs,
notebooks, code, packages) stand apart from effects (findings, exhibits), and
only what differs is listed. How it is said and shown is `compare_page`.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from crmlib import params
from crmlib.book import compare_findings, compare_tables, graph
from crmlib.book.compare_findings import Broken, Findings
from crmlib.book.compare_tables import TableChange
from crmlib.book.versions import inputs_given, read_manifest
from crmlib.errors import ParamsError, VersionError, suggestion
from crmlib.settings_file import read_yaml

Record = dict[str, Any]
ABSENT = object()  # in the place of a value that one version does not have
CAPTION = ("title", "source", "period", "n", "population", "unit", "note")
_PARTS = {"notebooks": "Notebooks", "code": "Code of crmlib", "lock": "Package lock"}


@dataclass(frozen=True)
class Edition:
    """A published version, read for comparison.

    Attributes
    ----------
    settings : dict
        Its params.yml, every setting resolved.
    findings, exhibits : list of dict
        Lines of findings.json and exhibits.json.
    rows : dict
        (rows read, rows used) by input table, as intake.csv has them.
    """

    folder: Path
    manifest: Record
    settings: Record
    findings: list[Record]
    exhibits: list[Record]
    rows: dict[str, tuple[str, str]]

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def chapters(self) -> list[str]:
        return list(self.manifest.get("chapters", ()))

    @property
    def provenance(self) -> Record:
        return self.manifest.get("fingerprint", {})

    def exhibit(self, name: str) -> Record | None:
        """An exhibit's line, by id."""
        return next((record for record in self.exhibits if record["id"] == name), None)


@dataclass(frozen=True)
class Change:
    """Something that has a name, and its value in both versions; ABSENT where it has none."""

    name: str
    old: Any
    new: Any


@dataclass(frozen=True)
class ExhibitChange:
    """An exhibit that both versions have and that does not say the same.

    Attributes
    ----------
    words : tuple of Change
        Parts of its caption that differ: as `CAPTION` lists them.
    table : TableChange
        How its figures differ.
    redrawn : bool
        Whether the picture's bytes differ.
    """

    old: Record
    new: Record
    words: tuple[Change, ...]
    table: TableChange
    redrawn: bool

    @property
    def id(self) -> str:
        return self.new["id"]


@dataclass(frozen=True)
class Comparison:
    """Two versions, and all that differs between them."""

    old: Edition
    new: Edition

    @cached_property
    def both(self) -> list[str]:
        """Chapters that can be compared."""
        return [name for name in self.new.chapters if name in self.old.chapters]

    @property
    def alone(self) -> list[tuple[Edition, list[str]]]:
        """Chapters that one version has alone, with that version."""
        editions = ((self.old, self.new), (self.new, self.old))
        found = [
            (one, [name for name in one.chapters if name not in other.chapters])
            for one, other in editions
        ]
        return [(one, names) for one, names in found if names]

    @cached_property
    def settings(self) -> list[Change]:
        """Parameters by dotted key, in the order of the later version."""
        return _changes(dict(_flat(self.old.settings)), dict(_flat(self.new.settings)))

    @cached_property
    def inputs(self) -> list[Change]:
        """Input files and database tables whose SHA-256 differs, by their name in the params."""
        old, new = (edition.provenance.get("inputs", {}) for edition in (self.old, self.new))
        moved = set(old.values()) & set(new.values())  # the same bytes under another name
        return [
            change
            for change in _changes(old, new)
            if not (ABSENT in (change.old, change.new) and moved & {change.old, change.new})
        ]

    @cached_property
    def rows(self) -> list[Change]:
        """Input tables of which other numbers of rows were read or used."""
        return _changes(self.old.rows, self.new.rows)

    @cached_property
    def parts(self) -> list[Change]:
        """Notebooks, code and lock, as hashes, where they differ."""
        old, new = self.old.provenance, self.new.provenance
        return [
            Change(words, old.get(part, ABSENT), new.get(part, ABSENT))
            for part, words in _PARTS.items()
            # with other chapters the notebooks' hash must differ and says nothing
            if old.get(part) != new.get(part) and not (part == "notebooks" and self.alone)
        ]

    @cached_property
    def packages(self) -> list[Change]:
        """Python and packages that are there in other releases."""
        old, new = (edition.provenance.get("packages", {}) for edition in (self.old, self.new))
        return _changes(old, new)

    @cached_property
    def findings(self) -> Findings:
        """How the findings of chapters that both have differ."""
        return compare_findings.between(
            self._shared(self.old.findings), self._shared(self.new.findings)
        )

    @cached_property
    def exhibits(self) -> list[ExhibitChange]:
        """Exhibits of chapters that both have, where they differ."""
        before = {record["id"]: record for record in self._shared(self.old.exhibits)}
        pairs = [
            (before[record["id"]], record)
            for record in self._shared(self.new.exhibits)
            if record["id"] in before
        ]
        changes = (self._exhibit(old, new) for old, new in pairs)
        return [change for change in changes if change.words or change.table]

    @cached_property
    def new_exhibits(self) -> list[Record]:
        return _without(self._shared(self.new.exhibits), self._shared(self.old.exhibits))

    @cached_property
    def dropped_exhibits(self) -> list[Record]:
        return _without(self._shared(self.old.exhibits), self._shared(self.new.exhibits))

    @property
    def exhibits_in_both(self) -> int:
        return len(self._shared(self.new.exhibits)) - len(self.new_exhibits)

    @cached_property
    def broken(self) -> list[Broken]:
        """Findings that vanished or moved further than the later version's tolerances allow.

        Raises
        ------
        ParamsError
            The tolerances name a finding that neither version has.
        """
        allowed = self._tolerances()
        known = {record["id"] for one in (self.old, self.new) for record in one.findings}
        given = inputs_given(self.new.folder)
        whole = {chapter.name for chapter in graph.possible(graph.GRAPH, given)} <= {
            *self.old.chapters,
            *self.new.chapters,
        }
        for name in allowed.findings:
            # what a chapter that was left out would have found is not known
            if name not in known and whole:
                raise ParamsError(
                    f"{self.new.folder / 'params.yml'}: tolerances.findings.{name}",
                    f"neither {self.old.name} nor {self.new.name} has such a finding.",
                    suggestion(name, known),
                )
        return compare_findings.beyond_tolerance(self.findings, allowed)

    def _tolerances(self) -> params.Tolerances:
        """The later version's; one that was made before there were any has the defaults."""
        try:
            return params.Tolerances.model_validate(self.new.settings.get("tolerances") or {})
        except ValidationError as error:
            raise VersionError(
                f"{self.new.folder / 'params.yml'}: tolerances",
                f"this crm does not read them ({error.errors()[0]['msg']}).",
                "Compare with the crm that made this version, or run the book again.",
            ) from None

    def _shared(self, records: list[Record]) -> list[Record]:
        return [record for record in records if record["chapter"] in self.both]

    def _exhibit(self, old: Record, new: Record) -> ExhibitChange:
        words = [Change(part, old.get(part, ""), new.get(part, "")) for part in CAPTION]
        files = (self.old.folder / old["file"], self.new.folder / new["file"])
        return ExhibitChange(
            old,
            new,
            tuple(word for word in words if word.old != word.new),
            compare_tables.between(*files),
            _picture(self.old, old) != _picture(self.new, new),
        )


def of(old: Path, new: Path) -> Comparison:
    """Compare two folders of versions, both of which are as they were published."""
    return Comparison(read(old), read(new))


def read(folder: Path) -> Edition:
    """Read what a version says of itself.

    Raises
    ------
    VersionError
        The folder is no version.
    """
    settings = folder / "params.yml"
    return Edition(
        folder,
        read_manifest(folder),
        read_yaml(settings) if settings.exists() else {},
        _records(folder / "findings.json"),
        _records(folder / "exhibits.json"),
        _rows(folder / "intake.csv"),
    )


def _records(path: Path) -> list[Record]:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else []


def _rows(path: Path) -> dict[str, tuple[str, str]]:
    """(read, used) by table, as text: a number that is withheld stays withheld."""
    if not path.exists():
        return {}
    with path.open(encoding="utf-8", newline="") as lines:
        ledger = list(csv.DictReader(lines))
    found = {(line["table"], line["status"]): line["rows"] for line in ledger}
    tables = dict.fromkeys(line["table"] for line in ledger)
    return {
        table: (found.get((table, "read"), ""), found.get((table, "used"), "")) for table in tables
    }


def _flat(settings: Record, above: str = "") -> Iterator[tuple[str, Any]]:
    """Settings by dotted key; lists are values, and what is null or empty is not set."""
    for key, value in settings.items():
        name = f"{above}{key}"
        if isinstance(value, dict):
            yield from _flat(value, f"{name}.")
        elif value is not None and value != "":
            yield name, value


def _changes(old: Record, new: Record) -> list[Change]:
    names = [*new, *(name for name in old if name not in new)]
    pairs = [Change(name, old.get(name, ABSENT), new.get(name, ABSENT)) for name in names]
    # True == 1 in Python, but not in a params file
    return [pair for pair in pairs if (type(pair.old), pair.old) != (type(pair.new), pair.new)]


def _without(records: list[Record], others: list[Record]) -> list[Record]:
    there = {record["id"] for record in others}
    return [record for record in records if record["id"] not in there]


def _picture(edition: Edition, record: Record) -> bytes:
    path = edition.folder / record["picture"] if record.get("picture") else None
    return path.read_bytes() if path is not None and path.is_file() else b""
