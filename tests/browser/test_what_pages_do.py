"""What each page is for, done by a person."""

import re

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from reconciler.domain.access import Role
from tests.browser import documents as docs
from tests.browser.conftest import Look
from tests.browser.fleet import House, Waiting
from tests.browser.watch import Watch
from tests.support.service import READ_KEY, WRITE_KEY


def rows(page: Page, table: str) -> Locator:
    """What a table shows."""
    return page.get_by_role("region", name=table, exact=True).locator("tbody tr")


@pytest.mark.parametrize("script", [True, False], ids=["javascript", "no-javascript"])
def test_the_fleet_is_searched_filtered_and_sorted(look: Look, full: House, script: bool) -> None:  # noqa: FBT001  a parameter
    page = look(full, "/", Role.VIEWER, java_script_enabled=script)
    expect(rows(page, "Chatbots")).to_have_count(len(docs.agreed()) + 2)  # and those that are missing
    page.get_by_label("Search name, id or path").fill("shop")
    page.get_by_role("button", name="Search").click()
    expect(page).to_have_url(re.compile("q=shop"))
    expect(rows(page, "Chatbots")).to_have_count(len(docs.SAME))
    page.get_by_role("link", name="Show all").first.click()
    page.get_by_role("navigation", name="By state").get_by_role("link", name="edited live").click()
    expect(rows(page, "Chatbots")).to_have_count(1)
    expect(page.get_by_role("region", name="Chatbots", exact=True).get_by_role("link", name="Repairs")).to_be_visible()
    page.goto("/?order=name")
    names = page.get_by_role("region", name="Chatbots", exact=True).locator("tbody th a:first-child")
    assert names.first.text_content() == "Archive"


def test_the_fleet_leads_to_the_change_that_many_share_and_both_are_decided_together(
    look: Look, waiting: Waiting, another: Waiting
) -> None:
    page = look(waiting.house, "/", "ann")
    page.get_by_role("link", name="Review them together").first.click()
    wanted = {waiting.plan["id"], another.plan["id"]}
    for box in page.get_by_role("checkbox").all():
        box.set_checked((box.get_attribute("id") or "").removeprefix("item-") in wanted)
    page.get_by_label("Comment").fill("Both read well.")
    page.get_by_role("button", name="Approve the chosen and apply").click()
    results = page.get_by_role("status").filter(has=page.get_by_role("heading", name="What came of it"))
    expect(results.get_by_role("listitem")).to_have_count(len(wanted))
    for each in (waiting, another):
        expect(results.locator(f"li:has(a[href='{each.path}'])")).to_contain_text("approved")
    expect(results.get_by_text("Not done")).to_have_count(0)
    for each in (waiting, another):
        each.until("Applied")
        assert len(each.writes()) == 1


def test_a_chatbot_is_suspended_and_resumed(look: Look, waiting: Waiting) -> None:
    page = look(waiting.house, f"/chatbots/default/{waiting.chatbot_id}", Role.OPERATOR)
    box = page.get_by_role("region", name="Applies of")
    box.get_by_text("Suspend applies …").click()
    box.get_by_label("Reason").fill("Frozen for the campaign.")
    box.get_by_role("button", name="Suspend applies").click()
    expect(box.get_by_text("Frozen for the campaign.").first).to_be_visible()
    stopped = waiting.house.service.get(f"/chatbots/{waiting.chatbot_id}")
    assert (stopped["reason"], stopped["suspension"]["reason"]) == ("AwaitingApproval", "Frozen for the campaign.")
    box.get_by_role("button", name="Resume applies").click()
    expect(box.get_by_role("button", name="Resume applies")).to_have_count(0)
    assert waiting.house.service.get(f"/chatbots/{waiting.chatbot_id}")["suspension"] is None


def test_a_viewer_is_told_why_applies_cannot_be_suspended(look: Look, full: House) -> None:
    page = look(full, f"/chatbots/{full.ids['chatbot']}", Role.VIEWER)
    expect(page.get_by_text("You cannot suspend them")).to_be_visible()
    expect(page.get_by_role("button", name="Suspend applies")).to_have_count(0)


def test_what_is_live_is_shown_on_demand(look: Look, full: House) -> None:
    page = look(full, f"/chatbots/{full.ids['chatbot']}", Role.VIEWER)
    page.get_by_text("Show what is live").click()
    expect(page).to_have_url(re.compile("live=1"))
    expect(page.get_by_text("Two short paragraphs are usually enough.").first).to_be_attached()


def test_a_run_shows_the_line_that_is_wrong(look: Look, full: House) -> None:
    page = look(full, "/runs", Role.VIEWER)
    page.get_by_role("row").filter(has_text=re.compile(r"\d findings?")).get_by_role("link").first.click()
    finding = page.get_by_role("article").filter(has_text="support/bot_typo.json:1:")
    expect(finding).to_contain_text("Did you mean skills?")
    expect(finding.get_by_role("region")).to_contain_text("skils")


def test_a_source_is_refreshed(look: Look, waiting: Waiting) -> None:
    page = look(waiting.house, "/sources", Role.OPERATOR)
    before = len(waiting.house.service.get("/runs?limit=200")["items"])
    page.get_by_role("button", name="Refresh default now").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Run of default")
    assert len(waiting.house.service.get("/runs?limit=200")["items"]) == before + 1


