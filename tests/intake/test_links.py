"""Whether the client's tables speak of the same customers, initiatives and assets."""

from __future__ import annotations

import pyarrow
import pytest

from crmlib.intake import open_client
from crmlib.intake.checks import Link

ROWS = "customer_id,date,amount\n" + "".join(f"{i},2020-01-{i:02d},5\n" for i in range(1, 31))


@pytest.fixture(scope="module")
def sent(send):
    return open_client(
        send(
            transactions=ROWS,
            customers=pyarrow.table({"customer_id": [1, 2, 2, 40, 41], "age": [1, 2, 3, 4, 5]}),
            contacts="customer_id,campaign,arm,channel,sent_at\n"
            + "".join(f"{i:05d},C1,treated,mail,2020-02-01\n" for i in range(1, 16)),
            survey="respondent_id,customer_id,q\nr1,7,1\nr2,7,2\nr3,,3\nr4,A-8,1\n",
            external="customer_id,wallet\n3,1\n4,1\n",
            identities="source_id,customer_id\nold,9\n",
            initiatives="id,name,lever,horizon,segments,reach,take_up,unit_cost,fixed_cost,"
            "effect_unit,prior_mean,prior_sd,evidence,half_life\n"
            "I1,x,retain,early,all,0.5,0.2,3.5,1000,retention_pp,0.03,0.01,B,2\n",
            processes="initiative,step,exists\nI1,a,yes\nI2,a,yes\nI3,a,no\nI3,b,no\n",
            requires="initiative,asset\nI1,A1\n",
        )
    )


def link(client, table: str, column: str = "customer_id") -> Link:
    return next(each for each in client.links if (each.table, each.column) == (table, column))


def test_different_customers_are_counted_once_and_missing_ids_not(sent):
    found = link(sent, "survey")
    assert (found.values, found.found, found.missing, found.others) == (2, 1, 1, 30)


def test_whole_numbers_and_text_are_the_same_ids(sent):
    found = link(sent, "customers")
    assert (found.values, found.found, found.missing, found.alike) == (4, 2, 2, 0)


def test_ids_that_differ_in_zeros_in_front_are_told_apart_and_named(sent):
    found = link(sent, "contacts")
    assert (found.values, found.found, found.alike) == (15, 0, 15)


@pytest.mark.parametrize(
    "theirs, alike", [("k-1 ", 1), ("K 1", 1), ("k001", 0), ("0K1", 1), ("K1", 0), ("L1", 0)]
)
def test_spellings(send, theirs, alike):
    """`K1` bought; zeros within an id are part of it."""
    poor = open_client(
        send(
            transactions="customer_id,date,amount\nK1,2020-01-01,5\nb,2020-01-02,5\n",
            customers=f'customer_id,age\n"{theirs}",1\n',
        )
    )
    assert link(poor, "customers").alike == alike


def test_references_lead_to_the_tables_that_are_there(sent):
    found = link(sent, "processes", "initiative")
    assert (found.other, found.values, found.found, found.missing) == ("initiatives", 3, 1, 2)
    assert link(sent, "requires", "initiative").missing == 0
    assert not [each for each in sent.links if each.column == "asset"]  # no table of assets


def test_identities_are_no_customers_of_their_own(sent):
    assert "identities" not in {each.table for each in sent.links}


def test_what_the_checks_say_of_them(sent):
    """No exact number of a few customers; references are no persons."""
    said = {check.topic: check for check in sent.checks}
    external = said["external and transactions"]
    assert (external.found, external.verdict) == (
        "All customers in external are found in transactions.", "good"
    )  # fmt: skip
    processes = said["processes and initiatives"]
    assert (processes.found, processes.verdict) == (
        "2 of 3 values of initiative in processes are not in initiatives.", "weak"
    )  # fmt: skip
    contacts = said["contacts and transactions"]
    assert (contacts.found, contacts.verdict) == (
        "No customer in contacts is found in transactions.", "weak"
    )  # fmt: skip
    assert contacts.ask == "Do contacts and transactions name customers in the same way?"
    assert said["requires and initiatives"].verdict == "good"
