"""Draws from the posterior of a hierarchical logit (N2).

Each respondent has part-worths of her own, normally distributed over people: β_i ~ N(μ, Σ).
Gibbs steps for μ and Σ (Rossi, Allenby & McCulloch 2005, *Bayesian Statistics and Marketing*,
ch. 5) alternate with a Hamiltonian step for all respondents at once (Neal 2011, *Handbook of
Markov Chain Monte Carlo*, ch. 5). Gibbs steps explore slowly what choices know least: a small
spread of one part-worth, and the scale of everything. So there are steps that move the
population and take all respondents along (interweaving: Yu & Meng 2011, *JCGS* 20:531).
Random-walk Metropolis in place of the two left draws that were worth one in two hundred.
Spreads are stretched along the principal axes of Σ: where people fall into a few classes, Σ is
nearly flat in directions that are no column, and a chain that begins flat in one too many
stayed so for thousands of sweeps.

The prior of Σ is Huang & Wand's (2013, *Bayesian Analysis* 8:439): a mixture of inverse
Wisharts in which standard deviations are half-t and correlations uniform, since the plain
inverse Wishart pushes small variances up and ties them to correlations. Steps are adapted in
the burn-in only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

_LEAPS = 2  # of a Hamiltonian step
_ACCEPT = 0.75  # rate that its length is tuned to (Beskos et al. 2013: .65 to .8)
_ACCEPT_MOVE = 0.44  # of a random walk in one dimension (Roberts & Rosenthal 2001)
_FARTHEST = 20.0  # stretch in logarithms: beyond it numbers overflow
_FLAT = 1e-13  # of Σ's largest eigenvalue: rounding lets none be trusted that is smaller
_T_DEGREES = 2.0  # of freedom of the half-t prior: correlations are then uniform


@dataclass(frozen=True, eq=False)
class PanelData:
    """Choices of N respondents as contrasts, people along the last axis.

    Attributes
    ----------
    gaps : array of shape (p, S, m, N)
        Other alternatives less the chosen one, in the s-th task of each respondent. In single
        precision a sweep takes half the time, and a log-likelihood errs by a millionth.
    closed : array of shape (S, m, N) or None
        −inf where there is no such alternative or task, else 0.
    information : array of shape (p, p)
        Of a typical respondent's choices at everybody's coefficients.
    """

    gaps: FloatArray
    closed: FloatArray | None
    information: FloatArray

    def log_likelihood(self, coefficients: FloatArray) -> FloatArray:
        """Of each respondent under coefficients (C, p, N) of her own, shape (C, N)."""
        each = [-np.log1p(self._odds(chain).sum(axis=1)).sum(axis=0) for chain in coefficients]
        return np.array(each)

    def with_gradient(self, coefficients: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Log-likelihood (C, N) and its gradient (C, p, N)."""
        height, gradient = np.empty(coefficients[:, 0].shape), np.empty_like(coefficients)
        for at, chain in enumerate(coefficients):
            odds = self._odds(chain)
            total = 1 + odds.sum(axis=1)
            height[at] = -np.log(total).sum(axis=0)
            odds /= total[:, None]
            np.einsum("psmn,smn->pn", self.gaps, odds, out=gradient[at])
        return height, -gradient

    def _odds(self, chain: FloatArray) -> FloatArray:
        """Odds of each alternative against the chosen one, (p, N) to (S, m, N)."""
        chain = chain.astype(self.gaps.dtype)
        utility = self.gaps[0] * chain[0]
        for gap, column in zip(self.gaps[1:], chain[1:], strict=True):
            utility += gap * column
        if self.closed is not None:
            utility += self.closed
        # beyond 80 the choice is as unlikely as need be, and the exponential overflows
        return np.exp(np.minimum(utility, 80.0, out=utility), out=utility)


@dataclass(frozen=True)
class Prior:
    """Of the population, in coefficients of columns on a common scale.

    Attributes
    ----------
    mean_sd : float
        μ ~ N(0, mean_sd²) for each coefficient.
    spread : float
        Scale of the half-t distribution, 2 degrees of freedom, of each standard deviation.
    """

    mean_sd: float
    spread: float


