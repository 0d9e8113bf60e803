"""The raw table holds the file, whatever its packing, types and defects."""

from __future__ import annotations

import datetime as dt
import gzip
from decimal import Decimal

import duckdb
import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmlib import params
from crmlib.errors import InputError
from crmlib.intake.reading import reader
from crmlib.intake.reading.probe import locate, probe
from crmlib.intake.reading.reader import connect, forget, querying, read_raw

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
        ("t.csv.gz", gzip.compress((HEADER + ROWS).encode(), mtime=0)),
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


def stored(client, folder, columns: dict[str, pyarrow.Array]):
    pyarrow.parquet.write_table(pyarrow.table(columns), folder / "t.parquet")
    return client(None, "t.parquet", folder=folder)


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


def test_rows_know_their_file_and_their_place_in_it(client, tmp_path):
    (tmp_path / "a.csv").write_text("customer_id,date,amount\n1,2020-01-01,5\n\n2,2020-01-02,7\n")
    (tmp_path / "b.csv").write_text("note;amount;date;customer_id\nx;9;2020-01-03;3\nbad\n")
    assert numbered(client(None, ["b.csv", "a.csv"], folder=tmp_path)) == [
        (1, 0, 1, "record", "1", "2020-01-01", "5", None),
        (2, 0, 2, "blank", None, None, None, None),
        (3, 0, 3, "record", "2", "2020-01-02", "7", None),
        (4, 1, 1, "record", "3", "2020-01-03", "9", "x"),
        (5, 1, 2, "rejected", None, None, None, None),
    ]


def parquet(folder, name: str, **columns) -> None:
    pyarrow.parquet.write_table(pyarrow.table(columns), folder / name)


def test_parquet_files_are_one_view_without_a_copy(client, tmp_path):
    parquet(tmp_path, "a.parquet", customer_id=[1, 2], date=["d", "e"], amount=[1.5, 2.0])
    parquet(tmp_path, "b.parquet", amount=[7.0], date=["f"], customer_id=[3])
    connection, source = connect(), locate(client(None, "*.parquet", folder=tmp_path))
    table = read_raw(connection, source)
    assert [tuple(row.values()) for row in table.order_by("record").to_pyarrow().to_pylist()] == [
        (1, 0, 1, "record", 1, "d", 1.5),
        (2, 0, 2, "record", 2, "e", 2.0),
        (3, 1, 1, "record", 3, "f", 7.0),
    ]
    assert connection.con.execute("SELECT count(*) FROM duckdb_tables()").fetchone() == (0,)
    forget(connection, source)
    assert connection.list_tables() == []


def test_types_that_differ_between_files_become_text_where_a_number_would_lose(client, tmp_path):
    big = 2**53 + 1
    parquet(tmp_path, "a.parquet", customer_id=[big], date=[DAYS[0]], amount=[Decimal("1.25")])
    parquet(tmp_path, "b.parquet", customer_id=[7.0], date=["2020-02-01"], amount=[2])
    assert [row[4:] for row in numbered(client(None, "*.parquet", folder=tmp_path))] == [
        (str(big), "2020-01-31", Decimal("1.25")),
        ("7", "2020-02-01", Decimal("2.00")),
    ]


def test_parquet_beside_text_becomes_text(client, tmp_path):
    parquet(tmp_path, "a.parquet", customer_id=[1.0], date=DAYS, amount=[0.1], tags=[[1, 2]])
    (tmp_path / "b.csv").write_text(HEADER + ROWS)
    assert [row[4:] for row in numbered(client(None, ["*.*"], folder=tmp_path))] == [
        ("1", "2020-01-31", "0.1", "[1, 2]"),
        ("007", "2020-01-01", "5.10", None),
        ("8", "2020-01-02", None, None),
    ]


def test_names_of_parquet_columns_may_be_anything_and_stand_twice(client, tmp_path):
    names = ["customer_id", "date", "amount", "a \"b\" 'c'", "Date", ""]
    table = pyarrow.table([["1"], ["2020-01-01"], [5], [6], [7], [8]], names=names)
    pyarrow.parquet.write_table(table, tmp_path / "t.parquet")
    assert numbered(client(None, "t.parquet", folder=tmp_path))[0][4:] == (
        "1", "2020-01-01", 5, 6, 7, 8
    )  # fmt: skip
    table = table.rename_columns([*names[:3], "x", "x", "file_row_number"])
    pyarrow.parquet.write_table(table, tmp_path / "t.parquet")
    with pytest.raises(InputError, match="has a column `file_row_number`"):
        locate(client(None, "t.parquet", folder=tmp_path))
    pyarrow.parquet.write_table(table.drop(["file_row_number"]), tmp_path / "t.parquet")
    with pytest.raises(InputError, match="the header names `x` more than once"):
        locate(client(None, "t.parquet", folder=tmp_path))


