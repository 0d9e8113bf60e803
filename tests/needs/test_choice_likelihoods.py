"""Likelihoods of choice models from their definition, and what they may not depend on."""

import numpy as np
import pandas as pd
import pytest
from scipy import optimize

from crmlib.needs import ConditionalLogit, LatentClassLogit, choice_table, willingness_to_pay
from crmlib.needs.choice_likelihood import Contrasts
from tests.needs.conjoint import ATTRIBUTES, conjoint


@pytest.fixture(scope="module")
def choices() -> pd.DataFrame:
    """Tasks of three and four alternatives, one of which may be none."""
    rng = np.random.default_rng(3)
    worth = np.array([-0.6, 0.5, 1.0, 0.4]) + rng.normal(0, 0.5, (80, 4))
    found = conjoint(worth, 6, rng, none=-0.5)
    ragged = (found["alternative"] == "2") & (found["task"] == 3) & (found["chosen"] == 0)
    return found[~ragged].reset_index(drop=True)


def by_definition(table, coefficients):
    """Log-likelihood of each respondent, by loops."""
    total = np.zeros(table.n_respondents)
    for task in range(table.n_tasks):
        there = np.flatnonzero(table.available[task])
        odds = {slot: np.exp(table.design[task, slot] @ coefficients) for slot in there}
        total[table.person[task]] += np.log(odds[table.chosen[task]] / sum(odds.values()))
    return total


def test_probability_of_choices(choices):
    table = choice_table(choices, ATTRIBUTES)
    assert set(table.available.sum(axis=1)) == {3, 4}
    beta = np.array([-0.4, 0.3, -0.2, 0.7, -0.9])
    contrasts = Contrasts.of(table, np.eye(5))
    log = contrasts.by_respondent(contrasts.log_probability(beta[:, None]))[:, 0]
    np.testing.assert_allclose(log, by_definition(table, beta), rtol=1e-12)


def test_derivatives(choices):
    table = choice_table(choices, ATTRIBUTES)
    weights = np.random.default_rng(1).uniform(0.5, 2, table.n_tasks)
    contrasts = Contrasts.of(table, np.eye(5))
    beta = np.array([-0.4, 0.3, -0.2, 0.7, -0.9])
    _, gradient, curvature = contrasts.derivatives(beta, weights)
    slope = optimize.approx_fprime(beta, lambda b: contrasts.derivatives(b, weights)[0], 1e-6)
    np.testing.assert_allclose(gradient, slope, rtol=1e-4, atol=1e-3)
    bend = [
        (contrasts.derivatives(beta + h, weights)[1] - contrasts.derivatives(beta - h, weights)[1])
        / 2e-5
        for h in 1e-5 * np.eye(5)
    ]
    np.testing.assert_allclose(curvature, -np.array(bend), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(weights @ contrasts.scores(beta), gradient)
    each = contrasts.information(beta)
    np.testing.assert_allclose(np.einsum("t,tpq->pq", weights, each), curvature)


def test_covariance_of_classes_is_the_inverse_of_the_information(choices):
    table = choice_table(choices, ATTRIBUTES)
    fit = LatentClassLogit(2, n_init=5, tolerance=1e-9).fit(table)

    def llf(theta):
        share = 1 / (1 + np.exp(-theta[-1]))
        first, second = (by_definition(table, theta[at : at + 5]) for at in (0, 5))
        return np.log((1 - share) * np.exp(first) + share * np.exp(second)).sum()

    shares = fit.shares.to_numpy()
    top = np.r_[fit.params.to_numpy().T.ravel(), np.log(shares[1] / shares[0])]
    assert llf(top) == pytest.approx(fit.llf, abs=1e-6)
    # one row of the information, by differences: it times the covariance is a row of 1
    step, at = 1e-3, 2
    row = []
    for other in range(11):
        a, b = step * np.eye(11)[at], step * np.eye(11)[other]
        row.append(
            (llf(top + a + b) - llf(top + a - b) - llf(top - a + b) + llf(top - a - b))
            / (4 * step**2)
        )
    joint = np.zeros((11, 11))
    scale = np.eye(11)
    scale[:5, :5] = scale[5:10, 5:10] = table.standardised
    joint = scale @ fit._joint @ scale.T
    np.testing.assert_allclose(-np.array(row) @ joint, np.eye(11)[at], atol=2e-3)


@pytest.mark.parametrize("model", [ConditionalLogit(), LatentClassLogit(2, n_init=4)])
def test_order_of_rows_says_nothing(choices, model):
    shuffled = choices.sample(frac=1, random_state=2)
    first = model.fit(choices, ATTRIBUTES)
    llf, expected = first.llf, first.predict_proba(choices)
    second = model.fit(shuffled, ATTRIBUTES)
    assert second.llf == pytest.approx(llf, abs=1e-8)
    found = second.predict_proba(shuffled)
    pd.testing.assert_series_equal(found.sort_index(), expected, atol=1e-6)
    total = expected.groupby([choices["respondent_id"], choices["task"]]).sum()
    np.testing.assert_allclose(total, 1)
    hits = second.predict(shuffled).groupby([shuffled["respondent_id"], shuffled["task"]]).sum()
    assert (hits == 1).all()


def test_units_and_codes_say_nothing(choices):
    plain = ConditionalLogit().fit(choices, ATTRIBUTES)
    in_cents = choices.assign(fee=choices["fee"] * 100)
    table = choice_table(in_cents, ATTRIBUTES, coding="dummy", base={"rewards": "points"})
    other = ConditionalLogit().fit(table)
    assert other.llf == pytest.approx(plain.llf, abs=1e-8)
    assert other.params["fee"] * 100 == pytest.approx(plain.params["fee"])
    assert other.bse["app"] == pytest.approx(plain.bse["app"])
    worth = [
        willingness_to_pay(fit.preferences(), "fee").set_index("attribute").loc["app"]
        for fit in (plain, other)
    ]
    assert worth[1]["value"] == pytest.approx(100 * worth[0]["value"])
    assert worth[1]["std_err"] == pytest.approx(100 * worth[0]["std_err"])


def test_weights_count_as_people(choices):
    twice = choices[choices["respondent_id"] < 30]
    twice = pd.concat([choices, twice.assign(respondent_id=twice["respondent_id"] + 1000)])
    weights = pd.Series(1.0, index=range(80))
    weights[:30] = 2.0
    for model in (ConditionalLogit(covariance="model"), LatentClassLogit(2, n_init=8)):
        copied = model.fit(twice, ATTRIBUTES)
        params, llf = copied.params, copied.llf
        weighted = model.fit(choices, ATTRIBUTES, weights=weights)
        np.testing.assert_allclose(weighted.params, params, rtol=2e-3, atol=1e-3)
        # weights have mean 1
        assert weighted.llf * 110 / 80 == pytest.approx(llf, abs=1e-3)


def test_clustered_errors_count_people_not_tasks(choices):
    again = choices.assign(task=choices["task"] + 100)
    doubled = pd.concat([choices, again])
    once, twice = (ConditionalLogit().fit(table, ATTRIBUTES) for table in (choices, doubled))
    np.testing.assert_allclose(once.bse, twice.bse, rtol=1e-6)
    naive = [ConditionalLogit("model").fit(table, ATTRIBUTES).bse for table in (choices, doubled)]
    np.testing.assert_allclose(naive[0], naive[1] * np.sqrt(2), rtol=1e-6)
