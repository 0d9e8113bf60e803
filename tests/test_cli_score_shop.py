"""`crm score` for a shop whose transactions alone say what is bought and where."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from crmlib import cli

sys.path.append(str(Path(__file__).parent))
from small_scoring_version import version_of

KINDS = {"garden": ("store", 40.0), "books": ("online", 15.0), "kitchen": ("phone", 60.0)}
PARAMS = """engagement: shop
title: Shop
currency: EUR
time_unit: week
observation_start: 2023-01-01
observation_end: 2024-12-31
seed: 1
inputs:
  transactions: {path: sales.csv}
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory) -> tuple[Path, pd.DataFrame, pd.DataFrame]:
    """A version of three hundred customers, their rows, and their segments."""
    root = tmp_path_factory.mktemp("shop")
    (root / "shop.yml").write_text(PARAMS, encoding="utf-8")
    rows = sales(300)
    rows.to_csv(root / "sales.csv", index=False)
    folder = root / "reports" / "shop" / "v1-0a0b0c0d"
    return folder, rows, version_of(root / "shop.yml", folder).set_index("customer_id")


def sales(customers: int) -> pd.DataFrame:
    """Every third customer buys one product, mostly, through one channel."""
    rng = np.random.default_rng(4)
    rows = []
    for number in range(customers):
        own = list(KINDS)[number % 3]
        for day in rng.integers(0, 731, rng.integers(8, 25)):
            product = own if rng.random() < 0.8 else str(rng.choice(list(KINDS)))
            channel, ticket = KINDS[own]
            amount = round(float(ticket * rng.lognormal(0, 0.4)), 2)
            date = pd.Timestamp("2023-01-01") + pd.Timedelta(days=int(day))
            rows.append((f"C{number:03}", f"{date:%Y-%m-%d}", amount, product, channel))
    names = ["customer_id", "date", "amount", "product", "channel"]
    return pd.DataFrame(rows, columns=names).drop_duplicates()


def score(version: Path, rows: pd.DataFrame, folder: Path) -> tuple[Result, pd.DataFrame]:
    folder.mkdir(exist_ok=True)
    rows.to_csv(folder / "new.csv", index=False)
    asked = ["score", str(version), str(folder / "new.csv"), "--out", str(folder / "out")]
    result = CliRunner().invoke(cli.app, asked)
    assert result.exit_code == 0, result.output
    scores = pd.read_csv(folder / "out" / "scores.csv", dtype={"customer_id": str})
    return result, scores.set_index("customer_id")


def test_segments_are_those_of_products_and_channels(shop):
    _, rows, segments = shop
    bought = rows.groupby("customer_id")["channel"].first()
    crossed = pd.crosstab(segments["behaviour_segment"], bought.reindex(segments.index))
    assert crossed.max(axis=1).sum() > 0.9 * len(segments)


def test_strangers_with_the_same_rows_go_to_the_same_segments(shop, tmp_path):
    version, rows, segments = shop
    some = rows[rows["customer_id"] < "C060"]
    result, found = score(version, some.assign(customer_id="N" + some["customer_id"]), tmp_path)
    found = found.set_axis(found.index.str.removeprefix("N"))
    assert len(found) == some["customer_id"].nunique()
    same = segments.loc[found.index, "behaviour_segment"]
    assert (found["behaviour_segment"] == same).all()
    assert "100% of what segments are told by" in result.stdout


def test_a_channel_and_a_product_of_tomorrow_are_no_error(shop, tmp_path):
    version, rows, _ = shop
    some = rows[rows["customer_id"] < "C030"]
    new = some.assign(channel="app", product="bicycles", customer_id="N" + some["customer_id"])
    _, found = score(version, new, tmp_path)
    assert len(found) == some["customer_id"].nunique()
    assert (found["features_known"] < 1).all(), "the mix of channels is not known"


def test_rows_without_the_columns_are_scored_by_the_rest_or_refused(shop, tmp_path):
    version, rows, _ = shop
    some = rows[rows["customer_id"] < "C030"]
    without = some.drop(columns=["product"]).assign(customer_id="N" + some["customer_id"])
    _, found = score(version, without, tmp_path)
    assert (found["features_known"] < 1).all()
