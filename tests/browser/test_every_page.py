"""What holds for every page, whoever looks at it."""

import pytest
from playwright.sync_api import Browser, Page, ViewportSize

from tests.browser import axe
from tests.browser.answers import ANSWERS
from tests.browser.conftest import Show
from tests.browser.fleet import House
from tests.browser.pages import PAGES, Shown

each_page = pytest.mark.parametrize("shown", [*PAGES, *ANSWERS], ids=lambda shown: shown.name)
NARROW: ViewportSize = {"width": 380, "height": 800}
STICKING_OUT = """
() => [...document.querySelectorAll("main *, header *")]
  .filter(each => each.getBoundingClientRect().right > innerWidth && !each.closest(".table, .scrolls, pre"))
  .map(each => each.outerHTML.slice(0, 120))
"""

SCROLLED = """
() => [...document.querySelectorAll(".card.table")].filter(each => each.scrollWidth > each.clientWidth)
  .map(each => each.ariaLabel)
"""
CELLS = """
() => [...document.querySelectorAll("table.stacks tbody :is(th, td)")].filter(each => each.checkVisibility())
  .map(each => [each.getBoundingClientRect(), each])
  .map(([box, each]) => [each.innerText, box.left, box.right, each.scrollWidth])
"""


@pytest.fixture
def house(request: pytest.FixtureRequest, shown: Shown) -> House:
    """Where the page is looked at: what is sent changes a house that no other test relies on."""
    house: House = request.getfixturevalue("full" if shown.send is None else "answering")
    return house


def test_axe_judges_what_is_folded(browser: Browser) -> None:
    """A reminder: it passes over what nobody sees."""
    with browser.new_context() as context:
        page = context.new_page()
        page.set_content("<details><summary>More</summary><details><summary>Still more</summary><input></details>")
        (found,) = axe.findings(page, ["label"])
    assert "<input>" in found


@each_page
def test_axe_objects_to_nothing_in_light_and_dark(show: Show, house: House, shown: Shown) -> None:
    page = show(house, shown, color_scheme="light", reduced_motion="reduce")
    found = list(axe.findings(page))
    # not loaded again: what a form answers is at no address
    page.emulate_media(color_scheme="dark")
    found += axe.findings(page, axe.OF_LOOKS)
    page.set_viewport_size(NARROW)
    found += axe.findings(page, axe.OF_LOOKS)
    assert not found, "\n".join(found)


@each_page
def test_nothing_is_wider_than_a_small_window(show: Show, house: House, shown: Shown) -> None:
    page = show(house, shown, viewport=NARROW)
    fits(page, shown)
    axe.unfold(page)
    fits(page, shown)


def fits(page: Page, shown: Shown) -> None:
    assert page.evaluate("() => document.documentElement.scrollWidth") <= NARROW["width"], page.evaluate(STICKING_OUT)
    assert shown.name == "api" or not page.evaluate(SCROLLED), "only the reference has tables that are scrolled"


STACKED = {
    "plans": "Planned",
    "fleet": "Out of sync for",
    "chatbot": "Approved by",
    "plan-group": "Fingerprint",
    "runs": "Took",
    "audit": None,
    "tokens": "Last used",
    "settings": None,
}
"""The pages whose tables are cards in a small window, each with a label that stands for a head there."""


@pytest.mark.parametrize("name", STACKED)
def test_a_small_window_shows_every_cell_of_a_row_whole(show: Show, full: House, name: str) -> None:
    shown = next(each for each in PAGES if each.name == name)
    page = show(full, shown, viewport=NARROW)
    cells = page.evaluate(CELLS)
    assert cells
    for text, left, right, width in cells:
        assert 0 <= left < right <= NARROW["width"], text
        assert width <= right - left + 1, text
    if STACKED[name]:
        assert page.locator(f"td[data-label='{STACKED[name]}']").first.is_visible()
    assert page.get_by_role("columnheader").count() >= 2, "for whoever hears the table"
