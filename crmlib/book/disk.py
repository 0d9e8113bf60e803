"""A folder that takes no more: full or closed, and said so that the user can mend it.

Kernels, engines and libraries each say "disk full" in words of their own, some
only by dying. All of that ends here in one message with the folder, what is
free in it, and what to do.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from crmlib.errors import VersionError

NOTHING_DONE = "nothing was published"
_FULL = {errno.ENOSPC, errno.EDQUOT}
_CLOSED = {errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EEXIST}
_SAID = re.compile(r"No space left on device|Disk quota exceeded|\[Errno (28|122)\]", re.IGNORECASE)
_NEARLY = 2**20  # bytes; with less than this a kernel cannot even write its start-up files


@contextmanager
def writing(root: Path, done: str = NOTHING_DONE) -> Iterator[None]:
    """Say what can be mended where something below `root` cannot be written.

    Raises
    ------
    VersionError
        The disk is full, or a file or folder below `root` is closed to us.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise full(root, done) from None
        if error.errno in _CLOSED and _is_below(error.filename, root):
            raise VersionError(
                str(error.filename),
                f"cannot be written ({error.strerror}); {done}.",
                "Make it writable, or name another folder with --out.",
            ) from None
        raise


def put(target: Path, text: str) -> None:
    """Write a page beside its place, then put it there at once: nobody reads half of one."""
    put_all({target: text})


def put_all(texts: Mapping[Path, str]) -> None:
    """Write files beside their places, then put all of them there; if one fails, none is."""
    drafts: dict[Path, Path] = {}
    try:
        for target, text in texts.items():
            handle, draft = tempfile.mkstemp(
                dir=target.parent, prefix=".page-", suffix=target.suffix
            )
            drafts[target] = Path(draft)
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
                stream.write(text)
            Path(draft).chmod(0o644)  # mkstemp lets only its owner read
        for target, draft_path in drafts.items():
            draft_path.replace(target)
    except OSError:  # a full disk is not made fuller
        for draft_path in drafts.values():
            draft_path.unlink(missing_ok=True)
        raise


def says_full(text: str) -> bool:
    """Whether a message or log tells of a full disk."""
    return bool(_SAID.search(text))


def is_nearly_full(root: Path) -> bool:
    """Whether so little is free that what runs there dies without a word."""
    return _free(_fullest(root)) < _NEARLY


def full(root: Path, done: str = NOTHING_DONE) -> VersionError:
    """The message for a full disk; it names the folder, reports or temporary, that has less."""
    folder = _fullest(root)
    free = _free(folder)
    if free < 64 * _NEARLY:
        problem = f"the disk is full ({free:,} bytes free); {done}."
    else:
        problem = f"takes no more ({free:,} bytes free, but files or a quota used up); {done}."
    other = "name another folder with --out" if folder == root else "set TMPDIR to another folder"
    return VersionError(str(folder), problem, f"Free some space there, or {other}.")


def _fullest(root: Path) -> Path:
    # not only gettempdir(): it leaves a full TMPDIR for another folder, libraries do not
    temporary = Path(os.environ.get("TMPDIR") or tempfile.gettempdir())
    return min((root, temporary), key=_free)


def _free(folder: Path) -> float:
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return float("inf")


def _is_below(name: str | bytes | int | None, root: Path) -> bool:
    if not isinstance(name, str):
        return False
    return Path(name).absolute().is_relative_to(root.absolute())
