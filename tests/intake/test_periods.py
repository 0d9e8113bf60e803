"""Two periods of value side by side, as pandas would sum them."""

import datetime as dt
from decimal import Decimal

import ibis
import pandas as pd
import pytest

from crmlib.intake.periods import from_ledger, from_purchases, two_periods, with_contracts

LEDGER = pd.DataFrame(
    [
        ("a", "2023-12-01", "revenue", 900.0),  # before both periods
        ("a", "2024-01-01", "revenue", 10.0),
        ("a", "2024-03-01", "cost_to_serve", 4.0),
        ("a", "2024-04-01", "risk_cost", 1.0),
        ("a", "2024-04-01", "marketing", 70.0),  # no part of contribution
        ("a", "2025-12-01", "revenue", 20.0),
        ("b", "2025-02-01", "revenue", 5.0),
        ("c", "2023-01-01", "revenue", 8.0),
    ],
    columns=["customer_id", "month", "line", "amount"],
).assign(product="loan")
PARTS = [f"{name}_{at}" for name in ("first", "second") for at in range(1, 5)]


def kept(tmp_path, table: pd.DataFrame, days: list[str], name: str = "table"):
    """A table as intake keeps it: days as days, money exact."""
    path = tmp_path / f"{name}.parquet"
    exact = {"amount": [Decimal(f"{a:.2f}") for a in table["amount"]]} if "amount" in table else {}
    stamps = {day: pd.to_datetime(table[day]).dt.date for day in days}
    table.assign(**stamps, **exact).to_parquet(path, index=False)
    return path


def bought(rows: list[tuple[str, str, float]]) -> ibis.Table:
    days = pd.DataFrame(rows, columns=["customer_id", "date", "amount"])
    return ibis.memtable(days.assign(date=pd.to_datetime(days["date"]).dt.date, n_orders=1))


def test_contribution_by_quarter_of_the_last_two_years(tmp_path):
    path = kept(tmp_path, LEDGER, ["month"])
    found = from_ledger(path, dt.date(2023, 1, 1), dt.date(2025, 12, 31))
    assert (found.start, found.middle, found.end, found.months) == (
        dt.date(2024, 1, 1), dt.date(2025, 1, 1), dt.date(2025, 12, 31), 12
    )  # fmt: skip
    rows = found.table.set_index("customer_id")[PARTS]
    assert rows.loc["a"].tolist() == [6, -1, 0, 0, 0, 0, 0, 20]
    assert rows.loc["b"].tolist() == [0, 0, 0, 0, 5, 0, 0, 0]
    assert rows.loc["c"].tolist() == [0] * 8, "in the data, and in neither period"
    assert found.same_months


def test_a_ledger_that_ends_early_ends_the_periods(tmp_path):
    early = LEDGER[LEDGER["month"] < "2025-03"]
    found = from_ledger(kept(tmp_path, early, ["month"]), dt.date(2023, 1, 1), dt.date(2025, 3, 30))
    assert found.end == dt.date(2025, 2, 28) and found.middle == dt.date(2024, 3, 1)


@pytest.mark.parametrize(("first", "months"), [("2024-12-01", 6), ("2025-04-01", 3)])
def test_a_short_ledger_gives_two_halves_of_whole_quarters(tmp_path, first, months):
    late = LEDGER.assign(month=LEDGER["month"].where(LEDGER["month"] > first, first))
    found = from_ledger(kept(tmp_path, late, ["month"]), dt.date(2023, 1, 1), dt.date(2025, 12, 31))
    assert found.months == months and not found.same_months
    assert sum(column.startswith("first_") for column in found.table) == months // 3


def test_a_ledger_of_a_few_months_or_of_another_time_has_no_period(tmp_path):
    few = LEDGER.assign(month="2025-12-01")
    for number, rows in enumerate((few, LEDGER.assign(month="2020-01-01"))):
        path = kept(tmp_path, rows, ["month"], f"t{number}")
        found = from_ledger(path, dt.date(2023, 1, 1), dt.date(2025, 12, 31))
        assert found.table.columns.tolist() == ["customer_id"] and found.months == 0


