"""Every page of a version as a reader's browser shows it.

Requests, messages, accessibility, width and print are looked at in a real
Chromium, since no parser can answer for them.
"""

import csv
import json
import re
from pathlib import Path

import pytest
import sample_version
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from crmlib.book import indices, versions

LINE = ".picture .stroke-primary"
WIDTHS = (390, 768, 1280, 1920)
MOST_BYTES = 2_000_000  # a mail takes it, with some forty exhibits and their data
# A4 less the margins of the style sheet, at 96 dots per inch
PAPER = {"width": round((210 - 36) / 25.4 * 96), "height": round((297 - 35) / 25.4 * 96)}
ONLY_VIOLATIONS = {"resultTypes": ["violations"]}
IN_THE_DARK = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
PAGE_IN_PDF = re.compile(rb"/Type\s*/Page\b")


@pytest.fixture(scope="module", params=["demo_version", "cdnow_version"])
def version(request: pytest.FixtureRequest) -> Path:
    """A whole engagement's version: the bank's with many tables, and the shop's with one."""
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="module")
def addresses(version: Path) -> list[str]:
    """The pages of the version, and both indices, as file:// addresses."""
    pages = sorted(version.glob("*.html"))
    # the shop has no survey and no initiatives, and so no chapters on them
    own = ["04_needs", "05_roi"] if version.parent.name == "demo_bank" else []
    chapters = ["01_customers", "02_value", "03_segments", *own]
    assert [path.stem for path in pages] == [*chapters, "index"]
    indices = [folder / "index.html" for folder in version.parents[:2]]
    return [path.as_uri() for path in (*pages, *indices)]


def unfold(page) -> None:
    """Open every fold, so that what is inside is looked at too."""
    page.evaluate("document.querySelectorAll('details').forEach(fold => fold.open = true)")


def test_no_request_leaves_the_file_and_nothing_is_logged(browser: Browser, addresses):
    page = browser.new_page()
    requests, messages = [], []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    for address in addresses:
        page.goto(address, wait_until="load")
    page.close()
    assert [url for url in requests if not url.startswith("data:")] == addresses
    assert messages == []


def test_hostile_words_do_nothing_and_break_no_policy(browser: Browser, tmp_path, monkeypatch):
    title = '<script>alert(1)</script>"><img src=x onerror=alert(1)>'
    monkeypatch.setattr(sample_version, "TITLE", title)
    folder = tmp_path / "harbour" / "v1-84b05630"
    sample_version.build(folder)
    versions.write_manifest(folder, {"title": title, "files": versions.hash_files(folder)})
    indices.write(tmp_path, "harbour")
    page = browser.new_page()
    told = []
    page.on("console", lambda message: told.append(message.text))
    page.on("pageerror", lambda error: told.append(str(error)))
    page.on("dialog", lambda dialog: (told.append(dialog.message), dialog.dismiss()))
    found = sorted(tmp_path.rglob("*.html"))
    for path in found:
        page.goto(path.as_uri(), wait_until="load")
        assert page.evaluate("document.querySelectorAll('script, img, [style]').length") == 0
        assert page.evaluate("getComputedStyle(document.querySelector('h1')).fontSize") != "32px"
    shown = page.locator("h1, th, td, .engagement").all_inner_texts()
    page.close()
    assert told == []
    assert len(found) == 6
    assert any("<script>alert(1)</script>" in text for text in shown)


@pytest.mark.parametrize(("scheme", "rules"), [("light", {}), ("dark", IN_THE_DARK)])
def test_axe_finds_nothing(browser: Browser, addresses, scheme, rules):
    """All rules in the light; in the dark those on colours, for nothing else is another."""
    # axe is a script, which the pages' own policy forbids.
    context = browser.new_context(color_scheme=scheme, bypass_csp=True)
    page = context.new_page()
    found = {}
    for address in addresses:
        page.goto(address)
        unfold(page)
        violations = Axe().run(page, options=ONLY_VIOLATIONS | rules).response["violations"]
        for violation in violations:
            nodes = [node["html"][:160] for node in violation["nodes"]]
            found[Path(address).name, violation["id"]] = nodes
    context.close()
    assert found == {}


@pytest.mark.parametrize("width", WIDTHS)
def test_no_page_is_wider_than_the_window(browser: Browser, addresses, width):
    page = browser.new_page(viewport={"width": width, "height": 900})
    for address in addresses:
        page.goto(address)
        unfold(page)
        measured = page.evaluate("document.documentElement.scrollWidth")
        assert measured <= width, address
    page.close()


def test_a_page_is_light_enough_to_send(version):
    sizes = {path.name: path.stat().st_size for path in version.glob("*.html")}
    assert max(sizes.values()) <= MOST_BYTES, sizes


def test_pictures_are_described_in_words_of_their_own(browser: Browser, version):
    page = browser.new_page()
    said = []
    for path in version.glob("0*.html"):
        page.goto(path.as_uri())
        said += page.eval_on_selector_all(
            "figure svg", "all => all.map(one => one.getAttribute('aria-label'))"
        )
    page.close()
    titles = {record["title"] for record in json.loads((version / "exhibits.json").read_text())}
    assert len(set(said)) == len(said) > 5
    for alt in said:
        assert re.search(r"\d", alt) and len(alt.split()) >= 12 and alt not in titles, alt


