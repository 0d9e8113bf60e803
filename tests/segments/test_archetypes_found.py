"""How far the demo bank's planted archetypes can be found from behaviour alone.

The ceiling is taken from the truth: the best of several classifiers that were taught the
archetypes, from the same figures, and are judged on customers whom they were not taught. No
segmentation, which is taught nothing, can be expected to be above it.
"""

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import KMeans
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import adjusted_rand_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from crmlib.intake.behaviour import read_behaviour
from crmlib.intake.customers import read_purchases
from crmlib.segments.cells import Cells
from crmlib.segments.choice import SegmentChoice, choose_segments
from crmlib.segments.clusters import fit_segments
from crmlib.segments.features import Recipe, active, prepare

TRUTH = Path(__file__).parents[2] / "data" / "demo_bank" / "truth" / "customers.csv.gz"
ARCHETYPES = 6
FOLDS = StratifiedKFold(5, shuffle=True, random_state=0)


@pytest.fixture(scope="module")
def behaviour(demo_version) -> tuple[pd.DataFrame, pd.Series]:
    """Features of who is active, and the archetype of those in a household of one kind.

    Behaviour of a year cannot tell what somebody was who left before it, and a household of
    two archetypes is neither: segments are found among all who are active, as the chapter
    does, and judged on those whose archetype is one.
    """
    folder = demo_version / "tables"
    features = read_behaviour(
        folder / "customers.parquet",
        read_purchases(folder / "purchases.parquet"),
        folder / "client_contracts.parquet",
        folder / "client_ledger.parquet",
        as_of=dt.date(2025, 12, 31),
    )
    households = pd.read_csv(TRUTH).groupby("household")["archetype"]
    kinds = households.first().where(households.nunique() == 1)
    features = features[active(features)].reset_index(drop=True)
    archetype = features["customer_id"].map(kinds)
    assert archetype.notna().sum() > 5_000
    return features, archetype


@pytest.fixture(scope="module")
def choice(behaviour) -> SegmentChoice:
    """The chapter's own choice of how many."""
    matrix = prepare(behaviour[0], tail=0.01, once=True).matrix
    return choose_segments(
        matrix, methods=["classes"], most=7, min_share=0.02, replications=20, seed=2024
    )


def agreement(archetype: pd.Series, labels: np.ndarray) -> float:
    known = archetype.notna().to_numpy()
    return adjusted_rand_score(archetype[known], labels[known])


def kept(before: np.ndarray, now: np.ndarray) -> float:
    """Share of customers whose segment is the one that most of theirs are in now."""
    counts = pd.crosstab(before, now)
    assert counts.idxmax(axis=1).is_unique
    return counts.max(axis=1).sum() / len(now)


def boosting_taught(features: pd.DataFrame, archetype: pd.Series, recipe: Recipe) -> float:
    """Of boosted trees, on the figures that latent classes see."""
    figures = np.column_stack([column.figures(features) for column in recipe.columns])
    model = HistGradientBoostingClassifier(max_iter=100, max_leaf_nodes=15, random_state=0)
    return adjusted_rand_score(archetype, cross_val_predict(model, figures, archetype, cv=FOLDS))


def classes_taught(matrix: np.ndarray, archetype: pd.Series, choice: SegmentChoice) -> float:
    """Of the class model itself, with the pairs that it found, if it is told who is what."""
    shape = choice.chosen.shape
    pairs = [(int(a), int(b)) for a, b in shape.pairs]
    codes = pd.factorize(archetype, sort=True)[0]
    members = np.eye(ARCHETYPES)[codes].T
    placed = np.zeros(len(codes), dtype=int)
    for _, out in FOLDS.split(matrix, codes):
        told = np.ones(len(codes))
        told[out] = 0.0
        table = Cells.of(matrix, shape.cuts, told).joined(pairs)
        found = table.maximised(members)
        for _ in range(20):  # of proportional fitting, one in each
            found = table.maximised(members, before=found.chances)
        placed[out] = table.members(found)[0].argmax(axis=0)[out]
    return adjusted_rand_score(codes, placed)


@pytest.mark.slow
def test_archetypes_are_found_as_far_as_is_said(behaviour, choice):
    """Reached: adjusted Rand .89, six by the chapter's own choice; ceiling .90 to .91."""
    features, archetype = behaviour
    known = archetype.notna().to_numpy()
    prepared = prepare(features, tail=0.01, once=True)
    ceiling = max(boosting_taught(features[known], archetype[known], prepared.recipe),
                  classes_taught(prepared.matrix[known], archetype[known], choice))  # fmt: skip
    assert 0.88 < ceiling < 0.93
    matrix = prepare(features, tail=0.01).matrix
    spheres = KMeans(ARCHETYPES, n_init=10, random_state=0).fit_predict(matrix)
    found = agreement(archetype, choice.chosen.labels)
    assert choice.chosen.k == ARCHETYPES and choice.stability.minimum > 0.9
    assert found > 0.88 and found > ceiling - 0.02
    assert found > agreement(archetype, spheres) + 0.18


@pytest.mark.slow
def test_each_archetype_has_a_segment_of_its_own(behaviour, choice):
    _, archetype = behaviour
    counts = pd.crosstab(archetype, choice.chosen.labels)
    home = counts.idxmax(axis=1)
    assert home.nunique() == ARCHETYPES
    assert (counts.max(axis=1) / counts.sum(axis=1)).min() > 0.6
    assert (counts.max() / counts.sum()).min() > 0.7, "and each segment an archetype"


@pytest.mark.slow
def test_another_seed_and_one_percent_fewer_customers_find_the_same_segments(behaviour, choice):
    features, _ = behaviour
    matrix = prepare(features, tail=0.01, once=True).matrix
    other = fit_segments(matrix, method="classes", k=ARCHETYPES, seed=7)
    assert kept(choice.chosen.labels, other.labels) > 0.95
    fewer = features.drop(index=range(0, len(features), 100))
    again = prepare(fewer, tail=0.01, once=True)
    found = fit_segments(again.matrix, method="classes", k=ARCHETYPES, seed=8)
    assert kept(choice.chosen.labels[fewer.index], found.labels) > 0.95
