"""Tokens, people, sessions and oneself, as the API and the pages show them."""

from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from reconciler.domain.access import Person, Role
from reconciler.domain.grants import Grant, Grants
from reconciler.engine.access.sessions import begin_session
from reconciler.engine.context import Actor
from reconciler.web.app import create_app
from tests.fakes.clock import START
from tests.integration.web.conftest import House

pytestmark = pytest.mark.anyio

OWN = {"Origin": "http://127.0.0.1:8080"}


async def test_a_token_is_made_shown_once_used_and_revoked(house: House) -> None:
    ask = {"name": "ci", "role": "operator", "person": "ann", "sources": ["main"], "expires_at": "2027-01-01T00:00:00Z"}
    async with house.client("wzr_admin") as admin:
        made = await admin.post("/api/v1/tokens", json=ask)
        assert made.status_code == 201
        assert made.headers["cache-control"] == "no-store"
        secret = made.json()["secret"]
        async with house.client(secret) as client:
            me = (await client.get("/api/v1/me")).json()
        assert me == {
            "name": "ann",
            "role": "operator",
            "rights": [{"role": "operator", "sources": ["main"]}],
            "roles": {"main": "operator"},
            "everywhere": None,
            "credential": "token",
            "expires_at": "2027-01-01T00:00:00Z",
        }
        await house.app.state.gate.use.flush()
        listed = await admin.get("/api/v1/tokens")
        item = next(each for each in listed.json()["items"] if each["name"] == "ci")
        assert (item["person"], item["stands"], item["last_used_at"]) == ("ann", True, "2026-03-01T12:00:00Z")
        assert secret not in listed.text
        assert "hash" not in listed.text
        for _ in range(2):
            revoked = await admin.post(f"/api/v1/tokens/{item['id']}/revoke")
            assert (revoked.status_code, revoked.json()["stands"]) == (200, False)
        async with house.client(secret) as client:
            assert (await client.get("/api/v1/me")).status_code == 401
        actions = [each["action"] for each in (await admin.get("/api/v1/audit")).json()["items"]]
        assert [actions.count(name) for name in ("token.create", "token.revoke")] == [1, 1]
        assert secret not in (await admin.get("/api/v1/audit")).text


@pytest.mark.parametrize(
    ("ask", "status", "code"),
    [
        ({"name": "x", "role": "king"}, 422, "invalid_request"),
        ({"name": "x"}, 422, "invalid_request"),
        ({"name": "", "role": "viewer"}, 422, "invalid_request"),
        ({"name": "x", "role": "viewer", "sources": ["none"]}, 422, "invalid_request"),
        ({"name": "x", "role": "viewer", "sources": []}, 422, "invalid_request"),
        ({"name": "x", "role": "viewer", "expires_at": "2020-01-01T00:00:00Z"}, 422, "invalid_request"),
        ({"name": "x", "role": "viewer", "person": "cli:root"}, 422, "invalid_request"),
        ({"name": "x\u202e", "role": "viewer", "person": "ann"}, 422, "invalid_request"),
        ({"name": "viewer", "role": "viewer"}, 409, "token_name_taken"),
    ],
)
async def test_a_token_that_cannot_be_is_not_made(house: House, ask: dict[str, object], status: int, code: str) -> None:
    async with house.client("wzr_admin") as client:
        answer = await client.post("/api/v1/tokens", json=ask)

    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_a_barred_person_is_out_by_whatever_they_hold(house: House) -> None:
    house.app = create_app(replace(house.engine, grants=Grants((Grant("g", Role.APPROVER),))), settings=house.settings)
    async with house.store.begin() as uow:
        await uow.people.add(Person(name="ann", issuer="i", subject="1", groups=("g",), seen_at=START))
    async with house.store.begin() as uow:
        token = await uow.tokens.get("tok_viewer")
        assert token is not None
        await uow.tokens.save(replace(token, person="ann"))
    new = await begin_session(house.engine, Actor("ann", Role.APPROVER), timedelta(hours=8))
    holds = [{"Cookie": f"reconciler={new.secret}"}, {"Authorization": "Bearer wzr_viewer"}]
    async with house.client() as client, house.client("wzr_admin") as admin:
        people = (await admin.get("/api/v1/people")).json()["items"]
        assert [(each["name"], each["rights"]) for each in people] == [("ann", [{"role": "approver", "sources": None}])]
        for headers in holds:
            assert (await client.get("/api/v1/me", headers=headers)).json()["name"] == "ann"
        for _ in range(2):
            barred = await admin.post("/api/v1/people/ann/bar", json={"reason": "left"})
            assert (barred.status_code, barred.json()["barred_at"]) == (200, "2026-03-01T12:00:00Z")
        for headers in holds:
            assert (await client.get("/api/v1/me", headers=headers)).status_code == 401
        assert (await admin.post("/api/v1/people/ann/unbar", json={"reason": "back"})).json()["barred_at"] is None
        assert [(await client.get("/api/v1/me", headers=headers)).status_code for headers in holds] == [401, 200]
        assert (await admin.post("/api/v1/people/bob/bar", json={"reason": "x"})).status_code == 404


