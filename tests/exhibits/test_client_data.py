"""The exhibits on the client's files: books beside export, verdict, reading."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text

from crmlib.exhibits import Scope, client_data
from crmlib.intake.books import LedgerSums, reconcile, reconcile_ledger
from crmlib.intake.checks import Check

START, END = dt.date(2020, 1, 1), dt.date(2021, 12, 31)
SCOPE = Scope("a test", START, END, "EUR", "week", "revenue", 10)
N = 500


def base(customers: list[int] | None = None) -> SimpleNamespace:
    """Transactions of 24 months, 100 a month, with so many customers in each."""
    first = pd.date_range(START, END, freq="MS")
    months = pd.DataFrame({"month": first, "rows": 1, "customers": 50, "revenue": 100.0})
    if customers is not None:
        months["customers"] = customers
    years = pd.DataFrame({"year": [2020, 2021], "customers": 50, "revenue": 1200.0})
    facts = SimpleNamespace(customers=N, window_start=START, window_end=END)
    by_day = months.rename(columns={"month": "date"})[["date", "revenue"]]
    return SimpleNamespace(by_month=months, by_year=years, by_day=by_day, facts=facts)


def against(totals: dict[str, float], transactions: SimpleNamespace):
    frame = pd.DataFrame({"period": list(totals), "revenue": list(totals.values())})
    return reconcile(frame, transactions.by_day, (START, END), 0.01, "totals.csv")


def shown(totals: dict[str, float], transactions: SimpleNamespace):
    return client_data.control_totals(against(totals, transactions), transactions, SCOPE)


QUIET = [50, 50, 4, *[50] * 21]  # March 2020 is of four customers


def test_books_that_agree():
    exhibit = shown({"2020": 1200, "2021-Q1": 300, "2021-12": 100.5}, base())
    assert exhibit.title == "The export agrees with the books in all 3 periods"
    assert exhibit.table["export"].tolist() == [1200, 300, 100]
    assert exhibit.figure is not None
    assert (exhibit.n, exhibit.population) == (3, "periods")
    assert "withheld" not in exhibit.note


def test_books_that_differ_and_periods_in_part():
    exhibit = shown({"2020": 1000, "2021": 1200, "2019": 5}, base())
    assert exhibit.title == "The export differs from the books in 1 of 2 periods"
    assert exhibit.table["covered"].tolist() == [False, True, True]
    exhibit = shown({"2019": 5}, base())
    assert exhibit.title == "No period of the books lies wholly in the export"


def test_books_of_nothing_can_be_drawn():
    transactions = base()
    transactions.by_day = transactions.by_day.assign(revenue=0.0)
    exhibit = client_data.control_totals(against({"2020": 0}, transactions), transactions, SCOPE)
    assert exhibit.png().startswith(b"\x89PNG")


def test_many_periods_leave_room_for_their_names():
    totals = {f"{month:%Y-%m}": 100.0 for month in base().by_month["month"]}
    ax = shown(totals, base()).figure.axes[0]
    names = [text.get_text() for text in ax.get_xticklabels()]
    assert names == [f"{year}-{month:02d}" for year in (2020, 2021) for month in (1, 4, 7, 10)]


def test_a_month_of_few_customers_is_withheld_and_not_found_by_subtraction():
    """The books have every month, quarter and year: nothing may leave March 2020 over."""
    months = {f"{month:%Y-%m}": 100.0 for month in base().by_month["month"]}
    totals = {"2020": 1200, "2021": 1200, "2020-Q1": 300, "2020-Q2": 300, **months}
    table = shown(totals, base(QUIET)).table.set_index("period")
    hidden = table["export"].isna()
    assert hidden["2020-03"]
    assert table["books"].notna().all()  # the client's own
    assert table.loc[hidden, ["difference", "difference_share"]].isna().all(axis=None)
    left_over = equations(table.index[~hidden])
    march = (base().by_month["month"] == "2020-03-01").to_numpy().astype(float)
    fit = np.linalg.lstsq(left_over.T, march, rcond=None)[0] @ left_over
    assert not np.allclose(fit, march)
    assert not hidden["2020-Q2"]
    assert not hidden["2020"] or not hidden["2021"]


def equations(periods: pd.Index) -> np.ndarray:
    """Which months each period sums, with the whole base, which the report states."""
    first = base().by_month["month"]
    rows = [np.ones(len(first))]
    for period in periods:
        year, _, part = period.partition("-")
        inside = first.dt.year == int(year)
        if part.startswith("Q"):
            inside &= first.dt.quarter == int(part[1])
        elif part:
            inside &= first.dt.month == int(part)
        rows.append(inside.to_numpy().astype(float))
    return np.array(rows)


def test_quarters_are_withheld_whose_other_months_are_shown():
    """December goes with March, as the next smallest; each is all that its quarter hides."""
    transactions = base([50, 50, 4, *[50] * 8, 20, *[50] * 12])
    exhibit = shown({"2020-Q1": 300, "2020-Q3": 300, "2020-Q4": 300}, transactions)
    assert exhibit.table["export"].isna().tolist() == [True, False, True]
    assert "The export's revenue is withheld in 2: fewer than 10 customers." in exhibit.note


def test_goods_that_nobody_bought_but_somebody_returned_are_withheld():
    exhibit = shown({"2020-03": 100, "2020-05": 100}, base([50, 50, 0, *[50] * 21]))
    assert exhibit.table["export"].isna().tolist() == [True, False]


def test_without_books_the_years_are_shown_for_comparison():
    exhibit = client_data.control_totals(None, base(), SCOPE)
    assert exhibit.title == "Revenue is not reconciled yet: the client's books are missing"
    assert exhibit.formatted.iloc[:, 1].tolist() == ["1,200.00", "1,200.00"]
    assert "1,200.00" in exhibit._repr_mimebundle_()[0]["text/html"]


def test_years_of_few_customers_are_withheld_and_not_found_by_subtraction():
    """2020 holds four customers a month: with the total, 2021 would tell it."""
    exhibit = client_data.control_totals(None, base([4] * 12 + [50] * 12), SCOPE)
    assert exhibit.table["revenue"].isna().tolist() == [True, True]
    assert exhibit.formatted.iloc[:, 1].tolist() == ["withheld", "withheld"]
    assert exhibit.note.endswith("Years of fewer than 10 customers are withheld.")


def ledger(customers: list[int] | None = None, n: int = N) -> LedgerSums:
    """A ledger of 24 months, revenue 200 and margin 80 a month."""
    return LedgerSums(base(customers).by_month.assign(revenue=200.0, margin=80.0), n)


def shown_ledger(totals: dict[str, tuple[float, float]], sums: LedgerSums):
    """The exhibit of books against this ledger, whatever the transactions are."""
    frame = pd.DataFrame(list(totals.values()), columns=["revenue", "margin"])
    frame = frame.assign(period=list(totals))
    books = reconcile_ledger(frame, sums, (START, END), 0.01, "totals.csv")
    return client_data.control_totals(books, base(), SCOPE)


def test_a_ledger_is_compared_and_named():
    exhibit = shown_ledger({"2020": (2400, 960), "2021-Q1": (600, 300)}, ledger())
    assert exhibit.title == "The ledger differs from the books in 1 of 2 periods"
    assert exhibit.table["export"].tolist() == [2400, 600]
    assert exhibit.table["export_margin"].tolist() == [960, 240]
    assert exhibit.note.startswith(
        "Revenue and margin (revenue less all costs) of the ledger, not the transactions"
    )
    assert "in the ledger for 2 periods" in exhibit.alt
    labels = [text.get_text() for text in exhibit.figure.findobj(Text)]
    assert "ledger" in labels and "export" not in labels
    exhibit = shown_ledger({"2020": (2400, 960)}, ledger())
    assert exhibit.title == "The ledger agrees with the books in 1 period"


def test_a_ledger_is_withheld_by_its_own_customers():
    """March 2020 is of four customers in the ledger; the transactions have fifty in each."""
    totals = {f"2020-{m:02d}": (200, 80) for m in range(1, 13)}
    table = shown_ledger(totals, ledger(QUIET)).table
    hidden = table["export"].isna()
    assert hidden[2]
    assert table.loc[hidden, [c for c in table if c.startswith(("export", "difference"))]].isna(
    ).all(axis=None)  # fmt: skip
    assert table["export_margin"].isna().equals(hidden)
    assert not shown_ledger(totals, ledger()).table["export"].isna().any()


def test_all_but_a_few_customers_of_a_ledger_tell_of_these():
    """With 54 customers in the whole ledger, a month of 50 tells of the other four."""
    assert shown_ledger({"2020-03": (200, 80)}, ledger(n=54)).table["export"].isna().all()


def test_a_ledger_without_books_is_shown_by_year():
    books = reconcile_ledger(None, ledger(), (START, END), 0.01, "")
    exhibit = client_data.control_totals(books, base(), SCOPE)
    assert exhibit.title == "Revenue is not reconciled yet: the client's books are missing"
    assert exhibit.formatted.columns.tolist() == ["year", "revenue in the ledger, EUR"]
    assert exhibit.formatted.iloc[:, 1].tolist() == ["2,400.00", "2,400.00"]
    few = reconcile_ledger(None, ledger([4] * 12 + [50] * 12), (START, END), 0.01, "")
    exhibit = client_data.control_totals(few, base(), SCOPE)
    assert exhibit.table["revenue"].isna().all()


@pytest.mark.parametrize(
    "asks, verdict, title",
    [
        (["", ""], "good", "The data can carry the analysis; nothing is left to ask"),
        (["What?", ""], "ask", "The data can carry the analysis; 1 question to ask the client"),
        (["What?", "Why?"], "weak", "The data are weak in 2 points; ask 2 questions first"),
    ],
)
def test_the_verdict_counts_weak_points_and_questions(asks, verdict, title):
    checks = [Check(f"topic {i}", "Found.", verdict, ask) for i, ask in enumerate(asks)]
    exhibit = client_data.data_checks(checks, N, SCOPE)
    assert exhibit.title == title
    asked = [int(bool(ask)) for ask in asks]
    assert exhibit.table["questions"].tolist() == [*asked, sum(asked)]
    assert exhibit.table["weak_points"].iloc[-1] == 2 * (verdict == "weak")
    assert exhibit.table["verdict"].iloc[:2].tolist() == [client_data.VERDICTS[verdict]] * 2
    assert exhibit.formatted.columns.tolist() == [
        "looked at", "found", "verdict", "weak", "asks", "ask the client"
    ]  # fmt: skip
    assert exhibit.formatted["asks"].tolist() == [
        *("1" if a else "" for a in asked),
        str(sum(asked)),
    ]


def test_text_from_the_data_is_escaped():
    check = Check("<b>", "1 < 2 & 3.", "ask", "<script>?")
    page = client_data.data_checks([check], N, SCOPE)._repr_mimebundle_()[0]["text/html"]
    assert "<script>" not in page
    assert "&lt;script&gt;?" in page


def test_reading_has_a_line_for_each_note():
    notes = pd.DataFrame({"table": ["transactions", "ledger"], "note": ["UTF-8.", "Tab."]})
    exhibit = client_data.reading(notes, SCOPE)
    assert exhibit.title == "How the files were read: 2 conventions apply"
    assert exhibit.table["convention"].tolist() == ["UTF-8.", "Tab."]
    assert client_data.reading(notes[:1], SCOPE).title.endswith("1 convention applies")
    assert client_data.reading(notes[:0], SCOPE).title.endswith("no convention applies")
