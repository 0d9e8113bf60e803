"""Contracts as a chapter reads them: groups, ages that may be shown, survival, value."""

import numpy as np
import pandas as pd
import pytest

from crmlib.stats.optimise import NotIdentified
from crmlib.value.contract_base import (
    contract_base,
    contract_survival,
    model_contracts,
    value_contracts,
)
from crmlib.value.contribution import stated_contribution
from crmlib.value.running_contracts import ends_together, running_values
from crmlib.value.shown_contracts import OTHERS, Presence, merged_products
from crmlib.value.survival import kaplan_meier


def ahead_of(base, models):
    """By the margins that contracts state."""
    stated = stated_contribution(base.spells, base.min_cell)
    return value_contracts(base, models, stated, **PLAN)


START, END = pd.Timestamp("2022-01-01"), pd.Timestamp("2024-12-31")
MONTH = 365.25 / 12


def contracts(seed=1, customers=1_200, hazards=(0.01, 0.04), history=90, losses_from=None):
    """Of two products, begun over `history` months, of whom the ends since START are known."""
    rng = np.random.default_rng(seed)
    rows = []
    for product, hazard in zip(("account", "card"), hazards, strict=True):
        began = END - pd.to_timedelta(rng.integers(0, history * 30, customers), "D")
        lasts = np.ceil(rng.exponential(MONTH / hazard, customers))
        ended = began + pd.to_timedelta(lasts, "D")
        rows.append(
            pd.DataFrame(
                {
                    "customer_id": [f"c{i:05}" for i in range(customers)],
                    "contract_id": [f"{product}{i:05}" for i in range(customers)],
                    "product": product,
                    "start_date": began,
                    "end_date": np.where(ended <= END, ended, np.datetime64("NaT")),
                    "margin": rng.gamma(2.0, 5.0, customers),
                }
            )
        )
    table = pd.concat(rows, ignore_index=True)
    known = table["end_date"].isna() | (table["end_date"] >= (losses_from or START))
    return table[known].reset_index(drop=True)


def based(table, min_cell=10):
    return contract_base(table, START, END, min_cell)


@pytest.fixture(scope="module")
def base():
    return based(contracts())


def test_products_of_few_customers_are_one_with_the_next(base):
    table = pd.DataFrame(
        {
            "customer_id": [f"c{i}" for i in range(40)] + ["c0", "c1", "c2", "c0"],
            "product": ["a"] * 25 + ["b"] * 15 + ["x", "x", "y", "y"],
        }
    )
    found = merged_products(table, 10)
    assert found.value_counts().to_dict() == {"a": 25, OTHERS: 19}
    assert merged_products(table, 1).equals(table["product"])
    assert set(merged_products(table[table["product"] != "a"], 30)) == {OTHERS}
    own = table.assign(product=table["product"].replace("a", "relationship"))
    assert "relationship" not in set(merged_products(own, 1))  # which is no product's name
    many = pd.DataFrame(
        {"customer_id": range(600), "product": [f"t{i % 20:02}" for i in range(600)]}
    )
    assert merged_products(many, 10).nunique() == 13
    assert set(base.spells["product"]) == {"account", "card"}


def test_presence_by_hand():
    """Three of three customers at 1; at 2 one has left, at 3 only one is still seen."""
    presence = Presence.of(
        list("abcc"), [0, 0, 0, 0], [3, 2, 4, 1], [True, True, False, False], min_cell=2
    )
    assert [presence.is_enough(at) for at in (1, 2, 3, 4)] == [True, True, False, False]
    assert presence.youngest() == 0
    assert presence.shown([1, 2]).tolist() == [1]  # one customer lost in between
    assert Presence.of(list("ab"), [5, 5], [9, 9], [False] * 2, 2).youngest() == 5


