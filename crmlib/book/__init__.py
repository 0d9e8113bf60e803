"""How notebooks become versions: runner, run folder, report pages, indices."""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    """`open_chapter` is loaded on first use: commands must not wait for pandas."""
    if name == "open_chapter":
        from crmlib.book.chapter import open_chapter

        return open_chapter
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
