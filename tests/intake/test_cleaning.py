"""Each excluded row stands under exactly one reason: the first that applies."""

from __future__ import annotations

import datetime as dt

import pytest

from crmlib.errors import InputError
from crmlib.intake import open_transactions
from crmlib.intake.cleaning import REASONS, clean
from crmlib.intake.probe import locate
from crmlib.intake.reader import connect, read_raw

HEADER = "customer_id,date,amount\n"
GOOD = "1,2020-01-01,5\n"


def reasons(engagement) -> list[str | None]:
    source = locate(engagement)
    rows = clean(read_raw(connect(), source), source, engagement)
    return rows.order_by("record").reason.to_pyarrow().to_pylist()


@pytest.mark.parametrize(
    "row, reason",
    [
        ("1,2020-01-02", "unreadable line"),
        ('1,"2020-01-02,5', "unreadable line"),
        ("", "blank line"),
        (",2020-01-02,5", "missing customer_id"),
        ("  ,2020-01-02,5", "missing customer_id"),
        (",,", "missing customer_id"),
        ("1,,5", "unreadable date"),
        ("1,02.01.2020,5", "unreadable date"),
        ("1,2020-02-30,5", "unreadable date"),
        ("1,2020-01-02x,5", "unreadable date"),
        ("1,20-01-02,5", "unreadable date"),  # the year 20
        ("1,2019-12-31,5", "before observation_start"),
        ("1,2021-01-01,5", "after observation_end"),
        ("1,2020-01-02,", "missing amount"),
        ("1,2020-01-02,  ", "missing amount"),
        ("1,2020-01-02,five", "unreadable amount"),
        ('1,2020-01-02,"1,234.50"', "unreadable amount"),
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
    assert reasons(client(HEADER + GOOD + row + "\n", returns="exclude")) == [None, reason]


def test_reasons_are_tried_in_the_order_of_their_table(client):
    """Rows that lose one defect after another climb through the reasons in order."""
    rows = [
        ",x,x", "1,x,x", "1,2019-01-01,x", "1,2022-01-01,", "1,2020-01-02,",
        "1,2020-01-02,x", "1,2020-01-02,0", "1,2020-01-02,0", "1,2020-01-02,-1",
    ]  # fmt: skip
    found = reasons(client(HEADER + "\n".join(rows) + "\n", returns="exclude"))
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
    source = locate(engagement := client(content))
    table = clean(read_raw(connect(), source), source, engagement).order_by("record").to_pyarrow()
    assert [str(a) for a in table["amount"].to_pylist()[:2]] == ["0.300000", "-2.010000"]
    assert table["reason"].to_pylist() == [None, None, "missing amount", "unreadable amount"]


def test_other_date_formats_are_read_strictly(client):
    content = HEADER + "1,31/12/2020 23:59,5\n1,12/31/2020 23:59,5\n1,31/12/2020,5\n"
    found = reasons(client(content, date_format="%d/%m/%Y %H:%M"))
    assert found == [None, "unreadable date", "unreadable date"]


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
    assert found.purchases.customer_id.to_pyarrow().to_pylist() == ["007", "7"]
