"""Purchase models whose customers differ by what is known of them from the start.

Fader & Hardie (2007), "Incorporating Time-Invariant Covariates into the
Pareto/NBD and BG/NBD Models", note 019: a covariate z multiplies the scale of
the purchase rate, α = α₀ exp(−γ'z), and that of leaving, β = β₀ exp(−γ'z) for
Pareto/NBD, a = a₀ exp(γ_a'z) and b = b₀ exp(γ_b'z) for BG/NBD and MBG/NBD. A
positive coefficient of alpha means more purchases, one of beta or a faster
leaving, one of b slower leaving. Covariates must not change over time. Parameters
are stated for a customer with average covariates: where all are 0 may be far from
any customer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from crmlib.stats.grouping import group_rows
from crmlib.stats.optimise import LOG_BOUND, NotIdentified, Objective, Verdict, maximise
from crmlib.value.observations import check_weights
from crmlib.value.purchases.shared import Likelihood, PurchaseModel, PurchaseResult, nested

FloatArray = NDArray[np.float64]

LEAST_OWN_VARIANCE = 1e-8  # share of a covariate's variance that the others do not explain


@dataclass(frozen=True)
class Design:
    """Which covariate moves which parameter, standardised for the search.

    Attributes
    ----------
    parameters, columns : tuples of str
        One entry per coefficient.
    signs : array of shape (n_coefficients,)
        Of the coefficient in the parameter's logarithm.
    mean, deviation : arrays of shape (n_coefficients,)
        Of the covariate over customers.
    """

    parameters: tuple[str, ...]
    columns: tuple[str, ...]
    signs: FloatArray
    mean: FloatArray
    deviation: FloatArray

    @property
    def names(self) -> list[str]:
        """Parameter and covariate of each coefficient."""
        pairs = zip(self.parameters, self.columns, strict=True)
        return [f"{parameter}: {column}" for parameter, column in pairs]

    def moves(self, names: tuple[str, ...]) -> FloatArray:
        """Coefficient c moves the logarithm of parameter p: ±1 or 0, shape (4, n_coefficients)."""
        at = [names.index(parameter) for parameter in self.parameters]
        matrix = np.zeros((len(names), self.signs.size))
        matrix[at, np.arange(self.signs.size)] = self.signs
        return matrix


@dataclass(frozen=True)
class WithCovariates:
    """Estimator of a purchase model with static covariates.

    Attributes
    ----------
    model : BetaGeometric, ModifiedBetaGeometric or ParetoNBD
    """

    model: PurchaseModel

    def fit(
        self,
        frequency: ArrayLike,
        recency: ArrayLike,
        observed_time: ArrayLike,
        *,
        rate: pd.DataFrame | None = None,
        dropout: pd.DataFrame | None = None,
        weights: ArrayLike | None = None,
    ) -> CovariateResult:
        """Maximum likelihood, from the fit without covariates and from other places.

        Parameters
        ----------
        frequency, recency, observed_time, weights
            As for the model without covariates.
        rate, dropout : DataFrames of shape (n_customers, n_covariates), optional
            Numeric covariates of the purchase rate and of leaving; at least one.

        Raises
        ------
        ValueError
            Naming the argument and the first offending value.
        NotIdentified
            If a covariate does not vary or repeats others, or as without covariates.
        """
        base = self.model.fit(frequency, recency, observed_time, weights)
        history = self.model.check(frequency, recency, observed_time)
        counts = check_weights(weights, history[0].size)
        counts = np.ones(history[0].size) if counts is None else counts
        design, values = _design(self.model, rate, dropout, counts)
        profiles = group_rows(*((values - design.mean) / design.deviation).T)
        groups = group_rows(*history, profiles.index, weights=counts)
        x, last, end, profile = groups.columns
        likelihood = self.model.likelihood(
            x, last / base.time_scale, end / base.time_scale, profile.astype(np.int64)
        )
        moves = design.moves(self.model.names)
        objective = _objective(likelihood, groups.weights, moves, np.array(profiles.columns))
        unit = self.model.unit(base.time_scale)
        places = [np.log(base.params.to_numpy() / unit), *np.log(self.model.starts)]
        starts = [np.append(place, np.zeros(design.signs.size)) for place in places]
        names = [*self.model.names, *design.names]
        best = maximise(objective, starts[: self.model.n_starts], names, base.nobs)
        back = np.diag(np.append(np.ones(len(unit)), 1 / design.deviation))
        estimates = back @ best.log_params
        estimates[: len(unit)] += np.log(unit)
        covariance = best.covariance
        llf = best.llf - float(groups.weights @ x) * np.log(base.time_scale)
        verdict = replace(best.verdict, notes=base.verdict.notes)
        return CovariateResult(
            estimates=pd.Series(estimates, index=names, name="estimate"),
            covariance=None if covariance is None else back @ covariance @ back.T,
            llf=llf,
            nobs=base.nobs,
            verdict=nested(verdict, llf, base.llf, "without covariates"),
            design=design,
            base=base,
        )


@dataclass(frozen=True)
class CovariateResult:
    """A fitted purchase model with covariates.

    Attributes
    ----------
    estimates : Series
        Logarithms of the model's parameters of a customer with average covariates,
        then the coefficients.
    covariance : array or None
        Of the estimates; None where the verdict says why.
    base : PurchaseResult
        The same model without covariates.
    """

    estimates: pd.Series
    covariance: FloatArray | None
    llf: float
    nobs: float
    verdict: Verdict
    design: Design
    base: PurchaseResult

    @property
    def model(self) -> PurchaseModel:
        """The model that was fitted."""
        return self.base.model

    @property
    def params(self) -> pd.Series:
        """The model's parameters where covariates are average, and the coefficients."""
        return self._natural(self.estimates)

    @property
    def bse(self) -> pd.Series | None:
        """Standard errors by the delta method, None where the data do not determine them."""
        if self.covariance is None:
            return None
        errors = pd.Series(np.sqrt(np.diag(self.covariance)), self.estimates.index, name="std_err")
        errors[list(self.model.names)] *= self.params[list(self.model.names)]
        return errors

    def conf_int(self, level: float = 0.95) -> pd.DataFrame | None:
        """Wald intervals, of the model's parameters on the log scale."""
        if self.covariance is None:
            return None
        reach = stats.norm.ppf((1 + level) / 2) * np.sqrt(np.diag(self.covariance))
        bounds = {"lower": self.estimates - reach, "upper": self.estimates + reach}
        return pd.DataFrame({name: self._natural(bound) for name, bound in bounds.items()})

    def summary(self, level: float = 0.95) -> pd.DataFrame:
        """Estimates with standard errors and interval, one row per parameter."""
        table = self.params.to_frame("estimate")
        return table if self.bse is None else table.join(self.bse).join(self.conf_int(level))

    def likelihood_ratio(self) -> pd.Series:
        """Test of all coefficients being 0: statistic, degrees_of_freedom, p_value."""
        statistic = max(2 * (self.llf - self.base.llf), 0.0)
        freedom = self.design.signs.size
        p_value = float(stats.chi2.sf(statistic, freedom))
        return pd.Series(
            {"statistic": statistic, "degrees_of_freedom": freedom, "p_value": p_value}
        )

    def customer_params(
        self, rate: pd.DataFrame | None = None, dropout: pd.DataFrame | None = None
    ) -> FloatArray:
        """The model's parameters for customers with these covariates, shape (4, n_customers)."""
        tables = {"rate": rate, "dropout": dropout}
        roles = _roles(self.model)
        values = [
            _column(_given(roles[parameter][0], tables), column)
            for parameter, column in zip(self.design.parameters, self.design.columns, strict=True)
        ]
        if len({column.size for column in values}) > 1:
            raise ValueError("rate and dropout must have one row per customer, in one order")
        names = list(self.model.names)
        coefficients = self.estimates.drop(names).to_numpy()
        logs = self.estimates[names].to_numpy()[:, None]
        moved = self.design.moves(self.model.names) * coefficients
        differing = np.array(values) - self.design.mean[:, None]
        scaled = np.log(self.model.unit(self.base.time_scale))[:, None]
        return np.exp(_bounded(logs - scaled + moved @ differing) + scaled)

    def probability_alive(
        self,
        frequency: ArrayLike,
        recency: ArrayLike,
        observed_time: ArrayLike,
        *,
        rate: pd.DataFrame | None = None,
        dropout: pd.DataFrame | None = None,
    ) -> FloatArray:
        """Probability of still being active at the end of observation, shape (n_customers,)."""
        history = self.model.check(frequency, recency, observed_time)
        params = self.customer_params(rate, dropout)
        _check_rows(params, history[0].size)
        return self.model.probability_alive(params, *history)

    def discounted_expected_purchases(
        self,
        horizon: float,
        discount: float,
        frequency: ArrayLike,
        recency: ArrayLike,
        observed_time: ArrayLike,
        *,
        rate: pd.DataFrame | None = None,
        dropout: pd.DataFrame | None = None,
    ) -> FloatArray:
        """Expected purchases of the next `horizon`, each discounted at `discount` per unit."""
        x, last, end = self.model.check(frequency, recency, observed_time)
        params = self.customer_params(rate, dropout)
        _check_rows(params, x.size)
        ahead = self.model.purchases_if_alive(params, x, end, horizon, discount)
        return ahead * self.model.probability_alive(params, x, last, end)

    def expected_purchases(
        self,
        horizon: float,
        frequency: ArrayLike,
        recency: ArrayLike,
        observed_time: ArrayLike,
        *,
        rate: pd.DataFrame | None = None,
        dropout: pd.DataFrame | None = None,
    ) -> FloatArray:
        """Expected purchases in the next `horizon` time units given each history."""
        return self.discounted_expected_purchases(
            horizon, 0.0, frequency, recency, observed_time, rate=rate, dropout=dropout
        )

    def expected_purchases_new(
        self,
        horizon: float,
        *,
        rate: pd.DataFrame | None = None,
        dropout: pd.DataFrame | None = None,
    ) -> FloatArray:
        """Expected repeat purchases of new customers with these covariates."""
        params = self.customer_params(rate, dropout)
        nobody = np.zeros(params.shape[1])
        stays = self.model.probability_alive(params, nobody, nobody, nobody)
        return stays * self.model.purchases_if_alive(params, nobody, nobody, horizon, 0.0)

    def _natural(self, estimates: pd.Series) -> pd.Series:
        names = list(self.model.names)
        return estimates.where(~estimates.index.isin(names), np.exp(estimates))


