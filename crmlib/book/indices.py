"""Where a reader enters: all engagements, the versions of each, newest first, and comparisons.

Number, date and digest of a version stand here and in its manifest, never on
its own pages. Both indices are made anew from the folders and put in place in
one step, so that nobody reads half of one.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from crmlib.book import disk, report
from crmlib.errors import VersionError


@dataclass(frozen=True)
class Cell:
    """What a cell shows, and the whole of it where it shows a part."""

    text: str
    whole: str = ""


@dataclass(frozen=True)
class Row:
    """A line of the table; without an address where there is nothing to open."""

    name: str
    href: str
    cells: list[Cell]


def write(root: Path, engagement: str) -> None:
    """Write reports/<engagement>/index.html and reports/index.html.

    Parameters
    ----------
    root : Path
        The folder of all reports.
    engagement : str
        Whose index is written; the overview names every engagement that has a version.
    """
    from crmlib.book import versions

    own = sorted(versions.list_versions(root, engagement), key=_number, reverse=True)
    whole = {version.path for version in own}
    folders = {
        version.path: version for version in [*own, *versions.list_folders(root, engagement)]
    }
    digests = versions.read_digests(root / engagement)
    rows = [
        _version_row(version, digests) if version.path in whole else _damaged_row(version)
        for version in sorted(folders.values(), key=_number, reverse=True)
    ]
    _publish(
        root / engagement / "index.html",
        heading=_title(own[0].path, engagement) if own else engagement,
        caption=f"Versions of {engagement}, newest first",
        columns=["Version", "Finished", "Content", "Manifest", "Size"],
        rows=rows,
        comparisons=_comparisons(root / engagement, own),
        up=True,
    )
    newest = {}
    for version in sorted(versions.list_versions(root), key=_number):
        newest[version.engagement] = _engagement_row(version)
    _publish(
        root / "index.html",
        heading="Engagements",
        caption="Engagements with their newest version",
        columns=["Engagement", "Title", "Newest version", "Finished"],
        rows=[newest[name] for name in sorted(newest)],
        up=False,
    )


def _version_row(version: Any, digests: dict[str, str]) -> Row:
    digest = digests.get(version.path.name) or _digest(version.path / "manifest.json")
    return Row(
        f"Version {version.number}",
        f"{version.path.name}/index.html",
        [
            Cell(_finished(version.path)),
            Cell(version.hash8, version.path.name),
            Cell(digest[:12], digest),
            Cell(_size(version.path)),
        ],
    )


def _damaged_row(version: Any) -> Row:
    """A folder that is no version any more: what it misses, and no way in."""
    missing = version.missing()
    return Row(
        f"Version {version.number}",
        "",
        [
            Cell("damaged", ", ".join(missing[:5])),
            Cell(version.hash8, version.path.name),
            Cell("–"),
            Cell(_size(version.path)),
        ],
    )


def _number(version: Any) -> int:
    return version.number


def _engagement_row(version: Any) -> Row:
    return Row(
        version.engagement,
        f"{version.engagement}/index.html",
        [
            Cell(_title(version.path, version.engagement)),
            Cell(f"{version.number}"),
            Cell(_finished(version.path)),
        ],
    )


def _publish(target: Path, **words: Any) -> None:
    page = report.template("versions.html.j2")
    disk.put(target, page.render(numeric={"Size", "Newest version"}, **words))


def _comparisons(folder: Path, own: list[Any]) -> list[tuple[str, str]]:
    """Words and address of each comparison whose versions are there, the newest first."""
    known = {version.path.name: version for version in own}
    found = []
    for path in (folder / "compare").glob("*..*.html"):
        old, _, new = path.name.removesuffix(".html").partition("..")
        if old in known and new in known:
            found.append((known[new].number, known[old].number, path.name))
    return [
        (f"From version {old} to version {new}", f"compare/{name}")
        for new, old, name in sorted(found, reverse=True)
    ]


def _manifest(folder: Path) -> dict[str, Any]:
    from crmlib.book import versions

    try:
        return versions.read_manifest(folder)
    except VersionError:
        return {}


def _title(folder: Path, otherwise: str) -> str:
    return str(_manifest(folder).get("title") or otherwise)


def _finished(folder: Path) -> str:
    """The manifest's ISO time to the minute: 2026-03-02 14:05 UTC."""
    try:
        moment = datetime.fromisoformat(_manifest(folder).get("ended"))
    except (TypeError, ValueError):
        return "–"
    return f"{moment:%Y-%m-%d %H:%M} {moment.tzname() or ''}".strip()


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else ""


def _size(folder: Path) -> str:
    total = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return f"{total / 1e6:.1f} MB"
