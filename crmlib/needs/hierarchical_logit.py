"""Part-worths of each respondent: the hierarchical logit (N2).

Allenby & Rossi (1998), *Journal of Econometrics* 89:57. A respondent's dozen tasks alone do
not settle her part-worths; what other people want settles the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from crmlib.needs.choice_likelihood import Contrasts, inverse_or_refuse, newton
from crmlib.needs.choice_tables import ChoiceTable, as_table
from crmlib.needs.conditional_logit import table_notes
from crmlib.needs.convergence import effective_size, split_rhat
from crmlib.needs.hierarchical_sampler import Draws, PanelData, Prior, sample
from crmlib.needs.preferences import Preferences, asked, in_rows, likeliest, logit_rule
from crmlib.stats.bootstrap import generator
from crmlib.stats.optimise import NotIdentified

FloatArray = NDArray[np.float64]

MAX_RHAT = 1.05  # beyond it chains have not met: said
REFUSED_RHAT = 1.2  # beyond it they are in different places: refused
MIN_EFFECTIVE = 100  # draws' worth of each population figure; with fewer, intervals are rough
KEPT = 400  # draws of respondents' coefficients, over all chains
STRANGERS = 20  # people drawn from the population for each kept draw, to predict unknown people


class HierarchicalLogit(BaseEstimator):
    """Hierarchical logit by Hamiltonian steps within Gibbs.

    Parameters
    ----------
    draws, burn : int
        Sweeps of each chain that are kept, and thrown away before.
    chains : int
    random_state : int
    mean_sd, spread : float
        Prior of the population's mean and standard deviations, see `Prior`, in utility per
        standard deviation of a column.

    Attributes
    ----------
    params : Series of length p
        Posterior mean of the population's mean.
    spread_params : Series of length p
        Posterior mean of the standard deviation over people.
    respondents : DataFrame of shape (N, p)
        Posterior mean of each respondent's coefficients.
    llf : float
        Mean log-likelihood of the choices at respondents' coefficients. Not to be compared
        with a maximum: tasks held out compare models.
    rhat, effective_size : Series
        Of the population's means and log standard deviations, and of the log-likelihood.
    converged : bool
    accepted : float
        Share of proposals accepted.
    n_respondents, n_tasks, n_parameters : int
        Parameters are those of the population.
    coding : ChoiceCoding
    notes : tuple of str
    """

    def __init__(
        self,
        draws: int = 1000,
        burn: int = 500,
        chains: int = 4,
        random_state: int = 0,
        mean_sd: float = 5.0,
        spread: float = 1.0,
    ) -> None:
        self.draws = draws
        self.burn = burn
        self.chains = chains
        self.random_state = random_state
        self.mean_sd = mean_sd
        self.spread = spread

    def fit(
        self,
        choices: pd.DataFrame | ChoiceTable,
        attributes: Sequence[str] | None = None,
        weights: pd.Series | None = None,
    ) -> Self:
        """Sample from the posterior; see `ConditionalLogit.fit` for the arguments.

        Weights do not enter the posterior, which is of these respondents; they enter averages
        over respondents.

        Raises
        ------
        NotIdentified
            As there, and where the chains disagree on the population's mean.
        """
        if self.draws < 4 or self.burn < 1 or self.chains < 2:
            raise ValueError("at least 4 draws, a burn-in and 2 chains are needed")
        table = as_table(choices, attributes, weights)
        table.check_identified()
        scale = table.standardised
        contrasts = Contrasts.of(table, scale)
        # a prior tells what choices that are decided by one attribute alone do not
        pooled = newton(contrasts, table.task_weights, ridge=1 / self.mean_sd**2)
        inverse_or_refuse(pooled, table.names, scale)
        data = panel_data(contrasts, table, pooled.coefficients)
        found = sample(
            data, pooled.coefficients, Prior(self.mean_sd, self.spread), chains=self.chains,
            burn=self.burn, draws=self.draws, keep=-(-KEPT // self.chains),
            rng=generator(self.random_state, 0),
        )  # fmt: skip
        self._keep(found, table, scale)
        return self

    def _keep(self, found: Draws, table: ChoiceTable, scale: FloatArray) -> None:
        """Read draws in the units of the table."""
        names = pd.Index(table.names)
        self._judge(found, names)
        p = len(names)
        mean = found.mean.reshape(-1, p) @ scale.T
        self._mean = mean
        self._deviation = np.sqrt(np.einsum("ij,cdjk,ik->cdi", scale, found.covariance, scale))
        self._deviation = self._deviation.reshape(-1, p)
        # a draw for each kept sweep: the population's mean and root, the respondents' own
        kept = found.kept
        self._kept_mean = found.mean[:, kept].reshape(-1, p) @ scale.T
        roots = np.linalg.cholesky(found.covariance[:, kept]).reshape(-1, p, p)
        self._kept_root = scale @ roots
        self._people = found.people.reshape(-1, table.n_respondents, p) @ scale.T
        self.params = pd.Series(mean.mean(axis=0), names, name="estimate")
        self.spread_params = pd.Series(self._deviation.mean(axis=0), names, name="spread")
        self.respondents = pd.DataFrame(self._people.mean(axis=0), table.respondents, names)
        self.llf, self.accepted = float(found.llf.mean()), found.accepted
        self.coding, self._weights = table.coding, table.weights
        self.n_respondents, self.n_tasks = table.n_respondents, table.n_tasks
        self.n_parameters = p + p * (p + 1) // 2
        self.notes = (*table_notes(table), *self._doubts())

    def _judge(self, found: Draws, names: pd.Index) -> None:
        """Whether the chains have met."""
        spread = np.log(np.diagonal(found.covariance, axis1=2, axis2=3)) / 2
        watched = np.concatenate([found.mean, spread, found.llf[:, :, None]], axis=2)
        labels = [*names, *(f"spread of {name}" for name in names), "log-likelihood"]
        self.rhat = pd.Series(split_rhat(watched), labels, name="rhat")
        self.effective_size = pd.Series(effective_size(watched), labels, name="effective_size")
        # a spread near 0 mixes slowly and moves little else: it is said, and not refused
        worst = self.rhat[list(names)].idxmax()
        if self.rhat[worst] > REFUSED_RHAT:
            raise NotIdentified(
                f"after {self.burn + self.draws} sweeps the chains still disagree on "
                f"{worst!r} (R-hat {self.rhat[worst]:.2f}): more draws are needed, or fewer "
                "attributes"
            )
        self.converged = bool(
            self.rhat.max() <= MAX_RHAT and self.effective_size.min() >= MIN_EFFECTIVE
        )

    def _doubts(self) -> list[str]:
        found = []
        worst, rarest = self.rhat.idxmax(), self.effective_size.idxmin()
        if self.rhat[worst] > MAX_RHAT:
            found.append(
                f"the chains do not quite agree on {worst} (R-hat {self.rhat[worst]:.2f}): "
                "more draws would tell"
            )
        if self.effective_size[rarest] < MIN_EFFECTIVE:
            found.append(
                f"the draws of {rarest} are worth {self.effective_size[rarest]:.0f} independent "
                "ones: its interval is rough"
            )
        return found

    @property
    def bse(self) -> pd.Series:
        """Posterior standard deviations of the population's mean."""
        return pd.Series(self._mean.std(axis=0, ddof=1), self.params.index, name="std_err")

    def conf_int(self, level: float = 0.95) -> pd.DataFrame:
        """Credible intervals of the population's mean, columns lower and upper."""
        return self.summary(level)[["lower", "upper"]]

    def summary(self, level: float = 0.95) -> pd.DataFrame:
        """The population's mean with interval, and its spread over people with interval."""
        tails = [(1 - level) / 2, (1 + level) / 2]
        lower, upper = np.quantile(self._mean, tails, axis=0)
        wide = np.quantile(self._deviation, tails, axis=0)
        table = pd.concat([self.params, self.bse], axis=1)
        return table.assign(
            lower=lower, upper=upper, spread=self.spread_params,
            spread_lower=wide[0], spread_upper=wide[1],
        )  # fmt: skip

    def predict_proba(self, choices: pd.DataFrame | ChoiceTable) -> pd.Series:
        """Probability of each alternative; unknown respondents as drawn from the population."""
        table = asked(choices, self.coding)
        return in_rows(choices, table, self.task_probabilities(table), "probability")

    def predict(self, choices: pd.DataFrame | ChoiceTable) -> pd.Series:
        """1 for the likeliest alternative of each task, 0 for the others."""
        table = asked(choices, self.coding)
        found = likeliest(table, self.task_probabilities(table))
        return in_rows(choices, table, found, "chosen").astype(int)

    def task_probabilities(self, table: ChoiceTable) -> FloatArray:
        """Probability of each alternative, (T, J): the mean over draws."""
        who = self.respondents.index.get_indexer(table.respondents)[table.person]
        closed = np.where(table.available, 0.0, -np.inf)
        known = who >= 0
        total = np.zeros(table.available.shape)
        for own in self._people if known.any() else ():
            utility = np.einsum("tjp,tp->tj", table.design[known], own[who[known]])
            total[known] += logit_rule(utility + closed[known])
        if not known.all():
            strangers = self._strangers()
            for each in strangers:
                utility = table.design[~known] @ each
                total[~known] += logit_rule(utility + closed[~known])
            total[~known] *= len(self._people) / len(strangers)
        return total / len(self._people)

    def _strangers(self) -> FloatArray:
        """Coefficients of people drawn from the population, (draws · STRANGERS, p)."""
        rng = generator(self.random_state, 2)
        noise = rng.standard_normal((len(self._kept_mean), STRANGERS, len(self.params)))
        people = self._kept_mean[:, None] + noise @ self._kept_root.transpose(0, 2, 1)
        return people.reshape(-1, len(self.params))

    def preferences(self, draws: int = KEPT, random_state: int = 0) -> Preferences:
        """Part-worths of respondents, with draws; at most as many as were kept.

        Shares of respondents are drawn by the Bayesian bootstrap (Rubin 1981), so that
        averages over them carry that they are a sample.
        """
        at = np.unique(np.linspace(0, len(self._people) - 1, draws).astype(np.int64))
        rng = generator(self.random_state, 1, random_state)
        shares = rng.standard_exponential((len(at), self.n_respondents)) * self._weights
        centred = self._people - self._people.mean(axis=0)
        covariance = np.einsum("dnp,dnq->npq", centred, centred) / max(len(centred) - 1, 1)
        return Preferences(
            self.coding, self.respondents.index, self._weights / self._weights.sum(),
            self.respondents.to_numpy(), covariance, shares / shares.sum(axis=1, keepdims=True),
            self._people[at], True,
        )  # fmt: skip


def panel_data(contrasts: Contrasts, table: ChoiceTable, coefficients: FloatArray) -> PanelData:
    """Contrasts with respondents along the last axis, for the sampler."""
    people, (p, others, tasks) = table.n_respondents, contrasts.gaps.shape
    nth = np.arange(tasks) - contrasts.starts[table.person]
    shape = (nth.max() + 1, others, people)
    gaps = np.zeros((p, *shape), dtype=np.float32)
    closed = np.full(shape, -np.inf, dtype=np.float32)
    gaps[:, nth, :, table.person] = contrasts.gaps.transpose(2, 0, 1)
    closed[nth, :, table.person] = 0.0 if contrasts.closed is None else contrasts.closed.T
    own = contrasts.information(coefficients).sum(axis=0) / people
    return PanelData(gaps, None if (closed == 0).all() else closed, own)
