"""Whether segments may go live: one check per promise, with its figure (S2).

Every customer in exactly one segment, segments large enough, few enough, different from
each other, reachable, stable, and not shuffled since last time. A check passes, warns or
fails; what nobody has stated or computed stays unknown and is not a pass. The checks
are of the table as it was written, not of the code that wrote it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd

from crmlib.segments.distinct import distinct_pairs
from crmlib.segments.stability import GATE, TRUSTED
from crmlib.stats.optimise import NotIdentified
from crmlib.stats.refusal import Refusal

PASS, WARN, FAIL, UNKNOWN = "pass", "warn", "fail", "unknown"
_WORST = (FAIL, WARN, UNKNOWN, PASS)


@dataclass(frozen=True)
class AuditRules:
    """Where a check passes, warns and fails; business settings without defaults.

    Attributes
    ----------
    capacity : int
        Segments that can be served.
    min_customers, min_share : int, float
        Smallest segment; both hold.
    most_share : float
        A segment of more than this share of all customers is warned of: it tells little apart.
    level : float
        Family-wise error rate of the test that two segments differ.
    valid, trusted : float
        Jaccard similarity from which a segment is valid, and from which it is a pattern;
        below it is not trusted (.75 and .60 after Hennig).
    reachable : float
        Share of a segment's customers with a channel and consent, at least.
    most_moved : float
        Share of customers in another segment than last time from which a warning is given.
    min_cell : int
        Smallest number of customers that a sentence names; fewer are "fewer than".
    """

    capacity: int
    min_customers: int
    min_share: float
    most_share: float
    level: float
    valid: float
    trusted: float
    reachable: float
    most_moved: float
    min_cell: int

    @classmethod
    def of(cls, settings: _Settings, *, capacity: int, min_cell: int) -> AuditRules:
        """The rules of some settings, for a ladder of its own capacity."""
        return cls(
            capacity=capacity,
            min_customers=max(settings.min_customers, min_cell),
            min_share=settings.min_share,
            most_share=settings.most_share,
            level=settings.test_level,
            valid=GATE,
            trusted=TRUSTED,
            reachable=settings.reachable_share,
            most_moved=settings.moved_share,
            min_cell=min_cell,
        )


class _Settings(Protocol):
    """What rules are taken from: the settings of the chapter on segments have it."""

    min_customers: int
    min_share: float
    most_share: float
    test_level: float
    reachable_share: float
    moved_share: float


@dataclass(frozen=True)
class Audit:
    """What was promised of segments, checked.

    Attributes
    ----------
    checks : DataFrame
        check, outcome (pass / warn / fail / unknown), figure, unit, expected, sentence.
    by_segment : DataFrame
        segment, customers, customer_share, and where known reachable (share),
        jaccard, moved_in (share of those known last time who were elsewhere).
    pairs : DataFrame
        Of each two segments: first, second, p_value (corrected within the pair), apart
        (beyond noise, corrected for all pairs), apart_otherwise (by what did not form
        them), by (in what they differ most). Empty where nothing was given.
    n : int
        Customers of the base.
    """

    checks: pd.DataFrame
    by_segment: pd.DataFrame
    pairs: pd.DataFrame
    n: int

    @property
    def verdict(self) -> str:
        """The worst outcome."""
        return next(o for o in _WORST if o in set(self.checks["outcome"]))

    @property
    def may_go_live(self) -> bool:
        """No check has failed."""
        return self.verdict != FAIL

    def outcome(self, check: str) -> str:
        """Outcome of one check by name."""
        return str(self.checks.set_index("check").loc[check, "outcome"])


def audit(
    customer_ids: pd.Series,
    assigned: pd.DataFrame,
    rules: AuditRules,
    *,
    evidence: pd.DataFrame | Refusal | None = None,
    formed_by: Collection[str] = (),
    people: pd.DataFrame | Refusal | None = None,
    jaccard: pd.Series | Refusal | None = None,
    previous: pd.DataFrame | Refusal | None = None,
    rules_matching: pd.Series | Refusal | None = None,
) -> Audit:
    """Check segments as they were written; what was refused stays unknown.

    Parameters
    ----------
    customer_ids : Series
        Every customer of the base, once.
    assigned : DataFrame
        customer_id, segment: the rows as written, whatever they are.
    rules : AuditRules
    evidence : DataFrame, optional
        customer_id and one numeric column per figure that segments could differ in: value,
        behaviour, attributes; NaN where it has no meaning.
    formed_by : collection of str
        Columns of `evidence` that formed the segments. Cutting noise in two also makes
        halves that differ in what was cut, so that these alone earn no pass: with other
        figures that do not differ a warning, without any it is unknown.
    people : DataFrame, optional
        customer_id and consent (yes / no, true / false), preferred_channel, either or both.
    jaccard : Series, index segment, optional
        Stability of each segment under resampling.
    previous : DataFrame, optional
        customer_id, segment as of last time, by the same names.
    rules_matching : Series, optional
        How many of the printed rules hold for each customer.

    Raises
    ------
    NotIdentified
        If there is no customer, or nobody has a segment.
    """
    evidence, people, jaccard, previous, rules_matching = (
        None if isinstance(given, Refusal) else given
        for given in (evidence, people, jaccard, previous, rules_matching)
    )
    if len(customer_ids) == 0:
        raise NotIdentified("there is no customer to be audited")
    rows = assigned[["customer_id", "segment"]].drop_duplicates()
    rows = rows[rows["segment"].notna() & _among(rows["customer_id"], customer_ids)]
    if rows.empty:
        raise NotIdentified("no customer of the base has a segment")
    single = rows.drop_duplicates("customer_id").set_index("customer_id")["segment"]
    sizes = single.value_counts().rename("customers").rename_axis("segment")
    by_segment = sizes.sort_index().to_frame()
    by_segment["customer_share"] = by_segment["customers"] / len(customer_ids)
    pairs = distinct_pairs(single, evidence, formed_by, rules.level)
    reach = _reachable(single, people)
    if reach is not None:
        by_segment["reachable"] = reach
    if jaccard is not None:
        by_segment["jaccard"] = jaccard.reindex(by_segment.index)
    moved = _moved(single, previous)
    if moved is not None:
        by_segment["moved_in"] = moved.groupby(single.reindex(moved.index)).mean()
    found = [
        _exclusive(customer_ids, assigned, rules),
        _exhaustive(customer_ids, assigned, rules),
        *_one_rule(rules_matching, rules),
        _sized(by_segment, rules, len(customer_ids)),
        _capacity(len(by_segment), rules),
        _distinct(pairs, len(by_segment), _others(evidence, formed_by), rules),
        _reach(by_segment, people, rules),
        _stable(by_segment, rules),
        _since(moved, rules),
    ]
    names = ["check", "outcome", "figure", "unit", "expected", "sentence"]
    checks = pd.DataFrame(found, columns=names).astype({"figure": float})
    return Audit(checks, by_segment.reset_index(), pairs, len(customer_ids))


def audit_of_rungs(
    assigned: pd.DataFrame, customers: pd.DataFrame, figures: pd.DataFrame, rules: AuditRules
) -> Audit:
    """Audit segments that were formed by all that is known of customers.

    Parameters
    ----------
    assigned : DataFrame
        customer_id, segment.
    customers : DataFrame
        customer_id of everybody, with consent and preferred_channel where they are known.
    figures : DataFrame
        customer_id and figures, all of which bear on the segments.
    """
    return audit(
        customers["customer_id"], assigned, rules,
        evidence=figures, formed_by=list(figures.columns), people=customers,
    )  # fmt: skip


_NO_BASELINE = "No earlier version is named to compare with (`baseline` in the params)."

_Row = tuple[str, str, float, str, str, str]


def _among(some: pd.Series, ids: pd.Series) -> pd.Series:
    """Which of some ids are among others; as objects, since strings take ten times as long."""
    return some.astype(object).isin(ids.astype(object))


def _people(number: int, rules: AuditRules) -> str:
    """A number of customers; few are not told exactly."""
    few = 0 < number < rules.min_cell
    return f"fewer than {rules.min_cell} customers" if few else f"{number:,} customers"


def _said(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def _exclusive(ids: pd.Series, assigned: pd.DataFrame, rules: AuditRules) -> _Row:
    rows = assigned[_among(assigned["customer_id"], ids)]
    several = int((rows.groupby("customer_id").size() > 1).sum()) + int(ids.duplicated().sum())
    said = (
        "Every customer stands in one row."
        if not several
        else _said(
            f"{_people(several, rules)} stand in more than one row: their segment is not decided."
        )
    )
    return ("exclusive", FAIL if several else PASS, several, "customers", "0", said)


def _exhaustive(ids: pd.Series, assigned: pd.DataFrame, rules: AuditRules) -> _Row:
    placed = assigned.loc[assigned["segment"].notna(), "customer_id"]
    missing = int((~_among(ids, placed)).sum())
    strange = int((~_among(assigned["customer_id"], ids)).sum())
    said = []
    if missing:
        said.append(_said(f"{_people(missing, rules)} have no segment."))
    if strange:
        said.append("There are rows of nobody in the base.")
    outcome = FAIL if said else PASS
    text = " ".join(said) or "Every customer has a segment, and nobody else."
    return ("exhaustive", outcome, missing + strange, "customers", "0", text)


def _one_rule(matching: pd.Series | None, rules: AuditRules) -> list[_Row]:
    if matching is None:
        return [("rules", UNKNOWN, np.nan, "customers", "0", "There are no rules to check.")]
    wrong = int((matching != 1).sum())
    said = (
        "One printed rule, and only one, holds for every customer."
        if not wrong
        else f"For {_people(wrong, rules)} no rule holds, or several do."
    )
    return [("rules", FAIL if wrong else PASS, wrong, "customers", "0", said)]


def _sized(by_segment: pd.DataFrame, rules: AuditRules, n: int) -> _Row:
    least = max(rules.min_customers, int(np.ceil(rules.min_share * n - 1e-9)))
    small = int((by_segment["customers"] < least).sum())
    largest = float(by_segment["customer_share"].max())
    smallest = float(by_segment["customers"].min())
    expected = f"{least:,} or more"
    if small:
        said = f"{small} of {len(by_segment)} segments have fewer than {least:,} customers."
        return ("sized", FAIL, smallest, "customers", expected, said)
    said = f"The smallest segment has {_people(int(smallest), rules)}."
    if largest > rules.most_share:
        said += f" One segment holds {100 * largest:.0f}% of all customers: it tells little apart."
        return ("sized", WARN, smallest, "customers", expected, said)
    return ("sized", PASS, smallest, "customers", expected, said)


def _capacity(segments: int, rules: AuditRules) -> _Row:
    over = segments > rules.capacity
    said = f"{segments} segments, of at most {rules.capacity} that can be served."
    outcome = FAIL if over else PASS
    return ("capacity", outcome, segments, "segments", f"at most {rules.capacity}", said)


def _others(evidence: pd.DataFrame | None, formed_by: Collection[str]) -> int:
    """Figures to compare that did not form the segments."""
    given = [] if evidence is None else evidence.columns
    return len({*given} - {*formed_by, "customer_id"})


def _distinct(pairs: pd.DataFrame, segments: int, others: int, rules: AuditRules) -> _Row:
    name, unit, expected = "distinct", "pairs not told apart", "0"
    if segments == 1:
        return (name, WARN, np.nan, unit, expected, "There is one segment: nothing to tell apart.")
    if pairs.empty:
        return (name, UNKNOWN, np.nan, unit, expected, "No figures were given to compare.")
    alike, by_cut = int((~pairs["apart"]).sum()), int((~pairs["apart_otherwise"]).sum())
    test = f"at a family-wise level of {100 * rules.level:g}%"
    if alike:
        said = f"{alike} of {len(pairs)} pairs of segments do not differ beyond noise, {test}."
        return (name, FAIL, alike, unit, expected, said)
    if not others:
        said = (
            f"All {len(pairs)} pairs differ beyond noise, {test}, in what they were cut by: any "
            "cut makes such a difference. Whether they differ otherwise is not known: give "
            "attributes of customers, such as age or region (`inputs.customers`)."
        )
        return (name, UNKNOWN, np.nan, unit, expected, said)
    if by_cut:
        said = (
            f"All {len(pairs)} pairs differ beyond noise, {test}, but {by_cut} of them only in "
            "what they were cut by: any cut makes such a difference."
        )
        return (name, WARN, by_cut, unit, expected, said)
    said = f"All {len(pairs)} pairs differ beyond noise, {test}, also in what did not form them."
    return (name, PASS, 0, unit, expected, said)


def _reachable(single: pd.Series, people: pd.DataFrame | None) -> pd.Series | None:
    """Share of each segment who may be reached; NaN where nobody of it is known."""
    known = [] if people is None else [c for c in ("consent", "preferred_channel") if c in people]
    if people is None or not known:
        return None
    table = people.drop_duplicates("customer_id").set_index("customer_id").reindex(single.index)
    may = pd.Series(1.0, index=table.index)
    if "consent" in known:
        yes = table["consent"].map({True: 1.0, False: 0.0, "yes": 1.0, "no": 0.0})
        may = may.where(yes.notna()) * yes
    if "preferred_channel" in known:
        # a stated channel that is "none" or "" is a statement; an empty cell is not known
        named = table["preferred_channel"].astype(object)
        has = (~named.isin(["", "none", "None"])).astype(float).where(named.notna())
        may = may * has if "consent" not in known else may.where(has.ne(0), 0.0)
    return may.groupby(single).mean()


def _reach(by_segment: pd.DataFrame, people: pd.DataFrame | None, rules: AuditRules) -> _Row:
    name, unit = "reachable", "share of the least reachable segment"
    expected = f"{100 * rules.reachable:g}% or more"
    if "reachable" not in by_segment or by_segment["reachable"].isna().all():
        said = "Not known: the client stated neither consent nor a preferred channel."
        return (name, UNKNOWN, np.nan, unit, expected, said)
    shares = by_segment["reachable"]
    least, low = float(shares.min()), int((shares < rules.reachable).sum())
    unknown = int(shares.isna().sum())
    asked = f" Of {unknown} segments nothing is known." if unknown else ""
    if least == 0:
        said = f"{int((shares == 0).sum())} segments hold nobody who may be reached.{asked}"
        return (name, FAIL, least, unit, expected, said)
    said = f"In the least reachable segment {100 * least:.0f}% may be reached.{asked}"
    return (name, WARN if low or unknown else PASS, least, unit, expected, said)


def _stable(by_segment: pd.DataFrame, rules: AuditRules) -> _Row:
    name, unit = "stable", "Jaccard of the weakest segment"
    expected = f"{rules.valid:g} or more"
    values = by_segment.get("jaccard", pd.Series(dtype=float)).dropna()
    if values.empty:
        return (name, UNKNOWN, np.nan, unit, expected, "Stability was not computed.")
    weakest, missing = float(values.min()), len(by_segment) - len(values)
    reading = (
        "found again in resamples"
        if weakest >= rules.valid
        else "a pattern only"
        if weakest >= rules.trusted
        else "not to be trusted"
    )
    said = f"The weakest segment is {reading} (Jaccard {weakest:.2f})."
    if missing:
        said += f" Of {missing} segments it is not known."
    outcome = (
        FAIL if weakest < rules.trusted else WARN if weakest < rules.valid or missing else PASS
    )
    return (name, outcome, weakest, unit, expected, said)


def _moved(single: pd.Series, previous: pd.DataFrame | None) -> pd.Series | None:
    """Whether each customer known both times is in another segment."""
    if previous is None:
        return None
    before = previous.dropna(subset=["segment"]).drop_duplicates("customer_id")
    before = before.set_index("customer_id")["segment"].astype(object)
    both = single.index.intersection(before.index, sort=True)
    return (single.astype(object)[both] != before[both]).astype(float)


def _since(moved: pd.Series | None, rules: AuditRules) -> _Row:
    name, unit = "moved", "share in another segment than last time"
    expected = f"at most {100 * rules.most_moved:g}%"
    if moved is None:
        return (name, UNKNOWN, np.nan, unit, expected, _NO_BASELINE)
    if moved.empty:
        said = "No customer of the earlier version is in this one."
        return (name, WARN, np.nan, unit, expected, said)
    share = float(moved.mean())
    part = f"{100 * share:.1f}% of {len(moved):,} customers"
    if 0 < moved.sum() < rules.min_cell:
        part = _said(_people(int(moved.sum()), rules))
    said = f"{part} are in another segment than last time."
    return (name, WARN if share > rules.most_moved else PASS, share, unit, expected, said)
