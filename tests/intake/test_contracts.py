"""Contracts with impossible dates are excluded by name; the others reach survival whole."""

import datetime as dt
from decimal import Decimal

import pandas as pd
import pytest

from crmlib.errors import InputError
from crmlib.intake import open_client, read_attributes, read_contracts
from crmlib.intake.customers import write
from crmlib.intake.reading.probe import probe
from crmlib.value import contract_spells

HEADER = "customer_id,contract_id,product,start_date,end_date,monthly_margin\n"
START, END = dt.date(2020, 1, 1), dt.date(2020, 12, 31)  # of the engagement that `send` makes


@pytest.fixture(scope="module")
def bad(send):
    """A window's last day is observed; the day after is not."""
    rows = [
        "a,last_day,x,2020-12-31,,1.5",
        "a,later,x,2021-01-01,,1",
        "a,later_and_ended,x,2021-02-01,2021-01-01,1",
        "b,one_day,x,2020-03-01,2020-03-01,2",
        "b,backwards,x,2020-03-01,2020-02-29,2",
        "b,for_ever,x,2001-05-17,9999-12-31,",
        "a,known_end,y,2020-02-01,2021-06-30,3",
        "a,before,y,1999-01-01,2019-12-31,4",
    ]
    identities = "source_id,customer_id\nb,a\n"
    return open_client(send(contracts=HEADER + "\n".join(rows) + "\n", identities=identities))


def test_impossible_dates_stand_in_the_ledger_under_their_reason(bad):
    lines = bad.ledger[bad.ledger["table"] == "contracts"]
    excluded = lines[lines["status"] == "excluded"].set_index("reason")
    assert excluded["rows"].to_dict() == {
        "starts after observation_end": 2,
        "ends before it starts": 1,
    }
    assert excluded["remedy"].str.len().gt(20).all()
    assert lines.set_index("status")["rows"]["used"] == 5


def test_what_is_left_makes_spells_of_one_customer(bad, tmp_path):
    path = tmp_path / "contracts.parquet"
    write(bad.tables["contracts"].rows, path)
    found = read_contracts(path)
    assert list(found) == [
        "customer_id", "contract_id", "product", "start_date", "end_date", "margin"
    ]  # fmt: skip
    assert found["contract_id"].is_monotonic_increasing
    assert set(found["customer_id"]) == {"a"}
    assert found["margin"].dtype == float and found["margin"].isna().sum() == 1
    spells = contract_spells(found, start=START, end=END).set_index("contract_id")
    assert spells["running"].to_dict() == {
        "before": False, "for_ever": True, "known_end": True, "last_day": True, "one_day": False
    }  # fmt: skip
    assert spells.loc["for_ever", "tenure"] == 235


def test_a_file_that_is_mostly_impossible_is_refused(send):
    rows = "".join(f"a,{k},x,2020-03-01,2020-02-01,1\n" for k in range(5))
    content = f"{HEADER}{rows}a,9,x,2020-03-01,,1\n"
    with pytest.raises(InputError, match="ends before it starts"):
        open_client(send(contracts=content, options={"max_excluded_share": 0.2}))


def test_contracts_without_a_margin_and_with_numbers_for_ids_are_read(tmp_path):
    path = tmp_path / "contracts.parquet"
    pd.DataFrame(
        {"customer_id": [7, 8], "contract_id": ["b", "a"], "product": "x",
         "start_date": [START, START], "end_date": [END, None]},
    ).to_parquet(path, index=False)  # fmt: skip
    found = read_contracts(path)
    assert list(found["customer_id"]) == ["8", "7"]
    assert "margin" not in found
    assert found["end_date"].isna().tolist() == [True, False]


def test_attributes_are_read_by_the_clients_names(tmp_path):
    path = tmp_path / "customers.parquet"
    pd.DataFrame(
        {"customer_id": ["b", "a"], "joined": [START, None], "consent": [True, None],
         "acquisition_cost": [Decimal("1.50"), None], "plz": ["01067", "80331"]}
    ).to_parquet(path, index=False)  # fmt: skip
    found = read_attributes(path)
    assert found["customer_id"].tolist() == ["a", "b"]
    assert found["plz"].tolist() == ["80331", "01067"]
    assert found["acquisition_cost"].tolist()[1] == 1.5
    assert pd.api.types.is_datetime64_any_dtype(found["joined"])


PEOPLE = "customer_id,since,canal,town\na,2019-01-02,web,Ulm\n"
ROLES = {"customers": {"columns": {"joined": "since", "preferred_channel": "canal"}}}


def probed(send, *names):
    """Headers only, with attributes named in `value.contract_drivers`."""
    engagement = send(settings=ROLES, customers=PEOPLE)
    chapter = engagement.value.model_copy(update={"contract_drivers": list(names)})
    probe(engagement.model_copy(update={"value": chapter}))


def test_attributes_are_known_by_our_names_and_the_clients(send):
    probed(send, "preferred_channel", "town")


@pytest.mark.parametrize(
    "name, hint",
    [
        ("twon", "Did you mean `town`?"),
        ("canal", "Known here: `joined`, `preferred_channel`, `town`."),
        ("customer_id", "Known here"),
    ],
)
def test_an_unknown_attribute_is_named_with_those_that_are_there(send, name, hint):
    with pytest.raises(InputError) as caught:
        probed(send, "town", name)
    said = str(caught.value)
    assert f"customers.csv: there is no attribute `{name}`, which `value.contract_drivers`" in said
    assert hint in said


def test_an_unknown_channel_of_acquisition_is_named_with_its_setting(send):
    engagement = send(settings=ROLES, customers=PEOPLE)
    chapter = engagement.value.model_copy(update={"acquired_by": "twon"})
    with pytest.raises(InputError, match=r"`twon`, which `value\.acquired_by` names"):
        probe(engagement.model_copy(update={"value": chapter}))
