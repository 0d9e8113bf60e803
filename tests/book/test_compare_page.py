"""The comparison's page: whole, quiet, safe, and the same for the same two versions."""

import base64
import errno
import io
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image
from small_versions import EXHIBITS, FINDINGS, TABLES, changed, drawing, exhibit, finding, publish

from crmlib.book import compare, compare_page, compare_words, disk
from crmlib.errors import VersionError

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
MOVED = {
    "settings": {"value.annual_discount_rate": 0.15},
    "findings": changed("equity", value=70.0, lo=60.0, hi=85.0),
    "tables": {"months": TABLES["months"].replace("300.5", "299.5")},
    "pictures": {"months": drawing(400)},
}


class Elements(HTMLParser):
    """Every element of a page with its attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def attributes(self, name: str) -> list[str]:
        return [attrs[name] or "" for _, attrs in self.found if name in attrs]


def page(root: Path, new: dict | None = None, old: dict | None = None) -> str:
    first, second = publish(root, "0a0a0a0a", **old or {}), publish(root, "1b1b1b1b", **new or {})
    return compare_page.publish(root, first, second)[0].read_text(encoding="utf-8")


def headline(root: Path, new: dict | None = None) -> str:
    first, second = publish(root, "0a0a0a0a"), publish(root, "1b1b1b1b", **new or {})
    return compare_words.headline(compare.of(first.path, second.path))


def words(text: str) -> str:
    """The page without tags, blanks run together."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", text.partition("</style>")[2]))


def test_only_what_differs_stands_on_the_page(tmp_path):
    text = page(tmp_path, MOVED)
    sections = re.findall(r"<h2[^>]*>([^<]*)</h2>", text)
    assert sections == ["Beyond tolerance", "Parameters changed", "Findings", "Exhibits"]
    said = words(text)
    assert "value.annual_discount_rate 0.1 0.15" in said
    assert "v1 50 40 to 65 v2 70 60 to 85 Change +20 (+40%) 2 times the way to its end" in said
    assert "2 findings unchanged." in said and "1 exhibit unchanged." in said
    assert "2020-02" not in said
    assert "<del>300.5</del> → <ins>299.5</ins>" in text
    assert 'id="finding-revenue"' not in text and 'id="exhibit-worth"' not in text


@pytest.mark.parametrize(
    ("new", "said"),
    [
        ({}, "Nothing differs: 3 findings and 2 exhibits are the same."),
        (MOVED, "1 parameter changed; 1 of 3 findings moved, 1 beyond its interval; "
         "1 of 2 exhibits differs."),
        ({"settings": {"value.annual_discount_rate": 0.15}},
         "1 parameter changed; no finding moved; no exhibit differs."),
        ({"findings": changed("revenue", value=9.0), "provenance": {"code": "00" * 32}},
         "Code of crmlib changed; 1 of 3 findings moved; no exhibit differs."),
        ({"findings": changed("equity", value=51.0)},
         "No parameter, input, code or package changed; 1 of 3 findings moved, none beyond its "
         "interval; no exhibit differs."),
        ({"findings": FINDINGS[1:], "exhibits": EXHIBITS[:1]},
         "No parameter, input, code or package changed; 0 of 2 findings moved, 1 dropped; "
         "0 of 1 exhibit differ, 1 dropped."),
        ({"chapters": ("01_customers",), "findings": FINDINGS[:1], "exhibits": EXHIBITS[:1]},
         "No parameter, input, code or package changed; no finding moved; no exhibit differs; "
         "3 chapters not compared."),
    ],
)  # fmt: skip
def test_the_headline_says_it_in_one_sentence(tmp_path, new, said):
    assert headline(tmp_path, new) == said


def test_a_version_compared_with_itself_differs_in_nothing(tmp_path):
    version = publish(tmp_path, "0a0a0a0a")
    path, comparison = compare_page.publish(tmp_path, version, version)
    assert path.name == "v1-0a0a0a0a..v1-0a0a0a0a.html"
    assert "Nothing differs" in path.read_text() and "<h2" not in path.read_text()
    assert comparison.broken == []


def test_the_same_versions_give_the_same_bytes_and_no_trace_of_this_machine(tmp_path):
    texts = [page(tmp_path / name, MOVED) for name in ("one", "two")]
    assert texts[0] == texts[1]
    assert str(tmp_path) not in texts[0]
    assert "2021-01-01" not in texts[0]  # when both versions were finished


def test_absolute_inputs_lose_their_folders(tmp_path):
    paths = [{"settings": {"inputs.transactions.path": f"/srv/{d}/shop.csv"}} for d in "ab"]
    provenance = [
        {"inputs": {"/srv/a/shop.csv": "00" * 32}},
        {"inputs": {"/srv/b/shop.csv": "11" * 32}},
    ]
    old, new = ({**s, "provenance": p} for s, p in zip(paths, provenance, strict=True))
    text = page(tmp_path, new, old)
    assert "/srv" not in text
    assert "shop.csv (in another folder)" in text


