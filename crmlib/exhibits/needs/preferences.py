"""What people weigh when they choose: importance of attributes, and part-worths (N2)."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import fill

import numpy as np
import pandas as pd

from crmlib.exhibits import formats, heat, theme
from crmlib.exhibits.exhibit import Exhibit
from crmlib.exhibits.finding import Finding
from crmlib.exhibits.needs.choice_panels import (
    EVERYBODY,
    MOST_PANELS,
    Respondents,
    close,
    group_sizes,
    joined,
    of_shown,
    panels,
    pictured,
    withheld_classes,
)
from crmlib.exhibits.needs.groups import RESPONDENTS, fitting, said
from crmlib.exhibits.scope import Scope
from crmlib.needs.choice_coding import NONE
from crmlib.needs.importance import importance
from crmlib.needs.preferences import ALL, Preferences, coefficient_table, part_worth_table
from crmlib.stats.refusal import Refusal


def proposed_classes(
    preferences: Preferences | Refusal, words: Mapping[str, str]
) -> dict[str, str]:
    """What to call classes of people, by the attribute that counts for them more than for all.

    Parameters
    ----------
    words : mapping of attribute to words
        Where a reader calls it otherwise.

    Returns
    -------
    dict of class to words
        Nothing where there are no classes.
    """
    if isinstance(preferences, Refusal) or preferences.sampled or len(preferences.groups) < 2:
        return {}
    found = importance(preferences, level=0.5)  # of the point alone
    shares = found.pivot(index="group", columns="attribute", values="value")
    apart = shares.drop(index=ALL) - shares.loc[ALL]
    found_words: dict[str, str] = {}
    for name in preferences.groups:
        first = str(apart.loc[name].idxmax())
        word = f"{words.get(first, said(first)).replace(' ', '-')}-minded"
        taken = word in found_words.values()
        found_words[str(name)] = f"{word} ({name})" if taken else word
    return found_words


def attribute_importance(
    preferences: Preferences | Refusal, level: float, people: Respondents, scope: Scope
) -> Exhibit | None:
    """Share of each attribute in what moves a choice, by class."""
    if isinstance(preferences, Refusal):
        return None
    sizes = group_sizes(preferences, people.n, scope.min_cell)
    if sizes.empty:
        return scope.withheld("attribute_importance", "What matters", people.n, RESPONDENTS)
    table = _importance_table(preferences, sizes, level, people)
    return scope.exhibit(
        id="attribute_importance",
        title=_importance_title(table),
        table=table,
        figure=panels(
            table, "attribute", list(table["attribute"].unique()),
            f"share of importance, {formats.level(level)} interval", formats.percent, bars=True,
        ),
        n=people.n,
        population=RESPONDENTS,
        unit="share of the ranges of part-worths",
        alt=f"Bars of the importance of {table['attribute'].nunique()} attributes with intervals, "
        f"for {' and '.join(table['group'].unique())}.",
        note=joined(
            "The range of an attribute's part-worths over the sum of the ranges, between the "
            "levels that were shown: wider levels would matter more.",
            "Everybody is the mean of people's shares." if len(sizes) > 1 else "",
            withheld_classes(preferences, sizes, scope),
            pictured(table),
        ),
    )  # fmt: skip


def _importance_title(table: pd.DataFrame) -> str:
    """What matters most to everybody; two where their order is open."""
    shares = [formats.percent(value) for value in table["value"].iloc[:2]]
    names = list(table["attribute"].iloc[:2])
    if len(names) > 1 and names[0] != names[1] and close(table.iloc[0], table.iloc[1]):
        return fitting(
            f"{formats.capitalised(names[0])} ({shares[0]}) and {names[1]} ({shares[1]}) "
            "matter most",
            f"Two attributes matter most, with {shares[0]} and {shares[1]}",
        )
    return fitting(
        f"{shares[0]} of what moves a choice is {names[0]}",
        f"One attribute has {shares[0]} of all importance",
    )


def _importance_table(
    preferences: Preferences, sizes: pd.Series, level: float, people: Respondents
) -> pd.DataFrame:
    """Everybody first, attributes by what they matter to everybody."""
    table = of_shown(importance(preferences, level=level), sizes, people)
    of_all = table[table["group"] == EVERYBODY].set_index("attribute")["value"]
    rank = (-of_all).rank(method="first")
    table["place"] = table["attribute"].map(rank)
    order = {name: at for at, name in enumerate(table["group"].unique())}
    table["of"] = table["group"].map(order)
    table = table.sort_values(["of", "place"], ignore_index=True).drop(columns=["of", "place"])
    table["attribute"] = table["attribute"].map(people.say_all(table["attribute"]))
    return table.round(4)


def importance_findings(
    preferences: Preferences | Refusal, level: float, people: Respondents, scope: Scope
) -> list[Finding]:
    """What matters most to everybody, how much, and how sure that is."""
    if isinstance(preferences, Refusal):
        return []
    sizes = group_sizes(preferences, people.n, scope.min_cell)
    if sizes.empty:
        return []
    first = _importance_table(preferences, sizes, level, people).iloc[0]
    lo, hi = float(first["lower"]), float(first["upper"])
    sentence = (
        f"Of what moves a choice {formats.percent(first['value'])} "
        f"({formats.interval(lo, hi, formats.percent)}) is {first['attribute']}."
    )
    return [
        Finding(
            "most_important_attribute", "estimate", sentence, float(first["value"]),
            "share of importance", "attribute_importance", lo=lo, hi=hi,
        )
    ]  # fmt: skip


def part_worths(
    preferences: Preferences | Refusal, level: float, people: Respondents, scope: Scope
) -> Exhibit | None:
    """What each level adds to an offer's utility, by class, the base levels among them."""
    if isinstance(preferences, Refusal):
        return None
    sizes = group_sizes(preferences, people.n, scope.min_cell)
    if sizes.empty:
        return scope.withheld("part_worths", "Part-worths", people.n, RESPONDENTS)
    table = _worth_table(preferences, sizes, level, people)
    groups = list(dict.fromkeys(table["group"]))
    figure, ax = theme.axes(height=1.0 + 0.29 * table["row"].nunique())
    shown = groups[:MOST_PANELS]
    wide = table.pivot_table(index="row", columns="group", values="per_range", sort=False)
    heights = table.pivot_table(index="row", columns="group", values="part_worth", sort=False)
    sure = table.pivot_table(index="row", columns="group", values="clear", sort=False) > 0
    texts = [
        [f"{heights.at[row, name]:+.2f}" + ("" if sure.at[row, name] else " ?") for name in shown]
        for row in wide.index
    ]
    counts = table.drop_duplicates("group").set_index("group")["respondents"]
    heads = [f"{fill(name, 16)}\nn = {formats.count(counts[name])}" for name in shown]
    heat.table(ax, wide[shown].to_numpy(), texts, list(wide.index), heads, size=8.5)
    ax.tick_params(axis="both", labelsize=8)
    return scope.exhibit(
        id="part_worths",
        title=_worth_title(table),
        table=table.drop(columns=["row", "own", "per_range", "clear"]),
        figure=figure,
        n=people.n,
        population=RESPONDENTS,
        unit="utility, of a number from its lowest to its highest level",
        alt=f"Table of {len(wide)} levels by {len(shown)} groups with what each adds to the "
        "utility of an offer; cells are coloured, the darker the farther from zero.",
        note=joined(
            "Levels of an attribute sum to zero; a number counts from the lowest to the highest "
            "that was shown, and none against an offer with numbers midway. A question mark: the "
            "interval holds zero. Classes differ also in how firmly they choose, so compare "
            "within a column.",
            withheld_classes(preferences, sizes, scope),
            pictured(table),
        ),
    )


