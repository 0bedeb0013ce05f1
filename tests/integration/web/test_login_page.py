"""The page that signs people in: where the keyboard begins, and what it says went wrong."""

import re

import pytest

from reconciler.web import templates
from reconciler.web.links import Flaw
from reconciler.web.login.pages import LoginPage
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
    shown = templates.render("login.html", LoginPage(None, "/plans/a?b=c&d", issuer=True))
    wrong = templates.render("login.html", LoginPage("no", "/", issuer=True, wrong_token=True))

    assert focused(shown) == ["a"]
    assert 'href="/login/oidc?next=/plans/a%3Fb%3Dc%26d"' in shown
    assert '<details id="by-token"><summary>Or by a token' in shown
    assert '<details id="by-token" open>' in wrong
    assert focused(wrong) == ["input"]


@pytest.mark.parametrize("why", [*Flaw])
async def test_a_link_that_shows_nothing_is_explained(house: House, why: Flaw) -> None:
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