def test_hostile_words_stay_words(tmp_path):
    lines = [finding("equity", "estimate", 1.0, lo=0.0, hi=9.0, sentence=HOSTILE, unit=HOSTILE)]
    shown = [exhibit("worth", "02_value", title=HOSTILE, note=HOSTILE, source=HOSTILE)]
    picture = exhibit("months", "01_customers", alt=HOSTILE, picture="exhibits/months.png")
    table = f"{HOSTILE.replace(chr(34), '')},value\n=cmd(),1.5\n"
    text = page(
        tmp_path,
        {
            "settings": {"title": HOSTILE, "inputs.transactions.columns": {HOSTILE: HOSTILE}},
            "findings": lines,
            "exhibits": [*shown, picture],
            "tables": {"worth": table, "months": "month,customers\n2020,1\n"},
            "pictures": {"months": drawing(300)},
            "intake": f"table,status,reason,rows\n{'<b>x'},read,,5\n",
        },
    )
    elements = Elements(text)
    tags = {tag for tag, _ in elements.found}
    assert not tags & {"script", "iframe", "object", "form", "b", "link2"}
    assert not [name for _, attrs in elements.found for name in attrs if name.startswith("on")]
    assert all(src.startswith("data:image/png;base64,") for src in elements.attributes("src"))
    assert elements.attributes("style") == []
    assert HOSTILE in elements.attributes("alt")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text


def test_no_word_but_a_relative_address_can_be_followed(tmp_path):
    hrefs = Elements(page(tmp_path, MOVED)).attributes("href")
    assert all(href.startswith(("../", "#main", "data:image/svg+xml;base64,")) for href in hrefs)
    assert "../v1-0a0a0a0a/02_value.html#worth" in hrefs
    assert "../v2-1b1b1b1b/02_value.html#worth" in hrefs


def test_an_exhibit_that_is_on_no_page_is_not_linked_to(tmp_path):
    moved = changed("equity", value=70.0, exhibit="nowhere")
    hrefs = Elements(page(tmp_path, {"findings": moved})).attributes("href")
    assert not [href for href in hrefs if "nowhere" in href]


def test_pictures_are_reduced_and_stand_side_by_side(tmp_path):
    sources = Elements(page(tmp_path, MOVED)).attributes("src")
    shown = [Image.open(io.BytesIO(base64.b64decode(src.partition(",")[2]))) for src in sources]
    assert [picture.size for picture in shown] == [(900, 438), (900, 438)]
    bars = [picture.convert("RGB").getpixel((200, 90)) for picture in shown]
    assert bars == [(255, 255, 255), pytest.approx((31, 111, 156), abs=12)]


def test_many_pictures_are_linked_to_instead(tmp_path, monkeypatch):
    monkeypatch.setattr(compare_page, "MAX_PICTURES", 1000)
    elements = Elements(page(tmp_path, MOVED))
    assert elements.attributes("src") == []
    assert "../v2-1b1b1b1b/exhibits/months.png" in elements.attributes("href")


def test_long_tables_are_cut_and_say_so(tmp_path):
    tables = [
        {"months": "month,customers\n" + "".join(f"m{i},{i + more}.5\n" for i in range(100))}
        for more in (0, 1)
    ]
    text = page(tmp_path, {"tables": tables[1]}, {"tables": tables[0]})
    assert text.count("<tr><td>changed</td>") == 40
    assert "60 more rows differ." in text


def test_digits_go_on_until_the_difference_is_seen(tmp_path):
    moved = changed("equity", value=50.00004)
    tables = {"worth": TABLES["worth"].replace("50.0,", "50.00004,")}
    text = words(page(tmp_path, {"findings": moved, "tables": tables}))
    assert "v1 50.00000 40.00000 to 65.00000 v2 50.00004" in text
    assert "50.0 → 50.00004" in text


def test_columns_that_came_and_went_are_named(tmp_path):
    tables = {"months": TABLES["months"].replace("customers", "buyers")}
    said = words(page(tmp_path, {"tables": tables}))
    assert "New columns: buyers. Dropped columns: customers." in said


def test_many_tables_do_not_make_the_page_endless(tmp_path, monkeypatch):
    monkeypatch.setattr(compare_page, "MAX_CELLS", 3)
    tables = {name: re.sub(r"(?<=[,.])\d", "7", text) for name, text in TABLES.items()}
    text = page(tmp_path, {"tables": tables})
    assert text.count("<tr><td>changed</td>") == 1
    assert "2 more rows differ." in text and "2 rows differ." in text


@pytest.mark.parametrize("value", [None, float("nan"), float("inf"), 0.0, 1e-12, -3e12])
def test_any_figure_can_be_written(tmp_path, value):
    for old, new in ((value, 50.0), (50.0, value), (value, value)):
        lines = [changed("equity", value=side) for side in (old, new)]
        root = tmp_path / f"{old} to {new}"
        said = words(page(root, {"findings": lines[1]}, {"findings": lines[0]}))
        assert ("Nothing differs" in said) == (old is new)


def test_the_list_of_versions_names_comparisons_whose_versions_are_there(tmp_path):
    page(tmp_path, MOVED)
    (tmp_path / "shop" / "compare" / "v1-0a0a0a0a..v9-99999999.html").write_text("gone")
    first = publish(tmp_path, "2c2c2c2c")
    compare_page.publish(tmp_path, first, first)
    listed = re.findall(
        r'href="(compare/[^"]*)">([^<]*)<', (tmp_path / "shop/index.html").read_text()
    )
    assert listed == [
        ("compare/v3-2c2c2c2c..v3-2c2c2c2c.html", "From version 3 to version 3"),
        ("compare/v1-0a0a0a0a..v2-1b1b1b1b.html", "From version 1 to version 2"),
    ]


def test_a_full_disk_leaves_nothing_half(tmp_path, monkeypatch):
    first, second = publish(tmp_path, "0a0a0a0a"), publish(tmp_path, "1b1b1b1b", **MOVED)
    target, _ = compare_page.publish(tmp_path, first, second)
    before = target.read_bytes()

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(disk.os, "fdopen", full)
    with pytest.raises(VersionError, match="no comparison was written"):
        compare_page.publish(tmp_path, first, second)
    assert [path.name for path in target.parent.iterdir()] == [target.name]
    assert target.read_bytes() == before