def _roles(model: PurchaseModel) -> dict[str, tuple[str, int]]:
    """Which covariates move a parameter, and with which sign."""
    return {
        **{name: ("rate", sign) for name, sign in model.rate_scales.items()},
        **{name: ("dropout", sign) for name, sign in model.dropout_scales.items()},
    }


def _given(role: str, tables: dict[str, pd.DataFrame | None]) -> pd.DataFrame:
    table = tables[role]
    if table is None:
        raise ValueError(f"the model was fitted with {role} covariates: {role} is needed")
    return table


def _column(table: pd.DataFrame, column: str) -> FloatArray:
    """A covariate as floats, refused where it is missing, not a number or not finite."""
    if column not in table:
        raise ValueError(f"covariate {column!r} is missing")
    if not pd.api.types.is_numeric_dtype(table[column]):
        raise ValueError(f"covariate {column!r} must be a number; give levels as 0/1 columns")
    values = table[column].to_numpy(dtype=float)
    if values.ndim != 1 or not np.isfinite(values).all():
        first = int(np.argmin(np.isfinite(values)))
        raise ValueError(f"covariate {column!r} must be finite: found {values[first]:g} in {first}")
    return values


def _design(
    model: PurchaseModel,
    rate: pd.DataFrame | None,
    dropout: pd.DataFrame | None,
    counts: FloatArray,
) -> tuple[Design, FloatArray]:
    """Coefficients to estimate, and their covariates of shape (n_customers, n_coefficients)."""
    tables = {"rate": rate, "dropout": dropout}
    if not (model.rate_scales or model.dropout_scales):
        raise ValueError(f"{type(model).__name__} takes no covariates")
    given = {
        role: table for role, table in tables.items() if table is not None and len(table.columns)
    }
    if not given:
        raise ValueError("give at least one covariate of rate or dropout")
    for role, table in given.items():
        if len(table) != counts.size:
            raise ValueError(f"{role} has {len(table)} rows where {counts.size} were expected")
        _check_variation(table, counts)
    chosen = [
        (parameter, str(column), sign, _column(given[role], column))
        for parameter, (role, sign) in _roles(model).items()
        if role in given
        for column in given[role]
    ]
    parameters, columns, signs, values = zip(*chosen, strict=True)
    matrix = np.stack(values, axis=1)
    mean = counts @ matrix / counts.sum()
    deviation = np.sqrt(counts @ (matrix - mean) ** 2 / counts.sum())
    return Design(parameters, columns, np.array(signs, dtype=float), mean, deviation), matrix


