"""What the board reads first: the leading findings, the decision, and what could be wrong.

A finding's weight is its size times its certainty: the money it speaks about, as a share of
what the customers brought so far, times one for a count, less for an estimate the wider its
interval is, a quarter for an assumption.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import pandas as pd

from crmlib.exhibits import formats
from crmlib.exhibits.exhibit import Exhibit
from crmlib.exhibits.finding import Decision, FindingList
from crmlib.exhibits.scope import SHARE_WORDS, UNDATED
from crmlib.params import Engagement

Record = dict[str, Any]
_BEST = {word: share for share, word in SHARE_WORDS.items()}
# the finding on the best customers, by profit where it is known
_TOP = re.compile(rf"top_(?P<word>{'|'.join(_BEST)})_(profit_)?share")
ASSUMED = 0.25  # certainty of an assumption, which nobody has measured
CONCENTRATED = 2.5  # times their share of customers, from which a few are worth an own service


def certainty(finding: Record) -> float:
    """How sure a finding is, from 0 to 1.

    A count is certain. An estimate loses the half width of its interval, as a share of its
    value: one that may as well be zero has none. An assumption has a quarter.
    """
    if finding["kind"] == "census":
        return 1.0
    if finding["kind"] == "assumption":
        return ASSUMED
    half_width = (finding["hi"] - finding["lo"]) / 2
    return max(0.0, 1 - half_width / abs(finding["value"])) if finding["value"] else 0.0


def ranked(findings: Sequence[Record], role: str) -> list[Record]:
    """The findings with the heaviest first; of caveats the largest, since they are doubts.

    Ties keep their chapters' order.
    """
    ours = [finding for finding in findings if finding["role"] == role]
    if role == "caveat":
        return sorted(ours, key=lambda caveat: -caveat["size"])
    return sorted(ours, key=lambda finding: -finding["size"] * certainty(finding))


def leading_findings(findings: Sequence[Record], most: int) -> FindingList:
    """The findings that weigh most, at most so many."""
    return FindingList(ranked(findings, "finding")[:most])


def caveats(findings: Sequence[Record]) -> FindingList:
    """What could make the findings wrong, what bears on most first.

    An estimate that bears on none of the money is left to its chapter.
    """
    doubts = ranked(findings, "caveat")
    return FindingList([d for d in doubts if d["size"] > 0 or d["kind"] != "estimate"])


def decision(findings: Sequence[Record], wanted: str) -> Decision:
    """What the reader is asked to decide.

    The params' own words (`wanted`) where they give some, which rest on no exhibit; else the
    plan of investment where there is one; else from where value lies: where the best customers
    hold much more of it than their number, who is to look after them; where it is spread, what
    to do for all. Without a figure for either, which data to obtain.
    """
    if wanted:
        return Decision(wanted, "")
    plan = next((f for f in findings if f["id"] == "plan_returns"), None)
    if plan is not None:
        said = plan["sentence"][:1].lower() + plan["sentence"][1:]
        return Decision(f"Decide on the plan of investment: {said}", plan["exhibit"])
    best = _best_customers(findings)
    if best is None:
        data = next((f for f in findings if f["id"] == "data_verdict"), None)
        said = "Decide which data to ask the client for: these cannot say where value lies."
        return Decision(said, data["exhibit"] if data else "")
    word, share = _TOP.fullmatch(best["id"])["word"], formats.percent(best["value"])
    if best["value"] < CONCENTRATED * _BEST[word]:
        return Decision(
            "Decide what is to be done for all customers alike: no few of them hold most of the "
            "value.",
            best["exhibit"],
        )
    return Decision(
        f"Decide who looks after the best {word} of customers, who brought {share} of "
        f"{best['unit'].removeprefix('share of ')}, and what may be spent to keep them.",
        best["exhibit"],
    )


def _best_customers(findings: Sequence[Record]) -> Record | None:
    """What is known of the best customers: of their profit, else of what they brought."""
    tops = [finding for finding in findings if _TOP.fullmatch(finding["id"])]
    profits = [finding for finding in tops if finding["id"].endswith("_profit_share")]
    return next(iter([*profits, *tops]), None)


def choice_of_findings(findings: Sequence[Record], most: int, engagement: Engagement) -> Exhibit:
    """Every finding with its size, certainty and weight, and whether it is shown above."""
    order = ranked(findings, "finding")
    sure = [certainty(finding) for finding in order]
    table = pd.DataFrame(
        {
            "place": range(1, len(order) + 1),
            "finding": [finding["sentence"] for finding in order],
            "size": [float(finding["size"]) for finding in order],
            "certainty": sure,
            "weight": [f["size"] * c for f, c in zip(order, sure, strict=True)],
        }
    )
    table["shown"] = table["place"] <= most
    shown = int(table["shown"].sum())
    verb = "is" if shown == 1 else "are"
    shares = {name: table[name].map(formats.percent) for name in ("size", "certainty", "weight")}
    written = table.assign(
        **shares,
        shown=["yes" if value else "no" for value in table["shown"]],
    )
    return Exhibit(
        id="choice_of_findings",
        title=f"{shown} of {formats.plural(len(table), 'finding')} {verb} shown, heaviest first",
        table=table,
        formatted=written.rename(columns={"size": "money it speaks about"}),
        source=engagement.title,
        period=_period(engagement),
        n=len(table),
        population="findings",
        unit="share of what the customers brought in the observed time",
        alt="Table of all findings with the money they speak about, their certainty, and the "
        "product of both, by which they are ranked.",
        note="Money as a share of what the customers brought in the observed time; weight is "
        "money times certainty. A count is certain; an estimate loses half the "
        "width of its interval, as a share of its value; an assumption keeps "
        f"{formats.percent(ASSUMED)}.",
    )


def evidence(exhibits: Sequence[Record], engagement: Engagement) -> Exhibit:
    """Every exhibit of the version with what it rests on."""
    table = pd.DataFrame(
        [
            {
                "id": exhibit["id"],
                "chapter": exhibit["chapter"][3:],
                "exhibit": exhibit["title"],
                "n": exhibit["n"],
                "of": exhibit["population"],
            }
            for exhibit in exhibits
        ],
        columns=["id", "chapter", "exhibit", "n", "of"],
    )
    return Exhibit(
        id="evidence",
        title=f"{formats.plural(len(table), 'exhibit')} of the chapters can be looked up",
        table=table,
        formatted=table.assign(n=table["n"].map(formats.count)),
        source=engagement.title,
        period=_period(engagement),
        n=len(table),
        population="exhibits",
        unit="as named",
        note="The id names an exhibit's files: exhibits/<id>.csv, and .png where it is a chart.",
        alt="Table of all exhibits by chapter with the number of cases behind each.",
    )


def _period(engagement: Engagement) -> str:
    days = (engagement.observation_start, engagement.observation_end)
    return " to ".join(str(day) for day in days if day) or UNDATED
