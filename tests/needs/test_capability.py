"""Capability fit: by hand, parts that add up, intervals from draws, refusals."""

import numpy as np
import pandas as pd
import pytest

from crmlib.needs.capability import DISCIPLINES, capability_fit, fit_with
from crmlib.needs.needs_segments import Wanted
from crmlib.stats.optimise import NotIdentified

IMPORTANCE = pd.DataFrame(
    [[2.0, 1.0, 1.0], [0.1, 0.1, 0.8]], index=["A", "B"], columns=["price", "speed", "service"]
)
SCORES = pd.Series({"price": 5.0, "speed": 3.0, "service": 1.0})
BELONGS = pd.DataFrame(
    [[0.5, 0.5, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
    index=["price", "speed", "service"], columns=DISCIPLINES,
)  # fmt: skip
GIVEN = {"scale": (1.0, 5.0), "level": 0.9}


def test_fit_and_disciplines_as_by_hand():
    found = capability_fit(IMPORTANCE, SCORES, BELONGS, **GIVEN)
    table = found.segments.set_index("segment")
    # scores on 0–1: 1, .5, 0
    assert table["fit"].tolist() == pytest.approx([0.5 + 0.125, 0.1 + 0.05])
    assert found.disciplines.loc["A"].tolist() == pytest.approx([0.25, 0.5, 0.25])
    assert table["discipline"].tolist() == ["operational excellence", "customer intimacy"]
    assert found.company.tolist() == pytest.approx([1.0, (0.5 + 0.5) / 1.5, 0.0])
    assert table["leads"].tolist() == [False, False]
    assert np.isnan(table["fit_lo"]).all() and np.isnan(table["chance"]).all()


def test_gaps_add_up_to_what_is_missing_and_come_largest_first():
    found = capability_fit(IMPORTANCE, SCORES, BELONGS, **GIVEN)
    missing = found.gaps.groupby("segment")["gap"].sum()
    fit = found.segments.set_index("segment")["fit"]
    assert missing.to_numpy() == pytest.approx((1 - fit).to_numpy())
    assert found.gaps.iloc[0][["segment", "need"]].tolist() == ["B", "service"]
    assert found.gaps["gap"].is_monotonic_decreasing


def test_intervals_come_from_draws_and_units_do_not_matter():
    rng = np.random.default_rng(0)
    wanted = IMPORTANCE.div(IMPORTANCE.sum(axis=1), axis=0).to_numpy()
    draws = np.stack([rng.dirichlet(50 * row, 4000) for row in wanted], axis=1)
    found = capability_fit(IMPORTANCE, SCORES, BELONGS, draws=draws, **GIVEN)
    fit = draws @ np.array([1, 0.5, 0])
    # variance of a weighted Dirichlet: (Σ w s² − (Σ w s)²) / 51
    sd = np.sqrt((wanted @ [1, 0.25, 0] - (wanted @ [1, 0.5, 0]) ** 2) / 51)
    width = (found.segments["fit_hi"] - found.segments["fit_lo"]).to_numpy()
    assert width == pytest.approx(2 * 1.645 * sd, rel=0.08)
    assert found.segments["fit_lo"].to_numpy() == pytest.approx(np.quantile(fit, 0.05, axis=0))
    assert found.segments["chance"].iloc[1] > 0.99
    scaled = capability_fit(IMPORTANCE * 7, SCORES, BELONGS, draws=draws * 3, **GIVEN)
    pd.testing.assert_frame_equal(scaled.segments, found.segments)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"scores": SCORES[:2]}, "no capability score for service"),
        ({"scores": SCORES + 1}, "off the scale .* price"),
        ({"disciplines": BELONGS[:2]}, "not for service"),
        ({"importance": IMPORTANCE * 0}, "not zero for all"),
        ({"scale": (5.0, 1.0)}, "from its worst to its best"),
        ({"draws": np.ones((3, 2, 2))}, "draws have shape"),
    ],
)
def test_what_does_not_fit_together_is_refused(change, reason):
    given = {"importance": IMPORTANCE, "scores": SCORES, "disciplines": BELONGS, **GIVEN}
    with pytest.raises(ValueError, match=reason):
        capability_fit(**{**given, **change})


def test_disciplines_by_need_are_shares_of_one():
    wanted = Wanted(IMPORTANCE, np.repeat(IMPORTANCE.to_numpy()[None], 3, axis=0))
    by_need = dict(zip(IMPORTANCE, DISCIPLINES, strict=True))
    found = fit_with(wanted, SCORES, by_need, **GIVEN)
    assert found.disciplines.loc["A"].tolist() == pytest.approx([0.5, 0.25, 0.25])
    assert found.company.tolist() == [1.0, 0.5, 0.0]
    table = found.segments.set_index("segment")
    assert table["fit_lo"].tolist() == pytest.approx(table["fit"].tolist())  # draws all alike
    del by_need["speed"]
    with pytest.raises(NotIdentified, match="no discipline that speed asks for"):
        fit_with(wanted, SCORES, by_need, **GIVEN)
