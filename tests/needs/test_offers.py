"""Offers: by hand, against brute force, with wrong recognition, over draws."""

from itertools import combinations, product

import numpy as np
import pandas as pd
import pytest

from crmlib.needs import offers
from crmlib.needs.offers import best_offers

CHANCES = pd.DataFrame(
    [[0.30, 0.50, 0.05], [0.30, 0.05, 0.50]], index=["A", "B"], columns=["broad", "for A", "for B"]
)
SIZES = pd.Series({"A": 600.0, "B": 400.0})
MARGIN = pd.Series({"broad": 10.0, "for A": 10.0, "for B": 10.0})
COST = {"broad": 100.0, "for A": 100.0, "for B": 100.0}


def test_specific_offers_earn_more_until_running_them_costs_too_much():
    found = best_offers(CHANCES, SIZES, MARGIN, COST, level=0.9)
    # one: for A, .5·600·10 + .05·400·10 − 100 = 3100; two: 3000 + 2000 − 200
    assert found.sets[1].offers == ("for A",)
    assert found.sets[1].profit.value == pytest.approx(3100)
    assert found.best.assignment == {"A": "for A", "B": "for B"}
    assert found.best.profit.value == pytest.approx(4800)
    dear = best_offers(CHANCES, SIZES, MARGIN, {**COST, "for A": 2500, "for B": 2500}, level=0.9)
    assert dear.best.offers == ("broad",)
    assert dear.best.profit.value == pytest.approx(0.3 * 1000 * 10 - 100)


def test_who_is_not_recognised_is_made_the_wrong_offer():
    blind = pd.DataFrame(0.5, index=["A", "B"], columns=["A", "B"])
    found = best_offers(CHANCES, SIZES, MARGIN, COST, level=0.9, recognised=blind)
    assert found.best.offers == ("for A",)  # targeting adds nothing where nobody is recognised
    assert found.table["gain"].iloc[1] == pytest.approx(-100)


def test_as_brute_force_over_all_assignments():
    rng = np.random.default_rng(4)
    chances = pd.DataFrame(rng.random((3, 5)), index=list("xyz"), columns=list("abcde"))
    sizes = pd.Series(rng.uniform(50, 500, 3), index=list("xyz"))
    margin = pd.DataFrame(rng.normal(3, 4, (3, 5)), index=list("xyz"), columns=list("abcde"))
    cost = dict(zip("abcde", rng.uniform(0, 300, 5), strict=True))
    taken_for = pd.DataFrame(rng.dirichlet(np.ones(3), 3), index=list("xyz"), columns=list("xyz"))
    found = best_offers(chances, sizes, margin, cost, level=0.9, recognised=taken_for)

    def earned(assignment, chosen):
        total = -sum(cost[offer] for offer in chosen)
        for true, taken in product("xyz", "xyz"):
            offer = assignment[taken]
            if offer:
                people = sizes[true] * taken_for.loc[true, taken]
                total += people * chances.loc[true, offer] * margin.loc[true, offer]
        return total

    for size in (1, 2, 3):
        best = max(
            earned(dict(zip("xyz", given, strict=True)), chosen)
            for chosen in combinations("abcde", size)
            for given in product(["", *chosen], repeat=3)
        )
        assert found.sets[size].profit.value == pytest.approx(best)
        assert earned(found.sets[size].assignment, found.sets[size].offers) == pytest.approx(best)


def test_many_offers_are_added_greedily_and_it_is_said(monkeypatch):
    monkeypatch.setattr(offers, "MOST_SETS", 3)
    rng = np.random.default_rng(1)
    chances = pd.DataFrame(rng.random((4, 8)), columns=[f"o{i}" for i in range(8)])
    margin, cost = pd.Series(1.0, chances.columns), dict.fromkeys(chances.columns, 0.0)
    found = best_offers(chances, pd.Series(100.0, range(4)), margin, cost, level=0.9)
    assert not found.sets[2].exact
    assert len(set(found.sets[4].offers)) == 4
    assert (found.table["profit"].diff().dropna() >= 0).all()


def test_draws_give_the_interval_of_the_kept_choice():
    rng = np.random.default_rng(0)
    draws = np.clip(CHANCES.to_numpy() + rng.normal(0, 0.02, (2000, 2, 3)), 0, 1)
    found = best_offers(CHANCES, SIZES, MARGIN, COST, level=0.9, draws=draws)
    # gain of the second: (P[B, for B] − P[B, for A])·4000 − 100, sd 4000·.02·√2
    row = found.table.iloc[1]
    assert row["gain"] == pytest.approx(1700)
    assert row["gain_lo"] == pytest.approx(1700 - 1.645 * 113.1, abs=15)
    assert row["chance_better"] == 1.0 and not found.broad_is_enough
    assert found.sets[2].profit.hi - 4800 == pytest.approx(1.645 * 0.02 * 7211, abs=15)
    vague = np.broadcast_to(CHANCES.to_numpy(), (10, 2, 3)).copy()
    vague[:5, 1, 2] = 0.0
    assert best_offers(CHANCES, SIZES, MARGIN, COST, level=0.9, draws=vague).broad_is_enough


def test_a_segment_that_costs_money_is_left_alone():
    margin = pd.DataFrame([[1.0, 1, 1], [-1.0, -1, -1]], index=["A", "B"], columns=CHANCES.columns)
    found = best_offers(CHANCES, SIZES, margin, dict.fromkeys(CHANCES, 0.0), level=0.9)
    assert found.best.assignment == {"A": "for A", "B": ""}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"chances": CHANCES * 3}, "between 0 and 1"),
        ({"sizes": SIZES[:1]}, "needs a size"),
        ({"cost": {"broad": 1.0}}, "a margin and a cost"),
        ({"recognised": pd.DataFrame(1.0, index=["A", "B"], columns=["A", "B"])}, "sum to 1"),
        ({"draws": np.zeros((5, 2, 2))}, "draws of chances have shape"),
    ],
)
def test_tables_that_do_not_belong_together_are_refused(change, reason):
    given = {"chances": CHANCES, "sizes": SIZES, "margin": MARGIN, "cost": COST, "level": 0.9}
    with pytest.raises(ValueError, match=reason):
        best_offers(**{**given, **change})
