"""Who the strategic customers are: those who pay, decide and benefit (V11)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmlib.exhibits import formats, theme
from crmlib.exhibits.exhibit import Exhibit
from crmlib.exhibits.finding import Finding
from crmlib.exhibits.scope import Scope
from crmlib.exhibits.value.refused import refused
from crmlib.stats.refusal import Refusal
from crmlib.value.roles import Strategic
from crmlib.value.strategic import NO, TESTS, UNKNOWN, YES

_WHAT = "Who the strategic customers are"
_OTHERS = "other combinations"
_SMALLEST = 0.01  # share of customers from which a combination is named
STRATEGIC, POSSIBLE, NOT = "pass all three tests", "fail none, not all known", "fail a test"
_GROUPS = {YES: STRATEGIC, UNKNOWN: POSSIBLE, NO: NOT}


def strategic_customers(found: Strategic | Refusal, n: int, scope: Scope) -> Exhibit:
    """Customers and their value by what the three tests say, crossed."""
    if isinstance(found, Refusal):
        return refused("strategic_customers", _WHAT, found, n, scope)
    if not found.groups_shown:
        return scope.withheld("strategic_customers", _WHAT, found.result.n)
    table = _table(found)
    drawn = table[table["kind"] == "combination"] if found.patterns_shown else table
    word = found.word
    figure, ax = theme.axes(height=1.2 + 0.42 * len(drawn))
    places = np.arange(len(drawn))[::-1]
    for shift, name, color in ((0.2, "customer_share", theme.REFERENCE),
                               (-0.2, "value_share", theme.PRIMARY)):  # fmt: skip
        if drawn[name].notna().all():
            said = "share of customers" if name == "customer_share" else f"share of {word}"
            ax.barh(places + shift, drawn[name], height=0.36, color=color, label=said)
            for place, share in zip(places + shift, drawn[name], strict=True):
                theme.label(ax, max(share, 0), place, formats.percent(share, 1), color)
    ax.set_yticks(places, drawn["customers_who"])
    theme.tidy(ax, x=f"share of all customers and of their {word}", y="", grid="x")
    theme.percent(ax, "x")
    ax.margins(x=0.12)
    theme.legend_above(ax)
    series = drawn[["customer_share", "value_share"]].set_axis(["customers", word], axis=1)
    theme.says_values(ax, places, drawn["customers_who"], series, formats.percent, along="y")
    return scope.exhibit(
        id="strategic_customers",
        title=_title(table, word),
        table=table.rename(columns={"value": word, "value_share": f"{word}_share"}),
        figure=figure,
        n=found.result.n,
        unit=f"share of customers and of {word}",
        alt=f"Paired bars for {len(drawn)} groups of customers by who pays, decides and benefits: "
        f"share of customers and share of {word}.",
        note="A count of the observed base. A strategic customer brings the revenue, decides on "
        "it and benefits from it; what nobody has stated stays unknown. "
        + " ".join(found.result.unknown),
    )


def _table(found: Strategic) -> pd.DataFrame:
    """The three groups, then the combinations that may be shown, largest first."""
    rows = [
        ("group", _GROUPS[answer], *figures)
        for answer, figures in found.groups.iterrows()
        if answer in _GROUPS
    ]
    rows.sort(key=lambda row: list(_GROUPS.values()).index(row[1]))
    if found.patterns_shown:
        patterns = found.patterns.sort_values("customers", ascending=False, kind="stable")
        named = patterns["shown"] & (patterns["customer_share"] >= _SMALLEST)
        shown = patterns[named]
        figures = ["customers", "customer_share", "value", "value_share"]
        rows += [("combination", _named(row), *row[figures]) for _, row in shown.iterrows()]
        rest = patterns[~named]
        if len(rest):
            rows.append(("combination", _OTHERS, *rest[figures].sum(min_count=1)))
    columns = ["kind", "customers_who", "customers", "customer_share", "value", "value_share"]
    table = pd.DataFrame(rows, columns=columns).round({"value": 2})
    return table.astype({"customers": int})


def _named(pattern: pd.Series) -> str:
    """A pattern of answers in words."""
    passed = [test for test in TESTS if pattern[test] == YES]
    said = [" and ".join([", ".join(passed[:-1]), passed[-1]] if passed[1:] else passed)]
    failed = [test.removesuffix("s") for test in TESTS if pattern[test] == NO]
    asked = [test for test in TESTS if pattern[test] == UNKNOWN]
    if failed:
        said.append(f"does not {' or '.join(failed)}")
    if asked:
        said.append(f"not known: {', '.join(asked)}")
    return "; ".join(filter(None, said))


def _title(table: pd.DataFrame, word: str) -> str:
    """How many are strategic, and what they bring."""
    groups = table[table["kind"] == "group"].set_index("customers_who")
    if STRATEGIC not in groups.index or not groups.loc[STRATEGIC, "customers"]:
        return "Nobody is known to pay, to decide and to benefit"
    row = groups.loc[STRATEGIC]
    said = f"{formats.percent(row['customer_share'])} of customers pass all three tests"
    if pd.isna(row["value_share"]):
        return said
    return f"{said}, with {formats.percent(row['value_share'])} of {word}"


def strategic_tests(found: Strategic | Refusal, scope: Scope) -> Exhibit | None:
    """Each test by itself: how many pass it, fail it, or were never asked."""
    if isinstance(found, Refusal) or found.by_test.empty:
        return None
    table, word = found.by_test, found.word
    shown = table.assign(
        customers=table["customers"].map(formats.count),
        customer_share=table["customer_share"].map(formats.percent),
        value=table["value"].map(scope.money),
        value_share=["" if pd.isna(v) else formats.percent(v) for v in table["value_share"]],
    )
    names = {"value": word, "value_share": f"share of {word}", "customer_share": "share"}
    unknown = table[table["answer"] == UNKNOWN]
    title = "Who pays, who decides and who benefits is known of everybody"
    if found.result.unknown:
        title = "Who pays, who decides and who benefits is not known of all"
    if len(unknown):
        worst = unknown.loc[unknown["customer_share"].idxmax()]
        share = formats.percent(worst["customer_share"])
        title = f"Whether a customer {worst['test']} is not known of {share}"
    return scope.exhibit(
        id="strategic_tests",
        title=title,
        table=table.rename(columns={"value": word, "value_share": f"{word}_share"}),
        formatted=shown.rename(columns=names),
        n=found.result.n,
        unit=f"customers, and {scope.currency} of {word}",
        alt="Table of the three tests with the customers who pass, fail and are not known, and "
        f"their {word}.",
        note="Who pays need not decide, and who decides need not benefit: an offer is made to one, "
        "its price to another, its service to the third.",
    )


def strategic_findings(found: Strategic | Refusal, scope: Scope) -> list[Finding]:
    """How many are strategic, and what they brought."""
    if isinstance(found, Refusal) or not found.groups_shown:
        return []
    table = _table(found)
    groups = table[table["kind"] == "group"].set_index("customers_who")
    if STRATEGIC not in groups.index or pd.isna(groups.loc[STRATEGIC, "value_share"]):
        return []
    row, more = groups.loc[STRATEGIC], ""
    failing = 1 - row["value_share"]
    if POSSIBLE in groups.index:
        failing -= groups.loc[POSSIBLE, "value_share"]
        share = formats.percent(groups.loc[POSSIBLE, "customer_share"])
        more = f"; of a further {share} it is not known whether they do"
    return [
        Finding(
            id="strategic_share",
            kind="census",
            sentence=f"{formats.percent(row['customer_share'])} of customers pay, decide and "
            f"benefit; they brought {formats.percent(row['value_share'])} of {found.word}{more}.",
            value=float(row["customer_share"]),
            unit="share of customers",
            exhibit="strategic_customers",
            size=max(float(failing), 0.0),  # what others than the one who pays decide on
        )
    ]
