"""Strategic customers: the eight combinations, what is unknown, spellings, odd bases."""

from itertools import product

import numpy as np
import pandas as pd
import pytest

from crmlib.value.strategic import TESTS, strategic_customers


def base(customers: int = 200, seed: int = 0, unknown: float = 0.2) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    answers = rng.random((customers, 3)) < 0.5
    table = pd.DataFrame(answers, columns=list(TESTS)).astype(object)
    return table.mask(rng.random(table.shape) < unknown)


def values(customers: int = 200) -> np.ndarray:
    return np.random.default_rng(1).normal(50, 40, customers)


def test_combinations_by_counting():
    table, money = base(), values()
    found = strategic_customers(table, money)
    names = {True: "yes", False: "no"}
    assert len(found.combinations) == 8
    for row, combination in zip(
        found.combinations.itertuples(), product([True, False], repeat=3), strict=True
    ):
        assert (row.pays, row.decides, row.benefits) == tuple(names[each] for each in combination)
        members = [
            tuple(answers) == combination for answers in table.itertuples(index=False, name=None)
        ]
        assert row.customers == sum(members)
        assert row.value == pytest.approx(money[members].sum(), abs=1e-9)


def test_known_and_unknown_add_up_to_all():
    table, money = base(), values()
    found = strategic_customers(table, money)
    both = pd.concat([found.combinations, found.partial])
    assert both["customers"].sum() == found.n == 200
    assert both["value"].sum() == pytest.approx(money.sum(), abs=1e-9)
    assert both["customer_share"].sum() == pytest.approx(1)
    assert both["value_share"].sum() == pytest.approx(1)
    for test in TESTS:
        row = found.tests.loc[test]
        assert row[["yes", "no", "unknown"]].sum() == 200
        assert row["unknown"] == table[test].isna().sum()
        assert row["yes"] == (table[test] == True).sum()  # noqa: E712
        assert row[["value_yes", "value_no", "value_unknown"]].sum() == pytest.approx(money.sum())


def test_what_is_unknown_bounds_who_passes_all_three():
    table = pd.DataFrame(
        {
            "pays": [True, True, True, None],
            "decides": [True, None, None, None],
            "benefits": [True, True, False, None],
        }
    )
    found = strategic_customers(table, [10.0, 20, 40, 30])
    assert found.answers["strategic"].tolist() == ["yes", "unknown", "no", "unknown"]
    assert found.passed["customers"].to_dict() == {"certain": 1, "possible": 3}
    assert found.passed["value"].to_dict() == {"certain": 10, "possible": 60}
    assert found.passed["value_share"].to_dict() == {"certain": 0.1, "possible": 0.6}
    assert found.unknown[1] == "Whether a customer decides is not known of 3 of 4."


def test_a_test_nobody_was_put_to_is_said_and_makes_nobody_strategic():
    found = strategic_customers(base(unknown=0).drop(columns="decides"), values())
    assert found.unknown == ("Whether a customer decides is known of nobody.",)
    assert found.combinations["customers"].sum() == 0 and len(found.combinations) == 8
    assert found.passed.loc["certain", "customers"] == 0
    assert found.passed.loc["possible", "customers"] > 0
    nothing = strategic_customers(pd.DataFrame(index=range(3)), [1.0, 2, 3])
    assert len(nothing.unknown) == 3 and nothing.passed.loc["possible", "customers"] == 3


@pytest.mark.parametrize("spelling", [{True: 1, False: 0}, {True: "Yes", False: "no"}])
def test_spellings_of_yes_and_no(spelling):
    table, money = base(unknown=0), values()
    spelt = table.map(spelling.get)
    pd.testing.assert_frame_equal(
        strategic_customers(table, money).combinations,
        strategic_customers(spelt, money).combinations,
    )
    with_gaps = base()
    floats = strategic_customers(with_gaps.astype(float), money).partial
    pd.testing.assert_frame_equal(strategic_customers(with_gaps, money).partial, floats)


def test_order_and_currency():
    table, money = base(), values()
    shuffle = np.random.default_rng(2).permutation(200)
    one = strategic_customers(table, money)
    other = strategic_customers(table.iloc[shuffle], money[shuffle] * 100)
    for name in ("combinations", "partial", "passed"):
        before, after = getattr(one, name), getattr(other, name)
        pd.testing.assert_frame_equal(before, after.assign(value=after["value"] / 100))


def test_a_total_that_is_not_positive_has_no_shares():
    found = strategic_customers(pd.DataFrame({"pays": [True, False]}), [-3.0, 1.0])
    assert found.partial["value_share"].isna().all()
    assert found.partial["value"].sum() == -2


@pytest.mark.parametrize(
    "table, value, message",
    [
        (pd.DataFrame({"pays": ["maybe"]}), [1.0], "pays must be yes or no: found 'maybe'"),
        (pd.DataFrame({"pays": [2]}), [1.0], "pays must be yes or no: found 2"),
        (pd.DataFrame({"pays": [True]}), [np.nan], "it is not at position 0"),
        (pd.DataFrame({"pays": [True]}), [1.0, 2.0], "1 customers with values of shape"),
        (pd.DataFrame({"pays": []}), [], "0 customers"),
    ],
)
def test_impossible_input_is_named(table, value, message):
    with pytest.raises(ValueError, match=message):
        strategic_customers(table, value)
