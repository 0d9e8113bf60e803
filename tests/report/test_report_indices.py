"""The two indices: newest first, complete, put in place at once."""

import json
import re

import pytest

from crmlib.book import indices, versions
from crmlib.book.versions import Version


@pytest.fixture
def root(tmp_path, monkeypatch):
    """Three versions of two engagements, one with a name that no folder should trust."""
    made = []
    for engagement, number, hash8 in [
        ("harbour", 2, "bbbbbbbb"),
        ("harbour", 10, "cccccccc"),
        ("cdnow", 1, "aaaaaaaa"),
    ]:
        path = tmp_path / engagement / f"v{number}-{hash8}"
        path.mkdir(parents=True)
        ended = f"2026-03-{number:02d}T14:05:59+00:00"
        manifest = {"title": "<b>Harbour</b>", "ended": ended, "files": {}}
        (path / "manifest.json").write_text(json.dumps(manifest))
        (path / "index.html").write_text("x" * 1_200_000)
        made.append(Version(engagement, number, hash8, path))
    (tmp_path / "harbour" / "index.json").write_text(json.dumps({"v10-cccccccc": "d" * 64}))
    (tmp_path / "empty").mkdir()

    def listed(root, engagement=None):
        return [v for v in made if engagement in (None, v.engagement)]

    monkeypatch.setattr(versions, "list_versions", listed)
    indices.write(tmp_path, "harbour")
    return tmp_path


def test_versions_stand_newest_first_with_their_facts(root):
    text = (root / "harbour" / "index.html").read_text()
    assert text.index("Version 10") < text.index("Version 2<")
    assert 'href="v10-cccccccc/index.html"' in text
    for fact in ("2026-03-10 14:05 UTC", "cccccccc", 'title="' + "d" * 64, "1.2 MB"):
        assert fact in text


def test_overview_names_each_engagement_with_its_newest_version(root):
    rows = re.findall(
        r'href="(\w+)/index.html".*?<td class="number">(\d+)<', (root / "index.html").read_text()
    )
    assert rows == [("cdnow", "1"), ("harbour", "10")]


def test_titles_are_escaped(root):
    for path in (root / "index.html", root / "harbour" / "index.html"):
        assert "<b>Harbour" not in path.read_text()
        assert "&lt;b&gt;Harbour" in path.read_text()


def test_nothing_but_the_index_is_left(root):
    assert sorted(p.name for p in root.iterdir()) == ["cdnow", "empty", "harbour", "index.html"]


def test_an_engagement_without_versions_says_so(root):
    indices.write(root, "empty")
    assert "Nothing has been published yet" in (root / "empty" / "index.html").read_text()
