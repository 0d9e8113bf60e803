"""The earlier version whose segments go on in this one, as the params name it.

What is read of it is hashed into the new version's fingerprint and never copied: a
table of customers stays in one place, and who is taken out of it is out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from crmlib import params
from crmlib.book import fingerprint, versions
from crmlib.book.graph import Chapter
from crmlib.book.versions import Version
from crmlib.errors import VersionError, suggestion


@dataclass(frozen=True)
class Baseline:
    """An earlier version, and what a run reads of it.

    Attributes
    ----------
    version : str
        Its name.
    manifest : str
        SHA-256 of its manifest.
    tables : dict
        SHA-256 of each table that is read, by its path in the version.
    """

    version: str
    manifest: str
    tables: Mapping[str, str]

    def read_by(self, chapter: Chapter) -> dict[str, str]:
        """The part of the tables that a chapter reads."""
        return {path: self.tables[path] for path in map(table_file, chapter.earlier)}


def table_file(name: str) -> str:
    """Where a table lies in a version."""
    return f"tables/{name}.parquet"


def of(engagement: params.Engagement, root: Path, chapters: Iterable[Chapter]) -> Baseline | None:
    """The baseline of a run; None where the params name none, or no chapter reads it.

    Raises
    ------
    VersionError
        It is not there, lacks a chapter that is to be continued, or is not as published.
    """
    reading = [chapter for chapter in chapters if chapter.earlier]
    if not engagement.baseline or not reading:
        return None
    version = named(root, engagement.engagement, engagement.baseline)
    for chapter in reading:
        if not version.missing() and chapter.name not in version.manifest().get("chapters", {}):
            raise VersionError(
                f"baseline {version.name}",
                f"was made without {chapter.name}, which is to go on from it.",
                "Name a version of the whole book.",
            )
    if version.missing() or versions.is_damaged(version):
        raise VersionError(
            f"baseline {version.name}",
            "is damaged: it is no longer as it was published.",
            f"`crm verify {version.path}` says where. Name another version.",
        )
    files = sorted({table_file(name) for chapter in reading for name in chapter.earlier})
    return Baseline(
        version=version.name,
        manifest=fingerprint.of_file(version.path / versions.MANIFEST),
        tables={file: fingerprint.of_file(version.path / file) for file in files},
    )


def named(root: Path, engagement: str, name: str) -> Version:
    """The version of this name, whole or damaged.

    Raises
    ------
    VersionError
        There is none of this name; the message names those that are there.
    """
    found = {version.name: version for version in versions.list_folders(root, engagement)}
    if name not in found:
        there = suggestion(name, found) if found else "There is none yet: leave `baseline` out."
        raise VersionError(
            f"baseline {name}", f"is no version of {engagement} under {root}.", there
        )
    return found[name]