@pytest.mark.parametrize("seed", range(8))
def test_shown_ages_are_those_of_sets_of_customers(seed):
    """Against a loop over sets: enough stay at every age, nobody or enough lost in between."""
    rng = np.random.default_rng(seed)
    n, min_cell = 120, 5
    who, entry = rng.integers(0, 60, n), rng.integers(0, 6, n)
    age, lost = entry + rng.integers(0, 14, n), rng.random(n) < 0.5
    shown = Presence.of(who, entry, age, lost, min_cell).shown(range(1, 20))
    expected, before = [], 0
    for at in range(1, 20):
        rows = [
            (w, e, a, gone) for w, e, a, gone in zip(who, entry, age, lost, strict=True) if a > e
        ]
        there = {w for w, e, a, gone in rows if e < at and (a > at or (a == at and not gone))}
        if len(there) < min_cell:
            break
        gone = {w for w, _, a, gone in rows if gone and before < a <= at}
        if not gone or len(gone) >= min_cell:
            expected.append(at)
            before = at
    assert shown.tolist() == expected and expected


def test_the_readings_stop_where_few_are_left(base):
    spells = base.spells
    for age in base.check.table.index[1:]:
        there = spells[(spells["entry"] < age) & (spells["duration"] >= age)]
        assert there["customer_id"].nunique() >= 10
    assert base.check.verdict == "window" and not base.check.contradicted
    assert base.since == START


def test_survival_is_kaplan_meier_with_delayed_entry(base):
    found = contract_survival(base, level=0.9)
    assert set(found.table["group"]) == {"relationship", "account", "card"}
    for product, hazard in (("account", 0.01), ("card", 0.04)):
        own = base.spells[base.spells["product"] == product]
        curve = kaplan_meier(own["age"], own["left"], own["entry_age"], level=0.9)
        rows = found.table[found.table["group"] == product].set_index("years")
        for years, row in rows.iterrows():
            assert row["kept"] == pytest.approx(curve.at([12.0 * years])["survival"].iloc[0])
            assert row["lo"] < row["kept"] < row["hi"]
        assert rows.loc[2, "kept"] == pytest.approx(np.exp(-24 * hazard), abs=0.05)
    both = base.relationships["contracts"] == 2
    assert both.any() and len(base.relationships) < len(base.spells)


def test_a_year_few_lived_through_is_not_shown():
    """Twelve customers have the third product: nine of them are still there after a year."""
    few = (
        contracts()
        .iloc[:12]
        .assign(
            product="rare",
            contract_id=[f"r{i}" for i in range(12)],
            start_date=pd.Timestamp("2022-02-01"),
            end_date=[pd.Timestamp("2022-06-15")] * 3 + [pd.NaT] * 9,
        )
    )
    table = pd.concat([contracts(), few], ignore_index=True)
    found = contract_survival(based(table), level=0.9)
    assert "rare" not in set(found.table["group"]) and found.left_out == ("rare",)
    assert "rare" in set(contract_survival(based(table, min_cell=1), level=0.9).left_out)
    few["end_date"] = pd.NaT
    nobody_lost = pd.concat([contracts(), few], ignore_index=True)
    assert "rare" in contract_survival(based(nobody_lost), level=0.9).left_out


def test_products_that_are_sold_no_more_have_no_survival_but_a_value():
    """All began before the window: nobody is seen young, and the models tell what is left."""
    table = contracts()
    table = table[table["start_date"] < START - pd.Timedelta(days=200)]
    base = based(table)
    assert base.check.table.index[0] >= 6
    assert base.check.table.iloc[0].tolist() == [1.0, 1.0]
    with pytest.raises(NotIdentified, match="first year"):
        contract_survival(base, level=0.9)
    models = model_contracts(base, level=0.9)
    assert ahead_of(base, models).total.value > 0


def test_a_few_young_contracts_do_not_stand_for_all():
    """Five were seen from their start and one soon lost; the others from 200 days on."""
    table = contracts()
    old = table[table["start_date"] < START - pd.Timedelta(days=200)]
    five = table.iloc[:5].assign(
        contract_id=list("vwxyz"),
        start_date=pd.Timestamp("2022-03-01"),
        end_date=[pd.Timestamp("2022-05-15"), *[pd.NaT] * 4],
    )
    base = based(pd.concat([old, five], ignore_index=True))
    assert base.check.table.index[0] >= 6
    assert base.check.table.iloc[0].tolist() == [1.0, 1.0]
    assert base.check.expected_median_age is None  # young ages were hardly observed


