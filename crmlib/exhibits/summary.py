"""What the board reads first: the leading findings and the evidence behind them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from crmlib.exhibits import formats
from crmlib.exhibits.exhibit import Exhibit
from crmlib.exhibits.finding import FindingList
from crmlib.params import Engagement

_RANK = {"estimate": 0, "census": 1, "assumption": 2}


def leading_findings(findings: Sequence[dict[str, Any]], most: int) -> FindingList:
    """At most so many findings: estimates, then counts, then assumptions.

    Within each kind a later chapter comes before those it rests on.
    """
    later_first = sorted(findings, key=lambda finding: finding["chapter"], reverse=True)
    ranked = sorted(later_first, key=lambda finding: _RANK[finding["kind"]])
    return FindingList(ranked[:most])


def evidence(exhibits: Sequence[dict[str, Any]], engagement: Engagement) -> Exhibit:
    """Every exhibit of the version with what it rests on."""
    table = pd.DataFrame(
        [
            {
                "chapter": exhibit["chapter"][3:],
                "exhibit": exhibit["title"],
                "n": exhibit["n"],
                "of": exhibit["population"],
            }
            for exhibit in exhibits
        ],
        columns=["chapter", "exhibit", "n", "of"],
    )
    return Exhibit(
        id="evidence",
        title=f"{len(table)} exhibits stand behind these findings",
        table=table,
        formatted=table.assign(n=table["n"].map(formats.count)),
        source=engagement.title,
        period=" to ".join(
            str(day) for day in (engagement.observation_start, engagement.observation_end) if day
        ),
        n=len(table),
        population="exhibits",
        unit="as named",
        alt="Table of all exhibits by chapter with the number of cases behind each.",
    )
