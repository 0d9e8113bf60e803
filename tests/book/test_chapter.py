"""The run folder as a notebook sees it."""

import json

import pytest

from crmlib.book.chapter import Chapter
from crmlib.errors import ParamsError
from crmlib.stats.refusal import Refusal


@pytest.mark.parametrize("kind", ["exhibits", "findings"])
def test_a_chapter_sees_the_records_of_the_others_only(tmp_path, kind):
    """By hand the summary reads a version that holds its own records too."""
    lines = [{"id": "a", "chapter": "02_value"}, {"id": "b", "chapter": "06_summary"}]
    (tmp_path / f"{kind}.json").write_text(json.dumps(lines))
    chapter = Chapter("06_summary", None, tmp_path, tmp_path)
    assert getattr(chapter, kind)() == lines[:1]


@pytest.fixture
def segments(tmp_path) -> Chapter:
    return Chapter("03_segments", None, tmp_path, tmp_path)


def test_a_setting_that_names_no_segment_is_told_all_there_are(segments):
    segments.require_known("owners", {"high": "Ann"}, ["low", "high", "high"])
    with pytest.raises(ParamsError) as error:
        segments.require_known("targets", {"hihg": {}}, ["low", "high", "high"])
    assert str(error.value).splitlines() == [
        "params: segments.targets.hihg: is nothing that this version has found. "
        "Take one of these, or leave it out:",
        "  high",
        "  low",
    ]


def test_an_own_name_that_is_taken_is_refused(segments):
    segments.require_free("names", ())
    segments.require_free("names", Refusal("nothing was found"))
    with pytest.raises(ParamsError, match=r"segments\.names\.frequent: gives a name that another"):
        segments.require_free("names", ("frequent",))
