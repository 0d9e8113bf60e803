"""Half a million order lines against the same rules in pandas, written from the README.

Money is counted here in whole thousandths, so that no figure rests on how floats add up.
"""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from crmlib.intake import open_transactions, to_frame
from tests.benchmarks.order_lines import COLUMNS, ROWS, write_order_lines

START, END = dt.date(2010, 12, 1), dt.date(2011, 12, 9)
UNIT = ["customer", "order"]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def lines(tmp_path_factory):
    """The file, and its rows as pandas reads them."""
    path = write_order_lines(tmp_path_factory.mktemp("lines") / "lines.csv")
    cells = pd.read_csv(path, dtype=str, keep_default_na=False)
    rows = pd.DataFrame(
        {
            "customer": cells["CustomerID"],
            "order": cells["InvoiceNo"],
            "date": pd.to_datetime(cells["InvoiceDate"]).dt.normalize(),
            "amount": cells["Quantity"].astype(int)
            * (cells["UnitPrice"].astype(float) * 1000).round().astype(int),
            "again": cells.duplicated(keep="first"),
        }
    )
    return path, rows


@pytest.fixture(scope="module", params=["net_by_order", "exclude", "keep"])
def both(request, lines, client):
    """The intake under one policy, and what pandas makes of the same file."""
    path, rows = lines
    engagement = client(
        None,
        path.name,
        folder=path.parent,
        start=START,
        end=END,
        max_excluded_share=0.4,
        returns=request.param,
        columns=COLUMNS,
    )
    return open_transactions(engagement), by_hand(rows, request.param)


def by_hand(rows: pd.DataFrame, policy: str) -> tuple[pd.Series, pd.DataFrame]:
    """(reason of each row, empty where it is used; purchases by customer and day)."""
    reason = pd.Series("", index=rows.index)

    def exclude(where: pd.Series, why: str) -> None:
        reason[where & (reason == "")] = why

    exclude(rows["customer"] == "", "missing customer_id")
    exclude(rows["date"] < pd.Timestamp(START), "before observation_start")
    exclude(rows["date"] > pd.Timestamp(END), "after observation_end")
    exclude(rows["again"], "exact duplicate row")
    exclude(rows["amount"] == 0, "zero amount")
    if policy == "exclude":
        exclude(rows["amount"] < 0, "negative amount")
        return reason, purchases(rows[reason == ""].assign(worth=True))
    unit = UNIT if policy == "net_by_order" else ["customer", "date"]
    live = rows[reason == ""]
    signed = live.assign(negative=live["amount"] < 0, bought=live["amount"] > 0)
    units = signed.groupby(unit).agg({"amount": "sum", "negative": "any", "bought": "any"})
    units["returned"] = units["negative"] & (units["amount"] <= 0)
    units["out"] = units["returned"]
    if policy == "keep":
        days = units.reset_index()
        first = days[~days["returned"]].groupby("customer")["date"].min()
        bought_before = days["customer"].map(first) < days["date"]
        units["out"] = (days["returned"] & ~bought_before).to_numpy()
    of_row = units.loc[pd.MultiIndex.from_frame(live[unit])].set_index(live.index)
    out, bought = (of_row[c].reindex(rows.index, fill_value=False) for c in ("out", "bought"))
    exclude(out & bought, "order returned in full")
    exclude(out, "return without its purchase")
    used = rows[reason == ""]
    if policy == "net_by_order":
        first_day = used[used["amount"] >= 0].groupby(UNIT)["date"].min()
        moved = pd.MultiIndex.from_frame(used[UNIT]).map(first_day)
        return reason, purchases(used.assign(date=moved, worth=True))
    return reason, purchases(used.assign(worth=~of_row["returned"].reindex(used.index)))


def purchases(used: pd.DataFrame) -> pd.DataFrame:
    """Money and orders of each customer and day; a returned day (not `worth`) has no order."""
    days = used.groupby(["customer", "date"])["amount"].sum().to_frame()
    orders = used[used["worth"] & (used["amount"] > 0)].groupby(["customer", "date"])["order"]
    return days.assign(n_orders=orders.nunique()).fillna({"n_orders": 0}).reset_index()


