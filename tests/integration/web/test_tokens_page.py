"""The page of tokens and people: a secret is shown once, whatever is refused is said, and only admins come there."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from reconciler.domain.access import Person, Role, Token
from reconciler.domain.audit import AuditEntry
from reconciler.domain.grants import Grant, Grants
from reconciler.engine.access.sessions import begin_session
from reconciler.engine.context import Actor
from reconciler.web.app import create_app
from tests.fakes.clock import START
from tests.integration.web.conftest import House

pytestmark = pytest.mark.anyio

PUBLIC = "http://127.0.0.1:8080"
NASTY = '"><script>alert(1)</script>'


@pytest.fixture
async def admin(house: House) -> AsyncIterator[httpx.AsyncClient]:
    house.engine = replace(house.engine, grants=Grants((Grant("staff", Role.APPROVER, ("main",)),)))
    house.app = create_app(house.engine, settings=house.settings)
    async with house.client() as client:
        await client.post("/login", data={"token": "wzr_admin"}, headers={"Origin": PUBLIC})
        client.headers["Origin"] = PUBLIC
        yield client


async def tokens(house: House) -> dict[str, Token]:
    return {token.name: token for token in await house.store.queries.tokens()}


async def rows(house: House, action: str) -> list[AuditEntry]:
    async with house.store.read() as uow:
        return [entry async for entry in uow.audit.entries() if entry.action == action]


async def ann(house: House) -> None:
    async with house.store.begin() as uow:
        person = Person(name="ann@example.com", issuer="https://id", subject="7", groups=("staff",), seen_at=START)
        await uow.people.add(person)


async def test_a_secret_is_shown_once_and_nowhere_else(
    house: House, admin: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    answer = await admin.post("/tokens", data={"name": "ci", "role": "operator", "reach": "all"})
    (secret,) = re.findall(r'value="(wzr_[^"]+)"', answer.text)
    async with house.client(secret) as client:
        works = await client.get("/api/v1/me")

    assert (answer.status_code, answer.headers["cache-control"]) == (201, "no-store")
    assert "location" not in answer.headers
    assert answer.text.count(secret) == 1
    assert 'data-watch=""' in answer.text, "no event takes the secret off the page"
    assert works.json()["role"] == "operator"
    assert secret not in (await admin.get("/tokens")).text
    assert secret not in (await admin.get("/audit")).text
    said = [vars(record) for record in caplog.records if record.name.startswith("reconciler")]
    assert [each for each in (str(said), str(await rows(house, "token.create"))) if secret in each] == []


async def test_a_token_is_made_as_it_was_asked_for(house: House, admin: httpx.AsyncClient) -> None:
    form = {
        "name": "ann-laptop", "person": "ann@example.com", "role": "approver", "reach": "some",
        "sources": ["main", "side"], "expires_at": "2027-01-31T18:30",
    }  # fmt: skip
    assert (await admin.post("/tokens", data=form)).status_code == 201

    made = (await tokens(house))["ann-laptop"]
    assert (made.person, made.role, made.sources) == ("ann@example.com", Role.APPROVER, ("main", "side"))
    assert made.expires_at is not None
    assert made.expires_at.isoformat() == "2027-01-31T18:30:00+00:00"


@pytest.mark.parametrize(
    ("change", "status", "said"),
    [
        ({"name": ""}, 422, "correct these fields: name"),
        ({"name": "viewer"}, 409, "stands: revoke it, or choose another name"),
        ({"role": "root"}, 422, "correct these fields: role"),
        ({"reach": "some"}, 422, "choose the sources"),
        ({"reach": "some", "sources": "nowhere"}, 422, "there is no source"),
        ({"expires_at": "2020-01-01T00:00"}, 422, "it has passed"),
        ({"expires_at": "tomorrow"}, 422, "correct these fields: expires_at"),
    ],
)
async def test_a_refused_token_is_said_with_what_was_typed(
    house: House, admin: httpx.AsyncClient, change: dict[str, str], status: int, said: str
) -> None:
    known = set(await tokens(house))
    form = {"name": "kept", "person": f"Ann {NASTY}", "role": "approver", "reach": "all", **change}
    answer = await admin.post("/tokens", data=form)

    assert answer.status_code == status
    assert said in answer.text
    assert 'role="alert"' in answer.text
    assert 'value="Ann &#34;&gt;&lt;script&gt;' in answer.text
    assert f'name="name" value="{form["name"]}"' in answer.text
    assert ("<option selected>approver" in answer.text) is (form["role"] == "approver")
    assert "<script>alert" not in answer.text
    assert set(await tokens(house)) == known
    assert len(await rows(house, "token.create.refused")) == (1 if status == 409 else 0)


async def test_the_list_says_what_each_token_is_worth(house: House, admin: httpx.AsyncClient) -> None:
    await house.add_token("old", Role.VIEWER, ("side",))
    async with house.store.begin() as uow:
        token = await uow.tokens.save(replace((await tokens(house))["old"], expires_at=START + timedelta(hours=1)))
        await uow.tokens.save(replace(token, last_used_at=START))
    house.clock.advance(3600)
    text = (await admin.get("/tokens")).text

    assert "5 tokens stand" in text
    assert "1 revoked or expired" in text
    assert "expired" in text.split("1 revoked or expired")[1]
    assert text.count("you are signed in by it") == 1
    assert not any(token.hash in text for token in (await tokens(house)).values())


async def test_revoking_takes_two_steps_without_a_script(house: House, admin: httpx.AsyncClient) -> None:
    text = (await admin.get("/tokens")).text
    box = re.findall(
        r"<details id=\"revoke-tok_viewer\"><summary>Revoke<span[^>]*> viewer</span>.*?</details>", text, re.DOTALL
    )
    answer = await admin.post("/tokens/tok_viewer/revoke")

    assert len(box) == 1
    assert 'action="/tokens/tok_viewer/revoke"' in box[0]
    assert (answer.status_code, answer.headers["location"]) == (303, "/tokens")
    assert (await tokens(house))["viewer"].revoked_at is not None
    assert "1 revoked or expired" in (await admin.get("/tokens")).text


async def test_who_revokes_their_own_token_is_signed_out(admin: httpx.AsyncClient) -> None:
    assert (await admin.post("/tokens/tok_admin/revoke")).status_code == 303
    assert (await admin.get("/tokens")).headers["location"] == "/login?next=/tokens"


async def test_what_is_not_there_is_said_on_the_page(house: House, admin: httpx.AsyncClient) -> None:
    token = await admin.post("/tokens/none/revoke")
    person = await admin.post("/people/nobody/bar", data={"reason": "left"})

    assert [each.status_code for each in (token, person)] == [404, 404]
    assert all('role="alert"' in each.text and "<h2" in each.text for each in (token, person))
    assert [row.subject for row in await rows(house, "token.revoke.refused")] == ["token/none"]


async def test_a_person_is_barred_let_in_and_signed_out_with_a_reason(house: House, admin: httpx.AsyncClient) -> None:
    await ann(house)
    async with house.client() as client:
        new = await begin_session(house.engine, Actor("ann@example.com", Role.VIEWER), timedelta(hours=1))
        client.cookies.set("reconciler", new.secret)
        assert (await client.get("/")).status_code == 200
        await admin.post("/people/ann@example.com/sign-out", data={"reason": "lost phone"})
        assert (await client.get("/")).status_code == 303
    for call in ("bar", "unbar"):
        answer = await admin.post(f"/people/ann@example.com/{call}", data={"reason": f"to {call}"})
        assert (answer.status_code, answer.headers["location"]) == (303, "/tokens#people")

    found = [
        (await rows(house, action))[0].detail["reason"] for action in ("person.sign_out", "person.bar", "person.unbar")
    ]
    assert found == ["lost phone", "to bar", "to unbar"]


@pytest.mark.parametrize("call", ["bar", "sign-out"])
async def test_without_a_reason_nothing_is_done(house: House, admin: httpx.AsyncClient, call: str) -> None:
    await ann(house)
    answer = await admin.post(f"/people/ann@example.com/{call}", data={"reason": "   "})

    assert answer.status_code == 422
    assert "correct these fields: reason" in answer.text
    assert "may come in" in answer.text


async def test_the_list_of_people_says_what_they_may_do(house: House, admin: httpx.AsyncClient) -> None:
    await ann(house)
    before = (await admin.get("/tokens")).text
    await admin.post("/people/ann@example.com/bar", data={"reason": "left"})
    after = (await admin.get("/tokens")).text

    assert "approver of main" in before
    assert 'formaction="/people/ann%40example.com/bar"' in before
    assert "barred" in after
    assert 'action="/people/ann%40example.com/unbar"' in after


async def test_an_admin_of_some_sources_is_told_so_and_sees_nothing(house: House) -> None:
    calls = [
        ("GET", "/tokens", {}),
        ("POST", "/tokens", {"name": "x", "role": "root"}),
        ("POST", "/tokens/none/revoke", {}),
        ("POST", "/people/none/bar", {}),
    ]
    async with house.client("wzr_main-only") as client:
        for method, path, form in calls:
            answer = await client.request(method, path, data=form)
            assert answer.status_code == 403, path
            assert "This concerns every source" in answer.text
            assert "tok_" not in answer.text


async def test_another_site_makes_no_token(house: House, admin: httpx.AsyncClient) -> None:
    form = {"name": "theirs", "role": "admin"}
    answer = await admin.post("/tokens", data=form, headers={"Origin": "https://evil.example"})

    assert (answer.status_code, answer.json()["code"]) == (403, "cross_site")
    assert "theirs" not in await tokens(house)
