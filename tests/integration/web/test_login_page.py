"""The page that signs people in: where the keyboard begins, and what it says went wrong."""

import html
import re
from urllib.parse import unquote

import httpx
import pytest

from reconciler.web.auth.signed_links import LinkFlaw
from reconciler.web.login.page import LoginPage
from reconciler.web.ui import templates
from reconciler.web.ui.paths import own_page
from tests.integration.web.conftest import House

pytestmark = pytest.mark.anyio


def focused(text: str) -> list[str]:
    """The elements where the keyboard begins."""
    return re.findall(r"<(\w+)[^>]*\bautofocus\b", text)


async def test_the_keyboard_begins_at_the_token(house: House) -> None:
    async with house.client() as client:
        first = await client.get("/login")
        wrong = await client.post("/login", data={"token": "wzr_wrong", "next": "/plans/plan_1"})

    assert focused(first.text) == ["input"]
    assert "aria-invalid" not in first.text
    assert focused(wrong.text) == ["input"]
    assert 'aria-invalid="true" aria-errormessage="problem"' in wrong.text
    assert 'role="alert" id="problem"' in wrong.text
    assert 'name="next" value="/plans/plan_1"' in wrong.text
    assert "wzr_wrong" not in wrong.text


def test_with_an_issuer_the_keyboard_begins_there_and_a_token_is_one_step_away() -> None:
    shown = templates.render("login/login.html", LoginPage(None, "/plans/a?b=c&d", issuer=True))
    wrong = templates.render("login/login.html", LoginPage("no", "/", issuer=True, wrong_token=True))

    assert focused(shown) == ["a"]
    assert 'href="/login/oidc?next=/plans/a%3Fb%3Dc%26d"' in shown
    assert '<details id="by-token"><summary>Or by a token' in shown
    assert '<details id="by-token" open>' in wrong
    assert focused(wrong) == ["input"]


@pytest.mark.parametrize("why", [*LinkFlaw])
async def test_a_link_that_shows_nothing_is_explained(house: House, why: LinkFlaw) -> None:
    async with house.client() as client:
        text = (await client.get(f"/login?why={why}")).text

    assert why.words[0].upper() + why.words[1:] in text
    assert "aria-invalid" not in text


@pytest.mark.parametrize("why", ["", "pay <b>here</b>", "link_", "LINK_WRONG"])
async def test_nothing_unknown_is_said(house: House, why: str) -> None:
    async with house.client() as client:
        text = (await client.get("/login", params={"why": why})).text

    assert 'role="alert"' not in text
    assert "here" not in text.split("<h1>")[1].split("See what differs")[0]


@pytest.mark.parametrize(
    "page",
    [
        "/?sync=OutOfSync&label=team%3Dsupport",
        "/plans?status=Pending&order=name",
        "/audit?subject=chatbot/bot_1&actor=ann@example.com&action=plan.",
        "/chatbots/acme/bot_1?days=7",
        "/runs?q=it's(a)test!,*;$:+%C3%BC",
    ],
)
async def test_after_signing_in_a_page_comes_back_with_its_filters(house: House, page: str) -> None:
    async with house.client() as client:
        sent = await client.get(page)
        assert sent.status_code == 303
        form = await client.get(sent.headers["location"])
        target = html.unescape(re.findall(r'name="next" value="([^"]*)"', form.text)[0])
        form_data = {"token": "wzr_viewer", "next": target}
        back = await client.post("/login", data=form_data, headers={"Origin": "http://127.0.0.1:8080"})
    assert (back.status_code, unquote(back.headers["location"])) == (303, unquote(page))
    assert httpx.URL(back.headers["location"]).params == httpx.URL(page).params


@pytest.mark.parametrize(
    "next_page",
    [
        "https://evil.example/?x=1",
        "//evil.example/?x",
        "/\\evil.example?x",
        "/plans?x\r\nSet-Cookie: a=b",
        "/plans?x#y",
        '/plans?x"><script>',
        "/login?next=/plans",
        "/elsewhere?x=1",
        "?x=//evil.example",
    ],
)
def test_nobody_is_sent_to_another_site_by_a_query(next_page: str) -> None:
    assert own_page(next_page) == "/"