@dataclass(frozen=True, eq=False)
class Draws:
    """What was kept of C chains.

    Attributes
    ----------
    mean : array of shape (C, D, p)
        μ of each sweep after burn-in.
    covariance : array of shape (C, D, p, p)
        Σ of each sweep after burn-in.
    llf : array of shape (C, D)
        Log-likelihood of all respondents at their own coefficients.
    people : array of shape (C, kept, N, p)
        Coefficients of respondents, thinned.
    kept : array of shape (kept,)
        Sweeps, of the D, that `people` are of.
    accepted : float
        Share of proposals that were accepted after burn-in.
    """

    mean: FloatArray
    covariance: FloatArray
    llf: FloatArray
    people: FloatArray
    kept: NDArray[np.int64]
    accepted: float


def sample(
    data: PanelData,
    start: FloatArray,
    prior: Prior,
    *,
    chains: int,
    burn: int,
    draws: int,
    keep: int,
    rng: np.random.Generator,
) -> Draws:
    """Run chains side by side.

    Parameters
    ----------
    start : array of shape (p,)
        Everybody's coefficients; chains begin scattered around them.
    burn, draws : int
        Sweeps of each chain that are thrown away, and kept.
    keep : int
        How many sweeps of each chain the respondents' coefficients are kept of.
    """
    walk = _Walk.begun(data, start, prior, chains, rng)
    for _ in range(burn):
        walk.sweep(rng, adapting=True)
    kept = np.unique(np.linspace(0, draws - 1, min(keep, draws)).astype(np.int64))
    p, people = data.gaps.shape[0], data.gaps.shape[3]
    mean, covariance = np.empty((chains, draws, p)), np.empty((chains, draws, p, p))
    llf, owned = np.empty((chains, draws)), np.empty((chains, len(kept), people, p))
    accepted, at = 0.0, 0
    for sweep in range(draws):
        accepted += walk.sweep(rng, adapting=False)
        mean[:, sweep], covariance[:, sweep] = walk.mean, walk.covariance
        llf[:, sweep] = walk.height.sum(axis=1)
        if at < len(kept) and sweep == kept[at]:
            owned[:, at] = walk.own.transpose(0, 2, 1)
            at += 1
    return Draws(mean, covariance, llf, owned, kept, accepted / draws)


