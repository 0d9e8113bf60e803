"""What the contracts that run today will still bring (V7, V8).

The margin of each running contract, expected and discounted period by period from the
survival of its product at its age, summed per customer. The total has an interval by
bootstrap over customers with refits; each customer's adds the chance in how long his
own contracts last, together or each on its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crmlib.stats.bootstrap import bootstrap_weights, generator
from crmlib.stats.intervals import Interval, percentile_interval
from crmlib.stats.optimise import NotIdentified
from crmlib.stats.refusal import Refusal
from crmlib.value.contract_models import ContractModel
from crmlib.value.life_table import exposure

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

COLUMNS = (
    "customer_id", "contract_id", "product", "entry", "duration", "ended", "running", "tenure",
    "margin",
)  # fmt: skip
TAIL = 1e-7  # discount beyond which a constant rate of loss stands for the model
MOST_TIMES_OBSERVED = 4.0  # a longer horizon makes the value "weak"
MOST_FAILED = 0.05  # share of resamples that may not determine a model
BOOTSTRAP, FUTURES = 0, 1  # purposes of random streams


@dataclass(frozen=True)
class ContractValues:
    """Expected discounted margin of running contracts.

    Attributes
    ----------
    customers : DataFrame of shape (n_customers, 6)
        customer_id, running_contracts, contract_value over the horizon with _lo and _hi
        (parameters and process), and contract_value_to_infinity where every product
        tells it; customers with a valued running contract, ordered by id.
    products : DataFrame of shape (n_products, 6), index product
        model, running_contracts, margin (a period), contract_value with lo and hi.
    total : Interval
        Over the horizon; its interval is for the expectation.
    to_infinity : Interval or None
        Without a horizon; None where nothing is discounted or a life table ends while
        contracts go on.
    refused : dict of str to str
        Products whose contracts are not valued, and why.
    grade : {"good", "weak"}
    notes : tuple of str
    """

    customers: pd.DataFrame
    products: pd.DataFrame
    total: Interval
    to_infinity: Interval | None
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

    Raises
    ------
    NotIdentified
        If no running contract can be valued.
    ValueError
        Naming the column, contract or argument that is impossible.
    """
    _check(spells, horizon, rate, together)
    ordered = spells.sort_values(["customer_id", "contract_id"], kind="stable", ignore_index=True)
    ordered = ordered.assign(customer=pd.factorize(ordered["customer_id"])[0])
    reach = _tail_periods(rate)
    portfolio = _portfolio(ordered, models, horizon, reach)
    weights = _resamples(ordered["customer"], replications, seed)
    hazards = _draw_hazards(ordered, portfolio, weights)
    running = portfolio.running
    ahead = _per_contract(portfolio, hazards, rate, horizon)
    margin = running["margin"].to_numpy(dtype=float)
    drawn = weights[:, running["customer"]]
    values = ahead * margin
    total = _summed(values, drawn, level)
    forever = None
    if portfolio.endless and rate > 0:
        forever = _per_contract(portfolio, hazards, rate, None) * margin
    futures = _futures(portfolio, hazards, rate, horizon, together, seed)
    notes, grade = _notes(portfolio, ordered, horizon)
    return ContractValues(
        customers=_customer_table(running, values[0], futures, forever, level),
        products=_product_table(portfolio, values, drawn, level),
        total=total,
        to_infinity=None if forever is None else _summed(forever, drawn, level),
        refused=portfolio.refused,
        grade=grade,
        notes=notes,
    )


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


@dataclass(frozen=True)
class _Portfolio:
    """Running contracts whose product has a model, and how far ahead survival is needed."""

    running: pd.DataFrame  # customer, product, tenure, margin
    models: dict[str, ContractModel]
    last_age: dict[str, int]  # periods of age for which hazards are drawn
    endless: bool  # whether every product tells what comes after the horizon
    refused: dict[str, str]


def _tail_periods(rate: float) -> int:
    """Periods after which the rest is discounted to almost nothing."""
    return int(np.ceil(-np.log(TAIL) / np.log1p(rate))) if rate > 0 else 0


def _portfolio(
    ordered: pd.DataFrame,
    models: Mapping[str, ContractModel | Refusal],
    horizon: int,
    reach: int,
) -> _Portfolio:
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
        hazards = model.hazards(oldest + max(horizon, reach))
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
    return _Portfolio(kept, used, last_age, endless, refused)


def _resamples(customer: pd.Series, replications: int, seed: int) -> FloatArray:
    """Draws of customers, the first row being the customers themselves."""
    number = int(customer.max()) + 1
    rng = generator(seed, BOOTSTRAP)
    return np.vstack([np.ones(number), *bootstrap_weights(number, replications, rng)])


def _draw_hazards(
    ordered: pd.DataFrame, portfolio: _Portfolio, weights: FloatArray
) -> dict[str, FloatArray]:
    """Hazards by product, shape (1 + replications, last_age); the first row is the estimate."""
    drawn = {}
    for product, model in portfolio.models.items():
        own = ordered[ordered["product"] == product]
        columns = (own["duration"].to_numpy(), own["ended"].to_numpy(), own["entry"].to_numpy())
        last = portfolio.last_age[product]
        estimate = model.hazards(last)
        rows, failed = [estimate], 0
        for draw in weights[1:, own["customer"]]:
            try:
                rows.append(model.resampled(exposure(*columns, draw), last))
            except (NotIdentified, ValueError):  # a resample without a loss or a contract
                failed += 1
                rows.append(estimate)
        if failed > MOST_FAILED * (len(weights) - 1):
            raise NotIdentified(
                f"{product}: {failed} of {len(weights) - 1} resamples of customers do not "
                "determine its model; there are too few contracts or ends for an interval"
            )
        drawn[product] = np.array(rows)
    return drawn


