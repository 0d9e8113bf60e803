"""Best and worst answers: likelihood by definition, recovery, wrong answers."""

import numpy as np
import pandas as pd
import pytest

from crmlib.needs import HierarchicalLogit, LatentClassLogit, MaxDiff, maxdiff_table
from tests.needs.conjoint import choose

ITEMS = list("ABCDEF")
WORTH = np.linspace(-1.5, 1.5, 6)


def answers(worth: np.ndarray, tasks: int, rng: np.random.Generator) -> pd.DataFrame:
    """Best and worst of four items at a time, people's worth of shape (N, 6)."""
    rows = []
    for person, own in enumerate(worth):
        for task in range(tasks):
            shown = rng.choice(6, 4, replace=False)
            best = int(choose(own[shown], rng))
            rest = np.delete(np.arange(4), best)
            worst = int(rest[choose(-own[shown][rest], rng)])
            rows += [
                (person, task, ITEMS[item], int(at == best), int(at == worst))
                for at, item in enumerate(shown)
            ]
    return pd.DataFrame(rows, columns=["respondent_id", "task", "item", "best", "worst"])


@pytest.fixture(scope="module")
def alike() -> pd.DataFrame:
    return answers(np.tile(WORTH, (150, 1)), 6, np.random.default_rng(1))


def test_likelihood_by_definition(alike):
    fit = MaxDiff().fit(alike)
    score = fit.scores().set_index("item")["score"]
    total = 0.0
    for _, task in alike.groupby(["respondent_id", "task"]):
        odds = np.exp(score[task["item"]].to_numpy())
        best, worst = task["best"].to_numpy() == 1, task["worst"].to_numpy() == 1
        total += np.log(odds[best] / odds.sum())[0]
        total += np.log((1 / odds[worst]) / (1 / odds[~best]).sum())[0]
    assert fit.llf == pytest.approx(total, abs=1e-8)


def test_scores_are_found(alike):
    found = MaxDiff().fit(alike).summary().loc["all"]
    assert list(found.index) == ITEMS
    assert ((found["lower"] < WORTH) & (found["upper"] > WORTH)).sum() >= 5
    np.testing.assert_allclose(found["score"], WORTH, atol=0.25)
    assert found["score"].sum() == pytest.approx(0, abs=1e-9)
    assert found["share"].sum() == pytest.approx(1)
    shares = np.exp(found["score"]) / np.exp(found["score"]).sum()
    np.testing.assert_allclose(found["share"], shares)


def test_classes_want_different_things():
    rng = np.random.default_rng(2)
    opposite = np.vstack([np.tile(WORTH, (90, 1)), np.tile(-WORTH, (50, 1))])
    fit = MaxDiff(LatentClassLogit(2, n_init=3)).fit(answers(opposite, 6, rng))
    assert fit.fitted.shares.iloc[0] == pytest.approx(90 / 140, abs=0.03)
    first = fit.scores().set_index("group").loc["class 1", "score"]
    np.testing.assert_allclose(first, WORTH, atol=0.4)
    assert (fit.fitted.classes == np.repeat(["class 1", "class 2"], [90, 50])).mean() > 0.97


def test_scores_of_respondents():
    rng = np.random.default_rng(3)
    worth = WORTH + rng.normal(0, 0.8, (80, 6))
    fit = MaxDiff(HierarchicalLogit(150, 150, chains=2)).fit(answers(worth, 8, rng))
    rows = fit.fitted.coding.at_levels("item")
    own = fit.fitted.respondents.to_numpy() @ rows.T
    true = worth - worth.mean(axis=1, keepdims=True)
    assert np.corrcoef(own.ravel(), true.ravel())[0, 1] > 0.85
    assert fit.shares()["value"].sum() == pytest.approx(1)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("best", 0, "on the best item: exactly one alternative must be chosen"),
        ("worst", 1, "an item is best and worst in one task, 900 times"),
        ("item", "A", "an alternative stands twice"),
    ],
)
def test_wrong_answers(alike, column, value, message):
    with pytest.raises(ValueError, match=message):
        maxdiff_table(alike.assign(**{column: value}))
    with pytest.raises(ValueError, match=f"no column '{column}'"):
        maxdiff_table(alike.drop(columns=column))