def _check_variation(table: pd.DataFrame, counts: FloatArray) -> None:
    """Refuse a covariate that is constant or a linear combination of those before it."""
    root = np.sqrt(counts)[:, None]
    before = root
    for name in table:
        column = _column(table, name)[:, None] * root
        alone = column - root * (root.T @ column) / counts.sum()
        size = float((alone**2).sum())
        if size <= LEAST_OWN_VARIANCE * float((column**2).sum()):
            raise NotIdentified(f"covariate {name!r} is the same for all customers")
        rest = column - before @ np.linalg.lstsq(before, column)[0]
        if float((rest**2).sum()) <= LEAST_OWN_VARIANCE * size:
            raise NotIdentified(f"covariate {name!r} follows from the covariates before it")
        before = np.hstack([before, column])


def _objective(
    likelihood: Likelihood, weights: FloatArray, moves: FloatArray, covariates: FloatArray
) -> Objective:
    """Log-likelihood of base parameters and coefficients.

    `covariates` holds a column per profile of customers.
    """

    def evaluate(theta: FloatArray) -> tuple[float, FloatArray]:
        base, coefficients = theta[: len(moves)], theta[len(moves) :]
        logs = base[:, None] + (moves * coefficients) @ covariates
        value, gradient = likelihood.evaluate(_bounded(logs), weights)
        gradient = np.where(np.abs(logs) < LOG_BOUND, gradient, 0.0)
        slopes = ((moves.T @ gradient) * covariates).sum(axis=1)
        return value, np.append(gradient.sum(axis=1), slopes)

    return evaluate


def _bounded(logs: FloatArray) -> FloatArray:
    """Log-parameters of customers on the scaled clock, kept where those of a base are searched."""
    return np.clip(logs, -LOG_BOUND, LOG_BOUND)


def _check_rows(params: FloatArray, customers: int) -> None:
    if params.shape[1] != customers:
        raise ValueError(f"covariates have {params.shape[1]} rows where {customers} were expected")
