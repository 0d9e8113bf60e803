"""Every check both ways: what it says of good data, and of data that it is there for."""

from __future__ import annotations

import dataclasses
import datetime as dt
from types import SimpleNamespace

import pandas as pd
import pytest

from crmlib.intake import checks, open_client
from crmlib.intake.books import LedgerSums, reconcile, reconcile_ledger
from crmlib.intake.checks import Check, Facts, Link
from crmlib.intake.ledger import COLUMNS, Count, build_ledger

GOOD_FACTS = Facts(
    window_start=dt.date(2020, 1, 1),
    window_end=dt.date(2020, 12, 31),
    first_date=dt.date(2020, 1, 1),
    last_date=dt.date(2020, 12, 30),
    rows=5_000,
    customers=1_000,
    orders=4_500,
    purchase_days=4_000,
    total_amount=100_000.0,
    one_time_share=0.4,
    repeat_customers=600,
    days_between_purchases=30.0,
    days_without_purchase_share=0.0,
    largest_customer_share_of_rows=0.01,
    all_amounts_equal=False,
    has_order_id=True,
    has_margin=True,
    new_customers=pd.Series(80, index=pd.date_range("2020-01-01", periods=12, freq="MS")),
)


def facts(**changes: object) -> Facts:
    return dataclasses.replace(GOOD_FACTS, **changes)


def months(revenue: list[float], customers: int = 50) -> pd.DataFrame:
    first = pd.date_range("2020-01-01", periods=len(revenue), freq="MS")
    frame = {"month": first, "rows": 1, "customers": customers, "revenue": revenue}
    return pd.DataFrame(frame)


def test_repeat_buyers():
    assert checks._repeaters(facts(repeat_customers=100), 10) == Check(
        "repeat buyers", "100 of 1,000 customers bought on more than one day.", "good"
    )
    weak = checks._repeaters(facts(repeat_customers=99), 10)
    assert (weak.verdict, weak.found) == (
        "weak",
        "99 of 1,000 customers bought on more than one day. "
        "Models of purchasing need a hundred or more.",
    )


def test_repeat_buyers_or_others_who_are_few_are_not_counted():
    assert checks._repeaters(facts(repeat_customers=997), 10).found == (
        "All but fewer than 10 customers bought on more than one day."
    )
    few = checks._repeaters(facts(repeat_customers=3), 10)
    assert few.found.startswith("Fewer than 10 customers bought on more than one day.")
    assert "0 of 1,000" in checks._repeaters(facts(repeat_customers=0), 10).found


def test_time_covered():
    good = checks._length(facts(days_between_purchases=122.0))
    assert (good.verdict, good.found) == (
        "good", "The export covers 366 days, 3 times a repeat buyer's usual gap of 122 days."
    )  # fmt: skip
    weak = checks._length(facts(days_between_purchases=123.0))
    assert weak.verdict == "weak"
    assert weak.found.endswith("Who has left cannot be told from who pauses.")
    nobody = checks._length(facts(days_between_purchases=None))
    assert (nobody.verdict, nobody.found) == ("good", "The export covers 366 days.")


@pytest.mark.parametrize(
    "revenue, said",
    [
        ([10] * 12, "No month is empty or far below its neighbours."),
        ([10] * 5 + [2.4] + [10] * 6,
         "Revenue falls to less than a quarter of the months around it in June 2020."),
        ([10] * 5 + [2.5] + [10] * 6, "No month is empty or far below its neighbours."),
        ([10] * 5 + [0] + [10] * 6,
         "Revenue falls to less than a quarter of the months around it in June 2020."),
        ([10] * 5 + [0, 0] + [10] * 5, "2 of 12 months hold no revenue."),
        ([10, 1, 10, 1, 10, 1, 10, 1, 10, 10, 10, 10],
         "Revenue falls to less than a quarter of the months around it in "
         "February 2020, April 2020, June 2020."),
    ],
)  # fmt: skip
def test_holes(revenue, said):
    [check] = checks._months(months(revenue), GOOD_FACTS, "revenue")
    assert check.found == said
    assert check.verdict == ("good" if said.startswith("No month") else "ask")
    assert bool(check.ask) == (check.verdict == "ask")


