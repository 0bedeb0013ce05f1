"""What the script of an open page keeps and changes, on pages that the test itself serves: each case on purpose."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Look
from tests.browser.fleet import House
from tests.browser.watch import Watch

ADDRESS = "/following?of=3"
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
SHELL = """<!doctype html><html lang="en"><head><title>{title}</title>
<link rel="icon" href="data:image/svg+xml,{title}">
<script src="/static/vendor/idiomorph.min.js" defer></script>
<script src="/static/live.js" type="module"></script></head>
<body data-watch="plan run"><ul id="places"><li>{title}</li></ul><main id="live">{main}</main></body></html>"""


@dataclass
class Served:
    """What the page's address answers; the stream is refused.

    Attributes:
        main: What is within the region that is live; the next look finds it.
        asked: The ``If-None-Match`` of each look, after the page itself.
    """

    main: str = ""
    title: str = "one"
    status: int = 200
    asked: list[str | None] = field(default_factory=list)

    def page(self, route: Route) -> None:
        told = route.request.headers.get("if-none-match")
        if not route.request.is_navigation_request():
            self.asked.append(told)
        tag = f'W/"{hash((self.main, self.title))}"'
        if self.status != 200 or told == tag:
            route.fulfill(status=self.status if told != tag else 304, headers={"location": "/login"})
        else:
            body = SHELL.format(title=self.title, main=self.main)
            route.fulfill(status=200, headers={"etag": tag, "content-type": "text/html"}, body=body)


Show = Callable[[Served], Page]


@pytest.fixture
def show(look: Look, full: House, watch: Watch) -> Show:
    """Opens a page that the test serves, with the time in the test's hands."""
    watch.expect("Failed to load resource")

    def opened(served: Served) -> Page:
        page = look(full, "/login")
        page.context.route(re.compile(r"/following"), served.page)
        page.context.route(re.compile(r"/api/v1/events"), lambda route: route.fulfill(status=503))
        page.context.route(re.compile(r"/asked-before"), lambda route: route.fulfill(status=204))
        page.clock.install(time=BEGIN)
        # without this it goes on by itself, on a busy machine for seconds
        page.clock.pause_at(BEGIN + timedelta(seconds=1))
        page.goto(ADDRESS)
        page.evaluate("() => { window.untouched = true }")
        return page

    return opened


def follow(page: Page, served: Served, main: str, title: str = "two") -> None:
    """Change what is served, and wait until the page has followed."""
    served.main, served.title = main, title
    page.clock.run_for(12_000)
    expect(page).to_have_title(title)
    assert page.evaluate("() => window.untouched === true")


def until_it_asks(page: Page, served: Served) -> int:
    """Let the time go on until the page asks again; how many seconds that took."""
    asked = len(served.asked)
    for seconds in range(1, 60):
        page.clock.run_for(1_000)
        # what the page asked before this has arrived when this is answered
        page.evaluate("() => fetch('/asked-before').then((answer) => answer.status)")
        if len(served.asked) > asked:
            return seconds
    raise AssertionError("it did not ask within a minute")


def row(name: str, more: str = "") -> str:
    return (
        f'<tr><td><input type="checkbox" name="plan" value="{name}" aria-label="{name}"{more}></td>'
        f'<td><form action="/x/{name}"><input name="reason" aria-label="why {name}"></form>'
        f"<details><summary>More of {name}</summary>text</details></td></tr>"
    )


def table(*rows: str) -> str:
    return f"<table><tbody>{''.join(rows)}</tbody></table>"


def test_a_tick_a_text_and_an_open_fold_stay_with_their_row(show: Show) -> None:
    served = Served(table(row("b"), row("c")))
    page = show(served)
    page.get_by_label("b", exact=True).check()
    page.get_by_label("why b").fill("because")
    page.get_by_text("More of b").click()

    follow(page, served, table(row("a"), row("b", ' data-new="1"'), row("c")))

    ticked = [box.get_attribute("value") for box in page.get_by_role("checkbox").all() if box.is_checked()]
    assert ticked == ["b"]
    assert [page.get_by_label(f"why {name}").input_value() for name in "abc"] == ["", "because", ""]
    folds = page.locator("details")
    assert [fold.get_attribute("open") for fold in folds.all()] == [None, "", None]


