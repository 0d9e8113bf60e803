"""Ladder, values, stages, rules, audit and cards as a board sees them."""

import datetime as dt
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from crmlib.exhibits import Scope, trace
from crmlib.exhibits.segments import audit as audit_exhibits
from crmlib.exhibits.segments import cards as card_exhibits
from crmlib.exhibits.segments import ladder as ladder_exhibits
from crmlib.exhibits.segments import rules as rule_exhibits
from crmlib.segments.audit import AuditRules, audit
from crmlib.segments.cards import CardRules, segment_cards
from crmlib.segments.criteria import CriteriaRules, conventional_or_dynamic
from crmlib.segments.ladder import build_ladder
from crmlib.segments.lifecycle import LifecycleRules, lifecycle_stages
from crmlib.segments.rules import readable_rules
from crmlib.stats.refusal import Refusal

SCOPE = Scope("a bank: ledger", dt.date(2024, 1, 1), dt.date(2025, 12, 31), "EUR", "month",
              "contribution", 10)  # fmt: skip
TIERS = ("high", "medium", "low")
STAGES = LifecycleRules(6, 0.5, 0.2, 0.5, 0.05, 12, 9)
AUDIT = AuditRules(8, 20, 0.02, 0.7, 0.01, 0.75, 0.6, 0.5, 0.2, 10)
CARDS = CardRules(min_cell=10, most=2, significance=0.01, replications=60, level=0.9, seed=1)
N = 1_500


@pytest.fixture(scope="module")
def made() -> dict[str, object]:
    """A base in three tiers and five kinds of behaviour, one kind of few customers."""
    rng = np.random.default_rng(4)
    ids = pd.Series([f"c{i:04d}" for i in range(N)], name="customer_id")
    kind = rng.choice(5, N, p=[0.4, 0.3, 0.2, 0.08, 0.02])
    value = rng.lognormal(4, 1, N) * (1 + kind)
    tier = pd.Series(np.array(TIERS)[np.digitize(-value, [-250, -80])], name="value_tier")
    behaviour = pd.Series(np.array(list("vwxyz"))[kind], name="behaviour_segment")
    ladder = build_ladder(tier, behaviour, value, tiers=TIERS, capacity=8, min_share=0.02,
                          min_customers=20)  # fmt: skip
    features = pd.DataFrame({"purchases": rng.poisson(3 + 4 * kind).astype(float),
                             "worth": value, "share_online": rng.beta(1 + kind, 3)})  # fmt: skip
    people = pd.DataFrame({"customer_id": ids, "consent": rng.random(N) < 0.7,
                           "region": np.where(rng.random(N) < 0.2 + 0.15 * kind, "north", "south"),
                           "preferred_channel": rng.choice(["app", "branch"], N)})  # fmt: skip
    signs = pd.DataFrame({"tenure_months": rng.uniform(0, 80, N), "p_active": rng.beta(1.5, 1, N)})
    by_id = pd.Index(ids)
    segment = ladder.segment.set_axis(by_id)
    assigned = pd.DataFrame({"customer_id": ids, "segment": ladder.segment})
    rules = readable_rules(features, ladder.segment, most_rules=12, min_customers=20, held_out=0.4,
                           replications=60, level=0.9, seed=1)  # fmt: skip
    checked = audit(ids, assigned, AUDIT, evidence=features.assign(customer_id=ids),
                    people=people, rules_matching=rules.matching(features))  # fmt: skip
    money = pd.DataFrame({"customer_id": ids, "current_value": value, "future_value": 2 * value})
    return {
        "ladder": ladder,
        "rules": rules,
        "audit": checked,
        "cards": segment_cards(segment, money, features.assign(customer_id=ids), CARDS,
                               people=people.drop(columns="consent"),
                               stage=lifecycle_stages(signs, STAGES).set_axis(by_id)),
        "criteria": conventional_or_dynamic(ladder.segment, features, checked,
                                            CriteriaRules(0.05, 0.8, 1.5, 0.8),
                                            rungs=ladder.rungs),
    }  # fmt: skip


def exhibits(made: dict[str, object]) -> list:
    return [
        ladder_exhibits.ladder_merges(made["ladder"], N, SCOPE),
        ladder_exhibits.segment_values(made["cards"], N, SCOPE),
        ladder_exhibits.lifecycle_mix(made["cards"], STAGES, N, SCOPE),
        rule_exhibits.segment_rules(made["rules"], N, SCOPE),
        audit_exhibits.segment_audit(made["audit"], SCOPE, N),
        card_exhibits.segment_cards(made["cards"], 3, N, SCOPE),
        card_exhibits.segment_portraits(made["cards"], 0.01, N, SCOPE),
        audit_exhibits.conventional_dynamic(made["criteria"], N, SCOPE),
    ]


