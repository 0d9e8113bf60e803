"""The account of a segment: every row in it once, targets beside what they are held against."""

import datetime as dt
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from crmlib.segments.accounts import ALL, segment_accounts, segment_targets
from crmlib.segments.dynamics import SizeForecast
from crmlib.stats.optimise import NotIdentified
from crmlib.stats.refusal import Refusal
from crmlib.tables import LINES

N = 400


def base(months: int = 24) -> tuple[pd.Series, SimpleNamespace]:
    """Four segments, each customer with a row on each line, and what they add up to."""
    rng = np.random.default_rng(3)
    ids = [f"C{i}" for i in range(N)]
    segment = pd.Series(rng.choice(list("abcd"), N), index=pd.Index(ids, name="customer_id"))
    rows = pd.DataFrame({"customer_id": np.repeat(ids, 4), "line": [*LINES] * N})
    scale = rows["line"].map({"revenue": 100.0, "cost_to_serve": 40, "risk_cost": 10,
                              "marketing": 5})  # fmt: skip
    for year in ("this_year", "year_before"):
        rows[year] = (scale * rng.gamma(2, 0.5, len(rows))).round(2)
    years = {"start": dt.date(2025, 1, 1), "end": dt.date(2025, 12, 31), "months": months}
    return segment, SimpleNamespace(rows=rows.sample(frac=1, random_state=1), **years)


def test_segments_add_up_to_the_books():
    segment, years = base()
    found = segment_accounts(segment, years, min_cell=10)
    each = found.table[found.table["segment"] != ALL]
    sign = years.rows["line"].map(lambda line: 1 if line == "revenue" else -1)
    for year, name in (("this_year", "profit"), ("year_before", "profit_before")):
        books = (sign * years.rows[year]).sum()
        assert each[name].sum() == pytest.approx(books, rel=1e-12)
        assert found.actual(ALL, name) == pytest.approx(books, rel=1e-12)
    for line in LINES:
        booked = years.rows.loc[years.rows["line"] == line, "this_year"].sum()
        assert each[line].sum() == pytest.approx(booked, rel=1e-12)
    assert each["customers"].sum() == found.actual(ALL, "customers") == N
    assert each["profit"].is_monotonic_decreasing


def test_an_account_by_hand():
    segment, years = base()
    mine = years.rows[years.rows["customer_id"].map(segment) == "b"]
    sums = mine.groupby("line")[["this_year", "year_before"]].sum()
    profit = 2 * sums.loc["revenue"] - sums.sum()
    found = segment_accounts(segment, years, min_cell=10)
    assert found.actual("b", "profit") == pytest.approx(profit["this_year"])
    assert found.actual("b", "profit_change") == pytest.approx(profit @ [1, -1])
    each = profit["this_year"] / (segment == "b").sum()
    assert found.actual("b", "profit_per_customer") == pytest.approx(each)


def test_a_segment_without_bookings_has_an_account_of_nothing():
    segment, years = base()
    years.rows = years.rows[years.rows["customer_id"].map(segment) != "c"]
    found = segment_accounts(segment, years, min_cell=10)
    assert found.actual("c", "profit") == 0 and found.actual("c", "customers") > 0


def test_a_year_that_is_not_whole_is_not_compared_or_not_told():
    found = segment_accounts(*base(months=23), min_cell=10)
    assert not found.compared and found.table["profit_change"].isna().all()
    assert found.table["profit"].notna().all()
    with pytest.raises(NotIdentified, match="books 11 whole months, the account of a year needs"):
        segment_accounts(*base(months=11), min_cell=10)


def test_few_customers_have_no_account_of_their_own():
    segment, years = base()
    with pytest.raises(NotIdentified, match="fewer than 200 customers"):
        segment_accounts(segment, years, min_cell=200)
    with pytest.raises(ValueError, match="of nobody in a segment"):
        segment_accounts(segment.iloc[1:], years, min_cell=10)


def forecast(**sizes: tuple[float, float]) -> SizeForecast:
    table = pd.DataFrame(sizes, index=["now", "expected"]).T
    return SizeForecast(table, 0.9, ())


def test_targets_stand_beside_the_figure_and_the_size_ahead():
    segment, years = base()
    accounts = segment_accounts(segment, years, min_cell=10)
    behaviour = pd.Series("kind", index=segment.index).mask(segment == "d", "inactive")
    targets = {"a": {"profit": 9_000.0, "customers": 120}, "d": {"customers": 50}}
    table = segment_targets(
        segment, accounts, targets, owners={"a": "Ann"}, behaviour_segment=behaviour,
        ahead=forecast(kind=(300, 330)),
    ).set_index(["segment", "measure"])  # fmt: skip
    size, profit = (segment == "a").sum(), accounts.actual("a", "profit")
    assert table.loc[("a", "customers"), "expected"] == pytest.approx(1.1 * size)
    assert table.loc[("a", "customers"), "to_go"] == 120 - size
    assert table.loc[("a", "profit"), "to_go"] == pytest.approx(9_000 - profit)
    assert np.isnan(table.loc[("a", "profit"), "expected"])
    # nothing is forecast of customers without behaviour
    assert np.isnan(table.loc[("d", "customers"), "expected"])
    assert table["owner"].tolist() == ["Ann", "Ann", ""]


def test_without_a_ledger_only_sizes_are_held_against_targets():
    segment, _ = base()
    table = segment_targets(
        segment, Refusal("no ledger"), {"a": {"profit": 1.0, "customers": 1}}, owners={},
        behaviour_segment=segment, ahead=Refusal("too short"),
    )  # fmt: skip
    assert table["actual"].isna().tolist() == [True, False] and table["expected"].isna().all()


@pytest.mark.slow
def test_the_accounts_of_the_bank_add_up_to_its_ledger(demo_version):
    shown = pd.read_csv(demo_version / "exhibits" / "segment_accounts.csv").set_index("segment")
    ledger = pd.read_parquet(demo_version / "tables" / "client_ledger.parquet")
    day = pd.to_datetime(ledger["month"])
    signed = ledger["amount"].astype(float) * np.where(ledger["line"] == "revenue", 1, -1)
    books = signed.groupby(day.dt.year).sum()
    each = shown.drop(index=ALL)
    assert each["profit"].sum() == pytest.approx(books[2025], abs=0.01 * len(each))
    assert (each["profit"] - each["profit_change"]).sum() == pytest.approx(
        books[2024], abs=0.01 * len(each)
    )
    assert shown.loc[ALL, "profit"] == pytest.approx(books[2025], abs=0.005)
    segments = pd.read_parquet(demo_version / "tables" / "segments.parquet")
    assert each["customers"].to_dict() == segments["segment"].value_counts().to_dict()
