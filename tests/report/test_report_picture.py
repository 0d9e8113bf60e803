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


def test_what_a_chart_says_becomes_a_label_inside_the_picture():
    figure, ax = theme.axes()
    ax.plot(range(30), range(30))
    names = ["<b> at the very left", *map(str, range(1, 29)), "a long name at the very right"]
    theme.says_values(ax, range(30), names, {"seen": range(1, 31)}, str)
    svg = str(picture.inline(theme.to_svg(figure), "x", "A line"))
    assert "<title>" not in svg and svg.count('<g class="value">') == 30
    assert ">&lt;b&gt; at the very left</tspan>" in svg and ">seen: 2.0</tspan>" in svg
    width = float(re.search(r'viewBox="0 0 ([\d.]+)', svg)[1])
    labels = re.findall(r'<rect x="([\d.]+)" y="[\d.]+" width="([\d.]+)"[^>]* rx="2"', svg)
    assert len(labels) == 30
    assert all(float(x) >= 0 and float(x) + float(w) <= width for x, w in labels)


def test_a_label_of_a_row_stands_beside_it_and_not_on_it():
    figure, ax = theme.axes()
    ax.plot([0, 1], [1, 0], "o")
    theme.says_values(ax, [1, 0], ["upper", "lower"], {"": [1, 2]}, str, along="y")
    svg = str(picture.inline(theme.to_svg(figure), "x", "Dots"))
    band = r'<rect class="band" x="[\d.]+" y="([\d.]+)" width="[\d.]+" height="([\d.]+)"'
    label = r'<rect x="[\d.]+" y="([\d.]+)" width="[\d.]+" height="([\d.]+)" rx="2"'
    bands, labels = re.findall(band, svg), re.findall(label, svg)
    for (y, height), (top, tall) in zip(bands, labels, strict=True):
        y, height, top, tall = map(float, (y, height, top, tall))
        assert top >= y + height or top + tall <= y


def test_no_style_sheet_no_namespace_no_size():
    svg = chart("lorenz")
    assert not re.search(r"<style|xmlns|http|<metadata", svg)
    assert not re.match(r"<svg[^>]* (width|height)=", svg)
    assert "viewBox" in svg


def test_colours_with_a_meaning_become_classes_and_styles_become_attributes():
    style = "fill: #1F6F9C; stroke: #123456; stroke-width: 2; behavior: url(x)"
    svg = picture.inline(f'<svg><path style="{style}" d="M 1.23456 2"/></svg>', "a", "x")
    path = '<path d="M 1.23 2" stroke="#123456" stroke-width="2" class="fill-primary" />'
    assert path in svg


def test_no_element_has_a_style_of_its_own():
    assert " style=" not in chart("lorenz")
    assert 'class="stroke-primary"' in chart("lorenz")


def test_what_the_picture_shows_is_escaped():
    assert 'aria-label="&lt;b&gt;&quot;"' in chart("a", '<b>"')
    assert 'role="img"' in chart("a")


def test_scripts_and_foreign_addresses_are_left_out():
    svg = '<svg><script>alert(1)</script><a href="https://x.org" onclick="y"><g/></a></svg>'
    assert not re.search("script|https|onclick", picture.inline(svg, "a", "x"))
