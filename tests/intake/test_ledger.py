"""The row ledger says where every row went, and stops what leaves too little."""

from __future__ import annotations

import io
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmlib.errors import InputError
from crmlib.intake import open_transactions
from crmlib.intake.ledger import COLUMNS, Count, build_ledger, publishable
from crmlib.intake.reasons import REASONS, remedy

HEADER = "customer_id,date,amount\n"


def message(engagement) -> str:
    with pytest.raises(InputError) as caught:
        open_transactions(engagement)
    return str(caught.value)


def test_ledger_of_a_small_file(client):
    content = HEADER + "1,2020-01-01,5\n1,2020-01-02,x\n,2020-01-03,7\n2,2020-01-04,2.5\n"
    ledger = open_transactions(client(content)).ledger
    assert ledger.columns.tolist() == COLUMNS
    assert ledger["table"].unique().tolist() == ["transactions"]
    assert ledger[["status", "reason", "rows", "share"]].to_numpy().tolist() == [
        ["read", "", 4, 1.0],
        ["excluded", "missing customer_id", 1, 0.25],
        ["excluded", "unreadable amount", 1, 0.25],
        ["used", "", 2, 0.5],
    ]
    assert ledger["amount"].tolist()[:2] == [14.5, 7.0]
    assert math.isnan(ledger["amount"].iloc[2])
    assert ledger["remedy"].tolist() == [
        "", remedy("missing customer_id"), remedy("unreadable amount"), ""
    ]  # fmt: skip
    assert ledger["examples"].tolist() == ["", "3", "2", ""]


def test_examples_are_the_first_five_rows_and_name_their_file(client, tmp_path):
    bad = "".join(f"{i},x,5\n" for i in range(7))
    (tmp_path / "a.csv").write_text(HEADER + "1,2020-01-01,5\n" + bad[:12])
    (tmp_path / "b.csv").write_text(HEADER + "1,2020-01-02,5\n" + bad)
    intake = open_transactions(
        client(None, folder=tmp_path, path="*.csv", date_format="%Y-%m-%d", duplicates="keep")
    )
    assert intake.ledger["examples"].tolist()[1] == "a.csv: 2, 3; b.csv: 2, 3, 4"


def test_rows_under_an_unknown_reason_are_a_defect_of_the_program():
    with pytest.raises(RuntimeError, match="unknown reasons"):
        build_ledger("transactions", Count(1), {"lost": Count(1)}, Count(0))


def test_a_row_that_is_neither_used_nor_excluded_is_a_defect_of_the_program():
    with pytest.raises(RuntimeError, match="used \\+ excluded is 3 of 4 rows read"):
        build_ledger("transactions", Count(4), {"blank line": Count(1)}, Count(2))


def test_amounts_of_few_customers_are_withheld_with_the_total_that_would_tell_them():
    excluded = {"zero amount": Count(30, 0.0, 20), "negative amount": Count(40, -50.0, 9)}
    full = build_ledger("transactions", Count(100, 50.0), excluded, Count(30, 100.0))
    shown = publishable(full, min_cell=10)
    assert shown["amount"].isna().tolist() == [True, False, True, False]
    assert "customers" not in shown
    assert publishable(full, min_cell=9)["amount"].notna().all()


@pytest.mark.parametrize("rows", ["", "\n", "\n\n \n"])
def test_file_without_rows(client, rows):
    assert message(client(HEADER + rows)) == (
        "inputs.transactions.path: t.csv: has a header and no row below it. Export the table again."
    )


def test_file_in_which_every_row_is_excluded(client):
    content = HEADER + "1,01.02.2020,5\n1,02.02.2020,5\n,2020-01-01,1\n"
    assert message(client(content, date_format="%Y-%m-%d")) == (
        "inputs.transactions.path: t.csv: none of its 3 rows can be used; the commonest reason "
        'is "unreadable date" (2 rows, such as row 1, 2). '
        "Check `inputs.transactions.date_format` against the dates in the file."
    )


