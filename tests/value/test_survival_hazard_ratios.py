"""Cox's hazard ratios: textbook, against the partial likelihood, and what is refused."""

import numpy as np
import pandas as pd
import pytest
from scipy import optimize
from test_survival_curves import PLACEBO, RELAPSED, REMISSION

from crmlib.stats.optimise import NotIdentified
from crmlib.value.hazard_ratios import CountingProcess, hazard_ratios
from crmlib.value.survival import Spells


def simulate(seed, count=4_000, drift=0.0):
    """Constant hazards times exp(.7·x1 − .4·x2), x1 fading with age by `drift`; delayed entry."""
    rng = np.random.default_rng(seed)
    x = pd.DataFrame({"x1": rng.integers(0, 2, count), "x2": rng.normal(0, 2, count)})
    steps = np.arange(0, 10, 0.01)
    log_hazard = (
        np.log(0.15) + np.outer(x["x1"], 0.7 - drift * steps) - 0.4 * x["x2"].to_numpy()[:, None]
    )
    reached = np.cumsum(np.exp(log_hazard) * 0.01, axis=1) >= rng.exponential(size=count)[:, None]
    lifetime = np.where(reached.any(axis=1), steps[np.argmax(reached, axis=1)] + 0.01, 11.0)
    entry = np.where(rng.random(count) < 0.5, rng.uniform(0, 3, count), 0.0)
    end = np.minimum(entry + 5, 10)
    kept = lifetime > entry
    return (
        np.minimum(lifetime, end)[kept],
        (lifetime <= end)[kept],
        x[kept].reset_index(drop=True),
        entry[kept],
    )


def test_textbook_value():
    """Placebo against 6-MP: coefficient 1.57, standard error .412 (Efron; R's survival)."""
    x = pd.DataFrame({"placebo": [0] * 21 + [1] * 21})
    fitted = hazard_ratios(REMISSION + PLACEBO, RELAPSED + [1] * 21, x, level=0.95)
    row = fitted.table.loc["placebo"]
    assert row["coefficient"] == pytest.approx(1.572, abs=5e-4)
    assert row["std_err"] == pytest.approx(0.412, abs=5e-4)
    assert row["hazard_ratio"] == pytest.approx(4.82, abs=0.01)
    assert row["lower"] == pytest.approx(2.15, abs=0.01)
    assert row["upper"] == pytest.approx(10.81, abs=0.01)
    assert fitted.events == 30
    assert fitted.notes == ()


def test_equals_the_partial_likelihood_with_delayed_entry():
    """Maximum of Σ log(risk of who ended / risk of those under observation), no ties."""
    age, ended, x, entry = simulate(seed=1, count=250)
    age = age + np.linspace(0, 1e-6, age.size)
    values = x.to_numpy(dtype=float)

    def loss(beta):
        risk = np.exp(values @ beta)
        ends = np.flatnonzero(ended)
        return -sum(np.log(risk[i] / risk[(entry < age[i]) & (age >= age[i])].sum()) for i in ends)

    expected = optimize.minimize(loss, [0.0, 0.0], method="BFGS").x
    fitted = hazard_ratios(age, ended, x, entry, level=0.9)
    assert fitted.table["coefficient"].to_numpy() == pytest.approx(expected, abs=1e-4)
    assert fitted.llf == pytest.approx(-loss(expected), abs=1e-5)


def test_residuals_of_those_at_risk_add_up_to_the_score():
    """At the maximum, without ties, Schoenfeld's residuals sum to 0 (their sum is the score)."""
    age, ended, x, entry = simulate(seed=9, count=400)
    age = age + np.linspace(0, 1e-6, age.size)
    coefficients = hazard_ratios(age, ended, x, entry, level=0.9).table["coefficient"].to_numpy()
    spells = Spells.of(age, ended, entry)
    process = CountingProcess.of(spells, x.to_numpy(dtype=float), coefficients)
    ages, residuals = process.schoenfeld_residuals()
    assert residuals.sum(axis=0) == pytest.approx(0, abs=1e-2)
    for at, residual in list(zip(ages, residuals, strict=True))[::25]:
        risk = (entry < at) & (at <= age)
        weight = np.exp(x.to_numpy(dtype=float) @ coefficients) * risk
        own = x.to_numpy(dtype=float)[ended & (age == at)][0]
        assert residual == pytest.approx(own - weight @ x.to_numpy() / weight.sum())


