"""Which features tell customers apart, how each is taken, and what was left out (S1)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from crmlib.exhibits import formats, theme
from crmlib.exhibits.exhibit import Exhibit
from crmlib.exhibits.scope import Scope
from crmlib.exhibits.value.refused import refused
from crmlib.segments.features import Prepared, told_by_others
from crmlib.stats.disclosure import is_small
from crmlib.stats.refusal import Refusal

_WORDS = {
    "recency": "days since last purchase",
    "frequency": "purchase days",
    "spend": "spend",
    "mean_ticket": "spend per purchase day",
    "trend": "trend of spend",
    "regularity": "irregularity of purchases",
    "peak_share": "share of spend in the best quarter",
    "returned_share": "share of spend returned",
    "revenue": "revenue",
    "cost_to_serve": "cost to serve",
    "risk_cost": "risk cost",
    "products": "number of products",
    "products_bought": "number of products bought",
    "tenure": "time as a customer",
}
_PARTS = {
    "cost_in_": "cost to serve in {}",
    "cost_share_": "share of cost to serve in {}",
    "revenue_from_": "revenue from {}",
    "risk_from_": "risk cost of {}",
    "spend_on_": "spend on {}",
    "spend_in_": "spend in {}",
    "spend_share_": "share of spend in {}",
}
# what the parts are together that have no column of their own
_REST = {name: "other products" if name.endswith(("_from_", "_on_")) else "other channels"
         for name in _PARTS}  # fmt: skip
_KINDS = {
    "account": "revenue and cost",
    "channel use": "use of channels",
    "channel mix": "mix of channels",
    "products": "products",
}
_GAP = " missing"
_DISTANCES = "share of squared distances between customers"
_TOLD = "share of a feature that the others tell (R²)"
_SAID = (
    "Skewed amounts and counts are taken as logarithms, shares of a whole as square roots, "
    "extremes are drawn in. Features of one kind share one vote, and a feature counts less "
    "where the others tell nothing of it. Who lacks a figure stands at the centre."
)
_SAID_ONCE = (
    "Segments are what makes features go together: one of which the others tell nothing forms "
    "none. Each feature has one voice, whatever its unit: customers are put into tenths of it. "
    "Beside the first feature of a kind, the mean of the kind. Of who lacks a figure it says "
    "nothing. Two that go together within segments as well are taken as a pair."
)
_APART = 0.6  # of a bar's place, between kinds


def feature_words(name: str) -> str:
    """A feature or column of the matrix in a reader's words; the client's where it is theirs.

    >>> feature_words("mean_ticket"), feature_words("cost_in_branch"), feature_words("visits")
    ('spend per purchase day', 'cost to serve in branch', 'visits')
    """
    if name.endswith(_GAP):
        return f"no figure for {feature_words(name.removesuffix(_GAP))}"
    for prefix, words in _PARTS.items():
        if name.startswith(prefix):
            part = name.removeprefix(prefix)
            return words.format(_REST[prefix] if part == "others" else _spelt(part, 24))
    return _WORDS.get(name, _spelt(name))


def words_of(features: pd.DataFrame) -> dict[str, str]:
    """The words of each column, by its name; for the rules."""
    return {str(name): feature_words(str(name)) for name in features}


def _spelt(name: str, most: int = 32) -> str:
    return formats.shortened(name.replace("_", " "), most)


def features_used(prepared: Prepared | Refusal, n: int, scope: Scope) -> Exhibit:
    """What each feature bears on segments, by kind of behaviour.

    Its share of the distances between customers; for latent classes, which take none, what
    the other features tell of it: segments are what makes features go together.

    Parameters
    ----------
    prepared : Prepared or Refusal
        Of `n` customers.
    """
    if isinstance(prepared, Refusal):
        return refused("features_used", "Behaviour features", prepared, n, scope)
    used = _used(prepared, n, scope.min_cell)
    left = prepared.dropped.rename(columns={"reason": "left_out_because"})
    left = left.assign(feature=[feature_words(name) for name in left["feature"]])
    table = pd.concat([used, left], ignore_index=True)
    unit = _TOLD if prepared.once else _DISTANCES
    return scope.exhibit(
        id="features_used",
        title=_title(used, prepared.once),
        table=table,
        figure=_figure(used, unit),
        n=n,
        unit=unit,
        alt=f"Bars of {len(used)} features by kind of behaviour, {unit}; the first are "
        f"{_listed(used['feature'][:3])}.",
        note=_note(left, prepared.once),
    )


def _title(used: pd.DataFrame, once: bool) -> str:
    if once:
        most = used.loc[used["share"].idxmax()]
        return f"Other features tell {formats.percent(most['share'])} of {most['feature']}"
    share = formats.percent(used.loc[0, "share_of_kind"])
    return f"{share} of all distances between customers come from {used.loc[0, 'kind']}"


def _used(prepared: Prepared, n: int, min_cell: int) -> pd.DataFrame:
    """One row per column of the matrix, the loudest kind first and within it the loudest."""
    columns = prepared.recipe.table()
    spread = prepared.matrix.var(axis=0)
    share = told_by_others(prepared.matrix) if prepared.once else spread / spread.sum()
    together = "mean" if prepared.once else "sum"
    lacking = np.rint(columns["missing"].to_numpy() * n)
    told = is_small(lacking, min_cell) | is_small(n - lacking, min_cell)
    table = pd.DataFrame(
        {
            "kind": [_KINDS.get(kind, feature_words(kind)) for kind in columns["kind"]],
            "feature": [feature_words(name) for name in columns["name"]],
            "share": share,
            "share_of_kind": pd.Series(share).groupby(columns["kind"]).transform(together),
            "taken_as": columns["transform"],
            "customers_without": pd.Series(lacking).mask(told),
        }
    )
    keys = ["share_of_kind", "kind", "share"]
    ordered = table.sort_values(keys, ascending=[False, True, False], kind="stable")
    return ordered.reset_index(drop=True)


def _figure(used: pd.DataFrame, unit: str) -> object:
    """A bar for each feature, kinds apart, the figure of a kind beside its first bar."""
    kinds = pd.factorize(used["kind"])[0]
    places = -(np.arange(len(used)) + _APART * kinds)
    figure, ax = theme.axes(height=1.0 + 0.23 * (1 - places[-1]))
    ax.barh(places, used["share"], color=theme.PRIMARY, height=0.7)
    for at in np.flatnonzero(np.diff(kinds, prepend=-1)):
        row = used.iloc[at]
        text = f"{row['kind']}: {formats.percent(row['share_of_kind'])}"
        theme.label(ax, row["share"], places[at], text)
    ax.set_yticks(places, used["feature"])
    ax.set(xlim=(0, 1.6 * used["share"].max()), ylim=(places[-1] - 0.6, 0.6))
    theme.tidy(ax, x=unit, y="", grid="x")
    theme.percent(ax, "x")
    theme.says_values(
        ax, places, used["feature"], {"": used["share"]}, formats.percent_1, along="y"
    )
    return figure


def _note(left: pd.DataFrame, once: bool) -> str:
    """How figures are taken, and what is left out."""
    said = _SAID_ONCE if once else _SAID
    if left.empty:
        return f"{said} No feature was left out."
    reasons = [f"{row.feature} ({row.left_out_because})" for row in left.itertuples()]
    return f"{said} Left out: {'; '.join(reasons)}."


def _listed(words: Sequence[str]) -> str:
    *others, last = words
    return f"{', '.join(others)} and {last}" if others else last