def test_nothing_takes_over_the_tick_of_what_is_gone(show: Show) -> None:
    served = Served(table(row("a"), row("b")))
    page = show(served)
    page.get_by_label("a", exact=True).check()
    page.get_by_label("why a").fill("for a alone")
    follow(page, served, table(row("c"), row("d")))
    assert [box.is_checked() for box in page.get_by_role("checkbox").all()] == [False, False]
    assert [page.get_by_label(f"why {name}").input_value() for name in "cd"] == ["", ""]


def test_what_nobody_touched_is_as_the_service_says(show: Show) -> None:
    form = '<input id="who" value="{}"><input id="side" type="radio"{}><textarea id="text">{}</textarea>'
    served = Served(form.format("ann", "", "old"))
    page = show(served)
    page.locator("#text").focus()
    follow(page, served, form.format("ben", " checked", "new"))
    assert page.locator("#who").input_value() == "ben"
    assert page.locator("#side").is_checked()
    assert page.locator("#text").input_value() == "new"


def test_no_box_is_ticked_or_unticked_but_by_a_person(show: Show) -> None:
    served = Served(table(row("a"), row("b", " checked")))
    page = show(served)
    follow(page, served, table(row("a", " checked"), row("b"), row("c", " checked")))
    assert [box.is_checked() for box in page.get_by_role("checkbox").all()] == [False, True, False]


def test_focus_selection_and_choice_survive_what_comes_before_them(show: Show) -> None:
    form = (
        '<form action="/x"><label for="comment">Comment</label><textarea id="comment" name="comment"></textarea>'
        '<select name="side"><option value="1">one</option><option value="2">two</option></select></form>'
    )
    served = Served(f"<p>first</p>{form}")
    page = show(served)
    page.get_by_role("combobox").select_option("2")
    page.get_by_label("Comment").fill("half a sentence")
    page.get_by_label("Comment").evaluate("area => area.setSelectionRange(5, 6)")

    follow(page, served, f'<div role="alert">Something happened</div><section><p>first</p>{form}</section>')

    comment = page.get_by_label("Comment")
    expect(comment).to_be_focused()
    assert comment.evaluate("area => [area.value, area.selectionStart, area.selectionEnd]") == ["half a sentence", 5, 6]
    assert page.get_by_role("combobox").input_value() == "2"


def test_a_box_that_scrolls_stays_where_it_is(show: Show) -> None:
    rows = "".join(f"<p>row {number}</p>" for number in range(200))
    box = '<div id="box">{}</div><link rel="stylesheet" href="data:text/css,%23box{{height:90px;overflow:auto}}">'
    served = Served(box.format(rows))
    page = show(served)
    page.locator("#box").evaluate("box => { box.scrollTop = 700 }")
    follow(page, served, box.format(rows + "<p>one more</p>"))
    assert page.locator("#box").evaluate("box => box.scrollTop") == 700


def test_title_favicon_and_navigation_follow(show: Show) -> None:
    served = Served("<p>same</p>")
    page = show(served)
    follow(page, served, "<p>same</p>", title="seven")
    assert page.locator("link[rel=icon]").get_attribute("href") == "data:image/svg+xml,seven"
    assert page.locator("#places").inner_text() == "seven"


def test_without_a_stream_it_asks_whether_there_is_anything_new(show: Show) -> None:
    served = Served("<p>same</p>")
    page = show(served)
    assert all(9 <= until_it_asks(page, served) <= 12 for _ in range(3))
    assert len(served.asked) == 3
    assert served.asked[0] is None
    assert served.asked[1] == served.asked[2] is not None


def test_who_is_signed_out_is_told_and_loses_nothing(show: Show) -> None:
    served = Served('<textarea id="text"></textarea>')
    page = show(served)
    page.locator("#text").fill("typed")
    served.status = 303
    page.clock.run_for(12_000)
    expect(page.get_by_role("status")).to_contain_text("You are signed out")
    assert page.locator("#text").input_value() == "typed"
    looks = len(served.asked)
    page.clock.run_for(60_000)
    assert len(served.asked) == looks


def test_a_service_that_does_not_answer_is_said_so_until_it_does(show: Show) -> None:
    served = Served("<p>same</p>", status=200)
    page = show(served)
    served.status = 503
    for _ in range(4):
        until_it_asks(page, served)
    expect(page.get_by_role("status")).to_contain_text("does not answer")
    served.status = 200
    page.clock.run_for(12_000)
    expect(page.get_by_role("status")).to_have_count(0)
