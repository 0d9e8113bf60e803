"""What customers are worth: realised to date plus expected from here on (V8).

future value = discounted expected purchases × expected spend × margin rate;
lifetime value = contribution realised to date + future value. Deciles and tiers
rank lifetime value. The total has an interval by bootstrap over customers with
refits of both models; each customer's interval adds the chance in the process.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crmlib.stats.bootstrap import bootstrap_weights, generator
from crmlib.stats.grouping import Groups, group_rows
from crmlib.stats.intervals import Interval, percentile_interval
from crmlib.stats.optimise import LikelihoodResult, NotIdentified, distance_in_errors
from crmlib.stats.tiers import value_deciles, value_tiers
from crmlib.value import expectations, purchases, spend
from crmlib.value.concentration import concentration
from crmlib.value.frequency_bands import FrequencyBands
from crmlib.value.futures import Histories, future_quantiles
from crmlib.value.observations import check_column

FloatArray = NDArray[np.float64]

COLUMNS = (
    "customer_id", "frequency", "recency", "observed_time",
    "mean_repeat_spend", "realised", "current_value",
)  # fmt: skip
MOST_TIMES_OBSERVED = 4.0  # a longer horizon makes the value "weak"
TOP_SHARES = {"top_10": 0.1, "top_20": 0.2, "top_50": 0.5}
FEW_NODES = 12  # relative error of a replicate below 1e-7 over ten years of weeks
BOOTSTRAP, FUTURES, SHARED = 0, 1, 2  # purposes of random streams
MANY_CUSTOMERS, MORE_FUTURES = 20, 20  # a history of so many customers gets so many more futures


@dataclass(frozen=True)
class LifetimeValues:
    """Value of each customer and of the whole base.

    Attributes
    ----------
    customers : DataFrame of shape (n_customers, 11)
        customer_id, current_value, p_active, expected_purchases (not
        discounted), expected_spend (per purchase), future_value with _lo and
        _hi (parameters and process), lifetime_value = realised + future_value,
        value_decile and value_tier by lifetime_value.
    equity : Interval
        Total future value of the base; its interval is for the expectation.
    to_infinity : float or None
        The same total without a horizon; None where nothing is discounted.
    top_shares : dict of str to Interval
        Share of future value held by the best 10 %, 20 % and 50 % of customers by
        future value.
    replicates : DataFrame of shape (replications used, 11 or more)
        The four parameters of the purchase model (r, alpha, a, b), p, q, v (or a q
        and a v for each band of frequency), equity, top_10, top_20, top_50 per
        bootstrap sample.
    grade : {"good", "weak"}
        The worse verdict of the two fits; weak, too, where the horizon is more
        than four times the longest time observed.
    notes : tuple of str
        Why it is not good, and what was done to reach these figures and is not
        obvious from them.
    """

    customers: pd.DataFrame
    equity: Interval
    to_infinity: float | None
    top_shares: dict[str, Interval]
    replicates: pd.DataFrame
    grade: str
    notes: tuple[str, ...]


def annual_to_continuous(rate: float, units_per_year: float) -> float:
    """Continuous discount rate per time unit from an effective annual rate.

    Parameters
    ----------
    rate : float
        Effective annual rate, .15 for 15 %; above −1.
    units_per_year : float
        Time units in a year (52.18 weeks, 365.25 days).

    Raises
    ------
    ValueError
        If either is out of range.
    """
    if not rate > -1 or not units_per_year > 0:
        raise ValueError(f"no discounting at rate {rate!r} with {units_per_year!r} units per year")
    return float(np.log1p(rate) / units_per_year)


def lifetime_values(
    customers: pd.DataFrame,
    purchases_result: purchases.PurchaseResult,
    spend_result: spend.GammaGammaResult,
    *,
    horizon: float,
    rate: float,
    margin_rate: float,
    replications: int,
    seed: int,
    level: float,
    tier_cuts: Sequence[float],
    tier_labels: Sequence[str],
) -> LifetimeValues:
    """Future and lifetime value of every customer, with intervals.

    Parameters
    ----------
    customers : DataFrame
        The customers both models were fitted to: customer_id, frequency,
        recency, observed_time, mean_repeat_spend (empty without repeat
        purchase), realised (contribution to date), current_value.
    horizon : float
        Time units ahead.
    rate : float
        Continuous discount rate per time unit, see `annual_to_continuous`.
    margin_rate : float
        Contribution per unit of spend.
    replications, seed, level
        Bootstrap samples (each also gives a future of every customer), their
        seed, and the nominal coverage of all intervals.
    tier_cuts, tier_labels
        Tiers by cumulative share of lifetime value, see `value_tiers`.

    Raises
    ------
    NotIdentified
        If a fit was refused, or expected spend does not exist (q ≤ 1), in the
        fit or in so many bootstrap samples that the interval has no upper bound.
    ValueError
        If a column is missing or impossible, or the models were fitted to
        other customers.
    """
    weaknesses = _weaknesses({"purchase": purchases_result, "spend": spend_result})
    portfolio, notes = _portfolio(customers, purchases_result.model, spend_result)
    weaknesses += _far_ahead(horizon, float(customers["observed_time"].max()))
    notes = weaknesses + notes
    _check_same_customers(portfolio, purchases_result, spend_result)
    plan = _Plan(horizon, rate, margin_rate)
    theta, phi = purchases_result.params.to_numpy(), spend_result.params.to_numpy()
    value = portfolio.future_value(theta, phi, plan)
    replicates = _bootstrap(portfolio, purchases_result, spend_result, plan, replications, seed)
    kept = _with_finite_mean(replicates, portfolio.bands, level)
    if len(kept) < replications:
        notes += (f"{replications - len(kept)} bootstrap samples had infinite mean spend",)
    bounds = _customer_bounds(portfolio, kept, plan, seed, level)
    table = _customer_table(customers, portfolio, theta, phi, horizon, value, bounds)
    lifetime, ids = table["lifetime_value"], table["customer_id"]
    table["value_decile"] = value_deciles(lifetime, ids)
    table["value_tier"] = value_tiers(lifetime, tier_cuts, tier_labels, ids)
    counts = portfolio.histories.weights
    points = _totals(value, counts)
    lost = replications - len(kept)  # infinite equity; their shares are unknown
    intervals = {
        name: percentile_interval(point, kept[name], level, lost if name == "equity" else 0)
        for name, point in points.items()
    }
    to_infinity = None
    if rate > 0:
        endless = portfolio.future_value(theta, phi, _Plan(np.inf, rate, margin_rate))
        to_infinity = float(counts @ endless)
    equity = intervals.pop("equity")
    grade = "weak" if weaknesses else "good"
    return LifetimeValues(table, equity, to_infinity, intervals, kept, grade, notes)


def expected_equity(
    customers: pd.DataFrame,
    purchases_result: purchases.PurchaseResult,
    spend_result: spend.GammaGammaResult,
    *,
    horizon: float,
    rate: float,
    margin_rate: float,
) -> float:
    """The total of `lifetime_values` alone, without intervals; same parameters and errors."""
    portfolio, _ = _portfolio(customers, purchases_result.model, spend_result)
    theta, phi = purchases_result.params.to_numpy(), spend_result.params.to_numpy()
    value = portfolio.future_value(theta, phi, _Plan(horizon, rate, margin_rate))
    return float(portfolio.histories.weights @ value)


def _weaknesses(fits: dict[str, LikelihoodResult]) -> tuple[str, ...]:
    """What a reader must know beside any value that rests on these fits."""
    for name, fit in fits.items():
        if fit.verdict.grade == "refused":
            raise NotIdentified(f"the {name} model is refused: {'; '.join(fit.verdict.reasons)}")
    return tuple(
        f"the {name} model is {fit.verdict.grade}: {'; '.join(fit.verdict.reasons)}"
        for name, fit in fits.items()
        if fit.verdict.grade != "good"
    )


def _far_ahead(horizon: float, longest: float) -> tuple[str, ...]:
    """Warn of a forecast over a time many times longer than any that was seen."""
    if horizon <= MOST_TIMES_OBSERVED * longest:
        return ()
    times = f"{horizon / longest:.1f} times the longest time observed" if longest else "beyond any"
    return (f"the horizon is {times}: nothing in the data vouches for it",)


@dataclass(frozen=True)
class _Plan:
    """Over which time, at which discount and margin a purchase counts."""

    horizon: float
    rate: float
    margin_rate: float


@dataclass(frozen=True)
class _Portfolio:
    """Customers grouped three times, each formula on the rows it needs."""

    model: purchases.PurchaseModel
    histories: Groups  # distinct (frequency, recency, observed time, mean repeat spend)
    triples: Groups  # of the histories, without spend: P(alive) and the purchase refit
    pairs: Groups  # of the triples, (frequency, observed time): purchases given alive
    spenders: Groups  # of the histories that have repeat spend, (frequency, mean spend)
    has_spend: NDArray[np.bool_]  # shape (n_histories,)
    bands: FrequencyBands  # of the spend model

    def purchases_ahead(
        self, theta: FloatArray, horizon: float, rate: float, nodes: int
    ) -> FloatArray:
        """Discounted expected purchases per history."""
        ahead = self.model.purchases_if_alive(theta, *self.pairs.columns, horizon, rate, nodes)
        alive = self.model.probability_alive(theta, *self.triples.columns)
        return (ahead[self.pairs.index] * alive)[self.triples.index]

    def spend_ahead(self, phi: FloatArray) -> FloatArray:
        """Expected spend per purchase per history."""
        x, _, _, mean = self.histories.columns
        return spend.expected_spend(phi, x, x * mean, self.bands)

    def future_value(
        self, theta: FloatArray, phi: FloatArray, plan: _Plan, nodes: int = expectations.NODES
    ) -> FloatArray:
        """Discounted expected contribution per history."""
        ahead = self.purchases_ahead(theta, plan.horizon, plan.rate, nodes)
        return plan.margin_rate * ahead * self.spend_ahead(phi)


def _portfolio(
    customers: pd.DataFrame,
    model: purchases.PurchaseModel,
    spend_result: spend.GammaGammaResult,
) -> tuple[_Portfolio, tuple[str, ...]]:
    """Check and group customers; notes on what was changed."""
    missing = [column for column in COLUMNS if column not in customers]
    if missing:
        raise ValueError(f"customers lack {', '.join(missing)}")
    x, last, end = model.check(*(customers[c] for c in COLUMNS[1:4]))
    for name in ("realised", "current_value"):
        check_column(name, customers[name].abs(), x.size)
    mean = np.where(x > 0, customers["mean_repeat_spend"].to_numpy(dtype=float), 0.0)
    some_negative = (mean < 0).any()
    mean = check_column("mean_repeat_spend", np.maximum(mean, 0.0))
    notes: tuple[str, ...] = ()
    if some_negative:  # without their number: they may be a few customers
        notes = ("customers with negative repeat spend are valued as if it were 0",)
    notes += spend_result.verdict.notes
    spend_result.expected_spend([0], [np.nan])  # refuses where expected spend does not exist

    histories = group_rows(x, last, end, mean)
    triples = group_rows(*histories.columns[:3], weights=histories.weights)
    pairs = group_rows(triples.columns[0], triples.columns[2])
    has_spend = histories.columns[3] > 0
    spenders = group_rows(histories.columns[0][has_spend], histories.columns[3][has_spend])
    bands = spend_result.bands
    return _Portfolio(model, histories, triples, pairs, spenders, has_spend, bands), notes


def _check_same_customers(
    portfolio: _Portfolio,
    purchases_result: purchases.PurchaseResult,
    spend_result: spend.GammaGammaResult,
) -> None:
    """Warm refits only make sense around the optimum of these very customers."""
    triples, spenders = portfolio.triples, portfolio.spenders
    spending = np.bincount(spenders.index, portfolio.histories.weights[portfolio.has_spend])
    fits = (
        ("purchases_result", purchases_result, purchases.Refit, triples, triples.weights),
        ("spend_result", spend_result, spend.Refit, spenders, spending),
    )
    for name, result, model, groups, weights in fits:
        refit = model.of(result, groups)
        objective = refit.objective(weights)
        away = distance_in_errors(objective, refit.log_params, refit.hessian)
        determined = result.log_covariance is not None
        if result.nobs != weights.sum() or (determined and not away < 0.5):
            raise ValueError(f"{name} was not fitted to these customers")


def _bootstrap(
    portfolio: _Portfolio,
    purchases_result: purchases.PurchaseResult,
    spend_result: spend.GammaGammaResult,
    plan: _Plan,
    replications: int,
    seed: int,
) -> pd.DataFrame:
    """Refit both models and value the base, once per resample of customers."""
    refit_purchases = purchases.Refit.of(purchases_result, portfolio.triples)
    refit_spend = spend.Refit.of(spend_result, portfolio.spenders)
    names = purchases_result.model.names + spend.parameter_names(portfolio.bands)
    rng = generator(seed, BOOTSTRAP)
    rows = []
    for weights in bootstrap_weights(portfolio.histories.weights, replications, rng):
        theta = refit_purchases(np.bincount(portfolio.triples.index, weights))
        phi = refit_spend(np.bincount(portfolio.spenders.index, weights[portfolio.has_spend]))
        row = dict(zip(names, (*theta, *phi), strict=True))
        if (spend.of_bands(phi)[0] > 1).all():
            row |= _totals(portfolio.future_value(theta, phi, plan, FEW_NODES), weights)
        rows.append(row)
    return pd.DataFrame(rows)


def _totals(value: FloatArray, weights: FloatArray) -> dict[str, float]:
    """Equity and top shares of future value under group weights."""
    curve = concentration(value, weights)
    shares = {name: curve.top(share) for name, share in TOP_SHARES.items()}
    return {"equity": float(weights @ value), **shares}


def _with_finite_mean(
    replicates: pd.DataFrame, bands: FrequencyBands, level: float
) -> pd.DataFrame:
    """Replicates with every q > 1, refused where too few for an upper bound."""
    of_customers = spend.parameter_names(bands)[1 : 1 + len(bands.starts)]
    infinite = (replicates[list(of_customers)] <= 1).any(axis=1)
    if infinite.mean() >= (1 - level) / 2:
        raise NotIdentified(
            f"mean spend is infinite (q ≤ 1) in {infinite.mean():.0%} of bootstrap samples: "
            "future value has no upper bound"
        )
    return replicates[~infinite].reset_index(drop=True)


def _customer_bounds(
    portfolio: _Portfolio, replicates: pd.DataFrame, plan: _Plan, seed: int, level: float
) -> FloatArray:
    """Interval of each history's future value from simulated futures, shape (n_histories, 2).

    One-time buyers share a few histories: more futures cost nothing there, and
    neighbours then do not differ by the noise of a tail quantile.
    """
    histories, model = portfolio.histories, portfolio.model
    bounds = np.empty((histories.weights.size, 2))
    shared = histories.weights >= MANY_CUSTOMERS
    for rows, futures, purpose in ((~shared, 1, FUTURES), (shared, MORE_FUTURES, SHARED)):
        params = replicates.loc[replicates.index.repeat(futures)]
        bounds[rows] = plan.margin_rate * future_quantiles(
            Histories(*(column[rows] for column in histories.columns)),
            params[list(model.names)].to_numpy(),
            params[list(spend.parameter_names(portfolio.bands))].to_numpy(),
            horizon=plan.horizon,
            rate=plan.rate,
            level=level,
            seed=np.random.SeedSequence(seed, spawn_key=(purpose,)),
            model=model,
            bands=portfolio.bands,
        )
    return bounds


def _customer_table(
    customers: pd.DataFrame,
    portfolio: _Portfolio,
    theta: FloatArray,
    phi: FloatArray,
    horizon: float,
    value: FloatArray,
    bounds: FloatArray,
) -> pd.DataFrame:
    """One row per customer in the order given."""
    alive = portfolio.model.probability_alive(theta, *portfolio.triples.columns)
    ahead = portfolio.purchases_ahead(theta, horizon, 0.0, expectations.NODES)
    per_history = pd.DataFrame(
        {
            "p_active": alive[portfolio.triples.index],
            "expected_purchases": ahead,
            "expected_spend": portfolio.spend_ahead(phi),
            "future_value": value,
            "future_value_lo": bounds[:, 0],
            "future_value_hi": bounds[:, 1],
        }
    )
    table = customers[["customer_id", "current_value"]].reset_index(drop=True)
    table = table.join(per_history.iloc[portfolio.histories.index].reset_index(drop=True))
    table["lifetime_value"] = customers["realised"].to_numpy(dtype=float) + table["future_value"]
    return table
