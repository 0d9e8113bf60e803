"""Versions on disk: numbered folders that appear whole or not at all and never change.

A version is built in a hidden folder that holds its own lock, and published by
one rename under the engagement's lock. The digest of its manifest is noted in
the engagement's index.json before the rename, so no version is without one.

Folders may be damaged later, by hand or by a disk. What misses a file is no
version any more: it is listed as damaged, never read, named or overwritten.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import fcntl
import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from crmlib.book import fingerprint
from crmlib.errors import VersionError, suggestion, without_credentials
from crmlib.settings_file import read_yaml
from crmlib.tables import TABLES

MANIFEST, INDEX, LOCK = "manifest.json", "index.json", ".lock"
BUILD_PREFIX, FAILED_PREFIX = ".build-", "failed-"
_NAME = re.compile(r"v([1-9][0-9]*)-([0-9a-f]{8})")
_ENGAGEMENT = re.compile(r"[a-z][a-z0-9_]{0,39}")  # as params has it
_REMOVAL_SECONDS = 5.0


@dataclass(frozen=True)
class Version:
    """One published version."""

    engagement: str
    number: int
    hash8: str
    path: Path

    @property
    def name(self) -> str:
        """The folder's name."""
        return f"v{self.number}-{self.hash8}"

    @property
    def index(self) -> Path:
        """The report's first page."""
        return self.path / "index.html"

    def manifest(self) -> dict[str, Any]:
        """What the version consists of and comes from.

        Raises
        ------
        VersionError
            The manifest is gone or cannot be read.
        """
        return read_manifest(self.path)

    def missing(self) -> list[str]:
        """What is seen to be missing without reading: the manifest, or files it lists."""
        try:
            files = self.manifest()["files"]
        except VersionError:
            return [f"{MANIFEST}: {_state(self.path / MANIFEST)}"]
        return [f"{name}: missing" for name in sorted(files) if not (self.path / name).is_file()]


def default_root() -> Path:
    """$CRM_REPORTS, or reports/ beside crmlib/."""
    return Path(os.environ.get("CRM_REPORTS") or Path(__file__).resolve().parents[2] / "reports")


def require_folder(root: Path) -> None:
    """Say it where the reports root is a file; it need not be there yet."""
    if root.exists() and not root.is_dir():
        problem = "is a file; a folder for reports was expected."
        raise VersionError(str(root), problem, "Name another folder with --out.")


def require_root(root: Path) -> None:
    """Make the reports root, or say why it cannot hold versions."""
    require_folder(root)
    remedy = "Name another folder with --out."
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise VersionError(str(root), f"cannot be made ({error.strerror}).", remedy) from None
    if not os.access(root, os.W_OK | os.X_OK):
        raise VersionError(str(root), "cannot be written to.", remedy)


def folder_of(root: Path, engagement: str) -> Path:
    """Where an engagement's versions lie; a name that leads elsewhere is refused."""
    if not _ENGAGEMENT.fullmatch(engagement):
        raise VersionError(
            f"`{engagement}`",
            "is no engagement's name:",
            "up to 40 lower-case letters, digits and underscores were expected, a letter first.",
        )
    return root / engagement


def list_folders(root: Path, engagement: str | None = None) -> list[Version]:
    """Every numbered folder under the reports root, whole or damaged, by name and number."""
    if engagement is not None:
        folders = [folder_of(root, engagement)]
    else:
        names = [path.name for path in root.iterdir()] if root.is_dir() else []
        folders = [root / name for name in names if _ENGAGEMENT.fullmatch(name)]
    found = [
        Version(folder.name, int(match[1]), match[2], path)
        for folder in folders
        for path in (folder.iterdir() if folder.is_dir() else ())
        if (match := _NAME.fullmatch(path.name)) and path.is_dir()
    ]
    return sorted(found, key=lambda version: (version.engagement, version.number, version.hash8))


def list_versions(root: Path, engagement: str | None = None) -> list[Version]:
    """Versions under the reports root from which no file is missing, by engagement and number."""
    return [version for version in list_folders(root, engagement) if not version.missing()]


def inputs_given(folder: Path) -> set[str]:
    """The client's tables that a version's params name; all of them where it keeps none."""
    path = folder / "params.yml"
    if not path.is_file():
        return set(TABLES)
    named = read_yaml(path).get("inputs") or {}
    return {table for table, settings in named.items() if settings is not None}


