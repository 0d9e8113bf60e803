"""Conventional or dynamic: each reading follows its figure, and none is asserted."""

import numpy as np
import pandas as pd
import pytest

from crmlib.segments.audit import UNKNOWN, AuditRules, audit
from crmlib.segments.criteria import (
    CONVENTIONAL,
    DYNAMIC,
    CriteriaRules,
    conventional_or_dynamic,
    effective_dimensions,
    evenness,
)
from crmlib.segments.fidelity import Fidelity
from crmlib.segments.rules import Rules
from crmlib.stats.intervals import Interval
from crmlib.stats.refusal import Refusal

AUDIT = AuditRules(4, 20, 0.02, 0.7, 0.01, 0.75, 0.6, 0.5, 0.2, 10)
RULES = CriteriaRules(evolving=0.05, balanced=0.9, dimensions=1.5, agreement=0.8)
IDS = pd.Series([f"c{i:04d}" for i in range(800)])


def printed(agreement: float) -> Rules:
    """Rules that agree with the segments so often."""
    share = Interval(agreement, agreement, agreement, 0.9)
    found = Fidelity(share, share, share, 0.5, pd.DataFrame(), 100)
    return Rules((), found, (), (), 100)


def readings(code: np.ndarray, figures: np.ndarray, **known) -> dict[str, str]:
    segment = pd.Series([f"s{c}" for c in code])
    people = pd.DataFrame({"customer_id": IDS, "consent": "yes"})
    checked = audit(
        IDS, pd.DataFrame({"customer_id": IDS, "segment": segment}), AUDIT, people=people
    )
    given = {"rungs": ["value_tier"]} | known
    found = conventional_or_dynamic(segment, pd.DataFrame(figures), checked, RULES, **given)
    return dict(zip(found["criterion"], found["reading"], strict=True))


def test_bands_of_one_figure_are_conventional_and_a_grid_is_not():
    code = np.arange(800) % 4
    bands = readings(code, np.column_stack([code, 2.0 * code]), moved=0.0, printed=printed(0.95))
    assert bands == {"use": DYNAMIC, "change": CONVENTIONAL, "sizes": CONVENTIONAL,
                     "structure": CONVENTIONAL, "dimensions": CONVENTIONAL,
                     "data": CONVENTIONAL}  # fmt: skip
    uneven = np.where(np.arange(800) < 500, 0, code)
    grid = readings(uneven, np.column_stack([uneven % 2, uneven // 2]), moved=0.0, appeared=1,
                    printed=printed(0.7), rungs=["value_tier", "behaviour_segment"],
                    external=["wallet"])  # fmt: skip
    assert grid["change"] == DYNAMIC, "a segment has appeared though few customers moved"
    assert {grid[name] for name in ("structure", "data", "sizes", "dimensions")} == {DYNAMIC}
    assert grid["use"] == CONVENTIONAL, "rules that are wrong for three in ten cannot be acted on"


def test_what_is_not_known_is_not_claimed():
    found = readings(np.arange(800) % 3, np.ones((800, 2)), printed=Refusal("too few"))
    assert found["use"] == found["change"] == found["dimensions"] == UNKNOWN


def test_dimensions_by_construction():
    """Four groups on a line, and at the corners of a square and of a tetrahedron."""
    code = np.repeat(np.arange(4), 100)
    segment = pd.Series(code)
    line = pd.DataFrame({"x": code, "y": -code})
    square = pd.DataFrame({"x": code % 2, "y": code // 2})
    solid = pd.DataFrame(np.eye(4)[code])
    assert effective_dimensions(segment, line) == pytest.approx(1)
    assert effective_dimensions(segment, square) == pytest.approx(2)
    assert effective_dimensions(segment, solid) == pytest.approx(3)
    assert effective_dimensions(segment, square * 1_000) == pytest.approx(2)


def test_dimensions_weigh_segments_by_their_size():
    """Against the eigenvalues of the covariance of every customer's segment mean."""
    rng = np.random.default_rng(6)
    segment = pd.Series(rng.choice(4, 500, p=[0.7, 0.2, 0.06, 0.04]))
    figures = pd.DataFrame(rng.normal(np.eye(4)[segment][:, :3], 0.5))
    fitted = figures.rank().groupby(segment).transform("mean")
    values = np.linalg.eigvalsh(np.cov(fitted.T))
    expected = values.sum() ** 2 / (values**2).sum()
    assert effective_dimensions(segment, figures) == pytest.approx(expected)


def test_evenness_by_hand():
    share = np.array([0.7, 0.2, 0.1])
    assert evenness(pd.Series([70, 20, 10])) == pytest.approx(
        np.exp(-(share * np.log(share)).sum()) / 3
    )
