"""Excess over an unchanged base: covers nothing where nothing changes, finds what is planted."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from crmlib.value.excess import ExcessMigration, excess_migration
from crmlib.value.migration import FLOWS, TierRule, value_migration
from crmlib.value.stationary import StationaryBase, SwappedParts, fit_stationary

DEMO_BANK = Path(__file__).parents[2] / "data" / "demo_bank"
QUINTILES = TierRule((0.2, 0.4, 0.6, 0.8), tuple("12345"))
WORLD = {"r": 1.0, "alpha": 0.2, "p": 3.0, "q": 5.0, "v": 120.0}
OPTIONS = {"replications": 60, "seed": 3, "level": 0.9}


def purchases(
    customers: int, seed: int, shrinking: float = 0.0, leaving: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """Counts and values of two periods; some customers buy a third as often, some no more."""
    rng = np.random.default_rng(seed)
    rate = rng.gamma(WORLD["r"], 1 / WORLD["alpha"], customers)
    fate = rng.random(customers)
    later = np.select([fate < shrinking, fate < shrinking + leaving], [1 / 3, 0.0], 1.0)
    counts = rng.poisson([rate, rate * later])
    scale = WORLD["v"] / rng.gamma(WORLD["q"], size=customers)
    return counts, rng.standard_gamma(WORLD["p"] * counts) * scale


def fitted_excess(counts, values, **options) -> ExcessMigration:
    fit = fit_stationary(counts[0], values[0])
    return excess_migration(*values, QUINTILES, fit.base, refit=fit.refit, **OPTIONS | options)


def months(customers: int, seed: int) -> np.ndarray:
    """Twelve months of two periods, noisy around a level that stays."""
    rng = np.random.default_rng(seed)
    level = rng.lognormal(2, 0.7, (1, customers, 1))
    return level + rng.normal(0, 8, (2, customers, 12))


def test_observed_less_expected_is_the_excess():
    """Against a base known to the digit: the plain flows less those of its two periods."""
    _, values = purchases(400, seed=1)
    _, fixed = purchases(400, seed=2)
    found = excess_migration(*values, QUINTILES, lambda rng: tuple(fixed), draws=3, **OPTIONS)
    observed, expected = (
        value_migration(*each, QUINTILES, **OPTIONS).flows for each in (values, fixed)
    )
    table = found.flows
    for name, share in (("customers", "customer_share"), ("value", "value_share")):
        assert table[f"{name}_observed"].to_numpy() == pytest.approx(observed[share].to_numpy())
        assert table[f"{name}_expected"].to_numpy() == pytest.approx(expected[share].to_numpy())
        shifted = observed[f"{share}_lo"] - expected[share]
        assert table[f"{name}_excess_lo"].to_numpy() == pytest.approx(shifted.to_numpy())
    total = np.nansum(values[0])
    assert table["amount"].to_numpy() == pytest.approx(table["value_excess"].to_numpy() * total)
    assert found.draws == 3 and not found.refitted
    assert found.n == (values > 0).any(axis=0).sum()


def test_chance_alone_moves_a_quarter_up_and_a_tenth_of_value_down():
    """Of a base without change; the order of magnitude that makes raw flows useless."""
    _, values = purchases(20_000, seed=3)
    flows = value_migration(*values, QUINTILES, **OPTIONS).flows
    assert 0.2 < flows.loc["up", "customer_share"] < 0.3
    assert -0.16 < flows.loc["down", "value_share"] < -0.08


def test_planted_downward_migration_and_defection_are_found():
    """The truth is the difference of two bases of 100,000, with the change and without it."""
    plan = {"shrinking": 0.25, "leaving": 0.1}
    with_change, without = (
        value_migration(*purchases(100_000, 4, **p)[1], QUINTILES, **OPTIONS | {"replications": 1})
        for p in (plan, {})
    )
    truth = with_change.flows - without.flows
    found = fitted_excess(*purchases(4000, 5, **plan), level=0.99, refit_draws=5)
    for flow in ("down", "gone", "up"):
        for name, share in (("customers", "customer_share"), ("value", "value_share")):
            lo, hi = found.flows.loc[flow, [f"{name}_excess_lo", f"{name}_excess_hi"]]
            assert lo <= truth.loc[flow, share] <= hi, (flow, name)
    assert found.flows.loc["gone", "customers_excess_lo"] > 0.05
    assert found.flows.loc["down", "value_excess_hi"] < -0.02
    beyond = with_change.down_beyond_gone.value - without.down_beyond_gone.value
    assert beyond in found.down_beyond_gone
    assert found.refitted


def test_planted_shrinking_is_found_in_months():
    parts = months(2000, seed=6)
    shrunk = parts.copy()
    shrunk[1, :500] *= 0.4
    lost = (shrunk - parts)[1].sum() / parts[0].sum()
    base = SwappedParts(*shrunk)
    found = excess_migration(
        *shrunk.sum(axis=2), QUINTILES, base, refit=base.refit, draws=50, refit_draws=5, **OPTIONS
    )
    excess = found.flows.loc[["down", "less"], "value_excess"].sum()
    assert lost < excess < lost / 2  # a real change is stated too small, never too large
    assert found.flows.loc["down", "value_excess_hi"] < 0


def test_currency_scales_amounts_and_leaves_shares():
    counts, values = purchases(400, seed=7)
    options = {"replications": 10, "draws": 10, "refit_draws": 2}
    one, cents = (fitted_excess(counts, values * unit, **options).flows for unit in (1, 100))
    money = ["amount", "amount_lo", "amount_hi"]
    scaled = cents.assign(**{name: cents[name] / 100 for name in money})
    pd.testing.assert_frame_equal(one, scaled, rtol=1e-3, atol=1e-4)


def test_the_same_seed_gives_the_same_intervals():
    counts, values = purchases(300, seed=8)
    options = {"replications": 5, "draws": 5, "refit_draws": 2}
    one, again = (fitted_excess(counts, values, **options).flows for _ in range(2))
    pd.testing.assert_frame_equal(one, again)


def test_a_refit_gets_the_weights_of_the_rows_it_was_fitted_to():
    """Rows that are in no period come first, and are drawn in no resample."""
    _, values = purchases(100, seed=11)
    padded = np.hstack([np.full((2, 30), np.nan), values])
    present, seen = np.nan_to_num(padded).any(axis=0), []

    def refit(weights: np.ndarray):
        seen.append(weights)
        return lambda rng: tuple(values)

    excess_migration(*padded, QUINTILES, lambda rng: tuple(values), refit=refit, draws=1, **OPTIONS)
    drawn = np.array(seen)
    assert drawn.shape == (60, 130) and (drawn.sum(axis=1) == present.sum()).all()
    assert ((drawn.sum(axis=0) > 0) == present).all()


def test_a_draw_without_value_is_named():
    _, values = purchases(50, seed=9)
    with pytest.raises(ValueError, match="draw must yield positive value"):
        excess_migration(*values, QUINTILES, lambda rng: (np.zeros(3), np.ones(3)), **OPTIONS)


def covered(found: list[ExcessMigration], column: str) -> dict[str, int]:
    """How many intervals of an excess hold 0, by flow."""
    return {
        flow: sum(
            one.flows.loc[flow, f"{column}_lo"] <= 0 <= one.flows.loc[flow, f"{column}_hi"]
            for one in found
        )
        for flow in FLOWS
    }


# named in advance: the two flows that the chapter compares, in money
NAMED = ("down", "gone")
FEWEST, MOST = stats.binom(200, 0.9).ppf([0.005, 0.995])


@pytest.mark.slow
def test_where_nobody_changes_the_excess_covers_zero():
    """200 bases of 500 customers; 99 % binomial bounds of 90 % intervals."""
    options = {"draws": 40, "refit_draws": 5}
    found = [fitted_excess(*purchases(500, 1000 + one), **options) for one in range(200)]
    held = covered(found, "value_excess")
    for flow in NAMED:
        assert FEWEST <= held[flow] <= MOST, (flow, held)


@pytest.mark.slow
def test_where_no_month_changes_the_excess_covers_zero():
    """200 bases of 300 customers by swapped months; 99 % binomial bounds."""
    found = []
    for one in range(200):
        parts = months(300, seed=2000 + one)
        base = SwappedParts(*parts)
        options = OPTIONS | {"seed": one, "draws": 40, "refit_draws": 5}
        found.append(
            excess_migration(*parts.sum(axis=2), QUINTILES, base, refit=base.refit, **options)
        )
    held = covered(found, "value_excess")
    for flow in ("down", "up"):  # nobody leaves who comes every month
        assert FEWEST <= held[flow] <= MOST, (flow, held)


def test_the_ready_base_is_close_to_the_world_it_was_fitted_to():
    counts, values = purchases(4000, seed=10)
    true = StationaryBase(**WORLD, customers=4000)
    fitted = fit_stationary(counts[0], values[0]).base
    options = OPTIONS | {"replications": 1, "draws": 60}
    known, estimated = (
        excess_migration(*values, QUINTILES, base, **options).flows["value_expected"]
        for base in (true, fitted)
    )
    assert estimated.to_numpy() == pytest.approx(known.to_numpy(), abs=0.01)


def test_the_demo_bank_loses_more_to_shrinking_than_to_leaving():
    """As its README says; profit of 2024 and 2025, who came or left half-way by its truth."""
    truth = pd.read_csv(DEMO_BANK / "truth" / "customers.csv.gz").set_index("customer_id")
    joined = pd.read_csv(DEMO_BANK / "customers.csv").set_index("customer_id")["joined"]
    rows = pd.read_parquet(DEMO_BANK / "ledger.parquet").astype({"amount": float})
    rows["amount"] *= np.where(rows["line"] == "revenue", 1, -1)
    by_month = rows.groupby(["customer_id", "month"])["amount"].sum().unstack(fill_value=0.0)
    truth = truth.reindex(by_month.index)
    calendar = by_month.columns.astype(str).str[:4]
    parts = [by_month.to_numpy()[:, calendar == year] for year in ("2024", "2025")]
    masks = {
        "joining": (joined.reindex(by_month.index) >= "2024").to_numpy(),
        "leaving": (truth["left"] < "2025-12").to_numpy(),
    }
    base = SwappedParts(*parts, throughout=~masks["joining"] & ~masks["leaving"])
    values = [part.sum(axis=1) for part in parts]
    flows = value_migration(*values, QUINTILES, **masks, **OPTIONS)
    assert flows.down_beyond_gone.lo > 0
    options = {"refit": base.refit, "draws": 40, "refit_draws": 2}
    found = excess_migration(*values, QUINTILES, base, **options, **masks, **OPTIONS)
    lost = found.flows.loc[["down", "less"], "value_excess"].sum()
    assert lost < found.flows.loc["gone", "value_excess"] < 0
    # chance makes most of what looks like downward migration
    assert found.flows.loc["down", "value_expected"] < flows.flows.loc["down", "value_share"] / 2
