"""Which of an engagement's versions a word on the command line means.

`v3` and `3` are numbers, `v3-0a1b2c3d` is a folder, `newest` and `previous`
count from the end. Only a version that is still as it was published is given.
"""

from __future__ import annotations

import re
from pathlib import Path

from crmlib.book import versions
from crmlib.book.versions import MANIFEST, Version
from crmlib.errors import VersionError, suggestion

_FROM_THE_END = {"newest": 1, "previous": 2}
_NUMBER = re.compile(r"v?0*([1-9][0-9]{0,8})")


def choose(root: Path, engagement: str, word: str) -> Version:
    """The version that a word means.

    Raises
    ------
    VersionError
        There is no such version, several are meant, or it is damaged.
    """
    known = versions.list_folders(root, engagement)
    if not known:
        raise _nothing(root, engagement)
    meant = _meant(known, word)
    if len(meant) > 1:
        names = ", ".join(f"`{version.name}`" for version in meant)
        raise VersionError(word, f"is the number of {names}.", "Name one of these folders.")
    if not meant:
        names = [version.name for version in known]
        near = suggestion(word, names) or f"Known here: {', '.join(names)}."
        raise VersionError(word, f"is no version of {engagement}.", near)
    require_whole(meant[0])
    return meant[0]


def require_whole(version: Version) -> None:
    """Refuse a version that is not as it was published.

    Raises
    ------
    VersionError
        It names each file that is missing, altered or does not belong there.
    """
    problems = version.missing()
    if not problems:
        listed = version.manifest()["files"]
        problems = versions.differences(listed, versions.hash_files(version.path))
        if versions.is_contradicted(version):
            problems.append(f"{MANIFEST}: altered")
    if problems:
        remedy = f"run the book again (crm run params/{version.engagement}.yml), or name another."
        raise VersionError(str(version.path), "is damaged:", remedy, problems)


def _meant(known: list[Version], word: str) -> list[Version]:
    word = word.strip().rstrip("/")
    if word in _FROM_THE_END:
        return known[-_FROM_THE_END[word] :][:1] if len(known) >= _FROM_THE_END[word] else []
    number = _NUMBER.fullmatch(word)
    if number:
        return [version for version in known if version.number == int(number[1])]
    return [version for version in known if version.name == word]


def _nothing(root: Path, engagement: str) -> VersionError:
    others = {version.engagement for version in versions.list_folders(root)}
    remedy = suggestion(engagement, others) or f"Make one: crm run params/{engagement}.yml"
    return VersionError(str(versions.folder_of(root, engagement)), "has no version yet.", remedy)