async def test_a_session_of_a_token_ends_with_its_time_its_token_or_by_signing_out(house: House) -> None:
    token = await house.add_token("leaver", Role.VIEWER)
    async with house.client() as client:
        client.headers.update(OWN)
        await client.post("/login", data={"token": "wzr_leaver"})
        assert (await client.get("/")).status_code == 200
        assert (await client.get("/api/v1/me")).json()["credential"] == "session"
        kept = dict(client.cookies)
        await client.post("/logout")
        assert (await client.get("/", headers={"Cookie": f"reconciler={kept['reconciler']}"})).status_code == 303

        await client.post("/login", data={"token": "wzr_leaver"})
        house.clock.advance(8 * 3600)
        assert (await client.get("/")).status_code == 303

        await client.post("/login", data={"token": "wzr_leaver"})
        async with house.store.begin() as uow:
            await uow.tokens.save(replace(token, revoked_at=START))
        assert (await client.get("/")).status_code == 303


async def test_what_the_database_holds_opens_nothing(house: House) -> None:
    new = await begin_session(house.engine, Actor("admin", Role.ADMIN, "tok_admin"), timedelta(hours=8))
    async with house.client() as client:
        for held in (new.session.hash, new.session.id, "tok_admin"):
            assert (await client.get("/api/v1/me", headers={"Cookie": f"reconciler={held}"})).status_code == 401
            assert (await client.get("/api/v1/me", headers={"Authorization": f"Bearer {held}"})).status_code == 401
    assert new.secret not in repr(new)
    assert new.session.hash not in repr(new)


async def test_a_signed_in_poll_that_finds_nothing_new_is_304_until_the_session_ends(house: House) -> None:
    async with house.client() as client:
        client.headers.update(OWN)
        await client.post("/login", data={"token": "wzr_viewer"})
        first = await client.get("/api/v1/plans")
        assert "Cookie" in first.headers["vary"]
        poll = {"If-None-Match": first.headers["etag"]}
        assert (await client.get("/api/v1/plans", headers=poll)).status_code == 304
        kept = client.cookies["reconciler"]
        await client.post("/logout")
        answer = await client.get("/api/v1/plans", headers={**poll, "Cookie": f"reconciler={kept}"})
        assert answer.status_code == 401


async def test_a_token_that_ended_by_itself_is_seen_by_the_next_poll(house: House) -> None:
    soon = {"name": "ci", "role": "viewer", "expires_at": (START + timedelta(seconds=9)).isoformat()}
    async with house.client("wzr_admin") as admin:
        await admin.post("/api/v1/tokens", json=soon)
        tag = (await admin.get("/api/v1/tokens")).headers["etag"]
        assert (await admin.get("/api/v1/tokens", headers={"If-None-Match": tag})).status_code == 304
        house.clock.advance(10)
        answer = await admin.get("/api/v1/tokens", headers={"If-None-Match": tag})
    assert (answer.status_code, [each["stands"] for each in answer.json()["items"] if each["name"] == "ci"]) == (
        200,
        [False],
    )


async def test_a_tag_of_one_is_worth_nothing_to_another(house: House) -> None:
    async with house.client("wzr_admin") as admin, house.client("wzr_viewer") as viewer:
        tag = (await admin.get("/api/v1/tokens")).headers["etag"]
        assert (await viewer.get("/api/v1/tokens", headers={"If-None-Match": tag})).status_code == 403


async def test_guessing_at_the_form_is_limited_and_a_valid_token_never_is(house: House) -> None:
    async def try_in(client: httpx.AsyncClient, token: str) -> int:
        return (await client.post("/login", data={"token": token}, headers=OWN)).status_code

    async with house.client() as client:
        assert [await try_in(client, "wzr_wrong") for _ in range(22)] == [401] * 20 + [429] * 2
        assert await try_in(client, "wzr_viewer") == 303
