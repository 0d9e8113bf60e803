"""The raw table holds the file, whatever its packing, types and defects."""

from __future__ import annotations

import datetime as dt
import gzip
from decimal import Decimal

import pyarrow
import pyarrow.parquet
import pytest

from crmlib.errors import InputError
from crmlib.intake import open_transactions
from crmlib.intake.probe import locate
from crmlib.intake.reader import connect, read_raw

HEADER = "customer_id,date,amount\n"
ROWS = "007,2020-01-01,5.10\n8,2020-01-02,\n"


def raw(engagement) -> list[tuple]:
    table = read_raw(connect(), locate(engagement)).order_by("record").to_pyarrow()
    return [tuple(row.values()) for row in table.to_pylist()]


EXPECTED = [
    (1, "record", "007", "2020-01-01", "5.10"),
    (2, "record", "8", "2020-01-02", None),
]


@pytest.mark.parametrize(
    "name, content",
    [
        ("t.csv", (HEADER + ROWS).encode()),
        ("t.csv", b"\xef\xbb\xbf" + (HEADER + ROWS).encode()),
        ("t.csv", (HEADER + ROWS).replace("\n", "\r\n").encode()),
        ("t.csv", (HEADER + ROWS.replace("\n", "\r\n")).encode()),  # mixed: the tokenizer reads
        ("t.csv.gz", gzip.compress((HEADER + ROWS).encode())),
        ("it's [1]*.csv", (HEADER + ROWS).encode()),
    ],
)
def test_text_stays_as_it_is(client, name, content):
    assert raw(client(content, name)) == EXPECTED


def test_every_delimiter_of_params_is_used(client):
    assert raw(client((HEADER + ROWS).replace(",", ";"), delimiter=";")) == EXPECTED


def test_defects_keep_their_place_in_the_file(client):
    content = HEADER + '1,"2020-01-01,5\n\n' + ROWS + "x,y\n"
    assert [(row[0], row[1], row[2]) for row in raw(client(content))] == [
        (1, "rejected", None),
        (2, "blank", None),
        (3, "record", "007"),
        (4, "record", "8"),
        (5, "rejected", None),
    ]


def test_blank_lines_alone_are_not_lost(client):
    kinds = [row[1] for row in raw(client(HEADER + "\n" + ROWS + "\n\n"))]
    assert kinds == ["blank", "record", "record", "blank", "blank"]


def test_column_names_may_differ_in_capitals_alone(client):
    engagement = client("customer_id,date,amount,Amount,record,kind\n1,2020-01-01,5,6,7,8\n")
    assert raw(engagement) == [(1, "record", "1", "2020-01-01", "5", "6", "7", "8")]


def test_bytes_of_another_encoding_are_refused_with_their_place(client):
    content = HEADER.encode() + b"1,2020-01-01,5\n" * 100_000 + "Mü".encode("latin-1")
    offset = len(HEADER) + 15 * 100_000 + 1
    with pytest.raises(InputError, match=f"byte {offset:,} belongs to another encoding"):
        raw(client(content + b",2020-01-01,5\n"))


@pytest.mark.parametrize("cut", [4, 9, 60_000])
def test_damaged_gzip_is_refused(client, cut):
    rows = "".join(f"{i},2020-01-01,{i * 7919 % 1000}\n" for i in range(40_000))
    with pytest.raises(InputError, match="damaged gzip file"):
        raw(client(gzip.compress((HEADER + rows).encode())[:-cut], "t.csv.gz"))


def purchases(client, folder, columns: dict[str, pyarrow.Array], **settings) -> list[dict]:
    pyarrow.parquet.write_table(pyarrow.table(columns), folder / "t.parquet")
    intake = open_transactions(client(None, "t.parquet", folder=folder, **settings))
    return intake.purchases.to_pyarrow().to_pylist()


MOMENT = dt.datetime(2020, 1, 31, 23, 30)


INTEGERS = (pyarrow.array([12, 7]), ["12", "7"])
FLOATS = (pyarrow.array([12.0, 7.5]), ["12", "7.5"])
TEXTS = (pyarrow.array([" 012 ", "7"]), ["012", "7"])
DOUBLES = pyarrow.array([0.1, 2.5])
DECIMALS = pyarrow.array([Decimal("0.10"), Decimal("2.50")])


@pytest.mark.parametrize(
    "ids, dates, amounts",
    [
        (INTEGERS, pyarrow.array([MOMENT.date()] * 2), DOUBLES),
        (FLOATS, pyarrow.array([MOMENT] * 2), DECIMALS),
        (TEXTS, pyarrow.array([MOMENT] * 2, pyarrow.timestamp("ns")), DOUBLES),
        (INTEGERS, pyarrow.array([MOMENT] * 2, pyarrow.timestamp("us", tz="UTC")), DECIMALS),
        (TEXTS, pyarrow.array(["2020-01-31"] * 2), pyarrow.array(["0.1", "2.5"])),
    ],
    ids=["date", "timestamp", "nanoseconds", "utc", "text"],
)
def test_parquet_types(client, tmp_path, ids, dates, amounts):
    stored, expected = ids
    found = purchases(client, tmp_path, {"customer_id": stored, "date": dates, "amount": amounts})
    assert [row["customer_id"] for row in found] == expected
    assert {row["date"] for row in found} == {dt.date(2020, 1, 31)}
    assert [row["amount"] for row in found] == [Decimal("0.1"), Decimal("2.5")]


def test_wildcards_in_a_file_name_are_letters(client, tmp_path):
    """Unescaped, `[1]` would be read as `1`, and that is another file."""
    for name, amount in [("t1.parquet", 1), ("t[1].parquet", 2)]:
        columns = {"customer_id": ["a"], "date": ["2020-01-01"], "amount": [amount]}
        pyarrow.parquet.write_table(pyarrow.table(columns), tmp_path / name)
    found = open_transactions(client(None, "t[1].parquet", folder=tmp_path))
    assert found.facts.total_amount == 2.0


def test_parquet_integer_dates_follow_the_date_format(client, tmp_path):
    columns = {"customer_id": [1], "date": [20200131], "amount": [3]}
    arrays = {name: pyarrow.array(cells) for name, cells in columns.items()}
    found = purchases(client, tmp_path, arrays, date_format="%Y%m%d")
    assert found[0]["date"] == dt.date(2020, 1, 31)


def test_parquet_nan_and_infinity_are_unreadable(client, tmp_path):
    amount = [1.0, float("inf"), float("nan"), None]
    table = pyarrow.table({"customer_id": ["1"] * 4, "date": ["2020-01-01"] * 4, "amount": amount})
    pyarrow.parquet.write_table(table, tmp_path / "t.parquet")
    ledger = open_transactions(client(None, "t.parquet", folder=tmp_path)).ledger
    found = ledger.set_index("reason")["rows"]
    assert (found["unreadable amount"], found["missing amount"]) == (2, 1)
