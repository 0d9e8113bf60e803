"""The real book on a shop whose ids, names and labels would show or act anywhere they came out.

Customers' ids may stand in tables/*.parquet and nowhere else.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from test_report_escaping import assert_nothing_acts
from typer.testing import CliRunner

from crmlib import cli

MARK = "ZQXID"
SECRET = "zqx-password"
LABELS = [r"$\frac{ =x", '"><img src=x onerror=alert(1)>', '=a"); import os #']
PARAMS = """\
engagement: shop
title: '<script>alert(1)</script> & $x_1$'
currency: EUR
observation_end: 2020-12-31
inputs:
  transactions:
    path: 'a<b>&.csv'
    columns: {customer_id: '<script>', date: '=day', amount: "$x$"}
value: {bootstrap_replications: 20, tier_labels: %s}
segments: {stability_replications: 10}
"""


def shop_of(customers: int) -> pd.DataFrame:
    """Purchases of a year, a few of them unreadable."""
    random = np.random.default_rng(1)
    buyer = np.repeat(np.arange(customers), random.geometric(0.3, customers))
    day = pd.Timestamp("2020-01-01") + pd.to_timedelta(random.integers(0, 366, len(buyer)), "D")
    rows = pd.DataFrame(
        {
            "<script>": [f"{MARK}{number:06d}" for number in buyer],
            "=day": day.strftime("%Y-%m-%d"),
            "$x$": np.round(random.gamma(2, 20, len(buyer)), 2).astype(str),
        }
    )
    rows.loc[rows.index[:3], "=day"] = f"{MARK}999999"
    rows.loc[rows.index[3:6], "$x$"] = f"{MARK}999998"
    return rows


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """A version made by the command, with a password in the environment, and all it said."""
    folder = tmp_path_factory.mktemp("shop")
    shop_of(400).to_csv(folder / "a<b>&.csv", index=False)
    (folder / "shop.yml").write_text(PARAMS % json.dumps(LABELS))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRM_DATABASE_PASSWORD", SECRET)
        patch.setenv("CRM_DATABASE_USER", "zqx-user")
        arguments = [str(folder / "shop.yml"), "--out", str(folder / "reports")]
        result = CliRunner().invoke(cli.app, ["run", *arguments])
        checked = CliRunner().invoke(cli.app, ["check", str(folder / "shop.yml")])
    assert result.exit_code == 0, result.output
    assert checked.exit_code == 0, checked.output
    version = Path(result.stdout.strip().splitlines()[-1]).parent
    return SimpleNamespace(root=folder / "reports", version=version, said=[result, checked])


def files(book: SimpleNamespace) -> list[Path]:
    return [path for path in book.root.rglob("*") if path.is_file()]


def test_no_id_leaves_the_customer_tables(book):
    assert MARK not in "".join(result.output for result in book.said)
    holding = {p.relative_to(book.version).parts[0] for p in files(book) if holds(p, MARK)}
    assert holding == {"tables"}
    assert "02_value.html" in {path.name for path in files(book)}


def holds(path: Path, mark: str) -> bool:
    if path.suffix == ".parquet":
        return mark in pd.read_parquet(path).to_csv()
    return mark.encode() in path.read_bytes()


def test_no_credential_is_in_any_file(book):
    assert [path for path in files(book) if holds(path, SECRET) or holds(path, "zqx-user")] == []


def test_nothing_acts_on_any_page_and_the_words_are_all_there(book):
    pages = [path for path in files(book) if path.suffix == ".html"]
    assert len(pages) == 6
    for path in pages:
        assert_nothing_acts(path.read_text())
    value = (book.version / "02_value.html").read_text()
    for shown in ("$\\frac{ =x", "&#34;&gt;&lt;img src=x", "=a&#34;); import os #"):
        assert shown in value, shown


def test_no_cell_of_any_csv_file_starts_a_formula(book):
    tables = [path for path in files(book) if path.suffix == ".csv"]
    assert len(tables) > 5
    cells = [
        cell
        for path in tables
        for row in pd.read_csv(path, header=None, dtype=str, keep_default_na=False).to_numpy()
        for cell in row
    ]
    assert [c for c in cells if re.match(r"[=+@\t\r＝＋－＠]|-(?![\d.])", c)] == []
