"""Behaviour tells the archetypes apart, as well as segments of a real bank ever are.

The forest, which is shown the truth, marks what any analysis of these features can reach;
k-means, which is not, must find most of it, or the bank would show nothing.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import KMeans
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import adjusted_rand_score
from sklearn.model_selection import cross_val_predict
from sklearn.preprocessing import StandardScaler
from whole_bank import make_bank


@pytest.fixture(scope="module")
def behaviour() -> tuple[pd.DataFrame, pd.Series]:
    """Logarithms of revenue, savings and contacts a month, and the archetype."""
    bank = make_bank()
    rows, archetype = bank.tables["ledger"], bank.truth.set_index("customer_id")["archetype"]
    months = rows.groupby("customer_id")["month"].nunique()
    earned, served = rows["line"] == "revenue", rows["line"] == "cost_to_serve"

    def sums(part: pd.Series) -> pd.Series:
        return rows[part].groupby("customer_id")["amount"].sum()

    table = pd.DataFrame(
        {"revenue": sums(earned), "savings": sums(earned & (rows["product"] == "savings"))}
    )
    for channel in ("branch", "call_centre", "online", "mobile"):
        table[channel] = sums(served & (rows["channel"] == channel))
    table = table.reindex(archetype.index).fillna(0)
    return np.log1p(5 * table.div(months.reindex(table.index), axis=0).fillna(0)), archetype


def test_archetypes_can_be_told_and_not_perfectly(behaviour):
    features, archetype = behaviour
    forest = RandomForestClassifier(100, min_samples_leaf=3, random_state=1, n_jobs=1)
    hit = (cross_val_predict(forest, features, archetype, cv=3) == archetype).mean()
    assert 0.88 < hit < 0.98


def test_clusters_find_much_of_them(behaviour):
    features, archetype = behaviour
    scaled = StandardScaler().fit_transform(features)
    found = KMeans(6, n_init=10, random_state=1).fit_predict(scaled)
    assert 0.45 < adjusted_rand_score(archetype, found) < 0.9
