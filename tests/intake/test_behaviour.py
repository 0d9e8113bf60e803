"""Behaviour before a day: against sums done by hand in pandas, and without a look ahead."""

import datetime as dt
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from crmlib.intake.behaviour import read_behaviour
from crmlib.intake.customers import read_purchases
from crmlib.stats.refusal import Refusal

END, EARLIER = dt.date(2025, 12, 31), dt.date(2024, 11, 17)
NONE = Refusal("not given")
NAMES = ("customers", "purchases", "client_contracts", "client_ledger")


def stored(folder: Path, tables: dict[str, pd.DataFrame]) -> dict[str, Path]:
    for name, table in tables.items():
        table.to_parquet(folder / f"{name}.parquet", index=False)
    return {name: folder / f"{name}.parquet" for name in tables}


def read(paths: dict[str, Path], as_of: dt.date, **settings) -> pd.DataFrame:
    return read_behaviour(
        paths["customers"],
        read_purchases(paths["purchases"]),
        paths.get("client_contracts", NONE),
        paths.get("client_ledger", NONE),
        as_of=as_of,
        **settings,
    )


@pytest.fixture(scope="module")
def bank(demo_version) -> dict[str, pd.DataFrame]:
    """The demo bank's tables, of every seventh customer."""
    tables = {n: pd.read_parquet(demo_version / "tables" / f"{n}.parquet") for n in NAMES}
    some = set(tables["customers"]["customer_id"][::7])
    return {n: t[t["customer_id"].isin(some)].reset_index(drop=True) for n, t in tables.items()}


@pytest.fixture(scope="module")
def paths(bank, tmp_path_factory) -> dict[str, Path]:
    return stored(tmp_path_factory.mktemp("bank"), bank)


@pytest.mark.parametrize("version", ["demo_version", "cdnow_version"])
def test_one_row_for_each_customer_at_the_end(version, request):
    folder = request.getfixturevalue(version) / "tables"
    paths = {name: folder / f"{name}.parquet" for name in NAMES}
    end = END if version == "demo_version" else dt.date(1998, 6, 30)
    found = read({name: path for name, path in paths.items() if path.exists()}, end)
    customers = pd.read_parquet(paths["customers"])
    assert found["customer_id"].tolist() == customers["customer_id"].tolist()
    assert found.drop(columns="customer_id").dtypes.map(str).eq("float64").all()


@pytest.mark.parametrize("version", ["demo_version", "cdnow_version"])
def test_purchases_as_pandas_would_sum_them(version, request):
    folder = request.getfixturevalue(version) / "tables"
    end = END if version == "demo_version" else dt.date(1998, 6, 30)
    paths = {name: folder / f"{name}.parquet" for name in ("customers", "purchases")}
    found = read(paths, end).set_index("customer_id")
    rows = pd.read_parquet(paths["purchases"])
    rows = rows.assign(date=pd.to_datetime(rows["date"]), amount=rows["amount"].astype(float))
    rows = rows[rows["date"] <= pd.Timestamp(end)].sort_values(["customer_id", "date"])
    ago = (pd.Timestamp(end) - rows["date"]).dt.days
    by = {"all": rows, "year": rows[ago < 365], "late": rows[ago < 182]}
    by = {name: table.groupby("customer_id") for name, table in by.items()}
    index = found.index
    spend = by["year"]["amount"].sum().reindex(index, fill_value=0)
    count = by["year"].size().reindex(index, fill_value=0)
    np.testing.assert_allclose(found["frequency"], count)
    np.testing.assert_allclose(found["spend"], spend, atol=1e-6)
    np.testing.assert_allclose(found["mean_ticket"], spend / count.replace(0, np.nan))
    last = by["all"]["date"].max().reindex(index)
    np.testing.assert_allclose(found["recency"], (pd.Timestamp(end) - last).dt.days)
    late = by["late"]["amount"].sum().reindex(index, fill_value=0)
    half = spend / count / 2
    there = found["trend"].notna()
    trend = np.log((late + half) / (spend - late + half))[there]
    np.testing.assert_allclose(found["trend"][there], trend, atol=1e-9)
    assert not there[count == 0].any() and there[count > 0].mean() > 0.8
    gaps = by["all"]["date"].diff().dt.days.groupby(rows["customer_id"])
    regularity = (gaps.std() / gaps.mean()).where(gaps.count() >= 3).reindex(index)
    np.testing.assert_allclose(found["regularity"], regularity, atol=1e-9)


