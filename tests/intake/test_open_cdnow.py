"""CDNOW through intake: published counts, an independent summary, the same bytes twice.

Source of the counts: Fader, Hardie & Lee (2005), "Counting Your Customers the
Easy Way", Marketing Science 24(2), and the readme of Fader & Hardie's files.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from crmlib import intake, params

ROOT = Path(__file__).parents[2]
CUT, END = dt.date(1997, 9, 30), dt.date(1998, 6, 30)


@pytest.fixture(scope="module")
def engagement():
    return params.load(ROOT / "params" / "cdnow.yml")


@pytest.fixture(scope="module")
def cdnow(engagement):
    return intake.open_transactions(engagement)


@pytest.fixture(scope="module")
def by_day():
    """The file in plain pandas: one row per customer and day."""
    rows = pd.read_csv(
        ROOT / "data" / "cdnow" / "transactions.csv.gz",
        dtype={"customer_id": str},
        parse_dates=["date"],
    )
    return rows.groupby(["customer_id", "date"], as_index=False)["amount"].sum()


def test_counts_of_the_file(cdnow):
    assert cdnow.ledger["status"].tolist() == ["read", "used"]
    assert cdnow.ledger["rows"].tolist() == [69_659, 69_659]
    assert cdnow.ledger["amount"].tolist() == [2_500_315.63] * 2
    facts = cdnow.facts
    assert (facts.rows, facts.customers, facts.total_amount) == (69_659, 23_570, 2_500_315.63)
    assert (facts.first_date, facts.last_date) == (dt.date(1997, 1, 1), END)
    assert facts.orders == facts.purchase_days == 67_591


def test_facts_equal_plain_pandas(cdnow, by_day):
    days = by_day.groupby("customer_id")["date"]
    assert cdnow.facts.one_time_share == pytest.approx((days.size() == 1).mean())
    gaps = days.diff().dt.days.groupby(by_day["customer_id"]).mean()
    assert cdnow.facts.days_between_purchases == pytest.approx(gaps.median())
    assert cdnow.facts.days_without_purchase_share == 1 - by_day["date"].nunique() / 546


def test_months_add_up(cdnow, by_day):
    months = by_day.groupby(by_day["date"].dt.to_period("M"))
    assert cdnow.by_month["customers"].tolist() == months["customer_id"].nunique().tolist()
    assert cdnow.by_month["rows"].sum() == 69_659
    np.testing.assert_allclose(cdnow.by_month["revenue"], months["amount"].sum())


@pytest.mark.parametrize("until", [CUT, END])
def test_customer_summary_equals_plain_pandas(cdnow, by_day, until):
    found = intake.to_frame(intake.summarise(cdnow.purchases, until=until, days_per_unit=7.0))
    seen = by_day[by_day["date"] <= pd.Timestamp(until)]
    days = seen.groupby("customer_id")["date"]
    first, last = days.min(), days.max()
    repeat = seen[seen["date"] > seen["customer_id"].map(first)].groupby("customer_id")["amount"]
    expected = pd.DataFrame(
        {
            "frequency": days.size() - 1,
            "recency": (last - first).dt.days / 7,
            "observed_time": (pd.Timestamp(until) - first).dt.days / 7,
            "total_amount": seen.groupby("customer_id")["amount"].sum(),
            "mean_amount": seen.groupby("customer_id")["amount"].mean(),
            "mean_repeat_amount": repeat.mean().reindex(first.index),
        }
    )
    assert found["customer_id"].tolist() == first.index.tolist()
    assert len(found) == 23_570
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-12, atol=1e-9, err_msg=name)


def test_published_counts_of_the_sample(cdnow):
    table = intake.holdout(cdnow.purchases, cut=CUT, end=END, days_per_unit=7.0)
    sample = pd.read_csv(ROOT / "data" / "cdnow" / "sample_customers.csv", dtype=str)
    frame = intake.to_frame(table).merge(sample, on="customer_id")
    assert len(frame) == 2_357
    assert (frame["frequency"] == 0).sum() == 1_411
    assert frame["holdout_purchases"].sum() == 1_882


def test_tracking_counts_every_repeat_purchase_once(cdnow):
    periods = intake.repeat_purchases_by_period(
        cdnow.purchases,
        start=dt.date(1997, 1, 1),
        end=END,
        days_per_unit=7.0,
        acquired_by=CUT,
    )
    assert len(periods) == 78
    assert periods["repeat_purchases"].sum() == 67_591 - 23_570


def test_cohorts_equal_plain_pandas(cdnow, by_day):
    table = intake.to_frame(intake.cohorts(cdnow.purchases, until=END))
    month = by_day["date"].dt.to_period("M")
    cohort = by_day["customer_id"].map(month.groupby(by_day["customer_id"]).min())
    months = [period.n for period in month - cohort]
    cells = by_day.groupby([cohort.rename("cohort"), pd.Series(months, name="months")])
    assert table["active_customers"].tolist() == cells["customer_id"].nunique().tolist()
    np.testing.assert_allclose(table["revenue"], cells["amount"].sum())
    assert table.groupby("cohort")["cohort_size"].first().sum() == 23_570


def test_two_runs_give_the_same_bytes(engagement, cdnow, tmp_path):
    """Two threads, two runs, row order of the file kept out of it."""
    for run, opened in enumerate([cdnow, intake.open_transactions(engagement)]):
        customers = intake.summarise(opened.purchases, until=END, days_per_unit=7.0)
        intake.write(opened.ordered(), tmp_path / f"purchases{run}")
        intake.write(customers, tmp_path / f"customers{run}")
    for table in ("purchases", "customers"):
        first, second = (tmp_path / f"{table}{run}" for run in (0, 1))
        assert first.read_bytes() == second.read_bytes()
