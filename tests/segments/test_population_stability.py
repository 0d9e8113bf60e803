"""Population stability: by hand, its null distribution, and what the swaps are for."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from crmlib.segments.drift import population_stability, psi, reading, share_changes
from crmlib.segments.two_dates import Snapshot, compare_dates, snapshot, still_there
from crmlib.stats.optimise import NotIdentified


def shot(ids, matrix, labels=None):
    labels = np.zeros(len(matrix), dtype=int) if labels is None else labels
    names = tuple(f"f{at}" for at in range(matrix.shape[1]))
    return Snapshot(np.asarray(ids, dtype=object), matrix, labels, names, ("a", "b"))


def measured(before, after, **options):
    compared = compare_dates(before, after, replications=options.pop("replications", 199), seed=2)
    return population_stability(compared, level=0.95, **options)


def test_index_by_hand():
    """Shares .5/.5 against .4/.6: (.4−.5)·ln(.8) + (.6−.5)·ln(1.2) = .0405."""
    counts = np.array([5e6, 5e6]), np.array([4e6, 6e6])
    assert psi(*counts) == pytest.approx(-0.1 * np.log(0.8) + 0.1 * np.log(1.2), abs=1e-5)
    assert psi(counts[0], counts[0]) == 0
    assert np.isfinite(psi(np.array([10, 0]), np.array([0, 10])))
    assert [reading(v) for v in (0.09, 0.1, 0.25)] == ["stable", "moderate shift", "large shift"]


def test_of_independent_samples_chance_is_the_chi_square_distribution():
    """Yurdakul & Naranjo (2020): PSI / (1/n + 1/m) is about χ² with bins − 1 degrees."""
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(1_500, 1)), rng.normal(size=(2_500, 1))
    before, after = shot(range(1_500), first), shot(range(1_500, 4_000), second)
    row = measured(before, after, replications=2_000).table.loc["f0"]
    # customers take dates independently, so that sizes are even under the swaps
    assert row["by_chance"] == pytest.approx(4 / 4_000 * 9, rel=0.05)
    assert row["by_chance_hi"] == pytest.approx(4 / 4_000 * stats.chi2.ppf(0.95, 9), rel=0.08)
    assert row["chi_square"] == pytest.approx(
        (1 / 1_500 + 1 / 2_500) * stats.chi2.ppf(0.95, 9), rel=1e-9
    )
    assert row["bins"] == 10


def test_the_same_customers_twice_show_a_smaller_shift_than_others_would():
    rng = np.random.default_rng(1)
    level = rng.normal(size=(2_000, 1))
    before = shot(range(2_000), level + 0.1 * rng.normal(size=level.shape))
    after = shot(range(2_000), level + 0.1 * rng.normal(size=level.shape) + 0.08)
    row = measured(before, after).table.loc["f0"]
    assert row["psi"] < row["chi_square"]  # two independent samples might well differ so much
    assert row["p"] <= 0.01  # these cannot
    assert row["reading"] == "stable"  # and nobody would call it large


def test_p_values_are_even_where_nothing_happened():
    rng = np.random.default_rng(3)
    found = []
    for _ in range(150):
        rows = rng.gamma(1, 1, (400, 2)).round(1)
        before, after = shot(range(200), rows[:200]), shot(range(200, 400), rows[200:])
        found.append(measured(before, after, replications=99).table.loc["f1", "p"])
    assert stats.kstest(found, "uniform").pvalue > 0.01


def test_many_ties_make_few_bins_and_a_constant_none():
    rng = np.random.default_rng(5)
    rows = np.column_stack([rng.integers(0, 2, 600), np.ones(600)]).astype(float)
    before, after = shot(range(300), rows[:300]), shot(range(300, 600), rows[300:])
    table = measured(before, after).table
    assert table["bins"].to_dict() == {"segments": 1, "f0": 2, "f1": 1}
    assert table.loc["f1", "psi"] == 0
    assert table.loc["f1", "p"] == 1


def test_edges_that_are_given_are_used_and_features_left_out():
    rng = np.random.default_rng(6)
    rows = rng.normal(size=(600, 2))
    before, after = shot(range(300), rows[:300]), shot(range(300, 600), rows[300:])
    table = measured(before, after, edges={"f0": [0.0]}, leave_out=["f1"]).table
    assert table.index.tolist() == ["segments", "f0"]
    assert table.loc["f0", "bins"] == 2
    counts = [np.bincount(x[:, 0] > 0, minlength=2) for x in (rows[:300], rows[300:])]
    assert table.loc["f0", "psi"] == pytest.approx(float(psi(*counts)))


def test_shares_of_segments_are_counted():
    rng = np.random.default_rng(7)
    rows = rng.normal(size=(600, 1))
    labels = (np.arange(600) < 60).astype(int)
    before = shot(range(300), rows[:300], labels[:300])
    after = shot(range(300, 600), rows[300:], labels[300:])
    table = share_changes(compare_dates(before, after, replications=99, seed=1)).table
    assert table.loc["b", ["before", "after"]].tolist() == [60, 0]
    assert table.loc["b", "change"] == pytest.approx(-0.2)
    assert table.loc["b", "p"] == pytest.approx(0.01)


def test_a_sample_holds_the_same_customers_on_both_dates():
    rng = np.random.default_rng(8)
    rows = rng.normal(size=(500, 1))
    before, after = shot(range(500), rows), shot(range(250, 750), rows)
    compared = compare_dates(before, after, replications=9, seed=1, sample=300)
    assert len(set(compared.before.ids) | set(compared.after.ids)) == 300
    first, second = compared.pairs.T
    assert (compared.before.ids[first] == compared.after.ids[second]).all()
    assert len(compared.pairs) + len(compared.only_before) == compared.before.n
    assert not set(compared.before.ids[compared.only_before]) & set(compared.after.ids)


def test_too_few_customers_and_different_segments_are_refused():
    rows = np.zeros((100, 1))
    with pytest.raises(NotIdentified, match="at least 50"):
        compare_dates(shot(range(10), rows[:10]), shot(range(100), rows), replications=9, seed=1)
    with pytest.raises(ValueError, match="twice"):
        compare_dates(shot([1] * 100, rows), shot(range(100), rows), replications=9, seed=1)


def test_a_snapshot_takes_recipe_and_segments_of_another_date():
    class Doubled:
        def apply(self, features):
            return 2 * features[["x"]].to_numpy()

    class Positive:
        def predict(self, matrix):
            return (matrix[:, 0] > 2).astype(int)

    features = pd.DataFrame({"customer_id": ["u", "v"], "x": [1.0, 1.5]})
    found = snapshot(features, Doubled(), Positive(), names=["x"], segments=["low", "high"])
    assert found.named.to_dict() == {"u": "low", "v": "high"}
    assert found.matrix.tolist() == [[2.0], [3.0]]


def test_who_has_no_contract_or_purchase_any_more_has_left():
    features = pd.DataFrame({
        "customer_id": list("abcd"), "products": [1.0, 0, np.nan, np.nan],
        "frequency": [0.0, 5, 2, 0],
    })  # fmt: skip
    assert still_there(features)["customer_id"].tolist() == ["a", "c"]
    assert still_there(features.drop(columns="products"))["customer_id"].tolist() == ["b", "c"]