def test_values_are_read_where_the_pointer_is_without_scripts(browser: Browser, version):
    with (version / "exhibits" / "deciles.csv").open(newline="") as file:
        first = next(csv.DictReader(file))
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((version / "02_value.html").as_uri())
    band = page.locator("#deciles .value").first
    label = band.locator(".says")
    assert not label.is_visible()
    band.locator(".band").hover()
    assert label.is_visible()
    assert label.text_content() == f"decile 1{100 * float(first['share']):.1f}%"
    context.close()


def test_a_number_leads_by_keyboard_to_its_row(browser: Browser, version):
    page = browser.new_page()
    page.goto((version / "02_value.html").as_uri())
    link = page.locator("#concentration h3 a.traced").last
    row = page.locator(link.get_attribute("href"))
    assert not row.is_visible()
    link.focus()
    page.keyboard.press("Enter")
    row.wait_for(state="visible")
    assert row.evaluate("row => row.matches(':target')")
    header = page.locator("#concentration .tall thead tr").bounding_box()
    assert header["y"] + header["height"] <= row.bounding_box()["y"] < page.viewport_size["height"]
    page.close()


def test_the_keyboard_reaches_everything_and_shows_where_it_is(browser: Browser, addresses):
    page = browser.new_page()
    for address in addresses:
        page.goto(address)
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip", address
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        reached = page.evaluate(
            "[...document.querySelectorAll('a[href]:not(.anchor), summary, .scroll')]"
            ".filter(one => one.checkVisibility() && one.tabIndex < 0).length"
        )
        assert reached == 0, address
    page.close()


def test_files_are_handed_out_as_they_are(browser: Browser, version):
    context = browser.new_context(java_script_enabled=False, accept_downloads=True)
    page = context.new_page()
    page.goto((version / "02_value.html").as_uri())
    for name in ("concentration.csv", "concentration.png"):
        with page.expect_download() as waiting:
            page.locator(f"#concentration a[download='{name}']").click()
        assert waiting.value.suggested_filename == name
        assert Path(waiting.value.path()).read_bytes() == (version / "exhibits" / name).read_bytes()
    context.close()


def test_without_scripts_the_page_looks_the_same(browser: Browser, addresses):
    seen = []
    for enabled in (True, False):
        context = browser.new_context(java_script_enabled=enabled)
        page = context.new_page()
        shots = []
        for address in addresses:
            page.goto(address)
            shots.append(page.screenshot())
        seen.append(shots)
        context.close()
    assert seen[0] == seen[1]


def test_dark_recolours_ground_and_charts(browser: Browser, addresses):
    looks = {}
    for scheme in ("light", "dark"):
        context = browser.new_context(color_scheme=scheme)
        page = context.new_page()
        page.goto(next(address for address in addresses if "02_value" in address))
        looks[scheme] = page.evaluate(
            "[getComputedStyle(document.body).backgroundColor,"
            f" getComputedStyle(document.querySelector({LINE!r})).stroke]"
        )
        context.close()
    assert all(light != dark for light, dark in zip(looks["light"], looks["dark"], strict=True))


def test_print_gives_pages_on_white_paper(browser: Browser, addresses):
    context = browser.new_context(color_scheme="dark")
    page = context.new_page()
    for address in addresses:
        page.goto(address)
        pdf = page.pdf(prefer_css_page_size=True, tagged=False)
        assert 0 < len(PAGE_IN_PDF.findall(pdf)) < 45, address
        page.emulate_media(media="print", color_scheme="dark")
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert ground == "rgb(255, 255, 255)"
        page.emulate_media(media="screen")
    context.close()


def test_the_summary_is_one_sheet_of_paper(browser: Browser, version):
    page = browser.new_page()
    page.goto((version / "index.html").as_uri())
    pdf = page.pdf(prefer_css_page_size=True, tagged=False)
    page.close()
    assert len(PAGE_IN_PDF.findall(pdf)) == 1


def test_no_exhibit_is_cut_on_paper(browser: Browser, version):
    """A picture fits on a sheet; a table may go on, but not in the middle of a row."""
    page = browser.new_page(viewport=PAPER)
    page.emulate_media(media="print")
    cut = []
    for path in version.glob("0*.html"):
        page.goto(path.as_uri())
        for figure in page.locator("figure.exhibit").all():
            size = figure.evaluate("one => [one.scrollWidth, one.getBoundingClientRect().height]")
            rows = figure.locator("tbody tr").evaluate_all(
                "all => all.map(row => row.getBoundingClientRect().height)"
            )
            tallest = max(rows) if rows else size[1]
            parts = figure.locator(".scroll").evaluate_all("all => all.map(one => one.scrollWidth)")
            if max([size[0], *parts]) > PAPER["width"] or tallest > PAPER["height"]:
                cut.append((path.name, figure.get_attribute("id"), size, tallest))
    page.close()
    assert cut == []
