"""Which files a path, a glob or a list of them names, and whether each can be opened.

`*` and `?` stand for characters of one name. A path that exists as it is
written is taken as it is, so that brackets and stars in a name do no harm.
Nothing is opened here: a pipe that nobody writes to would never answer.
"""

from __future__ import annotations

import errno
import glob
import os
import re
import stat
from pathlib import Path

from crmlib.errors import InputError, suggestion
from crmlib.intake.reading.source import printable, quoted
from crmlib.params import TableInput

MOST_FILES = 10_000
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_UNEXPANDED = re.compile(r"(^|/)~|\$\w|\$\{|%\w+%")
SPECIAL = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def find_files(settings: TableInput, key: str, folder: Path) -> list[tuple[Path, str]]:
    """The files of one table, by name, each with the place that messages give it.

    Parameters
    ----------
    settings : TableInput
        With `path`: one path, a glob, or a list of them.
    key : str
        The params key of the table.
    folder : Path
        What the paths are relative to.

    Raises
    ------
    InputError
        No file, the same file twice, or something that is no file.
    """
    found: list[tuple[Path, str]] = []
    for text in settings.paths:
        place = f"{key}.path: {printable(text, 200)}"
        if _ADDRESS.match(text):
            raise InputError(
                place,
                "is an address; a file was expected.",
                f"Download it and name the file; a database stands under `{key}.database`.",
            )
        matches = _matches(folder, text, place)
        if matches is None:
            found.append((folder / text, place))
        else:
            found += [(path, f"{key}.path: {printable(_shown(path, folder))}") for path in matches]
    for path, place in found:
        check_file(path, place)
    found.sort(key=lambda each: (each[0].name, str(each[0])))
    _differ(found, key)
    return found


def _matches(folder: Path, text: str, place: str) -> list[Path] | None:
    """What a glob matches; None where the text is one path."""
    if not any(wildcard in text for wildcard in "*?") or os.path.lexists(folder / text):
        return None
    if "**" in text:
        raise InputError(place, "`**` is not read.", "Name each level of folders: `sales/*/*.csv`.")
    # Only `*` and `?` are wildcards of ours; a bracket is a letter of the name.
    pattern = os.path.join(glob.escape(str(folder)), text.replace("[", "[[]"))  # noqa: PTH118
    paths = [Path(name) for name in glob.glob(pattern)]  # noqa: PTH207 (Path.glob: no brackets)
    paths = sorted(path for path in paths if not path.name.startswith("~$"))
    if not paths:
        raise InputError(
            place,
            f"no file matches it in {printable(str(folder), 200)}.",
            "Paths are relative to the params file; hidden files are left out.",
        )
    if len(paths) > MOST_FILES:
        raise InputError(
            place, f"{len(paths):,} files match it, more than {MOST_FILES:,}.", "Join them first."
        )
    return paths


def _shown(path: Path, folder: Path) -> str:
    """The path as a params file would name it."""
    return os.path.relpath(path, folder)


def check_file(path: Path, place: str) -> None:
    """Refuse what is no file, is empty or may not be read, without opening it."""
    try:
        found = path.stat()
    except (OSError, RuntimeError, ValueError) as error:
        _say_why_absent(path, place, error)
    if stat.S_ISDIR(found.st_mode):
        raise InputError(place, "is a folder; a file was expected.", _inside(path))
    if not stat.S_ISREG(found.st_mode):
        what = SPECIAL.get(stat.S_IFMT(found.st_mode), "no file")
        raise InputError(place, f"is {what}; a file was expected.", "Save the table as a file.")
    if found.st_size == 0:
        raise InputError(place, "is empty (0 bytes).", "Export the table again.")
    if not os.access(path, os.R_OK):
        raise InputError(
            place, "may not be read by this user.", "Ask its owner for permission to read it."
        )


def _say_why_absent(path: Path, place: str, error: Exception) -> None:
    number = getattr(error, "errno", None)
    if number != errno.ENAMETOOLONG and path.is_symlink():
        target = printable(os.readlink(path), 200)  # noqa: PTH115 (as it is written)
        if number == errno.ELOOP or isinstance(error, RuntimeError):
            problem = f"is a link that leads back to itself (to {target})."
        else:
            problem = f"is a link to {target}, where there is no file."
        raise InputError(place, problem, "Mend the link, or name the file itself.") from None
    if number in (errno.ENOENT, errno.ENOTDIR):
        raise InputError(
            place,
            f"there is no such file ({printable(str(path), 300)}).",
            f"Paths are relative to the params file{_as_written(path)}.{_neighbour(path)}",
        ) from None
    reason = {
        errno.ENAMETOOLONG: "its name is too long",
        errno.EACCES: "its folder may not be read by this user",
        errno.ELOOP: "a folder above it is a link that leads back to itself",
    }.get(number, getattr(error, "strerror", None) or str(error))
    raise InputError(place, f"cannot be opened: {reason}.", "Check the path.") from None


def _as_written(path: Path) -> str:
    """What to know of a path that a shell would have written out."""
    names = _UNEXPANDED.search(str(path))
    return "; `~` and variables are not replaced: the path must be written out" if names else ""


def _neighbour(path: Path) -> str:
    """The nearest name in the same folder, as a sentence."""
    try:
        others = [printable(other.name) for other in path.parent.iterdir()]
    except OSError:
        return ""
    near = suggestion(path.name, others)
    return f" {near}" if near.startswith("Did") else ""


def _inside(path: Path) -> str:
    """What to write instead of a folder: the commonest kind of file in it, by glob."""
    try:
        endings = [p.suffix for p in path.iterdir() if p.suffix and not p.name.startswith(".")]
    except OSError:
        return "Name a file in it."
    if not endings:
        return "Name its files by a glob: `folder/*/*.parquet`."
    commonest = max(sorted(set(endings)), key=endings.count)
    return f"Name its files by a glob: `{printable(path.name)}/*{printable(commonest)}`."


def _differ(found: list[tuple[Path, str]], key: str) -> None:
    """Refuse one file under two names: its rows would count twice."""
    seen: dict[tuple[int, int], str] = {}
    for path, place in found:
        identity = path.stat().st_dev, path.stat().st_ino
        name = place.removeprefix(f"{key}.path: ")
        if identity in seen:
            raise InputError(
                f"{key}.path",
                f"{quoted([seen[identity], name])} are the same file.",
                "Name every file once.",
            )
        seen[identity] = name
