"""A wrong path, format or column is reported before any engine starts."""

from __future__ import annotations

import gzip
import subprocess
import sys
from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from crmlib.errors import InputError
from crmlib.intake.reading.probe import locate, probe

GOOD = "customer_id,date,amount\n1,2020-01-01,5\n"


def message(engagement) -> str:
    with pytest.raises(InputError) as caught:
        probe(engagement)
    return str(caught.value)


@pytest.mark.parametrize("name", ["t.csv", "T.CSV"])
def test_accepts_a_good_file(client, name):
    assert probe(client(GOOD, name)) is None


def test_accepts_gzip_and_byte_order_mark(client):
    packed = gzip.compress(b"\xef\xbb\xbf" + GOOD.encode())
    assert locate(client(packed, "t.csv.gz")).header == ("customer_id", "date", "amount")


def test_missing_file_names_the_path_and_a_neighbour(client, tmp_path):
    (tmp_path / "sales.csv").write_text(GOOD)
    text = message(client(None, "sale.csv", folder=tmp_path))
    assert text == (
        f"inputs.transactions.path: sale.csv: there is no such file ({tmp_path}/sale.csv). "
        "Paths are relative to the params file. Did you mean `sales.csv`?"
    )


def test_folder_is_refused(client, tmp_path):
    (tmp_path / "t.csv").mkdir()
    assert "is a folder; a file was expected" in message(client(None, folder=tmp_path))


def test_other_endings_are_refused(client):
    assert message(client(GOOD, "t.sav")) == (
        "inputs.transactions.path: t.sav: this kind of file is not read; its name must end in "
        ".csv, .txt, .tsv, .dat, .parquet, .xlsx, .xlsm, .xlsb, .xls, .ods (text also with .gz). "
        "Rename a text file to .csv; export anything else as one of these."
    )


def test_empty_file_is_refused(client):
    assert message(client("")) == (
        "inputs.transactions.path: t.csv: is empty (0 bytes). Export the table again."
    )


def test_missing_column_suggests_the_nearest(client):
    text = message(client("custmer_id,date,amount\n"))
    assert text == (
        "inputs.transactions.path: t.csv: there is no column `customer_id`: who bought. "
        "Did you mean `custmer_id`? Name the file's own column in params: "
        "`inputs.transactions.columns.customer_id: <their name>`."
    )


def test_amount_or_both_of_quantity_and_unit_price(client):
    assert "no column `amount` (or `quantity` and `unit_price`)" in message(
        client("customer_id,date,x\n")
    )
    assert "no column `unit_price`" in message(client("customer_id,date,quantity\n"))
    assert "no column `quantity`" in message(client("customer_id,date,unit_price\n"))
    source = locate(client("customer_id,date,quantity,unit_price\n"))
    assert source.amount_roles == ("quantity", "unit_price")


def test_mapped_quantity_goes_before_an_unmapped_amount(client):
    header = "customer_id,date,amount,Qty,Price\n"
    mapped = {"quantity": "Qty", "unit_price": "Price"}
    assert locate(client(header, columns=mapped)).amount_roles == ("quantity", "unit_price")
    assert locate(client(header)).amount_roles == ("amount",)


def test_mapped_column_that_is_absent_is_an_error_even_if_optional(client):
    text = message(client(GOOD, columns={"order_id": "amounts"}))
    assert text == (
        "inputs.transactions.path: t.csv: there is no column `amounts`, which "
        "`inputs.transactions.columns.order_id` names. Did you mean `amount`?"
    )


def test_one_column_cannot_play_two_roles(client):
    text = message(client("who,date,amount\n", columns={"customer_id": "who", "order_id": "who"}))
    assert text == (
        "inputs.transactions.columns: `who` is mapped more than once. "
        "Give each of our columns a column of its own."
    )


def test_order_id_is_found_under_its_own_name(client):
    assert "order_id" in locate(client("customer_id,date,amount,order_id\n")).roles
    assert "order_id" not in locate(client(GOOD)).roles


def test_a_stated_delimiter_that_is_not_there_is_told_from_the_one_that_is(client):
    assert message(client("customer_id;date;amount\n", delimiter=",")) == (
        "inputs.transactions.path: t.csv: its header is one column, `customer_id;date;amount`. "
        'Set `inputs.transactions.delimiter: ";"`, which splits it.'
    )
    assert locate(client("customer_id;date;amount\n")).parts[0].delimiter == ";"


@pytest.mark.parametrize("delimiter", ['"', "\n"])
def test_a_quote_or_line_end_is_no_delimiter(client, delimiter):
    assert "inputs.transactions.delimiter: " in message(client(GOOD, delimiter=delimiter))


def test_columns_without_a_name_are_no_duplicates(client):
    assert probe(client("customer_id,date,amount,,\n")) is None


def test_duplicate_header_names_are_named(client):
    text = message(client("customer_id,date,amount,date\n"))
    assert "the header names `date` more than once" in text


def test_other_encoding_is_named_with_its_byte(client):
    text = message(client("customer_id,date,amount,größe\n".encode("latin-1")))
    assert text == (
        "inputs.transactions.path: t.csv: is not UTF-8 text: byte 26 belongs to another encoding. "
        "It reads as cp1252: set `inputs.transactions.encoding: cp1252` and check some names with "
        "umlauts or Chinese characters, or save the file as UTF-8."
    )


def test_truncated_gzip_is_named(client):
    text = message(client(gzip.compress(GOOD.encode())[:24], "t.csv.gz"))
    assert "is a damaged gzip file" in text


def test_parquet_schema_is_checked(client, tmp_path):
    pd.DataFrame({"who": [1], "date": ["2020-01-01"], "amount": [1.0]}).to_parquet(
        tmp_path / "t.parquet"
    )
    assert "there is no column `customer_id`" in message(client(None, "t.parquet", folder=tmp_path))
    assert "is not a readable Parquet file" in message(client(b"PAR1\0\0\0\0PAR1", "u.parquet"))


def test_no_engine_is_loaded():
    code = (
        "import sys, crmlib.intake.reading.probe; "
        "print(sorted({'ibis', 'duckdb', 'pandas', 'pyarrow'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_link_is_known_by_its_own_name(client, tmp_path):
    (tmp_path / "object-1a2b").write_text(GOOD)
    (tmp_path / "t.csv").symlink_to(tmp_path / "object-1a2b")
    assert probe(client(None, folder=tmp_path)) is None


def test_a_link_to_itself_is_said_in_one_message(client, tmp_path):
    (tmp_path / "t.csv").symlink_to(tmp_path / "t.csv")
    said = message(client(None, folder=tmp_path))
    assert f"is a link that leads back to itself (to {tmp_path}/t.csv)." in said


def test_parquet_decimals_that_the_engine_misreads_are_refused(client, tmp_path):
    amounts = pa.array([Decimal("1.00")], pa.decimal256(40, 2))
    table = pa.table({"customer_id": ["a"], "date": ["2020-01-01"], "amount": amounts})
    pq.write_table(table, tmp_path / "t.parquet")
    said = message(client(None, "t.parquet", folder=tmp_path))
    assert "column `amount` has more than 38 digits (decimal256(40, 2))" in said
