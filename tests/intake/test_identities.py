"""Ids that belong together become one customer, in purchases and in every other table."""

from __future__ import annotations

import pyarrow
import pytest

from crmlib.errors import InputError
from crmlib.intake import open_client, open_transactions, to_frame
from crmlib.intake.client_tables import open_table
from crmlib.intake.identities import NOBODY, follow
from crmlib.intake.reading.reader import connect

ROWS = (
    "customer_id,date,amount\n"
    "a1,2020-01-01,5\na2,2020-01-01,7\na2,2020-03-01,11\nb,2020-02-01,1\nc,2020-05-01,2\n"
)


def pairs(connection, *both: tuple[object, object]) -> object:
    source, target = zip(*both, strict=True)
    table = pyarrow.table({"source_id": list(source), "customer_id": list(target)})
    return connection.create_table("identities", table)


def resolved(*both: tuple[object, object]) -> tuple[dict[str, str], int]:
    connection = connect()
    found = follow(connection, pairs(connection, *both), "ids.csv")
    rows = found.mapping.to_pyarrow().to_pylist()
    return {row["source_id"]: row["merged_id"] for row in rows}, found.merged


def test_a_chain_is_followed_to_its_end():
    chain = [(f"n{i}", f"n{i + 1}") for i in range(21)]
    mapping, merged = resolved(*chain, ("x", "n5"), ("y", "y"))
    assert mapping == {**{f"n{i}": "n21" for i in range(21)}, "x": "n21"}
    assert merged == 22  # y is merged into itself, which is no merger


@pytest.mark.parametrize("length", [2, 3, 4, 5])
def test_a_circle_is_refused(length):
    circle = [(f"n{i}", f"n{(i + 1) % length}") for i in range(length)]
    with pytest.raises(InputError) as caught:
        resolved(("x", "n0"), ("p", "q"), *circle)
    assert str(caught.value) == (
        "ids.csv: its identities go in a circle: some id is merged, over others, into itself. "
        "Let every `source_id` lead to a customer that is not merged further."
    )


def test_whole_numbers_and_text_name_the_same_ids():
    assert resolved((1, 2), (2, 3)) == ({"1": "3", "2": "3"}, 2)


def test_who_is_in_no_pair_stays_and_rows_without_the_column_are_left_alone():
    connection = connect()
    found = follow(connection, pairs(connection, ("a", "b")), "ids.csv")
    rows = connection.create_table("r", pyarrow.table({"customer_id": ["a", "c", None]}))
    ids = found.apply(rows).to_pyarrow()["customer_id"].to_pylist()
    assert set(ids) == {"b", "c", None}
    other = connection.create_table("o", pyarrow.table({"wave": [1]}))
    assert found.apply(other) is other
    assert NOBODY.apply(rows) is rows


@pytest.fixture(scope="module")
def household(send):
    """a1 and a2 are household h, through a1; b and c stay."""
    return open_client(
        send(
            transactions=ROWS,
            identities="source_id,customer_id\na2,a1\na1,h\n",
            customers="customer_id,age,note\na2,20,second\na1,30,first\nb,40,b\nc,50,c\n",
            contracts="customer_id,contract_id,product,start_date,end_date\na1,1,x,2020-01-01,\n"
            "a2,2,x,2020-01-01,\n",
            survey="respondent_id,customer_id,q\nr1,a1,1\nr2,a2,2\n",
            external="customer_id,wallet\nh,1000\na1,1\nb,2\n",
        )
    )


def test_purchases_of_merged_ids_are_summed(household):
    """Two ids on one day are one purchase occasion; the money of both counts."""
    view = household.customer_view().set_index("customer_id")
    assert view.index.tolist() == ["b", "c", "h"]
    assert view.loc["h", ["n_transactions", "frequency", "total_amount"]].tolist() == [2, 1, 23]
    assert view["total_amount"].sum() == 5 + 7 + 11 + 1 + 2
    assert household.transactions.facts.customers == 3
    assert household.transactions.by_month["customers"].tolist()[:3] == [1, 1, 1]


