"""What a user can get wrong, said so that they can mend it.

Every error here ends a command with exit code 2 and one message: the place
(file, key, column, row), what was found, what was expected, what to do.
Anything else that is raised is a defect of this program and exits with 1.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


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
    """

    def __init__(self, place: str, problem: str, remedy: str = "") -> None:
        self.place, self.problem, self.remedy = place, problem, remedy
        super().__init__(place, problem, remedy)

    def __str__(self) -> str:
        head = f"{self.place}: {self.problem}" if self.place else self.problem
        return f"{head} {self.remedy}".rstrip()


class ParamsError(CrmError):
    """A params file that cannot be used: key, type, range or unit."""


class InputError(CrmError):
    """A client file that cannot be used: missing, unreadable, a column absent, no usable row."""


class VersionError(CrmError):
    """A version, engagement or run folder that is not there or not whole."""


def suggestion(name: str, known: Iterable[str]) -> str:
    """A sentence that names the nearest known name, or all of them where none is near.

    >>> suggestion("horizont", ["horizon_years", "seed"])
    'Did you mean `horizon_years`?'
    """
    known = sorted(known)
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    if near:
        return f"Did you mean `{near[0]}`?"
    return "Known here: " + ", ".join(f"`{k}`" for k in known) + "." if known else ""
