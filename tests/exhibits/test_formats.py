"""Numbers are written in one way, and stay readable at every size."""

import doctest

import numpy as np
import pandas as pd
import pytest

from crmlib.exhibits import formats


def test_examples_in_the_docstrings():
    assert doctest.testmod(formats).failed == 0


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0, "0.00"),
        (99.994, "99.99"),
        (9_999.4, "9,999"),
        (12_345, "12.3 k"),
        (999_499, "999 k"),
        (999_500, "1.00 m"),
        (1_234_567_890, "1.23 bn"),
        (-2_500_315, "-2.50 m"),
    ],
)
def test_money_at_three_significant_figures(value, written):
    assert formats.money(value) == written
    assert formats.money(value, "EUR") == f"EUR {written}"


def test_table_text_shows_one_part_in_ten_thousand():
    table = pd.DataFrame({"value": [61_234.5678]})
    assert formats.table_text(table) != formats.table_text(table * 1.0001)
    assert formats.table_text(table) == formats.table_text(table * (1 + 1e-12))


def test_table_text_leaves_missing_cells_empty_and_writes_days():
    table = pd.DataFrame(
        {"a": [1.5, np.nan], "b": ["x", None], "c": [pd.Timestamp("2020-02-29"), pd.NaT]}
    )
    assert formats.table_text(table).split() == ["a", "b", "c", "1.5", "x", "2020-02-29"]