def cells(exhibit) -> tuple[list[str], list[list[str]]]:
    text = exhibit.table.astype(object).map(lambda v: "" if pd.isna(v) else str(v))
    return list(exhibit.table.columns), text.to_numpy().tolist()


def test_every_number_of_a_title_stands_in_the_table(made):
    for exhibit in exhibits(made):
        assert trace.untraced(exhibit.title, *cells(exhibit)) == [], exhibit.id
        exhibit._repr_mimebundle_()


def test_every_number_of_a_finding_stands_in_its_exhibit(made):
    shown = {exhibit.id: exhibit for exhibit in exhibits(made)}
    found = [
        *ladder_exhibits.segment_value_findings(made["cards"], SCOPE),
        *rule_exhibits.segment_rule_findings(made["rules"]),
        *audit_exhibits.segment_audit_findings(made["audit"]),
    ]
    assert [finding.id for finding in found] == ["best_segment", "rules_agree", "segments_go_live"]
    for finding in found:
        assert trace.untraced(finding.sentence, *cells(shown[finding.exhibit])) == [], finding.id


def test_titles_follow_the_figures(made):
    merges, values, stages, rules, checks, cards, _, criteria = exhibits(made)
    ladder = made["ladder"]
    kept = ladder.explained / ladder.explained_crossed
    assert merges.title == (
        f"{len(ladder.segments)} segments keep {kept:.0%} of what {len(ladder.cells)} cells "
        "explain of value"
    )
    best = made["cards"].segments.iloc[0]
    assert f"hold {best['value_share']:.0%} of value" in values.title
    assert "are at risk" in stages.title and "have lapsed" in stages.title
    assert f"{made['rules'].fidelity.agreement.value:.0%} of customers right" in rules.title
    assert checks.title == "No check fails, but not known: stable and moved"
    assert "EUR" in cards.title and criteria.title.startswith("Segments are dynamic in")


def test_cards_say_nothing_of_people_of_whom_nothing_is_known(made):
    unknown = replace(
        made["cards"],
        people=made["cards"].people.iloc[:0],
        channels=made["cards"].channels.iloc[:0],
    )
    known = card_exhibits.segment_portraits(made["cards"], 0.01, N, SCOPE)
    alone = card_exhibits.segment_portraits(unknown, 0.01, N, SCOPE)
    assert known.title == "Segments differ in what their customers do and who they are"
    assert alone.title == "Segments differ in what their customers do"
    assert "are" in known.table and "are" not in alone.table
    assert "who they are" in known.alt and "who they are" not in alone.alt
    assert "channel" not in card_exhibits.segment_cards(unknown, 3, N, SCOPE).table


def test_mergers_of_few_customers_are_told_together(made):
    ladder = made["ladder"]
    small = ladder.merges["customers"] < 10
    assert small.any(), "the base has cells of few customers"
    table = ladder_exhibits.ladder_merges(ladder, N, SCOPE).table
    assert not table["customers"].between(1, 9).any()
    assert table["lost"].sum() == pytest.approx(ladder.merges["lost"].sum())
    assert table["segments"].iloc[-1] == len(ladder.segments)
    named = " ".join([*table["merged"], *table["into"]])
    assert not any(name in named.split(" ") for name in ladder.merges.loc[small, "merged"])


def test_no_exhibit_counts_few_customers(made):
    for exhibit in exhibits(made):
        for name in ("customers", "segments_customers"):
            if name in exhibit.table:
                assert not exhibit.table[name].between(1, 9).any(), exhibit.id
    rules = rule_exhibits.segment_rules(made["rules"], N, SCOPE).table
    steps = rules["customer_share"].dropna() / 0.01
    assert steps.to_numpy() == pytest.approx(steps.round().to_numpy())


def test_a_failed_check_leads(made):
    checks = made["audit"].checks.copy()
    checks.loc[checks["check"] == "sized", "outcome"] = "fail"
    found = replace(made["audit"], checks=checks)
    exhibit = audit_exhibits.segment_audit(found, SCOPE, N)
    assert exhibit.title == "Segments may not go live; failed: sized"
    finding = audit_exhibits.segment_audit_findings(found)[0]
    assert finding.role == "caveat" and "may not go live" in finding.sentence


def test_what_could_not_be_computed_is_said(made):
    why = Refusal("the client gave no customers")
    shown = [each for each in exhibits(dict.fromkeys(made, why)) if each is not None]
    assert [exhibit.table["reason"].item() for exhibit in shown] == [why.reason] * 7
    for findings in (rule_exhibits.segment_rule_findings, audit_exhibits.segment_audit_findings):
        assert findings(why) == []
    strict = replace(SCOPE, min_cell=200)
    for exhibit in (
        rule_exhibits.segment_rules(made["rules"], N, strict),
        ladder_exhibits.ladder_merges(made["ladder"], 150, strict),
    ):
        assert "cannot be shown" in exhibit.title