def test_ledger_and_contracts_as_pandas_would_sum_them(bank, paths):
    found = read(paths, END).set_index("customer_id")
    ledger = bank["client_ledger"]
    ledger = ledger.assign(amount=ledger["amount"].astype(float))
    year = ledger[ledger["month"] >= dt.date(2025, 1, 1)]

    def summed(rows: pd.DataFrame) -> pd.Series:
        return rows.groupby("customer_id")["amount"].sum().reindex(found.index, fill_value=0)

    costs = year[year["line"] == "cost_to_serve"]
    np.testing.assert_allclose(found["revenue"], summed(year[year["line"] == "revenue"]), atol=1e-6)
    branch = summed(costs[costs["channel"] == "branch"])
    np.testing.assert_allclose(found["cost_in_branch"], branch, atol=1e-6)
    share = branch / summed(costs).where(lambda total: total > 0)
    np.testing.assert_allclose(found["cost_share_branch"], share, atol=1e-9)
    cards = year[(year["line"] == "revenue") & (year["product"] == "credit_card")]
    np.testing.assert_allclose(found["revenue_from_credit_card"], summed(cards), atol=1e-6)
    loans = year[(year["line"] == "risk_cost") & (year["product"] == "personal_loan")]
    np.testing.assert_allclose(found["risk_from_personal_loan"], summed(loans), atol=1e-6)
    risk = found.filter(like="risk_from_").sum(axis=1)
    np.testing.assert_allclose(risk, found["risk_cost"], atol=1e-6)
    assert (found["risk_from_personal_loan"] > 0).any() and (risk > 0).any()
    shares = found.filter(like="cost_share_").sum(axis=1, min_count=1)
    np.testing.assert_allclose(shares.dropna(), 1)
    contracts = bank["client_contracts"]
    running = contracts[contracts["end_date"].isna() | (contracts["end_date"] >= END)]
    products = running.groupby("customer_id")["product"].nunique()
    np.testing.assert_allclose(found["products"], products.reindex(found.index, fill_value=0))
    joined = pd.to_datetime(bank["customers"].set_index("customer_id")["joined"])
    months = (pd.Timestamp(END) - joined.reindex(found.index)).dt.days / (365.25 / 12)
    np.testing.assert_allclose(found["tenure"], months)


def test_what_comes_later_changes_nothing(bank, paths, tmp_path):
    """At an earlier day: the same from all tables as from those that end with that day."""
    contracts, ledger = bank["client_contracts"], bank["client_ledger"]
    contracts = contracts[contracts["start_date"] <= EARLIER]
    ends = contracts["end_date"].where(contracts["end_date"] <= EARLIER, None)
    over = ledger["month"] < EARLIER.replace(day=1)
    known = ledger["month"] <= EARLIER  # that a month is booked tells who is a customer
    cut = {
        "customers": bank["customers"],
        "purchases": bank["purchases"][bank["purchases"]["date"] <= EARLIER],
        "client_contracts": contracts.assign(end_date=ends),
        "client_ledger": ledger[known].assign(
            amount=ledger["amount"].where(over, Decimal("0.01"))[known]
        ),
    }
    then = read(paths, EARLIER)
    assert_frame_equal(then, read(stored(tmp_path, cut), EARLIER))
    assert 0 < len(then) < len(bank["customers"])


