"""What moves each segment, as a board sees it: own signs, those of all, net moves."""

import datetime as dt

import numpy as np
import pandas as pd

from crmlib.exhibits import Scope, trace
from crmlib.exhibits.segments.moves import segment_moves
from crmlib.segments.dynamics import segment_flows
from crmlib.segments.signs import SegmentSigns
from crmlib.stats.refusal import Refusal

SCOPE = Scope("a bank: ledger", dt.date(2024, 1, 1), dt.date(2025, 12, 31), "EUR", "month",
              "contribution", 10)  # fmt: skip
ORDER = ("gold", "silver", "bronze")


def flows(rising: int = 60, coming: int = 50):
    """300 customers, of whom so many rise from bronze to silver, and so many come to gold."""
    start = pd.Series(["gold"] * 100 + ["silver"] * 100 + ["bronze"] * 100)
    end = start.copy()
    end[200 : 200 + rising] = "silver"
    end = pd.concat([end, pd.Series(["gold"] * coming, index=range(300, 300 + coming))])
    worth = pd.Series(1.0, index=end.index)
    return segment_flows(
        start, end, worth, worth, ORDER, replications=20, seed=1, level=0.9
    )  # fmt: skip


def signs(own: dict[str, float], of_all: float = 1.4) -> SegmentSigns:
    table = pd.DataFrame(
        {"feature": "calls", "direction": "up", "by": 0.5, "recent": 1, "usual": 6,
         "lift": [own.get(name, of_all) for name in ORDER],
         "own": [name in own for name in ORDER]},
        index=pd.Index(ORDER, name="segment"),
    )  # fmt: skip
    return SegmentSigns(table.assign(lift_lo=1.1, lift_hi=3.0), pd.DataFrame(), 0.9)


def drawn(leaving, growing, **moves):
    exhibit = segment_moves(leaving, growing, flows(**moves), 350, SCOPE)
    exhibit._repr_mimebundle_()
    text = exhibit.table.astype(object).map(lambda v: "" if pd.isna(v) else str(v))
    cells = list(exhibit.table.columns), text.to_numpy().tolist()
    assert trace.untraced(exhibit.title, *cells) == trace.untraced(exhibit.note, *cells) == []
    return exhibit


NOTHING = Refusal("no change of behaviour was confirmed to announce it")


def test_a_sign_of_ones_own_is_told_from_that_of_all():
    exhibit = drawn(signs({"silver": 2.61}), NOTHING)
    assert exhibit.title == "The clearest sign makes leaving 2.6 times as likely in one segment"
    shown = exhibit.table.set_index("segment")["leaving"]
    assert shown["silver"] == "calls rose by 50% or more in a month"
    assert shown["gold"] == "calls rose by 50% or more in a month (as all)"
    assert "growing" not in exhibit.table
    assert "No sign of taking a further product is confirmed" in exhibit.note


def test_net_moves_add_up_to_nothing_and_are_seen_where_no_sign_is_known():
    exhibit = drawn(NOTHING, NOTHING)
    table = exhibit.table.set_index("segment")
    assert table["net_moved"].to_dict() == {"gold": 0, "silver": 60, "bronze": -60}
    assert table["net_came"].to_dict() == {"gold": 50, "silver": 0, "bronze": 0}
    assert exhibit.title == "The segment that gains most wins 60 customers from others"
    assert exhibit.formatted["net moved in"].tolist() == ["0", "+60", "-60"]


def test_the_titles_follow():
    assert drawn(signs({}), NOTHING).title == (
        "Segments show the same signs of leaving, and move differently"
    )


def test_few_who_came_are_not_told():
    exhibit = drawn(NOTHING, NOTHING, coming=4)
    gold = exhibit.table.set_index("segment").loc["gold"]
    assert np.isnan(gold[["net_moved", "net_came"]].astype(float)).all()


def test_without_two_dates_nothing_is_shown():
    assert segment_moves(signs({}), NOTHING, Refusal("too short"), 1, SCOPE) is None
