"""What an unknown transactions file holds, counted over all of its rows.

For `crm new`: which column plays which role, how dates and amounts are written,
and the facts that a params file must decide on (returns, free items, equal rows).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from crmlib.errors import InputError
from crmlib.intake.proposing.roles import ColumnFacts, Role, guess_roles
from crmlib.intake.reading.source import Source
from crmlib.intake.reading.tokenizer import RECORD
from crmlib.intake.values.dates import as_text, day_of, is_placeholder
from crmlib.intake.values.inference import infer_date_format, infer_decimal, likeliest_date_format
from crmlib.intake.values.numbers import codes_beside, currencies_of, plain_number

SAMPLE = 20_000  # rows by which the kind of a column is judged; all counts are of all rows
_DAY = (
    r"[0-9]{1,4}[-/.年][0-9]{1,2}[-/.月][0-9]{1,4}"
    r"|[0-9]{1,2}[-/. ]{0,2}[A-Za-z]{3,9}[-/., ]{0,2}[0-9]{2,4}"
    r"|[A-Za-z]{3,9} [0-9]{1,2},? [0-9]{4}|^(?:19|20)[0-9]{2}[01][0-9][0-3][0-9]$"
)
_NUMBER = r"^[^0-9A-Za-z]{0,3}(?:[A-Z]{1,3}[$ ]?)? ?[-(]?[0-9][0-9.,' \x{a0}]*(?:[^0-9]{0,4})$"
_DECIMALS = r"[0-9][.,][0-9]{1,2}[^0-9]*$"


@dataclass(frozen=True)
class Stated:
    """A setting with what speaks for it; `open` where the data leave it open."""

    value: str
    evidence: str
    open: bool = False


@dataclass(frozen=True)
class Profile:
    """The facts of a file.

    Attributes
    ----------
    roles : dict
        Our name: the column and why.
    date_format, decimal, currency : Stated
        How dates and amounts are written; an empty value where the file types them.
    counts : dict
        rows, broken (lines), customers, no_customer, no_day, no_amount, negative, zero,
        equal (rows that repeat an earlier one), returns_matched (negative rows whose
        order has a purchase, too).
    first_day, last_day : date or None
        Of days that can be read.
    median_gap : float or None
        Days between two purchase days of a customer.
    instants : bool
        Whether times carry their offset from UTC.
    return_prefix : str
        Letters before the order number that only negative rows have, such as the C of
        cancellations.
    pieces : str or None
        A question, where amounts may be prices of one piece.
    """

    roles: dict[str, Role]
    date_format: Stated
    decimal: Stated
    currency: Stated
    counts: dict[str, int]
    first_day: dt.date | None
    last_day: dt.date | None
    median_gap: float | None
    instants: bool = False
    return_prefix: str = ""
    pieces: str | None = None


def profile(raw: ir.Table, source: Source, named: bool) -> Profile:
    """Look through a raw table whose columns nobody has explained.

    Parameters
    ----------
    raw : ibis.Table
        As `reader.read_raw` returns it.
    source : Source
        Names of its columns.
    named : bool
        Whether the file names them.
    """
    rows = raw.filter(raw.kind == RECORD)
    columns = _columns(rows, source)
    roles = guess_roles(columns, named)
    serial = any(part.serial_dates for part in source.parts)
    date_format = _date_format(rows, roles, serial)
    money = {r: rows[roles[r].column.engine] for r in _amount_roles(roles)}
    decimal = _decimal(list(money.values()))
    currency = _currency(money, roles)
    typed = rows.mutate(
        who=_filled(rows, roles, "customer_id"),
        order=_filled(rows, roles, "order_id"),
        day=_day(rows, roles, date_format, serial),
        sum=_amount(list(money.values()), decimal.value or "."),
    ).cache()
    counts = _counts(typed, source)
    counts["broken"] = int(raw.filter(raw.kind != RECORD).count().execute())
    counts["returns_matched"] = _returns_matched(typed)
    first, last = _window(typed)
    return Profile(
        roles, date_format, decimal, currency, counts, first, last, _median_gap(typed),
        instants=date_format.value.endswith("%z"), return_prefix=_return_prefix(typed),
        pieces=_pieces(typed, columns, roles),
    )  # fmt: skip


def _columns(rows: ir.Table, source: Source) -> list[ColumnFacts]:
    """The kind of every column, from its first rows, and its counts, from all."""
    texts = {name: as_text(rows[name]).nullif("") for name in source.columns}
    counts = _one_row(rows, {
        f"{what} {name}": fact
        for name, text in texts.items()
        for what, fact in (("filled", text.count()), ("different", text.nunique()))
    })  # fmt: skip
    head = rows.filter(rows.record <= SAMPLE)
    shares = {}
    for name in source.columns:
        cell, text = head[name], as_text(head[name]).nullif("")
        is_day = cell.type().is_date() or cell.type().is_timestamp()
        day = ibis.literal(True) if is_day else text.re_search(_DAY)
        number = ibis.literal(False) if is_day else text.re_search(_NUMBER)
        filled = text.notnull()
        shares[f"days {name}"] = (day & filled).sum() / filled.sum()
        shares[f"numbers {name}"] = (number & filled).sum() / filled.sum()
        shares[f"decimals {name}"] = (
            number & text.re_search(_DECIMALS) & filled
        ).sum() / filled.sum()
    found = _one_row(head, shares) | counts
    return [
        ColumnFacts(
            name, engine, found[f"filled {engine}"], found[f"different {engine}"],
            *(found[f"{share} {engine}"] or 0.0 for share in ("days", "numbers", "decimals")),
        )
        for name, engine in zip(source.header, source.columns, strict=True)
    ]  # fmt: skip


def _amount_roles(roles: Mapping[str, Role]) -> list[str]:
    return [role for role in ("amount", "quantity", "unit_price") if role in roles]


def _date_format(rows: ir.Table, roles: Mapping[str, Role], serial: bool) -> Stated:
    if "date" not in roles:
        return Stated("", "no column looks like a date", open=True)
    cell = rows[roles["date"].column.engine]
    if cell.type().is_date() or cell.type().is_timestamp():
        return Stated("", "the file types its dates")
    place = f"column `{roles['date'].column.name}`"
    try:
        found = infer_date_format(cell, place, "inputs.transactions", serial)
    except InputError as error:
        return Stated(likeliest_date_format(cell, serial), error.problem, open=True)
    return Stated(found.value, found.note)


def _decimal(cells: list[ir.Value]) -> Stated:
    texts = [cell for cell in cells if not cell.type().is_numeric()]
    if not texts:
        return Stated("", "the file types its amounts")
    try:
        found = infer_decimal(texts, "the amounts", "inputs.transactions")
    except InputError as error:
        return Stated(".", error.problem, open=True)
    return Stated(found.value, found.note)


def _currency(money: Mapping[str, ir.Value], roles: Mapping[str, Role]) -> Stated:
    """By the signs and codes beside amounts, then by the name of their column."""
    prices = [role for role in money if role != "quantity"]
    for role in prices:
        cell = money[role]
        if cell.type().is_numeric():
            continue
        mark = as_text(cell).re_extract(r"[^0-9\s.,'()+\-%]+", 0).nullif("")
        table = mark.name("mark").as_table()
        marked = table.filter(table.mark.notnull())
        top = marked.group_by("mark").agg(n=marked.count())
        rows = top.order_by(ibis.desc("n"), "mark").limit(5).to_pyarrow().to_pylist()
        known = [(r["mark"], r["n"], codes) for r in rows if (codes := currencies_of(r["mark"]))]
        if known:
            return _by_marks(known)
    for role in prices:
        name = roles[role].column.name
        if codes := codes_beside(name) + [c for c in ("USD",) if "dollar" in name.lower()]:
            return Stated(codes[0], f"the column is called `{name}`", open=codes == ["USD"])
    return Stated("EUR", "nothing in the file says the currency", open=True)


def _by_marks(marks: list[tuple[str, int, list[str]]]) -> Stated:
    """The currency of the commonest mark; open where it has several, or other marks occur."""
    (mark, n, codes), *others = marks
    foreign = [(m, k) for m, k, theirs in others if codes[0] not in theirs]
    says = [f"`{mark}` stands in {n:,} cells"]
    says += [f"it may also be {', '.join(codes[1:4])}"] if len(codes) > 1 else []
    says += [f"`{m}` in {k:,} others, which are excluded" for m, k in foreign]
    return Stated(codes[0], "; ".join(says), open=len(says) > 1)


def _filled(rows: ir.Table, roles: Mapping[str, Role], role: str) -> ir.StringValue:
    if role not in roles:
        return ibis.null("string")
    return as_text(rows[roles[role].column.engine]).nullif("")


def _day(
    rows: ir.Table, roles: Mapping[str, Role], date_format: Stated, serial: bool
) -> ir.DateValue:
    if "date" not in roles:
        return ibis.null("date")
    day = day_of(rows[roles["date"].column.engine], date_format.value, None, serial)
    return is_placeholder(day).ifelse(ibis.null("date"), day)


def _amount(cells: list[ir.Value], decimal: str) -> ir.DecimalValue:
    """Amount, or quantity × unit price, as far as its sign matters."""
    total = ibis.literal(1).cast("decimal(38, 6)")
    for cell in cells:
        text = cell if cell.type().is_numeric() else plain_number(as_text(cell), decimal, "")
        total = total * text.try_cast("decimal(18, 6)").cast("decimal(38, 6)")
    return total if cells else ibis.null("decimal(38, 6)")


def _counts(typed: ir.Table, source: Source) -> dict[str, int]:
    distinct = typed.select(*source.columns).distinct().count()
    return _one_row(
        typed,
        {
            "rows": typed.count(),
            "customers": typed.who.nunique(),
            "no_customer": typed.who.isnull().sum(),
            "no_day": typed.day.isnull().sum(),
            "no_amount": typed["sum"].isnull().sum(),
            "negative": (typed["sum"] < 0).sum(),
            "zero": (typed["sum"] == 0).sum(),
            "unusable": (typed.who.isnull() | typed.day.isnull() | typed["sum"].isnull()).sum(),
        },
    ) | {"distinct": int(distinct.execute())}


def _returns_matched(typed: ir.Table) -> int:
    """Negative rows whose order holds a positive row, too."""
    negative = typed.filter((typed["sum"] < 0) & typed.order.notnull())
    bought = typed.filter(typed["sum"] > 0).select("order").distinct()
    return int(negative.semi_join(bought, "order").count().execute())


def _return_prefix(typed: ir.Table) -> str:
    """Letters that begin the order number of most negative rows and of hardly any other."""
    prefix = typed.order.re_extract("^[A-Za-z]+", 0).nullif("").name("prefix")
    rows = typed.select(prefix, negative=typed["sum"] < 0)
    counts = rows.filter(rows.prefix.notnull()).group_by("prefix").agg(
        negative=rows.negative.sum(), other=(~rows.negative).sum()
    )  # fmt: skip
    top = counts.order_by(ibis.desc("negative"), "prefix").limit(1).to_pyarrow().to_pylist()
    if not top or not top[0]["negative"] or top[0]["other"] > 0.01 * top[0]["negative"]:
        return ""
    negative = int(typed.filter(typed["sum"] < 0).count().execute())
    return top[0]["prefix"] if 2 * top[0]["negative"] > negative else ""


def _pieces(typed: ir.Table, columns: list[ColumnFacts], roles: Mapping[str, Role]) -> str | None:
    """Whether an amount that no name calls one grows with a column that counts pieces."""
    taken = {role.column.engine for role in roles.values()}
    counts = [
        column for column in columns
        if column.engine not in taken and column.numbers > 0.9 and column.decimals < 0.01
        and 1 < column.different <= 1000
    ]  # fmt: skip
    amount = roles.get("amount")
    if amount is None or amount.evidence == "by its name" or not counts:
        return None
    pieces = as_text(typed[counts[0].engine]).try_cast("int64")
    found = _one_row(typed, {
        "one": typed["sum"].median(where=pieces == 1), "two": typed["sum"].median(where=pieces == 2)
    })  # fmt: skip
    if not found["one"] or not found["two"]:
        return None
    ratio = float(found["two"]) / float(found["one"])
    what = "the row's total" if ratio > 1.4 else "the price of one piece"
    return (
        f"Is `{amount.column.name}` {what}? Its median is {ratio:.1f} times as high where "
        f"`{counts[0].name}` is 2 as where it is 1."
    )


def _window(typed: ir.Table) -> tuple[dt.date | None, dt.date | None]:
    found = _one_row(typed, {"first": typed.day.min(), "last": typed.day.max()})
    return found["first"], found["last"]


def _median_gap(typed: ir.Table) -> float | None:
    """Median days from one purchase day of a customer to the next."""
    days = typed.filter(typed.who.notnull() & typed.day.notnull() & ~(typed["sum"] <= 0))
    visits = days.select("who", "day").distinct()
    before = visits.day.lag().over(group_by=visits.who, order_by=visits.day)
    gaps = visits.mutate(gap=visits.day.delta(before, unit="day"))
    found = gaps.gap.median().to_pyarrow().as_py()
    return None if found is None else float(found)


def _one_row(table: ir.Table, values: Mapping[str, ir.Scalar]) -> dict:
    """An aggregate's one row; keys may differ in capitals alone, or hold blanks."""
    numbered = {f"v{i}": value for i, value in enumerate(values.values())}
    row = table.agg(**numbered).to_pyarrow().to_pylist()[0]
    return dict(zip(values, row.values(), strict=True))
