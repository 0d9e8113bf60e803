"""Running contracts under resamples of customers: hazards, margins, futures (V8).

What `crmlib.value.running_contracts` adds up. Each resample refits the model of each
product, so that its hazards carry the uncertainty of the fit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from types import MappingProxyType

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crmlib.stats.bootstrap import bootstrap_weights, generator
from crmlib.stats.optimise import NotIdentified
from crmlib.value.contract_models import ContractModel
from crmlib.value.contribution import growth
from crmlib.value.life_table import exposure

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

YEAR = 12  # periods
# years from the middle of the measured year to the middle of its last period: k periods
# ahead a payment lies LAG + k / YEAR years behind the money that was measured
LAG = 5.5 / YEAR
# periods for which the change of the last year is continued: longer than it was seen, nothing
# vouches for it
LONGEST_TREND = 36
MOST_FAILED = 0.05  # share of resamples that may not determine a model
BOOTSTRAP = 0  # purpose of a random stream


@dataclass(frozen=True)
class Portfolio:
    """Running contracts whose product has a model, and how far ahead survival is needed."""

    running: pd.DataFrame  # customer, product, tenure, margin
    customers: int  # of the whole base
    models: dict[str, ContractModel]
    last_age: dict[str, int]  # periods of age for which hazards are drawn
    endless: bool  # whether every product tells what comes after the horizon
    refused: dict[str, str]


@dataclass(frozen=True)
class Draws:
    """One product under each resample of customers; the first row is the base itself."""

    rows: IntArray  # positions of its contracts among the running ones
    ages: IntArray  # distinct ages of its running contracts, shape (n_ages,)
    index: IntArray  # position in `ages` of each of its running contracts
    hazards: FloatArray  # shape (1 + replications, n_periods)
    margin: FloatArray  # margin that runs at each age, shape (1 + replications, n_ages)
    growth: FloatArray  # of margins a year, shape (1 + replications, 1)
    borne: FloatArray  # margins after risk, over those of the base, shape (1 + replications, 1)

    def annuities(self, rate: float, horizon: int) -> FloatArray:
        """Discounted expected periods by age, each as large as margins then are.

        Margins are those of the last year: its middle lies half a year back. They go on to
        change for `LONGEST_TREND` periods and stay as they are then.

        Returns
        -------
        array of shape (1 + replications, n_ages)
        """
        grown, until = 1 + self.growth, min(horizon, LONGEST_TREND)
        by_period = (1 + rate) / grown ** (1 / YEAR) - 1
        value = grown**LAG * annuity(self.hazards, self.ages, by_period, until)
        return value + self._after(until, rate, horizon) if horizon > until else value

    def _after(self, until: int, rate: float, horizon: int | None) -> FloatArray:
        """What periods behind `until` bring, margins being as they are then."""
        beyond = annuity(self.hazards, self.ages, rate, horizon)
        beyond = beyond - annuity(self.hazards, self.ages, rate, until)
        return (1 + self.growth) ** (LAG + until / YEAR) * beyond

    def payments(self, rate: float, horizon: int) -> FloatArray:
        """Discounted payments of a contract that lasts 0, 1, … periods, in each resample.

        Returns
        -------
        array of shape (replications, horizon + 1)
            Per unit of margin, as large as margins then are, after the risk drawn.
        """
        period = np.arange(1.0, horizon + 1)
        changing = LAG + np.minimum(period, LONGEST_TREND) / YEAR
        each = (1 + self.growth[1:]) ** changing / (1 + rate) ** period
        each *= self.borne[1:]
        return np.concatenate([np.zeros((len(each), 1)), np.cumsum(each, axis=1)], axis=1)

    def endless(self, rate: float) -> FloatArray:
        """`annuities` without a horizon."""
        return self.annuities(rate, LONGEST_TREND) + self._after(LONGEST_TREND, rate, None)


@dataclass(frozen=True)
class Product:
    """Contracts of one product as the bootstrap needs them."""

    model: ContractModel
    holder: IntArray  # customer of each contract, running or not
    spells: tuple[NDArray[np.generic], ...]  # their duration, ended, entry
    rows: IntArray
    customer: IntArray  # of each running one
    margin: FloatArray
    ages: IntArray
    index: IntArray
    estimate: FloatArray

    @classmethod
    def of(
        cls, ordered: pd.DataFrame, portfolio: Portfolio, name: str, model: ContractModel
    ) -> Product:
        """Pick the product's contracts."""
        own = ordered[ordered["product"] == name]
        running = portfolio.running[portfolio.running["product"] == name]
        ages, index = np.unique(running["tenure"].to_numpy(), return_inverse=True)
        return cls(
            model=model,
            holder=own["customer"].to_numpy(),
            spells=tuple(own[column].to_numpy() for column in ("duration", "ended", "entry")),
            rows=running.index.to_numpy(),
            customer=running["customer"].to_numpy(),
            margin=running["margin"].to_numpy(dtype=float),
            ages=ages,
            index=index,
            estimate=model.hazards(portfolio.last_age[name]),
        )

    def margin_by_age(self, drawn: FloatArray) -> FloatArray:
        """Margin that runs at each age when customers are drawn so often, shape (n_ages,)."""
        return np.bincount(self.index, self.margin * drawn[self.customer], self.ages.size)

    def curve(self, drawn: FloatArray) -> FloatArray:
        """Hazards refitted to customers drawn so often, shape (n_periods,)."""
        weights = drawn[self.holder]
        if not weights.any():
            raise NotIdentified("no contract was drawn")
        return self.model.resampled(exposure(*self.spells, weights), self.estimate.size)


