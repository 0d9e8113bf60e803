"""What could not be computed, and why, carried to where a reader sees it.

A chapter goes on when one of its models cannot be fitted: the step that failed
yields a `Refusal`, the steps that rest on it yield the same one, and the
exhibits say it in words. Only refusals for a stated reason are caught; a defect
is still an error.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from crmlib.stats.optimise import NotIdentified

Result = TypeVar("Result")


@dataclass(frozen=True)
class Refusal:
    """The reason why there is no result, in a sentence for the report."""

    reason: str


def attempt(step: Callable[..., Result], *args: Any, **kwargs: Any) -> Result | Refusal:
    """Run a step unless what it rests on was refused; refuse where it is not identified.

    Parameters
    ----------
    step : callable
        Called with the remaining arguments.

    Returns
    -------
    what `step` returns, or the first Refusal among the arguments, or a new one
    with the message of `NotIdentified`.
    """
    for given in (*args, *kwargs.values()):
        if isinstance(given, Refusal):
            return given
    try:
        return step(*args, **kwargs)
    except NotIdentified as error:
        return Refusal(str(error))
