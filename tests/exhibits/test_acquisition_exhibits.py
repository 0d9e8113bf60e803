"""Payback and quality of acquisition as a reader sees them."""

import datetime as dt
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from crmlib import value
from crmlib.exhibits import Scope
from crmlib.exhibits import value as exhibits
from crmlib.exhibits.value.acquisition import acquisition_findings
from crmlib.stats.refusal import Refusal

SCOPE = Scope("a test: ledger", dt.date(2023, 1, 1), dt.date(2024, 12, 31), "EUR", "month",
              "contribution", 10)  # fmt: skip
REDRAWN = {"replications": 30, "seed": 1, "level": 0.9}


def acquired(cost: float = 60.0, channels: int = 3, n: int = 600) -> pd.DataFrame:
    """Customers who bring about 10 a month; each channel costs half as much again as the last."""
    rng = np.random.default_rng(8)
    observed = rng.integers(1, 24, n)
    way = rng.integers(0, channels, n)
    money = rng.gamma(2.0, 5.0, (n, 24)).cumsum(axis=1) - 5.0
    money[np.arange(24) > observed[:, None]] = np.nan
    joined = [pd.Timestamp("2024-12-10") - pd.DateOffset(months=int(m)) for m in observed]
    table = pd.DataFrame(
        {
            "customer_id": [f"c{i:03}" for i in range(n)],
            "joined": joined,
            "acquisition_cost": cost * 1.5**way * rng.gamma(6.0, 1 / 6.0, n),
            "won_by": [f"way {'abcdefg'[w]}" for w in way] if channels > 1 else None,
            "observed": observed,
        }
    )
    return table.join(pd.DataFrame(money).add_prefix("month_"))


def found_of(**settings: float) -> value.Payback:
    return value.payback(acquired(**settings), min_cell=10, **REDRAWN)


def test_a_panel_for_each_channel_and_the_months_that_the_title_says():
    found = found_of()
    exhibit = exhibits.acquisition_payback(found, 9, SCOPE)
    months = found.groups.set_index("group")["payback"]
    channels = months[["way a", "way b", "way c"]]
    assert exhibit.title == (
        f"Acquisition pays back after {months['all']:.0f} months, by channel "
        f"{channels.min():.0f} to {channels.max():.0f}"
    )
    panels = exhibit.figure.axes
    assert len(panels) == 3
    assert {ax.get_title(loc="left").splitlines()[0] for ax in panels} == set(channels.index)
    assert len({ax.get_ylim() for ax in panels}) == 1
    assert panels[0].get_ylim()[1] > found.groups["acquisition_cost"].max()
    assert exhibit.n == found.n == 600


def test_without_channels_one_line_stands_for_all():
    exhibit = exhibits.acquisition_payback(found_of(channels=1), 9, SCOPE)
    assert len(exhibit.figure.axes) == 1 and "channel" not in exhibit.title


def test_of_many_channels_four_are_drawn_and_all_are_in_the_data():
    exhibit = exhibits.acquisition_payback(found_of(channels=6), 9, SCOPE)
    assert len(exhibit.figure.axes) == 4
    assert exhibit.table["group"].nunique() == 7
    assert "2 channels more" in exhibit.note


def test_what_is_not_reached_is_said_so():
    found = found_of(cost=4000.0)
    exhibit = exhibits.acquisition_payback(found, 9, SCOPE)
    months = int(found.groups["months"].iloc[0])
    assert exhibit.title == f"Within {months} months acquired customers have not repaid their cost"
    assert "not reached" in exhibit.note and "nor in any but a few" in exhibit.note
    quality = exhibits.acquisition_quality(found, SCOPE)
    assert quality.formatted["payback"].iloc[0] == f"not by {months}"
    ids = [finding.id for finding in acquisition_findings(found, 1e6, SCOPE)]
    assert "acquisition_payback_month" not in ids
    some = exhibits.acquisition_payback(found_of(cost=120.0), 9, SCOPE)
    assert some.title.endswith("through some channels not yet")


def test_quality_says_what_a_channel_brings_for_its_cost():
    found = found_of()
    exhibit = exhibits.acquisition_quality(found, SCOPE)
    share = found.groups["return_after"].iloc[0]
    assert exhibit.title == f"After 12 months acquisition has brought {share:.0%} of its cost"
    groups = exhibit.table["group"].tolist()
    assert groups[0] == "all" and "won by way a" in groups and "joined in 2023 H1" in groups
    assert list(exhibit.formatted.index) == list(exhibit.table.index)
    assert exhibit.formatted.shape == exhibit.table.shape
    withheld = replace(found, groups=found.groups.assign(repaid_after=np.nan))
    hidden = exhibits.acquisition_quality(withheld, SCOPE)
    assert "·" in set(hidden.formatted["repaid"])
    told = replace(found, groups=found.groups.assign(repaid_after=0.5))
    assert "fewer than 10 customers" in hidden.note
    assert "fewer than" not in exhibits.acquisition_quality(told, SCOPE).note
    young = value.payback(acquired().assign(observed=5), min_cell=10, **REDRAWN)
    title = exhibits.acquisition_quality(young, SCOPE).title
    assert title == "Too few acquired customers have been observed for 12 months"


def test_findings_name_payback_and_a_channel_that_is_weak_beyond_chance():
    found = found_of()
    month, weak = acquisition_findings(found, 2 * found.spent, SCOPE)
    assert month.kind == "estimate" and month.lo <= month.value <= month.hi
    assert month.size == pytest.approx(0.5)
    assert "way c" in weak.sentence and weak.hi < found.groups["return_lo"].iloc[0]
    assert 0 < weak.size < month.size
    even = found_of(channels=1)
    assert [f.id for f in acquisition_findings(even, 0.0, SCOPE)] == ["acquisition_payback_month"]


def test_a_refusal_is_said_once():
    refusal = Refusal("no customer has an acquisition cost")
    exhibit = exhibits.acquisition_payback(refusal, 9, SCOPE)
    assert refusal.reason in exhibit.alt and exhibit.n == 9
    assert exhibits.acquisition_quality(refusal, SCOPE) is None
    assert acquisition_findings(refusal, 1.0, SCOPE) == []
