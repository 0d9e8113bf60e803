"""Where a reader enters: all engagements, and the versions of each, newest first.

Number, date and digest of a version stand here and in its manifest, never on
its own pages. Both indices are made anew from the folders and put in place in
one step, so that nobody reads half of one.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from crmlib.book import report


@dataclass(frozen=True)
class Cell:
    """What a cell shows, and the whole of it where it shows a part."""

    text: str
    whole: str = ""


@dataclass(frozen=True)
class Row:
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

    own = sorted(versions.list_versions(root, engagement), key=lambda v: v.number, reverse=True)
    digests = _read_json(root / engagement / "index.json")
    _publish(
        root / engagement / "index.html",
        heading=_title(own[0].path, engagement) if own else engagement,
        caption=f"Versions of {engagement}, newest first",
        columns=["Version", "Finished", "Content", "Manifest", "Size"],
        rows=[_version_row(version, digests) for version in own],
        up=True,
    )
    newest = []
    for folder in sorted(path for path in root.iterdir() if path.is_dir()):
        found = versions.list_versions(root, folder.name)
        if found:
            newest.append(_engagement_row(max(found, key=lambda v: v.number)))
    _publish(
        root / "index.html",
        heading="Engagements",
        caption="Engagements with their newest version",
        columns=["Engagement", "Title", "Newest version", "Finished"],
        rows=newest,
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
    """Write beside the target, then put in its place at once."""
    text = report.template("versions.html.j2").render(numeric={"Size", "Newest version"}, **words)
    handle, draft = tempfile.mkstemp(dir=target.parent, prefix=".index-", suffix=".html")
    with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
        stream.write(text)
    Path(draft).chmod(0o644)  # mkstemp lets only its owner read
    Path(draft).replace(target)


def _read_json(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def _title(folder: Path, otherwise: str) -> str:
    return str(_read_json(folder / "manifest.json").get("title") or otherwise)


def _finished(folder: Path) -> str:
    """The manifest's ISO time to the minute: 2026-03-02 14:05 UTC."""
    manifest = _read_json(folder / "manifest.json")
    text = manifest.get("ended")
    if not text:
        return "–"
    moment = datetime.fromisoformat(text)
    return f"{moment:%Y-%m-%d %H:%M} {moment.tzname() or ''}".strip()


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else ""


def _size(folder: Path) -> str:
    total = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return f"{total / 1e6:.1f} MB"
