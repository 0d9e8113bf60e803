"""The client's other tables: typed by their columns' kinds, with a ledger of every row.

A row is excluded where a needed cell is missing or cannot be read; a cell of an
optional column that cannot be read is left empty and counted in the notes. Columns that
are not ours are kept where the table holds attributes, items or levels. They bear their
engine names until the end: a client's column may be called like one of ours, or like
another but for its capitals, which engines do not tell apart.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import pandas as pd

from crmlib.intake.cleaning import cell_digest, repeated_rows
from crmlib.intake.identities import Identities
from crmlib.intake.ledger import Count, build_ledger, check_ledger, count_by_reason, find_rows
from crmlib.intake.reading.probe import Source, locate
from crmlib.intake.reading.reader import forget, querying, read_raw
from crmlib.intake.reading.tokenizer import BLANK, RECORD, REJECTED
from crmlib.intake.refused import refused_rows
from crmlib.intake.values.cells import Reading, how_to_read, identifier, present
from crmlib.intake.values.dates import check_date_format
from crmlib.params import Engagement, ExternalInput, TableInput
from crmlib.tables import TABLES, Table

_MERGED = "row of a merged id"


@dataclass(frozen=True)
class ClientTable:
    """One of the client's tables, ready for analysis, with an account of every row."""

    name: str
    rows: ir.Table  # our columns, then the others, in the file's order
    ledger: pd.DataFrame  # see ledger.build_ledger
    notes: tuple[str, ...]  # how the file was read, as sentences
    key: str = "customer_id"  # the column by which it is joined to customers
    refused: pd.DataFrame | None = None  # see refused.refused_rows; only where asked for


def open_table(
    connection: ibis.BaseBackend,
    engagement: Engagement,
    name: str,
    identities: Identities,
    *,
    as_base: bool = True,
) -> ClientTable:
    """Read, type and clean one table.

    Parameters
    ----------
    as_base : bool
        Whether the rows are to stand for a client's business. If not, any number of them
        will do, and each that is refused is named.

    Raises
    ------
    InputError
        A file that cannot be read, lacks a column, or leaves too few usable rows.
    """
    source = locate(engagement, name)
    settings = engagement.inputs.given()[name]
    if settings.date_format != "auto":
        check_date_format(connection, settings.date_format, source.key)
    raw = read_raw(connection, source)
    with querying(source):
        reading = how_to_read(raw, source, engagement)
        rows = _rows(connection, raw, source, engagement, reading, identities)
        ledger = _ledger(raw, rows, source)
        unread = _unread_cells(raw, rows, source)
        refused = None if as_base else refused_rows(raw, rows, source)
    forget(connection, source)
    if as_base:
        limits = engagement.customers
        check_ledger(ledger, source.place, limits.max_excluded_share, limits.max_excluded_by_reason)
    names = _kept_names(source) if TABLES[name].keeps_others else {}
    used = rows.filter(rows.reason.isnull()).order_by("record").drop("record", "digest", "reason")
    kept = connection.create_table(name, used.rename({new: old for old, new in names.items()}))
    key = _key(source, settings)
    joined_by = names.get(key[0], key[0]) if isinstance(settings, ExternalInput) else "customer_id"
    notes = (*source.notes, *reading.notes, *unread)
    return ClientTable(name, kept, ledger, notes, joined_by, refused)


def _rows(
    connection: ibis.BaseBackend,
    raw: ir.Table,
    source: Source,
    engagement: Engagement,
    reading: Reading,
    identities: Identities,
) -> ir.Table:
    """Every row, typed, with its reason; identities merged."""
    name, settings = source.table, engagement.inputs.given()[source.table]
    key = _key(source, settings)
    typed = _typed(raw, source, reading, key, engagement)
    typed = connection.create_table(f"{name}_typed", typed)
    if settings.duplicates != "keep":
        repeated = repeated_rows(raw, typed, source, settings.duplicates)
        typed = _late(typed, connection.create_table(f"{name}_repeated", repeated))
    rows = connection.create_table(f"{name}_rows", _first_of_key(typed, key, identities))
    if not TABLES[name].unit:
        return rows
    return connection.create_table(f"{name}_units", _whole_units(rows, TABLES[name]))


