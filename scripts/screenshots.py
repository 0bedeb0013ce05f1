"""Photographs every page of the demonstration, wide and narrow, light and dark, into docs/screenshots."""

import sys
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Page, sync_playwright

from reconciler.domain.access import Role
from scripts.busy_demo import Demo, busy_demo, ids_of
from tests.browser import chromium
from tests.browser.pages import PAGES, Shown
from tests.support.machine import CHROMIUM

OUT: Final = Path(__file__).parent.parent / "docs" / "screenshots"
SIZES: Final = {1280: 800, 380: 800}


def photograph(browser: Browser, demo: Demo) -> Iterator[Path]:
    """Every page that the demonstration has, as its role sees it, in every size; the main ones in the dark, too."""
    ids = ids_of(demo)
    seen_by = {role: _opened(browser, demo, role) for role in (None, *Role)}
    for shown in (each for each in PAGES if each.needs <= ids.keys()):
        yield from _one(seen_by[shown.role], shown, ids)


def _opened(browser: Browser, demo: Demo, role: Role | None) -> Page:
    """A window of somebody with that role; of nobody who has signed in, without one."""
    page = browser.new_context(base_url=demo.url, reduced_motion="reduce").new_page()
    if role is not None:
        sign_in(page, demo.secrets[role])
    return page


def sign_in(page: Page, token: str) -> None:
    """Through the form."""
    page.goto("/login")
    page.get_by_label("Token").fill(token)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/")


def open_page(page: Page, path: str) -> None:
    """Go there.

    Raises:
        RuntimeError: The service itself failed: that is nothing to photograph.
    """
    answer = page.goto(path)
    if answer is None or answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise RuntimeError(f"{path} failed: {page.inner_text('body')}")


def _one(page: Page, shown: Shown, ids: Mapping[str, str]) -> Iterator[Path]:
    for scheme in ("light", "dark") if shown.main else ("light",):
        page.emulate_media(color_scheme=scheme)
        for width, height in SIZES.items():
            page.set_viewport_size({"width": width, "height": height})
            open_page(page, shown.at(ids))
            file = OUT / f"{shown.name}-{width}-{scheme}.png"
            page.screenshot(path=file, full_page=not shown.long)
            yield file


def main() -> int:
    """Make them all.

    Returns:
        The exit code.
    """
    path = CHROMIUM.find()
    if path is None:
        print(CHROMIUM.missing, file=sys.stderr)
        return 1
    OUT.mkdir(parents=True, exist_ok=True)
    with busy_demo() as demo, sync_playwright() as playwright:
        browser = playwright.chromium.launch(**chromium.options(path))
        for file in photograph(browser, demo):
            print(f"{file.relative_to(OUT.parent.parent)}: {file.stat().st_size // 1024} KiB", flush=True)
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