def test_months_that_the_window_holds_in_part_are_no_holes():
    window = facts(window_start=dt.date(2020, 1, 28), window_end=dt.date(2020, 12, 3))
    [check] = checks._months(months([1, *[10] * 10, 1]), window, "revenue")
    assert check.verdict == "good"


def test_a_hole_is_one_in_what_the_amounts_are():
    [check] = checks._months(months([10, 10, 1, *[10] * 9]), GOOD_FACTS, "card spending")
    assert check.found.startswith("Card spending falls to less than a quarter")


def test_first_and_last_day():
    good = checks._edges(facts(first_date=dt.date(2020, 1, 8), last_date=dt.date(2020, 12, 24)))
    assert (good.verdict, good.found) == ("good", "Purchases run from 2020-01-08 to 2020-12-24.")
    late = checks._edges(facts(last_date=dt.date(2020, 12, 23)))
    assert (late.verdict, late.ask) == (
        "ask", "Which days does the export cover, first and last?"
    )  # fmt: skip
    assert late.found.endswith("In the last 8 days of the time stated nobody bought.")
    early = checks._edges(facts(first_date=dt.date(2020, 1, 9)))
    assert early.found.endswith("In the first 8 days of the time stated nobody bought.")
    rare = facts(purchase_days=30, last_date=dt.date(2020, 12, 1))
    assert checks._edges(rare).verdict == "good"  # thirty days are usual there


@pytest.mark.parametrize(
    "new, verdict, said",
    [
        ([80] * 12, "good", "The first months hold 1.0 times the usual newcomers."),
        ([240] + [80] * 11, "good", "The first months hold 3.0 times the usual newcomers."),
        ([241] + [80] * 11, "ask",
         "The first months hold 3.0 times the usual newcomers: most bought before and only "
         "look new."),
        ([80, 80, 80] + [0] * 9, "ask",
         "Hardly anybody first buys after March 2020: the base was drawn as one cohort."),
    ],
)  # fmt: skip
def test_new_customers(new, verdict, said):
    counts = pd.Series(new, index=pd.date_range("2020-01-01", periods=12, freq="MS"))
    check = checks._newcomers(facts(new_customers=counts[counts > 0]))
    assert (check.verdict, check.found) == (verdict, said)


def test_new_customers_of_three_months():
    check = checks._newcomers(facts(window_end=dt.date(2020, 3, 31)))
    assert check.found == "Too few months to tell new customers from earlier ones."
    assert check.verdict == "ask"


@pytest.mark.parametrize(
    "share, level", [(0.099, ""), (0.1, "a tenth"), (0.25, "a quarter"), (0.5, "half")]
)
def test_single_ids(share, level):
    check = checks._dominance(facts(largest_customer_share_of_rows=share))
    said = "No single customer id stands on a tenth of the rows."
    if level:
        said = f"One customer id stands on at least {level} of all rows."
    assert (check.found, check.verdict) == (said, "ask" if level else "good")
    assert checks._dominance(facts(largest_customer_share_of_rows=1.0, customers=1)).ask == ""


def test_what_the_rows_carry():
    assert checks._orders(GOOD_FACTS).found == "4,500 orders are told apart by number."
    assert checks._orders(facts(has_order_id=False)).verdict == "ask"
    assert checks._margin(GOOD_FACTS, "revenue").found == "Rows carry their margin."
    missing = checks._margin(facts(has_margin=False), "card spending")
    assert (missing.verdict, "value is card spending until" in missing.found) == ("ask", True)
    merged = checks.identities(10, given=True, min_cell=10)
    assert merged.found == "10 ids are merged into other customers."
    few = checks.identities(9, given=True, min_cell=10)
    assert (few.verdict, few.found) == (
        "good", "Fewer than 10 ids are merged into other customers."
    )  # fmt: skip
    assert checks.identities(0, given=False, min_cell=10).verdict == "ask"


def test_rows():
    read, used = Count(1_000), Count(985)
    lost = {"missing date": Count(11, records=(1, 2)), "zero amount": Count(4, records=(9,))}
    found = checks.rows(build_ledger("transactions", read, lost, used))
    assert [(check.verdict, check.found) for check in found] == [
        ("ask", "11 rows (1.1%) are excluded: missing date."),
        ("good", "985 of 1,000 rows are used; the ledger names the reason for every other."),
    ]
    assert found[0].ask == "Ask what a row without a date means (rows such as 1, 2)."
    [all_used] = checks.rows(build_ledger("budgets", Count(3), {}, Count(3)))
    assert (all_used.topic, all_used.found) == ("rows of budgets", "All 3 rows are used.")