def _key(source: Source, settings: TableInput) -> tuple[str, ...]:
    """The typed columns that name a row; for outside data the column that the params name."""
    if not isinstance(settings, ExternalInput):
        return TABLES[source.table].key
    ours = {name: role for role, name in source.roles.items()}
    if settings.key in source.roles:
        return (settings.key,)
    return (ours.get(settings.key) or _engine_name(source, settings.key),)


def _joined_by(engagement: Engagement, source: Source) -> str | None:
    """The kept column by which outside data are joined: an id, not a number."""
    external = engagement.inputs.external
    if source.table not in ("customers", "external") or external is None:
        return None
    known = external.key in source.header and external.key not in source.roles.values()
    return _engine_name(source, external.key) if known else None


def _engine_name(source: Source, name: str) -> str:
    return source.columns[source.header.index(name)]


def _typed(
    raw: ir.Table,
    source: Source,
    reading: Reading,
    key: tuple[str, ...],
    engagement: Engagement,
) -> ir.Table:
    """record, our columns, the others, digest and reason."""
    schema = TABLES[source.table]
    values = {
        role: reading.read(raw[source.column(role)], column)
        for role, column in schema.columns.items()
        if role in source.roles
    }
    for role, column in schema.columns.items():
        if column.choices and role in values:
            values[role] = _chosen(values[role], column.choices)
    joined_by = _joined_by(engagement, source)
    others = _others(raw, source, reading, joined_by) if schema.keeps_others else {}
    exclusions = [(raw.kind == REJECTED, "unreadable line"), (raw.kind == BLANK, "blank line")]
    for role, value in values.items():
        column, cell = schema.columns[role], present(raw[source.column(role)])
        if (column.needed and column.filled) or role in key:
            exclusions.append((cell.isnull(), f"missing {role}"))
        if column.needed:
            verb = "unknown" if column.choices else "unreadable"
            exclusions.append((cell.notnull() & value.isnull(), f"{verb} {role}"))
    exclusions += [(others[name].isnull(), "missing key") for name in key if name in others]
    if schema.span:
        first, last = (values[role] for role in schema.span)
        exclusions.append((first > engagement.observation_end, "starts after observation_end"))
        exclusions.append((last < first, "ends before it starts"))
    for role in schema.positive:
        if role in values:
            exclusions.append((~(values[role] > 0).fill_null(False), f"{role} not above 0"))
    return raw.select(
        "record",
        **values,
        **others,
        digest=cell_digest(raw, source),
        reason=ibis.cases(*exclusions),
    )


def _chosen(text: ir.StringValue, choices: tuple[str, ...]) -> ir.StringValue:
    """The one of our words that the cell means, whatever its capitals; else null."""
    cases = [(text.lower() == choice.lower(), choice) for choice in choices]
    return ibis.cases(*cases)


def _kept_names(source: Source) -> dict[str, str]:
    """Engine name: the client's, for columns that are not ours; a number behind what is taken."""
    ours = set(source.roles.values())
    taken = {column.lower() for column in TABLES[source.table].columns}
    names = {}
    for engine_name, name in zip(source.columns, source.header, strict=True):
        if not name or name in ours:
            continue
        free, times = name, 1
        while free.lower() in taken:
            times += 1
            free = f"{name}_{times}"
        taken.add(free.lower())
        names[engine_name] = free
    return names


def _others(
    raw: ir.Table, source: Source, reading: Reading, joined_by: str | None
) -> dict[str, ir.Value]:
    """Columns that are not ours: numbers where every cell is one, else as they stand.

    Exact decimals become floats, which pandas takes for numbers when it reads a kept table.
    """
    cells = {name: present(raw[name]) for name in _kept_names(source)}
    exact = [name for name, cell in cells.items() if cell.type().is_decimal()]
    cells |= {name: cells[name].cast("float64") for name in exact}
    text = {name: cell for name, cell in cells.items() if cell.type().is_string()}
    text.pop(joined_by, None)
    if text:
        point = re.escape(reading.decimal)
        like_a_number = rf"^-?(0|[1-9][0-9]{{0,14}})({point}[0-9]+)?$"  # a code keeps its zeros
        every = {name: cell.re_search(like_a_number).all() for name, cell in text.items()}
        found = raw.aggregate(**every).to_pyarrow().to_pylist()[0]
        for name in (name for name, numeric in found.items() if numeric):
            cells[name] = cells[name].replace(reading.decimal, ".").cast("float64")
    if joined_by is not None:
        cells[joined_by] = identifier(raw[joined_by]).cast("string")
    return cells


