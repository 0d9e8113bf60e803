"""What customers did in the time before a day: one row of behaviour each (S1).

Purchases say when, how often and for how much; contracts which products; the client's
ledger what a customer brought, cost, and through which channel. Where there are no contracts
or no ledger, the purchases' own products and channels say it, if the client gave them.
Only what had happened by the day counts, so that the same call on an earlier day shows the
customers of that day. Rows are summed in the engine, money as exact decimals and gaps as
whole days; what comes to pandas is one row per customer.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from crmlib.intake.calendar import DAYS_A_MONTH
from crmlib.intake.customers import text_ids, to_frame
from crmlib.intake.parts import (
    PRODUCTS_BOUGHT,
    by_parts,
    counts_products,
    of_parts,
    part_names,
    purchase_parts,
    sums_by_part,
    untold,
)
from crmlib.intake.reading.reader import connect
from crmlib.intake.usual import Usual

YEAR = 365  # days over which the season goes round
QUARTERS = 4
FEWEST_GAPS = 3  # between purchase days, for their regularity
_KNOWN_SINCE = "known_since"
_LINES = ("revenue", "cost_to_serve", "risk_cost")  # marketing is what the company does
_BY_PART = (
    ("cost_in_", "cost_to_serve", "channel"),
    ("revenue_from_", "revenue", "product"),
    ("risk_from_", "risk_cost", "product"),
)
_SHARE = {"cost_in_": "cost_share_", "spend_in_": "spend_share_"}


def read_behaviour(
    customers: Path,
    purchases: ir.Table,
    contracts: object,
    ledger: object,
    *,
    as_of: dt.date,
    days: int = YEAR,
    usual: Usual | None = None,
    parts: object = None,
) -> pd.DataFrame:
    """Behaviour of every customer who was known on a day, as it was known on that day.

    Parameters
    ----------
    customers : Path
        The version's `customers` table: who is a customer, and `joined` where it is given.
    purchases : ibis.Table
        customer_id, date, amount, n_orders.
    contracts, ledger : Path, or anything else where the client gave none
        Cleaned tables of an earlier chapter.
    as_of : date
        Last day that counts. A month of the ledger counts once it is over.
    days : int
        Length of the window that ends with `as_of`; of the ledger, as many whole months.
    usual : Usual, optional
        Of the customers to whom these are to be compared; else these themselves. Features of
        a table that is given then have a column, even if nobody has any.
    parts : Path, or anything else where purchases are not kept in parts
        customer_id, date, product⁺, channel⁺, amount, as `Intake.kept_parts` leaves them.
        Features that contracts or the ledger say as well are not made of them.

    Returns
    -------
    DataFrame of shape (n_known, 1 + n_features)
        customer_id, then floats, NaN where a feature has no meaning for a customer; a
        feature that has none for anybody has no column. Ordered by customer_id. Known is
        whose first purchase, contract or booking lies on or before `as_of`.

        recency (days since the last purchase day), frequency (purchase days in the
        window), spend and mean_ticket (money, in the window and per purchase day), trend
        (logarithm of spend in the later over the earlier half, half a purchase added to
        each; of who was known when the window began), regularity (coefficient of variation
        of the days between purchase days, all that are observed), peak_share (share of a
        year's spend in the quarter that is best for all customers together, drawn to
        theirs by the weight of one purchase), returned_share (of money spent) · products
        (distinct, of running contracts) · revenue, cost_to_serve, risk_cost, cost_in_… by
        channel, cost_share_… (of cost to serve), revenue_from_… and risk_from_… by product ·
        products_bought (distinct, in the window, net of returns), spend_on_… by product,
        spend_in_… by channel and spend_share_… (of spend with a channel) ·
        tenure (months since `joined`, else since the first sign).
    """
    people = to_frame(_people(customers))
    tables = [_of_purchases(purchases, as_of, days, as_of if usual is None else usual.day)]
    if isinstance(contracts, Path):
        tables.append(_of_contracts(contracts, as_of))
    if isinstance(ledger, Path):
        tables.append(_of_ledger(ledger, as_of, days, usual))
    since = pd.concat([table[_KNOWN_SINCE] for table in tables], axis=1).min(axis=1)
    since = since.reindex(people["customer_id"]).reset_index(drop=True)
    if isinstance(parts, Path):
        tables.append(_of_parts(parts, contracts, ledger, as_of, days, usual))
    if since.isna().all():
        return people.loc[[], ["customer_id"]]
    known = people[since.notna()].set_index("customer_id")
    since = since[since.notna()].set_axis(known.index)
    joined = pd.to_datetime(known["joined"]) if "joined" in known else since
    started = joined.where(joined <= pd.Timestamp(as_of), since)
    features = pd.concat(
        [_described(table.drop(columns=_KNOWN_SINCE, errors="ignore").reindex(known.index), since,
                    as_of, days, usual)
         for table in tables], axis=1,
    )  # fmt: skip
    features["tenure"] = (pd.Timestamp(as_of) - started).dt.days / DAYS_A_MONTH
    features = features.astype(float)
    if usual is None:
        features = features.dropna(axis=1, how="all")
    return features.rename_axis("customer_id").reset_index()


def read_usual(
    purchases: ir.Table,
    ledger: object,
    *,
    as_of: dt.date,
    days: int = YEAR,
    contracts: object = None,
    parts: object = None,
) -> Usual:
    """What `read_behaviour` takes from all customers together; same parameters."""
    quarter, share = _season(_of_purchases(purchases, as_of, days, as_of))
    usual = Usual(as_of, quarter, share)
    if isinstance(ledger, Path):
        rows, inside = _booked(ledger, as_of, days)
        named = {
            prefix: part_names(rows, inside & (rows.line == line), part)
            for prefix, line, part in _BY_PART
            if part in rows.columns
        }
        usual = _with_parts(replace(usual, lines=_lines(rows, inside)), named)
    if isinstance(parts, Path):
        rows, inside = purchase_parts(parts, as_of, days)
        wanted = _wanted(contracts, ledger)
        prefixes = by_parts(rows, wanted).items()
        named = {prefix: part_names(rows, inside, part) for prefix, part in prefixes}
        usual = _with_parts(usual, named)
        usual = replace(usual, products_bought=counts_products(rows, wanted))
    return usual


def _with_parts(usual: Usual, named: Mapping[str, tuple[tuple[str, ...], bool]]) -> Usual:
    """With the parts that have a column of their own, and whether there are more."""
    largest = {prefix: names for prefix, (names, _) in named.items()}
    others = tuple(prefix for prefix, (_, more) in named.items() if more)
    return replace(usual, parts={**usual.parts, **largest}, others=(*usual.others, *others))


def _wanted(contracts: object, ledger: object) -> tuple[str, ...]:
    """Features of purchase parts that these tables do not say."""
    columns = None
    if isinstance(ledger, Path):
        columns = connect().read_parquet(str(ledger)).columns
    return untold(contracts=isinstance(contracts, Path), ledger=columns)


def _people(customers: Path) -> ir.Table:
    """Ids, and since when they are customers where the client says so."""
    rows = text_ids(connect().read_parquet(str(customers)))
    kept = [name for name in ("customer_id", "joined") if name in rows.columns]
    return rows.select(kept).order_by("customer_id")


def _of_purchases(
    purchases: ir.Table, as_of: dt.date, days: int, season_day: dt.date
) -> pd.DataFrame:
    """Sums over each customer's purchase days, by customer; `_described` makes features of them.

    Quarters are counted back from `season_day`, whatever day of the year `as_of` is.
    """
    rows = text_ids(purchases.filter(purchases.date <= ibis.literal(as_of)))
    bought = rows.n_orders > 0
    age = ibis.literal(as_of).delta(rows.date, unit="day")
    inside, late = age < days, age < days // 2
    before = (age + (season_day - as_of).days % YEAR) % YEAR
    quarters = {
        f"quarter_{place}": rows.amount.sum(
            where=(age < YEAR) & (before * QUARTERS // YEAR == place)
        )
        for place in range(QUARTERS)
    }
    sums = rows.group_by("customer_id").agg(
        known_since=rows.date.min(where=bought),
        last=rows.date.max(where=bought),
        frequency=(bought & inside).sum(),
        spend=rows.amount.sum(where=inside),
        spend_late=rows.amount.sum(where=late),
        returned=rows.amount.sum(where=inside & (rows.amount < 0)),
        **quarters,
    )
    by_customer = ibis.window(group_by="customer_id", order_by="date")
    occasions = rows.filter(bought)
    gap = occasions.date.delta(occasions.date.lag().over(by_customer), unit="day")
    dated = occasions.mutate(gap=gap)
    gaps = dated.group_by("customer_id").agg(
        gaps=dated.gap.count(), gap_sum=dated.gap.sum(), gap_squares=(dated.gap * dated.gap).sum()
    )
    table = to_frame(sums.order_by("customer_id")).set_index("customer_id")
    spaced = to_frame(gaps.order_by("customer_id")).set_index("customer_id")
    # DuckDB sums whole numbers to integers of 128 bits, which arrive as decimals
    return table.join(spaced.astype("float64"))


def _of_contracts(path: Path, as_of: dt.date) -> pd.DataFrame:
    """Distinct products of the contracts that run on a day, by customer who ever had one."""
    rows = text_ids(connect().read_parquet(str(path)))
    rows = rows.filter(rows.start_date <= ibis.literal(as_of))
    runs = rows.end_date.isnull() | (rows.end_date >= ibis.literal(as_of))
    found = rows.group_by("customer_id").agg(
        known_since=rows.start_date.min(), products=rows["product"].nunique(where=runs)
    )
    return to_frame(found.order_by("customer_id")).set_index("customer_id")


def _of_ledger(path: Path, as_of: dt.date, days: int, usual: Usual | None) -> pd.DataFrame:
    """What a customer brought and cost in the last whole months, by channel and product."""
    rows, inside = _booked(path, as_of, days)
    lines = _lines(rows, inside) if usual is None else usual.lines
    sums = {line: rows.amount.sum(where=inside & (rows.line == line)) for line in lines}
    for prefix, line, part in _BY_PART:
        if part in rows.columns:
            counted = inside & (rows.line == line)
            largest, more = _columns_of(rows, counted, prefix, part, usual)
            sums |= sums_by_part(rows, counted, prefix, part, largest, others=more)
    found = rows.group_by("customer_id").agg(
        known_since=rows.month.min(where=rows.line != "marketing"), **sums
    )
    return to_frame(found.order_by("customer_id")).set_index("customer_id")


def _of_parts(
    path: Path, contracts: object, ledger: object, as_of: dt.date, days: int, usual: Usual | None
) -> pd.DataFrame:
    """What a customer bought and where, as far as neither contracts nor the ledger say it."""
    rows, inside = purchase_parts(path, as_of, days)
    if usual is None:
        wanted = _wanted(contracts, ledger)
    else:  # a table that only some customers lack must not change what a feature is made of
        wanted = (*usual.parts, *([PRODUCTS_BOUGHT] if usual.products_bought else []))
    named = {
        prefix: _columns_of(rows, inside, prefix, part, usual)
        for prefix, part in by_parts(rows, wanted).items()
    }
    return of_parts(rows, inside, wanted, named)


def _columns_of(
    rows: ir.Table, counted: ir.BooleanValue, prefix: str, part: str, usual: Usual | None
) -> tuple[tuple[str, ...], bool]:
    """The parts with a column of their own, and whether all others share one."""
    if usual is None:
        return part_names(rows, counted, part)
    return usual.parts.get(prefix, ()), prefix in usual.others


def _booked(path: Path, as_of: dt.date, days: int) -> tuple[ir.Table, ir.BooleanValue]:
    """The ledger until a day, and which of its rows lie in the window."""
    rows = text_ids(connect().read_parquet(str(path)))
    first, last = _whole_months(as_of, days)
    rows = rows.filter(rows.month <= ibis.literal(as_of))
    return rows, rows.month.between(ibis.literal(first), ibis.literal(last))


def _lines(rows: ir.Table, inside: ir.BooleanValue) -> tuple[str, ...]:
    """Lines of the ledger that are booked in the window, marketing aside."""
    seen = set(to_frame(rows.filter(inside).select("line").distinct())["line"])
    return tuple(line for line in _LINES if line in seen)


def _whole_months(as_of: dt.date, days: int) -> tuple[dt.date, dt.date]:
    """First days of the first and last of the months that make up a window and are over."""
    end = pd.Timestamp(as_of)
    last = end.to_period("M") if end.is_month_end else end.to_period("M") - 1
    first = last - (max(1, round(days / DAYS_A_MONTH)) - 1)
    return first.to_timestamp().date(), last.to_timestamp().date()


def _described(
    sums: pd.DataFrame, since: pd.Series, as_of: dt.date, days: int, usual: Usual | None
) -> pd.DataFrame:
    """Features from one table's sums; who is in none of its rows has brought and done nothing."""
    if "last" not in sums:
        return _with_shares(sums.fillna(0))
    known = (pd.Timestamp(as_of) - since).dt.days
    amounts = sums.drop(columns="last").fillna(0)
    ticket = (amounts["spend"] / amounts["frequency"]).where(amounts["frequency"] > 0)
    late = amounts["spend_late"].clip(lower=0)
    early = (amounts["spend"] - amounts["spend_late"]).clip(lower=0)
    half = ticket.where((ticket > 0) & (known >= days)) / 2
    gross = amounts["spend"] - amounts["returned"]
    table = pd.DataFrame(
        {
            "recency": (pd.Timestamp(as_of) - sums["last"]).dt.days,
            "frequency": amounts["frequency"],
            "spend": amounts["spend"],
            "mean_ticket": ticket,
            "trend": np.log((late + half) / (early + half)),
            "regularity": _regularity(amounts),
            "peak_share": _peak_share(amounts, usual).where(known >= YEAR),
        }
    )
    if usual is not None or (amounts["returned"] < 0).any():
        table["returned_share"] = -amounts["returned"] / gross.where(gross > 0)
    return table


