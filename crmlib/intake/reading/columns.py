"""Which of the client's columns plays which role, and what is said where one is missing."""

from __future__ import annotations

import re
from collections import Counter

from crmlib.errors import InputError, suggestion
from crmlib.intake.reading.source import Part, printable, quoted
from crmlib.params import ExternalInput, TableInput
from crmlib.tables import TABLES

MOST_NAMES = 12  # that a message lists
_LIKE_DATA = re.compile(r"^[\s$€£+\-]*\d[\d.,:/\-\sT]*%?$")


def wanted_names(table: str, settings: TableInput) -> set[str]:
    """Names by which the header of the table is known."""
    names = set(TABLES[table].columns) | set(settings.columns.values())
    return names | {settings.key} if isinstance(settings, ExternalInput) else names


def one_is_enough(table: str) -> bool:
    """Whether a table with a single column can be of use."""
    return sum(column.needed for column in TABLES[table].columns.values()) < 2


def needed_names(table: str, settings: TableInput) -> set[str]:
    """The client's names of columns that a row cannot be used without."""
    own = {role: settings.columns.get(role, role) for role in TABLES[table].columns}
    needed = {own[role] for role, column in TABLES[table].columns.items() if column.needed}
    if table == "transactions":
        needed |= {own["quantity"], own["unit_price"]}
    return needed


def find_roles(
    header: tuple[str, ...], parts: tuple[Part, ...], settings: TableInput, table: str
) -> dict[str, str]:
    """Our name: the client's column. A mapping goes before a column of our own name.

    Parameters
    ----------
    header : tuple of str
        All column names of the table.
    parts : tuple of Part
        Its files; each must have every column that plays a role.
    settings : TableInput
        With the mapping.
    table : str
        Our name of the table.

    Raises
    ------
    InputError
        A column that is mapped or needed is not there, or plays two roles.
    """
    key, place = f"inputs.{table}", parts[0].place
    for part in parts:
        _names_differ(part)
    mapped = settings.columns
    for role, name in mapped.items():
        if name not in header:
            _refuse_absent(name, role, header, key, place)
    twice = [name for name, count in Counter(mapped.values()).items() if count > 1]
    if twice:
        raise InputError(
            f"{key}.columns",
            f"{quoted(twice)} is mapped more than once.",
            "Give each of our columns a column of its own.",
        )
    free = set(header) - set(mapped.values())
    roles = {role: role for role in TABLES[table].columns if role in free} | mapped
    # A mapped quantity or price says that an unmapped `amount` is something else.
    if table == "transactions" and {"quantity", "unit_price"} & set(mapped):
        roles = {k: v for k, v in roles.items() if k != "amount" or "amount" in mapped}
    _has_what_we_need(roles, header, settings, table, place)
    _in_every_part(roles, parts, key)
    return roles


def _refuse_absent(name: str, role: str, header: tuple[str, ...], key: str, place: str) -> None:
    raise InputError(
        place,
        f"there is no column `{printable(name)}`, which `{key}.columns.{role}` names.",
        near_name(name, header),
    )


def near_name(name: str, header: tuple[str, ...]) -> str:
    """A sentence that names the nearest column, or the first of them where none is near."""
    if looks_like_data(header):
        return (
            "Its first line looks like a row: for a file without column names set `header: false`."
        )
    named = [printable(each) for each in header if each]
    near = suggestion(printable(name), named)
    if near.startswith("Did") or len(named) <= MOST_NAMES:
        return near
    return f"Known here: {quoted(sorted(named), MOST_NAMES)}."


def looks_like_data(header: tuple[str, ...]) -> bool:
    """Whether a line holds numbers and dates, as rows do and names of columns do not.

    >>> looks_like_data(("1042", "2024-01-31", "19.90")), looks_like_data(("id", "2024"))
    (True, False)
    """
    filled = [name for name in header if name]
    return sum(bool(_LIKE_DATA.match(name)) for name in filled) > len(filled) / 2


def _names_differ(part: Part) -> None:
    twice = [name for name, count in Counter(part.header).items() if count > 1 and name]
    if twice:
        raise InputError(
            part.place,
            f"the header names {quoted(twice)} more than once.",
            "Give every column a name of its own.",
        )


def _needed(roles: dict[str, str], settings: TableInput, table: str) -> list[str]:
    """Roles the table cannot do without, given those that it has."""
    needed = [role for role, column in TABLES[table].columns.items() if column.needed]
    if table == "transactions" and "amount" not in roles:
        parts = {"quantity", "unit_price"}
        if parts & set(roles):
            needed = [role for role in needed if role != "amount"] + ["quantity", "unit_price"]
    if isinstance(settings, ExternalInput) and settings.key == "customer_id":
        needed.append("customer_id")
    return needed


def _has_what_we_need(
    roles: dict[str, str], header: tuple[str, ...], settings: TableInput, table: str, place: str
) -> None:
    key = f"inputs.{table}"
    for role in _needed(roles, settings, table):
        if role in roles:
            continue
        instead = ""
        if table == "transactions" and role == "amount":
            instead = " (or `quantity` and `unit_price`)"
        free = tuple(name for name in header if name not in roles.values())
        raise InputError(
            place,
            f"there is no column `{role}`{instead}: {TABLES[table].columns[role].says}.",
            f"{near_name(role, free)} Name the file's own column in params: "
            f"`{key}.columns.{role}: <their name>`.".lstrip(),
        )
    if isinstance(settings, ExternalInput) and settings.key not in {*header, "customer_id"}:
        raise InputError(
            place,
            f"there is no column `{printable(settings.key)}`, which `{key}.key` names.",
            near_name(settings.key, header),
        )


def _in_every_part(roles: dict[str, str], parts: tuple[Part, ...], key: str) -> None:
    for role, name in roles.items():
        for part in parts:
            if name not in part.header:
                raise InputError(
                    part.place,
                    f"there is no column `{printable(name)}` ({role}), which {parts[0].name} "
                    "or another file of the table has.",
                    f"Every file of `{key}` needs the same columns.",
                )
