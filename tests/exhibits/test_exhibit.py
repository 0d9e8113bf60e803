"""An exhibit cannot be shown without what a reviewer asks of it."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from crmlib.exhibits import Exhibit, Finding, palette, theme


@pytest.fixture
def exhibit() -> Exhibit:
    return Exhibit(
        id="sizes",
        title="Two groups differ by half",
        table=pd.DataFrame({"group": ["a", "<b>"], "size": [1.0, 2.0]}),
        source="a test",
        period="2020",
        n=2,
        unit="customers",
        alt="Two bars",
    )


def drawn(exhibit: Exhibit) -> Exhibit:
    figure, ax = theme.axes()
    ax.bar(exhibit.table["group"], exhibit.table["size"], color=theme.PRIMARY)
    return dataclasses.replace(exhibit, figure=figure)


@pytest.mark.parametrize("missing", ["title", "source", "period", "unit", "alt"])
def test_evidence_cannot_be_left_out(exhibit, missing):
    with pytest.raises(ValueError, match=missing):
        dataclasses.replace(exhibit, **{missing: " "})


def test_title_has_at_most_twelve_words(exhibit):
    with pytest.raises(ValueError, match="12 words"):
        dataclasses.replace(exhibit, title=" ".join(["word"] * 13))


def test_plain_text_is_the_charted_table(exhibit):
    data, metadata = drawn(exhibit)._repr_mimebundle_()
    assert data["text/plain"].split() == ["group", "size", "a", "1", "<b>", "2"]
    assert data["image/svg+xml"].startswith("<svg")
    assert metadata["crm_exhibit"]["n"] == 2


def test_a_notebook_says_title_and_evidence_around_it(exhibit):
    noted = dataclasses.replace(exhibit, title="A <b> is half of c", note="Few & far.")
    above, _ = noted.heading()._repr_mimebundle_()
    below, _ = noted.caption()._repr_mimebundle_()
    assert above == {"text/plain": noted.title, "text/html": "<h4>A &lt;b&gt; is half of c</h4>"}
    assert below["text/plain"].splitlines() == [
        "Source: a test · 2020 · n = 2 customers · Unit: customers", "Few & far."
    ]  # fmt: skip
    assert "Few &amp; far." in below["text/html"]


def test_table_cells_are_escaped(exhibit):
    data, _ = exhibit._repr_mimebundle_()
    assert "&lt;b&gt;" in data["text/html"] and "<b>" not in data["text/html"]


def test_headings_are_escaped_even_with_braces(exhibit):
    table = exhibit.table.rename(columns={"group": "{{x}} <i>"})
    data, _ = dataclasses.replace(exhibit, table=table)._repr_mimebundle_()
    assert "&#123;&#123;x}} &lt;i&gt;" in data["text/html"] and "<i>" not in data["text/html"]


def test_pictures_are_the_same_bytes_each_time(exhibit):
    first, second = (drawn(exhibit).figure for _ in range(2))
    assert theme.to_svg(first) == theme.to_svg(second)
    assert theme.to_png(first) == theme.to_png(second)


def test_numpy_counts_are_written_as_numbers(exhibit):
    assert dataclasses.replace(exhibit, n=np.int64(3)).record("x")["n"] == 3


def luminance(color: str) -> float:
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return float(np.dot([0.2126, 0.7152, 0.0722], linear))


@pytest.mark.parametrize("name", [name for name in palette.PALETTE if name != "grid"])
@pytest.mark.parametrize("mode", [0, 1], ids=["light", "dark"])
def test_colours_stand_out_from_their_ground(name, mode):
    """WCAG 2.2, 1.4.11: graphics need a contrast of 3:1."""
    light, dark = sorted(
        [luminance(palette.PALETTE[name][mode]), luminance(palette.PAGE_GROUND[mode])]
    )
    assert (dark + 0.05) / (light + 0.05) >= 3


def test_an_estimate_needs_its_interval_and_a_count_has_none():
    fields = {"id": "x", "sentence": "s", "value": 1.0, "unit": "u", "exhibit": "e"}
    with pytest.raises(ValueError, match="needs its interval"):
        Finding(kind="estimate", **fields)
    with pytest.raises(ValueError, match="no interval"):
        Finding(kind="census", lo=0.0, hi=2.0, **fields)
