"""What decides a result, as hashes: the same fingerprint means the same version.

A version's `hash8` covers input bytes, resolved params, notebooks, crmlib, the
lock, the packages that are really installed, and the tables that are read of the
baseline version. A chapter's key covers the part
of that which the chapter can see, so that an older version's chapter may be
reused where nothing it rests on has changed.
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from crmlib import params

PACKAGE = Path(__file__).resolve().parents[1]
LOCK = PACKAGE.parent / "requirements.lock"


@dataclass(frozen=True)
class Fingerprint:
    """Everything that decides a version.

    Attributes
    ----------
    inputs : dict
        SHA-256 of each input file, by its path as the params file has it.
    params, notebooks, code, lock : str
        SHA-256 of the resolved params, of the notebooks' cells, of crmlib's
        sources and templates, and of requirements.lock.
    chapters : tuple of str
        The chapters that the version holds.
    packages : dict
        Installed versions of Python and of crmlib's direct dependencies. They
        count, because an environment may differ from the lock it came from.
    baseline : dict
        SHA-256 of each table that is read of the baseline version, by its path in it.
    """

    inputs: dict[str, str]
    params: str
    notebooks: str
    code: str
    lock: str
    chapters: tuple[str, ...]
    packages: dict[str, str]
    baseline: dict[str, str] = field(default_factory=dict)

    @property
    def hash8(self) -> str:
        """The first eight hexadecimal digits of the hash over all parts."""
        return digest(asdict(self))[:8]


def of(
    engagement: params.Engagement,
    chapters: Iterable[str],
    notebooks: Path,
    baseline: Mapping[str, str] | None = None,
) -> Fingerprint:
    """Take the fingerprint of a run before anything is executed."""
    chapters = tuple(chapters)
    return Fingerprint(
        inputs=of_inputs(engagement),
        params=_of_bytes(params.to_yaml(engagement).encode()),
        notebooks=digest({name: of_notebook(notebooks / f"{name}.ipynb") for name in chapters}),
        code=of_folder(PACKAGE),
        lock=of_file(LOCK) if LOCK.exists() else "",
        chapters=chapters,
        packages=installed_packages(),
        baseline=dict(baseline or {}),
    )


def chapter_key(
    provenance: Fingerprint,
    engagement: params.Engagement,
    chapter: str,
    before: Iterable[str],
    notebook: Path,
    upstream: Mapping[str, str],
    baseline: Mapping[str, str] | None = None,
) -> str:
    """What a chapter's result depends on, as one hash.

    Parameters
    ----------
    before : iterable of str
        The chapters it rests on. Their settings count too: a notebook sees the
        whole engagement, and later chapters read, say, the value horizon.
    upstream : mapping
        SHA-256 of what those chapters left for it, by path or record.
    baseline : mapping, optional
        SHA-256 of what it reads of the baseline version, by path; that version's
        name decides nothing.
    """
    visible = {chapter, *before}
    hidden = {section for name, section in params.CHAPTER_SECTIONS.items() if name not in visible}
    hidden |= {section for section, name in params.SEEN_FROM.items() if name not in visible}
    hidden |= params.UNSEEN_SECTIONS
    return digest(
        {
            "chapter": chapter,
            "notebook": of_notebook(notebook),
            "params": engagement.model_dump(mode="json", exclude=hidden),
            "inputs": provenance.inputs,
            "upstream": dict(upstream),
            "baseline": dict(baseline or {}),
            "code": provenance.code,
            "lock": provenance.lock,
            "packages": provenance.packages,
        }
    )


def of_inputs(engagement: params.Engagement) -> dict[str, str]:
    """SHA-256 of every input file, and of the rows of every database table.

    Returns
    -------
    dict
        By the path, or the database's table, as the params name them.

    Raises
    ------
    InputError
        An input that is not there or cannot be read.
    """
    from crmlib.intake.reading.probe import locate

    found = {}
    for table in engagement.inputs.given():
        for part in locate(engagement, table).parts:
            name = part.place.partition(": ")[2]  # without the params key
            if part.path is None or part.kind == "database":
                from crmlib.intake.reading.database import content_digest

                found[name] = content_digest(engagement, table)
            else:
                found[name] = of_file(part.path)
    return dict(sorted(found.items()))


def of_file(path: Path) -> str:
    """SHA-256 of a file, read as a stream."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def of_folder(folder: Path) -> str:
    """SHA-256 over the names and bytes of a folder's files, compiled and hidden ones aside."""
    return digest({path.relative_to(folder).as_posix(): of_file(path) for path in _sources(folder)})


def of_notebook(path: Path) -> str:
    """SHA-256 of what a notebook says: cell types, sources, tags, attached pictures.

    Outputs, execution counts, ids and other metadata do not decide a result.
    """
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return digest(
        [
            [
                cell["cell_type"],
                "".join(cell["source"]),
                cell["metadata"].get("tags", []),
                cell.get("attachments", {}),
            ]
            for cell in cells
        ]
    )


def installed_packages() -> dict[str, str]:
    """Versions of Python and of crmlib's direct dependencies, as installed here."""
    from packaging.requirements import Requirement

    requirements = (Requirement(text) for text in metadata.requires("crmlib") or [])
    names = sorted(
        need.name for need in requirements if not need.marker or need.marker.evaluate({"extra": ""})
    )
    return {"python": platform.python_version(), **{n: metadata.version(n) for n in names}}


def digest(parts: Any) -> str:
    """SHA-256 of a structure of plain values, whatever the order of its keys."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return _of_bytes(text.encode())


def _of_bytes(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _sources(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        names = path.relative_to(folder).parts
        if any(name == "__pycache__" or name.startswith(".") for name in names):
            continue
        if path.is_file() and path.suffix != ".pyc":
            yield path
