"""Each excluded row stands under exactly one reason: the first that applies."""

from __future__ import annotations

import datetime as dt

import pyarrow
import pytest

from crmlib.errors import CrmError, InputError
from crmlib.intake import open_transactions
from crmlib.intake.reading.probe import locate
from crmlib.intake.reading.reader import connect, read_raw
from crmlib.intake.reasons import REASONS, check_reasons, remedy
from crmlib.intake.transactions import sort_rows
from crmlib.tables import TABLES

HEADER = "customer_id,date,amount\n"
GOOD = "1,2020-01-01,5\n"


def rows_of(engagement) -> pyarrow.Table:
    """Every row with its reason, in the file's order."""
    source, connection = locate(engagement), connect()
    rows = sort_rows(connection, read_raw(connection, source), source, engagement).rows
    return rows.order_by("record").to_pyarrow()


def reasons(engagement) -> list[str | None]:
    return rows_of(engagement)["reason"].to_pylist()


@pytest.mark.parametrize(
    "row, reason",
    [
        ("1,2020-01-02", "unreadable line"),
        ('1,"2020-01-02,5', "unreadable line"),
        ("", "blank line"),
        (",2020-01-02,5", "missing customer_id"),
        ("  ,2020-01-02,5", "missing customer_id"),
        (",,", "missing customer_id"),
        ("1,,5", "missing date"),
        ("1,02.01.2020,5", "unreadable date"),
        ("1,2020-02-30,5", "unreadable date"),
        ("1,2020-01-02x,5", "unreadable date"),
        ("1,20-01-02,5", "unreadable date"),  # the year 20
        ("1,2019-12-31,5", "before observation_start"),
        ("1,2021-01-01,5", "after observation_end"),
        ("1,2020-01-02,", "missing amount"),
        ("1,2020-01-02,  ", "missing amount"),
        ("1,2020-01-02,five", "unreadable amount"),
        ('1,2020-01-02,"1,234.50"', None),
        ("1,2020-01-02,$5", "amount in another currency"),
        ("1,2020-01-02,5 EUR", None),
        ("1,2020-01-02,(5)", "negative amount"),
        ("1,2020-01-02,1_000", "unreadable amount"),
        ("1,2020-01-02,nan", "unreadable amount"),
        ("1,2020-01-02,inf", "unreadable amount"),
        ("1,2020-01-02,1e40", "unreadable amount"),
        ("1,2020-01-01,5", "exact duplicate row"),
        ("1,2020-01-02,0.00", "zero amount"),
        ("1,2020-01-02,-5", "negative amount"),
        ("01,2020-01-01,5", None),
        (" 1 ,2020-01-02, 5.5 ", None),
        ("1,2020-12-31,+1e2", None),
        ("1,2020-1-2,.5", None),
    ],
)
def test_reason_of_a_row(client, row, reason):
    content = HEADER + GOOD + row + "\n"
    stated = {"date_format": "%Y-%m-%d", "decimal": "."}
    assert reasons(client(content, returns="exclude", **stated)) == [None, reason]


def test_reasons_are_tried_in_the_order_of_their_table(client):
    """Rows that lose one defect after another climb through the reasons in order."""
    rows = [
        ",x,x", "1,x,x", "1,2019-01-01,x", "1,2022-01-01,", "1,2020-01-02,",
        "1,2020-01-02,x", "1,2020-01-02,0", "1,2020-01-02,0", "1,2020-01-02,-1",
    ]  # fmt: skip
    content = HEADER + "\n".join(rows) + "\n"
    found = reasons(client(content, returns="exclude", date_format="%Y-%m-%d", decimal="."))
    assert found == [
        "missing customer_id", "unreadable date", "before observation_start",
        "after observation_end", "missing amount", "unreadable amount", "zero amount",
        "exact duplicate row", "negative amount",
    ]  # fmt: skip
    tried = [reason for reason in REASONS if reason in found]
    first_zero, duplicate = found.index("zero amount"), found.index("exact duplicate row")
    found[first_zero], found[duplicate] = found[duplicate], found[first_zero]
    assert found == tried


