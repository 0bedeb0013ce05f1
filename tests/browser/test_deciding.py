"""People decide: by mouse or by keyboard alone, with JavaScript or without, by themselves or two at once."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from contextlib import ExitStack
from http import HTTPStatus

import pytest
from playwright.sync_api import Locator, Page, Response, expect

from tests.browser.conftest import Look
from tests.browser.fleet import PROMPT, House, Waiting
from tests.browser.watch import Watch
from tests.support.world import spec

MOST_TABS = 80
with_and_without_javascript = pytest.mark.parametrize("script", [True, False], ids=["javascript", "no-javascript"])


def shows(page: Page, words: str) -> None:
    """The heading says the status."""
    expect(page.get_by_role("heading", level=1)).to_contain_text(words)


@with_and_without_javascript
def test_approving_applies_exactly_this(look: Look, waiting: Waiting, script: bool) -> None:  # noqa: FBT001  a parameter
    page = look(waiting.house, "/", "ann", java_script_enabled=script)
    page.locator(f"a[href='{waiting.path}']").first.click()
    shows(page, "waiting for approval")
    page.get_by_label("Comment").fill("Reads well.")
    page.get_by_role("button", name="Approve and apply").click()
    page.wait_for_url(f"**{waiting.path}")
    waiting.until("Applied")
    if not script:
        page.reload()
    shows(page, "applied")
    expect(page.get_by_text("Reads well.")).to_be_visible()
    assert [write["body"]["spec"] for write in waiting.writes()] == [spec(waiting.chatbot_id, PROMPT)]


@with_and_without_javascript
def test_approving_and_applying_may_be_two_steps(look: Look, waiting: Waiting, script: bool) -> None:  # noqa: FBT001
    page = look(waiting.house, waiting.path, "ann", java_script_enabled=script)
    page.get_by_role("button", name="Approve only").click()
    shows(page, "approved")
    assert waiting.writes() == []
    page.get_by_role("button", name="Apply", exact=True).click()
    waiting.until("Applied")
    assert len(waiting.writes()) == 1


def test_an_approval_may_be_taken_back(look: Look, waiting: Waiting) -> None:
    page = look(waiting.house, waiting.path, "ann")
    page.get_by_role("button", name="Approve only").click()
    shows(page, "approved")
    page.get_by_role("button", name="Take back my approval").click()
    shows(page, "waiting for approval")


@with_and_without_javascript
def test_rejecting_closes_the_plan(look: Look, waiting: Waiting, script: bool) -> None:  # noqa: FBT001  a parameter
    page = look(waiting.house, waiting.path, "ann", java_script_enabled=script)
    page.get_by_role("button", name="Reject").click()
    shows(page, "rejected")
    expect(page.get_by_role("button", name="Approve and apply")).to_have_count(0)
    assert waiting.writes() == []


@pytest.mark.parametrize("person", ["vera", "otto"])
def test_who_may_not_decide_is_told_so_and_offered_nothing(look: Look, waiting: Waiting, person: str) -> None:
    page = look(waiting.house, waiting.path, person)
    shows(page, "waiting for approval")
    expect(page.get_by_role("button", name="Approve")).to_have_count(0)
    expect(page.get_by_role("button", name="Reject")).to_have_count(0)
    expect(page.get_by_text("needs the role approver")).to_be_visible()


def test_a_form_that_is_sent_too_late_writes_nothing_and_keeps_what_was_typed(
    look: Look, waiting: Waiting, watch: Watch
) -> None:
    watch.expect("status of 409")
    page = look(waiting.house, waiting.path, "ann", java_script_enabled=False)
    page.get_by_label("Comment").fill("I read the old one.")
    waiting.move_git("Be kind, brief, and wise.")
    page.get_by_role("button", name="Approve and apply").click()
    expect(page.get_by_role("alert")).to_contain_text("Not done")
    expect(page.get_by_text("I read the old one.")).to_be_visible()
    expect(page.get_by_role("button", name="Approve and apply")).to_have_count(0)
    assert waiting.writes() == []
    page.get_by_role("link", name="Open the newer plan").click()
    shows(page, "waiting for approval")
    expect(page.get_by_text("wise")).to_be_visible()


def test_of_two_people_the_second_is_told_what_the_first_decided(look: Look, waiting: Waiting, watch: Watch) -> None:
    watch.expect("status of 409")
    ann = look(waiting.house, waiting.path, "ann", java_script_enabled=False)
    ben = look(waiting.house, waiting.path, "ben", java_script_enabled=False)
    ann.get_by_role("button", name="Reject").click()
    shows(ann, "rejected")
    ben.get_by_label("Comment").fill("Fine by me.")
    ben.get_by_role("button", name="Approve and apply").click()
    expect(ben.get_by_role("alert")).to_contain_text("Not done")
    shows(ben, "rejected")
    expect(ben.get_by_text("Fine by me.")).to_be_visible()
    assert waiting.writes() == []


def test_two_people_who_approve_at_once_apply_it_once(look: Look, waiting: Waiting, watch: Watch) -> None:
    watch.expect("status of 409")
    people = ("ann", "ben")
    # without JavaScript: an open page that is told in time what the other did offers no button any more
    pages = [look(waiting.house, waiting.path, person, java_script_enabled=False) for person in people]
    told = _press_at_once(pages, "Approve and apply")
    # who comes second has approved as well, or is told that it is decided
    assert set(told) in ({HTTPStatus.SEE_OTHER}, {HTTPStatus.SEE_OTHER, HTTPStatus.CONFLICT})
    waiting.until("Applied")
    for page in pages:
        page.goto(waiting.path)
        shows(page, "applied")
    assert len(waiting.writes()) == 1
    for person, status in zip(people, told, strict=True):
        done = "plan.approve" if status == HTTPStatus.SEE_OTHER else "plan.approve.refused"
        assert done in _tried_by(waiting, person)


def _press_at_once(pages: Sequence[Page], name: str) -> Sequence[int]:
    """Press a button on each page; gives the status that each form was answered with."""
    with ExitStack() as until_all_came:
        coming = [until_all_came.enter_context(page.expect_navigation()) for page in pages]
        for page in pages:
            # not `click` of playwright, which waits: all forms are on their way at the same time
            page.get_by_role("button", name=name).evaluate("button => button.click()")
    return [_first(each.value).status for each in coming]


def _first(answer: Response) -> Response:
    """What led to it: the answer to the form itself, which may have sent the browser on."""
    before = answer.request.redirected_from
    first = before.response() if before else answer
    assert first is not None
    assert first.request.method == "POST"
    return first


def _tried_by(waiting: Waiting, person: str) -> AbstractSet[str]:
    """What somebody did about a plan, or was refused to do, as the audit log says."""
    rows = waiting.house.service.get(f"/audit?subject=plan/{waiting.plan['id']}")["items"]
    return {row["action"] for row in rows if row["actor"] == person}


def test_a_whole_approval_by_the_keyboard_alone(look: Look, waiting: Waiting) -> None:
    page = look(waiting.house, "/login")
    expect(page.get_by_label("Token")).to_be_focused()
    page.keyboard.type(waiting.house.secrets["ann"])
    page.keyboard.press("Enter")
    page.wait_for_url("**/")
    _go_to(page, page.locator(f"a[href='{waiting.path}']").first)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{waiting.path}")
    _go_to(page, page.get_by_label("Comment"))
    page.keyboard.type("By keys alone.")
    _go_to(page, page.get_by_role("button", name="Approve and apply"))
    page.keyboard.press("Enter")
    waiting.until("Applied")
    page.wait_for_load_state()
    page.reload()
    shows(page, "applied")
    expect(page.get_by_text("By keys alone.")).to_be_visible()


def test_enter_on_a_box_decides_nothing(look: Look, waiting: Waiting, another: Waiting, watch: Watch) -> None:
    watch.expect("status of 422")
    page = look(waiting.house, waiting.house.group_path, "ann")
    page.locator(f"#item-{another.plan['id']}").uncheck()
    page.locator(f"#item-{waiting.plan['id']}").press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("Enter alone decides nothing")
    expect(page.locator(f"#item-{waiting.plan['id']}")).to_be_checked()
    expect(page.locator(f"#item-{another.plan['id']}")).not_to_be_checked()
    waiting.until("Pending")


def test_enter_on_the_box_of_deletes_decides_nothing(look: Look, full: House, watch: Watch) -> None:
    watch.expect("status of 422")
    path = f"/plans/{full.ids['plan_deletes']}"
    page = look(full, path, "ann")
    box = page.get_by_role("checkbox", name="Delete")
    box.check()
    box.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("Enter alone decides nothing")
    expect(box).to_be_checked()
    assert full.service.get(path)["status"] == "Pending"


def _go_to(page: Page, wanted: Locator) -> None:
    """Press Tab until it has the focus; wherever the focus is, it is seen."""
    expect(wanted).to_be_visible()
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        assert page.evaluate(_SEEN), page.evaluate("() => document.activeElement.outerHTML")
        if wanted.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError(f"{MOST_TABS} tabs did not reach {wanted}")


_SEEN = """
() => {
  const focused = document.activeElement, style = getComputedStyle(focused);
  return focused === document.body || style.outlineStyle !== "none" || style.boxShadow !== "none";
}
"""