@dataclass(eq=False)
class _Walk:
    """Where C chains stand: respondents (C, p, N), μ (C, p), Σ (C, p, p)."""

    data: PanelData
    prior: Prior
    own: FloatArray
    height: FloatArray  # log-likelihood of respondents, (C, N)
    mean: FloatArray
    covariance: FloatArray
    metric: FloatArray  # (p, p), RᵀR the information of a typical respondent
    log_step: FloatArray  # of Hamiltonian steps, (C, N)
    log_move: FloatArray  # of shifts, stretches of columns, axes and all, (C, 3p + 1)
    sweeps: int = 0

    @classmethod
    def begun(
        cls,
        data: PanelData,
        start: FloatArray,
        prior: Prior,
        chains: int,
        rng: np.random.Generator,
    ) -> _Walk:
        """Chains scattered around everybody's coefficients, by one prior spread."""
        p, people = data.gaps.shape[0], data.gaps.shape[3]
        mean = start + prior.spread * rng.standard_normal((chains, p))
        own = mean[:, :, None] + prior.spread * rng.standard_normal((chains, p, people))
        return cls(
            data, prior, own, data.log_likelihood(own), mean,
            np.tile(np.eye(p) * prior.spread**2, (chains, 1, 1)),
            np.linalg.cholesky(data.information).T,
            np.full((chains, people), np.log(0.5)), np.full((chains, 3 * p + 1), np.log(0.1)),
        )  # fmt: skip

    def sweep(self, rng: np.random.Generator, *, adapting: bool) -> float:
        """One pass over respondents, μ and Σ; the share of proposals accepted."""
        column = self.sweeps % self.mean.shape[1]
        self.sweeps += 1
        # Robbins & Monro (1951): changes that vanish as the burn-in goes on
        rate = min(0.5, 5 / np.sqrt(self.sweeps)) if adapting else 0.0
        accepted = self._respondents(rng, rate)
        self._population(rng)
        self._shift(column, rng, rate)
        self._stretch_column(column, rng, rate)
        self._stretch_axis(column, rng, rate)
        self._stretch_all(rng, rate)
        return accepted

    def _respondents(self, rng: np.random.Generator, adapt: float) -> float:
        """A Hamiltonian step of every respondent's coefficients.

        It is shaped by Σ, which is held, and by the information of a typical respondent.
        """
        precision = np.linalg.inv(self.covariance)
        root = np.linalg.cholesky(np.linalg.inv(precision + self.data.information))
        turned = root.transpose(0, 2, 1)
        step = np.exp(self.log_step)[:, None, :] * rng.uniform(0.8, 1.2)
        momentum = rng.standard_normal(self.own.shape)
        here = self.own
        height, gradient = self.data.with_gradient(here)
        prior, pull = self._prior(here, precision)
        start = height + prior - 0.5 * (momentum * momentum).sum(axis=1)
        for _ in range(_LEAPS):
            momentum = momentum + step / 2 * (turned @ (gradient + pull))
            here = here + step * (root @ momentum)
            height, gradient = self.data.with_gradient(here)
            prior, pull = self._prior(here, precision)
            momentum = momentum + step / 2 * (turned @ (gradient + pull))
        odds = height + prior - 0.5 * (momentum * momentum).sum(axis=1) - start
        taken = np.log(rng.random(odds.shape)) < odds
        np.copyto(self.own, here, where=taken[:, None, :])
        np.copyto(self.height, height, where=taken)
        self.log_step += adapt * (np.exp(np.minimum(odds, 0)) - _ACCEPT)
        return float(taken.mean())

    def _shift(self, column: int, rng: np.random.Generator, adapt: float) -> None:
        """A Metropolis step of one column of μ that takes all respondents along."""
        chains, p = self.mean.shape
        mean = self.mean.copy()
        mean[:, column] += np.exp(self.log_move[:, column]) * rng.standard_normal(chains)
        self._move(mean, np.tile(np.eye(p), (chains, 1, 1)), 0.0, column, rng, adapt)

    def _stretch_column(self, column: int, rng: np.random.Generator, adapt: float) -> None:
        """A Metropolis step of the spread of one column."""
        chains, p = self.mean.shape
        by = self._stretches(p + column, rng)
        turn = np.tile(np.eye(p), (chains, 1, 1))
        turn[:, column, column] = np.exp(by)
        self._move(self.mean, turn, (p + 1) * by, p + column, rng, adapt)

    def _stretch_axis(self, nth: int, rng: np.random.Generator, adapt: float) -> None:
        """A Metropolis step of the spread along Σ's n-th principal axis, from the narrowest.

        Axes are those in which choices of a typical respondent know all directions alike.
        They turn with Σ and not with the step, whose volume is therefore that of one
        eigenvalue among the others (Muirhead 1982, *Aspects of Multivariate Statistical
        Theory*, theorem 3.2.17). Steps that change their order are not taken, since the way
        back would have another length.
        """
        p = self.mean.shape[1]
        by = self._stretches(2 * p + nth, rng)
        values, vectors = np.linalg.eigh(self.metric @ self.covariance @ self.metric.T)
        moved = values.copy()
        moved[:, nth] *= np.exp(2 * by)
        others = np.delete(values, nth, axis=1)
        ratio = (moved[:, [nth]] - others) / (values[:, [nth]] - others)
        kept = (ratio > 0).all(axis=1)
        volume = np.where(kept, 2 * by + np.log(np.where(ratio > 0, ratio, 1)).sum(axis=1), -np.inf)
        along = vectors[:, :, nth]
        turn = np.eye(p) + np.expm1(by)[:, None, None] * along[:, :, None] * along[:, None, :]
        turn = np.linalg.solve(self.metric, turn @ self.metric)
        self._move(self.mean, turn, volume, 2 * p + nth, rng, adapt)

    def _stretch_all(self, rng: np.random.Generator, adapt: float) -> None:
        """A Metropolis step of the scale of everything, away from 0."""
        p = self.mean.shape[1]
        by = self._stretches(3 * p, rng)
        c = np.exp(by)[:, None]
        volume = p * (p + 1) * by + p * by  # of Σ and of μ
        self._move(self.mean * c, c[:, :, None] * np.eye(p), volume, 3 * p, rng, adapt)

    def _stretches(self, which: int, rng: np.random.Generator) -> FloatArray:
        """Logarithms of factors; heavy tails, for from a spread near 0 the way back is long."""
        by = np.exp(self.log_move[:, which]) * rng.standard_t(2, len(self.mean))
        return np.clip(by, -_FARTHEST, _FARTHEST)

    def _move(
        self,
        mean: FloatArray,
        turn: FloatArray,
        log_volume: FloatArray | float,
        which: int,
        rng: np.random.Generator,
        adapt: float,
    ) -> None:
        """Accept or not β → m + A(β − μ), μ → m, Σ → AΣAᵀ for A = `turn`, (C, p, p).

        Densities of β given Σ and of Σ given a change as their volumes do. Left are the
        likelihood, the priors of μ and Σ, and the volumes of μ and Σ, `log_volume`. The prior
        of Σ is the one without a, which is drawn anew before it is used: if a stayed it would
        hold a small spread where it is.
        """
        proposed = mean[:, :, None] + turn @ (self.own - self.mean[:, :, None])
        covariance = turn @ self.covariance @ turn.transpose(0, 2, 1)
        height = self.data.log_likelihood(proposed)
        odds = (
            (height - self.height).sum(axis=1)
            + self._log_prior(mean, covariance) - self._log_prior(self.mean, self.covariance)
            + log_volume
        )  # fmt: skip
        taken = np.log(rng.random(len(mean))) < odds
        self.own[taken], self.height[taken] = proposed[taken], height[taken]
        self.mean = np.where(taken[:, None], mean, self.mean)
        self.covariance = np.where(taken[:, None, None], covariance, self.covariance)
        self.log_move[:, which] += adapt * (np.exp(np.minimum(odds, 0)) - _ACCEPT_MOVE)

    def _log_prior(self, mean: FloatArray, covariance: FloatArray) -> FloatArray:
        """Of μ and Σ, up to a constant; Huang & Wand (2013), eq. 3.

        A leap may lead to where Σ is flat to the last digits and has no inverse: eigenvalues
        are bounded below, and beyond the bound only the volume counts, which leads back.
        """
        p = mean.shape[1]
        values, vectors = np.linalg.eigh(covariance)
        values = np.maximum(values, _FLAT * values[:, -1:])
        precision = (vectors**2 / values[:, None]).sum(axis=2)
        of_spread = np.log(_T_DEGREES * precision + 1 / self.prior.spread**2).sum(axis=1)
        return (
            -(mean**2).sum(axis=1) / (2 * self.prior.mean_sd**2)
            - (_T_DEGREES + 2 * p) / 2 * np.log(values).sum(axis=1)
            - (_T_DEGREES + p) / 2 * of_spread
        )

    def _prior(self, own: FloatArray, precision: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Log density of coefficients given μ and Σ, up to a constant, and its gradient."""
        gap = own - self.mean[:, :, None]
        pull = -precision @ gap
        return 0.5 * (gap * pull).sum(axis=1), pull

    def _population(self, rng: np.random.Generator) -> None:
        """Gibbs steps of the auxiliary scales a of Σ's prior, of μ and of Σ."""
        chains, p, people = self.own.shape
        precision = np.linalg.inv(self.covariance)
        rate = 1 / self.prior.spread**2 + _T_DEGREES * np.diagonal(precision, axis1=1, axis2=2)
        auxiliary = rate / rng.standard_gamma((_T_DEGREES + p) / 2, (chains, p))
        spread = np.linalg.inv(people * precision + np.eye(p) / self.prior.mean_sd**2)
        centre = spread @ precision @ self.own.sum(axis=2)[:, :, None]
        noise = np.linalg.cholesky(spread) @ rng.standard_normal((chains, p, 1))
        self.mean = (centre + noise)[:, :, 0]
        gap = self.own - self.mean[:, :, None]
        scatter = gap @ gap.transpose(0, 2, 1)
        scatter += 2 * _T_DEGREES * np.eye(p) / auxiliary[:, None, :]
        degrees = _T_DEGREES + p - 1 + people
        self.covariance = np.linalg.inv(_wishart(degrees, np.linalg.inv(scatter), rng))


def _wishart(degrees: float, scale: FloatArray, rng: np.random.Generator) -> FloatArray:
    """One draw for each scale matrix, (C, p, p), by Bartlett's decomposition."""
    chains, p, _ = scale.shape
    lower = np.tril(rng.standard_normal((chains, p, p)), -1)
    diagonal = np.sqrt(2 * rng.standard_gamma((degrees - np.arange(p)) / 2, (chains, p)))
    lower[:, np.arange(p), np.arange(p)] = diagonal
    root = np.linalg.cholesky(scale) @ lower
    return root @ root.transpose(0, 2, 1)
