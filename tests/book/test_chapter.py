"""The run folder as a notebook sees it."""

import json

import pytest

from crmlib.book.chapter import Chapter


@pytest.mark.parametrize("kind", ["exhibits", "findings"])
def test_a_chapter_sees_the_records_of_the_others_only(tmp_path, kind):
    """By hand the summary reads a version that holds its own records too."""
    lines = [{"id": "a", "chapter": "02_value"}, {"id": "b", "chapter": "06_summary"}]
    (tmp_path / f"{kind}.json").write_text(json.dumps(lines))
    chapter = Chapter("06_summary", None, tmp_path, tmp_path)
    assert getattr(chapter, kind)() == lines[:1]
