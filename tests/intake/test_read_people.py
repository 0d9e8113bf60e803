"""Everybody the client calls a customer, with outside data and who has left."""

import datetime as dt

import pandas as pd
import pytest

from crmlib.intake.people import attributes_of, read_people
from crmlib.params import ExternalInput

END = dt.date(2025, 12, 31)
CUSTOMERS = pd.DataFrame(
    {
        "customer_id": ["c", "a", "b", "p"],
        "is_prospect": [False, False, None, True],
        "pays": [True, None, False, None],
        "postcode": ["1", "2", "1", "2"],
    }
)


@pytest.fixture
def files(tmp_path):
    def keep(name: str, table: pd.DataFrame):
        path = tmp_path / f"{name}.parquet"
        table.to_parquet(path, index=False)
        return path

    return keep


def test_prospects_are_no_customers_and_wallets_are_joined(files):
    wallets = pd.DataFrame({"customer_id": ["a", "p", "z"], "wallet": [100.0, 5.0, 7.0],
                            "postcode": ["9", "9", "9"]})  # fmt: skip
    contracts = pd.DataFrame(
        [("a", dt.date(2025, 5, 1)), ("c", dt.date(2024, 1, 1)), ("c", None)],
        columns=["customer_id", "end_date"],
    )
    found = read_people(
        files("customers", CUSTOMERS), files("buyers", CUSTOMERS.iloc[:1]),
        files("external", wallets), ExternalInput(path="x"), files("contracts", contracts), END,
    )  # fmt: skip
    assert found["customer_id"].tolist() == ["a", "b", "c"]
    assert found["wallet"].fillna(0).tolist() == [100, 0, 0]
    assert found["postcode"].tolist() == ["2", "1", "1"], "an attribute is not replaced"
    assert found["left"].tolist() == [True, False, False]


def test_outside_data_may_be_joined_by_an_attribute(files):
    rates = pd.DataFrame({"postcode": ["1", "2"], "wallet": [10.0, 20.0]})
    found = read_people(
        files("customers", CUSTOMERS), None, files("external", rates),
        ExternalInput(path="x", key="postcode"), None, END,
    )  # fmt: skip
    assert found["wallet"].tolist() == [20, 10, 10] and "left" not in found


def test_without_a_table_of_customers_the_buyers_stand_for_them(files):
    buyers = pd.DataFrame({"customer_id": ["b", "a"], "wallet": [1.0, 2.0]})
    found = read_people(None, files("buyers", buyers), None, None, None, END)
    assert found["customer_id"].tolist() == ["a", "b"] and found["wallet"].tolist() == [2, 1]


def test_attributes_describe_the_person_and_not_the_purchases(files):
    bought = CUSTOMERS.assign(frequency=3, total_amount=9.5, first_date=END, consent=True)
    found = read_people(None, files("buyers", bought), None, None, None, END)
    assert attributes_of(found).columns.tolist() == ["customer_id", "pays", "postcode"]
