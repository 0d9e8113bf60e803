"""Initiatives for the same customers against a customer-by-customer simulation."""

import numpy as np
import pandas as pd
import pytest

from crmlib.roi.npv import npv
from crmlib.roi.overlap import overlaps
from tests.roi.small_base import economics, initiative

BASE = economics(high_active=(0.7, 600.0, 200), low_active=(0.6, 100.0, 300))
CUSTOMERS = pd.Index([f"c{i}" for i in range(500)])
SEGMENT = pd.Series(np.repeat(["high_active", "low_active"], [200, 300]), CUSTOMERS)
FOREVER = {"half_life": 1e9, "unit_cost": 0.0, "fixed_cost": 0.0}


def pair(first, second, effects, who=(slice(None), slice(None))):
    plan = pd.concat([
        initiative(**FOREVER | first).rename({"keep": "one"}),
        initiative(**FOREVER | second).rename({"keep": "two"}),
    ])  # fmt: skip
    selections = pd.DataFrame(False, CUSTOMERS, plan.index)
    for name, part in zip(plan.index, who, strict=True):
        selections.loc[CUSTOMERS[part], name] = True
    chosen = selections.groupby(SEGMENT).sum().T
    drawn = {n: np.full((50, 2), e) for n, e in zip(plan.index, effects, strict=True)}
    found = npv(plan, chosen, drawn, BASE, take_up_cv=0.0, seed=1)
    return found, overlaps(found, selections, SEGMENT, plan["reach"])


def months(margin, retention):
    t = np.arange(1, 37)
    return (margin / 12 * retention ** (t / 12) * 1.1 ** (-t / 12)).sum()


def test_survival_and_margin_in_one_customer():
    """Keeping at a higher margin: 1 % of customers adopt both."""
    found, extra = pair({"reach": 0.5}, {"reach": 0.5, "effect_unit": "margin_pct"}, (0.1, 0.2))
    expected = 0.0
    for margin, retention, n in ((600, 0.7, 200), (100, 0.6, 300)):
        base = months(margin, retention)
        kept, raised = months(margin, retention + 0.1), months(1.2 * margin, retention)
        both = months(1.2 * margin, retention + 0.1)
        expected += n * 0.01 * ((both - base) - (kept - base) - (raised - base))
    assert extra["one", "two"].mean() == pytest.approx(expected, rel=1e-3)
    assert expected > 0 and len(found.draws) == len(extra)


def test_a_customer_cannot_be_kept_twice():
    _, extra = pair({"reach": 1.0, "take_up": 1.0}, {"reach": 1.0, "take_up": 1.0}, (0.15, 0.15))
    expected = 0.0
    for margin, retention, n in ((600, 0.7, 200), (100, 0.6, 300)):
        hazard = np.log(retention + 0.15) ** 2 / np.log(retention)
        base, kept = months(margin, retention), months(margin, retention + 0.15)
        expected += n * (months(margin, np.exp(hazard)) - base - 2 * (kept - base))
    assert extra["one", "two"].mean() == pytest.approx(expected, rel=1e-3)
    assert expected < 0


def test_nobody_moves_up_twice():
    up = {"effect_unit": "migration_pp", "to_tier": "high", "reach": 1.0, "take_up": 1.0}
    _, extra = pair(up, up, (0.1, 0.3), (slice(200, None), slice(200, None)))
    gain = months(600, 0.7) - months(100, 0.6)
    assert extra["one", "two"].mean() == pytest.approx(-300 * 0.03 * gain, rel=1e-3)


def test_only_common_customers_count():
    everybody, part = (
        pair({}, {}, (0.1, 0.1), (slice(None), who))[1]["one", "two"].mean()
        for who in (slice(None), slice(0, 100))
    )
    assert 0 > part > everybody
    _, none = pair({}, {}, (0.1, 0.1), (slice(0, 200), slice(200, None)))
    assert none.empty and len(none) == 50


def test_effects_that_do_not_meet_add_up():
    up = {"effect_unit": "migration_pp", "to_tier": "high"}
    _, extra = pair({}, up, (0.1, 0.1))
    assert extra.empty
