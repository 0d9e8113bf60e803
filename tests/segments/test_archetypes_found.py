"""How far the demo bank's planted archetypes can be found from behaviour alone."""

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import KMeans
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.metrics import adjusted_rand_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from crmlib.intake.behaviour import read_behaviour
from crmlib.intake.customers import read_purchases
from crmlib.segments.features import active, prepare

TRUTH = Path(__file__).parents[2] / "data" / "demo_bank" / "truth" / "customers.csv.gz"
ARCHETYPES = 6


@pytest.fixture(scope="module")
def behaviour(demo_version) -> tuple[pd.DataFrame, pd.Series]:
    """Features and archetype of who is active and lives in a household of one kind.

    Behaviour of a year cannot tell what somebody was who left before it, and a household of
    two archetypes is neither.
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
    archetype = features["customer_id"].map(kinds)
    shown = active(features) & archetype.notna()
    assert shown.sum() > 5_000
    return features[shown].reset_index(drop=True), archetype[shown].reset_index(drop=True)


@pytest.mark.slow
def test_archetypes_are_found_as_far_as_is_said(behaviour):
    """Reached: adjusted Rand .61 (k-means, K=6); linear classifier taught the truth: .77."""
    features, archetype = behaviour
    plain = features.drop(columns="customer_id")
    plain = ((plain - plain.mean()) / plain.std()).fillna(0).to_numpy()
    matrix = prepare(features, tail=0.01).matrix
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    taught = cross_val_predict(LinearDiscriminantAnalysis(), matrix, archetype, cv=folds)
    ceiling = adjusted_rand_score(archetype, taught)
    found, naive = (
        adjusted_rand_score(archetype, KMeans(ARCHETYPES, n_init=10, random_state=0).fit_predict(x))
        for x in (matrix, plain)
    )
    assert ceiling > 0.74
    assert found > 0.58 and found > naive and found > ceiling - 0.18


@pytest.mark.slow
def test_each_archetype_but_the_largest_has_a_segment_of_its_own(behaviour):
    features, archetype = behaviour
    labels = KMeans(7, n_init=10, random_state=0).fit_predict(prepare(features, tail=0.01).matrix)
    counts = pd.crosstab(archetype, labels)
    home = counts.div(counts.sum(axis=1), axis=0).max(axis=1)
    assert np.median(home) > 0.7, home
