"""Projection: planted truth recovered, noise refused, shares corrected, columns encoded."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from crmlib.needs.customer_columns import learn_encoding
from crmlib.needs.projected_shares import confusion, corrected_shares
from crmlib.needs.projection import project, projection_accuracy
from crmlib.needs.soft_multinomial import SoftMultinomial
from crmlib.stats.optimise import NotIdentified

GIVEN = {"replications": 100, "seed": 1, "level": 0.95}
NAMES = ["price", "service", "digital"]


def base(seed, n=4000, shares=(0.5, 0.3, 0.2), signal=1.5):
    """Customers whose columns show their segment; true chances follow by Bayes."""
    rng = np.random.default_rng(seed)
    segment = rng.choice(3, n, p=shares)
    means = signal * np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    x = means[segment] + rng.normal(size=(n, 2))
    density = np.array(shares) * np.exp(-0.5 * ((x[:, None] - means) ** 2).sum(axis=2))
    chances = density / density.sum(axis=1, keepdims=True)
    table = pd.DataFrame({"spend": np.exp(x[:, 0]), "age": x[:, 1], "noise": rng.normal(size=n)})
    table["word"] = rng.choice(["a", "b", "c"], n)
    table.loc[rng.random(n) < 0.1, "noise"] = np.nan
    return table.rename_axis("customer_id"), segment, chances


def asked(segment, rows, certain=1.0):
    """Posteriors of respondents: calibrated, and right with the chance `certain`."""
    rng = np.random.default_rng(9)
    wrong = (segment[rows] + rng.integers(1, 3, len(rows))) % 3
    said = np.where(rng.random(len(rows)) < certain, segment[rows], wrong)
    likelihood = np.where(np.eye(3)[said] == 1, certain, (1 - certain) / 2)
    joint = likelihood * np.bincount(segment[rows], minlength=3)
    return pd.DataFrame(joint / joint.sum(axis=1, keepdims=True), index=rows, columns=NAMES)


def test_planted_projection_comes_near_the_best_rule():
    table, segment, chances = base(0)
    found = projection_accuracy(table, asked(segment, np.arange(1500)), **GIVEN)
    best = np.mean(chances.argmax(axis=1) == segment)
    assert found.hit_rate.value == pytest.approx(best, abs=0.03)
    assert found.chance == pytest.approx(np.mean(segment[:1500] == 0), abs=0.001)
    assert found.is_better_than_chance
    assert best - 0.08 < found.ceiling_columns < best + 0.03
    assert found.chance < found.nearest < found.hit_rate.value + 0.02
    assert found.ceiling_answers == 1.0
    done = project(found, table)
    assert done.table.columns.tolist() == ["customer_id", "needs_segment", "p_price",
                                           "p_service", "p_digital"]  # fmt: skip
    columns = done.table[[f"p_{name}" for name in NAMES]].to_numpy()
    assert columns.sum(axis=1) == pytest.approx(1)
    assert np.abs(columns - chances).mean() < 0.03
    assert (done.table["needs_segment"] == np.array(NAMES)[columns.argmax(axis=1)]).all()


def nothing_to_learn(seeds):
    refused = 0
    for seed in seeds:
        table, segment, _ = base(seed, n=250, signal=0.0, shares=(0.4, 0.35, 0.25))
        try:
            project(
                projection_accuracy(table, asked(segment, np.arange(250)), trees=False, **GIVEN),
                table,
            )
        except NotIdentified as error:
            refused += "no better than chance" in str(error)
    return refused


def test_noise_is_refused():
    assert nothing_to_learn(range(8)) >= 7


@pytest.mark.slow
def test_noise_is_refused_in_95_of_100():
    assert nothing_to_learn(range(100)) >= 95


def test_corrected_shares_are_nearer_than_modal_ones_and_their_interval_holds():
    off, held = [], []
    truth = np.array([0.25, 0.35, 0.4])
    for seed in range(8):
        table, segment, _ = base(seed, n=4000, shares=truth)
        # the survey holds other shares of the segments than the base
        rng = np.random.default_rng(seed)
        pick = np.array([2.0, 1.0, 0.5])[segment]
        rows = rng.choice(len(table), 1000, replace=False, p=pick / pick.sum())
        found = projection_accuracy(table, asked(segment, rows, 0.85), trees=False, **GIVEN)
        shares = project(found, table).shares
        real = np.bincount(segment, minlength=3) / len(segment)
        off.append([np.abs(shares[name] - real).max() for name in ("modal", "mean", "corrected")])
        held.append((shares["corrected_lo"] <= real) & (real <= shares["corrected_hi"]))
    modal, mean, corrected = np.mean(off, axis=0)
    assert corrected < 0.6 * mean and corrected < 0.6 * modal, (modal, mean, corrected)
    assert np.mean(held) >= 0.85


def test_confusion_is_freed_from_uncertain_answers_and_inverted_exactly():
    rng = np.random.default_rng(0)
    n, sure = 200_000, np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8]])
    segment, said = rng.integers(0, 3, n), np.empty(n, dtype=int)
    for k in range(3):
        said[segment == k] = rng.choice(3, (segment == k).sum(), p=sure[k])
    true = np.array([[0.6, 0.3, 0.1], [0.2, 0.6, 0.2], [0.1, 0.1, 0.8]])
    found = confusion(sure[said], true[segment], np.ones(n))
    assert found == pytest.approx(true, abs=0.01)
    shares = np.array([0.1, 0.2, 0.7])
    assert corrected_shares(shares @ true, true) == pytest.approx(shares, abs=1e-6)
    outside = corrected_shares(np.array([0.9, 0.05, 0.05]), true)
    assert outside.sum() == pytest.approx(1) and (outside >= 0).all()


def test_soft_logit_is_the_usual_one_on_stacked_rows():
    rng = np.random.default_rng(3)
    x, soft, weight = rng.normal(size=(200, 3)), rng.dirichlet(np.ones(3), 200), rng.random(200)
    ours = SoftMultinomial(penalty=0.05).fit(x, soft, weight)
    stacked = (np.repeat(x, 3, axis=0), np.tile(np.arange(3), 200))
    each = (weight[:, None] * soft).ravel()
    # scikit-learn minimises C · Σ loss + ½‖B‖²
    theirs = LogisticRegression(C=1 / (0.05 * weight.sum()), tol=1e-8, max_iter=1000)
    theirs.fit(*stacked, sample_weight=each)
    assert ours.predict_proba(x) == pytest.approx(theirs.predict_proba(x), abs=1e-4)


def test_columns_do_not_depend_on_units_and_name_what_is_left_out():
    table, *_ = base(0, n=300)
    table["still"], table["id"] = 4.0, [f"c{i}" for i in range(300)]
    table["since"] = pd.Timestamp("2020-01-01") + pd.to_timedelta(np.arange(300), unit="D")
    encoding = learn_encoding(table)
    assert set(encoding.left_out) == {"still", "id"}
    plain = encoding.transform(table)
    assert plain.mean(axis=0) == pytest.approx(0, abs=1e-9)
    assert plain.std(axis=0) == pytest.approx(1)
    scaled = table.assign(spend=table["spend"] * 100 + 7)
    assert learn_encoding(scaled).transform(scaled) == pytest.approx(plain)
    new = table[:3].assign(spend=[np.nan, 1e9, -1e9], word=["z", None, "a"])
    assert np.isfinite(encoding.transform(new)).all()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda t, p: (t, p[:15]), "fewer than 10 respondents"),
        (lambda t, p: (t, p.set_index(p.index + 10**6)), "no respondent is linked"),
        (lambda t, p: (t, p[["price"]] * 0 + 1), "one segment holds everybody"),
        (lambda t, p: (t[["age"]] * 0, p), "no column of the customers varies"),
    ],
)
def test_what_cannot_be_projected_is_refused(change, reason):
    table, segment, _ = base(0, n=400)
    with pytest.raises(NotIdentified, match=reason):
        projection_accuracy(*change(table, asked(segment, np.arange(300))), **GIVEN)


def test_unlinked_respondents_are_counted_and_twins_refused():
    table, segment, _ = base(0, n=400)
    posteriors = asked(segment, np.arange(300))
    moved = posteriors.rename(index={0: -1, 1: -2})
    assert projection_accuracy(table, moved, trees=False, **GIVEN).n_unlinked == 2
    with pytest.raises(ValueError, match="appears twice"):
        projection_accuracy(table, posteriors.rename(index={0: 1}), **GIVEN)


def test_hits_are_those_on_true_segments_where_answers_are_uncertain():
    """Counted by posteriors alone they would be lower than what the projection hits."""
    table, segment, chances = base(3)
    found = projection_accuracy(table, asked(segment, np.arange(1500), certain=0.8), **GIVEN)
    rows = np.arange(1500, 4000)
    done = project(found, table.loc[rows]).table["needs_segment"].to_numpy()
    hits = (done == np.array(NAMES)[segment[rows]]).mean()
    best = (chances[rows].argmax(axis=1) == segment[rows]).mean()
    assert found.hit_rate.value == pytest.approx(hits, abs=0.04)
    assert hits > best - 0.06 and found.hit_rate.lo < best


def test_who_is_taken_for_whom_is_the_confusion_with_true_segments():
    table, segment, _ = base(4)
    found = projection_accuracy(table, asked(segment, np.arange(2000), certain=0.85), **GIVEN)
    taken = found.recognised
    np.testing.assert_allclose(taken.sum(axis=1), 1)
    rows = np.arange(2000, 4000)
    done = project(found, table.loc[rows]).table["needs_segment"].to_numpy()
    true = pd.crosstab(np.array(NAMES)[segment[rows]], done, normalize="index")
    true = true.reindex(index=NAMES, columns=NAMES, fill_value=0)
    assert np.abs(taken.to_numpy() - true.to_numpy()).max() < 0.08
