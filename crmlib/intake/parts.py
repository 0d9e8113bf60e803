"""Which products customers buy and through which channels, from their purchases (V1, S1).

The transactions may say of each row what was bought and where. A purchase day is then also
kept in parts, and features of breadth and of channels come from them where neither contracts
nor the ledger say the same. Products and channels are many in some businesses: the largest
get a column of their own, all others share one.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from pathlib import Path

import ibis
import ibis.expr.types as ir
import pandas as pd

from crmlib.intake.customers import text_ids, to_frame
from crmlib.intake.reading.probe import Source, locate
from crmlib.intake.reading.reader import connect
from crmlib.params import Engagement

MOST_PARTS = 8  # channels or products that get a column of their own
OTHERS = "others"
PRODUCTS_BOUGHT, SPEND_ON, SPEND_IN = "products_bought", "spend_on_", "spend_in_"
_COLUMN = {PRODUCTS_BOUGHT: "product", SPEND_ON: "product", SPEND_IN: "channel"}


def untold(*, contracts: bool, ledger: Collection[str] | None) -> tuple[str, ...]:
    """Features of purchase parts that neither contracts nor the ledger say.

    Parameters
    ----------
    contracts : bool
        Whether there are contracts: they say which products are held.
    ledger : collection of str or None
        Columns of the ledger; it says which products bring money, and with `channel`
        through which channels customers come.

    >>> untold(contracts=True, ledger=None), untold(contracts=False, ledger=["product"])
    (('spend_on_', 'spend_in_'), ('products_bought', 'spend_in_'))
    """
    # Nothing is said twice: the same product told by two tables would count for two, and
    # contracts and ledger know what is held between two purchases.
    told = {
        PRODUCTS_BOUGHT: contracts,
        SPEND_ON: ledger is not None,
        SPEND_IN: "channel" in (ledger or ()),
    }
    return tuple(name for name, elsewhere in told.items() if not elsewhere)


def kept_columns(engagement: Engagement, source: Source) -> tuple[str, ...]:
    """Those of `product` and `channel` by which an engagement's purchases are kept in parts."""
    there = [column for column in ("product", "channel") if column in source.roles]
    if not there:
        return ()
    inputs = engagement.inputs.given()
    ledger = list(locate(engagement, "ledger").roles) if "ledger" in inputs else None
    needed = untold(contracts="contracts" in inputs, ledger=ledger)
    return tuple(column for column in there if any(_COLUMN[name] == column for name in needed))


def sums_by_part(
    rows: ir.Table, counted: ir.BooleanValue, prefix: str, part: str, largest: Collection[str],
    *, others: bool,
) -> dict[str, ir.Value]:  # fmt: skip
    """A sum for each of the largest parts, and one for all others together.

    Parameters
    ----------
    rows : ibis.Table
        amount and the column `part`; a row without one is of no part.
    counted : boolean expression
        Rows that count.
    prefix : str
        With which the names of the sums begin.
    """
    sums = {f"{prefix}{name}": rows.amount.sum(where=counted & (rows[part] == name))
            for name in largest}  # fmt: skip
    if others:
        rest = counted & rows[part].notnull() & ~rows[part].isin(list(largest))
        sums[f"{prefix}{OTHERS}"] = rows.amount.sum(where=rest)
    return sums


def part_names(rows: ir.Table, counted: ir.BooleanValue, part: str) -> tuple[tuple[str, ...], bool]:
    """The parts with most money, by name; and whether there are more."""
    cells = rows.filter(counted & rows[part].notnull())
    sizes = cells.group_by(name=cells[part]).agg(size=cells.amount.sum())
    names = to_frame(sizes.order_by(ibis.desc("size"), "name"))["name"].tolist()
    if len(names) <= MOST_PARTS:
        return tuple(sorted(names)), False
    # what the client calls so joins the others, whose column bears its name
    return tuple(sorted([name for name in names if name != OTHERS][:MOST_PARTS])), True


def purchase_parts(path: Path, as_of: dt.date, days: int) -> tuple[ir.Table, ir.BooleanValue]:
    """The parts of purchases until a day, and which of them lie in the window."""
    rows = text_ids(connect().read_parquet(str(path)))
    rows = rows.filter(rows.date <= ibis.literal(as_of))
    return rows, ibis.literal(as_of).delta(rows.date, unit="day") < days


def by_parts(rows: ir.Table, wanted: Collection[str]) -> dict[str, str]:
    """Prefixes of features that are sums of money by part, and the column that says the part."""
    prefixes = (SPEND_ON, SPEND_IN)
    return {name: _COLUMN[name] for name in prefixes
            if name in wanted and _COLUMN[name] in rows.columns}  # fmt: skip


def counts_products(rows: ir.Table, wanted: Collection[str]) -> bool:
    """Whether the products that are bought are counted."""
    return PRODUCTS_BOUGHT in wanted and "product" in rows.columns


def of_parts(
    rows: ir.Table,
    inside: ir.BooleanValue,
    wanted: Collection[str],
    named: Mapping[str, tuple[tuple[str, ...], bool]],
) -> pd.DataFrame:
    """Money by product and channel and distinct products of the window, by customer.

    Parameters
    ----------
    rows, inside
        As `purchase_parts` returns them.
    wanted : collection of str
        Features, as `untold` names them.
    named : mapping of prefix to (parts with a column of their own, whether there are others)

    Notes
    -----
    A product counts where the window's money for it is positive: what was sent back whole
    is no breadth.
    """
    sums: dict[str, ir.Value] = {}
    for prefix, part in by_parts(rows, wanted).items():
        names, more = named[prefix]
        sums |= sums_by_part(rows, inside, prefix, part, names, others=more)
    found = rows.group_by("customer_id").agg(**sums).order_by("customer_id")
    table = to_frame(found).set_index("customer_id")
    if not counts_products(rows, wanted):
        return table
    told = rows.filter(inside & rows["product"].notnull())
    net = told.group_by("customer_id", "product").agg(amount=told.amount.sum())
    bought = net.filter(net.amount > 0)
    counts = bought.group_by("customer_id").agg(products_bought=bought.count())
    return table.join(to_frame(counts.order_by("customer_id")).set_index("customer_id"))
