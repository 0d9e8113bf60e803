"""Cohort matrices: empty cells and zero cells, averages, refusals."""

import numpy as np
import pandas as pd
import pytest

from crmlib.value.cohorts import cohorts

ROWS = pd.DataFrame(
    [
        ("2024-01", 0, 100, 1000.0, 100),
        ("2024-01", 2, 30, 300.0, 100),  # nobody in period 1
        ("2024-02", 0, 50, 250.0, 50),
        ("2024-02", 1, 25, 100.0, 50),
        ("2024-03", 0, 10, 80.0, 10),
    ],
    columns=["cohort", "period_index", "active_customers", "revenue", "cohort_size"],
)
nan = np.nan


def test_unobservable_cells_are_empty_and_idle_ones_zero():
    result = cohorts(ROWS)
    np.testing.assert_array_equal(result.retention, [[1, 0, 0.3], [1, 0.5, nan], [1, nan, nan]])
    np.testing.assert_allclose(
        result.revenue_per_customer, [[10, 10, 13], [5, 7, nan], [8, nan, nan]]
    )


def test_cumulative_average_never_falls_when_a_rich_cohort_leaves_the_average():
    rows = pd.DataFrame(
        [("2024-01", 0, 10, 10.0, 10), ("2024-01", 1, 1, 1.0, 10), ("2024-02", 0, 10, 900.0, 10)],
        columns=ROWS.columns,
    )
    assert cohorts(rows).average["revenue_per_customer"].is_monotonic_increasing


def test_average_weighs_observable_cohorts_by_size():
    average = cohorts(ROWS).average
    assert average["retention"].tolist() == pytest.approx([1, 25 / 150, 0.3])
    each = np.array([1330 / 160, 100 / 150, 300 / 100])  # of the period, over observable cohorts
    assert average["revenue_per_customer"].tolist() == pytest.approx(each.cumsum())
    assert average["cohorts"].tolist() == [3, 2, 1]
    assert average["customers"].tolist() == [160, 150, 100]


def test_a_quiet_end_is_observed_too():
    result = cohorts(ROWS, end="2024-04")
    assert result.retention.loc[pd.Period("2024-01"), 3] == 0
    assert result.retention.loc[pd.Period("2024-03"), 1] == 0


def test_a_month_without_new_customers_keeps_the_calendar():
    result = cohorts(ROWS[ROWS["cohort"] != "2024-02"])
    assert result.retention.loc[pd.Period("2024-03"), 1:].isna().all()
    assert result.retention.loc[pd.Period("2024-01"), 2] == 0.3


@pytest.mark.parametrize("seed", range(3))
def test_labels_timestamps_periods_and_row_order(seed):
    shuffled = ROWS.sample(frac=1, random_state=seed)
    stamps = shuffled.assign(cohort=pd.to_datetime(shuffled["cohort"]))
    periods = shuffled.assign(cohort=stamps["cohort"].dt.to_period("M"))
    for table in (shuffled, stamps, periods):
        pd.testing.assert_frame_equal(cohorts(table).retention, cohorts(ROWS).retention)


@pytest.mark.parametrize(
    "row, column, value, message",
    [
        (0, "active_customers", 99, "cohort 2024-01, period 0: must have all its customers active"),
        (1, "active_customers", 101, "cohort 2024-01, period 2: has more active"),
        (1, "period_index", 0, "cohort 2024-01, period 0: appears twice"),
        (1, "cohort_size", 90, "cohort 2024-01 must have one cohort_size"),
        (4, "period_index", 1, "cohort 2024-03 has no row for period 0"),
        (3, "period_index", -1, "period_index must be 0 or more"),
    ],
)
def test_impossible_tables_are_named(row, column, value, message):
    table = ROWS.copy()
    table.loc[row, column] = value
    with pytest.raises(ValueError, match=message):
        cohorts(table)


def test_missing_column_and_late_rows():
    with pytest.raises(ValueError, match="lacks revenue"):
        cohorts(ROWS.drop(columns="revenue"))
    with pytest.raises(ValueError, match="after the end of observation"):
        cohorts(ROWS, end="2024-02")
