"""Tables of some customers: each row that is not used is named, and any number will do."""

from __future__ import annotations

import pytest

from crmlib.errors import InputError
from crmlib.intake import open_client, open_some

SALES = (
    "customer_id,date,amount,order\n"
    "a,2020-01-01,5,1\n"
    ",2020-01-02,5,2\n"
    "b,soon,5,3\n"
    "b,2020-01-05,9,4\n"
    "b,2020-01-09,-9,4\n"
    "a,2020-01-01,5,1\n"
)


def listed(client) -> list[tuple]:
    columns = ["table", "row", "rows", "customer_id", "reason"]
    return list(client.refused[columns].itertuples(index=False, name=None))


def test_each_row_is_named_with_its_reason(send):
    settings = {"columns": {"order_id": "order"}}
    client = open_some(send(SALES, options=settings))
    assert listed(client) == [
        ("transactions", 2, 1, "", "missing customer_id"),
        ("transactions", 3, 1, "b", "unreadable date"),
        ("transactions", 4, 2, "b", "order returned in full"),
        ("transactions", 6, 1, "a", "exact duplicate row"),
    ]
    excluded = client.ledger.loc[client.ledger["status"] == "excluded", "rows"].sum()
    assert client.refused["rows"].sum() == excluded
    assert client.customer_view()["customer_id"].tolist() == ["a"]
    assert set(client.refused["file"]) == {"t.csv"}


def test_rows_of_other_tables_are_named_too(send):
    contracts = (
        "customer_id,contract_id,product,start_date,end_date\n"
        "a,k1,loan,2020-01-01,\n"
        "a,k1,loan,2020-02-01,\n"
        "a,k2,,2020-02-01,\n"
    )
    client = open_some(send(contracts=contracts))
    assert [line[1:] for line in listed(client)] == [
        (2, 1, "a", "second row with the same key"),
        (3, 1, "a", "missing product"),
    ]


def test_no_usable_row_is_no_mistake_for_some_and_one_for_a_base(send):
    sales = "customer_id,date,amount\n,2020-01-01,5\n"
    client = open_some(send(sales))
    assert client.customer_view().empty
    with pytest.raises(InputError, match="none of its 1 row can be used"):
        open_client(send(sales))


def test_a_base_does_not_list_its_rows(send):
    client = open_client(send(SALES, options={"columns": {"order_id": "order"}}))
    assert client.transactions.refused is None
