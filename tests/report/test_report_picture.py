"""Charts inside a page do not reach each other or the page."""

import re

from crmlib.book import picture
from crmlib.exhibits import theme


def chart(prefix: str, alt: str = "A line") -> str:
    figure, ax = theme.axes()
    ax.plot([0, 1], [0, 1], color=theme.PRIMARY)
    ax.scatter([0], [1], color=theme.CONTRAST)
    theme.tidy(ax, x="x", y="y")
    return str(picture.inline(theme.to_svg(figure), prefix, alt))


def test_every_id_has_the_prefix_and_is_pointed_to():
    svg = chart("lorenz")
    ids = re.findall(r' id="([^"]+)"', svg)
    assert ids
    assert all(id.startswith("lorenz-") for id in ids)
    assert set(re.findall(r'(?:href="|url\()#([^")]+)', svg)) == set(ids)


def test_no_style_sheet_no_namespace_no_size():
    svg = chart("lorenz")
    assert not re.search(r"<style|xmlns|http|<metadata", svg)
    assert not re.match(r"<svg[^>]* (width|height)=", svg)
    assert "viewBox" in svg


def test_variables_stand_in_styles_only():
    svg = picture.inline('<svg><path fill="#1f6f9c" d="M 1.23456 2"/></svg>', "a", "x")
    assert '<path d="M 1.23 2" style="fill: var(--c-primary)" />' in svg


def test_what_the_picture_shows_is_escaped():
    assert 'aria-label="&lt;b&gt;&quot;"' in chart("a", '<b>"')
    assert 'role="img"' in chart("a")


def test_scripts_and_foreign_addresses_are_left_out():
    svg = '<svg><script>alert(1)</script><a href="https://x.org" onclick="y"><g/></a></svg>'
    assert not re.search("script|https|onclick", picture.inline(svg, "a", "x"))