def test_the_audit_log_is_filtered(look: Look, full: House) -> None:
    page = look(full, "/audit", Role.VIEWER)
    page.get_by_label("Action begins with").fill("plan.reject")
    page.get_by_role("button", name="Filter").click()
    expect(page).to_have_url(re.compile("action=plan.reject"))
    expect(rows(page, "Decisions")).to_have_count(2)  # that she rejected it, and that the plan was closed by it
    expect(page.get_by_role("region", name="Decisions")).to_contain_text("Too short.")


def test_settings_name_no_secret(look: Look, full: House) -> None:
    page = look(full, "/settings", Role.ADMIN)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert not {secret for secret in (READ_KEY, WRITE_KEY, *full.secrets.values()) if secret in page.content()}


@pytest.mark.parametrize("path", ["/settings", "/tokens"])
def test_who_is_no_admin_finds_no_way_there_and_is_refused(look: Look, full: House, watch: Watch, path: str) -> None:
    watch.expect("status of 403")
    page = look(full, "/", Role.APPROVER)
    expect(page.get_by_role("navigation", name="Pages").locator(f"a[href='{path}']")).to_have_count(0)
    page.goto(path)
    expect(page.get_by_text("needs the role admin")).to_be_visible()


def test_a_token_is_made_used_and_revoked(look: Look, waiting: Waiting, browser: Browser, watch: Watch) -> None:
    watch.expect("status of 401")
    page = look(waiting.house, "/tokens", Role.ADMIN)
    page.get_by_label("Name", exact=True).fill("ci")
    page.get_by_label("Role").select_option("viewer")
    page.get_by_role("button", name="Make the token").click()
    secret = page.get_by_label("Its secret").input_value()
    page.get_by_role("link", name="Done").click()
    assert secret not in page.content()
    with browser.new_context(base_url=waiting.house.url) as context:
        guest = watch.over(context).new_page()
        guest.goto("/login")
        guest.get_by_label("Token").fill(secret)
        guest.get_by_role("button", name="Sign in").click()
        expect(guest.get_by_text("ci · viewer")).to_be_visible()
        row = page.get_by_role("region", name="Tokens that stand").get_by_role("row").filter(has_text="ci").first
        row.get_by_text("Revoke").first.click()
        row.get_by_role("button", name="Revoke ci").click()
        expect(page.get_by_text("revoked or expired").first).to_be_visible()
        guest.goto("/plans")
        expect(guest.get_by_label("Token")).to_be_visible()


def test_a_link_shows_one_plan_without_an_account_and_nothing_else(
    look: Look, waiting: Waiting, browser: Browser, watch: Watch
) -> None:
    page = look(waiting.house, waiting.path, Role.VIEWER)
    page.get_by_text("Share a read-only link").click()
    page.get_by_role("button", name="Make a link").click()
    link = page.get_by_label("Good until").input_value()
    path = link[link.index("/plans/") :]
    with browser.new_context(base_url=waiting.house.url) as context:
        guest = watch.over(context).new_page()
        guest.goto(path)
        expect(guest.get_by_text("You read this plan by a link")).to_be_visible()
        expect(guest.get_by_text("brief").first).to_be_visible()
        expect(guest.get_by_role("button")).to_have_count(0)
        guest.goto("/")
        expect(guest.get_by_label("Token")).to_be_visible()


def test_signing_out_ends_the_session(waiting: Waiting, browser: Browser, watch: Watch) -> None:
    with browser.new_context(base_url=waiting.house.url) as context:
        page = watch.over(context).new_page()
        page.goto(waiting.path)
        page.get_by_label("Token").fill(waiting.house.secrets["vera"])
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(f"**{waiting.path}")
        page.get_by_role("button", name="Sign out").click()
        page.goto(waiting.path)
        expect(page.get_by_label("Token")).to_be_visible()


@pytest.mark.parametrize("width", [1100, 1280, 1600])
def test_the_forms_of_tokens_are_whole_in_a_window_of_usual_width(look: Look, full: House, width: int) -> None:
    page = look(full, "/tokens", Role.ADMIN, viewport={"width": width, "height": 900})
    region = page.get_by_role("region", name="Tokens that stand")
    folds = region.locator("details")
    for fold in folds.all():
        fold.locator("summary").click()
    assert region.evaluate("box => box.scrollWidth - box.clientWidth") <= 0
    edge = region.evaluate("box => box.getBoundingClientRect().right")
    buttons = region.get_by_role("button")
    assert buttons.count() == folds.count() > 0
    for button in buttons.all():
        assert button.evaluate("each => each.getBoundingClientRect().right") <= edge


def test_an_answer_to_a_form_is_loaded_again_without_sending_it_again(look: Look, full: House, watch: Watch) -> None:
    watch.expect("422")
    page = look(full, "/tokens", Role.ADMIN)
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.method) if request.is_navigation_request() else None)
    page.get_by_label("Name", exact=True).fill("bootstrap")
    page.get_by_role("button", name="Make the token").click()
    expect(page.get_by_role("alert")).to_contain_text("auth.bootstrap_token")
    page.wait_for_load_state("load")
    page.reload()
    assert sent == ["POST", "GET"]
    expect(page.get_by_role("heading", name="Tokens and people")).to_be_visible()
    expect(page.get_by_role("alert").filter(has_text="auth.bootstrap_token")).to_have_count(0)