def _worth_table(
    preferences: Preferences, sizes: pd.Series, level: float, people: Respondents
) -> pd.DataFrame:
    """Part-worths in the order of the attributes; everybody only where there are no classes."""
    found = _with_none(part_worth_table(preferences, level=level), preferences, level)
    kept = sizes if set(found["group"]) == {ALL} else sizes.drop(index=ALL)
    table = of_shown(found, kept, people)
    spans = {
        each.name: each.highest - each.lowest
        for each in preferences.coding.attributes
        if not each.levels
    }
    bases = {each.name: each.levels[0] for each in preferences.coding.attributes if each.levels}
    factor = table["attribute"].map(spans).fillna(1.0)
    for column in ("part_worth", "std_err", "lower", "upper"):
        table[column] = (table[column] * factor).round(4)
    table["base"] = [
        "yes" if bases.get(a) == v else "no" for a, v in table[["attribute", "level"]].to_numpy()
    ]
    table["own"] = table["attribute"] != NONE
    most = table.groupby("group")["part_worth"].transform(lambda worth: np.abs(worth).max())
    table["per_range"] = table["part_worth"] / most.where(most > 0, 1.0)
    table["clear"] = ((table["lower"] > 0) | (table["upper"] < 0)).astype(float)
    for name, rows in table.groupby("attribute")["level"]:
        shown = _shown(str(name), preferences) if name in spans else None
        table.loc[rows.index, "level"] = rows.map(people.say_all(rows)) if shown is None else shown
    of_number = table["attribute"].isin(list(spans))
    table["attribute"] = table["attribute"].map(people.say_all(table["attribute"]))
    table["row"] = _row_names(table, of_number)
    return table


