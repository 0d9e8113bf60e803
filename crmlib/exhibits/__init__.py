"""What a reader sees: exhibits, findings, and the words and looks they share.

Names are loaded when they are first used: the report's pages need the palette
and not the drawing libraries.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOMES = {
    "Exhibit": "crmlib.exhibits.exhibit",
    "Finding": "crmlib.exhibits.finding",
    "FindingList": "crmlib.exhibits.finding",
    "Scope": "crmlib.exhibits.scope",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