def test_reasons_that_say_nothing_against_a_table_are_not_asked_about():
    lost = {"blank line": Count(50), "row of a merged id": Count(50)}
    ledger = build_ledger("customers", Count(200), lost, Count(100))
    assert [check.verdict for check in checks.rows(ledger)] == ["good"]


def books(totals: dict[str, float], revenue: float = 100.0, tolerance: float = 0.01):
    days = pd.DataFrame({"date": pd.to_datetime(["2020-02-01"]), "revenue": [revenue]})
    frame = pd.DataFrame({"period": list(totals), "revenue": list(totals.values())})
    window = (dt.date(2020, 1, 1), dt.date(2020, 12, 31))
    return reconcile(frame, days, window, tolerance, "totals.csv")


def test_books():
    none = checks._books(None, few=False)
    assert (none.verdict, none.found) == (
        "ask", "No control totals were given: nothing says that the export is whole."
    )  # fmt: skip
    good = checks._books(books({"2020-02": 100.5, "2020": 100}), few=False)
    assert (good.verdict, good.found) == (
        "good", "Revenue agrees with the books in all 2 periods, to within 0.50%."
    )  # fmt: skip
    below = checks._books(books({"2020-02": 125, "2020": 100}), few=False)
    assert (below.verdict, below.found) == (
        "weak",
        "In 1 of 2 periods revenue differs from the books; in 2020-02 the export is below them "
        "by 20.0%.",
    )
    assert below.ask.startswith("What is in your books for 2020-02 and not in the export")
    above = checks._books(books({"2020-02": 0}), few=False)
    assert above.found.endswith("in 2020-02 the export is above them.")
    other = checks._books(books({"2019": 100}), few=False)
    assert (other.verdict, other.found) == (
        "ask", "No period of the control totals lies wholly in the export's time."
    )  # fmt: skip


def ledger_books(totals: dict[str, tuple[float, float]], revenue: float, margin: float):
    """Books of revenue and margin beside a ledger with one month."""
    month = pd.DataFrame({"month": pd.to_datetime(["2020-02-01"]), "customers": 50})
    sums = LedgerSums(month.assign(revenue=revenue, margin=margin), 50)
    frame = pd.DataFrame(list(totals.values()), columns=["revenue", "margin"])
    window = (dt.date(2020, 1, 1), dt.date(2020, 12, 31))
    return reconcile_ledger(frame.assign(period=list(totals)), sums, window, 0.01, "totals.csv")


def test_books_beside_a_ledger_say_so():
    good = checks._books(ledger_books({"2020-02": (100, 50)}, 100, 50.25), few=False)
    assert good.found == (
        "The ledger's revenue and margin agree with the books in all 1 periods, to within 0.50%."
    )
    below = checks._books(ledger_books({"2020-02": (125, 50)}, 100, 25), few=False)
    assert below.found == (
        "In 1 of 1 periods the ledger's revenue differs from the books; in 2020-02 the ledger is "
        "below them by 20.0%."
    )
    margin = checks._books(ledger_books({"2020-02": (100, 50)}, 100, 60), few=False)
    assert margin.found == (
        "In 1 of 1 periods the ledger's margin differs from the books; in 2020-02 the ledger is "
        "above them by 20.0%."
    )
    assert "not in the ledger" in margin.ask and "shipping" not in margin.ask
    few = checks._books(ledger_books({"2020-02": (100, 50)}, 100, 60), few=True)
    assert few.found.endswith("the ledger is above them.")
    none = ledger_books({"2020-02": (100, 50)}, 100, 60)
    none = dataclasses.replace(none, table=none.table.iloc[:0])
    assert checks._books(none, few=False).found.startswith("No control totals were given")


def test_few_customers_are_those_of_the_table_that_is_compared():
    busy = SimpleNamespace(by_month=months([5], customers=50))
    sums = LedgerSums(months([5], customers=4), 4)
    ledger = dataclasses.replace(books({"2020-02": 100}), ledger=sums)
    assert checks._months_compared(ledger, busy) is sums.by_month
    assert checks._months_compared(books({"2020-02": 100}), busy) is busy.by_month
    assert checks._months_compared(None, busy) is busy.by_month