def test_purchases_of_two_years_and_who_first_came_in_the_first():
    purchases = bought(
        [("a", "2023-05-01", 1.0), ("a", "2024-02-01", 10.0), ("a", "2024-03-01", 20.0),
         ("a", "2025-12-31", 40.0), ("b", "2024-07-01", 5.0), ("c", "2025-07-01", 7.0),
         ("c", "2026-01-02", 99.0)]
    )  # fmt: skip
    found = from_purchases(purchases, dt.date(2023, 1, 1), dt.date(2026, 1, 10), 0.5)
    assert (found.start, found.end) == (dt.date(2024, 1, 1), dt.date(2025, 12, 31))
    rows = found.table.set_index("customer_id")
    assert rows.loc["a"].tolist() == [2, 15.0, 1, 20.0, False]
    assert rows["joining"].tolist() == [False, True, True]
    months = found.by_month.set_index("month")
    assert months.loc["2024-02-01", ["first", "second"]].tolist() == [True, False]
    assert months["second"].sum() == 2 and months.loc["2026-01-01", "revenue"] == 99
    assert not months.loc["2026-01-01", ["first", "second"]].any()


def test_a_short_time_of_purchases_keeps_a_third_to_see_who_was_there():
    """18 months: everybody came in the first six, whom the first period must not hold as new."""
    rows = [(f"c{i}", f"1997-0{1 + i % 3}-15", 5.0) for i in range(9)]
    purchases = bought([*rows, ("c1", "1997-08-01", 5.0), ("c2", "1998-02-01", 5.0)])
    found = from_purchases(purchases, dt.date(1997, 1, 1), dt.date(1998, 6, 30), 1.0)
    assert (found.start, found.middle, found.months) == (
        dt.date(1997, 7, 1), dt.date(1998, 1, 1), 6
    )  # fmt: skip
    assert not found.table["joining"].any()
    short = from_purchases(purchases, dt.date(1997, 10, 1), dt.date(1998, 5, 30), 1.0)
    assert short.months == 0 and list(short.table) == ["customer_id"]


def test_two_years_to_the_day_do_not_tell_who_came():
    purchases = bought([("a", "2024-02-01", 1.0), ("b", "2025-02-01", 1.0)])
    found = from_purchases(purchases, dt.date(2024, 1, 1), dt.date(2025, 12, 31), 1.0)
    assert found.months == 12 and "joining" not in found.table


def test_contracts_say_who_came_and_who_had_left(tmp_path):
    contracts = pd.DataFrame(
        [
            ("a", "2020-01-01", None), ("a", "2024-02-01", "2024-05-01"),
            ("b", "2024-02-01", "2025-06-30"), ("c", "2019-01-01", "2023-05-01"),
            ("c", "2019-01-01", "2026-02-01"), ("d", "2027-01-01", None),
        ],
        columns=["customer_id", "start_date", "end_date"],
    )  # fmt: skip
    path = kept(tmp_path, contracts, ["start_date", "end_date"], "contracts")
    ledger = kept(tmp_path, LEDGER, ["month"])
    rows = pd.concat([LEDGER, LEDGER.iloc[:1].assign(customer_id="d")])
    ledger = kept(tmp_path, rows, ["month"])
    found = with_contracts(from_ledger(ledger, dt.date(2023, 1, 1), dt.date(2025, 12, 31)), path)
    table = found.table.set_index("customer_id")
    assert table["joining"].to_dict() == {"a": False, "b": True, "c": False, "d": False}
    assert table["leaving"].to_dict() == {"a": False, "b": True, "c": False, "d": False}
    assert found.tables == ("ledger", "contracts")


def test_the_best_source_is_taken(tmp_path):
    purchases = bought([("a", "2024-02-01", 1.0), ("b", "2025-02-01", 1.0)])
    window = (dt.date(2023, 1, 1), dt.date(2025, 12, 31))
    path = kept(tmp_path, LEDGER, ["month"])
    assert two_periods(path, None, purchases, *window, 1.0).tables == ("ledger",)
    assert two_periods(None, None, purchases, *window, 1.0).tables == ("transactions",)
