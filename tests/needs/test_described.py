"""Classes described by customer columns: corrected for who is assigned wrongly."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from crmlib.needs.described import classification_table, described
from crmlib.stats.optimise import NotIdentified

NAMES = ["class 1", "class 2"]
TRUE_MEANS = np.array([10.0, 20.0])


def survey(seed: int, n: int = 600) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Posterior after four yes/no answers of known probability, and one column."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 2, n)
    yes = rng.binomial(4, np.array([0.35, 0.65])[truth])
    odds = (0.65 / 0.35) ** (2 * yes - 4.0)
    second = odds / (1 + odds)
    posterior = pd.DataFrame({NAMES[0]: 1 - second, NAMES[1]: second})
    return posterior, pd.DataFrame({"spend": rng.normal(TRUE_MEANS[truth], 4)})


def test_the_correction_takes_the_attenuation_away_and_intervals_cover() -> None:
    found, naive, covered = [], [], []
    for seed in range(40):
        posterior, columns = survey(seed)
        table = described(posterior, columns, level=0.95).table
        found.append(table["value"])
        naive.append(columns["spend"].groupby(posterior.to_numpy().argmax(axis=1)).mean())
        covered.append((table["lower"] <= TRUE_MEANS) & (table["upper"] >= TRUE_MEANS))
    noise = np.std(found, axis=0) / np.sqrt(len(found))
    assert np.all(np.abs(np.mean(found, axis=0) - TRUE_MEANS) < 4 * noise)
    assert np.diff(np.mean(naive, axis=0))[0] < 7
    assert 0.88 < np.mean(covered) < 0.99


def test_certain_classes_have_their_direct_means_and_shares() -> None:
    truth = np.arange(60) % 2
    posterior = pd.DataFrame(np.eye(2)[truth], columns=NAMES)
    columns = pd.DataFrame({"spend": np.arange(60.0), "city": np.where(truth, "A", "B")})
    columns.loc[::7, "city"] = "A"
    table = described(posterior, columns, level=0.95).table.set_index(["column", "level", "class"])[
        "value"
    ]
    direct = columns["spend"].groupby(truth).mean()
    assert table["spend", "mean"].to_numpy() == pytest.approx(direct.to_numpy())
    assert table["city", "B", "class 1"] == pytest.approx(
        (columns["city"][truth == 0] == "B").mean()
    )


def test_who_has_no_customer_is_left_out_and_counted() -> None:
    posterior, columns = survey(1)
    result = described(posterior, columns.iloc[:500], level=0.95)
    assert (result.n_linked, result.n_asked) == (500, 600)


def test_refusals_name_what_cannot_be_described() -> None:
    posterior, columns = survey(1)
    with pytest.raises(NotIdentified, match="nobody is assigned to class 2"):
        classification_table(pd.DataFrame({NAMES[0]: [0.9, 0.8], NAMES[1]: [0.1, 0.2]}))
    with pytest.raises(NotIdentified, match="column spend"):
        described(posterior, columns.assign(spend=1.0), level=0.95)


def test_weights_count_as_so_many_respondents():
    posterior, columns = survey(3, 200)
    times = np.random.default_rng(1).integers(1, 4, 200)
    weighted = described(posterior, columns, times, level=0.9).table["value"]
    rows = np.repeat(np.arange(200), times)
    copied = described(posterior.iloc[rows].reset_index(drop=True),
                       columns.iloc[rows].reset_index(drop=True), level=0.9)  # fmt: skip
    assert weighted.to_numpy() == pytest.approx(copied.table["value"].to_numpy())


def test_intervals_of_means_cover_where_the_answers_are_calibrated():
    """2,000 small surveys; a little wide, since the table of errors is of the same people."""
    covered = []
    for seed in range(2000):
        posterior, columns = survey(seed, 250)
        table = described(posterior, columns, level=0.95).table
        covered.append((table["lower"] <= TRUE_MEANS) & (table["upper"] >= TRUE_MEANS))
    assert 0.93 < np.mean(covered) < 0.98


def test_columns_of_chance_are_rarely_said_to_differ():
    """After Holm at most one survey in twenty has any of three columns that differ by chance."""
    alarms = 0
    for seed in range(300):
        posterior, _ = survey(seed, 250)
        rng = np.random.default_rng([seed, 1])
        columns = pd.DataFrame(rng.normal(size=(250, 2)), columns=["a", "b"])
        columns["c"] = rng.choice(["x", "y"], 250)
        alarms += (described(posterior, columns, level=0.95).table["p"] < 0.05).any()
    assert alarms / 300 < 0.09


def test_one_column_that_cannot_be_described_takes_no_other_away():
    posterior, columns = survey(1)
    rare = np.where(np.arange(600) < 3, "rare", np.where(np.arange(600) % 2, "x", "y"))
    found = described(
        posterior, columns.assign(constant=1.0, id=np.arange(600).astype(str), word=rare),
        level=0.95,
    )  # fmt: skip
    assert set(found.left_out) == {"constant", "id"}
    assert set(found.table.loc[found.table["column"] == "word", "level"]) == {"x", "y", "others"}
