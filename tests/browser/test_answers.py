"""Answers to forms, and other views of a page: nothing that was typed is lost, and nothing old is offered."""

from playwright.sync_api import Page, expect

from reconciler.domain.access import Role
from tests.browser.conftest import Look
from tests.browser.fleet import House, Waiting
from tests.browser.test_deciding import shows
from tests.browser.test_live import UNTOUCHED, mark
from tests.browser.watch import Watch


def refused(look: Look, waiting: Waiting, watch: Watch) -> Page:
    """The answer to a form that no longer holds, which was not followed before."""
    watch.expect("status of 409")
    page = look(waiting.house, waiting.path, "ann")
    page.get_by_label("Comment").fill("Typed before.")
    # in one step: a page that follows what happens has the right fingerprint again at its next look
    page.get_by_role("button", name="Approve only").evaluate(
        "button => { button.form.elements.fingerprint.value = 'f'.repeat(64); button.click() }"
    )
    expect(page.get_by_role("alert")).to_contain_text("Not done:")
    return mark(page)


def test_a_refused_form_follows_the_plan_and_keeps_what_was_said_and_typed(
    look: Look, waiting: Waiting, watch: Watch
) -> None:
    page = refused(look, waiting, watch)
    look(waiting.house, waiting.path, "ben").get_by_role("button", name="Reject").click()
    shows(page, "rejected")
    expect(page.get_by_role("button", name="Approve and apply")).to_have_count(0)
    expect(page.get_by_role("alert")).to_contain_text("Not done:")
    expect(page.locator("#comment")).to_have_value("Typed before.")
    assert page.evaluate(UNTOUCHED)


def test_what_was_typed_can_be_sent_again_with_what_is_seen_now(look: Look, waiting: Waiting, watch: Watch) -> None:
    page = refused(look, waiting, watch)
    expect(page.locator("input[name=fingerprint]").first).to_have_value(waiting.plan["fingerprint"])
    page.get_by_role("button", name="Approve only").click()
    shows(page, "approved")
    expect(page.get_by_text("Typed before.")).to_be_visible()


def test_another_view_keeps_what_was_typed(look: Look, full: House) -> None:
    path = f"/plans/{full.ids['plan']}"
    page = mark(look(full, path, Role.APPROVER))
    page.get_by_label("Comment").fill("Half a sentence")
    page.get_by_role("link", name="Unified").click()
    expect(page.get_by_role("link", name="Unified")).to_have_attribute("aria-current", "true")
    page.wait_for_url(f"**{path}?view=unified")
    expect(page.get_by_label("Comment")).to_have_value("Half a sentence")
    assert page.evaluate(UNTOUCHED)
