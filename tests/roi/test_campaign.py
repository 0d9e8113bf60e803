"""A campaign by lot read from contacts: its customers, its effect, and what was known before."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from crmlib.roi import Campaign, day_before, effect, last_part
from crmlib.roi.campaign import BEFORE
from crmlib.stats.optimise import NotIdentified


def contacts(n: int = 200, name: str = "offer", seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "customer_id": [f"{name}{at}" for at in range(n)],
            "campaign": name,
            "arm": np.where(np.arange(n) % 2, "Treated ", "control"),
            "sent_at": pd.Timestamp("2025-09-01") + pd.to_timedelta(np.arange(n) % 9, unit="D"),
            "outcome": rng.normal(10, 5, n) + 2.0 * (np.arange(n) % 2),
        }
    )


def known(rows: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({"size": np.arange(len(rows)) % 4}, index=rows["customer_id"])


def test_the_largest_campaign_with_both_arms_is_read():
    rows = pd.concat(
        [contacts(60, "small"), contacts(200), contacts(900, "all").assign(arm="treated")]
    )
    found = Campaign.of(rows, known(contacts(200)), None)
    assert found.name == "offer" and found.n == 200 and found.known_before == ("size",)
    assert found.table["treated"].sum() == 100
    assert day_before(Campaign.largest(rows)) == dt.date(2025, 8, 31)


def test_effects_are_those_of_the_trial_and_only_before_adjusts_them():
    rows = contacts()
    before = pd.Series(rows["outcome"].to_numpy() * 0.8, rows["customer_id"])
    found = Campaign.of(rows, known(rows), before.iloc[:150])
    table = found.table
    plain = effect(table, outcome="outcome", treated="treated", level=0.9)
    assert found.effects(0.9)["difference"] == plain
    assert set(found.effects(0.9)) == {"difference", "regression", "cuped"}
    # who is not in the time before has brought nothing in it
    inside = table.index.isin(before.index[:150])
    assert (table.loc[~inside, BEFORE] == 0).all() and (table.loc[inside, BEFORE] != 0).all()
    assert set(Campaign.of(rows, known(rows), None).effects(0.9)) == {"difference"}


def test_an_uneven_split_is_told():
    rows = contacts()
    assert Campaign.of(rows, known(rows), None).split(0.05).sound
    lost = rows.drop(rows.index[(rows["arm"] == "control") & (rows.index < 30)])
    # 100 to 85: near enough to halves that they must have been meant
    checked = Campaign.of(lost, known(rows), None).split(0.5)
    assert not checked.sound and "100 : 85" in checked.reason


def test_targeting_takes_the_cost_of_this_campaign_and_the_columns_asked_for():
    rows = contacts(600)
    table = known(rows)
    # arms by lot within sizes: the parity of a customer's number decides both
    rows["arm"] = np.where(np.arange(600) // 4 % 2, "treated", "control")
    responds = (table["size"] >= 3).to_numpy() & (rows["arm"] == "treated")
    rows["outcome"] += 20.0 * responds
    campaign = Campaign.of(rows, table.assign(other=1.0 * (np.arange(600) % 5)), None)
    how = {"folds": 2, "random_state": 0, "level": 0.95}
    found = campaign.targeting([], cost={"offer": 6.0, "other": 99.0}, **how)
    assert found.recommended == "rule" and found.rule.in_words() == "size at least 3"
    assert campaign.chosen_by(found, table.assign(other=0.0))["offer"].sum() == 150
    only = campaign.targeting(["other"], cost={}, **how)
    assert only.rule.variable in ("other", "")
    assert campaign.chosen_by(campaign.targeting([], cost={"offer": 500.0}, **how), table) == {}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda t: t.drop(columns="outcome"), "no column `outcome`"),
        (lambda t: t.assign(arm="treated"), "no campaign in the contacts has customers"),
        (lambda t: pd.concat([t, t.iloc[:3].assign(arm="treated")]), "are in both of its arms"),
    ],
)
def test_contacts_that_are_no_trial_are_named(change, says):
    with pytest.raises(NotIdentified, match=says):
        Campaign.of(change(contacts()), known(contacts()), None)


def test_the_last_part_is_the_last_quarter_or_the_later_period():
    quarters = pd.DataFrame(
        {"customer_id": ["a"], "first_1": 1.0, "second_1": 2.0, "second_2": 3.0}
    )
    assert last_part(quarters).to_dict() == {"a": 3.0}
    halves = pd.DataFrame({"customer_id": ["a"], "value_1": 1.0, "value_2": 5.0})
    assert last_part(halves).to_dict() == {"a": 5.0}
    with pytest.raises(NotIdentified, match="too little is observed before the campaign"):
        last_part(pd.DataFrame({"customer_id": ["a"]}))
