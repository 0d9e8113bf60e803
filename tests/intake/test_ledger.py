"""The row ledger says where every row went, and stops what leaves too little."""

from __future__ import annotations

import io
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmlib.errors import InputError
from crmlib.intake import open_transactions
from crmlib.intake.cleaning import REASONS, clean
from crmlib.intake.ledger import COLUMNS, build_ledger
from crmlib.intake.probe import locate
from crmlib.intake.reader import connect, read_raw
from crmlib.intake.returns import settle_returns

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
        "", REASONS["missing customer_id"], REASONS["unreadable amount"], ""
    ]  # fmt: skip


def test_rows_under_an_unknown_reason_are_a_defect_of_the_program(client):
    source = locate(engagement := client(HEADER + "1,2020-01-01,5\n"))
    rows = clean(read_raw(connect(), source), source, engagement)
    with pytest.raises(RuntimeError, match="used \\+ excluded is not read"):
        build_ledger(rows.mutate(reason=rows.customer_id))


@pytest.mark.parametrize("rows", ["", "\n", "\n\n \n"])
def test_file_without_rows(client, rows):
    assert message(client(HEADER + rows)) == (
        "inputs.transactions.path: t.csv: has a header and no row below it. Export the table again."
    )


def test_file_in_which_every_row_is_excluded(client):
    content = HEADER + "1,01.02.2020,5\n1,02.02.2020,5\n,2020-01-01,1\n"
    assert message(client(content)) == (
        "inputs.transactions.path: t.csv: none of its 3 rows can be used; the commonest reason "
        'is "unreadable date" (2 rows). Check `inputs.transactions.date_format` against the '
        "dates in the file."
    )


def test_too_large_a_share_is_excluded(client):
    content = HEADER + "1,2020-01-01,5\n\n\n1,2020-01-02,5\n1,2020-01-03,5\n1,x,5\n"
    assert message(client(content, max_excluded_share=0.2)) == (
        "inputs.transactions.path: t.csv: 25.0% of its rows (1 of 4) are excluded, more than the "
        "20.0% that `customers.max_excluded_share` allows; the commonest reason is "
        '"unreadable date" (1 row). Check `inputs.transactions.date_format` against the dates '
        "in the file. If the exclusions are right, raise `customers.max_excluded_share`."
    )


def test_a_share_that_is_just_allowed_passes(client):
    content = HEADER + "1,2020-01-01,5\n1,2020-01-02,5\n1,2020-01-03,5\n1,x,5\n"
    ledger = open_transactions(client(content, max_excluded_share=0.25)).ledger
    assert ledger["rows"].tolist() == [4, 1, 3]


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
    engagement = client(HEADER + body, returns=policy)
    source = locate(engagement)
    rows = clean(read_raw(connect(), source), source, engagement)
    ledger = build_ledger(settle_returns(rows, policy)).set_index("status")
    physical = len(io.StringIO(body, newline="").readlines())
    assert ledger.loc["read", "rows"] == physical
    excluded = ledger[ledger.index == "excluded"]
    assert excluded["rows"].sum() + ledger.loc["used", "rows"] == physical
    assert excluded["reason"].is_unique and set(excluded["reason"]) <= set(REASONS)
    blank = excluded.loc[excluded["reason"] == "blank line", "rows"].sum()
    assert blank == sum(not line.strip() for line in lines)
