"""What contracts contribute a month, against a ledger small enough to add up by hand.

2023 has 365 days and a month 30.4375: money of so much a day is that times 30.4375 a month.
"""

import numpy as np
import pandas as pd
import pytest

from crmlib.stats.optimise import NotIdentified
from crmlib.value.contribution import (
    growth,
    ledger_contribution,
    realised,
    stated_contribution,
    stated_until,
)
from crmlib.value.spells import RELATIONSHIP, contract_spells, relationship_spells

WINDOW = {"start": "2021-01-01", "end": "2023-12-31"}
MONTH = 365.25 / 12  # days
ENDLESS = None
CONTRACTS = [
    # customer, contract, product, first day, last day
    ("A", "a1", "account", "2020-05-01", ENDLESS),
    ("A", "a2", "card", "2023-12-01", ENDLESS),  # one month old
    ("B", "b1", "account", "2020-05-01", ENDLESS),
    ("B", "b2", "card", "2020-05-01", ENDLESS),
    ("B", "b3", "card", "2023-07-01", ENDLESS),  # 184 days of 2023
    ("C", "c1", "account", "2020-05-01", "2023-07-19"),  # 200 days of 2023
    ("C", "c2", "card", "2022-03-01", "2023-07-19"),
    ("B", "b4", "savings", "2020-05-01", ENDLESS),
]
YEAR = [
    # customer, product, line, amount
    ("A", "account", "revenue", 365.0),  # 1 a day
    ("A", "card", "revenue", 5.0),
    ("A", "fees", "revenue", 73.0),  # a product that nobody has a contract for
    ("A", "account", "cost_to_serve", 219.0),  # 0.6 a day
    ("A", "account", "marketing", 999.0),
    ("B", "account", "revenue", 730.0),
    ("B", "account", "risk_cost", 129.5),  # a tenth of all revenue of accounts
    ("B", "card", "revenue", 1_098.0),  # 549 days on two cards: 2 a day
    ("B", "savings", "revenue", 150.0),
    ("B", "loan", "risk_cost", 36.5),  # risk of a product without revenue
    ("B", "card", "cost_to_serve", 109.5),
    ("C", "account", "revenue", 200.0),
    ("C", "card", "revenue", 600.0),
    ("D", "fees", "cost_to_serve", 50.0),  # nobody whom contracts know
]
BEFORE = [
    ("A", "account", "revenue", 400.0),
    ("A", "account", "cost_to_serve", 200.0),
    ("B", "account", "revenue", 800.0),
    ("B", "card", "revenue", 700.0),
    ("B", "savings", "revenue", 100.0),
    ("B", "card", "cost_to_serve", 100.0),
    ("C", "account", "revenue", 9_999.0),
]


def contracts(rows=CONTRACTS) -> pd.DataFrame:
    names = ["customer_id", "contract_id", "product", "start_date", "end_date"]
    table = pd.DataFrame(rows, columns=names)
    for name in names[3:]:
        table[name] = pd.to_datetime(table[name])
    return table


def ledger(rows) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["customer_id", "product", "line", "amount"])


def contributed(year=YEAR, before=BEFORE, rows=CONTRACTS, **changes):
    table = contracts(rows)
    given = {"year": ledger(year), "before": ledger(before), **changes}
    spells, relationships = (of(table, **WINDOW) for of in (contract_spells, relationship_spells))
    return ledger_contribution(spells, relationships, end=WINDOW["end"], **given)


def margins(found) -> pd.Series:
    """Margin by contract; a relationship goes by its customer."""
    spells = found.spells
    name = spells["contract_id"].mask(spells["product"] == RELATIONSHIP, spells["customer_id"])
    return spells.set_index(name)["margin"]


def test_margins_are_revenue_a_month_less_pooled_risk():
    """Risk is 129.50 of 1,295 of all accounts, whoever had it."""
    margin = margins(contributed(before=[]))
    assert margin["a1"] == pytest.approx(MONTH * 0.9)
    assert margin["b1"] == pytest.approx(2 * MONTH * 0.9)


def test_contracts_that_have_ended_contribute_nothing_more():
    margin = margins(contributed())
    assert margin[["c1", "c2", "C"]].tolist() == [0, 0, 0]


def test_contracts_of_one_product_share_its_money_by_days():
    margin = margins(contributed())
    assert margin["b2"] == pytest.approx(2 * MONTH)
    assert margin["b3"] == pytest.approx(2 * MONTH)


def test_a_young_contract_is_valued_at_the_mean_of_its_product():
    """1,098 and 600 on 549 and 200 days: money shared by two contracts counts once."""
    assert margins(contributed())["a2"] == pytest.approx((1_098 + 600) / (549 + 200) * MONTH)


