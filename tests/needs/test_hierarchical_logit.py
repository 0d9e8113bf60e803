"""The hierarchical logit: its posterior by rank statistics, and what it foresees."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from crmlib.needs import (
    ConditionalLogit,
    HierarchicalLogit,
    LatentClassLogit,
    held_out,
    importance,
    part_worth_table,
)
from crmlib.needs.convergence import effective_size, split_rhat
from crmlib.needs.hierarchical_sampler import PanelData, Prior, _Walk, sample
from crmlib.stats.optimise import NotIdentified
from tests.needs.conjoint import ATTRIBUTES, conjoint

MEAN = np.array([-1.0, 0.8, 1.5, 0.8])


@pytest.fixture(scope="module")
def choices() -> pd.DataFrame:
    """People who differ a lot."""
    rng = np.random.default_rng(8)
    return conjoint(MEAN + rng.normal(0, 1.2, (150, 4)), 10, rng)


@pytest.fixture(scope="module")
def fitted(choices) -> HierarchicalLogit:
    return HierarchicalLogit(draws=300, burn=300, chains=3).fit(choices, ATTRIBUTES)


def drawn_from_prior(seed: int) -> np.ndarray:
    """Rank of the truth among draws, for μ, log of Σ's diagonal and the correlation."""
    people, tasks, p = 20, 6, 2
    rng = np.random.default_rng(seed)
    mean, auxiliary = rng.normal(size=p), 1 / rng.gamma(0.5, size=p)
    # Huang & Wand (2013), eq. 2, with two degrees of freedom and scale 1
    covariance = stats.invwishart.rvs(p + 1, np.diag(4 / auxiliary), random_state=rng)
    own = mean + rng.normal(size=(people, p)) @ np.linalg.cholesky(covariance).T
    offers = rng.normal(size=(people, tasks, 3, p))
    utility = np.einsum("nsjp,np->nsj", offers, own) + rng.gumbel(size=(people, tasks, 3))
    chosen = utility.argmax(axis=2)[:, :, None, None]
    gaps = offers - np.take_along_axis(offers, chosen, axis=2)
    other = np.arange(3) != chosen[:, :, :, 0]
    gaps = gaps[other].reshape(people, tasks, 2, p).transpose(3, 1, 2, 0)
    data = PanelData(np.ascontiguousarray(gaps), None, 2.0 * np.eye(p))
    found = sample(
        data, np.zeros(p), Prior(1.0, 1.0), chains=2, burn=80, draws=120, keep=5, rng=rng
    )

    def figures(mean, covariance):
        spread = np.diagonal(covariance, axis1=-2, axis2=-1)
        correlation = covariance[..., :1, 1] / np.sqrt(spread.prod(axis=-1, keepdims=True))
        return np.concatenate([mean, np.log(spread), correlation], axis=-1)

    draws = figures(found.mean, found.covariance).reshape(-1, 5)
    return (draws < figures(mean, covariance)).mean(axis=0)


@pytest.mark.slow
def test_truth_has_every_rank_alike():
    # Talts et al. (2018), Validating Bayesian inference algorithms
    ranks = np.array([drawn_from_prior(seed) for seed in range(100)])
    for at, name in enumerate(["mean 1", "mean 2", "spread 1", "spread 2", "correlation"]):
        assert stats.kstest(ranks[:, at], "uniform").pvalue > 0.002, name


def test_foresees_better_than_one_logit(choices):
    models = {
        "logit": ConditionalLogit(),
        "two classes": LatentClassLogit(2, n_init=3),
        "hierarchical": HierarchicalLogit(draws=250, burn=250, chains=2),
    }
    judged = held_out(choices, models, ATTRIBUTES, last=2)
    table = judged.table
    assert judged.best == judged.chosen == "hierarchical"
    assert (table.loc[["logit", "two classes"], "lower"] > 0).all()
    assert table.loc["hierarchical", "hit_rate"] > table.loc["logit", "hit_rate"]
    assert table["log_likelihood"].is_monotonic_increasing
    assert judged.by_chance == pytest.approx(np.log(1 / 3))
    assert (judged.n_respondents, judged.n_tasks) == (150, 300)


def test_simplest_wins_where_people_are_alike():
    rng = np.random.default_rng(4)
    alike = conjoint(np.tile(MEAN, (120, 1)), 6, rng)
    models = {"logit": ConditionalLogit(), "two classes": LatentClassLogit(2, n_init=3)}
    assert held_out(alike, models, ATTRIBUTES).chosen == "logit"


