"""What each chapter left in a run folder: its record, its files, and how they are taken over.

While a version is made, every chapter notes its exhibits, findings and files in
`chapters/<name>.json`. Merged in the book's order they are the version's
exhibits.json and findings.json, from which the summary, comparison and export work.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crmlib.book import fingerprint, versions
from crmlib.book.graph import Chapter, Graph
from crmlib.book.versions import Build, Version

KINDS = ("exhibits", "findings")
Record = dict[str, Any]


@dataclass(frozen=True)
class ChapterRun:
    """A chapter's line in the manifest.

    Attributes
    ----------
    key : str
        Hash of all that the chapter depends on.
    seconds : float
        How long its execution took, here or in the version it comes from.
    reused_from : str or None
        That version.
    files : list of str
        What it left, by path in the version.
    """

    key: str
    seconds: float
    reused_from: str | None
    files: list[str]


def read(folder: Path, name: str) -> Record:
    """What a chapter noted of itself; one that keeps nothing notes nothing."""
    path = folder / "chapters" / f"{name}.json"
    return _read_json(path) if path.exists() else {"exhibits": [], "findings": [], "files": []}


def files_of(name: str, record: Record) -> list[str]:
    """All that a chapter left: its notebook, tables and exhibits."""
    return sorted({_notebook(name), *record["files"], *_exhibit_files(record)})


def left_for(chapter: Chapter, before: tuple[str, ...], folder: Path) -> dict[str, str]:
    """SHA-256 of what the chapters before it left for a chapter, by file or record."""
    left: dict[str, str] = {}
    for name in before:
        record = read(folder, name)
        files = record["files"]
        if chapter.reads == "records":
            files = _exhibit_files(record)
            left[f"record of {name}"] = fingerprint.digest([record[kind] for kind in KINDS])
        left |= {file: fingerprint.of_file(folder / file) for file in files}
    return left


def merge(folder: Path, chapters: Graph) -> None:
    """Write exhibits.json and findings.json of all chapters so far, in the book's order."""
    records = [read(folder, chapter.name) for chapter in chapters]
    for kind in KINDS:
        lines = [line for record in records for line in record[kind]]
        ids = [line["id"] for line in lines]
        twice = sorted({name for name in ids if ids.count(name) > 1})
        if twice:
            raise ValueError(f"{kind} with the same id in one version: {', '.join(twice)}")
        _write_json(folder / f"{kind}.json", lines)


def reuse(build: Build, name: str, key: str) -> ChapterRun | None:
    """Copy a chapter from the newest version that has it under this key, undamaged."""
    for version in reversed(versions.list_versions(build.root, build.engagement)):
        if versions.is_contradicted(version):
            continue
        manifest = version.manifest()
        old = manifest.get("chapters", {}).get(name)
        if old and old["key"] == key and _undamaged(version, manifest["files"], old["files"]):
            for file in old["files"]:
                (build.path / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(version.path / file, build.path / file)
            record = _published(version, name, old["files"])
            (build.path / "chapters").mkdir(exist_ok=True)
            _write_json(build.path / "chapters" / f"{name}.json", record)
            return ChapterRun(key, old["seconds"], version.name, old["files"])
    return None


def _undamaged(version: Version, expected: dict[str, str], files: list[str]) -> bool:
    """Whether the files, and the records they are described in, are as they were published."""
    wanted = {file: expected.get(file) for file in (*files, *(f"{kind}.json" for kind in KINDS))}
    found = {
        file: fingerprint.of_file(version.path / file)
        for file in wanted
        if (version.path / file).is_file()
    }
    return wanted == found


def _published(version: Version, name: str, files: list[str]) -> Record:
    """A chapter's record, taken back out of a version's merged ones."""
    record: Record = {
        kind: [
            line for line in _read_json(version.path / f"{kind}.json") if line["chapter"] == name
        ]
        for kind in KINDS
    }
    apart = {_notebook(name), *_exhibit_files(record)}
    return {**record, "files": [file for file in files if file not in apart]}


def _exhibit_files(record: Record) -> list[str]:
    files = [exhibit[part] for exhibit in record["exhibits"] for part in ("file", "picture")]
    return [file for file in files if file]


def _notebook(name: str) -> str:
    return f"notebooks/{name}.ipynb"


def _read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