def newest(root: Path, engagement: str, holding: Iterable[str] = ()) -> Version:
    """The version with the highest number that holds these chapters.

    Raises
    ------
    VersionError
        There is none, and the message names the nearest engagement that has one; or it
        is damaged: an older one in its place would give older figures without a word.
    """
    holding = set(holding)
    for version in reversed(list_folders(root, engagement)):
        missing = version.missing()
        if missing and _may_hold(version, holding):
            raise VersionError(
                str(version.path),
                "is damaged:",
                f"run the book again (crm run params/{engagement}.yml), or remove this folder.",
                missing,
            )
        if not missing and holding <= set(version.manifest().get("chapters", ())):
            return version
    others = {version.engagement for version in list_versions(root)}
    remedy = f"Make one: crm run params/{engagement}.yml"
    hint = suggestion(engagement, others)
    raise VersionError(
        str(root / engagement),
        f"has no complete version{' with ' + ', '.join(sorted(holding)) if holding else ''} yet.",
        f"{remedy}. {hint}".rstrip(". "),
    )


def _may_hold(version: Version, chapters: set[str]) -> bool:
    """Whether a damaged version held these chapters, as far as it can still be told."""
    try:
        return chapters <= set(version.manifest().get("chapters", ()))
    except VersionError:
        return True


def find(root: Path, engagement: str, hash8: str) -> Version | None:
    """The version with this hash, if there is one that is still as it was published."""
    same = [version for version in list_versions(root, engagement) if version.hash8 == hash8]
    return next((version for version in reversed(same) if not is_damaged(version)), None)


def find_damaged(root: Path, engagement: str, hash8: str) -> list[Version]:
    """Folders of this hash that are no longer as they were published."""
    same = [version for version in list_folders(root, engagement) if version.hash8 == hash8]
    return [version for version in same if version.missing() or is_damaged(version)]


def is_damaged(version: Version) -> bool:
    """Whether any byte of a version is not as published.

    A digest that is noted nowhere is no damage: index.json may be lost, and
    with it goes only the proof that the manifest itself is the old one.
    """
    manifest = version.manifest()
    return is_contradicted(version) or manifest["files"] != hash_files(version.path)


def is_contradicted(version: Version) -> bool:
    """Whether index.json notes another manifest than the version has."""
    noted = read_digests(version.path.parent).get(version.name)
    return noted is not None and noted != fingerprint.of_file(version.path / MANIFEST)


def list_failed(root: Path, engagement: str | None = None) -> list[Path]:
    """What failed runs have left for a look."""
    pattern = f"{FAILED_PREFIX}*"
    if engagement is not None:
        return sorted(folder_of(root, engagement).glob(pattern))
    return sorted(path for path in root.glob(f"*/{pattern}") if path.is_dir())


@dataclass(frozen=True)
class Build:
    """A version that is being made."""

    root: Path
    engagement: str
    path: Path

    @property
    def scratch(self) -> Path:
        """For what kernels leave beside results; gone before publication."""
        return self.path / ".scratch"

    def publish(self, hash8: str) -> tuple[Version, bool]:
        """Give the build its number; where its hash stands already, name that version.

        Returns
        -------
        Version, bool
            The version, and whether it stood before this build.
        """
        folder = self.path.parent
        with locked(folder / LOCK):
            existing = find(self.root, self.engagement, hash8)
            if existing:
                return existing, True
            names = [_NAME.fullmatch(path.name) for path in folder.iterdir()]
            number = max((int(name[1]) for name in names if name), default=0) + 1
            version = Version(self.engagement, number, hash8, folder / f"v{number}-{hash8}")
            self._clear()
            _note_digest(folder, version.name, fingerprint.of_file(self.path / MANIFEST))
            self.path.rename(version.path)
            _sync(folder)
        return version, False

    def keep_failed(self) -> Path:
        """Keep the build for a look at what failed, under a name that is no version."""
        moment = f"{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%S}"
        kept = self.path.parent / f"{FAILED_PREFIX}{moment}-{secrets.token_hex(2)}"
        with locked(self.path.parent / LOCK):
            self._clear()
            self.path.rename(kept)
        return kept

    def _clear(self) -> None:
        """Remove lock and scratch; under the engagement's lock nobody takes it for stale."""
        remove(self.scratch)
        (self.path / LOCK).unlink()


