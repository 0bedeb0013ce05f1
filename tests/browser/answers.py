"""The pages that stand at no address: what a form answers, once somebody has pressed its button."""

from collections.abc import Mapping
from typing import Final

from playwright.sync_api import Locator, Page

from reconciler.domain.access import Role
from tests.browser.pages import CHATBOT, PLAN, Shown

Ids = Mapping[str, str]


def _with(button: Locator, change: str, value: str | None = None) -> None:
    """Change what a form holds and press its button at once: an open page is soon brought up to date again."""
    button.evaluate(f"(button, value) => {{ {change}; setTimeout(() => button.click()); }}", value)


def _sign_in_wrongly(page: Page, _: Ids) -> None:
    page.get_by_label("Token").fill("no token of anybody")
    page.get_by_role("button", name="Sign in").click()


def _approve_another(page: Page, _: Ids) -> None:
    """With the fingerprint of a plan that it is not."""
    page.get_by_label("Comment").fill("I read another one.")
    _with(_approve_only(page), "button.form.elements.fingerprint.value = '0'.repeat(64)")


def _approve_what_is_closed(page: Page, ids: Ids) -> None:
    page.get_by_label("Comment").fill("I took too long.")
    _with(_approve_only(page), "button.formAction = value", f"/plans/{ids['plan_applied']}/approve")


def _approve_only(page: Page) -> Locator:
    return page.get_by_role("button", name="Approve only")


def _make_link(page: Page, _: Ids) -> None:
    _link_button(page).click()


def _make_link_for_ever(page: Page, _: Ids) -> None:
    _with(_link_button(page), "button.form.elements.lifetime.selectedOptions[0].value = 'ever'")


def _link_button(page: Page) -> Locator:
    page.get_by_text("Share a read-only link").click()
    return page.get_by_role("button", name="Make a link")


def _decide_two(page: Page, _: Ids) -> None:
    """One as it is, and one by a fingerprint that it does not have: one is done, and the other is not."""
    for number, box in enumerate(page.get_by_role("checkbox").all()):
        box.set_checked(number < 2)
    spoil = "const second = button.form.querySelectorAll('[name=item]:checked')[1]; second.value += '0'"
    _with(page.get_by_role("button", name="Approve the chosen only"), spoil)


def _decide_none(page: Page, _: Ids) -> None:
    for box in page.get_by_role("checkbox").all():
        box.uncheck()
    page.get_by_label("Comment").fill("Whichever.")
    page.get_by_role("button", name="Reject the chosen").click()


def _suspend_without_reason(page: Page, _: Ids) -> None:
    box = page.get_by_role("region", name="Applies of")
    box.get_by_text("Suspend applies …").click()
    box.get_by_label("Reason").fill(" ")
    box.get_by_role("button", name="Suspend applies").click()


def _forget_without_reason(page: Page, _: Ids) -> None:
    box = page.get_by_role("region", name="Forget the chatbot")
    box.get_by_text("Forget it for good …").click()
    box.get_by_label("Reason").fill(" ")
    box.get_by_role("checkbox").check()
    box.get_by_role("button", name="Forget").click()


def _make_token(page: Page, _: Ids) -> None:
    standing = page.get_by_role("region", name="Tokens that stand").get_by_role("row").count()
    page.get_by_label("Name", exact=True).fill(f"made beside {standing} others")
    page.get_by_role("button", name="Make the token").click()


def _make_token_for_nothing(page: Page, _: Ids) -> None:
    page.get_by_label("Name", exact=True).fill("good for nothing")
    page.get_by_label("Only these").check()
    page.get_by_role("button", name="Make the token").click()


_GROUP: Final = "/plans/groups/{group}"
_APPROVED: Final = ("/plans/{plan}", Role.APPROVER)
ANSWERS: Final = (
    Shown("login-refused", "/login", "/login", None, refused=True, send=_sign_in_wrongly),
    Shown("plan-refused", f"{PLAN}/approve", *_APPROVED, refused=True, send=_approve_another),
    Shown("plan-refused-closed", f"{PLAN}/approve", *_APPROVED, refused=True, send=_approve_what_is_closed),
    Shown("link", f"{PLAN}/link", "/plans/{plan}", send=_make_link),
    Shown("link-refused", f"{PLAN}/link", "/plans/{plan}", refused=True, send=_make_link_for_ever),
    Shown("plan-group-decided", "/plans/decide", _GROUP, Role.APPROVER, send=_decide_two),
    Shown("plan-group-refused", "/plans/decide", _GROUP, Role.APPROVER, refused=True, send=_decide_none),
    Shown(
        "suspend-refused", "/suspend", "/chatbots/{chatbot}", Role.OPERATOR, refused=True, send=_suspend_without_reason
    ),
    Shown(
        "forget-refused",
        f"{CHATBOT}/forget",
        "/chatbots/{chatbot_mistyped}",
        Role.ADMIN,
        refused=True,
        send=_forget_without_reason,
    ),
    Shown("token-made", "/tokens", "/tokens", Role.ADMIN, send=_make_token),
    Shown("token-refused", "/tokens", "/tokens", Role.ADMIN, refused=True, send=_make_token_for_nothing),
)
"""Some of them change what there is: they are looked at where nothing else is."""
