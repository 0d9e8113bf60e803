"""Static covariates: planted effects come back, units do not matter, ridges are named."""

import numpy as np
import pandas as pd
import pytest

from crmlib.stats.optimise import NotIdentified
from crmlib.value import (
    BetaGeometric,
    BetaGeometricBetaBernoulli,
    ModifiedBetaGeometric,
    ParetoNBD,
    WithCovariates,
    holdout_scorecard,
)

MODELS = [BetaGeometric, ModifiedBetaGeometric, ParetoNBD]
KINDS = {BetaGeometric: "BG/NBD", ModifiedBetaGeometric: "MBG/NBD", ParetoNBD: "Pareto/NBD"}
BASE = {
    BetaGeometric: (0.8, 6.0, 0.8, 2.5),
    ModifiedBetaGeometric: (0.8, 6.0, 0.8, 2.5),
    ParetoNBD: (0.8, 6.0, 0.9, 15.0),
}
HISTORY = ["frequency", "recency", "observed_time"]


def world(simulate_as, model, customers, seed):
    """Customers whose rate and leaving depend on being online (0/1) and on age in years."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        {"online": rng.integers(0, 2, customers), "age": rng.normal(40, 10, customers)}
    )
    first, scale, third, fourth = BASE[model]
    scale = scale * np.exp(-(0.5 * table["online"] + 0.03 * (table["age"] - 40))).to_numpy()
    if model is ParetoNBD:
        fourth = fourth * np.exp(-0.7 * table["online"]).to_numpy()
    else:
        third = third * np.exp(0.4 * table["online"]).to_numpy()
        fourth = fourth * np.exp(-0.3 * table["online"]).to_numpy()
    end = np.full(customers, 52.0)
    bought = simulate_as(KINDS[model], (first, scale, third, fourth), end, seed, horizon=26.0)
    return table.join(bought)


def fit(model, table, **changes):
    given = {"rate": table[["online", "age"]], "dropout": table[["online"]]} | changes
    return WithCovariates(model()).fit(*(table[c] for c in HISTORY), **given)


@pytest.fixture(scope="module", params=MODELS)
def fitted(request, simulate_as):
    table = world(simulate_as, request.param, 8_000, seed=7)
    return table, fit(request.param, table)


def planted(model):
    rate = {"alpha: online": 0.5, "alpha: age": 0.03}
    if model is ParetoNBD:
        return rate | {"beta: online": 0.7}
    return rate | {"a: online": 0.4, "b: online": -0.3}


def test_planted_effects(fitted):
    _, result = fitted
    truth = planted(type(result.model))
    assert result.verdict.grade == "good"
    for name, effect in truth.items():
        assert abs(result.params[name] - effect) < 4 * result.bse[name], name
    assert result.bse["alpha: online"] < 0.12
    bounds = result.conf_int(0.95)
    assert (bounds["lower"] < result.params).all() and (result.params < bounds["upper"]).all()
    assert result.params["r"] == pytest.approx(BASE[type(result.model)][0], rel=0.15)


def test_the_richer_model_is_nested(fitted):
    _, result = fitted
    test = result.likelihood_ratio()
    assert result.llf > result.base.llf
    assert test["degrees_of_freedom"] == len(planted(type(result.model)))
    assert test["p_value"] < 1e-6


def test_predictions_differ_by_covariate_and_equal_the_simulation(fitted):
    table, result = fitted
    given = {"rate": table[["online", "age"]], "dropout": table[["online"]]}
    history = [table[c] for c in HISTORY]
    ahead = result.expected_purchases(26.0, *history, **given)
    alive = result.probability_alive(*history, **given)
    for group in (0, 1):
        rows = table["online"] == group
        for gap in (table["future"][rows] - ahead[rows], table["alive"][rows] - alive[rows]):
            assert abs(gap.mean()) < 5 * gap.sem()
    new = result.expected_purchases_new(52.0, **given)
    assert abs(table["frequency"].mean() - new.mean()) < 5 * table["frequency"].sem()


def test_units_of_covariates_and_time_do_not_matter(fitted):
    table, result = fitted
    model = type(result.model)
    other = table.assign(
        age=table["age"] * 12 + 7,
        **{c: table[c] * 7 for c in ("recency", "observed_time")},
    )
    again = fit(model, other)
    assert again.params["alpha: age"] * 12 == pytest.approx(result.params["alpha: age"], rel=1e-4)
    assert again.bse["alpha: age"] * 12 == pytest.approx(result.bse["alpha: age"], rel=1e-3)
    days = [other[c] for c in HISTORY]
    weeks = [table[c] for c in HISTORY]
    covariates = {"rate": other[["online", "age"]], "dropout": other[["online"]]}
    expected = result.expected_purchases(
        10, *weeks, rate=table[["online", "age"]], dropout=table[["online"]]
    )
    assert again.expected_purchases(70, *days, **covariates) == pytest.approx(expected, rel=1e-4)


def test_the_holdout_is_foretold_better_than_without_covariates(fitted):
    table, result = fitted
    given = {"rate": table[["online", "age"]], "dropout": table[["online"]]}
    history = [table[c] for c in HISTORY]
    inputs, before = (*history, table["future"], 26.0), np.minimum(table["frequency"], 3)
    card = holdout_scorecard(*inputs, result, before, given)
    plain = holdout_scorecard(*inputs, result.base, before)
    assert card.predicted == pytest.approx(result.expected_purchases(26.0, *history, **given))
    squares = [((table["future"] - each.predicted) ** 2).mean() for each in (card, plain)]
    assert squares[0] < squares[1]  # of a mean; it may still lose on ranks
    with pytest.raises(ValueError, match="is needed"):
        holdout_scorecard(*inputs, result, before)


@pytest.mark.parametrize("model", MODELS)
def test_effect_of_two_groups_equals_the_likelihood_of_two_fits(simulate_as, model):
    """With every parameter free by group the covariate fit could do no better than two fits."""
    table = world(simulate_as, model, 3_000, seed=3)
    only = table[["online"]]
    joint = fit(model, table, rate=only, dropout=only)
    apart = sum(model().fit(*(rows[c] for c in HISTORY)).llf for _, rows in table.groupby("online"))
    assert joint.base.llf <= joint.llf <= apart
    assert apart - joint.llf < 6  # one or two parameters that both groups share


@pytest.mark.parametrize("model", MODELS)
def test_irrelevant_covariates_stay_insignificant(simulate_as, model):
    table = world(simulate_as, model, 3_000, seed=4)
    noise = pd.DataFrame({"noise": np.random.default_rng(1).normal(size=len(table))})
    result = fit(model, table, rate=noise, dropout=noise)
    assert result.likelihood_ratio()["p_value"] > 1e-3
    assert result.llf >= result.base.llf - 1e-9


def test_covariates_that_do_not_identify_a_and_b_are_not_good(simulate_as):
    """Hardly anybody leaves, and the covariate marks a few customers only."""
    bought = simulate_as("BG/NBD", (0.8, 5.0, 0.5, 500.0), np.full(2_000, 40.0), seed=2)
    few = pd.DataFrame({"few": (np.arange(2_000) < 20).astype(int)})
    columns = [bought[c] for c in HISTORY]
    result = WithCovariates(BetaGeometric()).fit(*columns, dropout=few)
    assert result.verdict.grade != "good"
    assert result.verdict.reasons
    assert np.isfinite(result.params).all()
    assert result.summary().notna().all(axis=None)


@pytest.mark.parametrize("model", MODELS)
def test_wild_covariates_never_give_a_silent_nan(model):
    """Few customers, a covariate over many orders of magnitude, another far from 0."""
    for seed in (3, 50):
        rng = np.random.default_rng(seed)
        end = rng.integers(1, 60, 80).astype(float)
        x = rng.poisson(rng.gamma(0.5, 4, 80))
        last = np.where(x > 0, np.minimum(end * rng.beta(3, 0.7, 80) + 1e-3, end), 0)
        wild = pd.DataFrame({"far": rng.normal(1e3, 1, 80), "wide": np.exp(rng.normal(0, 3, 80))})
        result = WithCovariates(model()).fit(x, last, end, rate=wild, dropout=wild)
        assert result.verdict.grade != "good"
        given = {"rate": wild, "dropout": wild}
        answers = [
            result.params,
            result.probability_alive(x, last, end, **given),
            result.expected_purchases(52.0, x, last, end, **given),
            result.expected_purchases_new(52.0, **given),
        ]
        assert all(np.isfinite(answer).all() for answer in answers)


def test_parameters_are_those_of_a_customer_with_average_covariates(fitted):
    table, result = fitted
    averages = table[["online", "age"]].mean().to_frame().T
    params = result.customer_params(rate=averages, dropout=averages[["online"]])
    assert params[:, 0] == pytest.approx(result.params[list(result.model.names)].to_numpy())


@pytest.mark.parametrize(
    "change, error, message",
    [
        ({"rate": {"one": 1.0}}, NotIdentified, "'one' is the same for all customers"),
        ({"dropout": {"age": 1.0, "again": 2.0}}, NotIdentified, "'age' is the same"),
        ({"rate": None, "dropout": None}, ValueError, "at least one covariate"),
        ({"rate": {"region": "north"}}, ValueError, "'region' must be a number"),
        ({"rate": {"gap": np.nan}}, ValueError, "'gap' must be finite: found nan in 0"),
    ],
)
def test_useless_covariates_are_named(simulate_as, change, error, message):
    table = world(simulate_as, BetaGeometric, 300, seed=4)
    tables = {
        role: None if columns is None else pd.DataFrame(columns, index=table.index)
        for role, columns in change.items()
    }
    with pytest.raises(error, match=message):
        fit(BetaGeometric, table, **tables)


def test_repeated_covariates_and_wrong_lengths_are_named(simulate_as):
    table = world(simulate_as, BetaGeometric, 300, seed=4)
    twice = table[["online", "age"]].assign(offline=1 - table["online"])
    with pytest.raises(NotIdentified, match="'offline' follows from the covariates before it"):
        fit(BetaGeometric, table, rate=twice)
    with pytest.raises(ValueError, match="rate has 10 rows where 300 were expected"):
        fit(BetaGeometric, table, rate=table[["online"]].head(10))
    result = fit(BetaGeometric, table)
    history = [table[c] for c in HISTORY]
    with pytest.raises(ValueError, match="dropout is needed"):
        result.probability_alive(*history, rate=table[["online", "age"]])
    with pytest.raises(ValueError, match="'age' is missing"):
        result.probability_alive(*history, rate=table[["online"]], dropout=table[["online"]])


def test_occasion_models_take_no_covariates():
    with pytest.raises(ValueError, match="BetaGeometricBetaBernoulli takes no covariates"):
        WithCovariates(BetaGeometricBetaBernoulli()).fit(
            [0, 1, 3], [0, 4, 9], [10, 10, 10], rate=pd.DataFrame({"age": [1, 2, 3]})
        )
