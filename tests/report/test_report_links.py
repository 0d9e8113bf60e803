"""A number of a title or finding leads to the row of data that holds it."""

import pytest

from crmlib.book.links import MAX_ROWS, Evidence, Place


@pytest.fixture
def evidence(tmp_path) -> Evidence:
    (tmp_path / "tiers.csv").write_text("tier,customers,share\nhigh,1200,0.7714\nlow,4800,0.2286\n")
    rows = "\n".join(f"{i},{i}.5" for i in range(MAX_ROWS + 1))
    (tmp_path / "long.csv").write_text(f"week,seen\n{rows}\n")
    places = {"tiers": Place("02_value.html", "Exhibit 2.1", ""), "long": Place("x.html", "", "")}
    return Evidence(tmp_path, places)


def test_each_number_links_to_its_row(evidence):
    said = evidence.linked("1,200 customers hold 77% & more", "tiers", "02_value.html")
    assert said == (
        '<a class="traced" href="#tiers-row-1">1,200</a> customers hold '
        '<a class="traced" href="#tiers-row-1">77%</a> &amp; more'
    )


def test_from_another_page_the_link_names_the_page(evidence):
    said = evidence.linked("23% are low", "tiers", "index.html")
    assert said.startswith('<a class="traced" href="02_value.html#tiers-row-2">23%</a>')


def test_a_number_that_the_data_do_not_hold_is_no_link(evidence):
    assert evidence.linked("78% <b>", "tiers", "index.html") == "78% &lt;b&gt;"


def test_a_row_that_is_not_shown_is_no_target(evidence):
    assert "href" in evidence.linked(f"{MAX_ROWS - 1}.5 seen", "long", "x.html")
    assert "href" not in evidence.linked(f"{MAX_ROWS}.5 seen", "long", "x.html")


def test_without_data_words_stay_words(evidence):
    assert evidence.linked("9% of <i>", "elsewhere", "x.html") == "9% of &lt;i&gt;"
