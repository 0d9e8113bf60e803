"""Small client files with an engagement around them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
import xlsxwriter

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


@pytest.fixture(scope="session")
def send(client, tmp_path_factory) -> Callable[..., Engagement]:
    """An engagement with further tables, each written as a file of its own.

    A table is text (CSV), a pyarrow table (Parquet) or rows of cells (XLSX); `settings`
    maps its name to what its input says besides the path. Other keywords are as for
    `client`.
    """

    def describe(
        transactions: str = "customer_id,date,amount\na,2020-01-01,5\nb,2020-02-01,7\n",
        settings: dict[str, dict] | None = None,
        options: dict | None = None,
        **tables: str | pyarrow.Table | list[tuple],
    ) -> Engagement:
        folder = tmp_path_factory.mktemp("sent")
        inputs = {
            name: {"path": _write(content, folder / name), **(settings or {}).get(name, {})}
            for name, content in tables.items()
        }
        return client(transactions, folder=folder, tables=inputs, **(options or {}))

    return describe


def _write(content: str | pyarrow.Table | list[tuple], path: Path) -> str:
    """Write a table in the form of its content; the file's name."""
    if isinstance(content, str):
        path = path.with_suffix(".csv")
        path.write_text(content, encoding="utf-8")
    elif isinstance(content, pyarrow.Table):
        path = path.with_suffix(".parquet")
        pyarrow.parquet.write_table(content, path)
    else:
        path = path.with_suffix(".xlsx")
        with xlsxwriter.Workbook(path, {"default_date_format": "yyyy-mm-dd"}) as book:
            sheet = book.add_worksheet()
            for at, row in enumerate(content):
                sheet.write_row(at, 0, row)
    return path.name