def test_no_row_is_an_empty_table(client, tmp_path):
    parquet(tmp_path, "t.parquet", customer_id=TEXT[:0], date=DAYS[:0], amount=ONE[:0])
    assert numbered(client(None, "t.parquet", folder=tmp_path)) == []
    for content in (HEADER, HEADER.strip(), "title\n" + HEADER):
        assert numbered(client(content, skip_rows=int("title" in content))) == []


@pytest.mark.parametrize(
    ("role", "array", "message"),
    [
        ("amount", pyarrow.array([[1]]), "holds list<element: int64>, which cannot be an amount"),
        ("amount", pyarrow.array([dt.timedelta(1)]), "cannot be an amount (`amount`)"),
        ("amount", pyarrow.array([True]), "holds bool, which cannot be an amount"),
        ("customer_id", pyarrow.array([{"a": 1}]), "cannot be an identifier"),
        ("customer_id", pyarrow.array([b"x"]), "holds binary, which cannot be an identifier"),
        ("date", pyarrow.array([True]), "holds bool, which cannot be a day"),
        ("date", pyarrow.array([dt.time(1)]), "cannot be a day (`date`). Export it as a date."),
    ],
)
def test_a_type_that_cannot_play_its_role_is_refused(client, tmp_path, role, array, message):
    columns = {"customer_id": TEXT, "date": DAYS, "amount": ONE} | {role: array}
    with pytest.raises(InputError) as caught:
        locate(stored(client, tmp_path, columns))
    assert message in str(caught.value)


def test_a_damaged_page_of_parquet_is_told_when_it_is_met(client, tmp_path):
    columns = {
        "customer_id": pyarrow.array([f"c{n * 7919 % 10_007}" for n in range(20_000)]),
        "date": pyarrow.array(["2020-01-01"] * 20_000),
        "amount": pyarrow.array(range(20_000)),
    }
    engagement = stored(client, tmp_path, columns)
    content = bytearray((tmp_path / "t.parquet").read_bytes())
    content[200:4000] = bytes(3800)
    (tmp_path / "t.parquet").write_bytes(content)
    source = locate(engagement)
    with pytest.raises(InputError, match="is not a readable Parquet file"), querying(source):
        read_raw(connect(), source).to_pyarrow()


def test_a_defect_of_ours_is_not_blamed_on_the_file(client, tmp_path):
    source = locate(stored(client, tmp_path, {"customer_id": TEXT, "date": DAYS, "amount": ONE}))
    with pytest.raises(duckdb.Error), querying(source):
        connect().con.execute("SELECT 1 FROM nowhere")


def test_parquet_that_changes_under_its_view_is_told(client, tmp_path):
    columns = {"customer_id": TEXT, "date": DAYS, "amount": ONE}
    connection, source = connect(), locate(stored(client, tmp_path, columns))
    read_raw(connection, source)
    parquet(tmp_path, "t.parquet", **columns, more=ONE)
    with pytest.raises(InputError, match="changed while it was read"):
        forget(connection, source)


ANY = st.text(alphabet='ab1 ,"\n\r\0é', max_size=80)


@settings(max_examples=80, deadline=None, derandomize=True)
@given(rows=ANY, ends=st.sampled_from(["\n", "\r\n", "\r"]))
def test_both_ways_of_reading_agree_on_every_file(shared, rows, ends):
    """What the engine reads strictly is what the tokenizer would have read."""
    client, folder, connection = shared
    content = HEADER.replace("\n", ends).encode() + rows.encode()
    try:
        source = locate(client(content, folder=folder, delimiter=","))
    except InputError:  # every row of another width
        return
    found = []
    for strictly in (reader._read_strictly, lambda *_: False):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(reader, "_read_strictly", strictly)
            found.append(read_raw(connection, source).order_by("record").to_pyarrow().to_pylist())
        forget(connection, source)
    assert found[0] == found[1]


@pytest.fixture(scope="module")
def shared(client, tmp_path_factory):
    return client, tmp_path_factory.mktemp("shared"), connect()


def test_every_other_table_is_read_by_its_own_columns(client, tmp_path):
    (tmp_path / "who.csv").write_text("Nr;Region\n1;North\n")
    (tmp_path / "wallet.csv").write_text("region,wallet\nNorth,100\n")
    base = client(HEADER + ROWS, folder=tmp_path)
    raw_params = base.model_dump() | {
        "inputs": {
            "transactions": {"path": "t.csv"},
            "customers": {"path": "who.csv", "columns": {"customer_id": "Nr"}},
            "external": {"path": "wallet.csv", "key": "region"},
        }
    }
    engagement = params.resolve(raw_params, "test.yml", tmp_path)
    probe(engagement)
    assert numbered(engagement, "customers") == [(1, 0, 1, "record", "1", "North")]
    assert locate(engagement, "external").roles == {"wallet": "wallet"}
    raw_params["inputs"]["external"]["key"] = "regoin"
    with pytest.raises(InputError, match="there is no column `regoin`, which"):
        probe(params.resolve(raw_params, "test.yml", tmp_path))
