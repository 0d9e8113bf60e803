"""Every page of a version as a reader's browser shows it.

Requests, messages, accessibility, width and print are looked at in a real
Chromium, since no parser can answer for them.
"""

import re
from pathlib import Path

import pytest
import sample_version
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from crmlib.book import indices, versions

LINE = ".picture .stroke-primary"
WIDTHS = (390, 768, 1280, 1920)
PAGE_IN_PDF = re.compile(rb"/Type\s*/Page\b")


@pytest.fixture(scope="module")
def addresses(demo_version: Path) -> list[str]:
    """The pages of the version, and both indices, as file:// addresses."""
    pages = sorted(demo_version.glob("*.html"))
    assert [path.name for path in pages] == ["01_customers.html", "02_value.html", "index.html"]
    indices = [folder / "index.html" for folder in demo_version.parents[:2]]
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


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(browser: Browser, addresses, scheme):
    # axe is a script, which the pages' own policy forbids.
    context = browser.new_context(color_scheme=scheme, bypass_csp=True)
    page = context.new_page()
    found = {}
    for address in addresses:
        page.goto(address)
        unfold(page)
        violations = Axe().run(page).response["violations"]
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
        assert 0 < len(PAGE_IN_PDF.findall(pdf)) < 25, address
        page.emulate_media(media="print", color_scheme="dark")
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert ground == "rgb(255, 255, 255)"
        page.emulate_media(media="screen")
    context.close()
