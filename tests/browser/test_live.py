"""An open page follows what happens by itself: it is never loaded anew, and nothing that is done on it is lost."""

from playwright.sync_api import Page, expect

from tests.browser.conftest import Look
from tests.browser.fleet import PROMPT, Waiting
from tests.browser.test_deciding import shows
from tests.browser.watch import Watch

PLACE = "element => element.getBoundingClientRect().top"
SHIFT = 2  # pixels, for parts of them; lines come in above
UNTOUCHED = "() => window.untouched === true"


def mark(page: Page) -> Page:
    """A page that is loaded anew loses this."""
    page.evaluate("() => { window.untouched = true }")
    return page


def test_an_approval_and_its_apply_are_seen_while_the_plan_is_open(look: Look, waiting: Waiting) -> None:
    watching = mark(look(waiting.house, waiting.path, "vera"))
    shows(watching, "waiting for approval")
    deciding = look(waiting.house, waiting.path, "ann")
    deciding.get_by_label("Comment").fill("Go.")
    deciding.get_by_role("button", name="Approve only").click()
    shows(watching, "approved")
    expect(watching.get_by_text("Go.")).to_be_visible()
    deciding.get_by_role("button", name="Apply", exact=True).click()
    shows(watching, "applied")
    shows(deciding, "applied")
    assert watching.evaluate(UNTOUCHED)


def test_a_plan_that_goes_stale_says_so_before_anybody_can_act(look: Look, waiting: Waiting) -> None:
    page = mark(look(waiting.house, waiting.path, "ann"))
    page.get_by_label("Comment").fill("Typed before it was stale.")
    waiting.move_git("Be kind, brief, and wise.")
    expect(page.get_by_role("link", name="Open the newer plan")).to_be_visible()
    expect(page.get_by_role("button", name="Approve and apply")).to_have_count(0)
    expect(page.locator("#comment")).to_have_value("Typed before it was stale.")
    assert page.evaluate(UNTOUCHED)
    assert waiting.writes() == []


def test_what_one_person_decides_another_sees_before_deciding(look: Look, waiting: Waiting) -> None:
    ben = mark(look(waiting.house, waiting.path, "ben"))
    ann = look(waiting.house, waiting.path, "ann")
    ann.get_by_role("button", name="Reject").click()
    shows(ben, "rejected")
    expect(ben.get_by_role("button", name="Approve and apply")).to_have_count(0)
    assert ben.evaluate(UNTOUCHED)


def test_what_is_typed_stays_with_its_cursor_and_scroll(look: Look, waiting: Waiting) -> None:
    page = mark(look(waiting.house, waiting.path, "ben", viewport={"width": 380, "height": 400}))
    comment = page.get_by_label("Comment")
    comment.fill("half a sentence")
    comment.evaluate("area => area.setSelectionRange(5, 6)")
    before = comment.evaluate(PLACE)
    ann = look(waiting.house, waiting.path, "ann")
    ann.get_by_role("button", name="Approve only").click()
    shows(page, "approved")
    expect(comment).to_have_value("half a sentence")
    expect(comment).to_be_focused()
    assert comment.evaluate("area => [area.selectionStart, area.selectionEnd]") == [5, 6]
    assert abs(comment.evaluate(PLACE) - before) <= SHIFT
    assert page.evaluate(UNTOUCHED)


def test_a_reason_that_is_being_typed_stays_when_the_plan_closes(look: Look, deleting: Waiting) -> None:
    page = mark(look(deleting.house, deleting.path, "ben"))
    page.get_by_label("Why the deletes are right").fill("Nobody uses it any more.")
    look(deleting.house, deleting.path, "ann").get_by_role("button", name="Reject").click()
    shows(page, "rejected")
    expect(page.get_by_label("Your reason was not sent")).to_have_value("Nobody uses it any more.")
    assert page.evaluate(UNTOUCHED)


def test_a_chatbot_that_joins_an_open_group_is_not_ticked(look: Look, waiting: Waiting, another: Waiting) -> None:
    house = waiting.house
    waiting.move_git("Be kind, brief, and wise.")
    page = mark(look(house, house.group_path, "ben"))
    expect(page.locator(f"#item-{another.plan['id']}")).to_be_checked()
    page.locator(f"#item-{another.plan['id']}").uncheck()
    waiting.move_git(PROMPT)
    joined = page.locator(f"#item-{house.plan_of(waiting.chatbot_id)['id']}")
    expect(joined).to_be_visible()
    expect(joined).not_to_be_checked()
    expect(page.locator(f"#item-{another.plan['id']}")).not_to_be_checked()
    assert page.evaluate(UNTOUCHED)


def test_the_title_counts_the_plans_that_wait(look: Look, waiting: Waiting) -> None:
    page = mark(look(waiting.house, waiting.path, "vera"))
    before = page.title()
    assert before.startswith("(")
    look(waiting.house, waiting.path, "ann").get_by_role("button", name="Reject").click()
    page.wait_for_function("before => document.title !== before", arg=before)
    assert int(before[1:].split(")")[0]) == int(page.title()[1:].split(")")[0]) + 1
    assert page.evaluate(UNTOUCHED)


def test_an_open_fold_stays_open(look: Look, waiting: Waiting) -> None:
    page = mark(look(waiting.house, waiting.path, "ben"))
    fold = page.locator("details").filter(has_text="Share a read-only link")
    fold.locator("summary").click()
    look(waiting.house, waiting.path, "ann").get_by_role("button", name="Approve only").click()
    shows(page, "approved")
    expect(fold).to_have_attribute("open", "")


def test_where_no_events_get_through_the_page_asks(look: Look, waiting: Waiting, watch: Watch) -> None:
    watch.expect("net::ERR_FAILED.*/api/v1/events")
    page = look(waiting.house, "/", "vera")
    page.context.route("**/api/v1/events*", lambda route: route.abort())
    page.goto(waiting.path)
    mark(page)
    look(waiting.house, waiting.path, "ann").get_by_role("button", name="Reject").click()
    shows(page, "rejected")
    assert page.evaluate(UNTOUCHED)
