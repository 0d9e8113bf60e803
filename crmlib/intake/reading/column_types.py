"""Which of our columns a typed column can be, in Parquet files and databases.

Text can be anything until it is read; a typed column that cannot hold what
its role says is refused by its type before a row is looked at.
"""

from __future__ import annotations

import re

from crmlib.errors import InputError
from crmlib.intake.reading.source import Part, printable
from crmlib.tables import TABLES

# The names by which Arrow and the databases know types, and the family they belong to.
_FAMILIES = (
    (
        r"(large_)?string|extension<arrow\.(uuid|json)|uuid|varchar|text\b|char|bpchar|name\b"
        r"|citext|enum|json",
        "text",
    ),
    (
        r"(u?(tiny|small|big|huge)?int(eger)?\d*|float\d*|double|real|halffloat|decimal\d*|numeric"
        r"|money)\b",
        "number",
    ),
    (r"date|timestamp", "day"),
    (r"bool", "flag"),
    (r"null", "nothing"),
)
_PLAYS = {
    "id": {"text", "number"},
    "text": {"text", "number", "flag", "day"},
    "day": {"text", "number", "day"},
    "month": {"text", "number", "day"},
    "flag": {"text", "number", "flag"},
    "amount": {"text", "number"},
    "number": {"text", "number"},
    "count": {"text", "number"},
    "share": {"text", "number"},
}
_WORDS = {
    "id": ("an identifier", "text or a whole number"),
    "text": ("text", "text"),
    "day": ("a day", "a date"),
    "month": ("a month", "a date"),
    "flag": ("yes or no", "a boolean"),
    "amount": ("an amount", "a decimal number"),
    "number": ("a number", "a number"),
    "count": ("a count", "a whole number"),
    "share": ("a share", "a number"),
}


def family(type_name: str) -> str | None:
    """*text*, *number*, *day*, *flag* or *nothing*; None for lists, times, bytes and the like.

    >>> family("timestamp[us, tz=UTC]"), family("dictionary<values=string, indices=int8>")
    ('day', 'text')
    >>> family("list<element: double>") is None
    True
    """
    inner = re.match(r"^dictionary<values=([^,]+),", type_name)
    if inner:
        return family(inner.group(1))
    if type_name.endswith("[]"):  # an array
        return None
    matches = (name for pattern, name in _FAMILIES if re.match(pattern, type_name, re.IGNORECASE))
    return next(matches, None)


def check_types(part: Part, roles: dict[str, str], table: str) -> None:
    """Refuse a column whose type cannot play its role.

    Raises
    ------
    InputError
        Names the column, its type, and what to export it as.
    """
    if not part.types:
        return
    for role, name in roles.items():
        if name not in part.header:
            continue
        found = part.types[part.header.index(name)]
        kind = TABLES[table].columns[role].kind
        if family(found) not in _PLAYS[kind] | {"nothing"}:
            is_, instead = _WORDS[kind]
            raise InputError(
                part.place,
                f"column `{printable(name)}` holds {printable(found)}, which cannot be {is_} "
                f"(`{role}`).",
                f"Export it as {instead}.",
            )
