"""Features of a few customers, made as those of the base that they are compared with."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from crmlib.intake.behaviour import read_behaviour, read_usual
from crmlib.intake.customers import read_purchases
from crmlib.intake.usual import Usual

END = dt.date(2024, 12, 31)
CHANNELS = [f"channel {letter}" for letter in "abcdefghij"]  # two more than get a column


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> dict[str, Path]:
    """Sixty customers who buy most before Christmas, with a ledger of ten channels."""
    rng = np.random.default_rng(11)
    ids = [f"C{number:02}" for number in range(60)]
    bought = [
        (customer, END - dt.timedelta(days=int(ago)), Decimal(int(amount)), 1)
        for customer in ids
        for ago, amount in {
            int(d): rng.integers(5, 90) for d in rng.integers(0, 900, rng.integers(2, 30))
        }.items()
    ]
    bought += [(customer, END, Decimal(40), 1) for customer in ids[::2]]
    purchases = pd.DataFrame(bought, columns=["customer_id", "date", "amount", "n_orders"])
    purchases = purchases.drop_duplicates(["customer_id", "date"])
    booked = [
        (customer, dt.date(2024, month, 1), product, line, Decimal(int(rng.integers(1, 50))), place)
        for customer in ids
        for month in range(1, 13)
        for product, line, place in (
            ("card", "revenue", None),
            ("loan", "revenue", None),
            ("card", "cost_to_serve", CHANNELS[int(rng.integers(10))]),
            ("loan", "risk_cost", None),
        )
        if rng.random() < 0.4
    ]
    names = ["customer_id", "month", "product", "line", "amount", "channel"]
    return stored(
        tmp_path_factory.mktemp("base"),
        {
            "customers": pd.DataFrame({"customer_id": ids}),
            "purchases": purchases,
            "ledger": pd.DataFrame(booked, columns=names),
        },
    )


def stored(folder: Path, tables: dict[str, pd.DataFrame]) -> dict[str, Path]:
    for name, table in tables.items():
        table.to_parquet(folder / f"{name}.parquet", index=False)
    return {name: folder / f"{name}.parquet" for name in tables}


def read(paths: dict[str, Path], as_of: dt.date = END, usual: Usual | None = None) -> pd.DataFrame:
    purchases = read_purchases(paths["purchases"])
    ledger = paths["ledger"]
    return read_behaviour(paths["customers"], purchases, None, ledger, as_of=as_of, usual=usual)


def usual_of(paths: dict[str, Path], as_of: dt.date = END) -> Usual:
    return read_usual(read_purchases(paths["purchases"]), paths["ledger"], as_of=as_of)


def some_of(paths: dict[str, Path], ids: list[str], folder: Path) -> dict[str, Path]:
    tables = {name: pd.read_parquet(path) for name, path in paths.items()}
    return stored(folder, {n: t[t["customer_id"].isin(ids)] for n, t in tables.items()})


def test_the_base_by_its_own_usual_is_the_same(base):
    own = read(base)
    assert_frame_equal(read(base, usual=usual_of(base))[own.columns], own)


def test_one_customer_has_the_features_that_the_base_gives(base, tmp_path):
    every = read(base).set_index("customer_id")
    usual = usual_of(base)
    for customer in ("C00", "C07", "C33"):
        folder = tmp_path / customer
        folder.mkdir()
        alone = read(some_of(base, [customer], folder), usual=usual).set_index("customer_id")
        assert_frame_equal(alone[every.columns], every.loc[[customer]])


def test_channels_are_those_of_the_base(base, tmp_path):
    usual = usual_of(base)
    assert len(usual.parts["cost_in_"]) == 8
    assert usual.others == ("cost_in_",)
    one = some_of(base, ["C01"], tmp_path)
    ledger = pd.read_parquet(one["ledger"])
    moved = ledger["channel"].where(ledger["channel"].isna(), "a channel of tomorrow")
    ledger.assign(channel=moved).to_parquet(one["ledger"], index=False)
    found = read(one, usual=usual).iloc[0]
    own = [f"cost_in_{name}" for name in usual.parts["cost_in_"]]
    assert (found[own] == 0).all()
    assert found["cost_in_others"] == found["cost_to_serve"] > 0


def test_the_season_stays_in_the_calendar_when_the_day_moves_on(base):
    usual, later = usual_of(base), END + dt.timedelta(days=92)
    assert usual.quarter == 0  # before Christmas
    found = read(base, later, usual).set_index("customer_id")["peak_share"]
    # a quarter later the same days are the last but one, and the base itself says so
    assert usual_of(base, later).quarter == 1
    own = read(base, later).set_index("customer_id")["peak_share"]
    assert (found - own).abs().max() < 0.2
    assert found.corr(own) > 0.95


def test_it_is_the_same_again_from_a_file(base):
    usual = usual_of(base)
    assert Usual.of_plain(json.loads(json.dumps(usual.to_plain()))) == usual


def test_what_nobody_of_the_few_has_is_missing_or_nothing_and_not_unknown(base, tmp_path):
    one = some_of(base, ["C02"], tmp_path)
    purchases = pd.read_parquet(one["purchases"]).sort_values("date")
    purchases.tail(1).to_parquet(one["purchases"], index=False)
    ledger = pd.read_parquet(one["ledger"])
    ledger[ledger["line"] == "revenue"].to_parquet(one["ledger"], index=False)
    found = read(one, usual=usual_of(base)).iloc[0]
    assert np.isnan(found["regularity"])
    assert (found[["cost_to_serve", "risk_cost", "returned_share"]] == 0).all()
