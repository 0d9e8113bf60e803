"""A comparison of two versions as a reader's browser shows it."""

import sys
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from crmlib.book import compare_page

sys.path.append(str(Path(__file__).parents[1] / "book"))
import small_versions

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
MONTHS = "month,customers,revenue\n" + "".join(
    f"2020-{m:02d},{m},1234567.25\n" for m in range(1, 13)
)


@pytest.fixture(scope="module")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """A comparison with every kind of content, and the list that leads to it."""
    root = tmp_path_factory.mktemp("compared")
    moved = small_versions.changed("equity", value=70.0, lo=60.0, hi=85.0, sentence=HOSTILE)
    moved[0] = small_versions.finding("fresh", "census", 3.0, sentence="Long words " * 12)
    shown = [small_versions.EXHIBITS[0] | {"note": HOSTILE, "title": "Months went up"}]
    other = {
        "settings": {"value.annual_discount_rate": 0.15, "title": "x" * 80},
        "provenance": {
            "inputs": {"a/very/long/way/to/the/transactions.csv.gz": "00" * 32},
            "packages": {"pandas": "3.2.0"},
        },
        "findings": moved,
        "exhibits": [*shown, small_versions.exhibit("fresh", "02_value")],
        "tables": {"months": MONTHS},
        "pictures": {"months": small_versions.drawing(900)},
        "intake": small_versions.INTAKE.replace("1150", "1100"),
    }
    versions = (
        small_versions.publish(root, "0a0a0a0a"),
        small_versions.publish(root, "1b1b1b1b", **other),
    )
    page, _ = compare_page.publish(root, *versions)
    return [page.as_uri(), (root / "shop" / "index.html").as_uri()]


def test_no_request_leaves_the_file_and_nothing_is_logged(browser: Browser, addresses):
    page = browser.new_page()
    requests, told = [], []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: told.append(message.text))
    page.on("pageerror", lambda error: told.append(str(error)))
    page.on("dialog", lambda dialog: (told.append(dialog.message), dialog.dismiss()))
    for address in addresses:
        page.goto(address, wait_until="load")
        assert page.evaluate("document.querySelectorAll('script, [style]').length") == 0
    page.close()
    assert [url for url in requests if not url.startswith("data:")] == addresses
    assert told == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(browser: Browser, addresses, scheme):
    # axe is a script, which the page's own policy forbids.
    context = browser.new_context(color_scheme=scheme, bypass_csp=True)
    page = context.new_page()
    found = {}
    for address in addresses:
        page.goto(address)
        for violation in Axe().run(page).response["violations"]:
            nodes = [node["html"][:160] for node in violation["nodes"]]
            found[Path(address).name, violation["id"]] = nodes
    context.close()
    assert found == {}


@pytest.mark.parametrize("width", [390, 768, 1280, 1920])
def test_no_page_is_wider_than_the_window(browser: Browser, addresses, width):
    page = browser.new_page(viewport={"width": width, "height": 900})
    for address in addresses:
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, address
    page.close()


def test_what_scrolls_is_reached_by_keyboard(browser: Browser, addresses):
    page = browser.new_page(viewport={"width": 390, "height": 900})
    page.goto(addresses[0])
    scrolling = (
        "[...document.querySelectorAll('*')].filter(e => e.scrollWidth > e.clientWidth + 1 &&"
    )
    scrolling += " ['auto', 'scroll'].includes(getComputedStyle(e).overflowX))"
    assert page.evaluate(f"{scrolling}.length") > 1
    assert page.evaluate(f"{scrolling}.filter(e => e.tabIndex < 0).length") == 0
    page.close()


def test_both_pictures_are_seen_side_by_side_where_there_is_room(browser: Browser, addresses):
    boxes = {}
    for width in (1280, 390):
        page = browser.new_page(viewport={"width": width, "height": 900})
        page.goto(addresses[0])
        shown = page.locator(".pair img")
        assert page.evaluate("[...document.images].every(image => image.naturalWidth > 0)")
        boxes[width] = [shown.nth(i).bounding_box() for i in range(shown.count())]
        page.close()
    (left, right), (upper, lower) = boxes[1280], boxes[390]
    assert left["y"] == right["y"] and left["x"] < right["x"]
    assert upper["x"] == lower["x"] and upper["y"] < lower["y"]
