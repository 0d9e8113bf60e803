"""Segment cards: what the manager of a segment has to know on one line (S7)."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from crmlib.exhibits import formats
from crmlib.exhibits.exhibit import Exhibit
from crmlib.exhibits.scope import Scope
from crmlib.exhibits.segments.features import feature_words
from crmlib.exhibits.value.refused import refused
from crmlib.segments.cards import OTHERS, Cards
from crmlib.stats.refusal import Refusal

_WHAT = "Cards of the segments"
_NOTHING = "nothing beyond noise"


def segment_cards(
    cards: Cards | Refusal,
    horizon_years: float,
    n: int,
    scope: Scope,
    owners: Mapping[str, str] | None = None,
) -> Exhibit:
    """One line per segment: size, share of value, worth ahead, channel, owner.

    Parameters
    ----------
    horizon_years : float
        Of future value.
    owners : mapping of segment to name, optional
        Who answers for a segment.
    """
    if isinstance(cards, Refusal):
        return refused("segment_cards", _WHAT, cards, n, scope)
    table = _figures(cards)
    if owners:
        table["owner"] = [owners.get(name, "") for name in table["segment"]]
    amounts = ["future_mean", "future_mean_lo", "future_mean_hi"]
    shown = table.assign(
        customers=table["customers"].map(formats.count),
        customer_share=table["customer_share"].map(formats.percent),
        # a share of −0.4% is no loss worth a sign
        value_share=[
            "" if pd.isna(v) else formats.percent(round(v, 2) + 0.0) for v in table["value_share"]
        ],
        **{name: ["" if pd.isna(v) else scope.money(v) for v in table[name]] for name in amounts},
        level=table["level"].map(formats.level),
    )
    names = {"customer_share": "share", "value_share": "of value", "future_mean": "worth ahead",
             "future_mean_lo": "from", "future_mean_hi": "to"}  # fmt: skip
    merged = f" Segments of {scope.few} are shown together as {OTHERS}." if cards.merged else ""
    return scope.exhibit(
        id="segment_cards",
        title=_title(table, scope),
        table=table,
        formatted=shown.rename(columns=names),
        n=n,
        unit=f"customers; share of them and of {scope.value_word}; {scope.currency} a customer",
        alt=f"Table of {len(table)} segments, most valuable first: size, share of value, worth of "
        f"a customer ahead with its interval{', and their channel' if 'channel' in table else ''}.",
        note="Worth ahead: future value of a customer over the next "
        f"{formats.years(horizon_years)}, with {formats.level(cards.level)} bootstrap intervals "
        f"over customers.{merged}",
    )


def segment_portraits(
    cards: Cards | Refusal, significance: float, n: int, scope: Scope
) -> Exhibit | None:
    """What the customers of each segment do, and who they are.

    Parameters
    ----------
    significance : float
        Family-wise error rate of the differences printed.
    """
    if isinstance(cards, Refusal):
        return None
    table = _words(cards)
    found = {"what their customers do": cards.behaviour, "who they are": cards.people}
    differ = [words for words, rows in found.items() if len(rows)]
    people, alone = " and who they are", ""
    if cards.people.empty:
        table = table.drop(columns="are")
        people, alone = "", " No attribute of customers is known that differs."
    return scope.exhibit(
        id="segment_portraits",
        title=f"Segments differ in {' and '.join(differ) or 'nothing beyond noise'}",
        table=table,
        formatted=table.rename(columns={"do": "what they do", "are": "who they are"}),
        n=n,
        unit="mean of the segment and of all customers; share of both",
        alt=f"Table of {len(table)} segments, most valuable first: what customers do{people}.",
        note="The largest differences from all other customers that are beyond noise (family-wise "
        f"error rate {formats.level(significance)}), with the segment's mean or share and that of "
        "all customers. Segments were cut by behaviour and value, so that differences in these are "
        f"by construction.{alone}",
    )


def _figures(cards: Cards) -> pd.DataFrame:
    columns = ["segment", "customers", "customer_share", "value_share", "future_mean",
               "future_mean_lo", "future_mean_hi"]  # fmt: skip
    table = cards.segments[columns].copy()
    channel = {
        row["segment"]: f"{row['channel'].replace('_', ' ')} ({formats.percent(row['share'])})"
        for row in cards.channels.to_dict("records")
    }
    if channel:
        table["channel"] = [channel.get(name, "") for name in table["segment"]]
    return table.assign(level=cards.level)


def _words(cards: Cards) -> pd.DataFrame:
    table = cards.segments[["segment"]].copy()
    names = table["segment"]
    table["do"] = [_joined(cards.behaviour[cards.behaviour["segment"] == s], _does) for s in names]
    table["are"] = [_joined(cards.people[cards.people["segment"] == s], _is) for s in names]
    return table


def _joined(rows: pd.DataFrame, said: object) -> str:
    return "; ".join(said(row) for row in rows.to_dict("records")) or _NOTHING


def _does(row: dict) -> str:
    """A figure of the segment beside that of all customers."""
    word = "more" if row["more_often"] > 0.5 else "less"
    mean, of_all = (formats.cell(row[name], 2) for name in ("mean", "mean_all"))
    return f"{word} {feature_words(row['feature'])}: {mean} (all: {of_all})"


def _is(row: dict) -> str:
    """A level that is over-represented."""
    name, level = row["attribute"].replace("_", " "), str(row["level"])
    said = level if name in level else f"{name} {formats.shortened(level)}"
    share, of_all = formats.percent(row["share"]), formats.percent(row["share_all"])
    return f"{said}: {share} (all: {of_all})"


def _title(table: pd.DataFrame, scope: Scope) -> str:
    """What a customer of the best segment is worth, where that is known."""
    worth = table["future_mean"]
    if worth.isna().all():
        return "Segments differ in size and in what they bring"
    return f"A customer of the most promising segment is worth {scope.money(worth.max())} ahead"