class Undetermined(NotIdentified):
    """One product has too few contracts or ends for an interval; the others may have enough."""

    def __init__(self, product: str, reason: str) -> None:
        super().__init__(reason)
        self.product = product


def resamples(customers: int, replications: int, seed: int) -> Iterator[FloatArray]:
    """How often each customer is drawn: once in the base itself, then in each resample."""
    rng = generator(seed, BOOTSTRAP)
    return chain([np.ones(customers)], bootstrap_weights(customers, replications, rng))


def resample(
    ordered: pd.DataFrame,
    portfolio: Portfolio,
    trends: Mapping[str, Trend],
    risks: Mapping[str, Risk],
    replications: int,
    seed: int,
) -> dict[str, Draws]:
    """Refit each product and add up its margins by age, once per resample of customers."""
    weights = resamples(portfolio.customers, replications, seed)
    products = {
        name: Product.of(ordered, portfolio, name, model)
        for name, model in portfolio.models.items()
    }
    hazards: dict[str, list[FloatArray]] = {name: [] for name in products}
    margins: dict[str, list[FloatArray]] = {name: [] for name in products}
    changes: dict[str, list[float]] = {name: [] for name in products}
    borne: dict[str, list[float]] = {name: [] for name in products}
    failed = dict.fromkeys(products, 0)
    for replicate, drawn in enumerate(weights):
        for name, product in products.items():
            borne[name].append(risks[name].borne(drawn) if name in risks else 1.0)
            margins[name].append(borne[name][-1] * product.margin_by_age(drawn))
            changes[name].append(trends[name].growth(drawn) if name in trends else 0.0)
            try:
                curve = product.curve(drawn) if replicate else product.estimate
            except NotIdentified:  # a resample without a loss, or without a survivor
                failed[name] += 1
                curve = product.estimate
            hazards[name].append(curve)
    for name, times in failed.items():
        if times > MOST_FAILED * replications:
            raise Undetermined(
                name,
                f"{name}: {times} of {replications} resamples of customers do not determine "
                "its model; there are too few contracts or ends for an interval",
            )
    return {
        name: Draws(
            product.rows,
            product.ages,
            product.index,
            np.array(hazards[name]),
            np.array(margins[name]),
            np.array(changes[name])[:, None],
            np.array(borne[name])[:, None],
        )
        for name, product in products.items()
    }


@dataclass(frozen=True)
class Risk:
    """Revenue and risk of one product in a year, by customer of the base."""

    customer: IntArray  # positions in the base
    revenue: FloatArray
    risk: FloatArray

    def kept(self, drawn: FloatArray) -> float:
        """Share of revenue that risk leaves when customers are drawn so often."""
        weights = drawn[self.customer]
        revenue = float(weights @ self.revenue)
        return 1 - float(weights @ self.risk) / revenue if revenue > 0 else 1.0

    def borne(self, drawn: FloatArray) -> float:
        """The same over that of the base itself; 1 where risk has taken all."""
        base = self.kept(np.ones_like(drawn))
        return self.kept(drawn) / base if base > 0 else 1.0

    def chance(self, ahead: float, number: int, rng: np.random.Generator) -> FloatArray:
        """By how much risk may depart from what is expected of it, shape (number,).

        What each customer lost in the year comes again a Poisson number of times, on
        average as often as the year's revenue does.

        Parameters
        ----------
        ahead : float
            Margin, after risk, that is expected.
        """
        lost = self.risk[self.risk != 0]
        revenue = self.kept(np.ones(self.customer.max(initial=-1) + 1)) * self.revenue.sum()
        often = max(ahead / revenue, 0.0) if revenue > 0 else 0.0
        return (rng.poisson(often, (number, lost.size)) - often) @ lost


