"""Money of initiatives: where they pay, who gains by stopping in time, and claims."""

import numpy as np
import pytest

from crmlib.roi import appraise, claims, evidence
from crmlib.roi.increments import retention_increment
from crmlib.stats.optimise import NotIdentified
from tests.roi.small_client import base, initiatives

HOW = {"take_up_cv": 0.0, "seed": 3}


def appraised(table, trim=True):
    given = base()
    chosen = given.select(table)
    known = evidence(table, None, spread=0.0, factors={}, n_draws=4_000, seed=3)
    return given, appraise(table, given, chosen, known, trim=trim, **HOW)


def per_adopter(given, cell, effect):
    """Expected increment of an adopter, by the formula of the money chapter."""
    row = given.economics.table.loc[cell]
    return float(
        retention_increment(row["margin"], row["retention"], effect, 2.0, given.economics.calendar)
    )


def test_segments_in_which_an_adopter_costs_more_than_he_brings_are_left_out():
    table = initiatives(keep={"segments": "relationship; new", "unit_cost": 5.0})
    given, found = appraised(table)
    pays = {
        cell: per_adopter(given, cell, 0.02) > 5.0
        for cell in ("high & relationship", "low & relationship", "low & new")
    }
    assert pays == {"high & relationship": True, "low & relationship": False, "low & new": False}
    reached = dict(zip(found.found.segments, found.found.cases["keep"].reached, strict=True))
    assert {cell: number > 0 for cell, number in reached.items() if cell in pays} == pays
    assert found.found.table.at["keep", "npv"] > found.whole.table.at["keep", "npv"]
    _, whole = appraised(table, trim=False)
    assert whole.found is whole.whole


def test_an_initiative_that_pays_nowhere_keeps_its_segments():
    _, found = appraised(initiatives(keep={"unit_cost": 1e6}))
    np.testing.assert_array_equal(
        found.found.cases["keep"].reached, found.whole.cases["keep"].reached
    )


def test_break_even_and_the_next_customers_are_those_of_the_case():
    table = initiatives(
        keep={"segments": "relationship", "fixed_cost": 50.0}, other={"segments": "high"}
    )
    given, found = appraised(table)
    assert found.most_trimmed() == "keep"
    members = given.select(table).table
    reach = found.next_reached("keep", given, members, steps=5, level=0.9)
    # a fifth of 500 customers is exactly the high tier: after it the curve has bent
    assert reach.best == 1 and reach.table["customers"].tolist() == [100, 200, 300, 400, 500]
    least = found.break_evens()["keep"]
    assert least.effect > 0 and set(found.tornados(["keep", "other"], most=1)) == {"keep"}


def test_without_any_evidence_there_is_a_reason():
    table = initiatives(one={"evidence": "E"})
    given = base()
    known = evidence(table, None, spread=0.5, factors={}, n_draws=500, seed=1)
    with pytest.raises(NotIdentified, match="all are claims without evidence"):
        appraise(table, given, given.select(table), known, trim=True, **HOW)


def test_a_claim_is_weighed_against_the_effect_from_which_it_pays():
    claim = {"evidence": "E", "segments": "high", "prior_mean": 0.15, "unit_cost": 20.0}
    table = initiatives(good=claim, empty=claim | {"segments": "high & new"})
    given = base()
    found = claims(["good", "empty"], table, given.select(table), given.economics, seed=1)
    row = found.table.loc["good"]
    # 100 customers of the high tier who can leave, half reached, four of ten adopt
    adopters = 0.5 * 0.4 * 120
    assert row["adopters"] == pytest.approx(adopters)
    least = row["break_even"]
    brought = 0.5 * 0.4 * 100 * per_adopter(given, "high & relationship", least)
    assert brought == pytest.approx(500 + 20 * adopters, rel=1e-6)
    assert row["room"] == pytest.approx(0.15 / least)
    assert "no customer is in the segments" in found.left_out["empty"]


def test_an_initiative_that_nobody_would_adopt_is_left_out_by_name():
    table = initiatives(
        good={}, unreached={"reach": 0.0}, untaken={"take_up": 0.0},
        unwon={"effect_unit": "cpa", "volume": 0.0},
    )  # fmt: skip
    _, found = appraised(table)
    assert list(found.found.cases) == ["good"]
    assert set(found.left_out) == {"unreached", "untaken", "unwon"}
    assert "its reach, take_up or volume is 0" in found.left_out["unwon"]
