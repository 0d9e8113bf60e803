"""Draws from the posterior of a hierarchical logit (N2).

Each respondent has part-worths of her own, normally distributed over people:
β_i ~ N(μ, Σ). Gibbs steps for μ and Σ (Rossi, Allenby & McCulloch 2005, *Bayesian Statistics
and Marketing*, ch. 5; Train 2009, ch. 12) alternate with a Hamiltonian step for all respondents
at once (Neal 2011, *Handbook of Markov Chain Monte Carlo*, ch. 5) and a step of the scale of
everything, which choices know least and Gibbs steps explore slowest (interweaving: Yu & Meng
2011, *JCGS* 20:531). Against random-walk Metropolis alone a second of computing is worth about
ten times as many independent draws. The prior of Σ is Huang & Wand's (2013, *Bayesian Analysis* 8:439): a mixture of
inverse Wisharts in which standard deviations are half-t and correlations uniform, since the
plain inverse Wishart pushes small variances up and ties them to correlations.

Proposals are shaped by each respondent's own information and the prior, and scaled to her
acceptance rate, in the burn-in only: afterwards the chain is Markov.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

_ADAPT_EVERY = 50  # sweeps of the burn-in between new shapes of proposals
_LEAPS = 3  # of a Hamiltonian step
_ACCEPT = 0.75  # rate that its length is tuned to (Beskos et al. 2013: .65 to .8)
_ACCEPT_SCALE = 0.44  # of a random walk in one dimension (Roberts & Rosenthal 2001)
_T_DEGREES = 2.0  # of freedom of the half-t prior: correlations are then uniform


@dataclass(frozen=True, eq=False)
class PanelData:
    """Choices of N respondents as contrasts, people along the last axis.

    Attributes
    ----------
    gaps : array of shape (p, S, m, N)
        Other alternatives less the chosen one, in the s-th task of each respondent.
    closed : array of shape (S, m, N) or None
        −inf where there is no such alternative or task, else 0.
    information : array of shape (N, p, p)
        Of each respondent's choices at everybody's coefficients.
    """

    gaps: FloatArray
    closed: FloatArray | None
    information: FloatArray

    def log_likelihood(self, coefficients: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Of each respondent under coefficients (C, p, N) of her own, (C, N), and gradient."""
        height, gradient = np.empty(coefficients[:, 0].shape), np.empty_like(coefficients)
        for at, chain in enumerate(coefficients):
            utility = self.gaps[0] * chain[0]
            for gap, column in zip(self.gaps[1:], chain[1:], strict=True):
                utility += gap * column
            if self.closed is not None:
                utility += self.closed
            # beyond 600 the choice is as unlikely as need be, and the exponential overflows
            odds = np.exp(np.minimum(utility, 600.0, out=utility), out=utility)
            total = 1 + odds.sum(axis=1)
            height[at] = -np.log(total).sum(axis=0)
            odds /= total[:, None]
            np.einsum("psmn,smn->pn", self.gaps, odds, out=gradient[at])
        return height, -gradient


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
    for sweep in range(burn):
        walk.sweep(prior, rng, adapting=sweep + 1)
    kept = np.unique(np.linspace(0, draws - 1, min(keep, draws)).astype(np.int64))
    p, people = data.gaps.shape[0], data.gaps.shape[3]
    mean, covariance = np.empty((chains, draws, p)), np.empty((chains, draws, p, p))
    llf, owned = np.empty((chains, draws)), np.empty((chains, len(kept), people, p))
    accepted, at = 0.0, 0
    for sweep in range(draws):
        accepted += walk.sweep(prior, rng)
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
    own: FloatArray
    height: FloatArray  # log-likelihood of respondents, (C, N)
    gradient: FloatArray  # of it, (C, p, N)
    mean: FloatArray
    covariance: FloatArray
    auxiliary: FloatArray  # Huang & Wand's a, (C, p)
    shape: FloatArray  # roots of the proposals' covariances, (C, p, p, N)
    log_step: FloatArray  # (C, N)
    log_scale_step: FloatArray  # (C,)
    burnt: FloatArray  # running mean of Σ in the burn-in

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
        covariance = np.tile(np.eye(p) * prior.spread**2, (chains, 1, 1))
        walk = cls(
            data, own, *data.log_likelihood(own), mean, covariance,
            np.full((chains, p), prior.spread**2), np.empty((chains, p, p, people)),
            np.full((chains, people), np.log(0.5)),
            np.full(chains, np.log(0.05)), covariance,
        )  # fmt: skip
        walk.reshape()
        return walk

    def reshape(self) -> None:
        """Shape proposals by each respondent's information and the population's spread."""
        precision = np.linalg.inv(self.burnt)[:, None] + self.data.information
        roots = np.linalg.cholesky(np.linalg.inv(precision))
        self.shape = np.ascontiguousarray(roots.transpose(0, 2, 3, 1))

    def sweep(self, prior: Prior, rng: np.random.Generator, adapting: int = 0) -> float:
        """One pass over respondents, μ and Σ; the share of proposals accepted."""
        accepted = self._respondents(rng, adapting)
        self._population(prior, rng)
        self._scale(prior, rng, adapting)
        if adapting:
            weight = max(1 / adapting, 1 / _ADAPT_EVERY)
            self.burnt = self.burnt + weight * (self.covariance - self.burnt)
            if adapting % _ADAPT_EVERY == 0:
                self.reshape()
        return accepted

    def _respondents(self, rng: np.random.Generator, adapting: int) -> float:
        """A Hamiltonian step of every respondent's coefficients."""
        precision = np.linalg.inv(self.covariance)
        step = np.exp(self.log_step)[:, None, :] * rng.uniform(0.8, 1.2)
        momentum = rng.standard_normal(self.own.shape)
        here, height, gradient = self.own, self.height, self.gradient
        prior, pull = self._prior(here, precision)
        start = height + prior - 0.5 * (momentum * momentum).sum(axis=1)
        for _ in range(_LEAPS):
            momentum = momentum + step / 2 * np.einsum("cpqn,cpn->cqn", self.shape, gradient + pull)
            here = here + step * np.einsum("cpqn,cqn->cpn", self.shape, momentum)
            height, gradient = self.data.log_likelihood(here)
            prior, pull = self._prior(here, precision)
            momentum = momentum + step / 2 * np.einsum("cpqn,cpn->cqn", self.shape, gradient + pull)
        odds = height + prior - 0.5 * (momentum * momentum).sum(axis=1) - start
        taken = np.log(rng.random(odds.shape)) < odds
        np.copyto(self.own, here, where=taken[:, None, :])
        np.copyto(self.gradient, gradient, where=taken[:, None, :])
        np.copyto(self.height, height, where=taken)
        if adapting:  # Robbins & Monro (1951): steps that vanish as the burn-in goes on
            rate = np.exp(np.minimum(odds, 0))
            self.log_step += (rate - _ACCEPT) * min(0.5, 5 / np.sqrt(adapting))
        return float(taken.mean())

    def _scale(self, prior: Prior, rng: np.random.Generator, adapting: int) -> None:
        """A Metropolis step of the scale of everything: β, μ and Σ times c, c and c²."""
        chains, p = self.mean.shape
        log_c = np.exp(self.log_scale_step) * rng.standard_normal(chains)
        c = np.exp(log_c)
        proposed = self.own * c[:, None, None]
        height, gradient = self.data.log_likelihood(proposed)
        half = _T_DEGREES * np.diagonal(np.linalg.inv(self.covariance), axis1=1, axis2=2)
        half = (half / self.auxiliary).sum(axis=1)
        squares = (self.mean**2).sum(axis=1) / (2 * prior.mean_sd**2)
        odds = (
            (height - self.height).sum(axis=1)
            + half * (1 - c**-2)
            + squares * (1 - c**2)
            + log_c * (p + p * (p + 1) - p * (_T_DEGREES + 2 * p))
        )
        taken = np.log(rng.random(chains)) < odds
        self.own[taken], self.height[taken] = proposed[taken], height[taken]
        self.gradient[taken] = gradient[taken]
        self.mean[taken] *= c[taken, None]
        self.covariance[taken] *= c[taken, None, None] ** 2
        if adapting:
            rate = np.exp(np.minimum(odds, 0))
            self.log_scale_step += (rate - _ACCEPT_SCALE) * min(0.5, 5 / np.sqrt(adapting))

    def _prior(self, own: FloatArray, precision: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Log density of coefficients given μ and Σ, up to a constant, and its gradient."""
        gap = own - self.mean[:, :, None]
        pull = -precision @ gap
        return 0.5 * (gap * pull).sum(axis=1), pull

    def _population(self, prior: Prior, rng: np.random.Generator) -> None:
        """Gibbs steps of μ, Σ and of the auxiliary scales of its prior."""
        chains, p, people = self.own.shape
        precision = np.linalg.inv(self.covariance)
        spread = np.linalg.inv(people * precision + np.eye(p) / prior.mean_sd**2)
        centre = spread @ precision @ self.own.sum(axis=2)[:, :, None]
        noise = np.linalg.cholesky(spread) @ rng.standard_normal((chains, p, 1))
        self.mean = (centre + noise)[:, :, 0]
        gap = self.own - self.mean[:, :, None]
        scatter = gap @ gap.transpose(0, 2, 1)
        scatter += 2 * _T_DEGREES * np.eye(p) / self.auxiliary[:, None, :]
        degrees = _T_DEGREES + p - 1 + people
        self.covariance = np.linalg.inv(_wishart(degrees, np.linalg.inv(scatter), rng))
        rate = 1 / prior.spread**2 + _T_DEGREES * np.diagonal(
            np.linalg.inv(self.covariance), axis1=1, axis2=2
        )
        self.auxiliary = rate / rng.standard_gamma((_T_DEGREES + p) / 2, (chains, p))


def _wishart(degrees: float, scale: FloatArray, rng: np.random.Generator) -> FloatArray:
    """One draw for each scale matrix, (C, p, p), by Bartlett's decomposition."""
    chains, p, _ = scale.shape
    lower = np.tril(rng.standard_normal((chains, p, p)), -1)
    diagonal = np.sqrt(2 * rng.standard_gamma((degrees - np.arange(p)) / 2, (chains, p)))
    lower[:, np.arange(p), np.arange(p)] = diagonal
    root = np.linalg.cholesky(scale) @ lower
    return root @ root.transpose(0, 2, 1)
