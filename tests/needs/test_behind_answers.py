"""Figures of customers that segments are audited by."""

import pandas as pd

from crmlib.needs.behind_answers import figures_of


def test_figures_of_customers_are_numbers_once():
    valued = pd.DataFrame(
        {"future_value": [1.0, 2.0], "value_decile": [1, 2], "value_tier": ["a", "b"]}, ["x", "y"]
    )
    about = pd.DataFrame(
        {"age": [30.0, 40.0], "region": ["n", "s"], "future_value": [9.0, 9.0]}, ["x", "y"]
    )
    found = figures_of(valued, about)
    assert found.columns.tolist() == ["customer_id", "future_value", "age"]
    assert found.values.tolist() == [["x", 1.0, 30.0], ["y", 2.0, 40.0]]
