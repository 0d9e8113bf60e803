"""Text as pages: formulas, headings, tables."""

import pytest

from crmlib.book import markdown


def render(text: str) -> str:
    return str(markdown.render(text, markdown.Outline()))


def test_formulas_become_mathml():
    shown = render("rate $\\lambda_i$ and\n\n$$\\frac{a}{b} < 1$$")
    assert shown.count("<math ") == 2
    assert "<msub><mi>λ</mi><mi>i</mi></msub>" in shown
    assert 'display="block"' in shown
    assert "<mo>&lt;</mo>" in shown


@pytest.mark.parametrize("text", ["a fee of $5 to $6", "US$ 3 m or US$ 4 m", "100$"])
def test_money_is_no_formula(text):
    assert render(text) == f"<p>{text}</p>\n"


def test_a_formula_that_cannot_be_read_is_shown_as_it_stands():
    assert '<code class="formula">\\frac{</code>' in render("$\\frac{$")


def test_the_first_h1_is_the_title_and_no_level_is_skipped():
    outline = markdown.Outline()
    markdown.render("# Title & more\n\n#### Deep\n\n# Second", outline)
    assert outline.title == "Title & more"
    assert [(h.level, h.id) for h in outline.headings] == [(2, "deep"), (2, "second")]


def test_equal_headings_get_ids_of_their_own():
    outline = markdown.Outline(taken={"value"})
    markdown.render("## Value\n\n## Value\n\n## 客户", outline)
    assert [heading.id for heading in outline.headings] == ["value-2", "value-3", "客户"]


def test_tables_scroll_by_themselves():
    shown = render("| a | b |\n|---|---:|\n| 1 | 2 |")
    assert shown.startswith('<div class="scroll" role="group"')
    assert "tabindex" in shown
