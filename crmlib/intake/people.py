"""Everybody the client calls a customer, with attributes and outside data, one row each.

The `customers` table of a version holds who has bought, has a contract or is in the ledger;
questions of who pays and decides (V11), and of what customers spend elsewhere (V12), are also
about those who did and have none of that.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import ibis
import pandas as pd

from crmlib.intake.customers import SUMMED, to_frame
from crmlib.intake.reading.reader import connect
from crmlib.params import ExternalInput

# Columns beside the client's customers that do not describe a person.
NOT_OF_THE_PERSON = (*SUMMED, "left", "is_prospect", "consent")


def read_people(
    customers: object,
    buyers: Path,
    external: object,
    settings: ExternalInput | None,
    contracts: object,
    end: dt.date,
) -> pd.DataFrame:
    """Customers without prospects, joined with outside data by the key that the params name.

    Parameters
    ----------
    customers, external, contracts : Path, or anything else where the client gave none
        Cleaned tables of an earlier chapter.
    buyers : Path
        The `customers` table of this version, which stands in for customers that were not
        given; it holds the outside data already.
    settings : ExternalInput, optional
        Names the key.
    end : date
        Last day observed.

    Returns
    -------
    DataFrame
        customer_id, attributes, outside columns that are called like no attribute, and
        left (bool: all contracts have ended) where contracts are given; ordered by id.
    """
    connection = connect()
    people = connection.read_parquet(str(customers if isinstance(customers, Path) else buyers))
    if "is_prospect" in people.columns:
        people = people.filter(~people.is_prospect.fill_null(False)).drop("is_prospect")
    key = settings.key if settings else "customer_id"
    if isinstance(external, Path) and isinstance(customers, Path) and key in people.columns:
        outside = connection.read_parquet(str(external))
        new = [name for name in outside.columns if name not in people.columns]
        if key in outside.columns and new:
            outside = outside.select(*new, _key=outside[key].cast("string"))
            outside = outside.distinct(on="_key", keep="first")
            joined = people.mutate(_key=people[key].cast("string")).left_join(outside, "_key")
            people = joined.select(*people.columns, *new)
    table = to_frame(people.order_by("customer_id"))
    if not isinstance(contracts, Path):
        return table
    rows = connection.read_parquet(str(contracts))
    ended = rows.end_date.notnull() & (rows.end_date <= ibis.literal(end))
    gone = to_frame(rows.group_by("customer_id").agg(left=ended.all()))
    left = table["customer_id"].map(gone.set_index("customer_id")["left"])
    return table.assign(left=left.fillna(False).astype(bool))


def attributes_of(people: pd.DataFrame) -> pd.DataFrame:
    """What describes the person, for a card of a segment: neither purchases nor contracts.

    Parameters
    ----------
    people : DataFrame
        As `read_people` gives it.

    Returns
    -------
    DataFrame
        customer_id and attributes, those from outside included; without what intake has
        summed up, without `left`, and without whether the person may be reached.
    """
    return people.drop(columns=list(NOT_OF_THE_PERSON), errors="ignore")
