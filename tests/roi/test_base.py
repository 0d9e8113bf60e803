"""Whom initiatives are for, counted by the cells whose economics are known."""

import pandas as pd
import pytest

from crmlib.roi import Base
from crmlib.stats.refusal import Refusal
from tests.roi.small_client import CELLS, base, customers, initiatives, watched


def test_cells_have_their_customers_value_tier_and_stage():
    table = base().economics.table
    assert table["n"].to_dict() == {cell: number for cell, (number, _, _) in CELLS.items()}
    assert table["future_value"].to_dict() == {cell: value for cell, (_, value, _) in CELLS.items()}
    assert table.loc["low & new", ["tier", "active"]].tolist() == ["low", True]
    assert table.loc["high & lapsed", ["tier", "active"]].tolist() == ["high", False]


def test_a_selection_is_counted_by_cell_whatever_grouping_it_names():
    found = base().select(
        initiatives(
            some={"segments": "high & relationship; new"},
            online={"segments": "online"},
            up={"segments": "all", "effect_unit": "migration_pp", "from_tier": "low",
                "to_tier": "high"},
        )
    )  # fmt: skip
    assert found.chosen.loc["some"].to_dict() == {
        "high & lapsed": 0, "high & relationship": 100, "low & lapsed": 0, "low & new": 80,
        "low & relationship": 0,
    }  # fmt: skip
    table = customers()
    assert found.chosen.loc["online"].sum() == (table["behaviour_segment"] == "online").sum()
    assert found.chosen.loc["up"].filter(like="high").sum() == 0
    assert found.table["up"].sum() == (table["value_tier"] == "low").sum()
    assert found.parts["some"]["low & new"] == "new"
    assert found.left_out == {}


def test_who_is_won_will_be_like_new_customers():
    found = base().select(initiatives(win={"effect_unit": "cpa", "volume": 10.0}))
    assert found.chosen.loc["win"].to_dict()["low & new"] == 80
    assert found.chosen.loc["win"].sum() == 80


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"segments": "hihg"}, "no group of customers is called 'hihg'. Did you mean `high`?"),
        ({"segments": "high & new"}, "no customer is in the segments that it is for (high & new)"),
        ({"segments": " ; "}, "a selection of customers is empty"),
        (
            {"effect_unit": "migration_pp", "from_tier": "middle"},
            "it moves customers from tier middle",
        ),
    ],
)
def test_an_initiative_for_nobody_is_left_out_by_name_and_the_others_stay(changes, says):
    found = base().select(initiatives(good={}, bad=changes))
    assert list(found.chosen.index) == ["good"]
    assert list(found.left_out) == ["bad"] and says in found.left_out["bad"]


def test_needs_segments_are_known_where_they_were_projected():
    table = customers()
    needs = pd.DataFrame({"needs_segment": "price"}, index=table.index[:50])
    given = Base.of(table, table, watched(), base().economics.calendar, level=0.9, needs=needs)
    assert given.select(initiatives(some={"segments": "price"})).chosen.loc["some"].sum() == 50
    refused = Base.of(
        table, table, watched(), base().economics.calendar, level=0.9, needs=Refusal("none")
    )
    assert "price" in refused.select(initiatives(some={"segments": "price"})).left_out["some"]
