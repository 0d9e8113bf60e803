"""The raw table holds the file, whatever its packing, types and defects."""

from __future__ import annotations

import datetime as dt
import gzip
from decimal import Decimal

import pyarrow
import pyarrow.parquet
import pytest

from crmlib.errors import InputError
from crmlib.intake.probe import locate
from crmlib.intake.reader import connect, read_raw

HEADER = "customer_id,date,amount\n"
ROWS = "007,2020-01-01,5.10\n8,2020-01-02,\n"


def numbered(engagement, table: str = "transactions") -> list[tuple]:
    """record, file, row, kind and the cells."""
    found = read_raw(connect(), locate(engagement, table)).order_by("record").to_pyarrow()
    return [tuple(row.values()) for row in found.to_pylist()]


def raw(engagement) -> list[tuple]:
    """record, kind and the cells; of one file."""
    rows = numbered(engagement)
    assert all(file == 0 and row == record for record, file, row, *_ in rows)
    return [(record, *rest) for record, _, _, *rest in rows]


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


def stored(client, folder, columns: dict[str, pyarrow.Array], **settings):
    pyarrow.parquet.write_table(pyarrow.table(columns), folder / "t.parquet")
    return client(None, "t.parquet", folder=folder, **settings)


MOMENT = dt.datetime(2020, 1, 31, 23, 30)
DAYS = pyarrow.array([MOMENT.date()])
TEXT, ONE = pyarrow.array(["a"]), pyarrow.array([1])


@pytest.mark.parametrize(
    "array, type_name",
    [
        (pyarrow.array([12]), "int64"),
        (pyarrow.array([12], pyarrow.uint64()), "uint64"),
        (pyarrow.array([12.5]), "float64"),
        (pyarrow.array([Decimal("0.10")]), "decimal(2, 2)"),
        (pyarrow.array(["x"]).dictionary_encode(), "string"),
        (pyarrow.array([True]), "boolean"),
        (pyarrow.array([None], pyarrow.null()), "int32"),
        (pyarrow.array([MOMENT], pyarrow.timestamp("ns")), "timestamp(9)"),
        (pyarrow.array([[1, 2]]), "string"),
        (pyarrow.array([{"a": 1}]), "string"),
        (pyarrow.array([[("k", 1)]], pyarrow.map_(pyarrow.string(), pyarrow.int8())), "string"),
        (pyarrow.array([b"\xff"]), "string"),
        (pyarrow.array([b"1234567890123456"], pyarrow.binary(16)), "string"),
        (pyarrow.array([dt.timedelta(1)]), "string"),
        (pyarrow.array([dt.time(1)]), "string"),
    ],
    ids=lambda each: str(each.type) if isinstance(each, pyarrow.Array) else "",
)
def test_parquet_keeps_its_types_and_passes_the_strange_ones_on_as_text(
    client, tmp_path, array, type_name
):
    columns = {"customer_id": TEXT, "date": DAYS, "amount": ONE, "other": array}
    table = read_raw(connect(), locate(stored(client, tmp_path, columns)))
    assert str(table.schema()["c3"]).removesuffix("!") == type_name
    assert len(table.to_pyarrow()) == 1


def test_wildcards_in_a_file_name_are_letters(client, tmp_path):
    """Unescaped, `[1]` would be read as `1`, and that is another file."""
    for name, amount in [("t1.parquet", 1), ("t[1].parquet", 2)]:
        columns = {"customer_id": ["a"], "date": ["2020-01-01"], "amount": [amount]}
        pyarrow.parquet.write_table(pyarrow.table(columns), tmp_path / name)
    assert raw(client(None, "t[1].parquet", folder=tmp_path)) == [
        (1, "record", "a", "2020-01-01", 2)
    ]
