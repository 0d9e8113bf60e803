"""Exhibits of segments from small data, each of which one argument changes."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from functools import cache
from types import SimpleNamespace

import numpy as np
import pandas as pd
from title_pairs import Pair

from crmlib.exhibits import Exhibit, Scope
from crmlib.exhibits import segments as exhibits
from crmlib.segments.accounts import segment_accounts as summed
from crmlib.segments.behaviour import BehaviourSegments
from crmlib.segments.cards import CardRules, Cards, segment_cards
from crmlib.segments.choice import SegmentChoice, choose_segments
from crmlib.segments.continuity import continuity
from crmlib.segments.dynamics import SegmentFlows, forecast_sizes, segment_flows
from crmlib.segments.features import prepare
from crmlib.segments.ladder import build_ladder
from crmlib.segments.lifecycle import LifecycleRules, lifecycle_stages
from crmlib.segments.months import NEVER, Months
from crmlib.segments.naming import name_segments
from crmlib.segments.rules import readable_rules
from crmlib.segments.signs import SegmentSigns
from crmlib.segments.triggers import Triggers, candidates, find_triggers
from crmlib.stats.refusal import Refusal

SCOPE = Scope("a bank: ledger", dt.date(2024, 1, 1), dt.date(2025, 12, 31), "EUR", "month",
              "contribution", 10)  # fmt: skip
N = 600
REDRAWN = {"replications": 40, "seed": 1, "level": 0.9}
STAGES = LifecycleRules(6, 0.5, 0.2, 0.5, 0.05, 12, 9)
TIERS = ("high", "medium", "low")
ORDER = ("gold", "silver", "bronze", "lead")


def features_told(noise: float) -> Exhibit:
    """Two features that say much the same, but for so much noise."""
    rng = np.random.default_rng(1)
    habit = rng.normal(size=N)
    table = {f"cost_in_{at}": habit + noise * rng.normal(size=N) for at in range(2)}
    prepared = prepare(pd.DataFrame(table), tail=0.01, once=True)
    return exhibits.features_used(prepared, N, SCOPE)


def features_used(channels: int) -> Exhibit:
    """Purchases, and so many columns that say how channels are used."""
    rng = np.random.default_rng(1)
    habit, thrift = rng.normal(size=(2, N))
    table = {"spend": thrift + 0.3 * rng.normal(size=N), "frequency": thrift + rng.normal(size=N)}
    for at in range(channels):
        table[f"cost_in_{at}"] = habit + 0.6 * rng.normal(size=N)
    return exhibits.features_used(prepare(pd.DataFrame(table), tail=0.01), N, SCOPE)


def crowd(spread: float, groups: int = 3) -> np.ndarray:
    """Customers around some centres, or one crowd where they scatter widely."""
    rng = np.random.default_rng(6)
    centres = rng.normal(0, 4, (groups, 4))
    shares = np.arange(groups, 0, -1) / np.arange(1, groups + 1).sum()
    return centres[rng.choice(groups, N, p=shares)] + spread * rng.normal(size=(N, 4))


@cache
def chosen(spread: float, groups: int = 3) -> tuple[np.ndarray, SegmentChoice]:
    rows = crowd(spread, groups)
    settings = {"methods": ["kmeans"], "most": groups, "min_share": 0.01, "seed": 1}
    return rows, choose_segments(rows, replications=6, **settings)


def behaviour(spread: float, groups: int = 3) -> BehaviourSegments:
    """Their segments, in the client's own words."""
    rows, choice = chosen(spread, groups)
    names = name_segments(pd.DataFrame(rows, columns=list("abcd")), choice.chosen.labels)
    own = tuple(f"people of type {letter}" for letter in "stuvwxyz"[: choice.chosen.k])
    return BehaviourSegments(choice, replace(names, names=own))


def choice_of_segments(spread: float) -> Exhibit:
    return exhibits.choice_of_segments(chosen(spread)[1], N, SCOPE)


def number_of_segments(groups: int) -> Exhibit:
    return exhibits.choice_of_segments(chosen(1.0, groups)[1], N, SCOPE)


def stability_gate(weakest: float) -> Exhibit:
    found = behaviour(1.0)
    gate = replace(found.choice.stability, by_segment=np.array([0.97, weakest, 0.91]))
    choice = replace(found.choice, stability=gate)
    return exhibits.stability_gate(replace(found, choice=choice), N, SCOPE)


def segment_profiles(groups: int) -> Exhibit:
    return exhibits.segment_profiles(behaviour(1.0, groups), N, SCOPE)