def test_a_relationship_costs_service_and_what_no_contract_carries():
    """Revenue without a contract makes it cheaper, risk without revenue dearer."""
    margin = margins(contributed())
    assert margin["A"] == pytest.approx(-(219 - 73) / 365 * MONTH)
    assert margin["B"] == pytest.approx(-(109.5 + 36.5) / 365 * MONTH)


def test_a_relationship_that_began_anew_costs_what_both_parts_of_it_cost():
    """Gone in April, back in August: 90 and 153 days share the year's cost."""
    returned = [
        *CONTRACTS,
        ("E", "e1", "account", "2020-05-01", "2023-03-31"),
        ("E", "e2", "account", "2023-08-01", ENDLESS),
    ]
    year = [*YEAR, ("E", "account", "cost_to_serve", 243.0)]
    spells = contributed(year=year, rows=returned).spells
    own = spells[(spells["customer_id"] == "E") & (spells["product"] == RELATIONSHIP)]
    assert own["margin"].tolist() == pytest.approx([0, -MONTH])


def test_marketing_is_no_part_of_it_and_strangers_change_nothing():
    kept = [row for row in YEAR if row[2] != "marketing" and row[0] != "D"]
    pd.testing.assert_frame_equal(contributed(year=kept).spells, contributed().spells)


def test_growth_is_that_of_contracts_that_ran_through_both_years():
    """Accounts of A and B and B's savings; C has left, and B's cards have become two."""
    trends = contributed().trends
    growth = (365 + 730 + 150) / (400 + 800 + 100) - 1
    assert trends["account"].growth == pytest.approx(growth)
    assert trends["card"] is trends["account"] is trends["savings"]
    assert trends[RELATIONSHIP].growth == pytest.approx((219 + 109.5) / 300 - 1)


@pytest.mark.parametrize("customers", [49, 50])
def test_a_product_that_enough_customers_had_has_a_trend_of_its_own(customers):
    """Accounts fall by a tenth, policies stay: of 49 holders one trend, from 50 on two."""
    ids = [f"K{at}" for at in range(60)]
    rows = [(who, f"{who}-a", "account", "2020-05-01", ENDLESS) for who in ids]
    rows += [(who, f"{who}-p", "policy", "2020-05-01", ENDLESS) for who in ids[:customers]]
    money = {
        paid: [(who, product, "revenue", amount) for who, _, product, *_ in rows
               for amount in [paid if product == "account" else 50.0]]
        for paid in (100.0, 90.0)
    }  # fmt: skip
    trends = contributed(year=money[90.0], before=money[100.0], rows=rows).trends
    together = -600 / (6_000 + 50 * customers)
    own = {49: together, 50: 0.0}[customers]
    assert trends["account"].growth == pytest.approx(-0.1)
    assert trends["policy"].growth == pytest.approx(own)
    assert trends["account"].of_all.growth == pytest.approx(together)
    assert (trends["policy"].of_all is trends["account"].of_all) == (customers == 50)


def test_without_the_year_before_there_is_no_trend_and_a_note_says_so():
    found = contributed(before=[])
    assert found.trends == {}
    assert found.notes == ("the ledger does not cover two years: no trend is seen",)


def test_a_year_before_without_money_shows_no_growth():
    found = contributed(before=[("A", "account", "marketing", 1.0)])
    assert [trend.growth for trend in found.trends.values()] == [0, 0, 0, 0]


@pytest.mark.parametrize("seed", [1, 2])
def test_neither_currency_nor_order_of_rows_matters(seed):
    rng = np.random.default_rng(seed)
    year, before = ledger(YEAR), ledger(BEFORE)
    table = [CONTRACTS[at] for at in rng.permutation(len(CONTRACTS))]
    scaled = {
        name: rows.assign(amount=100 * rows["amount"]).sample(frac=1, random_state=seed)
        for name, rows in {"year": year, "before": before}.items()
    }
    plain, moved = contributed(), contributed(rows=table, **scaled)
    expected = 100 * margins(plain)
    assert margins(moved)[expected.index].tolist() == pytest.approx(expected.tolist())
    for product, trend in plain.trends.items():
        assert moved.trends[product].growth == pytest.approx(trend.growth)


def test_a_ledger_without_revenue_of_running_contracts_is_refused():
    costs = [row for row in YEAR if row[2] != "revenue" or row[0] == "C"]
    with pytest.raises(NotIdentified, match="no revenue of a running contract"):
        contributed(year=costs)


def test_costs_and_revenue_are_realised_with_their_sign():
    found = realised(ledger(YEAR))
    assert found["A"] == 365 + 5 + 73 - 219
    assert found["B"] == 730 - 129.5 + 1_098 + 150 - 36.5 - 109.5
    assert found["D"] == -50


def stated(margin) -> pd.DataFrame:
    return contract_spells(contracts(), **WINDOW).assign(margin=margin)