def test_planted_ratios_from_a_window():
    fitted = hazard_ratios(*simulate(seed=2, count=20_000), level=0.9).table
    for name, truth in {"x1": 0.7, "x2": -0.4}.items():
        assert abs(fitted.loc[name, "coefficient"] - truth) < 4 * fitted.loc[name, "std_err"]
        assert fitted.loc[name, "std_err"] < 0.05


def test_proportionality_holds_where_it_is_true_and_falls_where_it_fades():
    right = hazard_ratios(*simulate(seed=3), level=0.9)
    assert right.notes == ()
    fading = hazard_ratios(*simulate(seed=3, drift=0.5), level=0.9)
    assert fading.proportionality.loc["x1", "p_value"] < 1e-4
    assert fading.proportionality.loc["all", "p_value"] < 1e-4
    assert fading.notes == (
        "the hazard ratio of x1 moves with age: the figure is an average over ages",
    )


@pytest.mark.slow
def test_proportionality_raises_false_alarms_as_often_as_it_says():
    """250 true worlds at 5 %: three Monte-Carlo errors are 4.1 points."""
    below = np.zeros(3)
    for seed in range(250):
        table = hazard_ratios(*simulate(seed=50 + seed, count=600), level=0.95).proportionality
        below += table["p_value"].to_numpy() < 0.05
    assert (below / 250 < 0.092).all()
    assert (below / 250 > 0.01).all()


def test_units_of_a_covariate_do_not_matter():
    age, ended, x, entry = simulate(seed=4, count=800)
    one = hazard_ratios(age, ended, x, entry, level=0.9)
    other = hazard_ratios(age, ended, x.assign(x2=x["x2"] * 1e4 + 7e5), entry, level=0.9)
    assert other.table.loc["x2", "coefficient"] * 1e4 == pytest.approx(
        one.table.loc["x2", "coefficient"], rel=1e-5
    )
    assert other.table["p_value"].to_numpy() == pytest.approx(one.table["p_value"], rel=1e-3)
    assert other.proportionality.to_numpy() == pytest.approx(
        one.proportionality.to_numpy(), rel=1e-3
    )


def test_contracts_of_one_customer_count_as_one():
    """Every contract three times: robust errors stay, naive ones shrink by √3."""
    age, ended, x, entry = simulate(seed=5, count=1_500)
    one = hazard_ratios(age, ended, x, entry, level=0.9, clusters=np.arange(age.size))
    thrice = [np.repeat(column, 3, axis=0) for column in (age, ended, entry)]
    triple = x.loc[x.index.repeat(3)].reset_index(drop=True)
    customer = np.repeat(np.arange(age.size), 3)
    naive = hazard_ratios(thrice[0], thrice[1], triple, thrice[2], level=0.9)
    robust = hazard_ratios(thrice[0], thrice[1], triple, thrice[2], level=0.9, clusters=customer)
    expected = one.table["std_err"].to_numpy()
    assert robust.table["std_err"].to_numpy() == pytest.approx(expected, rel=0.03)
    assert naive.table["std_err"].to_numpy() == pytest.approx(expected / np.sqrt(3), rel=0.08)
    model_based = hazard_ratios(age, ended, x, entry, level=0.9).table["std_err"].to_numpy()
    assert expected == pytest.approx(model_based, rel=0.1)


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda x: x.assign(flat=1.0), "covariate flat does not vary"),
        (lambda x: x.assign(same=2 * x["x1"] + 1), "depend on each other"),
    ],
)
def test_useless_covariates_are_named(change, message):
    age, ended, x, entry = simulate(seed=6, count=300)
    with pytest.raises(NotIdentified, match=message):
        hazard_ratios(age, ended, change(x), entry, level=0.9)


def test_separation_is_named():
    age, ended, x, entry = simulate(seed=7, count=300)
    never = x.assign(never=(~ended).astype(float) * (x["x2"].to_numpy() > 0))
    with pytest.raises(NotIdentified, match="no finite hazard ratio for never"):
        hazard_ratios(age, ended, never, entry, level=0.9)


def test_impossible_input_is_named():
    age, ended, x, entry = simulate(seed=8, count=100)
    with pytest.raises(ValueError, match="covariate x2 must be finite: found nan at position 3"):
        hazard_ratios(age, ended, x.assign(x2=x["x2"].where(x.index != 3)), entry, level=0.9)
    with pytest.raises(ValueError, match="rows were expected"):
        hazard_ratios(age, ended, x.iloc[:5], entry, level=0.9)
    with pytest.raises(NotIdentified, match="no contract ended"):
        hazard_ratios(age, np.zeros(age.size), x, entry, level=0.9)