def _per_contract(
    portfolio: _Portfolio, hazards: dict[str, FloatArray], rate: float, horizon: int | None
) -> FloatArray:
    """Discounted expected periods of each running contract, shape (1 + replications, n)."""
    running = portfolio.running
    replicates = next(iter(hazards.values())).shape[0]
    ahead = np.empty((replicates, len(running)))
    for product, own in running.groupby("product"):
        ages, index = np.unique(own["tenure"].to_numpy(), return_inverse=True)
        expected = annuity(hazards[str(product)], ages, rate, horizon)
        ahead[:, own.index] = expected[:, index]
    return ahead


def annuity(hazards: FloatArray, ages: IntArray, rate: float, horizon: int | None) -> FloatArray:
    """Discounted expected number of periods that contracts of given ages will last.

    Parameters
    ----------
    hazards : array of shape (n_curves, n_periods)
        Probability of loss in periods 1, 2, … of age; reaching `horizon` beyond the oldest.
    ages : array of int, shape (n_ages,)
        Periods completed.
    rate : float
        Effective discount rate per period; the first payment is one period ahead.
    horizon : int or None
        None to infinity: beyond the last hazard the rate of loss stays as it was.

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


def _futures(
    portfolio: _Portfolio,
    hazards: dict[str, FloatArray],
    rate: float,
    horizon: int,
    together: float,
    seed: int,
) -> FloatArray:
    """Discounted margin of each customer in one future per replicate.

    Returns
    -------
    array of shape (replications, n_customers with a running contract)
    """
    running = portfolio.running
    _, customer = np.unique(running["customer"].to_numpy(), return_inverse=True)
    number = int(customer.max()) + 1
    discounted = np.concatenate([[0.0], np.cumsum((1 + rate) ** -np.arange(1.0, horizon + 1))])
    with np.errstate(divide="ignore"):  # all left: survival 0
        risks = {product: -np.log1p(-curve[1:]) for product, curve in hazards.items()}
    risks = {
        product: np.concatenate([np.zeros((len(risk), 1)), np.cumsum(risk, axis=1)], axis=1)
        for product, risk in risks.items()
    }
    replicates = len(next(iter(risks.values())))
    rng = generator(seed, FUTURES)
    margin, tenure = running["margin"].to_numpy(dtype=float), running["tenure"].to_numpy()
    rows = {product: np.asarray(own.index) for product, own in running.groupby("product")}
    result = np.empty((replicates, number))
    for b in range(replicates):
        shared = rng.random(number) < together
        common = rng.exponential(size=number)
        luck = rng.exponential(size=len(running))
        luck = np.where(shared[customer], common[customer], luck)
        paid = np.empty(len(running))
        for product, own in rows.items():
            risk = risks[str(product)][b]
            # ended in the first period whose cumulative hazard exceeds the age's by `luck`
            period = np.searchsorted(risk, risk[tenure[own]] + luck[own], side="left")
            lasts = np.clip(period - 1 - tenure[own], 0, horizon)
            paid[own] = discounted[lasts]
        result[b] = np.bincount(customer, paid * margin, number)
    return result


def _summed(values: FloatArray, drawn: FloatArray, level: float) -> Interval:
    """Total with its bootstrap interval; row 0 is the estimate."""
    totals = (values * drawn).sum(axis=1)
    return percentile_interval(float(totals[0]), totals[1:], level)


def _customer_table(
    running: pd.DataFrame,
    value: FloatArray,
    futures: FloatArray,
    forever: FloatArray | None,
    level: float,
) -> pd.DataFrame:
    first = running.drop_duplicates("customer")
    _, customer = np.unique(running["customer"].to_numpy(), return_inverse=True)
    lo, hi = np.quantile(futures, [(1 - level) / 2, (1 + level) / 2], axis=0)
    table = pd.DataFrame(
        {
            "customer_id": first["customer_id"].to_numpy(),
            "running_contracts": np.bincount(customer),
            "contract_value": np.bincount(customer, value),
            "contract_value_lo": lo,
            "contract_value_hi": hi,
        }
    )
    if forever is not None:
        table["contract_value_to_infinity"] = np.bincount(customer, forever[0])
    return table


def _product_table(
    portfolio: _Portfolio, values: FloatArray, drawn: FloatArray, level: float
) -> pd.DataFrame:
    rows = {}
    for product, own in portfolio.running.groupby("product", sort=True):
        total = _summed(values[:, own.index], drawn[:, own.index], level)
        rows[product] = {
            "model": portfolio.models[str(product)].kind,
            "running_contracts": len(own),
            "margin": float(own["margin"].sum()),
            "contract_value": total.value,
            "lo": total.lo,
            "hi": total.hi,
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("product")


def _notes(
    portfolio: _Portfolio, ordered: pd.DataFrame, horizon: int
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
