"""Breadth of products and mix of channels from purchases, against sums done in pandas."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from crmlib.intake import open_transactions, read_purchases, write
from crmlib.intake.behaviour import read_behaviour, read_usual
from crmlib.intake.usual import Usual

END = dt.date(2020, 12, 31)
DAYS = 200
PRODUCTS = [f"product {letter}" for letter in "abcdefghijk"]  # three more than get a column
CHANNELS = ["shop", "online", "phone"]
MADE = ("spend_on_", "spend_in_", "spend_share_")


def transactions() -> pd.DataFrame:
    """Eighty customers; some cells are empty, some rows are returns."""
    rng = np.random.default_rng(3)
    n = 3_000
    day = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 366, n), unit="D")
    table = pd.DataFrame(
        {
            "customer_id": [f"c{number:02}" for number in rng.integers(0, 80, n)],
            "date": day.strftime("%Y-%m-%d"),
            "amount": rng.integers(100, 9_000, n) / 100 * np.where(rng.random(n) < 0.1, -1, 1),
            "product": rng.choice(PRODUCTS, n, p=np.arange(11, 0, -1) / 66),
            "channel": rng.choice(CHANNELS, n, p=[0.6, 0.3, 0.1]),
        }
    )
    table.loc[rng.random(n) < 0.1, "product"] = None
    table.loc[rng.random(n) < 0.1, "channel"] = None
    return table


def kept(client, folder: Path, table: pd.DataFrame, returns: str = "keep") -> dict[str, Path]:
    """What chapter 01 keeps of the rows."""
    opened = open_transactions(client(table.to_csv(index=False), returns=returns))
    paths = {name: folder / f"{name}.parquet" for name in ("customers", "purchases")}
    write(opened.customers.select("customer_id").cast({"customer_id": "string"}),
          paths["customers"])  # fmt: skip
    write(opened.ordered(), paths["purchases"])
    for name, parts in opened.kept_parts().items():
        paths[name] = folder / f"{name}.parquet"
        write(parts, paths[name])
    return paths


@pytest.fixture(scope="module")
def base(client, tmp_path_factory) -> dict[str, Path]:
    return kept(client, tmp_path_factory.mktemp("base"), transactions())


def read(paths: dict[str, Path], **more) -> pd.DataFrame:
    more = {"contracts": None, "ledger": None, "parts": paths.get("purchase_parts")} | more
    found = read_behaviour(
        paths["customers"], read_purchases(paths["purchases"]), more.pop("contracts"),
        more.pop("ledger"), as_of=END, days=DAYS, **more,
    )  # fmt: skip
    return found.set_index("customer_id")


def usual_of(paths: dict[str, Path]) -> Usual:
    purchases = read_purchases(paths["purchases"])
    return read_usual(purchases, None, as_of=END, days=DAYS, parts=paths.get("purchase_parts"))


def bought(found: pd.DataFrame) -> list[str]:
    return [name for name in found if name.startswith((*MADE, "products_bought"))]


def test_parts_as_pandas_would_sum_them(base):
    found = read(base)
    rows = pd.read_parquet(base["purchase_parts"])
    rows["amount"] = rows["amount"].astype(float)
    rows = rows[(pd.Timestamp(END) - pd.to_datetime(rows["date"])).dt.days < DAYS]

    def crossed(column: str) -> pd.DataFrame:
        cells = rows.pivot_table(index="customer_id", columns=column, values="amount",
                                 aggfunc="sum")  # fmt: skip
        return cells.reindex(found.index).fillna(0)

    product, channel = crossed("product"), crossed("channel")
    largest = product.sum().sort_values(ascending=False).index[:8]
    for name in largest:
        np.testing.assert_allclose(found[f"spend_on_{name}"], product[name], atol=1e-6)
    others = product.drop(columns=largest).sum(axis=1)
    np.testing.assert_allclose(found["spend_on_others"], others, atol=1e-6)
    np.testing.assert_allclose(found["products_bought"], (product > 1e-9).sum(axis=1))
    positive = channel.clip(lower=0)
    for name in CHANNELS:
        np.testing.assert_allclose(found[f"spend_in_{name}"], channel[name], atol=1e-6)
        share = positive[name] / positive.sum(axis=1)
        np.testing.assert_allclose(found[f"spend_share_{name}"], share, atol=1e-9)
    assert len(bought(found)) == 9 + 1 + 2 * 3
    assert (found.filter(like="spend_on_") < 0).any().any(), "returns are in the rows"


def test_spend_is_the_sum_of_named_and_unnamed_parts(client, tmp_path):
    table = transactions().fillna({"product": "none", "channel": "none"})
    for policy in ("keep", "exclude", "net_by_order"):
        folder = tmp_path / policy
        folder.mkdir()
        found = read(kept(client, folder, table, policy))
        for beginning in ("spend_on_", "spend_in_"):
            summed = found.filter(regex=f"^{beginning}").sum(axis=1)
            np.testing.assert_allclose(summed, found["spend"], atol=1e-6)


def test_without_the_columns_there_are_no_such_features(client, tmp_path):
    found = read(kept(client, tmp_path, transactions()[["customer_id", "date", "amount"]]))
    assert bought(found) == []


def test_contracts_and_ledger_are_not_told_again(base, tmp_path):
    contracts, ledger = tmp_path / "contracts.parquet", tmp_path / "ledger.parquet"
    pd.DataFrame(
        {"customer_id": ["c01"], "contract_id": ["k"], "product": ["loan"],
         "start_date": [dt.date(2020, 1, 1)], "end_date": [None]}
    ).astype({"end_date": "datetime64[s]"}).to_parquet(contracts)  # fmt: skip
    booked = pd.DataFrame(
        {"customer_id": ["c01"], "month": [dt.date(2020, 11, 1)], "product": ["loan"],
         "line": ["revenue"], "amount": [5.0], "channel": ["shop"]}
    )  # fmt: skip
    booked.to_parquet(ledger)
    found = read(base, contracts=contracts, ledger=ledger)
    assert bought(found) == []
    assert_frame_equal(found, read(base, contracts=contracts, ledger=ledger, parts=None))
    assert found.loc["c01", "products"] == 1
    booked.drop(columns="channel").to_parquet(ledger)
    only = read(base, contracts=contracts, ledger=ledger)
    assert {name.split("_")[1] for name in bought(only)} == {"in", "share"}
    without = bought(read(base, contracts=contracts))
    assert any(name.startswith("spend_on_") for name in without)
    assert "products_bought" not in without


def test_the_base_by_its_own_usual_is_the_same_also_from_a_file(base):
    usual = usual_of(base)
    assert Usual.of_plain(json.loads(json.dumps(usual.to_plain()))) == usual
    own = read(base)
    assert_frame_equal(read(base, usual=usual)[own.columns], own)
    earlier = usual.to_plain()
    del earlier["products_bought"]  # as versions wrote it before
    assert Usual.of_plain(earlier).products_bought is False


def test_what_the_base_did_not_know_is_others_or_nothing(base, client, tmp_path):
    table = transactions().query("customer_id == 'c07'")
    table = table.assign(product="of tomorrow", channel="of tomorrow", amount=5)
    usual = usual_of(base)
    assert usual.others == ("spend_on_",)
    found = read(kept(client, tmp_path, table), usual=usual).iloc[0]
    assert found["spend_on_others"] == found["spend"] > 0
    assert found["products_bought"] == 1
    assert (found[[f"spend_in_{name}" for name in CHANNELS]] == 0).all()
    assert found[[f"spend_share_{name}" for name in CHANNELS]].isna().all()
    assert not any("tomorrow" in name for name in found.index)


def test_a_version_whose_contracts_told_products_takes_none_from_purchases(base):
    usual = read_usual(read_purchases(base["purchases"]), None, as_of=END, days=DAYS)
    assert bought(read(base, usual=usual)) == []


def test_a_product_called_others_joins_the_others(client, tmp_path):
    table = transactions().replace({"product": {"product a": "others"}})
    found = read(kept(client, tmp_path, table))
    assert found.filter(like="spend_on_").shape[1] == 9
    named = pd.read_parquet(tmp_path / "purchase_parts.parquet").dropna(subset="product")
    ago = (pd.Timestamp(END) - pd.to_datetime(named["date"])).dt.days
    total = named.loc[ago < DAYS, "amount"].astype(float).sum()
    assert found.filter(like="spend_on_").to_numpy().sum() == pytest.approx(total)
