"""A table of coloured cells: shades by size, colours of meaning, spans and gaps."""

import re

import numpy as np

from crmlib.exhibits import heat, theme


def drawn(figures, spans=None):
    figures = np.array(figures, dtype=float)
    figure, ax = theme.axes()
    texts = [[f"{value:g}" for value in row] for row in figures]
    rows, columns = (list(map(str, range(size))) for size in figures.shape)
    heat.table(ax, figures, texts, rows, columns, spans=spans)
    return figure, ax


def test_losses_and_gains_have_two_colours_the_denser_the_larger():
    _, ax = drawn([[100.0, 25.0, 0.0], [-100.0, -1.0, np.nan]])
    found = {
        (round(p.get_x() + 0.47), round(p.get_y() + 0.47)): (p.get_facecolor()[:3], p.get_alpha())
        for p in ax.patches
    }
    assert set(found) == {(0, 0), (1, 0), (0, 1), (1, 1)}, "nothing behind zero or a gap"
    shades = {place: alpha for place, (_, alpha) in found.items()}
    assert shades[0, 0] == shades[0, 1] == heat.DENSEST > shades[1, 0] > shades[1, 1] > 0
    assert found[0, 0][0] == found[1, 0][0] != found[0, 1][0] == found[1, 1][0]


def test_a_cell_may_span_columns_and_hides_those_behind_it():
    _, ax = drawn([[5.0, 7.0, -3.0]], spans={(0, 0): 2})
    assert [round(p.get_width() + 2 * 0.03) for p in ax.patches] == [2, 1]
    words = {text.get_text(): text.get_position()[0] for text in ax.texts}
    assert words == {"5": 0.5, "-3": 2}


def test_colours_keep_their_meaning_on_a_dark_page():
    """The page knows a colour by its value; the shade is an opacity beside it."""
    svg = theme.to_svg(drawn([[1.0, -1.0]])[0])
    for color in (theme.PRIMARY, theme.CONTRAST):
        assert re.search(rf"fill: {color}; opacity: 0\.55", svg)


def test_a_table_of_nothing_is_drawn_empty():
    _, ax = drawn([[np.nan, np.nan]])
    assert not ax.patches and len(ax.texts) == 2
