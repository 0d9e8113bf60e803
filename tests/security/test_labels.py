"""A `$` in a label is money, and no label is read as a formula."""

from __future__ import annotations

import html
import re

import pytest

from crmlib.exhibits import theme

LABELS = [r"$\frac{", "$ and $", r"US$ 5 \to US$ 6", "$x$", "$$", r"\$1", "A$AP_1^2$"]


@pytest.mark.parametrize("text", LABELS)
def test_a_label_is_drawn_as_it_stands_wherever_it_is(text):
    figure, ax = theme.axes()
    theme.paired_bars(ax, [text, "low"], {text: ([1, 2], theme.PRIMARY)}, str)
    theme.label(ax, 0, 1, text)
    theme.tidy(ax, x=text, y=text)
    ax.set_title(text)
    assert theme.to_png(figure)
    drawn = re.findall(r"<text[^>]*>(.*?)</text>", theme.to_svg(figure))
    assert [html.unescape(words) for words in drawn].count(text) == 6  # a formula has no dollars
