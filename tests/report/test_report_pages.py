"""Pages as files: the same bytes, nothing fetched, ids and links that hold."""

import base64
import itertools
import re
import shutil
from collections import Counter
from html.parser import HTMLParser

import nbformat
import pytest
import sample_version
from nbformat.v4 import new_code_cell, new_markdown_cell

from crmlib.book import report
from crmlib.book.links import Evidence
from crmlib.book.page import locate
from crmlib.book.page import read as page_of
from crmlib.exhibits import theme

PAGES = ["index.html", "01_customers.html", "02_value.html", "05_roi.html"]
VOID = {"meta", "link", "img", "br", "hr", "col", "input"}


class Elements(HTMLParser):
    """Every element of a page, and whether each was closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def values(self, attribute: str) -> list[str]:
        return [attributes[attribute] for _, attributes in self.found if attribute in attributes]


@pytest.fixture(scope="module", params=PAGES)
def page(request, pages) -> str:
    return pages[request.param]


@pytest.fixture
def copy(version, tmp_path):
    """A version to take things from."""
    return shutil.copytree(version, tmp_path / "copy")


def render(folder) -> list[str]:
    return report.render_version(folder, sample_version.PROVENANCE, sample_version.TITLE)


def test_without_a_summary_the_index_lists_findings_and_chapters(copy):
    (copy / "notebooks" / "06_summary.ipynb").unlink()
    assert render(copy) == PAGES
    index = (copy / "index.html").read_text()
    assert index.index("A fifth of customers brings") < index.index('href="02_value.html"><span')


def test_a_paragraph_without_its_exhibit_is_left_out_and_its_code_kept(copy):
    path = copy / "notebooks" / "02_value.ipynb"
    notebook = nbformat.read(path, as_version=4)
    said = ["## A heading stays\n\nWith what it says.", "What no exhibit shows.", "On its own."]
    for text, source in zip(said, ["chapter.show(a)", "chapter.show(b)", "1 + 1"], strict=True):
        notebook.cells += [new_markdown_cell(text), new_code_cell(source)]
    nbformat.write(notebook, path)
    render(copy)
    page = re.sub(r"<[^>]+>", "", (copy / "02_value.html").read_text(encoding="utf-8"))
    assert "With what it says." in page and "On its own." in page
    assert "What no exhibit shows." not in page and "chapter.show(b)" in page


def test_a_section_in_which_nothing_is_shown_is_left_out(copy):
    path = copy / "notebooks" / "02_value.ipynb"
    notebook = nbformat.read(path, as_version=4)
    said = ["## Nothing to see\n\nNor here.", "Nor in what follows.", "## The next one\n\nStays."]
    for text, source in zip(said, ["chapter.show(a)", "chapter.show(b)", "1 + 1"], strict=True):
        notebook.cells += [new_markdown_cell(text), new_code_cell(source)]
    nbformat.write(notebook, path)
    render(copy)
    page = re.sub(r"<[^>]+>", "", (copy / "02_value.html").read_text(encoding="utf-8"))
    assert "Nothing to see" not in page and "Nor in what follows." not in page
    assert "The next one" in page and "chapter.show(a)" in page


def test_rendering_again_gives_the_same_bytes(copy, pages):
    for path in copy.glob("*.html"):
        path.unlink()
    assert render(copy) == PAGES
    again = {path.name: path.read_text(encoding="utf-8") for path in copy.glob("*.html")}
    assert again == pages


def test_elements_nest_and_ids_are_unique(page):
    elements = Elements(page)
    assert elements.open == []
    assert [id for id, times in Counter(elements.values("id")).items() if times > 1] == []


def test_links_resolve(pages):
    ids = {name: set(Elements(text).values("id")) for name, text in pages.items()}
    for name, text in pages.items():
        for href in Elements(text).values("href"):
            if not href.startswith("data:"):
                file, _, anchor = href.partition("#")
                assert anchor in ids[file or name] | {""}, (name, href)


def test_labels_refer_to_what_exists(page):
    elements = Elements(page)
    assert set(elements.values("aria-labelledby")) <= set(elements.values("id"))


def test_nothing_is_fetched_and_nothing_runs(page):
    elements = Elements(page)
    tags = {tag for tag, _ in elements.found}
    assert not tags & {"script", "iframe", "object", "embed", "form", "base"}
    assert not [name for _, attributes in elements.found for name in attributes if name[:2] == "on"]
    addresses = elements.values("src") + elements.values("href") + re.findall(r"url\(([^)]*)", page)
    assert not [
        address for address in addresses if re.match(r"\s*(https?:)?//|javascript:", address)
    ]
    assert "default-src &#39;none&#39;" in page or "default-src 'none'" in page


def test_headings_descend_one_step_at_a_time(page):
    levels = [int(tag[1]) for tag, _ in Elements(page).found if re.fullmatch(r"h[1-6]", tag)]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


def test_a_page_tells_no_folder_number_or_clock(page):
    assert not re.search(r"/srv/|/tmp/|/root|v1-84b05630|\d\d:\d\d:\d\d", page)


def test_a_page_is_at_most_a_megabyte(page):
    assert len(page.encode()) < 1_000_000


def test_charts_take_the_page_s_colours(pages):
    picture = pages["02_value.html"].split('<div class="picture scroll"')[1].split("</svg>")[0]
    assert 'class="stroke-primary"' in picture
    assert not [light for light, _ in theme.PALETTE.values() if light in picture]


def test_caption_states_source_period_n_and_unit(pages):
    text = " ".join(re.sub(r"<[^>]+>", "", pages["02_value.html"]).split())
    assert (
        "Source: transactions, after cleaning · January 1997 to June 1998 · "
        "n = 23,570 customers · Unit: share"
    ) in text


def test_data_shows_the_first_rows_and_says_how_many_more(pages):
    data = pages["05_roi.html"].split('aria-label="Data of Exhibit 5.2"')[1].split("</table>")[0]
    assert data.count('<tr id="draws-row-') == 120
    assert "the file has 280 more" in pages["05_roi.html"]


def test_every_exhibit_hands_out_its_files(pages, version):
    page = pages["02_value.html"]
    picture = re.search(r'<a href="data:image/png;base64,([^"]+)" download="lorenz.png"', page)
    assert base64.b64decode(picture[1]) == (version / "exhibits" / "lorenz.png").read_bytes()
    assert 'download="lorenz.csv"' in page
    assert 'download="row_ledger.csv"' in pages["01_customers.html"]
    assert "row_ledger.png" not in pages["01_customers.html"]


def test_exhibit_without_a_file_has_no_data(copy):
    (copy / "exhibits" / "tiers.csv").unlink()
    render(copy)
    page = (copy / "02_value.html").read_text()
    assert "tiers.csv" not in page
    assert "lorenz.csv" in page


def test_findings_link_to_their_exhibit_on_its_page(pages):
    assert 'href="02_value.html#lorenz"' in pages["index.html"]
    assert 'href="#lorenz"' in pages["02_value.html"]
    assert "not_shown" not in pages["index.html"]


def test_parameters_show_the_value_in_force_its_default_and_meaning(pages):
    table = pages["01_customers.html"].split("Parameters in force")[1].split("</table>")[0]
    row = next(r for r in table.split("<tr>") if "observation_weeks" in r)
    assert "<td>52 " in row
    assert "default 39" in row
    assert "weeks used for calibration" in row
    assert "run_dir" not in table


def test_code_is_folded_with_one_fold_for_what_stands_together(pages):
    page = pages["02_value.html"]
    section = page.split('id="what-is-still-to-come"')[1].split("</main>")[0]
    assert section.count("<summary>Code</summary>") == 1
    assert '<details class="code" open' not in page


def test_the_summary_says_first_what_a_board_reads(tmp_path):
    draft = sample_version.Draft("06_summary")
    draft.prose("# Title\n\nOpening.")
    draft.parameters("most = 7", "")
    draft.prose("## Findings")
    draft.display_findings(
        [sample_version.Finding("f", "census", "So it is.", 1.0, "", "x").record("06_summary")]
    )
    draft.prose("## Behind them")
    table = sample_version.pd.DataFrame({"a": [1]})
    draft.show(sample_version._exhibit("behind", "One exhibit stands behind", table))
    notebook = draft.notebook()
    evidence = Evidence(tmp_path, locate({"06_summary": notebook}))
    shown = page_of("06_summary", notebook, evidence)
    assert [block.kind for block in shown.brief] == ["prose", "prose", "findings"]
    assert [block.kind for block in shown.appendix] == ["prose", "figure", "settings", "code"]