@contextlib.contextmanager
def begin(root: Path, engagement: str) -> Iterator[Build]:
    """Open a build folder, remove those that a killed run left, and this one if unpublished."""
    folder = folder_of(root, engagement)
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder / LOCK):
        for stale in folder.glob(f"{BUILD_PREFIX}*"):
            if not _is_locked(stale / LOCK):
                remove(stale)
        build = Build(root, engagement, folder / f"{BUILD_PREFIX}{secrets.token_hex(6)}")
        own = _opened(build)
    with own:
        try:
            yield build
        finally:
            remove(build.path)


def _opened(build: Build) -> TextIO:
    """Make the build's folders and hold its lock; on a disk that is full, leave neither."""
    try:
        build.path.mkdir()
        build.scratch.mkdir()
        own = (build.path / LOCK).open("w")
        fcntl.flock(own, fcntl.LOCK_EX)
    except OSError:
        remove(build.path)
        raise
    return own


def write_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    """Write a build's manifest, on disk before anyone relies on it."""
    _write_whole(folder / MANIFEST, without_credentials(manifest))


def hash_files(folder: Path) -> dict[str, str]:
    """SHA-256 of every file of a version or build but its manifest, lock and scratch."""
    hashes = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name not in (MANIFEST, LOCK) and not name.startswith(".scratch/"):
            hashes[name] = fingerprint.of_file(path)
    return hashes


def differences(expected: dict[str, str], found: dict[str, str]) -> list[str]:
    """How two lists of hashed files differ, one sentence each."""
    problems = [f"{name}: missing" for name in expected.keys() - found.keys()]
    problems += [f"{name}: not listed" for name in found.keys() - expected.keys()]
    both = expected.keys() & found.keys()
    problems += [f"{name}: altered" for name in both if expected[name] != found[name]]
    return sorted(problems)


def read_manifest(folder: Path) -> dict[str, Any]:
    """A version's manifest, if it is one.

    Raises
    ------
    VersionError
        The folder holds none, or one that was cut short.
    """
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        manifest = _read_json(folder / MANIFEST)
        if isinstance(manifest["files"], dict) and isinstance(manifest.get("chapters", {}), dict):
            return manifest
    expected = "A version's folder was expected, such as reports/<engagement>/v1-0a1b2c3d."
    if _NAME.fullmatch(folder.resolve().name):
        expected = "Run the book again: that makes a new version beside it."
    state = _state(folder / MANIFEST)
    raise VersionError(str(folder), f"holds no readable {MANIFEST} (it is {state}).", expected)


def _state(path: Path) -> str:
    return "not whole" if path.exists() else "missing"


def verify(folder: Path) -> list[str]:
    """Hash a version again; what was altered, is missing or does not belong to it.

    Raises
    ------
    VersionError
        The folder is no version.
    """
    problems = differences(read_manifest(folder)["files"], hash_files(folder))
    noted = read_digests(folder.resolve().parent).get(folder.resolve().name)
    if noted is None:
        problems.append(f"{MANIFEST}: its digest is not noted in {INDEX} beside the version")
    elif noted != fingerprint.of_file(folder / MANIFEST):
        problems.append(f"{MANIFEST}: altered")
    return problems


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock; the system releases it when the process ends, however it ends."""
    with path.open("a") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def remove(folder: Path) -> None:
    """Remove a folder; a kernel that is just ending may still write into it for a moment."""
    deadline = time.monotonic() + _REMOVAL_SECONDS
    while folder.exists():
        shutil.rmtree(folder, ignore_errors=time.monotonic() < deadline)
        time.sleep(0.02 if folder.exists() else 0)


def _is_locked(path: Path) -> bool:
    """Whether a living process holds the lock."""
    try:
        with path.open("r+") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def _note_digest(folder: Path, name: str, digest: str) -> None:
    """Note a manifest's digest in index.json, and forget names that never became versions."""
    kept = {old: d for old, d in read_digests(folder).items() if (folder / old).is_dir()}
    _write_whole(folder / INDEX, {**kept, name: digest})


def read_digests(folder: Path) -> dict[str, str]:
    """The manifests' digests by version, as noted when each was published."""
    try:
        noted = _read_json(folder / INDEX)
    except (OSError, ValueError):
        return {}
    return noted if isinstance(noted, dict) else {}


def _read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _write_whole(path: Path, content: Any) -> None:
    """Write JSON so that a reader sees the old file or the new one, never a part."""
    draft = path.with_name(f".{path.name}")
    try:
        with draft.open("w", encoding="utf-8") as stream:
            json.dump(content, stream, ensure_ascii=False, indent=1)
            stream.write("\n")
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(path)
    except OSError:  # a full disk is not made fuller
        draft.unlink(missing_ok=True)
        raise


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
