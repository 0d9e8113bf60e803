"""Contracts whose margins go on to change: sums month by month, chance, the base behind shares."""

import numpy as np
import pandas as pd
import pytest

from crmlib.value.contract_draws import LONGEST_TREND, Risk, Trend, cumulative_hazards, futures_of
from crmlib.value.contract_models import contract_models
from crmlib.value.contribution import PooledRisk, YearOnYear
from crmlib.value.running_contracts import running_values

RATE = 1.1 ** (1 / 12) - 1
PLAN = {"horizon": 30, "rate": RATE, "together": 0.0, "replications": 30, "seed": 5, "level": 0.9}
RISK, WINDOW = {"account": 0.02, "card": 0.05}, 36
LAG = 5.5  # months from the middle of a year to the middle of its last month


def spells(customers=400, seed=3) -> pd.DataFrame:
    """Contracts of two products that end at constant risks; months as periods."""
    rng, parts = np.random.default_rng(seed), []
    ids = [f"C{at:04d}" for at in range(customers)]
    for product, risk in RISK.items():
        lasts, age = rng.geometric(risk, customers), rng.integers(1, WINDOW, customers)
        parts.append(
            pd.DataFrame(
                {
                    "customer_id": ids,
                    "contract_id": [f"{each}-{product}" for each in ids],
                    "product": product,
                    "entry": 0,
                    "duration": np.minimum(lasts, age),
                    "ended": lasts <= age,
                    "running": lasts > age,
                    "tenure": age,
                    "margin": rng.gamma(2.0, 5.0, customers),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def year_on_year(table, growth, seed=4) -> YearOnYear:
    """Money of every customer that has changed by `growth` in all, of each by his own factor."""
    ids = table["customer_id"].unique()
    rng = np.random.default_rng(seed)
    before = rng.gamma(2.0, 50.0, ids.size)
    after = before * rng.gamma(4.0, 0.25, ids.size)
    return YearOnYear(ids, before, after * (1 + growth) * before.sum() / after.sum())


@pytest.fixture(scope="module")
def world():
    return spells()


@pytest.fixture(scope="module")
def models(world):
    return contract_models(world, level=0.9)


def by_the_month(world, models, growth, months, last_growing) -> float:
    """Σ margin × S(age + k)/S(age) × (1 + g)^((5.5 + k)/12) / (1 + i)^k, contract by contract."""
    total = 0.0
    for row in world[world["running"]].itertuples():
        hazards = models[row.product].hazards(row.tenure + months)
        there = 1.0
        for k in range(1, months + 1):
            there *= 1 - hazards[row.tenure + k - 1]
            grown = (1 + growth[row.product]) ** ((LAG + min(k, last_growing)) / 12)
            total += row.margin * there * grown / (1 + RATE) ** k
    return total


@pytest.mark.parametrize("growth", [{"account": -0.08, "card": 0.05}, {"account": 0, "card": 0.2}])
def test_margins_change_month_by_month_as_they_did_in_a_year(world, models, growth):
    trends = {name: year_on_year(world, each) for name, each in growth.items() if each}
    found = running_values(world, models, trends=trends, **PLAN)
    expected = by_the_month(world, models, growth, PLAN["horizon"], PLAN["horizon"])
    assert found.total.value == pytest.approx(expected)
    assert found.products["growth"].to_dict() == pytest.approx(growth)


def test_behind_three_years_margins_stay_as_they_are_then(world, models):
    """3,000 months stand for ever: what is behind them is below 1e-9 of the total."""
    few = world[world["customer_id"].isin(world["customer_id"].unique()[:25])]
    growth = {"account": -0.08, "card": 0.05}
    trends = {name: year_on_year(few, each) for name, each in growth.items()}
    found = running_values(few, models, trends=trends, **PLAN)
    expected = by_the_month(few, models, growth, 3_000, LONGEST_TREND)
    assert found.to_infinity.value == pytest.approx(expected, rel=1e-6)
    assert found.total.value < found.to_infinity.value
    far = running_values(few, models, trends=trends, **PLAN | {"horizon": 60})
    assert far.to_infinity.value == pytest.approx(found.to_infinity.value, rel=1e-9)
    over = by_the_month(few, models, growth, 60, LONGEST_TREND)
    assert far.total.value == pytest.approx(over, rel=1e-9)


def test_growth_is_as_uncertain_as_customers_differ_in_it(world, models):
    """The same growth of every customer leaves survival alone uncertain."""
    mixed = year_on_year(world, -0.1)
    alike = YearOnYear(mixed.customer_id, mixed.before, 0.9 * mixed.before)
    width = [
        np.ptp([found.total.lo, found.total.hi])
        for found in (
            running_values(world, models, trends=dict.fromkeys(RISK, each), **PLAN)
            for each in (mixed, alike)
        )
    ]
    assert width[0] > 1.1 * width[1]


def test_what_may_come_scatters_as_in_a_simulation_of_each_contract():
    """Known risks: mean and spread of the total against lives drawn month by month."""
    futures, customers, horizon = 4_000, 30, 12
    rng = np.random.default_rng(11)
    margin, ratio = rng.gamma(2.0, 5.0, customers), np.array([0.45, 0.9, 1.35])
    before = np.array([1.0, 2.0, 1.0])
    risks = {"card": np.repeat(cumulative_hazards(np.full((1, 60), 0.05)), futures, axis=0)}
    # nothing is discounted, and all money together falls by a tenth
    paid = {"card": np.broadcast_to(0.9 * np.arange(horizon + 1.0), (futures, horizon + 1))}
    drawn = futures_of(
        np.arange(customers), np.full(customers, "card", dtype=object),
        np.zeros(customers, dtype=int), margin, risks, paid, 0.0, np.random.default_rng(1),
        {"card": Trend(np.arange(3), before, before * ratio)},
    ).sum(axis=1)  # fmt: skip
    alive = np.ones((futures, customers), dtype=bool)
    lasted = np.zeros((futures, customers))
    for _ in range(horizon):
        alive &= rng.random(alive.shape) >= 0.05
        lasted += alive
    factor = rng.choice(ratio, (futures, customers), p=before / before.sum())
    simulated = (lasted * factor * margin).sum(axis=1)
    error = simulated.std() * np.sqrt(2 / futures)
    assert abs(drawn.mean() - simulated.mean()) < 4 * error
    assert drawn.std() == pytest.approx(simulated.std(), rel=0.06)


def test_all_products_of_a_customer_depart_together():
    """Nobody leaves, one product rises and one falls: who halves, halves in both."""
    ratio = np.array([0.5, 1.5])
    both = Trend(np.arange(2), np.ones(2), ratio)
    grown = {"account": 1.2, "card": 0.8}
    stays = {name: cumulative_hazards(np.zeros((500, 60))) for name in grown}
    paid = {
        name: np.broadcast_to(times * np.arange(13.0), (500, 13)) for name, times in grown.items()
    }
    own = {name: Trend(np.arange(2), np.ones(2), times * np.ones(2), both)
           for name, times in grown.items()}  # fmt: skip
    drawn = futures_of(
        np.array([0, 0]), np.array(list(grown), dtype=object), np.zeros(2, dtype=int),
        np.ones(2), stays, paid, 0.0, np.random.default_rng(1), own,
    ).ravel()  # fmt: skip
    assert set(np.round(drawn, 9)) == {12.0, 36.0}


@pytest.mark.parametrize("horizon", [6, 18, 30])
def test_what_may_come_lies_around_the_total_however_far_ahead(world, models, horizon):
    """The middle of the interval within a twentieth of the yearly change of margins."""
    trends = dict.fromkeys(RISK, year_on_year(world, -0.4))
    plan = PLAN | {"replications": 400, "horizon": horizon}
    found = running_values(world, models, trends=trends, **plan).chance
    assert (found.lo + found.hi) / 2 == pytest.approx(found.value, rel=0.02)


def test_what_may_come_holds_the_uncertainty_of_growth(world, models):
    """Halved, or doubled, in a few customers who bring most: nobody knows the growth of all."""
    mixed = year_on_year(world, 0.0)
    alike = YearOnYear(mixed.customer_id, mixed.before, mixed.before)
    heavy = mixed.before * np.where(np.arange(mixed.before.size) < 8, 50, 1)
    some = YearOnYear(mixed.customer_id, heavy, heavy * (mixed.after / mixed.before))
    width = {}
    for name, each in {"alike": alike, "some": some}.items():
        plan = PLAN | {"replications": 200, "horizon": 12}
        found = running_values(world, models, trends=dict.fromkeys(RISK, each), **plan)
        width[name] = (found.chance.hi - found.chance.lo, found.products["growth"].iloc[0])
    assert width["some"][0] > 2 * width["alike"][0]


def alike(customers) -> pd.DataFrame:
    """One running contract each, all of one age: values are as margins."""
    table = spells(customers=200)
    table = table[table["product"] == "card"].reset_index(drop=True)
    running = np.arange(len(table)) < customers
    margin = np.where(running, customers - np.arange(len(table)), 0.0)
    ended = {"ended": ~running, "duration": np.where(running, 12, 1 + np.arange(len(table)) % 11)}
    return table.assign(running=running, tenure=12, margin=margin, **ended)


def test_shares_of_the_best_are_of_the_whole_base():
    """Forty holders beside 160 customers who left, and beside 200 more who never had any."""
    forty = alike(40)
    models = contract_models(forty, level=0.9)
    strangers = [f"N{at}" for at in range(200)]
    worth = np.sort(forty["margin"])[::-1]
    for base, size in ((None, 200), ([*forty["customer_id"], *strangers], 400)):
        shares = running_values(forty, models, base=base, **PLAN).top_shares
        for name, share in {"top_10": 0.1, "top_20": 0.2, "top_50": 0.5}.items():
            best = worth[: round(share * size)].sum() / worth.sum()
            assert shares[name].value == pytest.approx(best)
            assert shares[name].lo <= best <= shares[name].hi


def test_a_customer_with_a_contract_must_stand_in_the_base(world, models):
    with pytest.raises(ValueError, match="has a contract and is not in the base"):
        running_values(world, models, base=["C0001"], **PLAN)


def pooled(world, losses) -> PooledRisk:
    """A tenth of the revenue of all customers, lost by so many of them."""
    ids = world["customer_id"].unique()
    revenue = np.full(ids.size, 120.0)
    lost = np.where(np.arange(ids.size) < losses, 0.1 * revenue.sum() / losses, 0.0)
    return PooledRisk(ids, revenue, lost)


def test_risk_that_few_had_makes_the_total_uncertain_and_does_not_move_it(world, models):
    """Four of 400 customers had it: in a resample twice that many, or none."""
    plan, width = PLAN | {"replications": 200, "horizon": 12}, {}
    plain = running_values(world, models, **plan)
    for losses in (400, 4):
        risks = dict.fromkeys(RISK, pooled(world, losses))
        found = running_values(world, models, risks=risks, **plan)
        assert found.total.value == pytest.approx(plain.total.value)
        assert found.customers["contract_value"].sum() == pytest.approx(plain.total.value)
        width[losses] = found.total.hi - found.total.lo, found.chance.hi - found.chance.lo
    # of the share: 0.1 / 0.9 × sqrt(1/4) of the value, either side by 1.64 times as much
    own = 2 * 1.645 * plain.total.value * 0.1 / 0.9 / 2
    before = plain.total.hi - plain.total.lo
    assert width[400][0] == pytest.approx(before, rel=0.05)
    assert width[4][0] == pytest.approx(np.hypot(own, before), rel=0.2)
    # what comes is uncertain in the share and, once more, in who will have it
    once = plain.chance.hi - plain.chance.lo
    assert width[4][1] > 1.2 * np.hypot(own, once)


def test_losses_come_again_as_often_as_revenue_does():
    """Half a year of margin ahead after a tenth of risk: a Poisson number of mean one half."""
    risk = Risk(np.arange(4), np.array([100.0, 50, 40, 10]), np.array([0.0, 15, 0, 5]))
    drawn = risk.chance(0.5 * 180, 40_000, np.random.default_rng(1))
    assert abs(drawn.mean()) < 4 * drawn.std() / 200
    assert drawn.var() == pytest.approx(0.5 * (15**2 + 5**2), rel=0.05)


def test_what_risk_leaves_goes_by_who_is_drawn():
    risk = Risk(np.array([0, 2]), np.array([100.0, 100.0]), np.array([0.0, 40.0]))
    assert risk.kept(np.ones(3)) == pytest.approx(0.8)
    assert risk.borne(np.array([2.0, 5.0, 0.0])) == pytest.approx(1 / 0.8)
    assert risk.borne(np.array([1.0, 0.0, 3.0])) == pytest.approx(0.7 / 0.8)
    assert risk.borne(np.zeros(3)) == pytest.approx(1 / 0.8)
    taken = Risk(np.array([0]), np.array([10.0]), np.array([10.0]))
    assert taken.borne(np.ones(1)) == 1