@dataclass(frozen=True)
class Trend:
    """Money of the same contracts in two successive years, by customer of the base."""

    customer: IntArray  # positions in the base
    before: FloatArray
    after: FloatArray
    of_all: Trend | None = None  # from which departures of customers are drawn, if not from this

    @property
    def departures(self) -> Trend:
        """Where it is read how far customers depart from the growth of all."""
        return self if self.of_all is None else self.of_all

    def growth(self, drawn: FloatArray) -> float:
        """Yearly change of the total when customers are drawn so often."""
        return growth(self.before, self.after, drawn[self.customer])

    def changes(self, number: int, years: int, rng: np.random.Generator) -> FloatArray:
        """Factors by which customers' money may depart from that of all, shape (number,).

        Drawn from what customers have seen in a year, in proportion to their money, so
        that their mean is 1.
        """
        known = np.flatnonzero(self.before > 0)
        if not self.after[known].sum() > 0:
            return np.ones(number)
        share = np.cumsum(self.before[known])
        drawn = np.searchsorted(share / share[-1], rng.random((years, number)))
        ratio = self.after[known] / self.before[known] * (share[-1] / self.after[known].sum())
        return ratio[np.minimum(drawn, known.size - 1)].prod(axis=0)


def annuity(
    hazards: FloatArray, ages: IntArray, rate: float | FloatArray, horizon: int | None
) -> FloatArray:
    """Discounted expected number of periods that contracts of given ages will last.

    Parameters
    ----------
    hazards : array of shape (n_curves, n_periods)
        Probability of loss in periods 1, 2, … of age; reaching `horizon` beyond the oldest.
    ages : array of int, shape (n_ages,)
        Periods completed.
    rate : float or array of shape (n_curves, 1)
        Effective discount rate per period; the first payment is one period ahead.
    horizon : int or None
        None (with one rate only) to infinity: beyond the last hazard the rate of loss stays
        as it was.

    Returns
    -------
    array of shape (n_curves, n_ages)
    """
    discount = 1 / (1 + rate)
    if horizon is not None:
        term = np.ones((len(hazards), ages.size))
        total = np.zeros_like(term)
        for k in range(horizon):
            term *= discount * (1 - hazards[:, ages + k])
            total += term
        return total
    value = discount * (1 - hazards[:, -1])
    value = value / (1 - value)
    table = np.empty((len(hazards), int(ages.max()) + 1))
    for age in range(hazards.shape[1] - 1, -1, -1):
        value = discount * (1 - hazards[:, age]) * (1 + value)
        if age < table.shape[1]:
            table[:, age] = value
    return table[:, ages]


def cumulative_hazards(hazards: FloatArray) -> FloatArray:
    """−log S at ages 0, 1, …, shape (n_curves, n_periods + 1).

    Where all leave, a hazard of 1 − 10⁻¹⁶ stands for 1: ages beyond stay comparable.
    """
    risk = np.cumsum(-np.log1p(-np.minimum(hazards, 1 - 1e-16)), axis=1)
    return np.concatenate([np.zeros((len(risk), 1)), risk], axis=1)


def futures_of(
    customer: IntArray,
    product: NDArray[np.object_],
    tenure: IntArray,
    margin: FloatArray,
    risks: Mapping[str, FloatArray],
    payments: Mapping[str, FloatArray],
    together: float,
    rng: np.random.Generator,
    trends: Mapping[str, Trend] = MappingProxyType({}),
) -> FloatArray:
    """Discounted margin of each customer in one future per replicate.

    A contract ends where its cumulative hazard has grown by an exponential variable; the
    contracts of a customer share that variable with probability `together`. Where there
    are trends, margins of a customer depart from that of all as those of some customer did.

    Parameters
    ----------
    risks, payments : mappings of product to arrays of shape (replications, …)
        Cumulative hazards by age; see `Draws.payments`.

    Returns
    -------
    array of shape (replications, n_customers)
    """
    number, horizon = int(customer.max()) + 1, next(iter(payments.values())).shape[1] - 1
    rows = {name: np.flatnonzero(product == name) for name in risks}
    departing = {id(each.departures): each.departures for each in trends.values()}
    years = max(round(LAG + horizon / YEAR / 2), 1)  # to the middle of the horizon
    result = np.empty((len(next(iter(risks.values()))), number))
    for replicate in range(len(result)):
        shared = rng.random(number) < together
        common = rng.exponential(size=number)
        luck = np.where(shared[customer], common[customer], rng.exponential(size=customer.size))
        paid = np.empty(customer.size)
        changed = {key: each.changes(number, years, rng) for key, each in departing.items()}
        for name, own in rows.items():
            risk, age = risks[name][replicate], tenure[own]
            period = np.searchsorted(risk, risk[age] + luck[own], side="left")
            paid[own] = payments[name][replicate, np.clip(period - 1 - age, 0, horizon)]
            if name in trends:
                paid[own] *= changed[id(trends[name].departures)][customer[own]]
        result[replicate] = np.bincount(customer, paid * margin, number)
    return result
