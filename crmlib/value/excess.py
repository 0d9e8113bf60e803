"""What of a flow between tiers is more than chance (V10).

In a base in which nobody changes, chance alone moves a quarter of the customers up
a quintile and shows a tenth of all value as lost by downward migration. What counts
is the excess of a flow over that of an unchanged base, see `crmlib.value.stationary`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from crmlib.stats.bootstrap import bootstrap_weights, generator
from crmlib.stats.intervals import Interval, percentile_interval
from crmlib.stats.optimise import NotIdentified
from crmlib.value.migration import (
    BOOTSTRAP,
    FLOWS,
    Periods,
    TierRule,
    beyond_gone,
    flow_shares,
    flow_table,
    interval_columns,
    place,
    resample,
    resampled_flows,
)

FloatArray = NDArray[np.float64]
Draw = Callable[[np.random.Generator], tuple[FloatArray, FloatArray]]
Refit = Callable[[FloatArray], Draw]

EXPECTED, REFITTED = 1, 2  # purposes of random streams beside BOOTSTRAP


@dataclass(frozen=True)
class ExcessMigration:
    """Each flow beside the flow expected if nobody changed.

    Attributes
    ----------
    flows : DataFrame, index down / less / gone / up / more / new
        customers (observed); then, as shares of the customers placed in period 1,
        customers_observed, customers_expected, customers_excess with _lo and
        _hi; as shares of their value, value_observed, value_expected,
        value_excess with _lo and _hi; amount, amount_lo, amount_hi: the excess
        in money. Losses are negative.
    replicates : array of shape (replications, 6)
        Excess of value by flow in each bootstrap sample.
    level : float
        Nominal coverage.
    down_beyond_gone : Interval
        Excess loss to downward migration minus excess loss to defection, as a
        share of the value placed in period 1.
    less_beyond_gone : Interval
        The same with the excess loss within tiers added to the first.
    draws : int
        Simulated pairs of periods behind the expectation.
    refitted : bool
        Whether the intervals hold the uncertainty of the model that was drawn from.
    n : int
        Customers present in either period.
    """

    flows: pd.DataFrame
    replicates: FloatArray
    level: float
    down_beyond_gone: Interval
    less_beyond_gone: Interval
    draws: int
    refitted: bool
    n: int

    def value_of(self, flows: Sequence[str]) -> Interval:
        """Excess of value of several flows together, over the value placed in period 1."""
        point = float(self.flows.loc[list(flows), "value_excess"].sum())
        places = [FLOWS.index(flow) for flow in flows]
        return percentile_interval(point, self.replicates[:, places].sum(axis=1), self.level)


def excess_migration(
    value_1: ArrayLike,
    value_2: ArrayLike,
    rule: TierRule,
    draw: Draw,
    *,
    refit: Refit | None = None,
    joining: ArrayLike | None = None,
    leaving: ArrayLike | None = None,
    draws: int = 200,
    refit_draws: int = 20,
    replications: int,
    seed: int,
    level: float,
) -> ExcessMigration:
    """Flows less those that chance alone would make in a base where nobody changes.

    Parameters
    ----------
    value_1, value_2, rule, joining, leaving
        As for `value_migration`.
    draw : callable
        Given a random generator, the values of about as many customers in two
        periods between which nothing changes, 0 where not there. Flows are
        compared as shares of the customers and of the value of period 1.
    refit : callable, optional
        Given bootstrap weights of shape (n_rows,), the `draw` of the model fitted
        to that resample. Observed and expected flows then vary together; without
        it the expectation counts as known.
    draws, refit_draws : int
        Simulated pairs of periods for the expectation, and per refit. Twenty per
        refit widen an interval by about a fortieth.
    replications, seed, level
        Bootstrap over customers, nominal coverage.

    Raises
    ------
    ValueError
        As for `value_migration`.
    NotIdentified
        If `draw` yields no value in period 1, as for `value_migration`, or from `refit`.
    """
    periods = Periods.of(value_1, value_2, joining, leaving)
    ones = np.ones(periods.first.size)
    placed = place(periods, rule, ones)
    observed = flow_shares(periods, placed, ones)
    expected = _expected(draw, rule, generator(seed, EXPECTED), draws)
    rng = generator(seed, BOOTSTRAP)
    if refit is None:
        samples = resampled_flows(periods, rule, replications, rng) - expected
    else:
        rows = np.size(value_1)

        def flows(weights: FloatArray) -> FloatArray:
            base = refit(_spread(weights, periods, rows))
            # the same random numbers for each refit: what differs is the model
            return resample(periods, rule, weights) - _expected(
                base, rule, generator(seed, REFITTED), refit_draws
            )

        resamples = bootstrap_weights(ones.size, replications, rng)
        samples = np.array([flows(weights) for weights in resamples])
    table = flow_table(periods, placed)[["customers"]]
    for row, name in enumerate(("customers", "value")):
        table[f"{name}_observed"], table[f"{name}_expected"] = observed[row], expected[row]
        excess = observed[row] - expected[row]
        table = table.join(interval_columns(f"{name}_excess", excess, samples[:, row], level))
    money = float(periods.first[periods.order_1].sum())
    for end in ("", "_lo", "_hi"):
        table[f"amount{end}"] = table[f"value_excess{end}"] * money
    return ExcessMigration(
        flows=table,
        replicates=samples[:, 1],
        level=level,
        **beyond_gone(observed - expected, samples, level),
        draws=draws,
        refitted=refit is not None,
        n=ones.size,
    )


def _spread(weights: FloatArray, periods: Periods, rows: int) -> FloatArray:
    """Weights of the given rows, 0 for who is in no period."""
    of_rows = np.zeros(rows)
    of_rows[periods.rows] = weights
    return of_rows


def _expected(draw: Draw, rule: TierRule, rng: np.random.Generator, draws: int) -> FloatArray:
    """Mean flows of simulated pairs of periods, shape (2, 6)."""
    found = np.zeros((2, len(FLOWS)))
    for _ in range(draws):
        first, second = draw(rng)
        if not np.nansum(first) > 0:
            raise NotIdentified(
                "draw must yield positive value in period 1: a base without change has none"
            )
        periods = Periods.of(first, second)
        ones = np.ones(periods.first.size)
        found += flow_shares(periods, place(periods, rule, ones), ones)
    return found / draws
