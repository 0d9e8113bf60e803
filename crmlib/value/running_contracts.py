"""What the contracts that run today will still bring (V7, V8).

The margin of each running contract, expected and discounted period by period from the
survival of its product at its age, summed per customer. The total has an interval by
bootstrap over customers with refits; each customer's adds the chance in how long his
own contracts last, together or each on its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from crmlib.stats.bootstrap import generator
from crmlib.stats.intervals import Interval, percentile_interval
from crmlib.stats.optimise import NotIdentified
from crmlib.stats.refusal import Refusal
from crmlib.value.concentration import concentration
from crmlib.value.contract_draws import (
    LONGEST_TREND,
    Draws,
    Portfolio,
    Risk,
    Trend,
    cumulative_hazards,
    futures_of,
    resample,
    resamples,
)
from crmlib.value.contract_models import ContractModel
from crmlib.value.contribution import PooledRisk, YearOnYear
from crmlib.value.lifetime import MOST_TIMES_OBSERVED, TOP_SHARES

FloatArray = NDArray[np.float64]

COLUMNS = (
    "customer_id", "contract_id", "product", "entry", "duration", "ended", "running", "tenure",
    "margin",
)  # fmt: skip
TAIL = 1e-7  # discount beyond which a constant rate of loss stands for the model
CUSTOMERS_AT_A_TIME = 50_000  # whose futures are held in memory
FUTURES, LOSSES = 1, 2  # purposes of random streams


@dataclass(frozen=True)
class ContractValues:
    """Expected discounted margin of running contracts.

    Attributes
    ----------
    customers : DataFrame of shape (n_customers, 6)
        customer_id, running_contracts, contract_value over the horizon with _lo and _hi
        (parameters and process), and contract_value_to_infinity where every product
        tells it; customers with a valued running contract, ordered by id.
    products : DataFrame of shape (n_products, 7), index product
        model, running_contracts, margin (a period), growth (of margins a year),
        contract_value with lo and hi.
    total : Interval
        Over the horizon; its interval is for the expectation.
    chance : Interval
        Over the horizon; what these customers may bring, the chance in how long their
        contracts last, in how margins change and in what risk costs included.
    to_infinity : Interval or None
        Without a horizon; None where nothing is discounted or a life table ends while
        contracts go on.
    top_shares : dict of str to Interval
        Share of the total held by the best 10 %, 20 % and 50 % of all customers; empty
        where the total is not positive.
    replicates : DataFrame of shape (replications, …)
        equity and these shares per bootstrap sample.
    refused : dict of str to str
        Products whose contracts are not valued, and why.
    grade : {"good", "weak"}
    notes : tuple of str
    """

    customers: pd.DataFrame
    products: pd.DataFrame
    total: Interval
    chance: Interval
    to_infinity: Interval | None
    top_shares: dict[str, Interval]
    replicates: pd.DataFrame
    refused: dict[str, str]
    grade: str
    notes: tuple[str, ...]


def ends_together(contracts: pd.DataFrame) -> float:
    """Share of ended contracts that ended on one day with all others of their customer.

    Among contracts whose customer had another one running; 0 where there was none.

    Parameters
    ----------
    contracts : DataFrame
        customer_id, contract_id, start_date, end_date (empty while it runs).
    """
    table = contracts[["customer_id", "contract_id", "start_date", "end_date"]].assign(
        start_date=pd.to_datetime(contracts["start_date"]),
        end_date=pd.to_datetime(contracts["end_date"]),
    )
    pairs = table.dropna(subset="end_date").merge(table, on="customer_id", suffixes=("", "_other"))
    other = pairs["end_date_other"]
    beside = (
        (pairs["contract_id"] != pairs["contract_id_other"])
        & (pairs["start_date_other"] <= pairs["end_date"])
        & (other.isna() | (other >= pairs["end_date"]))
    )
    pairs = pairs[beside]
    if pairs.empty:
        return 0.0
    same = (pairs["end_date_other"] == pairs["end_date"]).groupby(pairs["contract_id"]).all()
    return float(same.mean())


def running_values(
    spells: pd.DataFrame,
    models: Mapping[str, ContractModel | Refusal],
    *,
    horizon: int,
    rate: float,
    together: float,
    replications: int,
    seed: int,
    level: float,
    base: Iterable[object] | None = None,
    trends: Mapping[str, YearOnYear] = MappingProxyType({}),
    risks: Mapping[str, PooledRisk] = MappingProxyType({}),
) -> ContractValues:
    """Value of every running contract, summed per customer, with intervals.

    Parameters
    ----------
    spells : DataFrame of shape (n_contracts, …)
        All contracts the models were fitted to, from `contract_spells`, with
        customer_id, product and margin (money per period; may be negative).
    models : mapping of product to ContractModel or Refusal
        From `contract_models`.
    horizon : int
        Periods ahead.
    rate : float
        Effective discount rate per period; the first margin comes one period ahead.
    together : float
        Probability (0–1) that the contracts of a customer end for one common reason, see
        `ends_together`.
    replications, seed, level
        Bootstrap samples (each also gives a future of every customer), their seed, and
        the nominal coverage of all intervals.
    base : iterable of customer ids, optional
        All customers, those without a contract included; the customers of the spells
        where omitted.
    trends : mapping of product to YearOnYear
        Where periods are months: margins of the product go on to change as they did in
        the last year, for three years at most.
    risks : mapping of product to PooledRisk
        The risk that margins of the product bear, as uncertain as customers differ in it.

    Raises
    ------
    NotIdentified
        If no running contract can be valued.
    ValueError
        Naming the column, contract or argument that is impossible.
    """
    _check(spells, horizon, rate, together)
    ordered = spells.sort_values(["customer_id", "contract_id"], kind="stable", ignore_index=True)
    everyone = pd.Index(ordered["customer_id"].unique() if base is None else list(base))
    ordered = ordered.assign(customer=_positions(everyone, ordered["customer_id"]))
    placed = _placed(trends, everyone)
    portfolio = _portfolio(ordered, models, horizon, _tail_periods(rate), everyone.size)
    borne = _borne(risks, everyone)
    draws = resample(ordered, portfolio, placed, borne, replications, seed)
    running = portfolio.running
    ahead = {name: draw.annuities(rate, horizon) for name, draw in draws.items()}
    to_infinity = None
    if portfolio.endless and rate > 0:
        to_infinity = {name: draw.endless(rate) for name, draw in draws.items()}
    bounds, futures = _customer_bounds(running, draws, rate, horizon, together, seed, level, placed)
    notes, grade = _notes(portfolio, ordered, horizon)
    weights = resamples(everyone.size, replications, seed)
    shares = _top_shares(running, draws, ahead, weights, everyone.size)
    total = _total(draws, ahead, level)
    futures = futures - _losses(draws, ahead, borne, seed)
    return ContractValues(
        customers=_customer_table(running, draws, ahead, to_infinity, bounds),
        products=_product_table(portfolio, draws, ahead, level),
        total=total,
        chance=percentile_interval(total.value, futures, level),
        to_infinity=None if to_infinity is None else _total(draws, to_infinity, level),
        top_shares={
            name: percentile_interval(float(column.iloc[0]), column.iloc[1:], level)
            for name, column in shares.drop(columns="equity").items()
            if np.isfinite(column).all()
        },
        replicates=shares.iloc[1:].reset_index(drop=True),
        refused=portfolio.refused,
        grade=grade,
        notes=notes,
    )


def _positions(everyone: pd.Index, ids: ArrayLike) -> NDArray[np.int64]:
    """Where each customer stands in the base."""
    positions = everyone.get_indexer(pd.Index(ids))
    if (positions < 0).any():
        stranger = pd.Index(ids)[int(np.argmax(positions < 0))]
        raise ValueError(f"customer {stranger} has a contract and is not in the base")
    return positions


def _placed(trends: Mapping[str, YearOnYear], everyone: pd.Index) -> dict[str, Trend]:
    """Trends by position in the base; products that share departures go on sharing them."""
    found: dict[int, Trend] = {}

    def placed(trend: YearOnYear) -> Trend:
        if id(trend) not in found:
            positions = _positions(everyone, trend.customer_id)
            of_all = None if trend.of_all is None else placed(trend.of_all)
            found[id(trend)] = Trend(positions, trend.before, trend.after, of_all)
        return found[id(trend)]

    return {name: placed(trend) for name, trend in trends.items()}


def _borne(risks: Mapping[str, PooledRisk], everyone: pd.Index) -> dict[str, Risk]:
    """Risks by position in the base, of those who stand in it."""
    found = {}
    for name, each in risks.items():
        at = everyone.get_indexer(pd.Index(each.customer_id))
        found[name] = Risk(at[at >= 0], each.revenue[at >= 0], each.risk[at >= 0])
    return found


def _losses(
    draws: dict[str, Draws], ahead: dict[str, FloatArray], risks: dict[str, Risk], seed: int
) -> FloatArray:
    """What risk may cost beyond expectation, one for each replicate."""
    rng, replications = generator(seed, LOSSES), len(next(iter(draws.values())).margin) - 1
    found = np.zeros(replications)
    for name, draw in draws.items():
        if name in risks:
            found += risks[name].chance(float(ahead[name][0] @ draw.margin[0]), replications, rng)
    return found


def _top_shares(
    running: pd.DataFrame,
    draws: dict[str, Draws],
    ahead: dict[str, FloatArray],
    weights: Iterable[FloatArray],
    number: int,
) -> pd.DataFrame:
    """Equity and shares of the best customers, in the base and in each resample."""
    customer = running["customer"].to_numpy()
    margin = running["margin"].to_numpy(dtype=float)
    rows = []
    for replicate, drawn in enumerate(weights):
        value = np.empty(len(running))
        for name, draw in draws.items():
            value[draw.rows] = draw.borne[replicate] * ahead[name][replicate, draw.index]
        worth = np.bincount(customer, value * margin, number)
        row = {"equity": float(drawn @ worth)}
        if row["equity"] > 0:
            curve = concentration(worth, drawn)
            row |= {name: curve.top(share) for name, share in TOP_SHARES.items()}
        rows.append(row)
    return pd.DataFrame(rows, columns=["equity", *TOP_SHARES])


def _check(spells: pd.DataFrame, horizon: int, rate: float, together: float) -> None:
    missing = [column for column in COLUMNS if column not in spells]
    if missing:
        raise ValueError(f"spells lack {', '.join(missing)}")
    if not (isinstance(horizon, (int, np.integer)) and horizon >= 1):
        raise ValueError(f"horizon must be a whole number of periods, at least 1: {horizon!r}")
    if not np.isfinite(rate) or rate < 0:
        raise ValueError(f"rate must be 0 or more: found {rate!r}")
    if not 0 <= together <= 1:
        raise ValueError(f"together must lie between 0 and 1: found {together!r}")
    broken = spells["running"].to_numpy() & ~np.isfinite(spells["margin"].to_numpy(dtype=float))
    if broken.any():
        contract = spells["contract_id"].iloc[int(np.argmax(broken))]
        raise ValueError(f"contract {contract} has no margin")


def _tail_periods(rate: float) -> int:
    """Periods after which the rest is discounted to almost nothing."""
    return int(np.ceil(-np.log(TAIL) / np.log1p(rate))) if rate > 0 else 0


def _portfolio(
    ordered: pd.DataFrame,
    models: Mapping[str, ContractModel | Refusal],
    horizon: int,
    reach: int,
    customers: int,
) -> Portfolio:
    running = ordered[ordered["running"]]
    used: dict[str, ContractModel] = {}
    last_age: dict[str, int] = {}
    refused: dict[str, str] = {}
    endless = True
    for product, own in running.groupby("product", sort=True):
        model = models.get(str(product), Refusal(f"{product}: no model was fitted"))
        if isinstance(model, Refusal):
            refused[str(product)] = model.reason
            continue
        youngest, oldest = int(own["tenure"].min()), int(own["tenure"].max())
        hazards = model.hazards(oldest + max(horizon, reach, LONGEST_TREND))
        if np.isnan(hazards[youngest : oldest + horizon]).any():
            refused[str(product)] = (
                f"{product}: nobody was at risk at some ages that its running contracts reach "
                "within the horizon"
            )
            continue
        endless &= not np.isnan(hazards[youngest:]).any()
        used[str(product)], last_age[str(product)] = model, hazards.size
    if not used:
        reasons = "; ".join(refused.values()) or "no contract runs"
        raise NotIdentified(f"no running contract can be valued ({reasons})")
    kept = running[running["product"].isin(list(used))].reset_index(drop=True)
    return Portfolio(kept, customers, used, last_age, endless, refused)


def _customer_bounds(
    running: pd.DataFrame,
    draws: dict[str, Draws],
    rate: float,
    horizon: int,
    together: float,
    seed: int,
    level: float,
    trends: Mapping[str, Trend],
) -> tuple[FloatArray, FloatArray]:
    """Quantiles of each customer's futures, one per replicate, shape (n_customers, 2); their sums.

    Sums over customers have shape (replications,).
    """
    risks = {name: cumulative_hazards(draw.hazards[1:]) for name, draw in draws.items()}
    payments = {name: draw.payments(rate, horizon) for name, draw in draws.items()}
    product = np.empty(len(running), dtype=object)
    for name, draw in draws.items():
        product[draw.rows] = name
    first = np.flatnonzero(~running["customer"].duplicated().to_numpy())
    starts = np.append(first, len(running))
    bounds, sums = [], np.zeros(len(next(iter(risks.values()))))
    for block, at in enumerate(range(0, first.size, CUSTOMERS_AT_A_TIME)):
        until = starts[min(at + CUSTOMERS_AT_A_TIME, first.size)]
        own = slice(int(starts[at]), int(until))
        _, customer = np.unique(running["customer"].to_numpy()[own], return_inverse=True)
        futures = futures_of(
            customer,
            product[own],
            running["tenure"].to_numpy()[own],
            running["margin"].to_numpy(dtype=float)[own],
            risks,
            payments,
            together,
            generator(seed, FUTURES, block),
            {name: trend for name, trend in trends.items() if name in draws},
        )
        tails = [(1 - level) / 2, (1 + level) / 2]
        bounds.append(np.quantile(futures, tails, axis=0).T)
        sums += futures.sum(axis=1)
    return np.concatenate(bounds), sums


def _total(draws: dict[str, Draws], ahead: dict[str, FloatArray], level: float) -> Interval:
    """Total value with its bootstrap interval."""
    totals = np.sum([(ahead[name] * draws[name].margin).sum(axis=1) for name in draws], axis=0)
    return percentile_interval(float(totals[0]), totals[1:], level)


def _customer_table(
    running: pd.DataFrame,
    draws: dict[str, Draws],
    over_horizon: dict[str, FloatArray],
    to_infinity: dict[str, FloatArray] | None,
    bounds: FloatArray,
) -> pd.DataFrame:
    first = running.drop_duplicates("customer")
    _, customer = np.unique(running["customer"].to_numpy(), return_inverse=True)

    def summed(ahead: dict[str, FloatArray]) -> FloatArray:
        value = np.empty(len(running))
        for name, draw in draws.items():
            value[draw.rows] = ahead[name][0, draw.index]
        return np.bincount(customer, value * running["margin"].to_numpy(dtype=float))

    table = pd.DataFrame(
        {
            "customer_id": first["customer_id"].to_numpy(),
            "running_contracts": np.bincount(customer),
            "contract_value": summed(over_horizon),
            "contract_value_lo": bounds[:, 0],
            "contract_value_hi": bounds[:, 1],
        }
    )
    return (
        table
        if to_infinity is None
        else table.assign(contract_value_to_infinity=summed(to_infinity))
    )


def _product_table(
    portfolio: Portfolio,
    draws: dict[str, Draws],
    over_horizon: dict[str, FloatArray],
    level: float,
) -> pd.DataFrame:
    rows = {}
    for name, draw in draws.items():
        total = _total({name: draw}, over_horizon, level)
        rows[name] = {
            "model": portfolio.models[name].kind,
            "running_contracts": draw.rows.size,
            "margin": float(draw.margin[0].sum()),
            "growth": float(draw.growth[0, 0]),
            "contract_value": total.value,
            "lo": total.lo,
            "hi": total.hi,
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("product")


def _notes(
    portfolio: Portfolio, ordered: pd.DataFrame, horizon: int
) -> tuple[tuple[str, ...], str]:
    notes = [f"{name}: {note}" for name, model in portfolio.models.items() for note in model.notes]
    told = len(notes)
    window = int((ordered["duration"] - ordered["entry"]).max())
    if horizon > MOST_TIMES_OBSERVED * window:
        notes.append(
            f"the horizon of {horizon} periods is {horizon / window:.1f} times the {window} "
            "over which contracts were observed"
        )
    notes += portfolio.refused.values()
    weak = len(notes) > told or any(model.weak for model in portfolio.models.values())
    return tuple(notes), "weak" if weak else "good"