def base(kinds: int) -> tuple[pd.Series, pd.Series, pd.Series]:
    """Tier, kind of behaviour and value of each customer; the last kind brings most."""
    rng = np.random.default_rng(3)
    ids = pd.Index([f"c{at}" for at in range(N)], name="customer_id")
    kind = rng.integers(0, kinds, N)
    worth = pd.Series(rng.lognormal(4, 0.5, N) * (1 + kind), index=ids)
    tier = pd.Series(np.array(TIERS)[np.digitize(-worth, [-250, -80])], index=ids)
    named = pd.Series(np.array(list("stuvwxyz"))[kind], index=ids)
    return tier.rename("value_tier"), named.rename("behaviour_segment"), worth


def ladder_merges(kinds: int, capacity: int = 4) -> Exhibit:
    tier, kind, worth = base(kinds)
    ladder = build_ladder(tier, kind, worth, tiers=TIERS, capacity=capacity, min_share=0.02,
                          min_customers=10)  # fmt: skip
    return exhibits.ladder_merges(ladder, N, SCOPE)


def cards(kinds: int = 3, times: float = 1.0, active: float = 1.5) -> Cards:
    """Of kinds of customers who bring `times` as much a head if they are of the first."""
    rng = np.random.default_rng(4)
    _, kind, worth = base(kinds)
    worth = worth * np.where(kind == "s", times, 1.0)
    money = pd.DataFrame({"customer_id": kind.index, "current_value": worth.to_numpy(),
                          "future_value": 2 * worth.to_numpy()})  # fmt: skip
    signs = pd.DataFrame({"tenure_months": rng.uniform(0, 80, N),
                          "p_active": rng.beta(active, 1, N)})  # fmt: skip
    features = pd.DataFrame({"customer_id": kind.index, "visits": rng.poisson(5, N).astype(float)})
    rules = CardRules(min_cell=10, most=2, significance=0.01, **REDRAWN)
    stage = lifecycle_stages(signs, STAGES).set_axis(kind.index)
    return segment_cards(kind, money, features, rules, stage=stage)


def segment_values(kinds: int) -> Exhibit:
    return exhibits.segment_values(cards(kinds), N, SCOPE)


def lifecycle_mix(active: float) -> Exhibit:
    return exhibits.lifecycle_mix(cards(active=active), STAGES, N, SCOPE)


def segment_card(times: float) -> Exhibit:
    return exhibits.segment_cards(cards(times=times), 3, N, SCOPE)


def segment_rules(noise: float) -> Exhibit:
    """A salesperson sees visits with so much noise on them."""
    rng = np.random.default_rng(5)
    _, kind, _ = base(3)
    visits = 3.0 * kind.map({"s": 0, "t": 1, "u": 2}).to_numpy() + noise * rng.normal(size=N)
    figures = pd.DataFrame({"visits": visits, "age": rng.normal(50, 9, N)})
    rules = readable_rules(figures, kind.reset_index(drop=True), most_rules=5, min_customers=20,
                           held_out=0.4, **REDRAWN)  # fmt: skip
    return exhibits.segment_rules(rules, N, SCOPE)


def moving(
    down: float, left: float = 0.08, came: float = 0.08
) -> tuple[pd.Series, pd.Series, pd.Series, pd.Series]:
    """Segments and worth of customers on two dates: shares step down, have left, have come."""
    rng = np.random.default_rng(0)
    start = rng.choice(4, N, p=[0.2, 0.3, 0.3, 0.2])
    step = rng.choice([-1, 0, 1], N, p=[0.1, 0.9 - down, down])
    end = np.clip(start + step, 0, 3)
    names, ids = np.array(ORDER, dtype=object), pd.Index([f"c{at}" for at in range(N)])
    here, there = rng.random(N) >= came, rng.random(N) >= left
    worth = pd.Series(rng.gamma(2, 20, N) * (4 - start), index=ids)
    on_dates = pd.Series(names[start], index=ids)[here], pd.Series(names[end], index=ids)[there]
    return *on_dates, worth, worth * rng.gamma(20, 1 / 20, N)


def flows(down: float, left: float = 0.08) -> SegmentFlows:
    return segment_flows(*moving(down, left), ORDER, **REDRAWN)


def segment_forecast(down: float, left: float = 0.08, came: float = 0.08) -> Exhibit:
    forecast = forecast_sizes(*moving(down, left, came)[:2], ORDER, **REDRAWN)
    return exhibits.segment_forecast(forecast, N, SCOPE)


