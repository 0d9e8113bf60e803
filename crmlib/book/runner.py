"""From a params file to a version: which chapters run, which are reused, what is published.

Checks come first and cost no kernel. Then each chapter is either copied from an
older version that had the same key, or executed; the report is always rendered
anew, and the whole appears under a number at once or not at all.
"""

from __future__ import annotations

import datetime as dt
import platform
import shutil
import threading
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path

from crmlib import errors, params
from crmlib.book import baseline, disk, execution, fingerprint, records, versions
from crmlib.book.baseline import Baseline
from crmlib.book.graph import GRAPH, Chapter, Graph, select, upstream, wanting
from crmlib.book.records import ChapterRun
from crmlib.book.versions import Build, Version

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
_USER_ERRORS = {
    error.__name__: error
    for error in (errors.CrmError, errors.InputError, errors.ParamsError, errors.VersionError)
}


@dataclass(frozen=True)
class Step:
    """Where a run stands, for whoever watches it.

    Attributes
    ----------
    state : str
        "started", "cell", "executed" or "reused".
    done, total : int
        Cells of the chapter, where it is "cell".
    seconds : float
        How long the execution took, where it is "executed".
    source : str
        The version it was taken from, where it is "reused".
    """

    chapter: str
    state: str
    done: int = 0
    total: int = 0
    seconds: float = 0.0
    source: str = ""


Progress = Callable[[Step], None]


@dataclass(frozen=True)
class Outcome:
    """What a run came to.

    Attributes
    ----------
    existing : bool
        The version stood before this run.
    executed : tuple of str
        Chapters whose kernels ran.
    differences : tuple of str
        With `force`, how the new result differs from the version that stands.
    damaged : tuple of str
        Older versions of the same result, no longer as published, that this one stands in for.
    """

    version: Version
    existing: bool
    executed: tuple[str, ...] = ()
    differences: tuple[str, ...] = ()
    damaged: tuple[str, ...] = ()


class ChapterFailed(Exception):
    """A chapter could not be executed; its notebook and error are kept in a folder."""

    def __init__(self, chapter: str, error: str, message: str, folder: Path) -> None:
        self.chapter, self.folder = chapter, folder
        super().__init__(_sentence(chapter, errors.harmless(error), errors.harmless(message)))


def _sentence(chapter: str, error: str, message: str) -> str:
    """What became of a chapter, and what to do where memory is what it lacked."""
    memory = "Give the run more memory, or fewer chapters at a time (--workers 1)."
    if error in execution.DEATHS:
        remedy = f" {memory}" if "memory" in message else ""
        return f"the {execution.DEATHS[error]} of {chapter} died ({message}).{remedy}"
    if "MemoryError" in error or "OutOfMemory" in error:
        told = f"{error}: {message}".removesuffix(": ").rstrip(".")
        return f"{chapter} ran out of memory ({told}). {memory}"
    return f"{chapter} failed: {error}: {message}".strip(": ")


@dataclass(frozen=True)
class _Run:
    """What the steps of one run share."""

    engagement: params.Engagement
    provenance: fingerprint.Fingerprint
    earlier: Baseline | None
    chapters: Graph
    notebooks: Path
    build: Build
    force: bool
    progress: Progress
    left_out: Mapping[str, tuple[str, ...]]  # chapters without their inputs, with those