def test_books_beside_months_of_few_customers_are_not_put_in_numbers():
    assert checks._books(books({"2020-02": 125}), few=True).found.endswith("is below them.")
    assert checks._books(books({"2020-02": 100.5}), few=True).found.endswith("to within 1.00%.")
    assert not checks.few_customers(months([5, 0], customers=10), min_cell=10)
    assert checks.few_customers(months([5, 5], customers=9), min_cell=10)
    assert checks.few_customers(months([-5], customers=0), min_cell=10)  # goods came back
    assert not checks.few_customers(months([0], customers=0), min_cell=10)
    assert not checks.few_customers(months([5], customers=1), min_cell=1)


def test_links():
    def said(**counts: int) -> tuple[str, str]:
        link = Link("survey", "customer_id", "transactions", others=99, **counts)
        [check] = checks.linked((link,), min_cell=10)
        return check.verdict, check.found

    assert said(values=20, found=20) == (
        "good", "All customers in survey are found in transactions."
    )  # fmt: skip
    assert said(values=20, found=10) == ("ask", "Of 20 customers in survey 10 never bought.")
    assert said(values=20, found=11) == (
        "ask", "Of 20 customers in survey fewer than 10 never bought."
    )  # fmt: skip
    assert said(values=50, found=3)[1] == (
        "All but fewer than 10 customers in survey never bought."
    )
    assert said(values=20, found=0) == ("weak", "No customer in survey is found in transactions.")
    verdict, found = said(values=20, found=10, alike=5)
    assert verdict == "weak"
    assert found.endswith("differ from a buyer's in zeros, capitals or marks alone.")


def test_one_question_about_customers_who_never_bought_serves_all_tables():
    def link(table: str, found: int, **counts: int) -> Link:
        return Link(
            table, "customer_id", "transactions", values=50, others=99, found=found, **counts
        )

    links = (link("contracts", 30), link("ledger", 45), link("customers", 4), link("survey", 50))
    links += (link("external", 0),)
    said = {check.topic: (check.verdict, check.found) for check in checks.linked(links, 10)}
    assert said == {
        "customers without a purchase": (
            "ask",
            "Customers who never bought: 20 of 50 in contracts, fewer than 10 of 50 in ledger, "
            "all but fewer than 10 in customers.",
        ),
        "survey and transactions": ("good", "All customers in survey are found in transactions."),
        "external and transactions": (
            "weak", "No customer in external is found in transactions."
        ),
    }  # fmt: skip


@pytest.fixture
def whole():
    """What `look` is given where nothing is weak."""
    transactions = SimpleNamespace(facts=GOOD_FACTS, by_month=months([10] * 12))
    ledger = build_ledger("transactions", Count(9), {}, Count(9))
    engagement = SimpleNamespace(
        privacy=SimpleNamespace(min_cell=10),
        inputs=SimpleNamespace(
            given=lambda: {"identities": None}, transactions=SimpleNamespace(amount_is="revenue")
        ),
    )
    return transactions, ledger, books({"2020": 100}), (), 3, engagement


def test_good_data_leave_nothing_to_ask(whole):
    found = checks.look(*whole)
    assert {check.verdict for check in found} == {"good"}
    assert not any(check.ask for check in found)
    assert len({check.topic for check in found}) == len(found)


def test_the_weightiest_comes_first_and_equal_amounts_are_weak(whole):
    changed = facts(all_amounts_equal=True, has_margin=False)
    found = checks.look(SimpleNamespace(facts=changed, by_month=whole[0].by_month), *whole[1:])
    assert [check.topic for check in found][:2] == ["amounts", "margin"]
    assert [check.verdict for check in found][:3] == ["weak", "ask", "good"]
    assert found[0].found == "Every purchase day has the same amount."


def test_every_question_has_a_verdict_that_says_so(send):
    """A real and poor export: whatever is not good asks for something."""
    client = open_client(send())
    assert {check.verdict for check in client.checks} == {"weak", "ask", "good"}
    for check in client.checks:
        assert bool(check.ask) == (check.verdict != "good"), check
        assert check.found.endswith("."), check
    assert list(client.ledger.columns) == COLUMNS
