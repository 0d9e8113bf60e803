"""Every number of a sentence is found in its table at the rounding said, or reported missing."""

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmlib.exhibits import formats, trace
from crmlib.exhibits.trace import numbers, untraced


def said(text: str) -> list[str]:
    return [number.text for number in numbers(text)]


def places(text: str, header: list[str], *rows: list[str]) -> list[tuple]:
    return [(found.text, found.row, found.column) for found in trace.trace(text, header, rows)]


def test_examples_in_the_docstrings():
    assert doctest.testmod(trace).failed == 0


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("62% or 10.3%, not -5%", ["62%", "10.3%", "-5%"]),
        ("23,570 bring USD 2.50 m, USD 106 each", ["23,570", "USD 2.50 m", "USD 106"]),
        ("12.3 k, 1.00 bn, 5 m; 10 km", ["12.3 k", "1.00 bn", "5 m", "10"]),
        ("EUR -1,234 (−4.50) and -1,234.", ["EUR -1,234", "−4.50", "-1,234"]),
        ("p is .97 or 0.97.", [".97", "0.97"]),
        ("4.3 times over 1 year, 2.5 years, 48-hour", ["4.3", "1", "2.5", "48"]),
        ("from 1997-01-01 to 1998-06-30", ["1997-01-01", "1998-06-30"]),
        ("December 1997; in 2020-Q1 or 2020-05", ["December 1997", "2020-Q1", "2020-05"]),
        ("1997 and 1997-1998", ["1997", "1997", "1998"]),
        ("with 7+ or 2–4 repeats", ["7+", "2–4"]),
        (
            "a top-decile, a top-half; two thirds, a fifth",
            ["decile", "half", "two thirds", "fifth"],
        ),
        ("on one day only", ["one day"]),
        ("BG/NBD, V2, Q1, P(alive), COVID-19, 80/20, 1st, tenths2", []),
        ("both models and nobody else, for one reason", []),
        ("behalf, Thirds, fifthly", []),
    ],
)
def test_what_is_a_number_and_what_is_not(text, found):
    assert said(text) == found


def test_a_number_knows_its_place():
    text = "They bring USD 2.50 m, 62%."
    assert [text[n.start : n.end] for n in numbers(text)] == ["USD 2.50 m", "62%"]


@pytest.mark.parametrize(
    ("text", "cell", "stands"),
    [
        ("62%", "0.6231", True),
        ("62%", "0.6281", False),
        ("62%", "62.0", False),
        ("62%", "-0.62", False),
        ("62.3%", "0.6231", True),
        ("62.30%", "0.6231", False),
        ("100%", "1", True),
        ("1,882", "1882.4", True),
        ("1,882", "1882.6", False),
        ("1,882", "1.882", False),
        ("1882", "1882.4", True),
        ("882", "1882.0", False),
        ("1997", "1997", True),
        ("1997", "1996.8", False),  # a year is not rounded
        ("2.50 m", "2500315.63", True),
        ("2.50 m", "2506000", False),
        ("2.50 m", "2.5", False),
        ("USD 2.5 m", "2549999", True),
        ("1.00 m", "999600", True),
        ("12.3 k", "12345", True),
        ("USD 106", "106.08", True),
        ("USD 106.00", "106.08", False),
        ("-1,234", "-1234.2", True),
        ("1,234", "-1234.2", False),
        ("14.4% too few", "-0.144", True),
        ("14.4% too few", "0.144", False),
        ("14.4% too many", "-0.144", False),
        ("0.26 fewer", "-0.2643", True),
        ("17.3% too little", "-0.1732", True),
        (".97", "0.9721", True),
        ("5.1 times", "5.094", True),
        ("5.1 times", "5.04", False),
        ("a fifth", "0.2", True),
        ("a fifth", "0.21", False),
        ("a fifth", "best 20%", True),
        ("two thirds", "0.6666666666666666", True),
        ("March 1997", "1997-03-01", True),
        ("March 1997", "1997-04-01", False),
        ("March 1997", "1997-03", True),
        ("1997-03-01", "1997-03-01", True),
        ("7+", "7+", True),
        ("7+", "7", False),
        ("2–4", "2–4", True),
        ("one day", "1", True),
        ("one day", "1.2", False),
        ("3 years", "expected in the next 3 years, discounted", True),
        ("3 years", "expected in the next 30 years", False),
        ("3", "3.14 and 13 and V3", False),
        ("-5", "'-5 or less", True),  # as a cell that could start a formula is kept
        ("2", "inf", False),
        ("2", "", False),
    ],
)
def test_a_number_stands_in_a_cell_at_its_own_rounding(text, cell, stands):
    assert (untraced(text, ["x"], [[cell]]) == []) is stands


