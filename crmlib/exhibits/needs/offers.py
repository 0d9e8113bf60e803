"""Whether one broad offer does, or what to offer whom (N6)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from crmlib.exhibits import formats, heat, theme
from crmlib.exhibits.exhibit import Exhibit
from crmlib.exhibits.finding import Finding
from crmlib.exhibits.needs.groups import (
    RESPONDENTS,
    fitting,
    hidden_groups,
    interval_bars,
    said,
    share_of,
    survey_refused,
    withheld_note,
)
from crmlib.exhibits.scope import Scope
from crmlib.needs.offers import NOTHING, Offers
from crmlib.stats.refusal import Refusal

_NO_OFFER = "no offer"


def broad_or_specific(offers: Offers | Refusal, level: float, n: int, scope: Scope) -> Exhibit:
    """Profit of the best set of one, two, … offers; what specific ones add to the broad one."""
    if isinstance(offers, Refusal):
        return survey_refused("broad_or_specific", "What to offer", offers, n, scope)
    if n < scope.min_cell:
        return scope.withheld("broad_or_specific", "What to offer", n, RESPONDENTS)
    columns = ["profit", "profit_lo", "profit_hi", "gain", "gain_lo", "gain_hi"]
    table = offers.table[["n_offers", *columns, "chance_better"]].copy()
    table[columns] = table[columns].round(2)
    table["chance_better"] = table["chance_better"].round(4)
    table.insert(1, "offers", [", ".join(map(said, offers.sets[k].offers)) for k in offers.sets])
    best = len(offers.best.offers)
    table["best"] = np.where(table["n_offers"] == best, "yes", "no")
    figure, ax = theme.axes(height=1.0 + 0.5 * len(table))
    colors = [theme.PRIMARY if mark == "yes" else theme.REFERENCE for mark in table["best"]]
    names = [
        f"{formats.plural(k, 'offer')}: {formats.shortened(words, 38)}"
        for k, words in zip(table["n_offers"], table["offers"], strict=True)
    ]
    interval_bars(ax, table, "profit", names, formats.money, colors)
    title = f"profit, {scope.currency}"
    if table["profit_lo"].notna().any():
        title += f", {formats.level(level)} interval"
    theme.tidy(ax, x=title, y="", grid="x")
    ax.xaxis.set_major_formatter(lambda number, _: formats.money(number) if number else "0")
    return scope.exhibit(
        id="broad_or_specific",
        title=_set_title(table, best, scope),
        table=table,
        figure=figure,
        n=n,
        population=RESPONDENTS,
        unit=f"{scope.currency}, running costs of the offers deducted",
        alt=f"Bars of the profit of the best set of 1 to {len(table)} offers; the best of all is "
        "marked.",
        note="From simulated choices: each segment is made the offer of the set that earns most "
        "with it, or none. Gain is over the best single offer. Costs and margins are the client's."
        + ("" if all(each.exact for each in offers.sets.values())
           else " Large sets were built offer by offer, not tried one by one."),
    )  # fmt: skip


def _set_title(table: pd.DataFrame, best: int, scope: Scope) -> str:
    if best == 1:
        return "One broad offer earns more than offers for each segment"
    row = table[table["n_offers"] == best].iloc[0]
    gain = scope.money(row["gain"])
    if np.isfinite(row["gain_lo"]) and row["gain_lo"] <= 0:
        return f"{best} offers may earn {gain} more than one; not surely"
    return f"{best} offers earn {gain} more than one broad offer"


def what_to_offer(offers: Offers | Refusal, sizes: pd.Series, scope: Scope) -> Exhibit | None:
    """Profit of every offer with every segment, the one to be made framed.

    Parameters
    ----------
    sizes : Series, index segments
        Respondents of each segment, for what may be shown.
    """
    if isinstance(offers, Refusal):
        return None
    counts = sizes.reindex(offers.by_offer.index, fill_value=0)
    hidden = hidden_groups(counts, scope.min_cell)
    cells = offers.by_offer[~hidden]
    n = int(counts.sum())
    if cells.empty:
        return scope.withheld("what_to_offer", "What to offer whom", n, RESPONDENTS)
    made = offers.best.assignment
    table = cells.rename_axis("segment").reset_index()
    table = table.melt(id_vars="segment", var_name="offer", value_name="profit")
    table["made"] = [
        "yes" if made[str(segment)] == str(offer) else "no"
        for segment, offer in zip(table["segment"], table["offer"], strict=True)
    ]
    table = table.assign(profit=table["profit"].round(2), segment=table["segment"].map(said),
                         offer=table["offer"].map(said))  # fmt: skip
    figure, ax = theme.axes(height=1.2 + 0.5 * len(cells))
    _draw_offers(ax, cells, made)
    first = table[table["made"] == "yes"].sort_values("profit", ascending=False, kind="stable")
    return scope.exhibit(
        id="what_to_offer",
        title=_offer_title(first, scope),
        table=table,
        figure=figure,
        n=n,
        population=RESPONDENTS,
        unit=f"{scope.currency} before running costs of the offers",
        alt=f"Table of {len(cells)} segments by {cells.shape[1]} offers with the profit of each; "
        "the offer to be made to a segment is framed.",
        note="Framed: the offer of the best set that earns most with the segment. Without a frame "
        "none earns anything." + withheld_note(hidden, scope),
    )


def _offer_title(made: pd.DataFrame, scope: Scope) -> str:
    if made.empty:
        return "No segment has an offer that earns anything"
    first = made.iloc[0]
    money = scope.money(first["profit"])
    return fitting(
        f"{formats.capitalised(first['offer'])} earns most with {first['segment']}, {money}",
        f"The best offer to one segment earns {money}",
    )


def _draw_offers(ax: Axes, cells: pd.DataFrame, made: dict[str, str]) -> None:
    """The cells, with a frame around the offer that each segment is made."""
    texts = [[formats.money(value) for value in row] for row in cells.to_numpy()]
    rows = []
    for name in cells.index:
        offered = said(made[str(name)]) if made[str(name)] != NOTHING else _NO_OFFER
        rows.append(f"{formats.shortened(said(name), 30)}\n{formats.shortened(offered, 30)}")
    heads = [formats.shortened(said(name), 16) for name in cells.columns]
    heat.table(ax, cells.to_numpy(), texts, rows, heads)
    for row, name in enumerate(cells.index):
        for column, offer in enumerate(cells.columns):
            if made[str(name)] == str(offer):
                ax.plot([column - 0.47, column + 0.47, column + 0.47, column - 0.47, column - 0.47],
                        [row - 0.46, row - 0.46, row + 0.46, row + 0.46, row - 0.46],
                        color=theme.INK, linewidth=1.5)  # fmt: skip


def specific_findings(
    offers: Offers | Refusal, n: int, brought: float | Refusal, scope: Scope
) -> list[Finding]:
    """What offers for segments add to one for all, where the simulation has intervals."""
    if isinstance(offers, Refusal) or n < scope.min_cell:
        return []
    best = len(offers.best.offers)
    row = offers.table[offers.table["n_offers"] == best].iloc[0]
    if best == 1 or not np.isfinite(row["gain_lo"]):
        return []
    between = formats.interval(row["gain_lo"], row["gain_hi"], scope.money)
    return [
        Finding(
            id="specific_offers",
            kind="estimate",
            sentence=f"{best} offers for segments would earn {scope.money(row['gain'])} more than "
            f"the best single offer ({between}).",
            value=float(row["gain"]),
            unit=scope.currency,
            exhibit="broad_or_specific",
            lo=float(row["gain_lo"]),
            hi=float(row["gain_hi"]),
            size=share_of(row["gain"], brought),
        )
    ]