def announced(times: float) -> Triggers:
    """Calls come `times` as often in the three months before an event."""
    rng = np.random.default_rng(2)
    n, length = 1_500, 36
    event = np.where(rng.random(n) < 0.4, rng.integers(1, length, n), NEVER)
    near = (event[:, None] - np.arange(length) <= 2) & (event[:, None] >= np.arange(length))
    calls = rng.poisson(0.3 * np.where(near, times, 1), (n, length)).astype(float)
    calendar = pd.date_range("2023-01-01", periods=length, freq="MS")
    months = Months(np.arange(n).astype(object), calendar, {"calls": calls},
                    np.zeros(n, dtype=int), event)  # fmt: skip
    tried = candidates(months.values, recent=(1,), usual=6, falls=(0.5,), rises=(1.0,))
    return find_triggers(months, tried, lead=3, split=pd.Timestamp("2024-07-01"), rate=0.01,
                         level=0.9, fewest=10)  # fmt: skip


def segments_since(stayed: int) -> Exhibit:
    """Two segments of 100 customers, of whom so many of the second have stayed."""
    ids = pd.Series([f"c{at}" for at in range(200)], name="customer_id")
    then = np.repeat(["a", "b"], 100)
    now = np.repeat(["a", "b"], [200 - stayed, stayed])
    both = [pd.DataFrame({"customer_id": ids, "behaviour_segment": "x", "segment": names})
            for names in (then, now)]  # fmt: skip
    return exhibits.segments_since(continuity(*both, min_cell=10), SCOPE)


def segment_accounts(served: float) -> Exhibit:
    """Customers with revenue of 40; those of the second segment cost so much to serve."""
    segment = pd.Series(["a", "b"] * 30, index=[f"c{at}" for at in range(60)])
    rows = pd.DataFrame({"customer_id": np.tile(segment.index, 2),
                         "line": np.repeat(["revenue", "cost_to_serve"], 60)})  # fmt: skip
    cost = np.where(segment == "a", 10.0, served)
    rows["this_year"] = rows["year_before"] = np.append(np.full(60, 40.0), cost)
    years = SimpleNamespace(rows=rows, start=dt.date(2025, 1, 1), end=SCOPE.end, months=24)
    return exhibits.segment_accounts(summed(segment, years, min_cell=10), 60, SCOPE)


def segment_moves(lift: float) -> Exhibit:
    """Flows, and one segment whose own sign has such a lift."""
    table = pd.DataFrame({"feature": "spend", "direction": "down", "by": 0.5, "recent": 1,
                          "usual": 6, "lift": lift, "lift_lo": 1.1, "lift_hi": 9.0, "own": True},
                         index=pd.Index(ORDER[:1], name="segment"))  # fmt: skip
    none = Refusal("none")
    return exhibits.segment_moves(SegmentSigns(table, table, 0.9), none, flows(0.2), N, SCOPE)


PAIRS: dict[str, Pair] = {
    "segments_since": (segments_since, 80, 60),
    "segment_accounts": (segment_accounts, 50.0, 60.0),
    "segment_accounts of a share": (segment_accounts, 20.0, 30.0),
    "segment_moves": (segment_moves, 2.0, 3.0),
    "features_used": (features_used, 2, 4),
    "features_used by latent classes": (features_told, 0.6, 1.2),
    "choice_of_segments": (choice_of_segments, 1.0, 3.0),
    "choice_of_segments by number": (number_of_segments, 3, 5),
    "choice_of_segments that fails": (choice_of_segments, 30.0, 60.0),
    "stability_gate": (stability_gate, 0.88, 0.79),
    "stability_gate that fails": (stability_gate, 0.62, 0.54),
    "segment_profiles": (segment_profiles, 3, 4),
    "ladder_merges": (ladder_merges, 4, 6),
    "ladder_merges of none": (lambda kinds: ladder_merges(kinds, capacity=30), 2, 3),
    "segment_values": (segment_values, 3, 4),
    "lifecycle_mix": (lifecycle_mix, 1.5, 1.0),
    "segment_cards": (segment_card, 5.0, 9.0),
    "segment_rules": (segment_rules, 1.5, 2.5),
    "segment_flows": (lambda left: exhibits.segment_flows(flows(0.2, left), N, SCOPE), 0.1, 0.2),
    "segment_migration": (
        lambda down: exhibits.segment_migration(flows(down), N, SCOPE), 0.3, 0.5,
    ),
    "segment_forecast": (segment_forecast, 0.3, 0.5),
    "segment_forecast of the one that grows": (
        lambda came: segment_forecast(0.1, 0.0, came), 0.2, 0.4,
    ),
    "leaving_triggers": (
        lambda times: exhibits.leaving_triggers(announced(times), N, SCOPE), 4.0, 6.0,
    ),
    "growing_triggers": (
        lambda times: exhibits.growing_triggers(announced(times), N, SCOPE), 4.0, 6.0,
    ),
}  # fmt: skip
