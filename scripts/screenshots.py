"""Photographs every page of the demonstration, wide and narrow, light and dark, into docs/screenshots."""

import json
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, Page, sync_playwright

from reconciler.demo.demo import SOURCE, TENANT
from reconciler.demo.story import CHANGED_IN_GIT, EDITED_LIVE
from scripts.smoke_demo import Output
from tests.browser import chromium
from tests.browser.pages import PAGES, Shown

OUT: Final = Path(__file__).parent.parent / "docs" / "screenshots"
SIZES: Final = {1280: 800, 380: 800}
START_LIMIT_S: Final = 120.0
STOP_LIMIT_S: Final = 40.0


@contextmanager
def demo() -> Iterator[tuple[str, str]]:
    """The demonstration, with its change waiting: the service's address and an admin's token."""
    command = [sys.executable, "-m", "reconciler", "demo", "--port", "0"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as process:
        try:
            output = Output(process)
            url = output.until(r"^(http://\S+)$", START_LIMIT_S)[1]
            token = output.until(r"^token: (\S+)$", START_LIMIT_S)[1]
            output.until(r"^stop with Ctrl-C$", START_LIMIT_S)
            yield url, token
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(STOP_LIMIT_S)


def ids_of(url: str, token: str) -> Mapping[str, str]:
    """What the demonstration has for the places in the paths of pages."""

    def get(path: str) -> Any:
        asked = urllib.request.Request(f"{url}/api/v1{path}", headers={"Authorization": f"Bearer {token}"})  # noqa: S310 - the demonstration's own address
        with urllib.request.urlopen(asked, timeout=10) as answer:  # noqa: S310 - likewise
            return json.load(answer)

    return {
        "plan": get(f"/chatbots/{CHANGED_IN_GIT}")["plan_id"],
        "plan_live": get(f"/chatbots/{EDITED_LIVE}")["plan_id"],
        "chatbot": f"{TENANT}/{CHANGED_IN_GIT}",
        "chatbot_live": f"{TENANT}/{EDITED_LIVE}",
        "run": get("/runs")["items"][0]["id"],
        "source": SOURCE,
    }


def sign_in(page: Page, token: str) -> None:
    """Through the form."""
    page.goto("/login")
    page.get_by_label("Token").fill(token)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/")


def photograph(browser: Browser, url: str, token: str) -> Iterator[Path]:
    """Every page that the demonstration can show, in every size; the main ones in the dark, too."""
    ids = ids_of(url, token)
    with browser.new_context(base_url=url, reduced_motion="reduce") as context:
        page = context.new_page()
        sign_in(page, token)
        for shown in PAGES:
            if not shown.refused and shown.needs <= ids.keys():
                yield from _one(page, shown, ids)


def _one(page: Page, shown: Shown, ids: Mapping[str, str]) -> Iterator[Path]:
    for scheme in ("light", "dark") if shown.main else ("light",):
        page.emulate_media(color_scheme=scheme)
        for width, height in SIZES.items():
            page.set_viewport_size({"width": width, "height": height})
            page.goto(shown.at(ids))
            file = OUT / f"{shown.name}-{width}-{scheme}.png"
            page.screenshot(path=file, full_page=not shown.long)
            yield file


def main() -> int:
    """Make them all.

    Returns:
        The exit code.
    """
    path = chromium.find()
    if path is None:
        print(chromium.MISSING, file=sys.stderr)
        return 1
    OUT.mkdir(parents=True, exist_ok=True)
    with demo() as (url, token), sync_playwright() as playwright:
        browser = playwright.chromium.launch(**chromium.options(path))
        for file in photograph(browser, url, token):
            print(f"{file.relative_to(OUT.parent.parent)}: {file.stat().st_size // 1024} KiB", flush=True)
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