def test_every_table_names_the_household(household):
    for name in ("contracts", "survey"):
        rows = household.tables[name].rows.to_pyarrow().to_pylist()
        assert [row["customer_id"] for row in rows] == ["h", "h"], name


def test_a_household_has_one_row_of_attributes(household):
    """Its own where there is one, or else the first; the others stand in the ledger."""
    rows = household.tables["customers"].rows.to_pyarrow().to_pylist()
    notes = {row["customer_id"]: row["note"] for row in rows}
    assert notes == {"h": "second", "b": "b", "c": "c"}
    assert len(rows) == 3
    rows = household.tables["external"].rows.to_pyarrow().to_pylist()
    assert [(r["customer_id"], float(r["wallet"])) for r in rows] == [("h", 1000), ("b", 2)]
    lost = household.ledger[household.ledger["reason"] == "row of a merged id"]
    assert lost.set_index("table")["rows"].to_dict() == {"customers": 1, "external": 1}
    assert len(household.customer_view()) == 3


def test_the_own_row_stands_also_behind_that_of_a_merged_id(send):
    engagement = send(
        transactions=ROWS,
        identities="source_id,customer_id\na2,a1\n",
        customers="customer_id,age\na2,20\na1,30\na1,31\n",
    )
    found = open_client(engagement).tables["customers"]
    rows = found.rows.to_pyarrow().to_pylist()
    assert [(row["customer_id"], row["age"]) for row in rows] == [("a1", 30.0)]
    lost = found.ledger[found.ledger["status"] == "excluded"]
    assert lost["reason"].tolist() == ["row of a merged id", "second row with the same key"]


def test_rows_of_merged_ids_do_not_stop_intake(send):
    engagement = send(
        transactions=ROWS,
        identities="source_id,customer_id\na2,h\na1,h\nb,h\n",
        customers="customer_id,age\na1,1\na2,2\nb,3\n",
        options={"max_excluded_share": 0.1},
    )
    assert len(open_client(engagement).tables["customers"].rows.to_pyarrow()) == 1


def test_the_check_counts_merged_ids(household):
    check = next(check for check in household.checks if check.topic == "identities")
    assert (check.found, check.verdict) == ("2 ids are merged into other customers.", "good")


def test_a_circle_in_the_clients_file(send):
    with pytest.raises(InputError, match=r"identities\.csv: its identities go in a circle"):
        open_client(send(identities="source_id,customer_id\na,b\nb,a\n"))


def test_whole_numbers_of_parquet_meet_ids_of_text(client, tmp_path):
    rows = pyarrow.table(
        {
            "customer_id": pyarrow.array([1, 2, 3], pyarrow.int64()),
            "date": ["2020-01-01", "2020-01-02", "2020-01-03"],
            "amount": [1.0, 2.0, 4.0],
        }
    )
    pyarrow.parquet.write_table(rows, tmp_path / "t.parquet")
    (tmp_path / "identities.csv").write_text("source_id,customer_id\n2,1\n")
    tables = {"identities": {"path": "identities.csv"}}
    engagement = client(None, "t.parquet", folder=tmp_path, tables=tables)
    customers = to_frame(open_client(engagement).transactions.customers.order_by("customer_id"))
    assert customers["customer_id"].tolist() == ["1", "3"]
    assert customers["total_amount"].tolist() == [3.0, 4.0]


def test_returns_are_netted_after_merging(send):
    """What one id of a person bought another may bring back."""
    engagement = send(
        transactions="customer_id,date,amount\na,2020-01-01,5\na,2020-02-01,9\nb,2020-01-01,-5\n",
        identities="source_id,customer_id\nb,a\n",
    )
    connection = connect()
    table = open_table(connection, engagement, "identities", NOBODY)
    merged = follow(connection, table.rows, "ids.csv")
    purchases = open_transactions(engagement, connection, merged).purchases.to_pyarrow().to_pylist()
    assert [(row["customer_id"], float(row["amount"])) for row in purchases] == [("a", 9.0)]
