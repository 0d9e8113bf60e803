"""Classes described by customer columns: corrected for who is assigned wrongly."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from crmlib.needs.described import classification_table, described
from crmlib.needs.latent_class import LatentClass
from crmlib.stats.optimise import NotIdentified

NAMES = ["first", "second", "third"]
SHARES = np.array([0.5, 0.3, 0.2])
YES = np.array([  # probability of yes by class and item
    [0.85, 0.85, 0.85, 0.2, 0.2, 0.2],
    [0.2, 0.2, 0.85, 0.85, 0.85, 0.2],
    [0.2, 0.2, 0.2, 0.2, 0.85, 0.85],
])  # fmt: skip
MEANS = np.array([10.0, 20.0, 40.0])
TOWN = np.array([0.8, 0.5, 0.1])


def asked(seed: int, n: int) -> tuple[pd.DataFrame, pd.DataFrame, np.ndarray]:
    """Answers to six items, the posterior by their true probabilities, and true classes."""
    rng = np.random.default_rng(seed)
    truth = rng.choice(3, n, p=SHARES)
    yes = rng.random((n, 6)) < YES[truth]
    chances = SHARES * np.where(yes[:, None, :], YES, 1 - YES).prod(axis=2)
    posterior = pd.DataFrame(chances / chances.sum(axis=1, keepdims=True), columns=NAMES)
    return pd.DataFrame(yes.astype(int)).add_prefix("item_"), posterior, truth


def about(truth: np.ndarray, seed: int, alike: bool = False) -> pd.DataFrame:
    """A mean and a share that differ between classes, or do not."""
    rng = np.random.default_rng([seed, 1])
    means, town = (np.full(3, 20.0), np.full(3, 0.4)) if alike else (MEANS, TOWN)
    spend = rng.normal(means[truth], 5)
    return pd.DataFrame(
        {"spend": spend, "lives": np.where(rng.random(truth.size) < town[truth], "town", "country")}
    )


def values(posterior, columns, weights=None) -> pd.Series:
    table = described(posterior, columns, weights, level=0.95).table
    return table.set_index(["column", "level", "class"])["value"].sort_index()


def test_planted_means_and_shares_are_recovered_where_a_plain_table_is_not() -> None:
    _, posterior, truth = asked(0, 40_000)
    columns = about(truth, 0)
    found = values(posterior, columns)
    assert found["spend", "mean"].to_numpy() == pytest.approx(MEANS, abs=0.4)
    assert found["lives", "town"].to_numpy() == pytest.approx(TOWN, abs=0.02)
    plain = columns["spend"].groupby(posterior.to_numpy().argmax(axis=1)).mean()
    assert np.abs(plain - MEANS).max() > 1.5
    # by weight: what a census of the same people has, their classes known
    _, posterior, truth = asked(1, 40_000)
    weights = np.random.default_rng(2).choice([0.3, 1.0, 4.0], truth.size)
    columns = about(truth, 3).assign(spend=lambda table: table["spend"] + 5 * (weights > 2))
    census = [np.average(columns["spend"][truth == at], weights=weights[truth == at])
              for at in range(3)]  # fmt: skip
    found = values(posterior, columns, weights)["spend", "mean"].to_numpy()
    assert found == pytest.approx(census, abs=0.6)


def covered(tables: list[pd.DataFrame], true: np.ndarray) -> float:
    """Share of intervals that hold the truth."""
    kept = [table[table["level"].isin(["mean", "town"])] for table in tables]
    return float(np.mean([(t["lower"] <= true) & (true <= t["upper"]) for t in kept]))


def test_intervals_cover_where_the_probabilities_of_answers_are_known() -> None:
    tables = []
    for seed in range(300):
        _, posterior, truth = asked(seed, 300)
        columns = pd.concat([about(truth, 10 * seed + at)[["spend"]].set_axis([at], axis=1)
                             for at in range(7)], axis=1)  # fmt: skip
        tables.append(described(posterior, columns, level=0.95).table)
    # 2,100 columns in three classes
    assert 0.93 < covered(tables, np.tile(MEANS, 7)) < 0.97


def test_intervals_cover_where_classes_are_estimated_if_respondents_are_redrawn() -> None:
    redrawn, known = [], []
    for seed in range(20):
        items, _, truth = asked(seed, 600)
        model = LatentClass(3, n_init=2).fit(items)
        yes = model.item_probabilities.xs(1, level="answer").to_numpy().T
        order = np.argmin(((yes[:, None] - YES) ** 2).sum(axis=2), axis=1)
        columns = about(truth, seed)[["spend"]]
        for kept, draws in ((redrawn, model.intervals(60).redrawn()), (known, None)):
            table = described(model.posterior, columns, level=0.95, redrawn=draws).table
            kept.append(table.iloc[np.argsort(order)])
    assert covered(redrawn, MEANS) > 0.9 > covered(known, MEANS)


def test_the_test_of_a_column_is_wrong_as_often_as_it_says() -> None:
    """Ten columns of nothing: Holm holds the rate of surveys in which one seems to differ."""
    alarms, alarms_redrawn = [], []
    for seed in range(60):
        items, posterior, truth = asked(seed, 400)
        columns = pd.concat([about(truth, 10 * seed + at, alike=True).add_suffix(f"_{at}")
                             for at in range(5)], axis=1)  # fmt: skip
        alarms.append(described(posterior, columns, level=0.95).table["p"].min() < 0.1)
        if seed < 10:
            drawn = LatentClass(3, n_init=1).fit(items)
            found = described(
                drawn.posterior, columns, level=0.95, redrawn=drawn.intervals(60).redrawn()
            )
            alarms_redrawn.append(found.table["p"].min() < 0.1)
    assert 0.02 < np.mean(alarms) < 0.2
    assert np.sum(alarms_redrawn) <= 4
    _, posterior, truth = asked(1, 400)
    assert (described(posterior, about(truth, 1), level=0.95).table["p"] < 1e-3).all()


def test_certain_classes_have_their_direct_means_and_shares() -> None:
    truth = np.arange(60) % 2
    posterior = pd.DataFrame(np.eye(2)[truth], columns=NAMES[:2])
    columns = pd.DataFrame({"spend": np.arange(60.0), "city": np.where(truth, "A", "B")})
    columns.loc[::5, "city"] = "A"
    table = described(posterior, columns, level=0.95).table
    found = table.set_index(["column", "level", "class"]).sort_index()
    direct = columns["spend"].groupby(truth).agg(["mean", "sem"])
    mean = found.loc[("spend", "mean")]
    assert mean["value"].to_numpy() == pytest.approx(direct["mean"].to_numpy())
    # the sandwich divides by n, the usual standard error by n - 1
    error = (mean["upper"] - mean["lower"]).to_numpy() / 2 / 1.959964
    assert error == pytest.approx(direct["sem"].to_numpy() * np.sqrt(29 / 30))
    share = (columns["city"][truth == 0] == "B").mean()
    assert found["value"]["city", "B", "first"] == pytest.approx(share)


def test_a_weight_of_w_is_w_copies() -> None:
    _, posterior, truth = asked(4, 400)
    columns = about(truth, 4)
    weights = np.random.default_rng(5).integers(0, 4, 400)
    rows = np.repeat(np.arange(400), weights)
    copied = [table.iloc[rows].reset_index(drop=True) for table in (posterior, columns)]
    pd.testing.assert_series_equal(values(posterior, columns, weights), values(*copied))
    halved = described(posterior, columns, weights / 2, level=0.95).table
    whole = described(posterior, columns, weights, level=0.95).table
    pd.testing.assert_frame_equal(halved, whole)


def test_who_has_no_customer_is_counted_and_known_by_answers_alone() -> None:
    _, posterior, truth = asked(6, 600)
    result = described(posterior, about(truth, 6).iloc[:500], level=0.9)
    assert (result.n_linked, result.n_asked, result.level) == (500, 600, 0.9)
    gaps = about(truth, 6)
    gaps.loc[500:, "spend"] = np.nan
    shorter = described(posterior, gaps.iloc[:500], level=0.9).table
    assert described(posterior, gaps, level=0.9).table["value"][:3].to_numpy() == pytest.approx(
        shorter["value"][:3].to_numpy()
    )


def test_a_column_that_cannot_be_described_leaves_the_others() -> None:
    _, posterior, truth = asked(7, 600)
    columns = about(truth, 7)
    bad = columns.assign(
        same=1.0, word="alike", nobody=np.nan, id=[f"C{at}" for at in range(600)],
        days=pd.Timestamp("2020-01-01"),
        few=np.where(np.arange(600) < 20, columns["spend"], np.nan),
        rarely=np.where(np.arange(600) < 3, "here", "there"),
    )  # fmt: skip
    result = described(posterior, bad, level=0.95)
    pd.testing.assert_frame_equal(result.table, described(posterior, columns, level=0.95).table)
    assert set(result.left_out) == {"same", "word", "nobody", "id", "days", "few", "rarely"}
    assert "no respondent has a value" in result.left_out["nobody"]
    assert "fewer than 10 respondents of" in result.left_out["few"]
    with pytest.raises(NotIdentified, match="same: there are no two values"):
        described(posterior, bad[["same", "nobody"]], level=0.95)


def test_words_that_few_have_are_told_together() -> None:
    _, posterior, _ = asked(8, 600)
    towns = pd.DataFrame({"town": np.repeat(["A", "B", "C", "D"], [300, 280, 16, 4])})
    told = described(posterior, towns, level=0.95).table
    # D alone would stand for four people: the next rarest keeps it company
    assert set(told["level"]) == {"A", "B", "others"}
    assert told.groupby("class")["value"].sum().to_numpy() == pytest.approx(np.ones(3))


def test_refusals_name_what_cannot_be_described() -> None:
    with pytest.raises(NotIdentified, match="nobody is assigned to second"):
        classification_table(pd.DataFrame({"first": [0.9, 0.8], "second": [0.1, 0.2]}))
    _, posterior, truth = asked(9, 100)
    columns = about(truth, 9)
    with pytest.raises(ValueError, match="respondent 3 stands twice in columns"):
        described(posterior, columns.rename(index={4: 3}), level=0.95)
    with pytest.raises(ValueError, match="expected 100 weights of 0 or more"):
        described(posterior, columns, np.full(100, -1.0), level=0.95)
    nobody = [(np.full((100, 3), [0.5, 0.3, 0.2]), np.ones(100))] * 5
    with pytest.raises(NotIdentified, match="in 5 of 5 redrawn surveys"):
        described(posterior, columns, level=0.95, redrawn=nobody)
