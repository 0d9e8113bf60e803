"""Cost of service beside future value: by hand, and what is refused."""

import numpy as np
import pandas as pd
import pytest

from crmlib.stats.optimise import NotIdentified
from crmlib.value.service import (
    CONTRACTS,
    PURCHASES,
    FutureValues,
    future_values,
    service_balance,
)

TIERS = ((0.5, 0.8), ("high", "medium", "low"))
OPTIONS = {"bands": 2, "min_cell": 2, "replications": 30, "seed": 1, "level": 0.9}


def ahead(values: list[float]) -> FutureValues:
    ids = [f"c{i}" for i in range(len(values))]
    return FutureValues(pd.DataFrame({"customer_id": ids, "future_value": values}), CONTRACTS)


def amounts(costs: dict[str, float]) -> pd.DataFrame:
    """Half the cost is marketing; revenue and risk are no service."""
    rows = [(one, line, cost / 2) for one, cost in costs.items()
            for line in ("cost_to_serve", "marketing")]  # fmt: skip
    rows += [(one, line, 99.0) for one in costs for line in ("revenue", "risk_cost")]
    return pd.DataFrame(rows, columns=["customer_id", "line", "amount"])


def test_four_customers_by_hand():
    """Value 60, 20, 15, 5 and cost 10 each; the fifth of the ledger has left."""
    served = amounts({f"c{i}": 10.0 for i in range(4)} | {"x": 7.0, "y": 3.0})
    found = service_balance(ahead([15.0, 60.0, 5.0, 20.0]), served, *TIERS, **OPTIONS)
    bands = found.bands.groups
    assert bands.index.tolist() == [1, 2]
    assert bands["value_share"].tolist() == [0.8, 0.2] and bands["cost_share"].tolist() == [0.5] * 2
    assert bands["to_move"].tolist() == pytest.approx([12.0, -12.0])
    assert found.bands.moved.value == pytest.approx(0.3)
    assert found.elsewhere == 10.0
    # a tier of one customer would tell of him beside the bands: it ends with the first of them
    assert found.tiers.groups["customers"].tolist() == [2, 2]


def test_value_counts_customer_by_customer_so_that_coarser_groups_need_no_more_money():
    """Who is expected to cost more than he brings counts as nothing, not against others."""
    values = [60.0, -50.0, 20.0, -10.0, 15.0, 5.0] * 10
    served = amounts({f"c{i}": 10.0 + i % 3 for i in range(60)})
    fine = service_balance(ahead(values), served, *TIERS, **OPTIONS | {"bands": 6})
    coarse = service_balance(ahead(values), served, *TIERS, **OPTIONS | {"bands": 3})
    assert fine.bands.groups["value"].sum() == pytest.approx(1_000)
    assert (fine.bands.groups["value"] >= 0).all()
    assert coarse.bands.moved.value <= fine.bands.moved.value + 1e-12


def test_tiers_stand_best_first_where_they_may_be_shown():
    values = np.r_[np.full(10, 50.0), np.full(20, 15.0), np.full(40, 5.0)].tolist()
    served = amounts({f"c{i}": 1.0 for i in range(70)})
    found = service_balance(ahead(values), served, *TIERS, **OPTIONS | {"bands": 7})
    assert found.tiers.groups.index.tolist() == ["high", "medium", "low"]
    assert found.tiers.groups["customers"].tolist() == [10, 20, 40]
    assert found.tiers.groups.loc["high", "verdict"] == "under-served"


def test_a_tier_ends_with_a_band_where_few_lie_between():
    """Of 60 customers 21 hold half of the value; the second band of ten ends at 20."""
    values = np.r_[np.full(21, 60.0), np.full(39, 60.0 * 21 / 39)].tolist()
    served = amounts({f"c{i}": 1.0 for i in range(60)})
    sizes = {}
    for min_cell in (1, 5):
        options = OPTIONS | {"bands": 6, "min_cell": min_cell}
        found = service_balance(ahead(values), served, (0.5,), ("best", "rest"), **options)
        sizes[min_cell] = found.tiers.groups["customers"].tolist()
    assert sizes == {1: [21, 39], 5: [20, 40]}


@pytest.mark.parametrize(
    ("values", "costs", "message"),
    [
        ([1.0, -2.0], {"c0": 1.0}, "future value is -1 in all"),
        ([1.0, 2.0], {"x": 1.0}, "fewer than 2 customers have no value ahead"),
        ([1.0, 2.0], {"x": 1.0, "y": 2.0}, "cost"),
    ],
)
def test_what_cannot_be_compared_is_refused(values, costs, message):
    with pytest.raises(NotIdentified, match=message):
        service_balance(ahead(values), amounts(costs), *TIERS, **OPTIONS)


@pytest.mark.parametrize(
    ("margin_from", "of"),
    [("transactions", PURCHASES), ("contracts", CONTRACTS), ("ledger", CONTRACTS)],
)
def test_who_has_left_or_has_no_forecast_has_nothing_ahead(margin_from, of):
    class Values:
        customers = pd.DataFrame(
            {
                "customer_id": ["a", "b", "c", "d"],
                "p_active": [1.0, 0.3, 0.0, 1.0],
                "future_value": [5.0, -7.0, 0.0, np.nan],
            }
        )

    ahead = future_values(Values(), margin_from)
    assert ahead.of == of
    assert ahead.customers.to_dict("list") == {
        "customer_id": ["a", "b"], "future_value": [5.0, -7.0]
    }  # fmt: skip