def _regularity(sums: pd.DataFrame) -> pd.Series:
    """Coefficient of variation of the days between purchases: 0 like clockwork, 1 at random."""
    n = sums["gaps"].where(sums["gaps"] >= FEWEST_GAPS)
    mean = sums["gap_sum"] / n
    variance = (sums["gap_squares"] - n * mean**2).clip(lower=0) / (n - 1)
    return np.sqrt(variance) / mean


def _peak_share(sums: pd.DataFrame, usual: Usual | None) -> pd.Series:
    """Share of the last year's spend in the quarter that is best for all.

    One purchase falls in one quarter whatever its buyer's habit: a purchase of the mean
    ticket, spread as everybody's spend is, is added so that few purchases say little.
    """
    quarter, share = _season(sums) if usual is None else (usual.quarter, usual.share)
    quarters = _quarters(sums)
    spent = quarters.sum(axis=1)
    ticket = (sums["spend"] / sums["frequency"]).where(sums["frequency"] > 0)
    ticket = ticket.where((ticket > 0) & (spent > 0))
    return (quarters[f"quarter_{quarter}"] + share * ticket) / (spent + ticket)


def _season(sums: pd.DataFrame) -> tuple[int, float]:
    """The quarter in which all customers together spend most, and its share."""
    # summed exactly, so that neither the order nor the number of customers moves the last digit
    totals = [math.fsum(column) for _, column in _quarters(sums).items()]
    return int(np.argmax(totals)), max(totals) / max(math.fsum(totals), np.finfo(float).tiny)


def _quarters(sums: pd.DataFrame) -> pd.DataFrame:
    names = [f"quarter_{place}" for place in range(QUARTERS)]
    return sums[names].fillna(0).clip(lower=0)


def _with_shares(sums: pd.DataFrame) -> pd.DataFrame:
    """Amounts by channel also as shares of their sum; none where nothing is booked."""
    shares = [sums]
    for prefix, name in _SHARE.items():
        amounts = sums.filter(regex=f"^{prefix}").clip(lower=0)
        total = amounts.sum(axis=1)
        parts = amounts.div(total.where(total > 0), axis=0)
        shares.append(parts.rename(columns=lambda column: name + column[len(prefix) :]))  # noqa: B023
    return pd.concat(shares, axis=1)
