"""Do the client's tables hold what the params say was asked in them?

`questions` names survey items, what describes an offer, and levels of it; `needs` names
attributes of customers. Only the tables can confirm such names. Here every mistake is told,
all at once, before any chapter computes on them (chapters 01 and 04).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import ibis.expr.types as ir

from crmlib.errors import ParamsError, suggestion
from crmlib.intake.contents import NUMBERS, YES_NO, Contents, look_into
from crmlib.intake.offered import offer_mistakes
from crmlib.intake.people import NOT_OF_THE_PERSON
from crmlib.intake.reading.reader import connect
from crmlib.params import Engagement, NeedsChapter, Questions
from crmlib.tables import TABLES

_OF_SURVEY = ("benefits", "reasons", "loyalty_items", "issues")
_OF_CHOICES = ("choice_attributes",)  # all else on choices is refused without them
# What the chapter of segments says of customers, beside their attributes.
_PLACED = ("value_tier", "behaviour_segment")


def check_questions(
    engagement: Engagement,
    tables: Mapping[str, ir.Table],
    attributes: Sequence[str] | None = None,
) -> None:
    """Hold what the params say of survey, choices and attributes against the tables.

    Parameters
    ----------
    tables : mapping
        The client's cleaned tables, by name.
    attributes : sequence of str, optional
        What the view of customers calls the client's attributes; without, names of
        attributes are not held against anything.

    Raises
    ------
    ParamsError
        The first mistake, with the others below it.
    """
    asked = engagement.questions
    mistakes = [
        *_without_table(asked, _OF_SURVEY, "survey", tables),
        *_without_table(asked, _OF_CHOICES, "choices", tables),
    ]
    if "survey" in tables:
        mistakes += _survey_mistakes(asked, tables["survey"])
    if "choices" in tables:
        mistakes += offer_mistakes(asked, tables["choices"])
    mistakes += _word_mistakes(asked, tables)
    if attributes is not None:
        mistakes += _attribute_mistakes(engagement.needs, attributes)
    if mistakes:
        first, *others = mistakes
        first.others = tuple(others)
        raise first


def check_kept(engagement: Engagement, folder: Path) -> None:
    """`check_questions` of the tables that a version keeps.

    Questions decide nothing in the chapter that opens the client's tables, so it is not
    executed anew when only they change, and nothing else would hold them against the tables.

    Parameters
    ----------
    folder : Path
        Where the first chapter has left its tables.

    Raises
    ------
    ParamsError
        The first mistake, with the others below it.
    """
    connection = connect()
    kept = {name: folder / f"client_{name}.parquet" for name in engagement.inputs.given()}
    tables = {
        name: connection.read_parquet(str(path)) for name, path in kept.items() if path.exists()
    }
    view, attributes = folder / "customers.parquet", None
    if view.exists():
        columns = connection.read_parquet(str(view)).columns
        attributes = [name for name in columns if name != "customer_id"]
    check_questions(engagement, tables, attributes)


def _without_table(
    asked: Questions, keys: Iterable[str], table: str, tables: Mapping[str, ir.Table]
) -> Iterator[ParamsError]:
    """Settings about a table that was not given; what to do is said once."""
    remedy = "Give the table, or leave out what was asked in it."
    for key in keys:
        if table not in tables and getattr(asked, key):
            problem = f"needs inputs.{table}, which is not given."
            yield ParamsError(f"questions.{key}", problem, remedy)
            remedy = ""


def _word_mistakes(asked: Questions, tables: Mapping[str, ir.Table]) -> Iterator[ParamsError]:
    """Words for what is neither an item of the survey nor an attribute of the choices."""
    given = [name for name in ("survey", "choices") if name in tables]
    if asked.words and not given:
        problem = "needs inputs.survey or inputs.choices, which are not given."
        yield ParamsError("questions.words", problem, "Give the table, or leave the words out.")
        return
    known = [
        column
        for name in given
        for column in tables[name].columns
        if column not in TABLES[name].columns
    ]
    what = {"survey": "item of the survey", "choices": "attribute of the choices"}
    for item in asked.words:
        if item not in known:
            problem = f"`{item}` is no {' and no '.join(what[name] for name in given)}."
            yield ParamsError(f"questions.words.{item}", problem, suggestion(item, known))


def _survey_mistakes(asked: Questions, rows: ir.Table) -> Iterator[ParamsError]:
    """Items that were not asked, or were answered otherwise than a setting needs."""
    items = [name for name in rows.columns if name not in TABLES["survey"].columns]
    measured, counted = _measured(asked), [("questions.reasons", item) for item in asked.reasons]
    for place, item in [*measured, *counted]:
        if item not in items:
            problem = f"`{item}` is no item of the survey."
            yield ParamsError(place, problem, suggestion(item, items))
    looked = look_into(rows, (item for _, item in [*measured, *counted] if item in items))
    for place, item in [*measured, *counted]:
        if item in looked and not looked[item].filled:
            yield ParamsError(place, f"nobody has answered `{item}`.", "Leave it out.")
    for place, item in measured:
        found = looked.get(item)
        if found and found.filled and found.kind not in (NUMBERS, YES_NO):
            yield ParamsError(
                place,
                f"the answers to `{item}` are {found.told}; expected numbers.",
                "Name an item that is answered in numbers, or have its answers coded as such.",
            )
    yield from _off_the_scale(asked, looked)
    if asked.weights_are == "customers" and "weight" not in rows.columns:
        yield ParamsError(
            "questions.weights_are",
            "says that weights count customers, but the survey has no column `weight`.",
            "Name it under `inputs.survey.columns`, or leave this setting out.",
        )


def _measured(asked: Questions) -> list[tuple[str, str]]:
    """(place, item) of all items whose answers have to be numbers."""
    return [
        *(
            (f"questions.benefits.{block}", item)
            for block, items in asked.benefits.items()
            for item in items
        ),
        *((f"questions.loyalty_items.{name}", item) for name, item in asked.loyalty_items.items()),
        *(("questions.issues", item) for item in asked.issues),
    ]


def _off_the_scale(asked: Questions, looked: Mapping[str, Contents]) -> Iterator[ParamsError]:
    """Answers on satisfaction, overall or with an issue, that are below worst or above best."""
    worst, best = asked.satisfaction_scale
    rated = dict.fromkeys([asked.loyalty_items.get("satisfaction", ""), *asked.issues])
    off = [item for item in rated if item in looked and not _within(looked[item], worst, best)]
    if off:
        low, high = min(looked[i].low for i in off), max(looked[i].high for i in off)
        named = ", ".join(f"`{item}`" for item in off)
        yield ParamsError(
            "questions.satisfaction_scale",
            f"says {worst:g} to {best:g}, but answers to {named} run from {low:g} to {high:g}.",
            "State the worst and the best answer; a code for no answer must be an empty cell.",
        )


def _within(found: Contents, worst: float, best: float) -> bool:
    """Whether no number lies outside; what holds no number is told elsewhere."""
    return not (found.low < worst or found.high > best)


def _attribute_mistakes(needs: NeedsChapter, attributes: Sequence[str]) -> Iterator[ParamsError]:
    """Names that are no attribute of customers, or stand twice."""
    known = [*(name for name in attributes if name not in NOT_OF_THE_PERSON), *_PLACED]
    for key in ("described_by", "projected_from"):
        names = getattr(needs, key)
        for name in dict.fromkeys(names):
            place = f"needs.{key}"
            if name not in known:
                problem = f"`{name}` is no attribute of customers."
                yield ParamsError(place, problem, suggestion(name, known))
            elif names.count(name) > 1:
                yield ParamsError(place, f"names `{name}` twice.", "Name each column once.")