def run(
    params_path: Path | str,
    *,
    out: Path,
    only: Iterable[str] = (),
    overrides: Iterable[str] = (),
    workers: int = 2,
    force: bool = False,
    progress: Progress = lambda step: None,
    notebooks: Path = NOTEBOOKS,
    graph: Graph = GRAPH,
) -> Outcome:
    """Make a version of an engagement, or name the one that holds the same result.

    Parameters
    ----------
    params_path : Path or str
        The engagement's params file.
    out : Path
        The reports root.
    only : iterable of str
        Chapters to make, with those they need; all by default.
    overrides : iterable of str
        `section.key=value` settings that replace the file's.
    workers : int
        Chapters that may run side by side.
    force : bool
        Execute every chapter even if the version stands, and compare.

    Raises
    ------
    CrmError
        Something the user can mend; nothing is left behind.
    ChapterFailed
        A chapter's code failed; the build is kept for a look.
    """
    engagement = params.load(params_path, overrides)
    given = engagement.inputs.given()
    chapters = select(graph, only, given)
    _probe(engagement)
    versions.require_root(out)
    earlier = baseline.of(engagement, out, chapters)
    names = tuple(chapter.name for chapter in chapters)
    read = earlier.tables if earlier else {}
    provenance = fingerprint.of(engagement, names, notebooks, read)
    existing = versions.find(out, engagement.engagement, provenance.hash8)
    if existing and not force:
        if not _is_listed(out, existing):
            _write_indices(out, existing)
        return Outcome(existing, existing=True)
    with disk.writing(out), versions.begin(out, engagement.engagement) as build:
        this = _Run(
            engagement,
            provenance,
            earlier,
            chapters,
            notebooks,
            build,
            force,
            progress,
            wanting(graph, given),
        )
        outcome = _make(this, Path(params_path).resolve().parent, workers)
    _write_indices(out, outcome.version)
    return outcome


def _make(this: _Run, params_folder: Path, workers: int) -> Outcome:
    """Fill the build and publish it."""
    started = dt.datetime.now(dt.UTC)
    manifest = {
        "engagement": this.engagement.engagement,
        "title": this.engagement.title,
        "hash8": this.provenance.hash8,
        "fingerprint": asdict(this.provenance),
        "python": platform.python_version(),
        "params_folder": str(params_folder),
        "started": started.isoformat(timespec="seconds"),
    }
    if this.earlier:
        manifest["baseline"] = asdict(this.earlier)
    folder = this.build.path
    (folder / "params.yml").write_text(params.to_yaml(this.engagement), encoding="utf-8")
    versions.write_manifest(folder, manifest)
    # rendering is slow to import: do it while the kernels compute
    threading.Thread(target=import_module, args=("crmlib.book.report",), daemon=True).start()
    complete = _complete_chapters(this, workers)
    _require_same_inputs(this)
    shutil.rmtree(folder / "chapters", ignore_errors=True)
    _render(folder, this)
    manifest["ended"] = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    manifest["chapters"] = {name: asdict(complete[name]) for name in this.provenance.chapters}
    manifest["files"] = versions.hash_files(folder)
    versions.write_manifest(folder, manifest)
    damaged = versions.find_damaged(this.build.root, this.build.engagement, this.provenance.hash8)
    version, existing = this.build.publish(this.provenance.hash8)
    executed = tuple(
        name for name in this.provenance.chapters if complete[name].reused_from is None
    )
    published = version.manifest()["files"] if existing else manifest["files"]
    changed = versions.differences(published, manifest["files"])
    unusable = () if existing else tuple(old.name for old in damaged)
    return Outcome(version, existing, executed, tuple(changed), unusable)


def _require_same_inputs(this: _Run) -> None:
    """Refuse a result whose inputs changed while they were read: it has no fingerprint.

    Raises
    ------
    InputError
        An input file is another one than before the first chapter, or gone.
    VersionError
        The baseline version is no longer as it was published, or gone.
    """
    baseline.of(this.engagement, this.build.root, this.chapters)
    before, problem = this.provenance.inputs, "changed while it was read; nothing was published."
    try:
        now = fingerprint.of_inputs(this.engagement)
    except (errors.InputError, OSError):
        now = {}
    changed = [name for name in before if now.get(name) != before[name]]
    if changed:
        raise errors.InputError(", ".join(changed), problem, "Run again.")


def _complete_chapters(this: _Run, count: int) -> dict[str, ChapterRun]:
    """Reuse or execute every chapter, each as soon as those it needs are there."""
    keys: dict[str, str] = {}
    complete: dict[str, ChapterRun] = {}
    with execution.Workers(count) as workers:
        while len(complete) < len(this.chapters):
            waiting = _ready(this.chapters, keys, complete)
            if waiting and workers.free:
                _begin(this, waiting[0], workers, keys, complete)
            else:
                _hear(this, workers.next_message(), keys, complete)
    return complete


def _ready(chapters: Graph, begun: Container[str], complete: Container[str]) -> list[Chapter]:
    """Chapters not begun of which all that come before are complete."""
    return [
        chapter
        for chapter in chapters
        if chapter.name not in begun and all(name in complete for name in chapter.before)
    ]