def test_too_large_a_share_is_excluded(client):
    content = HEADER + "1,2020-01-01,5\n\n\n1,2020-01-02,5\n1,2020-01-03,5\n1,x,5\n"
    assert message(client(content, max_excluded_share=0.2)) == (
        "inputs.transactions.path: t.csv: 25.0% of its rows (1 of 4) are excluded, more than the "
        "20.0% that `customers.max_excluded_share` allows; the commonest reason is "
        '"unreadable date" (1 row, such as row 6). '
        "Check `inputs.transactions.date_format` against the dates in the file. "
        "If the exclusions are right, raise `customers.max_excluded_share`."
    )


def test_a_share_that_is_just_allowed_passes(client):
    content = HEADER + "1,2020-01-01,5\n1,2020-01-02,5\n1,2020-01-03,5\n1,x,5\n"
    ledger = open_transactions(client(content, max_excluded_share=0.25)).ledger
    assert ledger["rows"].tolist() == [4, 1, 3]


def test_a_single_reason_may_have_its_own_limit(client):
    content = HEADER + "1,2020-01-01,5\n1,2020-01-02,5\n1,2020-01-03,5\n1,x,5\n"
    limits = {"max_excluded_by_reason": {"unreadable date": 0.25}}
    assert len(open_transactions(client(content, customers=limits)).ledger) == 3
    limits = {"max_excluded_by_reason": {"unreadable date": 0.2, "zero amount": 0.0}}
    assert message(client(content, customers=limits)) == (
        "inputs.transactions.path: t.csv: 25.0% of its rows (1 of 4) are excluded as "
        '"unreadable date" (such as row 4), more than the 20.0% that '
        "`customers.max_excluded_by_reason` allows. Check `inputs.transactions.date_format` "
        "against the dates in the file."
    )


def test_blank_lines_do_not_count_towards_the_share(client):
    content = HEADER + "1,2020-01-01,5\n" + "\n" * 50
    ledger = open_transactions(client(content, max_excluded_share=0.0)).ledger
    assert ledger["rows"].tolist() == [51, 50, 1]


CELL = st.sampled_from(
    ["1", "a", "2020-01-01", "2020-05-05", "2019-01-01", "x", "", " ", "5", "-5", "0", "é"]
)
ROW = st.lists(CELL, min_size=3, max_size=3).map(",".join)
GOOD = st.tuples(
    st.sampled_from("ab"), st.sampled_from(["2020-01-01", "2020-02-02"]), st.integers(-3, 3)
).map(lambda row: ",".join(map(str, row)))
RAGGED = st.lists(CELL, max_size=5).map(",".join)
MESSY = st.lists(st.one_of(ROW, GOOD, GOOD, RAGGED, st.just("")), max_size=25)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    lines=MESSY,
    policy=st.sampled_from(["net_by_order", "exclude", "keep"]),
    crlf=st.booleans(),
    quote_at=st.none() | st.integers(0, 25),
)
def test_used_and_excluded_make_up_every_line_read(client, lines, policy, crlf, quote_at):
    """Without closed quotes a physical line is a row: counted here by the text layer alone."""
    if quote_at is not None and quote_at < len(lines):
        lines[quote_at] = 'a,"2020-01-01,5'
    ending = "\r\n" if crlf else "\n"
    body = "".join(line + ending for line in lines)
    stated = {"date_format": "%Y-%m-%d", "decimal": "."}
    engagement = client(HEADER + body, returns=policy, **stated)
    try:
        ledger = open_transactions(engagement).ledger.set_index("status")
    except InputError as error:  # too little is left, which is counted elsewhere
        assert "row" in str(error)
        return
    physical = len(io.StringIO(body, newline="").readlines())
    assert ledger.loc["read", "rows"] == physical
    excluded = ledger[ledger.index == "excluded"]
    assert excluded["rows"].sum() + ledger.loc["used", "rows"] == physical
    assert excluded["reason"].is_unique and set(excluded["reason"]) <= set(REASONS)
    blank = excluded.loc[excluded["reason"] == "blank line", "rows"].sum()
    assert blank == sum(not line.strip() for line in lines)
