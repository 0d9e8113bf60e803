"""Parquet: types that cannot play their role, odd values, damaged files."""

import datetime as dt
import io
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from corpus import GOOD, SECRET, Case, accepted, every, refused

N = 4
ID = pa.array([f"{SECRET}{at}" for at in range(N)])
DAY = pa.array([dt.date(2024, 1, 13)] * N)
MONEY = pa.array([1.5] * N)


def file(customer_id=ID, date=DAY, amount=MONEY, **others) -> bytes:
    """A file of transactions with these columns."""
    columns = {"customer_id": customer_id, "date": date, "amount": amount, **others}
    return of_table(pa.table(columns))


def of_table(table: pa.Table) -> bytes:
    content = io.BytesIO()
    pq.write_table(table, content)
    return content.getvalue()


def million(path: Path) -> None:
    """A million customers who bought once."""
    n = 1_000_000
    days = pa.array([19_723 + at % 300 for at in range(n)], pa.int32()).cast(pa.date32())
    columns = {"customer_id": range(n), "date": days, "amount": pa.array([Decimal("9.90")] * n)}
    pq.write_table(pa.table(columns), path)


def parquet(name: str, content, expect, **further) -> Case:
    return Case(name, {"sales.parquet": content}, expect, **further)


def role(column: str, content, holds: str, remedy: str) -> Case:
    expect = refused(f"column `{column}` holds {holds}", "which cannot be", remedy)
    return parquet(f"{holds} as {column}", file(**{column: content}), expect)


WHOLE = file()
NANOSECONDS = pa.array([1705104000123456789] * N, pa.timestamp("ns"))

CASES = [
    parquet("a good Parquet file", WHOLE, accepted(4, 4)),
    role("amount", pa.array([[1.0]] * N), "list<", "Export it as a decimal number"),
    role("customer_id", pa.array([{"a": 1}] * N), "struct<", "Export it as text or a whole number"),
    role("date", pa.array([[("a", 1)]] * N, pa.map_(pa.string(), pa.int64())), "map<",
         "Export it as a date"),
    role("customer_id", pa.array([b"x"] * N), "binary", "Export it as text"),
    role("date", pa.array([dt.time(1)] * N), "time64", "Export it as a date"),
    role("amount", pa.array([1] * N, pa.duration("s")), "duration", "Export it as a decimal"),
    role("amount", pa.array([True] * N), "bool", "Export it as a decimal number"),
    role("amount", DAY, "date32", "Export it as a decimal number"),
    role("customer_id", pa.array([True] * N), "bool", "Export it as text"),
    parquet("amounts of 76 digits", file(amount=pa.array([Decimal("1.00")] * N,
                                                          pa.decimal256(60, 2))),
            refused("column `amount` has more than 38 digits", "Export it as decimal(38, 6)")),
    parquet("nested columns without a role", file(basket=pa.array([[1, 2]] * N)), accepted(4, 4)),
    parquet("ids in a dictionary", file(customer_id=ID.dictionary_encode()), accepted(4, 4)),
    parquet("uint64 ids beyond int64", file(customer_id=pa.array([2**64 - 1, 2**64 - 2, 1, 2],
                                                                pa.uint64())),
            accepted(4, 4, says=("4 customers",))),
    parquet("int64 ids beyond 2^53", file(customer_id=pa.array([2**53, 2**53 + 1, 1, 2])),
            accepted(4, 4, says=("4 customers",))),
    parquet("ids as floats", file(customer_id=pa.array([1.0, 2.0, 2.0, None])),
            accepted(4, 2, exact_duplicate_row=1, missing_customer_id=1, says=("2 customers",))),
    parquet("columns of nulls", file(amount=pa.nulls(N)),
            refused("none of its 4 rows can be used", '"missing amount"')),
    parquet("no date but nulls", file(date=pa.nulls(N, pa.date32())),
            refused("none of its 4 rows can be used", '"missing date"')),
    parquet("NaN and infinity", file(amount=pa.array([1.5, float("nan"), float("inf"), None])),
            accepted(4, 1, unreadable_amount=2, missing_amount=1)),
    parquet("nanoseconds", file(date=NANOSECONDS), accepted(4, 4)),
    parquet("times with a zone",
            file(date=pa.array([dt.datetime(2024, 12, 31, 23, 30)] * N, pa.timestamp("us", "UTC"))),
            refused("none of its 4 rows can be used", '"after observation_end"'),
            params={"time_zone": "Asia/Hong_Kong"}),
    parquet("days beyond all calendars", file(date=pa.array([2**31 - 1, -(2**31), 19_000, 19_735],
                                                           pa.int32()).cast(pa.date32())),
            accepted(4, 2, unreadable_date=2)),
    parquet("amounts and days as text",
            file(date=pa.array(["13.01.2024"] * N), amount=pa.array(["1,50", "2,50", "x", "3"])),
            accepted(4, 3, unreadable_amount=1)),
    parquet("days as whole numbers", file(date=pa.array([20240113] * N)), accepted(4, 4)),
    parquet("duplicated names in Parquet",
            of_table(pa.Table.from_arrays([ID, DAY, MONEY, MONEY],
                                          ["customer_id", "date", "amount", "amount"])),
            refused("the header names `amount` more than once")),
    parquet("no rows", of_table(pa.table({"customer_id": ID, "date": DAY, "amount": MONEY})[:0]),
            refused("has a header and no row below it")),
    parquet("no columns", of_table(pa.table({})), refused("sales.parquet", "there is no column")),
    parquet("cut in half", WHOLE[: len(WHOLE) // 2],
            refused("is not a readable Parquet file", "Export the table again")),
    parquet("a damaged page", WHOLE[:40] + bytes(60) + WHOLE[100:],
            refused("is not a readable Parquet file", "Export the table again")),
    parquet("garbage that looks encrypted", b"PARE" + bytes(range(256)) + b"PARE",
            refused("is an encrypted Parquet file", "Export it without encryption")),
    parquet("text named .parquet", GOOD, refused("is plain text named .parquet", "Rename")),
    Case("Parquet named .csv", WHOLE, refused("is a Parquet file named .csv", "Rename it")),
    parquet("a million customers who bought once", million,
            accepted(1_000_000, 1_000_000, says=("1,000,000 customers",))),
]  # fmt: skip

test_bad_parquet = every(CASES)
