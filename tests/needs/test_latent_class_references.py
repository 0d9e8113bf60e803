"""Latent classes against published values, an independent implementation, and planted truth."""

import numpy as np
import pandas as pd
import pytest
from answer_sheets import carcinoma, height, planted
from sklearn.metrics import adjusted_rand_score
from stepmix.stepmix import StepMix

from crmlib.needs import LatentClass, choose_classes


@pytest.mark.parametrize(
    ("k", "llf", "bic"),
    [(2, -317.2568, 706.07), (3, -293.7050, 697.14), (4, -289.2859, 726.46)],
)
def test_carcinoma(k, llf, bic):
    """Published by the authors of poLCA (Linzer & Lewis 2011, *J. Stat. Softw.* 42:10)."""
    model = LatentClass(k, n_init=20).fit(carcinoma())
    assert model.llf == pytest.approx(llf, abs=1e-4)
    assert model.bic == pytest.approx(bic, abs=0.005)


@pytest.mark.parametrize("missing", [0.0, 0.2])
@pytest.mark.parametrize("weighted", [False, True])
def test_stepmix_finds_the_same(missing, weighted):
    base = planted(300, seed=3, k=2, items=5, missing=missing)
    rng = np.random.default_rng(4)
    weights = rng.uniform(0.3, 3, 300) if weighted else np.ones(300)
    weights /= weights.mean()
    own = LatentClass(2, n_init=5, tolerance=1e-10).fit(base.sheets, weights)
    other = StepMix(
        2, measurement="categorical_nan", n_init=5, random_state=0, progress_bar=0, max_iter=5000
    ).fit(base.sheets.to_numpy(), sample_weight=weights)
    found = other.get_parameters()
    theirs = np.split(found["measurement"]["pis"], 5, axis=1)
    assert own.llf == pytest.approx(
        height(base.sheets, weights, found["weights"], theirs), abs=1e-5
    )
    order = np.argsort(-found["weights"])
    np.testing.assert_allclose(own.shares, found["weights"][order], atol=1e-4)
    expected = np.concatenate([block[order].T for block in theirs])
    np.testing.assert_allclose(own.item_probabilities, expected, atol=1e-4)
    np.testing.assert_allclose(
        own.posterior, other.predict_proba(base.sheets.to_numpy())[:, order], atol=1e-4
    )


def test_its_likelihood_is_what_its_parameters_say():
    base = planted(200, seed=8, missing=0.1)
    weights = np.random.default_rng(1).uniform(0.5, 2, 200)
    for ordinal in ([], list(base.sheets)):
        model = LatentClass(3, ordinal=ordinal).fit(base.sheets, weights)
        blocks = [model.item_probabilities.loc[item].to_numpy().T for item in base.sheets]
        found = height(base.sheets, weights / weights.mean(), model.shares.to_numpy(), blocks)
        assert model.llf == pytest.approx(found, rel=1e-10)


def test_icl_asks_more_than_bic_by_what_is_not_settled():
    base = planted(300, seed=8, apart=0.6)
    model = LatentClass(3).fit(base.sheets)
    doubt = -(model.posterior * np.log(model.posterior.clip(lower=1e-300))).to_numpy().sum()
    assert doubt > 10
    assert model.icl == pytest.approx(model.bic + 2 * doubt, rel=1e-9)


def test_ordinal_items_of_two_answers_are_nominal():
    sheets = carcinoma()
    nominal = LatentClass(3, n_init=10).fit(sheets)
    ordinal = LatentClass(3, n_init=10, ordinal=list("ABCDEFG")).fit(sheets)
    assert ordinal.n_parameters == nominal.n_parameters == 23
    assert ordinal.llf == pytest.approx(nominal.llf, abs=1e-3)


def test_ordinal_locations_are_recovered():
    """Answers drawn from the model itself: log odds of neighbours differ by class alike."""
    rng = np.random.default_rng(5)
    steps, places = np.array([0.0, 0.8, 1.0, 0.4, -0.5]), np.array([-1.5, 2.5])
    logits = steps + np.linspace(0, 1, 5) * places[:, None]
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    member = rng.choice(2, 4_000, p=[0.6, 0.4])
    drawn = rng.random((4_000, 6, 1)) > chances[member].cumsum(axis=1)[:, None, :-1]
    sheets = pd.DataFrame(drawn.sum(axis=2) + 1)
    model = LatentClass(2, n_init=3, ordinal=list(sheets)).fit(sheets)
    assert model.n_parameters == 1 + 6 * (4 + 1)
    expected = np.tile(chances.T, (6, 1))
    assert np.abs(model.item_probabilities.to_numpy() - expected).max() < 0.04
    assert model.shares.iloc[0] == pytest.approx(0.6, abs=0.03)


def test_planted_classes_are_found_as_well_as_by_who_knows_them():
    for seed in range(5):
        base = planted(1_500, seed, missing=0.1)
        ceiling = adjusted_rand_score(base.member, base.posterior().argmax(axis=1))
        model = LatentClass(3, n_init=5).fit(base.sheets)
        assert adjusted_rand_score(base.member, model.classes) > ceiling - 0.02
        assert 0.5 < ceiling < 0.99


@pytest.mark.slow
def test_the_true_number_is_chosen_by_bic():
    right = 0
    for seed in range(50):
        base = planted(800, 100 + seed, missing=0.05)
        right += choose_classes(base.sheets, most=4, n_init=4).chosen.n_classes == 3
    assert right >= 45


@pytest.mark.slow
def test_bootstrap_intervals_of_shares_cover():
    held, shares = [], planted(1, 0).shares
    for seed in range(100):
        base = planted(400, 500 + seed)
        table = LatentClass(3, n_init=2).fit(base.sheets).intervals(60, level=0.9).shares()
        held += ((table["lower"] <= shares) & (shares <= table["upper"])).tolist()
    assert 0.85 <= np.mean(held) <= 0.95
