"""How far to go with an initiative, and what initiatives do to each other (R3)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from crmlib.exhibits import formats, theme
from crmlib.exhibits.exhibit import Exhibit
from crmlib.exhibits.roi.words import called
from crmlib.exhibits.scope import Scope
from crmlib.roi import MarginalReach, Roadmap, started
from crmlib.stats.refusal import Refusal


def next_customers(
    found: MarginalReach | Refusal, name: str | Refusal, names: Mapping[str, str], scope: Scope
) -> Exhibit | None:
    """What each further step of reach brings, the most valuable customers first."""
    if isinstance(found, Refusal) or isinstance(name, Refusal):
        return None  # told with what initiatives bring
    n = int(found.table["customers"].iloc[-1])
    if n < scope.min_cell * len(found.table):
        return scope.withheld("next_customers", "What the next customers bring", n)
    table = found.table.reset_index().round(4)
    figure, ax = theme.axes(height=3.4)
    colors = np.where(table["step"] <= found.best, theme.PRIMARY, theme.REFERENCE)
    share = table["customers"] / n
    width = 0.86 / len(table)
    middle = share - 0.5 / len(table)
    ax.bar(middle, table["increment"], width=width, color=colors)
    ax.vlines(middle, table["lo"], table["hi"], color=theme.INK, linewidth=1.1)
    ax.axhline(0, color=theme.INK, linewidth=1)
    theme.tidy(ax, x="customers reached, the most valuable first",
               y=f"worth of each step, {scope.currency}")  # fmt: skip
    theme.percent(ax, "x")
    theme.thousands(ax)
    labels = [f"step {step}" for step in table["step"]]
    texts = [
        f"{formats.money(row.increment)} ({formats.interval(row.lo, row.hi, formats.money)})"
        for row in table.itertuples()
    ]
    theme.says_texts(ax, list(middle), labels, texts)
    best = found.best / len(table)
    table["share_that_pays"] = round(best, 4)
    word = called(name, names, 60)
    return scope.exhibit(
        id="next_customers",
        title=_reach_title(best),
        table=table,
        figure=figure,
        n=n,
        unit=f"{scope.currency} net of what adopters cost, fixed cost not taken off",
        alt=f"Bars of what each of {len(table)} steps of reach brings with {word}; the steps up "
        "to the best reach are coloured.",
        note=f"{word}: everybody it could reach, in {len(table)} steps of equal size. The value of "
        "a single customer is taken as foretold; intervals hold what is not known of effect, "
        "take-up and retention.",
    )


def _reach_title(best: float) -> str:
    if best == 0:
        return "No step of reach earns back what the initiative costs"
    if best == 1:
        return "Every further customer still brings more than he costs"
    return f"The best {formats.percent(best)} of customers pay; the next do not"


def overlapping(
    pairs: pd.DataFrame | Refusal,
    plan: Roadmap | Refusal,
    names: Mapping[str, str],
    n: int,
    scope: Scope,
) -> Exhibit | None:
    """What two initiatives for the same customers bring beyond, or below, their sum."""
    if isinstance(pairs, Refusal) or isinstance(plan, Refusal):
        return None
    both = set(started(plan))
    kept = [pair for pair in pairs if set(pair) <= both]
    if not kept:
        return None
    table = pd.DataFrame(
        [
            {
                "first": one,
                "second": other,
                "mean": pairs[one, other].mean(),
                "p5": pairs[one, other].quantile(0.05),
                "p95": pairs[one, other].quantile(0.95),
            }
            for one, other in kept
        ]
    )
    order = table["mean"].abs().sort_values(ascending=False, kind="stable").index
    table = table.loc[order].reset_index(drop=True).round(4)
    total = float(table["mean"].sum())
    table["all_pairs"] = round(total, 4)
    written = pd.DataFrame(
        {
            "Initiative": [called(each, names, 60) for each in table["first"]],
            "and": [called(each, names, 60) for each in table["second"]],
            f"Beyond their sum, {scope.currency}": [formats.money(v) for v in table["mean"]],
            "Nine cases of ten": [
                formats.interval(row.p5, row.p95, formats.money) for row in table.itertuples()
            ],
        }
    )
    way = "more" if total > 0 else "less"
    return scope.exhibit(
        id="overlapping",
        title=f"Together initiatives bring {scope.money(abs(total))} {way} than their sum",
        table=table,
        formatted=written,
        n=n,
        unit=f"{scope.currency}, today's worth",
        alt=f"Table of {formats.plural(len(table), 'pair')} of initiatives for the same customers "
        "with what both bring beyond the sum of each.",
        note="Whom one keeps the other cannot keep again, and who stays longer pays a raised "
        "margin for longer: effects meet in the customer and are not added up. Reach and take-up "
        "of two initiatives are taken to be independent.",
    )
