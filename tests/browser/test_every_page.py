"""What holds for every page, whoever looks at it."""

from typing import Any

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.browser import axe
from tests.browser.conftest import Look
from tests.browser.fleet import House
from tests.browser.pages import PAGES, Shown
from tests.browser.watch import Watch

each_page = pytest.mark.parametrize("shown", PAGES, ids=lambda shown: shown.name)
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


def opened(look: Look, full: House, watch: Watch, shown: Shown, **options: Any) -> Page:
    if shown.refused:
        watch.expect("status of 40[34]")
    page = look(full, shown.at(full.ids), shown.role, **options)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    return page


@each_page
def test_axe_objects_to_nothing_in_light_and_dark(look: Look, full: House, watch: Watch, shown: Shown) -> None:
    page = opened(look, full, watch, shown, color_scheme="light", reduced_motion="reduce")
    found = list(axe.findings(page))
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size(NARROW)
    page.reload()
    found += axe.findings(page, axe.OF_LOOKS)
    assert not found, "\n".join(found)


@each_page
def test_nothing_is_wider_than_a_small_window(look: Look, full: House, watch: Watch, shown: Shown) -> None:
    page = opened(look, full, watch, shown, viewport=NARROW)
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
def test_a_small_window_shows_every_cell_of_a_row_whole(look: Look, full: House, watch: Watch, name: str) -> None:
    shown = next(each for each in PAGES if each.name == name)
    page = opened(look, full, watch, shown, viewport=NARROW)
    cells = page.evaluate(CELLS)
    assert cells
    for text, left, right, width in cells:
        assert 0 <= left < right <= NARROW["width"], text
        assert width <= right - left + 1, text
    if STACKED[name]:
        assert page.locator(f"td[data-label='{STACKED[name]}']").first.is_visible()
    assert page.get_by_role("columnheader").count() >= 2, "for whoever hears the table"