def summary(days: pd.DataFrame) -> pd.DataFrame:
    """One row per customer in the convention of Fader and Hardie, times in days."""
    end, occasions = pd.Timestamp(END), days[days["n_orders"] > 0]
    by = occasions.groupby("customer")
    table = pd.DataFrame({"first_date": by["date"].min(), "last_date": by["date"].max()})
    table["n_transactions"] = by["n_orders"].sum()
    table["frequency"] = by.size() - 1
    table["recency"] = (table["last_date"] - table["first_date"]).dt.days
    table["observed_time"] = (end - table["first_date"]).dt.days
    table["total_amount"] = days.groupby("customer")["amount"].sum() / 1000
    table["mean_amount"] = table["total_amount"] / by.size()
    later = days[days["date"] > days["customer"].map(table["first_date"])]
    money = later.groupby("customer")["amount"].sum() / 1000
    repeats = table["frequency"].where(table["frequency"] > 0)
    table["mean_repeat_amount"] = money.reindex(table.index, fill_value=0) / repeats
    year = days[days["date"] > end - pd.Timedelta(days=365)]
    money = year.groupby("customer")["amount"].sum() / 1000
    table["last_year_amount"] = money.reindex(table.index, fill_value=0)
    return table.reset_index(names="customer_id").sort_values("customer_id", ignore_index=True)


def test_every_row_stands_under_the_reason_that_pandas_finds(both, lines):
    intake, (reason, _) = both
    ledger = intake.ledger.set_index(["status", "reason"])
    expected = lines[1].groupby(reason)["amount"].agg(["size", "sum"])
    assert set(ledger.loc["excluded"].index) == set(expected.index) - {""}
    for why, line in expected.iterrows():
        found = ledger.loc[("excluded" if why else "used", why)]
        assert found["rows"] == line["size"], why
        assert found["amount"] == pytest.approx(line["sum"] / 1000, abs=5e-4), why
    assert ledger.loc[("read", ""), "rows"] == ROWS
    assert ledger.drop(index=("read", ""))["rows"].sum() == ROWS


def test_examples_are_the_first_rows_of_their_reason(both):
    intake, (reason, _) = both
    excluded = intake.ledger[intake.ledger["status"] == "excluded"]
    for line in excluded.itertuples():
        rows = [int(number.replace(",", "")) for number in line.examples.split(", ")]
        assert (reason.iloc[np.array(rows) - 1] == line.reason).all() or "return" in line.reason
        assert len(rows) == min(5, line.rows) or "return" in line.reason


def test_purchases_of_every_customer_and_day(both):
    intake, (_, expected) = both
    found = to_frame(intake.ordered())
    expected = expected.sort_values(["customer", "date"], ignore_index=True)
    assert found["customer_id"].tolist() == expected["customer"].tolist()
    assert found["date"].tolist() == expected["date"].tolist()
    assert found["n_orders"].tolist() == expected["n_orders"].tolist()
    assert (found["amount"] * 1000).round().tolist() == expected["amount"].tolist()


def test_the_summary_of_every_customer(both):
    intake, (_, days) = both
    found = to_frame(intake.customers.order_by("customer_id"))
    pd.testing.assert_frame_equal(
        found, summary(days), check_dtype=False, rtol=1e-12, check_column_type=False
    )


def test_months_and_years_count_the_same_customers(both):
    intake, (_, days) = both
    for frame, period in ((intake.by_month, "M"), (intake.by_year, "Y")):
        when = days["date"].dt.to_period(period)
        buyers = days[days["n_orders"] > 0].groupby(when)["customer"].nunique()
        assert frame["customers"].tolist() == buyers.tolist()
        money = days.groupby(when)["amount"].sum() / 1000
        np.testing.assert_allclose(frame["revenue"], money, rtol=1e-12)


def test_the_file_holds_what_the_rules_are_about(lines):
    """Each rule has hundreds of rows to go wrong on."""
    path, rows = lines
    text = path.read_text()
    assert '"C' in text and '""KEEP CALM, CARRY ON""' in text
    assert rows["again"].sum() > 1000
    assert (rows["amount"] == 0).sum() > 1000
    cancelled = rows["order"].str.startswith("C")
    assert (rows["amount"] <= 0)[cancelled].all()
    assert (rows["amount"] < 0)[~cancelled].sum() > 5000
    days = rows[~cancelled & (rows["customer"] != "")].groupby("order")["date"].nunique()
    assert (days > 1).sum() > 1000  # returned on another day under the order's number
    orders = rows[(rows["customer"] != "") & ~rows["again"]].groupby(UNIT)["amount"]
    assert ((orders.sum() == 0) & (orders.max() > 0)).sum() > 10  # returned in full
