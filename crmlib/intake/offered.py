"""Do the choices hold the attributes and levels that the params say were shown (chapter 04)?

What describes an offer is in numbers or in words. A number can be a price and be better the
lower or the higher; words have levels, and a setting may name only those that were shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import and_

import ibis.expr.types as ir

from crmlib.errors import ParamsError, suggestion
from crmlib.intake.contents import NUMBERS, WORDS, Contents, is_filled, levels_of, look_into
from crmlib.params import NO_ATTRIBUTE, Questions


@dataclass(frozen=True)
class _Shown:
    """What people chose from: contents of each attribute, and levels of those in words."""

    contents: Mapping[str, Contents]
    levels: Mapping[str, list[str]]

    def kind(self, name: str) -> str:
        """Numbers, words or else; empty of what is told elsewhere to be no attribute."""
        return self.contents[name].kind if name in self.contents else ""


def offer_mistakes(asked: Questions, rows: ir.Table) -> Iterator[ParamsError]:
    """Attributes and levels that nobody was shown, or of another kind than a setting needs.

    Parameters
    ----------
    rows : Table
        The client's cleaned choices.
    """
    columns = [name for name in rows.columns if name not in NO_ATTRIBUTE]
    place = "questions.choice_attributes"
    for name in asked.choice_attributes:
        if name not in columns:
            problem = f"`{name}` is no column of the choices."
            yield ParamsError(place, problem, suggestion(name, columns))
    looked = look_into(rows, (n for n in asked.choice_attributes or columns if n in columns))
    for name, found in looked.items():
        if not found.filled:
            yield ParamsError(place, f"`{name}` is empty in every row.", "Leave it out.")
    contents = {name: found for name, found in looked.items() if found.filled}
    shown = _Shown(contents, {name: levels_of(rows, name) for name in _in_words(asked, contents)})
    nobody, half = _undescribed(rows, list(contents))
    if half:
        yield _half_described(half, contents)
    yield from _price_mistakes(asked, shown)
    yield from _better_mistakes(asked, shown)
    yield from _base_mistakes(asked, shown)
    yield from _offered_mistakes(asked, shown)
    if len(asked.offers) == 1 and contents and not nobody:
        yield ParamsError(
            "questions.offers",
            "names one offer, and nobody could take none: one alone has no share.",
            "Name another offer.",
        )


def _in_words(asked: Questions, contents: Mapping[str, Contents]) -> list[str]:
    """Attributes in words of which a setting names levels."""
    named = {*asked.choice_better, *asked.choice_base}
    named |= {name for offer in asked.offers.values() for name in offer}
    return [name for name, found in contents.items() if found.kind == WORDS and name in named]


def _undescribed(rows: ir.Table, attributes: list[str]) -> tuple[int, int]:
    """How many rows have no attribute (take none), and how many lack only some."""
    if not attributes:
        return 0, 0
    filled = [is_filled(rows[name]) for name in attributes]
    empty, whole = reduce(and_, [~each for each in filled]), reduce(and_, filled)
    counts = rows.aggregate(empty=empty.sum(), half=(~empty & ~whole).sum())
    found = counts.to_pyarrow().to_pylist()[0]
    return int(found["empty"] or 0), int(found["half"] or 0)


def _half_described(half: int, contents: Mapping[str, Contents]) -> ParamsError:
    often = max(contents, key=lambda name: contents[name].filled)
    seldom = min(contents, key=lambda name: contents[name].filled)
    return ParamsError(
        "questions.choice_attributes",
        f"in {half:,} {'row' if half == 1 else 'rows'} of the choices some attributes are empty "
        f"and others are not (`{seldom}` is oftenest empty, `{often}` least).",
        "Name only what describes an offer; only the option to take none has no attributes.",
    )


def _price_mistakes(asked: Questions, shown: _Shown) -> Iterator[ParamsError]:
    name = asked.choice_price
    if shown.kind(name) not in ("", NUMBERS):
        known = [each for each in shown.contents if shown.kind(each) == NUMBERS]
        yield ParamsError(
            "questions.choice_price",
            f"`{name}` holds {shown.contents[name].told}; a price must be in numbers.",
            f"In numbers: {_listed(known)}." if known else "None of the attributes is.",
        )


def _better_mistakes(asked: Questions, shown: _Shown) -> Iterator[ParamsError]:
    """Low or high of what is in words, levels of what is in numbers, levels that miss some."""
    for name, better in asked.choice_better.items():
        place, kind = f"questions.choice_better.{name}", shown.kind(name)
        if kind == NUMBERS:
            if not isinstance(better, str):
                problem = f"lists levels, but `{name}` is in numbers."
                yield ParamsError(place, problem, "Say `low` or `high`.")
        elif kind == WORDS and isinstance(better, str):
            known = _listed(shown.levels[name])
            problem = f"found '{better}', but `{name}` is in words."
            yield ParamsError(place, problem, f"List all levels from best to worst: {known}.")
        elif kind == WORDS:
            levels = shown.levels[name]
            for level in better:
                if level not in levels:
                    yield _never_shown(place, level, levels)
            missing = [level for level in levels if level not in better]
            if missing:
                problem = f"does not name {_listed(missing)}."
                yield ParamsError(place, problem, "List all levels from best to worst.")
        elif kind:
            yield _unnameable(place, name, shown)


def _base_mistakes(asked: Questions, shown: _Shown) -> Iterator[ParamsError]:
    for name, level in asked.choice_base.items():
        place, kind = f"questions.choice_base.{name}", shown.kind(name)
        if kind == NUMBERS:
            problem = f"`{name}` is in numbers, which are not compared with a level."
            yield ParamsError(place, problem, "Leave it out.")
        elif kind == WORDS:
            if level not in shown.levels[name]:
                yield _never_shown(place, level, shown.levels[name])
        elif kind:
            yield _unnameable(place, name, shown)


def _offered_mistakes(asked: Questions, shown: _Shown) -> Iterator[ParamsError]:
    for offer, described in asked.offers.items():
        for name, value in described.items():
            place, kind = f"questions.offers.{offer}.{name}", shown.kind(name)
            if kind == NUMBERS:
                if isinstance(value, str):
                    problem = f"found '{value}', but `{name}` is in numbers."
                    yield ParamsError(place, problem, "Write a number, without quotes.")
            elif kind == WORDS:
                levels = shown.levels[name]
                level = value if isinstance(value, str) else f"{value:g}"
                if level not in levels:
                    yield _never_shown(place, level, levels)
                elif not isinstance(value, str):
                    problem = f"found the number {level}, but `{name}` is in words."
                    yield ParamsError(place, problem, f'Put it in quotes: "{level}".')
            elif kind:
                yield _unnameable(place, name, shown)


def _never_shown(place: str, level: str, levels: list[str]) -> ParamsError:
    return ParamsError(place, f"nobody was shown '{level}'.", suggestion(level, levels))


def _unnameable(place: str, name: str, shown: _Shown) -> ParamsError:
    """Of levels that no word in a params file is equal to, such as true."""
    return ParamsError(
        place,
        f"`{name}` holds {shown.contents[name].told}; only numbers and words can be named.",
        "Have the column written as numbers or as words.",
    )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
