"""Are the client's tables there, and do they have the columns that we need?

Looks at no more than headers, so that a wrong path or column name is reported
before any engine starts. Nothing heavy is imported here.
"""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

from crmlib.errors import InputError, suggestion
from crmlib.intake.reading.column_types import check_types
from crmlib.intake.reading.columns import find_roles, needed_names, one_is_enough, wanted_names
from crmlib.intake.reading.contents import check_content
from crmlib.intake.reading.dialect import Wanted, describe_text
from crmlib.intake.reading.files import find_files
from crmlib.intake.reading.fixed_width import describe_fixed_width
from crmlib.intake.reading.source import Part, Source, printable, stamp
from crmlib.params import Engagement, TableInput

__all__ = ["Part", "Source", "locate", "probe"]


def probe(engagement: Engagement) -> None:
    """Check that every table that params name can be read and has the columns we need.

    Raises
    ------
    InputError
        No file, another format, no header, a column that is not there, or an attribute of
        customers that a setting names.
    """
    sources = {table: locate(engagement, table) for table in engagement.inputs.given()}
    chapter, customers = engagement.value, sources.get("customers")
    _attributes_are_there("contract_drivers", chapter.contract_drivers, customers)
    won_by = [chapter.acquired_by] if chapter.acquired_by else []
    _attributes_are_there("acquired_by", won_by, customers)


def _attributes_are_there(setting: str, named: list[str], customers: Source | None) -> None:
    """Whether the table of customers has the attributes that a setting of `value` names."""
    if customers is None:
        return
    others = set(customers.header) - set(customers.roles.values()) - {""}
    known = (set(customers.roles) | others) - {"customer_id"}
    for name in named:
        if name not in known:
            raise InputError(
                customers.place,
                f"there is no attribute `{printable(name)}`, which `value.{setting}` names.",
                suggestion(name, map(printable, known)),
            )


def locate(engagement: Engagement, table: str = "transactions") -> Source:
    """One table with the place of every column.

    Parameters
    ----------
    engagement : Engagement
        The params.
    table : str
        Our name of a table that the params give.

    Returns
    -------
    Source
        Its files, layout, columns and roles.

    Raises
    ------
    InputError
        As `probe`.
    """
    settings, key = engagement.inputs.given()[table], f"inputs.{table}"
    parts = _parts(settings, key, engagement.folder, table)
    header = _union(parts)
    roles = find_roles(header, parts, settings, table)
    for part in parts:
        check_types(part, roles, table)
    place = parts[0].place if len(parts) == 1 else f"{key}.path"
    return Source(table, key, place, header, roles, parts, _notes(parts, header))


def _parts(settings: TableInput, key: str, folder: Path, table: str) -> tuple[Part, ...]:
    if settings.database is not None:
        from crmlib.intake.reading.database import describe_database

        return (describe_database(settings, key, folder),)
    found = find_files(settings, key, folder)
    return tuple(_describe(path, place, settings, key, table) for path, place in found)


def _describe(path: Path, place: str, settings: TableInput, key: str, table: str) -> Part:
    """One file with its layout."""
    _has_a_plain_name(path, place)
    first_seen = stamp(path)
    try:
        kind = check_content(path, place)
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(
            place, f"cannot be read ({reason}).", "Check the disk and the permissions."
        ) from None
    part = Part(
        path=path,
        place=place,
        name=printable(path.name),
        kind=kind,
        packed=path.name.lower().endswith(".gz"),
        stamp=first_seen,
    )
    if kind == "parquet":
        from crmlib.intake.reading.parquet import describe_parquet

        return describe_parquet(part)
    names, needed = wanted_names(table, settings), needed_names(table, settings)
    if kind == "workbook":
        from crmlib.intake.reading.workbook import describe_workbook

        return describe_workbook(part, settings, key, names, needed)
    if settings.fields:
        part = dataclasses.replace(part, kind="fixed_width")
        return describe_fixed_width(part, settings, key, needed)
    wanted = Wanted(names, one_is_enough(table))
    return describe_text(part, settings, key, wanted)


def _has_a_plain_name(path: Path, place: str) -> None:
    try:
        os.fspath(path).encode("utf-8")
    except UnicodeEncodeError:
        raise InputError(
            place, "its name is not UTF-8.", "Rename it with plain letters and digits."
        ) from None


def _union(parts: tuple[Part, ...]) -> tuple[str, ...]:
    """All column names, as they first appear; nameless ones stay where all files agree."""
    if len({part.header for part in parts}) == 1:
        return parts[0].header
    return tuple(dict.fromkeys(name for part in parts for name in part.header if name))


def _notes(parts: tuple[Part, ...], header: tuple[str, ...]) -> tuple[str, ...]:
    """How the files were read, in sentences; files that were read alike share one."""
    alike: dict[tuple[str, ...], list[str]] = {}
    for part in parts:
        alike.setdefault(part.notes, []).append(part.name)
    notes = []
    for how, names in alike.items():
        who = "" if len(alike) == 1 else f"{_some(names)}: "
        notes.append(f"{who}{'; '.join(how)}.")
    for name in header:
        without = [part.name for part in parts if name and name not in part.header]
        if without:
            notes.append(f"There is no column `{printable(name)}` in {_some(without)}.")
    return tuple(notes)


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3:,} more" if len(names) > 3 else "")


def describe(settings: TableInput, table: str, folder: Path) -> Source:
    """A table as it lies there, before anybody has said which column plays which role.

    Raises
    ------
    InputError
        A file that cannot be read; see `probe`.
    """
    parts = _parts(settings, f"inputs.{table}", folder, table)
    header = _union(parts)
    return Source(
        table, f"inputs.{table}", parts[0].place, header, {}, parts, _notes(parts, header)
    )