def test_policies_keep_duplicates_and_zero_amounts(client):
    content = HEADER + GOOD + GOOD + "1,2020-01-02,0\n"
    assert reasons(client(content)) == [None, "exact duplicate row", "zero amount"]
    assert reasons(client(content, duplicates="keep", zero_amounts="keep")) == [None] * 3


def test_a_duplicate_is_equal_in_every_column_also_unmapped_and_empty_ones(client):
    content = "customer_id,date,amount,note\n1,2020-01-01,5,\n1,2020-01-01,5,a\n1,2020-01-01,5,\n"
    assert reasons(client(content)) == [None, None, "exact duplicate row"]


def test_without_observation_start_every_earlier_day_counts(client):
    assert reasons(client(HEADER + "1,1997-01-01,5\n", start=None)) == [None]


def test_quantity_times_unit_price_is_exact(client):
    rows = ["1,2020-01-01,3,0.1", "2,2020-01-01,-2,1.005", "3,2020-01-01,,1", "4,2020-01-01,1,x"]
    content = "customer_id,date,quantity,unit_price\n" + "\n".join(rows) + "\n"
    table = rows_of(client(content, decimal="."))
    assert [str(a) for a in table["amount"].to_pylist()[:2]] == ["0.300000", "-2.010000"]
    assert table["reason"].to_pylist() == [None, None, "missing amount", "unreadable amount"]


def test_other_date_formats_are_read_strictly(client):
    """Without its time a day is still the day; month before day is not."""
    content = HEADER + "1,31/12/2020 23:59,5\n1,12/31/2020 23:59,5\n1,31/12/2020,5\n"
    found = reasons(client(content, date_format="%d/%m/%Y %H:%M"))
    assert found == [None, "unreadable date", None]


@pytest.mark.parametrize("date_format", ["%Q", "%Y-%m", "YYYY-MM-DD"])
def test_date_format_that_states_no_day_is_refused(client, date_format):
    with pytest.raises(InputError) as caught:
        open_transactions(client(HEADER + GOOD, date_format=date_format))
    assert str(caught.value) == (
        f"inputs.transactions.date_format: `{date_format}` does not state a day, a month and a "
        "year. For 31.12.2024 it is `%d.%m.%Y`."
    )


def test_ids_are_text_with_their_leading_zeros(client):
    found = open_transactions(
        client(HEADER + " 007 ,2020-01-01,5\n7,2020-01-01,5\n", end=dt.date(2020, 1, 31))
    )
    assert found.ordered().customer_id.to_pyarrow().to_pylist() == ["007", "7"]


def test_rows_of_another_file_are_told_apart_from_duplicates(client, tmp_path):
    """Three policies for a row that stands twice in one file and once in the next."""
    (tmp_path / "a.csv").write_text(HEADER + GOOD + GOOD)
    (tmp_path / "b.csv").write_text(HEADER + GOOD + "2,2020-01-01,5\n")
    files = {"folder": tmp_path, "path": ["a.csv", "b.csv"]}
    within, across = "exact duplicate row", "repeats a row of another file"
    assert reasons(client(None, **files)) == [None, within, across, None]
    assert reasons(client(None, duplicates="keep_within_file", **files)) == [
        None,
        None,
        across,
        None,
    ]
    assert reasons(client(None, duplicates="keep", **files)) == [None] * 4


def test_every_reason_has_a_remedy():
    assert all(remedy(reason) for reason in REASONS)
    for name, table in TABLES.items():
        for column in table.columns:
            assert column in remedy(f"missing {column}", name) or remedy(f"missing {column}", name)
    assert remedy("unreadable start_date", "contracts") == (
        "Ask for a day in `start_date` (its first day)."
    )
    assert remedy("lost", "transactions") == ""


def test_a_threshold_for_a_reason_that_no_row_can_have():
    check_reasons({"unreadable date": 0.1, "missing contract_id": 0.0})
    with pytest.raises(CrmError, match="Did you mean `unreadable date`"):
        check_reasons({"unreadable dates": 0.1})