def _begin(
    this: _Run,
    chapter: Chapter,
    workers: execution.Workers,
    keys: dict[str, str],
    complete: dict[str, ChapterRun],
) -> None:
    """Take the chapter from an older version, or hand it to a worker."""
    name = chapter.name
    keys[name] = _key(this, chapter)
    reused = None if this.force else records.reuse(this.build, name, keys[name])
    if reused:
        complete[name] = reused
        records.merge(this.build.path, this.chapters)
        if not chapter.before:
            _check_questions(this)
        this.progress(Step(name, "reused", source=reused.reused_from))
    else:
        workers.submit(_job(this, chapter))
        this.progress(Step(name, "started"))


def _hear(
    this: _Run,
    message: execution.Message,
    keys: dict[str, str],
    complete: dict[str, ChapterRun],
) -> None:
    """Take note of what a worker says."""
    name, folder = message.chapter, this.build.path
    match message:
        case execution.Cell():
            this.progress(Step(name, "cell", done=message.done, total=message.total))
        case execution.Done():
            files = records.files_of(name, records.read(folder, name))
            complete[name] = ChapterRun(keys[name], message.seconds, None, files)
            records.merge(folder, this.chapters)
            this.progress(Step(name, "executed", seconds=message.seconds))
        case execution.Failed():
            _give_up(this, message)


def _give_up(this: _Run, failed: execution.Failed) -> None:
    """Raise what the user can mend as it is; keep the build for everything else."""
    if failed.error in _USER_ERRORS:
        raise _USER_ERRORS[failed.error].relayed(failed.message)
    text = f"{failed.chapter}\n{failed.error}: {failed.message}\n\n{failed.details}\n"
    died = failed.error in (*execution.DEATHS, "RuntimeError")
    if disk.says_full(text) or (died and disk.is_nearly_full(this.build.root)):
        raise disk.full(this.build.root)
    _require_same_inputs(this)  # else the failure may be theirs
    log = errors.visible(errors.redacted(text), keep="\n\t")
    (this.build.path / "error.txt").write_text(log, encoding="utf-8")
    raise ChapterFailed(failed.chapter, failed.error, failed.message, this.build.keep_failed())


def _job(this: _Run, chapter: Chapter) -> execution.Job:
    settings = this.engagement.settings(chapter.name)
    return execution.Job(
        chapter.name,
        this.notebooks / f"{chapter.name}.ipynb",
        this.build.path.resolve(),
        this.build.scratch.resolve(),
        {"engagement": this.engagement.engagement, "run_dir": ".", **settings},
    )


def _key(this: _Run, chapter: Chapter) -> str:
    """The chapter's key, now that everything upstream is there."""
    before = upstream(this.chapters, chapter.name)
    return fingerprint.chapter_key(
        this.provenance,
        this.engagement,
        chapter.name,
        before,
        this.notebooks / f"{chapter.name}.ipynb",
        records.left_for(chapter, before, this.build.path),
        this.earlier.read_by(chapter) if this.earlier else {},
    )


def _check_questions(this: _Run) -> None:
    """Hold questions against tables that are reused: no chapter opens them anew."""
    from crmlib.intake import check_kept

    check_kept(this.engagement, this.build.path / "tables")


def _probe(engagement: params.Engagement) -> None:
    from crmlib.intake.reading.probe import probe

    probe(engagement)


def _render(folder: Path, this: _Run) -> None:
    from crmlib.book import report

    report.render_version(folder, this.provenance, this.engagement.title, this.left_out)


def _is_listed(root: Path, version: Version) -> bool:
    """Whether the indices know the version; a run killed after publication leaves them behind.

    Read before rendering is imported, so that an unchanged run answers at once.
    """
    page = version.path.parent / "index.html"
    if not (root / "index.html").exists() or not page.exists():
        return False
    return version.name in page.read_text(encoding="utf-8", errors="replace")


def _write_indices(root: Path, version: Version) -> None:
    """Refresh the lists of versions; one at a time, so that the last one has seen all."""
    from crmlib.book import indices

    done = f"{version.name} is published, but no list names it: run again to list it"
    with disk.writing(root, done), versions.locked(root / versions.LOCK):
        indices.write(root, version.engagement)