def test_stated_margins_are_those_of_contracts_that_run():
    found = stated_contribution(stated(np.arange(1.0, 9.0)), min_cell=2)
    assert found.spells["margin"].tolist() == [1, 2, 3, 4, 5, 0, 0, 8]
    assert (found.trends, found.notes) == ({}, ())


@pytest.mark.parametrize("min_cell, count", [(2, "3"), (3, "a few")])
def test_contracts_without_a_margin_are_left_out_and_counted(min_cell, count):
    """Three contracts of two customers; of fewer than may be shown no number is told."""
    found = stated_contribution(stated([np.nan, 2, np.nan, 4, np.nan, 9, np.nan, 8]), min_cell)
    assert found.spells["running"].tolist() == [False, True, False, True, False, False, False, True]
    assert found.spells["margin"].tolist() == [0, 2, 0, 4, 0, 0, 0, 8]
    assert found.notes == (f"{count} running contracts have no margin and are not valued",)


def test_no_stated_margin_at_all_is_refused():
    bare = contract_spells(contracts(), **WINDOW)
    for table in (bare, stated([np.nan] * 5 + [1.0, 2.0, np.nan])):
        with pytest.raises(NotIdentified, match="has a margin"):
            stated_contribution(table, min_cell=1)


def test_stated_margins_add_up_between_two_days():
    """July 2023: accounts and cards of B, and 19 days of C's two contracts."""
    found = stated_until(stated(np.arange(1.0, 9.0)), "2023-07-01", "2023-07-31")
    assert found["A"] == pytest.approx(1 * 31 / MONTH)
    assert found["B"] == pytest.approx((3 + 4 + 5 + 8) * 31 / MONTH)
    assert found["C"] == pytest.approx((6 + 7) * 19 / MONTH)


def test_who_had_the_risk_of_a_product_goes_with_its_margins():
    """Accounts alone: of fees and savings there is no risk, of loans no revenue."""
    (name, pooled), *others = contributed(before=[]).risks.items()
    assert (name, others) == ("account", [])
    assert dict(zip(pooled.customer_id, pooled.revenue, strict=True)) == {
        "A": 365, "B": 730, "C": 200
    }  # fmt: skip
    assert pooled.risk.tolist() == [0, 129.5, 0]


def test_risk_is_what_both_years_lost():
    """129.50 of 1,295 and then 350.50 on 11,199: losses are rare, and one year shows few."""
    found = contributed(before=[*BEFORE, ("C", "account", "risk_cost", 350.5)])
    share = (129.5 + 350.5) / (1_295 + 11_199)
    assert found.risks["account"].share == pytest.approx(share)
    assert margins(found)["a1"] == pytest.approx(MONTH * (1 - share))


def test_a_year_before_that_is_booked_in_part_says_nothing_of_risk():
    before = [*BEFORE, ("C", "account", "risk_cost", 350.5)]
    assert contributed(before=before, booked_from="2022-03-01").risks["account"].share == 0.1


def test_recoveries_beyond_losses_raise_margins_once():
    """A tenth came back: revenue counts for more, and no relationship is cheaper for it."""
    rows = [row for row in YEAR if row[2] != "risk_cost"]
    back = contributed(year=[*rows, ("B", "account", "risk_cost", -129.5)], before=[])
    none = contributed(year=rows, before=[])
    assert margins(back)["a1"] == pytest.approx(1.1 * MONTH)
    assert margins(back)["B"] == pytest.approx(margins(none)["B"])


def test_months_that_the_ledger_does_not_book_are_no_months_without_revenue():
    """Booked from July on: 184 of 365 days, and no year before to compare with."""
    found = contributed(booked_from="2023-07-01")
    margin = margins(found)
    assert margin["a1"] == pytest.approx(365 / 184 * MONTH * 0.9)
    assert margin["b2"] == pytest.approx(1_098 / (2 * 184) * MONTH)
    assert found.trends == {}
    assert found.notes[-1] == "margins are those of the 6 months that the ledger books"


def test_a_year_before_that_is_booked_in_part_shows_no_trend():
    assert contributed(booked_from="2022-03-01").trends == {}
    assert contributed(booked_from="2022-01-01").trends


def test_a_ledger_of_a_few_months_is_refused():
    with pytest.raises(NotIdentified, match="the ledger books 3 months"):
        contributed(booked_from="2023-10-01")


@pytest.mark.parametrize(
    ("after", "change"), [(90.0, -0.1), (0.0, -0.5), (-50.0, -0.5), (900.0, 1.0), (150.0, 0.5)]
)
def test_no_change_is_continued_that_halves_or_doubles_money_more_than_once_a_year(after, change):
    one = np.ones(1)
    assert growth(100 * one, after * one, one) == pytest.approx(change)
    assert growth(0 * one, after * one, one) == 0
