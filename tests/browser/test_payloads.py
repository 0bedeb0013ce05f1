"""Whatever somebody writes anywhere, no page runs it, and none even gives the browser's policy something to refuse."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, expect

from reconciler.domain.access import Role
from tests.browser import hostile
from tests.browser.answers import ANSWERS
from tests.browser.conftest import Look, Show
from tests.browser.fleet import House
from tests.browser.pages import PAGES, QUERIES, Asked, Shown
from tests.browser.watch import Watch

pytestmark = pytest.mark.xdist_group("payloads")  # one service for all of them

PAYLOADS: Final = hostile.payloads()
FRAMES: Final = 50
RAW: Final = (
    """<input value="{}"><input value='{}'><input value={}><a href='{}'>x</a><script>'{}'</script>{} ><p>x</p>"""
)
SHOW_RAW: Final = """
async texts => {
  document.body.replaceChildren(...texts.map(text => {
    const frame = document.createElement("iframe");
    frame.srcdoc = text;
    return frame;
  }));
  await Promise.all([...document.querySelectorAll("iframe")].map(frame => new Promise(done => frame.onload = done)));
  for (const frame of document.querySelectorAll("iframe"))
    for (const element of frame.contentDocument?.querySelectorAll("*") ?? []) {
      for (const {name} of element.attributes)
        if (name.startsWith("on")) element.dispatchEvent(new Event(name.slice(2)));
      if (/^(a|button)$/i.test(element.tagName)) element.dispatchEvent(new MouseEvent("click", {bubbles: true}));
    }
}
"""
"""Lets every payload loose in a frame of its own, and does what a person might: points, clicks, types."""
OF_ONE: Final = [shown for shown in ANSWERS if shown.route != "/plans/decide"]
"""The answers but for those of a group: each plan here has deletes, which need a yes on a page of its own."""
DECIDE_ALL: Final = """
() => {
  const form = document.getElementById("decide");
  const field = (tag, name, value) => form.appendChild(Object.assign(document.createElement(tag), {name, value}));
  for (const {pathname} of form.querySelectorAll("th a"))
    field("input", "item", `${pathname.replace("/plans/", "")} ${"0".repeat(64)}`);
  const button = field("button", "decision", "approve");
  setTimeout(() => form.requestSubmit(button));
}
"""
"""Does to a group what its page offers for none of these plans."""
ALIEN: Final = """
() => [...document.querySelectorAll("*")].flatMap(element => {
  const found = [], tag = element.tagName.toLowerCase();
  const strange = /^(iframe|frame|frameset|object|embed|applet|base|style|audio|video|math|marquee|foreignobject|animate|set|use|template|xss|custom-element|plaintext|xmp)$/;
  if (strange.test(tag)) found.push(tag);
  if (tag === "script" && !element.src.startsWith(location.origin + "/static/")) found.push("script " + element.src);
  if (tag === "meta" && element.httpEquiv) found.push("meta " + element.httpEquiv);
  for (const {name, value} of element.attributes) {
    if (/^(on|hx-on|style$|srcdoc$|ping$)/.test(name)) found.push(`${tag} ${name}`);
    if (/^(href|src|action|formaction|xlink:href)$/.test(name) && !/^(https?:\\/\\/|\\/(?!\\/|\\\\)|#|\\?|data:image\\/svg\\+xml,)/.test(value))
      found.push(`${tag} ${name}=${value}`);
  }
  return found;
})
"""  # noqa: E501
"""What no page of ours holds: the trace of a payload that became more than text."""


@pytest.fixture(scope="module")
def evil(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:  # noqa: ARG001  no browser, no house
    with hostile.hostile_house(tmp_path_factory.mktemp("evil")) as house:
        yield house


def held_nothing(page: Page, watch: Watch) -> None:
    assert page.evaluate(ALIEN) == [], page.url
    assert watch.found() == [], page.url


def test_the_corpus_is_large_and_no_payload_is_there_twice() -> None:
    assert len(set(PAYLOADS)) == len(PAYLOADS) >= 150


def test_a_page_that_escapes_nothing_runs_most_of_them(browser: Browser) -> None:
    """The corpus is alive, and what runs is noticed."""
    with browser.new_context() as context:
        watch = Watch()
        page = watch.over(context).new_page()
        context.route("**/*", lambda route: route.fulfill(content_type="text/html", body="<p>"))
        page.goto("https://page.invalid/")
        for start in range(0, len(PAYLOADS), FRAMES):
            page.evaluate(SHOW_RAW, [RAW.replace("{}", text) for text in PAYLOADS[start : start + FRAMES]])
        ran = {int(each.split(" on ")[0]) for each in watch.executions}
    # the rest are for other browsers, other libraries and other decoders than those of this page
    assert len(ran) >= 180, [text for number, text in enumerate(PAYLOADS) if number not in ran]


@pytest.mark.parametrize("shown", [*PAGES, *OF_ONE], ids=lambda shown: shown.name)
def test_a_page_shows_them_as_text(show: Show, evil: House, watch: Watch, shown: Shown) -> None:
    held_nothing(show(evil, shown), watch)


def test_what_came_of_a_group_shows_them_as_text(look: Look, evil: House, watch: Watch) -> None:
    page = look(evil, f"/plans/groups/{evil.ids['group']}", Role.APPROVER)
    page.evaluate(DECIDE_ALL)
    results = page.get_by_role("status").get_by_text("Not done:")
    expect(results).to_have_count(-(-len(PAYLOADS) // hostile.AT_ONCE) - 1)  # one has been applied
    held_nothing(page, watch)


@dataclass(frozen=True)
class Listed:
    """A list with a row for each payload.

    Attributes:
        row: What a row is told by, with the number of its payload.
    """

    path: str
    row: str


LISTS: Final = (
    Listed("/", r'href="/chatbots/[^"/]+/(\d+)%20'),
    Listed("/runs", r'href="/runs/run_(\d+)"'),
    Listed("/audit", r'<dd class="mono">plan/(\d+) '),
    Listed("/sources", r'<article [^>]*id="(\d+) '),
    Listed("/tokens", r'id="token-tok_(\d+)"'),
)
SAID: Final = frozenset(number for number, text in enumerate(PAYLOADS) if f"executed({number})" in text)
"""Those that say their number as it is; others say it in base64, or spell it."""


@pytest.mark.parametrize("listed", LISTS, ids=lambda listed: listed.path)
def test_a_list_shows_each_of_them_as_text_to_its_end(look: Look, evil: House, watch: Watch, listed: Listed) -> None:
    page = look(evil, listed.path, Role.ADMIN)
    rows, said = set[int](), set[int]()
    for each in parts(page):
        held_nothing(each, watch)
        rows |= numbers(listed.row, each.content())
        said |= numbers(r"executed\((\d+)\)", each.locator("main").text_content() or "")
    assert rows == set(range(len(PAYLOADS)))
    assert said >= SAID


def parts(page: Page) -> Iterator[Page]:
    """A list from here to its end, a part at a time."""
    further = page.locator("a[rel=next]")
    yield page
    while further.count():
        page.goto(further.get_attribute("href") or "")
        yield page


def numbers(pattern: str, text: str) -> set[int]:
    return {int(number) for number in re.findall(pattern, text)}


def test_a_run_shows_them_as_text_whatever_it_found(look: Look, evil: House, watch: Watch) -> None:
    page = look(evil, "/runs/run_evil", Role.VIEWER)
    held_nothing(page, watch)
    assert page.get_by_text("executed(0)").count() > 0


def test_every_plan_shows_them_as_text(look: Look, evil: House, watch: Watch) -> None:
    page = look(evil, "/", Role.APPROVER)
    for number in range(0, len(PAYLOADS), hostile.AT_ONCE):
        page.goto(f"/plans/plan_{number // hostile.AT_ONCE}")
        held_nothing(page, watch)
        assert page.get_by_text(f"executed({number})").count() > 0


@pytest.mark.parametrize("asked", QUERIES, ids=lambda asked: asked.path)
def test_what_an_address_says_is_text(look: Look, full: House, watch: Watch, asked: Asked) -> None:
    watch.expect("status of 4(00|04|09|22)")
    page = look(full, "/login", Role.ADMIN)
    for said in hostile.chunks(PAYLOADS, asked.longest):
        page.goto(asked.path.replace("{}", quote(said, safe="")))
        held_nothing(page, watch)


def test_what_a_form_refuses_comes_back_as_text(look: Look, evil: House, watch: Watch) -> None:
    watch.expect("status of 401")
    page = look(evil, "/login")
    for said in (" ".join(PAYLOADS[:100]), " ".join(PAYLOADS[100:])):
        page.goto("/login")
        page.get_by_label("Token").fill("a wrong token")
        page.locator("input[name=next]").evaluate("(input, said) => input.value = said", said)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("alert")).to_be_visible()
        held_nothing(page, watch)