def test_customers_are_known_from_their_first_sign(bank, paths):
    then = set(read(paths, EARLIER)["customer_id"])
    bought = bank["purchases"].query("n_orders > 0").groupby("customer_id")["date"].min()
    started = bank["client_contracts"].groupby("customer_id")["start_date"].min()
    booked = bank["client_ledger"].query("line != 'marketing'")
    booked = booked.groupby("customer_id")["month"].min()
    seen = set()
    for first in (bought, started, booked):
        seen |= set(first.index[first <= EARLIER])
    assert then == seen & set(bank["customers"]["customer_id"])


def test_neither_row_order_nor_currency_matters(bank, paths, tmp_path):
    def dearer(table: pd.DataFrame) -> pd.DataFrame:
        mixed = table.sample(frac=1, random_state=1)
        return mixed.assign(amount=mixed["amount"] * 100) if "amount" in table else mixed

    plain = read(paths, END)
    other = read(stored(tmp_path, {name: dearer(table) for name, table in bank.items()}), END)
    money = ["spend", "mean_ticket", "revenue", "cost_to_serve", "risk_cost"]
    money += [n for n in plain if n.startswith(("cost_in_", "revenue_from_", "risk_from_"))]
    scaled = other.assign(**{name: other[name] / 100 for name in money})
    assert_frame_equal(plain, scaled, rtol=1e-9)


def purchases(rows: list[tuple[str, str, float]]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["customer_id", "date", "amount"])
    table["date"] = pd.to_datetime(table["date"]).dt.date
    amounts = [Decimal(f"{amount:.2f}") for amount in table["amount"]]
    return table.assign(amount=amounts, n_orders=(table["amount"] > 0).astype(int))


def test_small_histories_by_hand(tmp_path):
    rows = purchases(
        [("a", "2023-01-01", 10), ("a", "2024-03-01", 30), ("a", "2024-11-01", 10),
         ("a", "2024-11-11", -5), ("b", "2024-12-31", 8)]
    )  # fmt: skip
    people = pd.DataFrame({"customer_id": ["a", "b", "c"]})
    found = read(
        stored(tmp_path, {"customers": people, "purchases": rows}), dt.date(2024, 12, 31)
    ).set_index("customer_id")
    assert found.index.tolist() == ["a", "b"], "nothing is known of c"
    a, b = found.loc["a"], found.loc["b"]
    assert a[["recency", "frequency", "spend", "mean_ticket"]].tolist() == [60, 2, 35, 17.5]
    assert a["trend"] == pytest.approx(np.log((5 + 8.75) / (30 + 8.75)))
    assert a["returned_share"] == pytest.approx(5 / 40) and b["returned_share"] == 0
    assert np.isnan(b["trend"]) and np.isnan(b["peak_share"]), "came within the window"
    assert "regularity" not in found, "nobody has three gaps"
    assert b["tenure"] == 0 and a["tenure"] == pytest.approx(24, abs=0.05)


def test_many_channels_are_kept_together(tmp_path):
    """200 channels give eight columns and one for all others, which hold all money."""
    n = 200
    ledger = pd.DataFrame(
        {
            "customer_id": [f"c{i % 40}" for i in range(n)],
            "month": dt.date(2024, 5, 1),
            "product": "loan",
            "line": "cost_to_serve",
            "amount": [Decimal(i + 1) for i in range(n)],
            "channel": [f"agent {i:03d}" for i in range(n)],
        }
    )
    people = pd.DataFrame({"customer_id": [f"c{i}" for i in range(40)]})
    rows = purchases([("c1", "2024-05-05", 3)])
    tables = {"customers": people, "purchases": rows, "client_ledger": ledger}
    found = read(stored(tmp_path, tables), dt.date(2024, 12, 31))
    used = found.filter(like="cost_in_")
    assert used.shape[1] == 9 and used.to_numpy().sum() == n * (n + 1) / 2
    assert found["cost_in_others"].sum() > found["cost_in_agent 199"].sum() == 200
