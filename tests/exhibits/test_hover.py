"""Around each place a chart says the figures that are drawn there, and no others."""

import re
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from crmlib.exhibits import hover, theme

BAND = re.compile(
    r'<rect class="value" x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"[^>]*>'
    r"<title>([^<]*)</title></rect>"
)


def bands(figure) -> list[tuple[float, float, float, float, str]]:
    found = BAND.findall(theme.to_svg(figure))
    return [(*map(float, place), text) for *place, text in found]


def test_bands_cover_the_axes_without_gap_or_overlap():
    figure, ax = theme.axes()
    ax.plot([1, 2, 4], [3, 1, 2])
    hover.say(ax, [4, 1, 2], ["last", "first", "second"])
    found = sorted(bands(figure))
    assert [text for *_, text in found] == ["first", "second", "last"]
    for (x, _, width, _, _), (following, *_) in pairwise(found):
        assert x + width == pytest.approx(following, abs=0.2)
    box = ax.get_position()
    assert found[0][0] == pytest.approx(box.x0 * 7.2 * 72, abs=0.2)
    assert sum(width for _, _, width, _, _ in found) == pytest.approx(box.width * 518.4, abs=0.5)


def test_a_band_lies_over_its_mark():
    figure, ax = theme.axes()
    ax.bar([0, 1, 2], [5, 6, 7], width=0.5)
    hover.say(ax, [0, 1, 2], ["a", "b", "c"])
    svg_middles = [x + width / 2 for x, _, width, _, _ in bands(figure)]
    shares = ax.transData.transform([(1, 0)])[0][0] / figure.bbox.width
    assert svg_middles[1] == pytest.approx(shares * 7.2 * 72, abs=0.2)


def test_rows_are_bands_from_top_to_bottom():
    figure, ax = theme.axes()
    ax.plot([0.2, 0.5], [1, 0], "o")
    hover.say(ax, [1, 0], ["upper", "lower"], along="y")
    upper, lower = bands(figure)
    assert (upper[4], lower[4]) == ("upper", "lower")
    assert upper[1] < lower[1] and upper[1] + upper[3] == pytest.approx(lower[1], abs=0.2)


def test_dates_are_places_too():
    figure, ax = theme.axes()
    months = pd.Series(pd.to_datetime(["1997-01-01", "1997-02-01"]))
    ax.plot(months, [1, 2])
    hover.say(ax, months, ["January", "February"])
    assert [text for *_, text in bands(figure)] == ["January", "February"]


def test_what_is_withheld_is_not_said():
    figure, ax = theme.axes()
    ax.plot([1, 2, 3], [1, np.nan, 3])
    series = {"spent": [1.0, np.nan, 3.0], "": [2.0, np.nan, np.nan]}
    theme.says_values(ax, [1, 2, 3], ["a", "b", "c"], series, "{:.0f}".format)
    assert [text for *_, text in bands(figure)] == ["a\nspent: 1\n2", "c\nspent: 3"]


def test_words_of_a_client_stay_words():
    figure, ax = theme.axes()
    ax.plot([1], [1])
    hover.say(ax, [1], ["<script>&"])
    assert "<title>&lt;script&gt;&amp;</title>" in theme.to_svg(figure)


def test_what_xml_cannot_hold_is_replaced():
    figure, ax = theme.axes()
    ax.plot([1], [1])
    hover.say(ax, [1], ["a\x0bb"])
    ax.set_xlabel("c\x01d")
    assert "<title>a\ufffdb</title>" in theme.to_svg(figure)
    assert "c\ufffdd" in theme.to_svg(figure)


def test_as_many_texts_as_places():
    _, ax = theme.axes()
    with pytest.raises(ValueError, match="2 places, but 1 texts"):
        hover.say(ax, [1, 2], ["one"])
