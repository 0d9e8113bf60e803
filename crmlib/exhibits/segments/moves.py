"""What moves the customers of each segment: signs before they leave or grow, and net moves (S7)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmlib.exhibits import formats
from crmlib.exhibits.exhibit import Exhibit
from crmlib.exhibits.scope import Scope
from crmlib.exhibits.segments.dynamics import hidden_cells
from crmlib.exhibits.segments.triggers import sign_in_words
from crmlib.segments.dynamics import CAME, LEFT, SegmentFlows
from crmlib.segments.signs import SegmentSigns
from crmlib.stats.refusal import Refusal

_NET = ("net_moved", "net_came")
_EVENTS = ("leaving", "growing")
_NAMES = {
    "leaving": "sign before they leave", "leaving_lift": "times",
    "growing": "sign before a further product", "growing_lift": "times as likely",
    "net_moved": "net moved in", "net_came": "net come",
}  # fmt: skip
_UNTOLD = {"leaving": "leaving", "growing": "taking a further product"}
_OF_ALL = " (as all)"
_NONE = "no sign confirmed"


def segment_moves(
    leaving: SegmentSigns | Refusal,
    growing: SegmentSigns | Refusal,
    flows: SegmentFlows | Refusal,
    n: int,
    scope: Scope,
) -> Exhibit | None:
    """One line per segment; nothing where neither a sign nor a movement is known."""
    if isinstance(flows, Refusal):
        return None
    table = _net(flows, scope.min_cell)
    for event, signs in zip(_EVENTS, (leaving, growing), strict=True):
        table[event], table[f"{event}_lift"] = _signs(signs, table["segment"])
    title = _title(table)
    # a sign that no segment shows needs no column
    told = [event for event in _EVENTS if table[f"{event}_lift"].notna().any()]
    lifts = [f"{event}_lift" for event in told]
    table = table[
        ["segment", *(name for event in told for name in (event, f"{event}_lift")), *_NET]
    ]
    shown = table.assign(
        **{name: ["" if pd.isna(v) else f"{v:.1f}" for v in table[name]] for name in lifts},
        **{name: [_signed(v) for v in table[name]] for name in _NET},
    )
    return scope.exhibit(
        id="segment_moves",
        title=title,
        table=table.assign(**{name: table[name].round(3) for name in lifts}),
        formatted=shown.rename(columns=_NAMES),
        n=n,
        unit="ratio of rates a month; customers in a year",
        alt=f"Table of {len(table)} behaviour segments: "
        + "".join(f"the clearest sign of {_UNTOLD[event]} with its lift, " for event in told)
        + f"how many more moved in than out, and came than left. {title}.",
        note="Signs that were confirmed for all customers, judged within the segment in which "
        "customers were a year ago, on later data; where a segment has too few events, or shows "
        f"no more than all do, what holds for all is told{_OF_ALL}. Times: how many times as "
        "likely the event then is. Net moved in: from other segments less to them; net come: new "
        "customers less those who left; withheld where it would tell of a few."
        + "".join(
            f" No sign of {_UNTOLD[event]} is confirmed." for event in _EVENTS if event not in told
        ),
    )


def _net(flows: SegmentFlows, min_cell: int) -> pd.DataFrame:
    """How many more moved in than out, and came than left, by segment; NaN where withheld."""
    sizes = flows.sizes.reindex(list(flows.order))
    table = pd.DataFrame(
        {
            "segment": list(flows.order),
            "net_moved": (sizes["moved_in"] - sizes["moved_out"]).to_numpy(dtype=float),
            "net_came": (sizes["came"] - sizes["left"]).to_numpy(dtype=float),
        }
    )
    hidden = hidden_cells(flows, min_cell)
    if hidden is None:
        return table.assign(**dict.fromkeys(_NET, np.nan))
    cells = flows.matrix[hidden]
    # sizes on both dates are shown: with them one of the two figures gives the other
    ends = {*cells.loc[cells["after"] == LEFT, "before"], *cells.loc[cells["before"] == CAME,
                                                                    "after"]}  # fmt: skip
    table.loc[table["segment"].isin(ends), list(_NET)] = np.nan
    return table


def _signs(found: SegmentSigns | Refusal, segments: pd.Series) -> tuple[list[str], list[float]]:
    """The clearest sign in words, and its lift."""
    if isinstance(found, Refusal):
        return [_NONE] * len(segments), [np.nan] * len(segments)
    rows = found.table.reindex(segments)
    words = [
        _NONE if pd.isna(row["lift"]) else sign_in_words(row) + ("" if row["own"] else _OF_ALL)
        for row in rows.to_dict("records")
    ]
    return words, rows["lift"].tolist()


def _signed(customers: float) -> str:
    if pd.isna(customers):
        return ""
    return f"{'+' if customers > 0 else ''}{formats.count(customers)}"


def _title(table: pd.DataFrame) -> str:
    """Where the clearest sign of leaving shows, else who gains most."""
    known = table.dropna(subset="leaving_lift")
    own = known[~known["leaving"].str.endswith(_OF_ALL)]
    if len(own):
        most = f"{own['leaving_lift'].max():.1f}"
        return f"The clearest sign makes leaving {most} times as likely in one segment"
    if len(known):
        return "Segments show the same signs of leaving, and move differently"
    if table["net_moved"].notna().any():
        gain = formats.count(float(table["net_moved"].max()))
        return f"The segment that gains most wins {gain} customers from others"
    return "No sign of leaving is confirmed in any segment"