@given(
    st.floats(-1e14, 1e14),
    st.sampled_from(
        [
            formats.count,
            formats.money,
            lambda figure: formats.money(figure, "USD"),
            lambda figure: formats.percent(figure, 1),
            formats.percent,
        ]
    ),
)
def test_what_the_report_writes_is_found_in_the_cell_it_was_written_from(figure, write):
    assert untraced(f"It is {write(figure)}, we say", ["x"], [[str(figure)]]) == []


@given(st.integers(1, 9_999))
def test_a_level_is_found(part):
    level = part / 10**4
    assert untraced(f"({formats.level(level)} interval)", ["x"], [[str(level)]]) == []


def test_what_stands_nowhere_is_named():
    header, rows = ["customers", "revenue"], [["0.2", "0.6231"]]
    text = "The best fifth brings 62% of revenue (90% interval 61% to 63%)"
    assert untraced(text, header, rows) == ["90%", "61%", "63%"]
    assert untraced("Nothing to ask", header, []) == []
    assert untraced("5 questions", header, []) == ["5"]
    missing = trace.trace("5 questions", header, [])[0]
    assert (missing.found, missing.row, missing.column) == (False, None, None)


def test_a_coincidence_gives_way_to_the_row_of_the_other_numbers():
    """8% stands in five months; the month that is named decides."""
    header = ["month", "all_cohorts", "1997-01"]
    rows = [["1", "0.15", "0.08"], ["6", "0.08", "0.09"], ["12", "0.075", "0.12"]]
    assert places("15% buys in month 1, 8% in month 12", header, *rows) == [
        ("15%", 0, "all_cohorts"),
        ("1", 0, "month"),
        ("8%", 2, "all_cohorts"),
        ("12", 2, "month"),
    ]


def test_of_two_columns_the_one_is_taken_that_the_words_name():
    header = ["purchase_days", "share_of_revenue", "share_of_customers"]
    row = ["1", "0.51", "0.51"]
    text = "{} of {} bought on one day only"
    assert places(text.format("51%", "customers"), header, row)[0][2] == "share_of_customers"
    assert places(text.format("51%", "revenue"), header, row)[0][2] == "share_of_revenue"


def test_of_two_rows_the_one_is_taken_that_the_words_name():
    header, rows = ["fact", "value"], [["orders", "150.0"], ["customers", "150.0"]]
    assert places("150 customers came", header, *rows) == [("150", 1, "value")]


def test_an_exact_figure_comes_before_a_rounded_one_and_both_before_words():
    header, rows = ["said", "value"], [["12 months", "0"], ["", "11.7"], ["", "12.0"]]
    assert places("in 12", header, *rows) == [("12", 2, "value")]
    assert places("in 12", header, *rows[:2]) == [("12", 1, "value")]
    assert places("in 12", header, rows[0]) == [("12", 0, "said")]


def test_a_band_is_named_by_its_column():
    header, rows = ["fifth", "times_average"], [["1", "3.4"], ["2", "0.9"]]
    assert places("A top-fifth customer brings 3.4 times the average", header, *rows) == [
        ("fifth", 0, "fifth"),
        ("3.4", 0, "times_average"),
    ]


BOOKS = ["period", "books", "covered", "agrees"]
PERIODS = [
    ["2019", "2.0", "False", "False"],
    ["2020", "5.0", "True", "True"],
    ["2021", "5.0", "True", "False"],
    ["2022", "5.0", "True", "True"],
]


def test_rows_are_counted_where_each_is_what_is_counted():
    found = trace.trace("It differs in 1 of 3 periods", BOOKS, PERIODS)
    assert [(f.text, f.row, f.column, f.counted) for f in found] == [
        ("1", 2, "period", (2,)),
        ("3", 1, "period", (1, 2, 3)),
    ]
    found = trace.trace("It agrees in 2 of 3 periods", BOOKS, PERIODS)
    assert found[0].counted == (1, 3)
    assert trace.trace("All 4 periods", BOOKS, PERIODS)[0].counted == (0, 1, 2, 3)


def test_rows_are_not_counted_where_the_number_is_wrong_or_they_are_something_else():
    assert untraced("It differs in 3 of 4 periods", BOOKS, PERIODS[:3]) == ["3", "4"]
    assert untraced("4 customers", BOOKS, PERIODS) == ["4"]
    assert untraced("4% of periods", BOOKS, PERIODS) == ["4%"]
    exhibits = ["n", "exhibit"]
    assert untraced("2 exhibits", exhibits, [["7", "a"], ["8", "b"]]) == []
    assert untraced("2 exhibits", exhibits, [["7", "a"], ["8", ""]]) == ["2"]