def _with_none(found: pd.DataFrame, preferences: Preferences, level: float) -> pd.DataFrame:
    """None of the offers against a middle one: its constant is against one with all numbers 0."""
    coding = preferences.coding
    if not coding.none:
        return found
    one = preferences.averaged if preferences.sampled else preferences
    row = np.eye(len(coding.names))[-1]
    for each in coding.attributes:
        if not each.levels:
            row[coding.place(each.name)] = -(each.lowest + each.highest) / 2
    parts = [found[found["attribute"] != NONE]]
    for group, mean, spread in zip(one.groups, one.coefficients, one.covariance, strict=True):
        against = coefficient_table(
            np.atleast_1d(row @ mean), np.atleast_2d(row @ spread @ row), pd.RangeIndex(1), level
        ).rename(columns={"estimate": "part_worth"})
        parts.append(against.assign(group=group, attribute=NONE, level="against a middle offer"))
    return pd.concat(parts, ignore_index=True)


def _shown(name: str, preferences: Preferences) -> str:
    """The numbers that were shown, from the lowest to the highest."""
    attribute = preferences.coding.attribute(name)
    return f"{attribute.lowest:g} to {attribute.highest:g}"


def _row_names(table: pd.DataFrame, of_number: pd.Series) -> pd.Series:
    """Attribute and level as they stand beside the picture, in a reader's words."""
    parted = table["attribute"] + np.where(of_number, ", ", ": ") + table["level"]
    names = parted + np.where(table["base"] == "yes", " (base)", "")
    return names.where(table["own"], "none of the offers")


def _worth_title(table: pd.DataFrame) -> str:
    """Where the largest clear part-worth lies."""
    own = table[table["own"]]
    clear = own[own["clear"] > 0]
    if clear.empty:
        most = own["part_worth"].abs().max()
        return f"No level clearly moves a choice: the largest part-worth is {most:.2f}"
    top = clear.loc[clear["part_worth"].abs().idxmax()]
    who, worth = formats.capitalised(top["group"]), f"{top['part_worth']:.2f}"
    return fitting(
        f"{who} weighs {top['attribute']} most: {worth} ({top['level']})",
        f"{who} weighs {top['attribute']} most, with {worth} of utility",
        f"The largest part-worth of a level is {worth}",
    )
