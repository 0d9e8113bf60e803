"""Findings that moved: verdicts, order, tolerances."""

import math

import pytest
from small_versions import finding

from crmlib.book import compare_findings
from crmlib.book.compare_findings import Move
from crmlib.params import Tolerances

A = finding("equity", "estimate", 50.0, lo=40.0, hi=65.0)


def moved(**parts) -> Move:
    return Move(A, A | parts)


@pytest.mark.parametrize(
    ("parts", "verdict", "reach"),
    [
        ({"value": 60.0, "lo": 50.0, "hi": 75.0}, "within", 1.0),  # A's value on B's very end
        ({"value": 60.0, "lo": 30.0, "hi": 75.0}, "within", 10 / 15),
        ({"value": 66.0, "lo": 30.0, "hi": 99.0}, "beyond", 16 / 15),
        ({"value": 39.0, "lo": 30.0, "hi": 99.0}, "beyond", 11 / 10),
        ({"value": 60.0, "lo": 55.0, "hi": 75.0}, "beyond", 2.0),  # only A's value outside B's
        ({"lo": 45.0}, "within", 0.0),
        ({"value": 60.0, "lo": 60.0, "hi": 60.0}, "beyond", math.inf),
        ({"value": None}, "beyond", math.inf),
        ({"value": math.nan}, "beyond", math.inf),
        ({"value": math.inf}, "beyond", math.inf),
        ({"sentence": "In other words."}, "worded", 0.0),
        ({"unit": "USD"}, "measured", math.inf),
        ({"kind": "census", "lo": None, "hi": None}, "measured", 0.0),
    ],
)
def test_verdicts_on_an_estimate(parts, verdict, reach):
    move = moved(**parts)
    assert move.verdict == verdict
    assert move.reach == pytest.approx(reach)


def test_swapping_the_versions_keeps_the_verdict():
    other = A | {"value": 60.0, "lo": 55.0, "hi": 75.0}
    assert Move(A, other).reach == Move(other, A).reach


def test_counts_and_assumptions_are_measured_against_themselves():
    for kind, verdict in (("census", "counted"), ("assumption", "assumption")):
        move = Move(finding("x", kind, -4.0), finding("x", kind, -5.0))
        assert (move.verdict, move.change, move.relative) == (verdict, -1.0, 0.25)
    assert Move(finding("x", "census", 0.0), finding("x", "census", 1.0)).relative == math.inf


def test_what_is_equal_to_the_ninth_digit_is_unchanged():
    found = compare_findings.between([A], [A | {"value": 50.0 + 1e-9}])
    assert (found.moves, found.unchanged) == ((), 1)


def test_the_farthest_beyond_its_interval_comes_first():
    old = [finding(f"f{i}", "estimate", 50.0, lo=40.0, hi=60.0) for i in range(3)]
    old += [finding("count", "census", 10.0), finding("gone", "census", 1.0)]
    values = (51.0, 75.0, 95.0)
    new = [
        line | {"value": v, "lo": v - 10, "hi": v + 10}
        for line, v in zip(old[:3], values, strict=True)
    ]
    new += [finding("count", "census", 99.0), finding("fresh", "census", 1.0)]
    found = compare_findings.between(old, new)
    assert [move.id for move in found.moves] == ["f2", "f1", "count", "f0"]
    assert [line["id"] for line in (*found.new, *found.dropped)] == ["fresh", "gone"]


def broken(old: dict, new: dict | None, **tolerances) -> list[str]:
    found = compare_findings.between([old], [new] if new else [])
    allowed = Tolerances(**tolerances)
    return [str(one) for one in compare_findings.beyond_tolerance(found, allowed)]


COUNT, MORE = finding("count", "census", 100.0), finding("count", "census", 101.0)
HIGHER = A | {"value": 68.0, "lo": 58.0, "hi": 83.0}


@pytest.mark.parametrize(
    ("old", "new", "tolerances", "said"),
    [
        (COUNT, MORE, {}, "count: changed by 1%; tolerances.census allows 0%"),
        (COUNT, MORE, {"census": 0.01}, None),
        (COUNT, MORE, {"census": 0.0099}, "count: changed by 1%; tolerances.census allows 0.99%"),
        (COUNT, MORE, {"findings": {"count": 0.02}}, None),
        (COUNT, MORE, {"census": 9.0, "findings": {"count": 0.0}},
         "count: changed by 1%; tolerances.findings.count allows 0%"),
        (COUNT, COUNT | {"sentence": "A hundred."}, {}, None),
        (COUNT, None, {"census": 9.0}, "count: is no longer found; a finding may not vanish"),
        (COUNT, COUNT | {"unit": "USD"}, {"census": 9.0},
         "count: unit was EUR, is USD; kind and unit may not change"),
        (A, A | {"value": 60.0, "lo": 30.0, "hi": 75.0}, {}, None),
        (A, HIGHER, {},
         "equity: moved 1.8 times the way to its interval's end; tolerances.estimate allows 1"),
        (A, HIGHER, {"estimate": 1.8}, None),
        (A, HIGHER, {"findings": {"equity": 0.36}}, None),
        (A, HIGHER, {"estimate": 9.0, "findings": {"equity": 0.35}},
         "equity: changed by 36%; tolerances.findings.equity allows 35%"),
        (finding("m", "assumption", 0.0), finding("m", "assumption", 0.1), {},
         "m: changed by more than any share (from 0 or none); tolerances.assumption allows 0%"),
    ],
)  # fmt: skip
def test_tolerances(old, new, tolerances, said):
    assert broken(old, new, **tolerances) == ([said] if said else [])
