"""Small client files with an engagement around them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest

from crmlib import params
from crmlib.params import Engagement


@pytest.fixture(scope="session")
def client(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Engagement]:
    """Write `content` as a file of its own and describe it: 2020, everything allowed.

    `content` is text, bytes, or None where the file exists already or must not.
    Further keywords are settings of `inputs.transactions`; `start`, `end`,
    `max_excluded_share` and `min_cell` are the engagement's, `tables` its other
    inputs and `customers` that chapter's other settings.
    """

    def describe(
        content: str | bytes | None,
        name: str = "t.csv",
        *,
        folder: Path | None = None,
        start: dt.date | None = dt.date(2020, 1, 1),
        end: dt.date = dt.date(2020, 12, 31),
        max_excluded_share: float = 1.0,
        min_cell: int = 1,
        tables: dict | None = None,
        customers: dict | None = None,
        **settings: object,
    ) -> Engagement:
        folder = folder or tmp_path_factory.mktemp("client")
        if content is not None:
            content = content.encode() if isinstance(content, str) else content
            (folder / name).write_bytes(content)
        raw = {
            "engagement": "test",
            "title": "Test",
            "currency": "EUR",
            "time_unit": "day",
            "observation_end": end,
            "inputs": {"transactions": {"path": name, **settings}, **(tables or {})},
            "customers": {"max_excluded_share": max_excluded_share, **(customers or {})},
            "privacy": {"min_cell": min_cell},
        }
        if start is not None:
            raw["observation_start"] = start
        return params.resolve(raw, "test.yml", folder)

    return describe
