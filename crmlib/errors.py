"""What a user can get wrong, said so that they can mend it.

Every error here ends a command with exit code 2 and one message: the place
(file, key, column, row), what was found, what was expected, what to do.
Anything else that is raised is a defect of this program and exits with 1.

Words from data, file names and params pass through here on their way to a
terminal or a log, so here they lose what could act there: control characters,
passwords, and length.
"""

from __future__ import annotations

import difflib
import json
import os
import re
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import PurePath
from typing import Any, Self
from urllib.parse import quote, quote_plus

MAX_PIECE = 500  # characters of each piece of a message
MAX_LINES = 50  # of what stands below a message

_ACTING = {"Cc", "Cf", "Cs", "Zl", "Zp"}  # controls, directions, halves of characters, line ends
_JOINERS = "\u200c\u200d"  # Cf too, but part of words in Persian and Hindi
_USERINFO = re.compile(r"(?<=://)[^\s/?#'\"<>]*@")


def visible(text: str, *, keep: str = "", limit: int | None = None) -> str:
    r"""Text in which nothing acts: control characters escaped, the middle cut out where long.

    Parameters
    ----------
    keep : str
        Control characters that stay, e.g. line ends in a log.
    limit : int, optional
        How many characters are left, about.

    >>> visible("amount\x1b[2J\n")
    'amount\\x1b[2J\\n'
    >>> visible("abcdefgh", limit=4)
    'ab … gh'
    """
    stays = keep + _JOINERS
    shown = "".join(
        char.encode("unicode_escape").decode()
        if unicodedata.category(char) in _ACTING and char not in stays
        else char
        for char in text
    )
    if limit is None or len(shown) <= limit:
        return shown
    return f"{shown[: limit // 2]} … {shown[-(limit // 2) :]}"


def redacted(text: str) -> str:
    """Text without a database's credentials, those in the environment and those in addresses.

    The user's name goes where it is named as one: it may also be part of a path.

    >>> redacted("postgres://ann:secret@db/bank refused")
    'postgres://***@db/bank refused'
    """
    for written in _spellings(os.environ.get("CRM_DATABASE_PASSWORD", "")):
        text = text.replace(written, "***")
    user = os.environ.get("CRM_DATABASE_USER", "")
    if user:
        named = rf"(?<=[\"'`]){re.escape(user)}(?=[\"'`])|(?i:(?<=user[= ])){re.escape(user)}\b"
        text = re.sub(named, "***", text)
    return _USERINFO.sub("***@", text)


def _spellings(secret: str) -> list[str]:
    """A secret as it may stand in a message, an address, a traceback or a notebook."""
    if not secret:
        return []
    quoted = {repr(secret)[1:-1], secret.replace("'", r"\'"), json.dumps(secret)[1:-1]}
    in_address = {quote(secret, safe=""), quote_plus(secret)}
    return sorted({secret, visible(secret)} | quoted | in_address, key=len, reverse=True)


def without_credentials(part: Any) -> Any:
    """A notebook, a manifest or any part of one, `redacted` throughout."""
    if isinstance(part, str):
        return redacted(part)
    if isinstance(part, list):
        return [without_credentials(item) for item in part]
    if isinstance(part, dict):
        pairs = {redacted(key): without_credentials(item) for key, item in part.items()}
        return type(part)(pairs)
    return part


def harmless(text: str) -> str:
    """One piece of a message as it may be shown: no credentials, nothing that acts, not long."""
    return visible(redacted(text), limit=MAX_PIECE)


class CrmError(Exception):
    """A mistake the user can mend.

    Parameters
    ----------
    place : str
        Where it is: a file, with a key, column or row behind it.
    problem : str
        What was found there and what was expected instead.
    remedy : str, optional
        What to do about it.
    others : sequence of CrmError or str, optional
        What stands below, a line each: further mistakes, or details of this one.
    """

    def __init__(
        self, place: str, problem: str, remedy: str = "", others: Sequence[CrmError | str] = ()
    ) -> None:
        self.place, self.problem, self.remedy = map(harmless, (place, problem, remedy))
        self.others = tuple(
            other if isinstance(other, CrmError) else harmless(other) for other in others
        )
        super().__init__(place, problem, remedy, others)

    def __str__(self) -> str:
        head = f"{self.place}: {self.problem}" if self.place else self.problem
        lines = [f"{head} {self.remedy}".rstrip()]
        for other in self.others[:MAX_LINES]:
            lines.append(str(other) if isinstance(other, CrmError) else f"  {other}")
        if len(self.others) > MAX_LINES:
            lines.append(f"  … and {len(self.others) - MAX_LINES} more")
        return "\n".join(lines)

    @classmethod
    def relayed(cls, message: str) -> Self:
        """The error that a notebook has raised, made again from its text."""
        first, *rest = message.split("\n")
        error = cls("", "", others=[CrmError.relayed(line) for line in rest])
        error.problem = visible(redacted(first), limit=4 * MAX_PIECE)  # all pieces in one
        return error


class ParamsError(CrmError):
    """A params file that cannot be used: key, type, range or unit."""


class InputError(CrmError):
    """A client file that cannot be used: missing, unreadable, a column absent, no usable row."""


class VersionError(CrmError):
    """A version, engagement or run folder that is not there, not whole, or cannot be written."""


def suggestion(name: str, known: Iterable[str]) -> str:
    """A sentence that names the nearest known name, or all of them where none is near.

    Capitals do not count, nor does an ending such as `.csv` that all have.

    >>> suggestion("horizont", ["horizon_years", "seed"])
    'Did you mean `horizon_years`?'
    """
    known = sorted(known)
    ending = PurePath(name).suffix.lower()
    plain = {each.lower().removesuffix(ending): each for each in known}
    near = difflib.get_close_matches(name.lower().removesuffix(ending), plain, n=1, cutoff=0.6)
    if near:
        return f"Did you mean `{plain[near[0]]}`?"
    return "Known here: " + ", ".join(f"`{k}`" for k in known) + "." if known else ""
