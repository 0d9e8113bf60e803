"""Which chapters can be made of the tables that a client gave."""

from __future__ import annotations

import pytest

from crmlib.book.graph import Chapter, possible, select, upstream, wanting
from crmlib.errors import ParamsError

BOOK = (
    Chapter("rows"),
    Chapter("value", needs=("rows",), inputs=("sales",)),
    Chapter("tiers", needs=("value",)),
    Chapter("wants", needs=("rows",), takes=("value",), inputs=("survey", "choices")),
    Chapter("summary", needs=("rows",), takes=("value", "tiers", "wants")),
)


def names(graph) -> list[str]:
    return [chapter.name for chapter in graph]


def test_one_of_several_inputs_is_enough():
    assert names(possible(BOOK, {"choices"})) == ["rows", "wants", "summary"]
    assert names(possible(BOOK, {"survey"})) == ["rows", "wants", "summary"]
    assert names(possible(BOOK, {"sales"})) == ["rows", "value", "tiers", "summary"]


def test_what_needs_a_chapter_that_cannot_be_made_wants_the_same_inputs():
    assert wanting(BOOK, {"survey"}) == {"value": ("sales",), "tiers": ("sales",)}
    assert wanting(BOOK, ()) == {
        "value": ("sales",),
        "tiers": ("sales",),
        "wants": ("survey", "choices"),
    }


def test_what_takes_a_chapter_comes_behind_it_and_does_without():
    assert upstream(BOOK, "wants") == ("rows", "value")
    assert upstream(possible(BOOK, {"survey"}), "wants") == ("rows",)
    assert names(select(BOOK, ["wants"], {"survey", "sales"})) == ["rows", "value", "wants"]
    assert names(select(BOOK, ["wants"], {"survey"})) == ["rows", "wants"]


def test_a_book_with_every_input_is_the_whole_book():
    assert possible(BOOK, {"sales", "survey"}) == BOOK == select(BOOK)


def test_a_chapter_without_its_inputs_is_refused_with_all_that_would_do():
    with pytest.raises(ParamsError, match=r"needs inputs\.survey or inputs\.choices"):
        select(BOOK, ["wants"], {"sales"})
