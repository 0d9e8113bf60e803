"""A first params file for a client's transactions: what the file says, and what it does not.

Behind `crm new`. Every line that was guessed carries its evidence; what nobody can
read off a file - the currency, what a negative amount means, when the export
ends - is asked in the last block. Nothing is overwritten.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from crmlib import params
from crmlib.errors import ParamsError, suggestion
from crmlib.intake.proposing.profile import Profile, Stated, profile
from crmlib.params import DAYS_PER_UNIT, Engagement, TransactionsInput

NAME = re.compile(r"^[a-z][a-z0-9_]{0,39}$")
_LAYOUT = {
    "encoding": "found by trial: look at names with accents",
    "delimiter": "found in the first lines",
    "skip_rows": "lines above the table",
    "header": "the first line looks like a row; columns are numbered",
    "fields": "first and last character of each column: compare with the file",
    "sheet": "the workbook has several",
}
_BROKEN = 0.2  # the models' default of customers.max_excluded_share


@dataclass(frozen=True)
class Draft:
    """A proposed params file.

    Attributes
    ----------
    text : str
        The file, in YAML with comments.
    found : tuple of str
        What was recognised, a line each.
    questions : tuple of str
        What the data leave open.
    """

    text: str
    found: tuple[str, ...]
    questions: tuple[str, ...]


def check_name(name: str) -> None:
    """Refuse a name that no engagement can have.

    Raises
    ------
    ParamsError
        With a name that would do.
    """
    if NAME.match(name):
        return
    valid = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    valid = (valid if valid[:1].isalpha() else f"client_{valid}").strip("_")[:40]
    raise ParamsError(
        f"NAME {name}",
        "expected up to 40 lower-case letters, digits and underscores, a letter first.",
        f"`{valid}` would do.",
    )


def draft(name: str, file: Path, folder: Path) -> Draft:
    """Look through a transactions file and propose its params.

    Parameters
    ----------
    name : str
        The engagement's.
    file : Path
        The transactions.
    folder : Path
        Where the params file will lie; the path in it is relative to it.

    Raises
    ------
    InputError, ParamsError
        A file that cannot be read, or in which no column holds days.
    """
    from crmlib.intake.proposing.layout import propose
    from crmlib.intake.reading.probe import describe
    from crmlib.intake.reading.reader import connect, read_raw

    check_name(name)
    _is_there(file)
    layout = propose(file)
    settings = TransactionsInput.model_validate({"path": file.name, **layout.settings})
    source = describe(settings, "transactions", file.parent)
    path = os.path.relpath(file.resolve(), folder.resolve())
    facts = profile(read_raw(connect(), source), source, named=settings.header)
    if "date" not in facts.roles or facts.first_day is None:
        raise ParamsError(
            source.place,
            "no column holds days, so there is nothing to propose.",
            f"Its columns are {', '.join(f'`{column}`' for column in source.header)}.",
        )
    asked = (*_open(facts), *layout.unsure, *_to_ask(facts))
    lines = [*_head(name, file, facts), *_inputs(path, layout.settings, facts), *_limits(facts)]
    text = "\n".join([*lines, *_last_block(asked)]) + "\n"
    _resolve(text, name, folder)
    return Draft(text, tuple(_found(facts)), asked)


def write(name: str, file: Path, folder: Path) -> tuple[Path, Draft]:
    """Draft a params file and put it into a folder; its path and what was drafted.

    Raises
    ------
    ParamsError
        The file stands already; nothing is overwritten.
    """
    check_name(name)
    target = folder / f"{name}.yml"
    if target.exists():
        raise ParamsError(str(target), "exists already.", "Take another NAME, or move it away.")
    proposed = draft(name, file, folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with target.open("x", encoding="utf-8") as stream:
            stream.write(proposed.text)
    except OSError as error:
        raise ParamsError(str(target), f"cannot be written ({error.strerror}).") from None
    return target, proposed


def _is_there(file: Path) -> None:
    if not file.is_file():
        others = [p.name for p in file.parent.glob("*")] if file.parent.is_dir() else []
        near = suggestion(file.name, others)
        raise ParamsError(
            f"--transactions {file}",
            "is a folder; one file was expected." if file.is_dir() else "there is no such file.",
            near if near.startswith("Did") else "",
        )


def _resolve(text: str, name: str, folder: Path) -> Engagement:
    """The draft must itself be a valid params file."""
    return params.resolve(yaml.safe_load(text), f"{name}.yml", folder)


def _head(name: str, file: Path, facts: Profile) -> list[str]:
    n, first, last = facts.counts, facts.first_day, facts.last_day
    unit, why = _time_unit(facts.median_gap)
    currency = facts.currency
    sure = "GUESS: " if currency.open else ""
    size = f"{n['rows']:,} rows of {n['customers']:,} customers"
    lines = [
        f"# Proposed from {_comment(file.name)}: {size}.",
        "# Lines with GUESS and the questions at the end are for the client to settle.",
        f"engagement: {name}",
        f"title: {_text(name.replace('_', ' ').capitalize())}",
        f"currency: {currency.value}   # {sure}{_comment(currency.evidence)}",
        f"time_unit: {unit}   # {why}",
    ]
    if facts.instants:
        lines.append("# time_zone: Asia/Hong_Kong   # times carry a zone; whose days count?")
    if first < last:
        lines.append(f"observation_start: {first}   # GUESS: the first day in the file")
    lines.append(f"observation_end: {last}   # GUESS: the last day in the file")
    return lines


def _inputs(path: str, layout: dict[str, Any], facts: Profile) -> list[str]:
    lines = ["", "inputs:", "  transactions:", f"    path: {_text(path)}"]
    for key, value in layout.items():
        if key == "fields":
            lines.append(f"    fields:   # {_LAYOUT[key]}")
            lines += [f"      {_text(field)}: {list(span)}" for field, span in value.items()]
        else:
            note = f"   # {_LAYOUT[key]}" if key in _LAYOUT else ""
            lines.append(f"    {key}: {_scalar(value)}{note}")
    lines.append("    columns:")
    for role, guess in facts.roles.items():
        lines.append(f"      {role}: {_text(guess.column.name)}   # {guess.evidence}")
    for role in {"customer_id", "amount"} - set(facts.roles):
        if role == "customer_id" or "quantity" not in facts.roles:
            lines.append(f"      # {role}: ?   # no column looks like it")
    for key, stated in (("date_format", facts.date_format), ("decimal", facts.decimal)):
        if stated.open:
            lines.append(f"    {key}: auto   # OPEN: {_comment(stated.evidence)}")
        elif stated.value:
            lines.append(f"    {key}: {_text(stated.value)}   # {_comment(stated.evidence)}")
    return lines + _policies(facts)


def _policies(facts: Profile) -> list[str]:
    """What equal rows, negative amounts and free items mean, as far as the file tells."""
    n = facts.counts
    equal, has_order = n["rows"] - n["distinct"], "order_id" in facts.roles
    if not equal:
        duplicates, why = "drop", "no row repeats an earlier one in every column"
    elif has_order:
        duplicates, why = "drop", f"GUESS: {equal:,} rows repeat one of the same order: sent twice?"
    else:
        duplicates = "keep"
        why = f"GUESS: {equal:,} rows repeat another; without an order number they may be purchases"
    matched = n["returns_matched"] if has_order else 0
    if not n["negative"]:
        returns, because = "net_by_order", "no row is negative"
    elif 2 * matched >= n["negative"]:
        returns = "net_by_order"
        because = (
            f"{matched:,} of {n['negative']:,} negative rows share their order with a purchase"
        )
    else:
        returns = "keep"
        what = f"only {matched:,} share their order with a purchase" if has_order else "no order"
        own = f" (their orders begin with {facts.return_prefix})" if facts.return_prefix else ""
        because = f"GUESS: {n['negative']:,} negative rows, {what}{own}: netted by customer"
    free = f"GUESS: {n['zero']:,} rows come to 0" if n["zero"] else "no row comes to 0"
    return [
        f"    duplicates: {duplicates}   # {why}",
        f"    returns: {returns}   # {because}",
        f"    zero_amounts: exclude   # {free}",
    ]


def _limits(facts: Profile) -> list[str]:
    """A limit that lets the file pass, said aloud, where many rows cannot be used."""
    n = facts.counts
    lost = (n["unusable"] + n["broken"]) / max(n["rows"] + n["broken"], 1)
    returned = 0 if 2 * n["returns_matched"] >= n["negative"] else n["negative"] / n["rows"]
    if lost + returned <= 0.9 * _BROKEN:
        return []
    limit = min(1.0, math.ceil((lost + returned + 0.02) * 20) / 20)
    return [
        "",
        "customers:",
        f"  max_excluded_share: {limit:.2f}   # GUESS: {lost:.1%} of the rows cannot be used; the",
        f"  # usual limit is {_BROKEN:.2f}. Settle the questions below before trusting a result.",
    ]


def _time_unit(gap: float | None) -> tuple[str, str]:
    """The longest unit that fits into the usual time between purchases at least four times.

    So a habit is told apart from chance, and a year of weekly shopping is 52 occasions.
    """
    if gap is None:
        return "week", "GUESS: nobody bought on two days"
    unit = "day"
    for candidate in ("week", "month", "year"):
        if gap >= 4 * DAYS_PER_UNIT[candidate]:
            unit = candidate
    return unit, (
        f"GUESS: half of all repeat purchases come within {gap:.0f} days; the unit is the longest "
        "of which four fit"
    )


def _open(facts: Profile) -> list[str]:
    """What must be settled before the file can be read at all."""
    questions = [
        f"`{key}`: {stated.evidence}"
        for key, stated in (("date_format", facts.date_format), ("decimal", facts.decimal))
        if stated.open
    ]
    if "customer_id" not in facts.roles:
        questions.append("Which column says who bought?")
    if not {"amount", "quantity"} & set(facts.roles):
        questions.append("Which column holds the money?")
    return questions


def _to_ask(facts: Profile) -> list[str]:
    """Questions that every first file leaves, and those that this one raises."""
    n = facts.counts
    asked = []
    if facts.currency.open:
        asked.append(
            f"Is the currency {facts.currency.value}, and only that? {_sentence(facts.currency)}"
        )
    asked.append(
        f"Does the export cover every purchase from {facts.first_day} to {facts.last_day}, and had "
        "customers bought before?"
    )
    if n["no_customer"]:
        share = n["no_customer"] / n["rows"]
        asked.append(
            f"Who is behind the {n['no_customer']:,} rows ({share:.1%}) without a customer: "
            "anonymous purchases or a failed join?"
        )
    if n["no_day"] or n["no_amount"]:
        asked.append(
            f"What do {n['no_day']:,} rows without a readable day and {n['no_amount']:,} without a "
            "readable amount mean?"
        )
    if n["negative"]:
        asked.append(f"What do the {n['negative']:,} negative rows mean: returns, discounts, fees?")
    if facts.pieces is not None:
        asked.append(facts.pieces)
    if n["zero"]:
        asked.append(f"Are the {n['zero']:,} rows of nothing purchases (gifts) or corrections?")
    if n["rows"] > n["distinct"]:
        asked.append(
            f"Are {n['rows'] - n['distinct']:,} rows that equal another purchases of their own?"
        )
    if "margin" not in facts.roles:
        asked.append("What is the contribution margin? Without one, value is revenue.")
    asked.append("Are amounts net of tax and discounts?")
    return asked


def _found(facts: Profile) -> list[str]:
    """What was recognised, for the terminal."""
    width = max(map(len, facts.roles))
    lines = [f"{r:{width}}  {g.column.name}  ({g.evidence})" for r, g in facts.roles.items()]
    styles = [s for s in (facts.date_format, facts.decimal) if s.value and not s.open]
    return lines + [_sentence(stated) for stated in styles]


def _sentence(stated: Stated) -> str:
    said = stated.evidence[:1].upper() + stated.evidence[1:]
    return said if said.endswith(".") else f"{said}."


def _last_block(asked: tuple[str, ...]) -> list[str]:
    return ["", "# What the file does not say:", *(f"# - {_comment(each)}" for each in asked)]


def _text(text: str) -> str:
    """Text as YAML has it, quoted where a bare word would be read as something else."""
    if re.fullmatch(r"[^\W\d_][\w ./-]*", text) and isinstance(yaml.safe_load(text), str):
        return text
    return json.dumps(text, ensure_ascii=False)


def _scalar(value: Any) -> str:
    if isinstance(value, bool | int | dt.date):
        return json.dumps(value, default=str)
    return _text(str(value))


def _comment(text: str) -> str:
    """Text of the client's on one line of a comment."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
