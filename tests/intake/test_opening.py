"""Opening a file: what a reader is told about it, and what must not change the result."""

from __future__ import annotations

import dataclasses
import datetime as dt
import gzip
import random

import pytest

from crmlib import intake
from crmlib.errors import InputError

HEADER = "customer_id,date,amount,order_id\n"
ROWS = [
    "a,2020-01-31,5,1", "a,2020-01-31,2.5,2", "b,2020-03-01,1,3",
    "a,2020-03-01,4,4", "a,2020-03-11,4,5", "a,2020-03-12,-4,5", "c,x,9,6",
]  # fmt: skip
CONTENT = HEADER + "\n".join(ROWS) + "\n"


def test_facts(client):
    facts = intake.open_transactions(client(CONTENT, end=dt.date(2020, 3, 31))).facts
    new = facts.new_customers
    assert [(f"{month:%Y-%m}", count) for month, count in new.items()] == [
        ("2020-01", 1), ("2020-03", 1)
    ]  # fmt: skip
    assert dataclasses.replace(facts, new_customers=None) == intake.Facts(
        window_start=dt.date(2020, 1, 1),
        window_end=dt.date(2020, 3, 31),
        first_date=dt.date(2020, 1, 31),
        last_date=dt.date(2020, 3, 1),
        rows=4,
        customers=2,
        orders=4,
        purchase_days=3,
        total_amount=12.5,
        one_time_share=0.5,
        repeat_customers=1,
        days_between_purchases=30.0,
        days_without_purchase_share=1 - 2 / 91,
        largest_customer_share_of_rows=0.75,
        all_amounts_equal=False,
        has_order_id=True,
        has_margin=False,
        new_customers=None,
    )


def test_window_starts_with_the_first_purchase_where_params_do_not_say(client):
    facts = intake.open_transactions(client(CONTENT, start=None)).facts
    assert facts.window_start == dt.date(2020, 1, 31)


def test_without_repeat_purchases_there_are_no_days_between_them(client):
    content = "customer_id,date,amount\na,2020-01-01,1\n"
    facts = intake.open_transactions(client(content)).facts
    assert facts.days_between_purchases is None
    assert facts.has_order_id is False


def test_months_without_a_row_are_zero(client):
    by_month = intake.open_transactions(client(CONTENT, end=dt.date(2020, 4, 15))).by_month
    assert [f"{month:%Y-%m-%d}" for month in by_month["month"]] == [
        "2020-01-01", "2020-02-01", "2020-03-01", "2020-04-01"
    ]  # fmt: skip
    assert by_month.drop(columns="month").to_numpy().tolist() == [
        [2, 1, 7.5], [0, 0, 0], [2, 2, 5.0], [0, 0, 0]
    ]  # fmt: skip


@pytest.mark.parametrize("policy", ["net_by_order", "exclude", "keep"])
def test_result_does_not_depend_on_row_order_or_packing(client, tmp_path, policy):
    """Plain, packed, shuffled, and with a line end that only the tokenizer reads."""
    shuffled = random.Random(3).sample(ROWS, len(ROWS))
    versions = {
        "t.csv": CONTENT.encode(),
        "packed.csv.gz": gzip.compress(CONTENT.encode()),
        "shuffled.csv": (HEADER + "\n".join(shuffled) + "\n").encode(),
        "mixed.csv": (HEADER + "\r\n".join(ROWS) + "\n").encode(),
    }
    found = set()
    for name, content in versions.items():
        opened = intake.open_transactions(client(content, name, returns=policy))
        intake.write(opened.ordered(), tmp_path / name)
        found.add((tmp_path / name).read_bytes())
    assert len(found) == 1


def test_parquet_written_by_us_can_be_opened_again(client, tmp_path):
    first = intake.open_transactions(client(CONTENT))
    intake.write(first.purchases, tmp_path / "t.parquet")
    again = intake.open_transactions(client(None, "t.parquet", folder=tmp_path))
    assert again.facts.total_amount == first.facts.total_amount
    assert again.facts.customers == first.facts.customers


def test_missing_column_is_reported_before_anything_is_read(client):
    with pytest.raises(InputError, match="there is no column `amount`"):
        intake.open_transactions(client("customer_id,date,sum\n1,2020-01-01,3\n"))


def test_unknown_names_of_the_package_are_refused():
    assert intake.open_transactions.__module__ == "crmlib.intake.transactions"
    with pytest.raises(AttributeError, match="no attribute 'openn'"):
        _ = intake.openn


def test_a_base_of_single_persons_is_refused(client):
    content = "customer_id,date,amount\na,2020-01-01,1\na,2020-01-02,1\n"
    with pytest.raises(InputError) as error:
        intake.open_transactions(client(content, min_cell=10))
    assert "1 customer remains after cleaning; a report needs at least 10" in str(error.value)
    assert "`privacy.min_cell`" in str(error.value)
    assert intake.open_transactions(client(content, min_cell=1)).facts.customers == 1


def test_a_base_without_revenue_is_refused(client):
    content = "customer_id,date,amount\na,2020-01-01,10\na,2020-01-02,-30\n"
    with pytest.raises(InputError) as error:
        intake.open_transactions(client(content, returns="keep"))
    assert "its usable rows add up to EUR -20.00; a base needs positive revenue." in str(
        error.value
    )


@pytest.mark.parametrize("word", ["infinity", "-infinity", "epoch", "1900-01-01", "today"])
def test_words_and_null_dates_are_no_days(client, word):
    content = f"customer_id,date,amount\na,2020-01-01,10\nb,{word},5\n"
    ledger = intake.open_transactions(client(content, start=None)).ledger
    assert ledger.set_index("reason").loc["unreadable date", "rows"] == 1


def test_large_products_are_exact_and_absurd_ones_unreadable(client):
    content = "customer_id,date,quantity,unit_price\na,2020-01-01,1000,1234567.891\n"
    content += (
        "b,2020-01-01,999999999999,999999999999\nc,2020-01-01,-2,3000000\nc,2020-01-01,3,3000000\n"
    )
    opened = intake.open_transactions(client(content))
    assert opened.facts.total_amount == pytest.approx(1_234_567_891 + 3_000_000, abs=1e-6)
    assert opened.ledger.set_index("reason").loc["unreadable amount", "rows"] == 1