PLAN = {"horizon_years": 2.0, "annual_rate": 0.1, "replications": 20, "seed": 1, "level": 0.9}


def test_where_earlier_ends_are_missing_survival_is_read_from_the_first_month_that_has_some():
    base = based(contracts(losses_from=pd.Timestamp("2023-07-10")))
    assert not base.ends.plausible
    assert base.since == pd.Timestamp("2023-07-01")
    kept = contract_survival(base, level=0.9).table.set_index(["group", "years"])["kept"]
    assert kept["card", 1] == pytest.approx(np.exp(-0.48), abs=0.07)


def test_values_are_those_of_running_values_by_the_month(base):
    models = model_contracts(base, level=0.9)
    found = ahead_of(base, models)
    expected = running_values(
        base.spells, models, horizon=24, rate=1.1 ** (1 / 12) - 1,
        together=ends_together(base.spells), replications=20, seed=1, level=0.9,
    )  # fmt: skip
    assert found.total == expected.total


def test_a_product_without_enough_ends_is_refused_and_the_others_are_valued(base):
    """Two of forty contracts ended: of some resamples none is."""
    table = contracts()
    rare = table.iloc[:40].assign(
        product="rare",
        contract_id=[f"r{i}" for i in range(40)],
        start_date=[pd.Timestamp("2022-02-01") - pd.Timedelta(days=40 * i) for i in range(40)],
        end_date=[pd.Timestamp("2023-06-15"), pd.Timestamp("2024-06-15"), *[pd.NaT] * 38],
    )
    few = based(pd.concat([table, rare], ignore_index=True))
    found = ahead_of(few, model_contracts(few, level=0.9))
    assert set(found.products.index) == {"account", "card"}
    assert "resamples of customers do not determine" in found.refused["rare"]
    assert found.refused["rare"] in found.notes


def without_margin(base, count):
    """The same contracts; so many of those that run have no margin."""
    running = base.spells.loc[base.spells["running"], "contract_id"][:count]
    table = contracts()
    table.loc[table["contract_id"].isin(running), "margin"] = np.nan
    return based(table)


def test_contracts_without_a_margin_are_left_out_of_the_value_and_said(base):
    models = model_contracts(base, level=0.9)
    whole = ahead_of(base, models)
    found = ahead_of(without_margin(base, 50), models)
    assert found.notes[-1] == "50 running contracts have no margin and are not valued"
    valued = found.products["running_contracts"].sum()
    assert valued == whole.products["running_contracts"].sum() - 50
    few = ahead_of(without_margin(base, 3), models)
    assert few.notes[-1].startswith("a few running contracts")
    with pytest.raises(NotIdentified, match="monthly_margin"):
        ahead_of(based(contracts().drop(columns="margin")), models)
    running = base.spells.loc[base.spells["running"], "contract_id"]
    with pytest.raises(NotIdentified, match="fewer than 10 customers have a contract that runs"):
        ahead_of(without_margin(base, len(running) - 5), models)


@pytest.mark.parametrize(
    "rows, message",
    [
        (lambda t: t.iloc[:0], "fewer than 10 customers have a contract"),
        (lambda t: t.iloc[:9], "fewer than 10 customers have a contract"),
        (lambda t: t[t["end_date"].isna()], "no contract ended in the window"),
        (lambda t: t.groupby("product").head(12), "at no age"),
    ],
)
def test_what_cannot_be_read_is_refused_in_words(rows, message):
    with pytest.raises(NotIdentified, match=message):
        based(rows(contracts()))


def test_row_order_does_not_matter(base):
    again = based(contracts().sample(frac=1, random_state=3))
    pd.testing.assert_frame_equal(
        contract_survival(base, level=0.9).table, contract_survival(again, level=0.9).table
    )
    pd.testing.assert_frame_equal(base.check.table, again.check.table)
