"""The client's other tables: typed by their columns' kinds, with a ledger of every row.

A row is excluded where a needed cell is missing or cannot be read; a cell of an
optional column that cannot be read is left empty and counted in the notes. Columns that
are not ours are kept where the table holds attributes, items or levels.
"""

from __future__ import annotations

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import pandas as pd

from crmlib.errors import InputError, suggestion
from crmlib.intake.cleaning import cell_digest, repeated_rows
from crmlib.intake.identities import Identities
from crmlib.intake.ledger import Count, build_ledger, check_ledger, count_by_reason, find_rows
from crmlib.intake.reading.probe import Source, locate
from crmlib.intake.reading.reader import forget, read_raw
from crmlib.intake.reading.tokenizer import BLANK, RECORD, REJECTED
from crmlib.intake.values.cells import Reading, how_to_read, present
from crmlib.params import Engagement, ExternalInput
from crmlib.tables import TABLES

_LIKE_A_NUMBER = r"^-?(0|[1-9][0-9]{0,14})([.][0-9]+)?$"


@dataclass(frozen=True)
class ClientTable:
    """One of the client's tables, ready for analysis, with an account of every row."""

    name: str
    rows: ir.Table  # our columns, then the others, in the file's order
    ledger: pd.DataFrame  # see ledger.build_ledger
    notes: tuple[str, ...]  # how the file was read, as sentences
    key: str = "customer_id"  # the column by which it is joined to customers


def open_table(
    connection: ibis.BaseBackend, engagement: Engagement, name: str, identities: Identities
) -> ClientTable:
    """Read, type and clean one table.

    Raises
    ------
    InputError
        A file that cannot be read, lacks a column, or leaves too few usable rows.
    """
    source = locate(engagement, name)
    settings = engagement.inputs.given()[name]
    raw = read_raw(connection, source)
    reading = how_to_read(raw, source, engagement)
    key = _key(source, settings)
    typed = connection.create_table(f"{name}_typed", _typed(raw, source, reading, key))
    if settings.duplicates != "keep":
        repeated = repeated_rows(raw, typed, source, settings.duplicates)
        typed = _late(typed, connection.create_table(f"{name}_repeated", repeated))
    if key:
        typed = _first_of_key(typed, key)
    rows = connection.create_table(f"{name}_rows", typed)
    ledger = _ledger(raw, rows, source)
    limits = engagement.customers
    check_ledger(ledger, source.place, limits.max_excluded_share, limits.max_excluded_by_reason)
    used = identities.apply(rows.filter(rows.reason.isnull())).order_by("record")
    notes = (*source.notes, *reading.notes, *_unread_cells(raw, rows, source, reading))
    kept = connection.create_table(name, used.drop("record", "digest", "reason"))
    forget(connection, source)
    joined_by = key[0] if isinstance(settings, ExternalInput) else "customer_id"
    return ClientTable(name, kept, ledger, notes, joined_by)


def _key(source: Source, settings: object) -> tuple[str, ...]:
    """The columns that name a row; for outside data the column that the params name."""
    if not isinstance(settings, ExternalInput):
        return TABLES[source.table].key
    if settings.key not in source.roles and settings.key not in source.header:
        raise InputError(
            source.place,
            f"there is no column `{settings.key}`, by which it is joined to the customers.",
            f"Set `{source.key}.key`. {suggestion(settings.key, source.header)}",
        )
    return (settings.key,)


def _typed(raw: ir.Table, source: Source, reading: Reading, key: tuple[str, ...]) -> ir.Table:
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
    others = _others(raw, source) if schema.keeps_others else {}
    exclusions = [(raw.kind == REJECTED, "unreadable line"), (raw.kind == BLANK, "blank line")]
    for role, value in values.items():
        column, cell = schema.columns[role], present(raw[source.column(role)])
        if column.needed and column.filled:
            exclusions.append((cell.isnull(), f"missing {role}"))
        if column.needed:
            verb = "unknown" if column.choices else "unreadable"
            exclusions.append((cell.notnull() & value.isnull(), f"{verb} {role}"))
    for name in key:
        if name in others:
            exclusions.append((others[name].isnull(), "missing key"))
    return raw.select(
        "record",
        "file",
        **values,
        **others,
        digest=cell_digest(raw, source),
        reason=ibis.cases(*exclusions),
    )


def _chosen(text: ir.StringValue, choices: tuple[str, ...]) -> ir.StringValue:
    """The one of our words that the cell means, whatever its capitals; else null."""
    cases = [(text.lower() == choice.lower(), choice) for choice in choices]
    return ibis.cases(*cases)


def _others(raw: ir.Table, source: Source) -> dict[str, ir.Value]:
    """Columns that are not ours: numbers where every cell is one, else as they stand."""
    ours = set(source.roles.values())
    names = {
        (name if name not in TABLES[source.table].columns else f"{name}_2"): engine_name
        for name, engine_name in zip(source.header, source.columns, strict=True)
        if name and name not in ours
    }
    text = [engine_name for engine_name in names.values() if raw[engine_name].type().is_string()]
    numeric: set[str] = set()
    if text:
        fits = {
            engine_name: raw[engine_name].strip().re_search(_LIKE_A_NUMBER).all()
            for engine_name in text
        }
        found = raw.aggregate(**fits).to_pyarrow().to_pylist()[0]
        numeric = {engine_name for engine_name, every in found.items() if every}
    return {
        name: raw[engine_name].strip().cast("float64")
        if engine_name in numeric
        else present(raw[engine_name])
        for name, engine_name in names.items()
    }


def _late(typed: ir.Table, repeated: ir.Table) -> ir.Table:
    """Exclude rows that repeat an earlier one."""
    joined = typed.left_join(repeated, "record").drop("record_right")
    late = joined.elsewhere.ifelse("repeats a row of another file", "exact duplicate row")
    late = joined.elsewhere.isnull().ifelse(ibis.null("string"), late)
    return joined.mutate(reason=joined.reason.coalesce(late)).drop("elsewhere")


def _first_of_key(typed: ir.Table, key: tuple[str, ...]) -> ir.Table:
    """Exclude rows whose key an earlier usable row has."""
    live = typed.reason.isnull()
    earlier = typed.record.min().over(ibis.window(group_by=[live, *(typed[name] for name in key)]))
    again = live & (typed.record > earlier)
    return typed.mutate(reason=again.ifelse("second row with the same key", typed.reason))


def _ledger(raw: ir.Table, rows: ir.Table, source: Source) -> pd.DataFrame:
    amount = "amount" if "amount" in rows.columns else None
    counts = count_by_reason(rows.filter(rows.reason.notnull()), amount)
    used = Count(int(rows.filter(rows.reason.isnull()).count().execute()))
    places = find_rows(raw, source, list(counts.values()))
    read = Count(int(raw.count().execute()))
    return build_ledger(source.table, read, counts, used, places)


def _unread_cells(
    raw: ir.Table, rows: ir.Table, source: Source, reading: Reading
) -> tuple[str, ...]:
    """What was left empty because it could not be read, one sentence for each column."""
    schema = TABLES[source.table]
    optional = [role for role in source.roles if not schema.columns[role].needed]
    if not optional:
        return ()
    joined = raw.filter(raw.kind == RECORD).join(rows.filter(rows.reason.isnull()), "record")
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
