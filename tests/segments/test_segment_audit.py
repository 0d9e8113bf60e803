"""The audit: each promise is broken once, and the audit says so."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from crmlib.segments.audit import FAIL, PASS, UNKNOWN, WARN, AuditRules, audit
from crmlib.segments.distinct import distinct_pairs, rank_moments, welch
from crmlib.segments.ladder import build_ladder
from crmlib.stats.optimise import NotIdentified

RULES = AuditRules(
    capacity=4, min_customers=20, min_share=0.02, most_share=0.7, level=0.01, valid=0.75,
    trusted=0.6, reachable=0.5, most_moved=0.2, min_cell=1,
)  # fmt: skip
IDS = pd.Series([f"c{i:04d}" for i in range(600)], name="customer_id")


def given(segments: int = 3, seed: int = 1) -> dict[str, object]:
    """Segments that keep every promise."""
    rng = np.random.default_rng(seed)
    code = np.arange(len(IDS)) % segments
    return {
        "assigned": pd.DataFrame({"customer_id": IDS, "segment": [f"s{c}" for c in code]}),
        "evidence": pd.DataFrame(
            {"customer_id": IDS, "spend": rng.normal(code * 2, 1), "age": rng.normal(code * 2, 1)}
        ),
        "formed_by": ["spend"],
        "people": pd.DataFrame(
            {"customer_id": IDS, "consent": rng.random(len(IDS)) < 0.8, "preferred_channel": "app"}
        ),
        "jaccard": pd.Series(0.9, index=[f"s{c}" for c in range(segments)]),
        "previous": pd.DataFrame(
            {"customer_id": IDS[:500], "segment": [f"s{c}" for c in code[:500]]}
        ),
        "rules_matching": pd.Series(1, index=range(600)),
    }  # fmt: skip


def test_segments_that_keep_every_promise_pass():
    found = audit(IDS, rules=RULES, **given())
    assert found.checks["outcome"].tolist() == [PASS] * 9
    assert found.verdict == PASS and found.may_go_live
    assert found.by_segment["customers"].sum() == 600


def test_two_rows_of_one_customer_fail():
    facts = given()
    twice = pd.DataFrame({"customer_id": ["c0001"], "segment": ["s2"]})
    again = pd.concat([facts["assigned"], twice], ignore_index=True)
    found = audit(IDS, rules=RULES, **(facts | {"assigned": again}))
    assert found.outcome("exclusive") == FAIL and found.outcome("exhaustive") == PASS
    assert "1 customers stand in more than one row" in found.checks["sentence"][0]


def test_a_customer_without_a_segment_and_a_stranger_fail():
    facts = given()
    facts["assigned"].loc[5, "segment"] = None
    facts["assigned"].loc[6, "customer_id"] = "nobody"
    found = audit(IDS, rules=RULES, **facts)
    assert found.outcome("exhaustive") == FAIL and not found.may_go_live
    assert found.checks.set_index("check").loc["exhaustive", "figure"] == 3


@pytest.mark.parametrize(
    ("changed", "check", "outcome"),
    [
        ({"rules_matching": pd.Series([1] * 599 + [2])}, "rules", FAIL),
        ({"rules_matching": pd.Series([1] * 599 + [0])}, "rules", FAIL),
        ({"rules_matching": None}, "rules", UNKNOWN),
        ({"jaccard": pd.Series({"s0": 0.9, "s1": 0.7, "s2": 0.9})}, "stable", WARN),
        ({"jaccard": pd.Series({"s0": 0.9, "s1": 0.5, "s2": 0.9})}, "stable", FAIL),
        ({"jaccard": pd.Series({"s0": 0.9, "s1": 0.9})}, "stable", WARN),
        ({"jaccard": None}, "stable", UNKNOWN),
        ({"people": None}, "reachable", UNKNOWN),
        ({"people": pd.DataFrame({"customer_id": IDS})}, "reachable", UNKNOWN),
        ({"people": pd.DataFrame({"customer_id": IDS, "consent": "no"})}, "reachable", FAIL),
        ({"previous": None}, "moved", UNKNOWN),
        ({"evidence": None}, "distinct", UNKNOWN),
        ({"formed_by": ["spend", "age"]}, "distinct", UNKNOWN),
    ],
)
def test_each_promise_can_be_broken(changed, check, outcome):
    found = audit(IDS, rules=RULES, **(given() | changed))
    assert found.outcome(check) == outcome
    assert (found.checks["outcome"] != PASS).sum() == 1


def test_sizes_and_capacity():
    facts = given(5)
    found = audit(IDS, rules=RULES, **facts)
    assert found.outcome("capacity") == FAIL
    facts = given(2)
    facts["assigned"]["segment"] = np.where(np.arange(600) < 15, "s0", "s1")
    found = audit(IDS, rules=RULES, **facts)
    assert found.outcome("sized") == FAIL and found.outcome("moved") == WARN
    facts["assigned"]["segment"] = np.where(np.arange(600) < 30, "s0", "s1")
    assert audit(IDS, rules=RULES, **facts).outcome("sized") == WARN, "one holds 95%"


def test_a_difference_by_construction_is_called_so():
    facts = given()
    noise = np.random.default_rng(2).normal(size=len(IDS))
    for evidence, outcome, words in (
        (facts["evidence"].assign(age=noise), WARN, "3 of them only in what they were cut by"),
        (facts["evidence"].drop(columns="age"), UNKNOWN, "give attributes of customers"),
    ):
        found = audit(IDS, rules=RULES, **(facts | {"evidence": evidence}))
        assert found.outcome("distinct") == outcome
        assert words in found.checks.set_index("check").loc["distinct", "sentence"]
    same = facts["evidence"].assign(age=noise, spend=noise)
    assert audit(IDS, rules=RULES, **(facts | {"evidence": same})).outcome("distinct") == FAIL


def test_one_segment_without_consent_is_found_among_reachable_ones():
    facts = given()
    refusing = facts["assigned"]["segment"] == "s1"
    facts["people"] = facts["people"].assign(consent=np.where(refusing, "no", "yes"))
    found = audit(IDS, rules=RULES, **facts)
    assert found.outcome("reachable") == FAIL
    assert found.by_segment["reachable"].tolist() == [1, 0, 1]
    facts["people"].loc[refusing, "consent"] = None
    assert audit(IDS, rules=RULES, **facts).outcome("reachable") == WARN, "not known is not yes"


def test_segments_that_are_noise_are_told_apart_as_often_as_the_level_says():
    """Six random groups, 15 pairs of them, of ten figures: one base in twenty may err."""
    rng = np.random.default_rng(8)
    wrong = 0
    for _ in range(200):
        segment = pd.Series(rng.integers(0, 6, 300), index=IDS[:300]).astype(str)
        evidence = pd.DataFrame(rng.lognormal(size=(300, 9))).assign(b=rng.poisson(1.0, 300))
        pairs = distinct_pairs(segment, evidence.assign(customer_id=IDS[:300]), [], 0.05)
        wrong += pairs["apart"].any()
    assert wrong <= stats.binom.ppf(0.999, 200, 0.05)


def test_welch_on_ranks_agrees_with_scipy():
    rng = np.random.default_rng(4)
    codes = np.repeat([0, 1, 2], [50, 80, 9])
    figures = pd.DataFrame(
        {"x": rng.lognormal(codes, 1), "y": rng.integers(0, 3, 139).astype(float)}
    )
    figures.iloc[3, 0] = np.nan
    ours = welch(*rank_moments(codes, 3, figures), [0, 0], [1, 2])
    for at, name in enumerate(figures):
        there = figures[name].notna()
        ranks = stats.rankdata(figures.loc[there, name])
        inside = codes[there]
        for row, other in enumerate((1, 2)):
            expected = stats.ttest_ind(ranks[inside == 0], ranks[inside == other], equal_var=False)
            assert ours[row, at] == pytest.approx(expected.pvalue, rel=1e-9)


def test_equal_figures_and_single_customers_are_not_called_different():
    moments = rank_moments(
        [0, 0, 1, 1, 2], 3, pd.DataFrame({"x": [5.0] * 5, "y": [1, 1, 2, 2, 9.0]})
    )
    p = welch(*moments, [0, 0], [1, 2])
    assert p.tolist() == [[1, 0], [1, 1]]


@pytest.mark.parametrize(
    ("n", "kinds", "money"),
    [(1, 1, "ties"), (2, 2, "ties"), (400, 1, "ties"), (400, 5, "ties"), (3_000, 200, "random")],
)
def test_no_base_breaks_exclusivity(n, kinds, money):
    """A single customer, equal customers, ties, missing levels, two hundred categories."""
    rng = np.random.default_rng(n)
    ids = pd.Series(rng.permutation(n).astype(str), name="customer_id")
    tier = pd.Series(rng.choice(["high", "low"], n), name="value_tier")
    kind = pd.Series([f"k{k}" for k in rng.integers(0, kinds, n)], name="behaviour_segment")
    tier[rng.random(n) < 0.1] = None
    kind[rng.random(n) < 0.1] = None
    value = np.ones(n) if money == "ties" else rng.normal(size=n)
    ladder = build_ladder(tier, kind, value, tiers=("high", "low"), capacity=RULES.capacity,
                          min_share=RULES.min_share, min_customers=RULES.min_customers)  # fmt: skip
    assigned = pd.DataFrame({"customer_id": ids, "segment": ladder.segment})
    evidence = pd.DataFrame({"customer_id": ids, "value": value})
    found = audit(ids, assigned, RULES, evidence=evidence)
    for check in ("exclusive", "exhaustive", "capacity"):
        assert found.outcome(check) == PASS
    assert found.outcome("sized") == (FAIL if n < 20 else found.outcome("sized"))
    assert found.by_segment["customers"].sum() == n


def test_a_sentence_names_no_few():
    facts = given()
    facts["assigned"].loc[5, "segment"] = None
    facts["previous"].loc[7, "segment"] = "s0"
    found = audit(IDS, rules=replace(RULES, min_cell=10), **facts).checks.set_index("check")
    assert found.loc["exhaustive", "sentence"] == "Fewer than 10 customers have no segment."
    assert found.loc["moved", "sentence"].startswith("Fewer than 10 customers are in another")


def test_nobody_is_refused_in_words():
    with pytest.raises(NotIdentified, match="no customer to be audited"):
        audit(IDS[:0], given()["assigned"], RULES)
    empty = given()["assigned"].assign(segment=None)
    with pytest.raises(NotIdentified, match="no customer of the base has a segment"):
        audit(IDS, empty, RULES)