def _late(typed: ir.Table, repeated: ir.Table) -> ir.Table:
    """Exclude rows that repeat an earlier one."""
    joined = typed.left_join(repeated, "record").drop("record_right")
    late = joined.elsewhere.ifelse("repeats a row of another file", "exact duplicate row")
    late = joined.elsewhere.isnull().ifelse(ibis.null("string"), late)
    return joined.mutate(reason=joined.reason.coalesce(late)).drop("elsewhere")


def _first_of_key(typed: ir.Table, key: tuple[str, ...], identities: Identities) -> ir.Table:
    """Merge identities and exclude rows whose key an earlier usable row has.

    Where several ids are one customer, the row of the customer's own id stands, or else
    the first.
    """
    if not key:
        return identities.apply(typed)
    merging = "customer_id" in key and identities.mapping is not None
    if merging:
        typed = identities.apply(typed.mutate(given_id=typed.customer_id.cast("string")))
        foreign = typed.given_id != typed.customer_id
        typed = typed.mutate(foreign=foreign.fill_null(False)).drop("given_id")
    else:
        typed = identities.apply(typed).mutate(foreign=False)
    live = typed.reason.isnull()
    alike = [live, *(typed[name] for name in key)]
    place = ibis.row_number().over(group_by=alike, order_by=[typed.foreign, typed.record])
    again = typed.foreign.ifelse(_MERGED, "second row with the same key")
    reason = (live & (place > 0)).ifelse(again, typed.reason)
    return typed.mutate(reason=reason).drop("foreign")


def _whole_units(rows: ir.Table, schema: Table) -> ir.Table:
    """Exclude every row of a unit in which a mark stands twice, nowhere, or beside another."""
    marks = [rows[name].cast("int64") for name in schema.marked_once]
    live = rows.reason.isnull()
    unit = ibis.window(group_by=[live, *(rows[name] for name in schema.unit)])
    right = ibis.literal(True)
    for mark in marks:
        right &= mark.sum().over(unit) == 1
    if len(marks) > 1:
        right &= sum(marks[1:], marks[0]).max().over(unit) == 1
    broken = (live & ~right).ifelse("task without exactly one choice", rows.reason)
    return rows.mutate(reason=broken)


def _ledger(raw: ir.Table, rows: ir.Table, source: Source) -> pd.DataFrame:
    amount = "amount" if "amount" in rows.columns else None
    counts = count_by_reason(rows.filter(rows.reason.notnull()), amount)
    used = _count(rows.filter(rows.reason.isnull()), amount)
    read = Count(int(raw.count().execute()), _count(rows, amount).amount)
    return build_ledger(
        source.table, read, counts, used, find_rows(raw, source, list(counts.values()))
    )


def _count(rows: ir.Table, amount: str | None) -> Count:
    total = rows[amount].sum() if amount else ibis.null("float64")
    return Count.of(rows.aggregate(rows=rows.count(), amount=total))


def _unread_cells(raw: ir.Table, rows: ir.Table, source: Source) -> tuple[str, ...]:
    """What was left empty because it could not be read, one sentence for each column."""
    schema = TABLES[source.table]
    optional = [role for role in source.roles if not schema.columns[role].needed]
    if not optional:
        return ()
    used = rows.filter(rows.reason.isnull()).select("record", *optional)
    joined = raw.filter(raw.kind == RECORD).join(used, "record")
    unread = {
        role: (present(joined[source.column(role)]).notnull() & joined[role].isnull()).sum()
        for role in optional
    }
    found = joined.aggregate(**unread).to_pyarrow().to_pylist()[0]
    return tuple(
        f"{count:,} {'cell' if count == 1 else 'cells'} of `{source.roles[role]}` "
        "cannot be read and count as empty."
        for role, count in found.items()
        if count
    )