def test_population_is_found(fitted):
    # fee, none and points against the mean of the three, app
    truth = [-1.0, -2.3 / 3, 0.1 / 3, 0.8]
    bounds = fitted.conf_int(0.99)
    assert ((bounds["lower"] < truth) & (truth < bounds["upper"])).all()
    assert fitted.spread_params["fee"] == pytest.approx(1.2, abs=0.3)
    table = part_worth_table(fitted.preferences())
    rewards = table[table["attribute"] == "rewards"]
    assert rewards["part_worth"].sum() == pytest.approx(0, abs=1e-9)
    assert importance(fitted.preferences())["value"].sum() == pytest.approx(1)


def test_people_who_are_known_and_not(choices, fitted):
    first = choices[choices["task"] == 0]
    known, unknown = (
        fitted.predict_proba(first),
        fitted.predict_proba(
            first.drop(columns="respondent_id").assign(task=first["respondent_id"])
        ),
    )
    for found in (known, unknown):
        np.testing.assert_allclose(found.groupby(first["respondent_id"]).sum(), 1)
    chosen = first["chosen"] == 1
    assert np.log(known[chosen]).mean() > np.log(unknown[chosen]).mean() + 0.1
    # integrated over the population, by numbers of its own
    rng = np.random.default_rng(0)
    spread = fitted._kept_root @ fitted._kept_root.transpose(0, 2, 1)
    people = np.array([
        rng.multivariate_normal(m, s) for m, s in zip(fitted._kept_mean, spread, strict=True)
        for _ in range(20)
    ])  # fmt: skip
    utility = fitted.coding.matrix(first.iloc[:3]) @ people.T
    odds = np.exp(utility) / np.exp(utility).sum(axis=0)
    np.testing.assert_allclose(unknown.iloc[:3], odds.mean(axis=1), atol=0.02)


def test_chains_that_disagree_are_refused(choices, monkeypatch):
    monkeypatch.setattr("crmlib.needs.hierarchical_logit.REFUSED_RHAT", 1.0)
    with pytest.raises(NotIdentified, match="after 20 sweeps the chains still disagree on"):
        HierarchicalLogit(draws=10, burn=10).fit(choices, ATTRIBUTES)


def test_few_draws_are_said(choices):
    fit = HierarchicalLogit(draws=40, burn=150, chains=2).fit(choices, ATTRIBUTES)
    assert not fit.converged
    assert any("interval is rough" in note for note in fit.notes)


def test_same_seed_same_draws(choices):
    one, two = (
        HierarchicalLogit(draws=20, burn=100, random_state=3).fit(choices, ATTRIBUTES)
        for _ in range(2)
    )
    pd.testing.assert_frame_equal(one.respondents, two.respondents)


def test_effective_size_of_an_autoregression():
    # of φ = .8 the integrated autocorrelation time is (1 + φ)/(1 − φ) = 9
    rng = np.random.default_rng(1)
    chains = np.zeros((4, 20_000))
    for at in range(1, chains.shape[1]):
        chains[:, at] = 0.8 * chains[:, at - 1] + rng.normal(size=4)
    assert effective_size(chains) == pytest.approx(80_000 / 9, rel=0.1)
    assert split_rhat(chains) == pytest.approx(1, abs=0.01)
    assert split_rhat(chains + np.arange(4)[:, None]) > 1.05


def test_a_spread_that_is_flat_along_no_column_recovers():
    rng = np.random.default_rng(5)
    people, tasks, p = 150, 10, 3
    along = np.array([1.0, -1.0, 1.0]) / np.sqrt(3)
    own = rng.normal(0, 1.5, (people, 1)) * along + rng.normal(0, 0.2, (people, p))
    offers = rng.normal(size=(people, tasks, 3, p))
    chosen = (np.einsum("nsjp,np->nsj", offers, own) + rng.gumbel(size=(people, tasks, 3))).argmax(
        axis=2
    )
    gaps = offers - np.take_along_axis(offers, chosen[:, :, None, None], axis=2)
    gaps = gaps[np.arange(3) != chosen[:, :, None]].reshape(people, tasks, 2, p)
    data = PanelData(np.ascontiguousarray(gaps.transpose(3, 1, 2, 0)), None, 2.0 * np.eye(p))
    walk = _Walk.begun(data, np.zeros(p), Prior(1.0, 1.0), 3, rng)
    flat = np.eye(p) - 0.999 * np.outer(along, along)
    walk.own = walk.mean[:, :, None] + flat @ (walk.own - walk.mean[:, :, None])
    walk.covariance = flat @ walk.covariance @ flat
    walk.height = data.log_likelihood(walk.own)
    for _ in range(300):
        walk.sweep(rng, adapting=True)
    spread = np.sqrt(np.einsum("p,cpq,q->c", along, walk.covariance, along))
    np.testing.assert_allclose(spread, 1.5, rtol=0.35)
