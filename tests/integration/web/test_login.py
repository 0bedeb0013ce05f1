"""Signing in by an issuer: one that keeps to the standard, and one that lies in every way."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from starlette.responses import JSONResponse, RedirectResponse, Response

from reconciler.domain.access import Role
from reconciler.domain.audit import AuditEntry
from reconciler.domain.grants import Grant, Grants
from reconciler.engine.audit.entries import record_omitted
from reconciler.engine.audit.entry_limits import MAX_ENTRIES
from reconciler.identity.fetching import Fetcher
from reconciler.identity.oidc import OidcProvider
from reconciler.runtime.clock import SystemClock
from reconciler.settings.sections import OidcSettings
from reconciler.web.app import create_app
from tests.fakes.clock import FakeClock
from tests.integration.web.conftest import House, build
from tests.integration.web.lies import LIES, SECRET
from tests.support.issuer import CLIENT_ID, HostileIssuer, hostile_issuer, real_issuer, redirect_elsewhere, signed
from tests.support.loopback import LOOPBACK
from tests.support.store import open_store
from tests.support.waiting import PATIENCE

pytestmark = pytest.mark.anyio

GRANTS = Grants((Grant("approvers", Role.APPROVER, ("main",)), Grant("viewers", Role.VIEWER)))
COOKIE = "reconciler"
OWN = {"Origin": "http://127.0.0.1:8080"}


@asynccontextmanager
async def a_house(folder: Path, issuer: str, **spec: Any) -> AsyncIterator[House]:
    clock = FakeClock()
    given = {"issuer": issuer, "client_id": CLIENT_ID, "client_secret": SECRET, **spec}
    provider = OidcProvider(issuer, CLIENT_ID, OidcSettings(**given), SystemClock(), Fetcher(seconds=PATIENCE))
    async with open_store(folder, clock) as store:
        yield await build(store, clock, identity=provider, grants=GRANTS)


@pytest.fixture(scope="module")
def standard() -> Iterator[str]:
    with real_issuer() as url:
        yield url


@pytest.fixture
def hostile() -> Iterator[HostileIssuer]:
    with hostile_issuer() as issuer:
        yield issuer


@pytest.fixture
async def house(tmp_path: Path, hostile: HostileIssuer) -> AsyncIterator[House]:
    async with a_house(tmp_path, hostile.url) as house:
        yield house


async def sign_in(client: httpx.AsyncClient, issuer: HostileIssuer, path: str = "/", **more: str) -> httpx.Response:
    begun = await client.get("/login/oidc", params={"next": path})
    assert begun.status_code == 303, begun.text
    code, state = issuer.authorize(begun.headers["location"])
    return await come_back(client, code=code, state=state, **more)


async def come_back(client: httpx.AsyncClient, **parameters: str) -> httpx.Response:
    return await client.get("/login/oidc/callback", params=parameters)


async def audit(house: House, action: str) -> list[AuditEntry]:
    page = await house.store.queries.audit(None, limit=100, cursor=None)
    return [entry for entry in page.items if entry.action == action]


# an issuer that keeps to the standard


async def sign_in_at(client: httpx.AsyncClient, url: str, subject: str, claims: Mapping[str, Any]) -> httpx.Response:
    async with httpx.AsyncClient(**LOOPBACK) as browser:
        assert (await browser.put(f"{url}/users/{subject}", json=dict(claims))).status_code == 204
        begun = await client.get("/login/oidc")
        sent = await browser.post(begun.headers["location"], data={"sub": subject})
    back = urlsplit(sent.headers["location"])
    assert f"{back.scheme}://{back.netloc}{back.path}" == "http://127.0.0.1:8080/login/oidc/callback"
    return await come_back(client, **{name: values[0] for name, values in parse_qs(back.query).items()})


async def test_a_person_signs_in_acts_by_their_groups_and_out(tmp_path: Path, standard: str) -> None:
    said = {"email": "ann@example.com", "email_verified": True, "groups": ["approvers", "viewers"]}
    async with a_house(tmp_path, standard) as house, house.client() as client:
        answer = await sign_in_at(client, standard, "ann", said)
        assert answer.status_code == 200
        assert 'http-equiv="refresh" content="0; url=/"' in answer.text

        me = (await client.get("/api/v1/me")).json()
        assert (me["name"], me["role"], me["credential"]) == ("ann@example.com", "approver", "session")
        assert me["roles"] == {"main": "approver", "side": "viewer"}
        assert me["everywhere"] == "viewer"
        assert "ann@example.com" in (await client.get("/")).text
        main = await client.post("/api/v1/plans/plan_1/approve", json={"fingerprint": "f" * 64}, headers=OWN)
        assert main.status_code == 200
        side = await client.post("/api/v1/plans/plan_2/approve", json={"fingerprint": "e" * 64}, headers=OWN)
        assert (side.status_code, side.json()["code"]) == (403, "forbidden")

        held = client.cookies[COOKIE]
        assert (await client.post("/logout", headers=OWN)).status_code == 303
        copied = await client.get("/api/v1/me", headers={"Cookie": f"{COOKIE}={held}"})
        assert copied.status_code == 401
        assert [entry.actor for entry in await audit(house, "login")] == ["ann@example.com"]
        assert [entry.actor for entry in await audit(house, "logout")] == ["ann@example.com"]


# one that does as it is told


@pytest.mark.parametrize("how", ["public", "basic", "post"])
async def test_the_client_proves_itself_as_the_issuer_wants(tmp_path: Path, hostile: HostileIssuer, how: str) -> None:
    if how == "post":
        hostile.discovery = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    secret = {"client_secret": None if how == "public" else SECRET}
    async with a_house(tmp_path, hostile.url, **secret) as house, house.client() as client:
        assert (await sign_in(client, hostile)).status_code == 200

    shown = hostile.shown[hostile.asked.index("/token")]
    assert shown.startswith("Basic ") == (how == "basic")
    assert (f"client_secret={SECRET}" in shown) == (how == "post")
    assert (f"client_id={CLIENT_ID}" in shown) == (how != "basic")


async def test_the_session_outlives_the_process_and_ends_with_its_time(house: House, hostile: HostileIssuer) -> None:
    async with house.client() as client:
        answer = await sign_in(client, hostile, "/plans/plan_1")
        assert 'url=/plans/plan_1"' in answer.text
        restarted = await build_again(house)
        async with house.client(app=restarted) as later:
            cookie = {"Cookie": f"{COOKIE}={client.cookies[COOKIE]}"}
            assert (await later.get("/api/v1/me", headers=cookie)).status_code == 200
            house.clock.advance(8 * 3600)
            assert (await later.get("/api/v1/me", headers=cookie)).status_code == 401
            assert (await later.get("/", headers=cookie)).status_code == 303


async def build_again(house: House, grants: Grants = GRANTS) -> Any:
    return create_app(replace(house.engine, grants=grants), settings=house.settings)


async def test_rights_follow_the_settings_at_every_request(house: House, hostile: HostileIssuer) -> None:
    async with house.client() as client:
        await sign_in(client, hostile)
        cookie = {"Cookie": f"{COOKIE}={client.cookies[COOKIE]}"}
        less = await build_again(house, Grants((Grant("approvers", Role.VIEWER, ("side",)),)))
        async with house.client(app=less) as later:
            assert (await later.get("/api/v1/me", headers=cookie)).json()["roles"] == {"side": "viewer"}
        nothing = await build_again(house, Grants())
        async with house.client(app=nothing) as later:
            assert (await later.get("/api/v1/me", headers=cookie)).status_code == 401


async def test_each_login_has_a_cookie_of_its_own_and_ends_the_one_before(house: House, hostile: HostileIssuer) -> None:
    async with house.client() as client:
        client.cookies.set(COOKIE, "planted-by-somebody")
        await sign_in(client, hostile)
        first = client.cookies.get(COOKIE, domain="127.0.0.1") or client.cookies[COOKIE]
        assert first != "planted-by-somebody"
        await sign_in(client, hostile)
    async with house.client() as client:
        answer = await client.get("/api/v1/me", headers={"Cookie": f"{COOKIE}={first}"})
        assert answer.status_code == 401
        answer = await client.get("/api/v1/me", headers={"Cookie": f"{COOKIE}=planted-by-somebody"})
        assert answer.status_code == 401


async def test_the_cookies_are_strict_but_for_the_attempt(house: House, hostile: HostileIssuer) -> None:
    async with house.client() as client:
        begun = await client.get("/login/oidc")
        attempt = begun.headers["set-cookie"].lower()
        code, state = hostile.authorize(begun.headers["location"])
        done = await come_back(client, code=code, state=state)

    assert all(part in attempt for part in ("httponly", "samesite=lax", "path=/", "max-age=600"))
    location = parse_qs(urlsplit(begun.headers["location"]).query)
    assert location["redirect_uri"] == ["http://127.0.0.1:8080/login/oidc/callback"]
    assert not any(location[name][0] in attempt for name in ("state", "nonce", "code_challenge"))
    given = [value.lower() for value in done.headers.get_list("set-cookie")]
    session = next(value for value in given if value.startswith(f"{COOKIE}="))
    assert all(part in session for part in ("httponly", "samesite=strict", "path=/", "max-age=28800"))
    assert any(value.startswith('reconciler-login="";') and "max-age=0" in value for value in given)


async def test_what_the_id_token_lacks_comes_from_userinfo_of_the_same_person(
    house: House, hostile: HostileIssuer
) -> None:
    hostile.claims = {"groups": None, "email": None, "email_verified": None}
    hostile.userinfo = {"sub": "1234", "email": "ann@example.com", "email_verified": True, "groups": ["viewers"]}
    async with house.client() as client:
        assert (await sign_in(client, hostile)).status_code == 200
        assert (await client.get("/api/v1/me")).json()["roles"] == {"main": "viewer", "side": "viewer"}
    hostile.userinfo["sub"] = "somebody else"
    await refused(house, hostile, "issuer_answer")


@pytest.mark.parametrize("lie", LIES)
async def test_a_lie_is_refused_noted_and_not_repeated(house: House, hostile: HostileIssuer, lie: str) -> None:
    code, told = LIES[lie]
    for name, value in told.items():
        setattr(hostile, name, value)

    await refused(house, hostile, code)


async def refused(house: House, hostile: HostileIssuer, code: str, **more: str) -> None:
    before = await house.store.queries.sessions()
    async with house.client() as client:
        answer = await sign_in(client, hostile, **more)
        assert answer.status_code == 403, answer.text
        assert COOKIE not in client.cookies
        assert (await client.get("/")).status_code == 303
    entry = (await audit(house, "login.refused"))[0]
    assert (entry.detail["code"], entry.detail["origin"]) == (code, "192.0.2.7")
    said = answer.text + json.dumps(dict(entry.detail))
    assert not any(word in said for word in (SECRET, "Bearer", "eyJ"))
    assert await house.store.queries.sessions() == before


@pytest.mark.parametrize(
    ("verified", "said"),
    [
        (None, "an admin must set oidc.name_claim to another claim that people cannot change by themselves"),
        (False, "has not verified your email address: verify it there"),
    ],
)
async def test_who_cannot_verify_an_address_is_told_who_can_help(
    house: House, hostile: HostileIssuer, said: str, *, verified: bool | None
) -> None:
    """Microsoft's issuer never says whether an address is verified."""
    hostile.claims = {"email_verified": verified}
    async with house.client() as client:
        assert said in (await sign_in(client, hostile)).text
    await refused(house, hostile, "email_unverified")


async def test_a_login_comes_back_to_a_page_with_its_filters(house: House, hostile: HostileIssuer) -> None:
    async with house.client() as client:
        sent = await client.get("/audit?subject=plan/plan_1&actor=ann")
        begun = httpx.URL(sent.headers["location"]).params["next"]
        answer = await sign_in(client, hostile, begun)
    assert 'url=/audit?subject=plan/plan_1&amp;actor=ann"' in answer.text


@pytest.mark.parametrize("path", ["/token", "/keys", "/userinfo"])
@pytest.mark.parametrize("lie", ["redirect", "error", "html", "list", "huge", "trickle"])
async def test_an_endpoint_that_misbehaves_is_given_up(
    house: House, hostile: HostileIssuer, path: str, lie: str
) -> None:
    hostile.userinfo = {"sub": "1234"}
    hostile.claims = {"groups": None}
    answers: dict[str, Callable[[], Response]] = {
        "redirect": redirect_elsewhere(hostile),
        "error": lambda: JSONResponse({"error": "x"}, 500),
        "html": lambda: Response("<h1>hello</h1>", media_type="text/html"),
        "list": lambda: JSONResponse([1]),
        "huge": lambda: Response(b'{"x": "' + b"x" * 600_000 + b'"}'),
        "trickle": lambda: Response(b"{", headers={"Content-Length": "1000"}),
    }
    hostile.lies[path] = answers[lie]

    await refused(house, hostile, "issuer_unreachable" if lie == "trickle" else "issuer_answer")
    assert "/elsewhere" not in hostile.asked


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "https://evil.example.net"},
        {"issuer": None},
        {"id_token_signing_alg_values_supported": ["none", "HS256"]},
        {"token_endpoint": "http://evil.example.net/token"},
        {"jwks_uri": "file:///etc/passwd"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"token_endpoint": None},
    ],
)
async def test_a_description_that_is_not_the_issuers_begins_no_attempt(
    house: House, hostile: HostileIssuer, changes: dict[str, Any]
) -> None:
    hostile.discovery = changes
    async with house.client() as client:
        answer = await client.get("/login/oidc")

    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers
    assert hostile.asked == ["/.well-known/openid-configuration"]


@pytest.mark.parametrize(("changes", "status"), [({}, 303), ({"token_endpoint": None}, 403)])
async def test_many_who_sign_in_at_once_have_the_issuer_describe_itself_once(
    house: House, hostile: HostileIssuer, changes: dict[str, Any], status: int
) -> None:
    hostile.discovery = changes
    async with house.client() as client:
        answers = await asyncio.gather(*(client.get("/login/oidc") for _ in range(20)))

    assert {answer.status_code for answer in answers} == {status}
    assert hostile.asked == ["/.well-known/openid-configuration"]


async def test_an_issuer_that_redirects_its_description_is_not_followed(house: House, hostile: HostileIssuer) -> None:
    hostile.lies["/.well-known/openid-configuration"] = lambda: RedirectResponse(f"{hostile.url}/elsewhere")
    async with house.client() as client:
        assert (await client.get("/login/oidc")).status_code == 403
    assert "/elsewhere" not in hostile.asked


async def test_an_answer_of_another_issuer_is_refused(house: House, hostile: HostileIssuer) -> None:
    await refused(house, hostile, "wrong_issuer", iss="https://evil.example.net")
    assert "/token" not in hostile.asked


async def test_an_answer_without_the_issuer_is_refused_where_it_names_itself(
    house: House, hostile: HostileIssuer
) -> None:
    hostile.discovery = {"authorization_response_iss_parameter_supported": True}
    await refused(house, hostile, "wrong_issuer")
    async with house.client() as client:
        assert (await sign_in(client, hostile, iss=hostile.url)).status_code == 200


@pytest.mark.parametrize("how", ["state", "no state", "no code", "no cookie", "old", "two codes", "denied", "tampered"])
async def test_an_answer_that_belongs_to_no_attempt_is_refused(house: House, hostile: HostileIssuer, how: str) -> None:
    async with house.client() as client:
        begun = await client.get("/login/oidc")
        code, state = hostile.authorize(begun.headers["location"])
        asked = [("code", code), ("state", state)]
        match how:
            case "state":
                asked[1] = ("state", "another")
            case "no state":
                del asked[1]
            case "no code":
                del asked[0]
            case "denied":
                asked[0] = ("error", "access_denied")
            case "two codes":
                asked.append(("code", "another"))
            case "no cookie":
                client.cookies.clear()
            case "old":
                house.clock.advance(601)
            case _:
                name, until, *rest = client.cookies["reconciler-login"].split(".")
                client.cookies.clear()
                client.cookies.set("reconciler-login", ".".join([name, str(int(until) + 9999), *rest]))
        answer = await client.get(f"/login/oidc/callback?{urlencode(asked)}")

    assert answer.status_code == 403
    assert "/token" not in hostile.asked
    expected = {"state": "wrong_state", "no state": "wrong_state", "old": "no_attempt"}
    rows = [entry.detail["code"] for entry in await audit(house, "login.refused")]
    assert rows == ([] if how in {"no cookie", "tampered"} else [expected.get(how, "no_code")])


async def test_an_answer_is_good_once(house: House, hostile: HostileIssuer) -> None:
    async with house.client() as client:
        begun = await client.get("/login/oidc")
        kept = client.cookies["reconciler-login"]
        code, state = hostile.authorize(begun.headers["location"])
        assert (await come_back(client, code=code, state=state)).status_code == 200
    async with house.client() as thief:
        thief.cookies.set("reconciler-login", kept)
        assert (await come_back(thief, code=code, state=state)).status_code == 403
    assert hostile.asked.count("/token") == 1
    assert (await audit(house, "login.refused"))[0].detail["code"] == "replayed"


async def test_the_code_of_one_browser_is_worth_nothing_in_another(house: House, hostile: HostileIssuer) -> None:
    async with house.client() as victim, house.client() as thief:
        begun = await victim.get("/login/oidc")
        code, _ = hostile.authorize(begun.headers["location"])
        own = await thief.get("/login/oidc")
        _, state = hostile.authorize(own.headers["location"])
        answer = await come_back(thief, code=code, state=state)

    assert answer.status_code == 403


async def test_a_made_up_key_makes_us_ask_at_most_once_a_minute(house: House, hostile: HostileIssuer) -> None:
    hostile.sign = lambda claims: signed(claims, kid="made-up")
    for _ in range(5):
        await refused(house, hostile, "unknown_key")
    assert hostile.asked.count("/keys") == 1


async def test_nobody_takes_the_name_of_another(house: House, hostile: HostileIssuer) -> None:
    async with house.client() as client:
        assert (await sign_in(client, hostile)).status_code == 200
    hostile.claims = {"sub": "5678"}
    async with house.client() as client:
        answer = await sign_in(client, hostile)
    assert (answer.status_code, "Somebody else has signed in by this name" in answer.text) == (403, True)
    entry = (await audit(house, "login.refused"))[0]
    assert (entry.detail["code"], entry.detail["subject"]) == ("name_taken", "5678")


async def test_a_person_keeps_the_name_of_their_first_login(house: House, hostile: HostileIssuer) -> None:
    async with house.client() as client:
        await sign_in(client, hostile)
        hostile.claims = {"email": "married@example.com"}
        await sign_in(client, hostile)
        assert (await client.get("/api/v1/me")).json()["name"] == "ann@example.com"


async def test_who_loses_all_groups_is_out_everywhere(house: House, hostile: HostileIssuer) -> None:
    async with house.client() as before, house.client() as client:
        await sign_in(before, hostile)
        hostile.claims = {"groups": ["nothing"]}
        assert (await sign_in(client, hostile)).status_code == 403
        assert (await before.get("/api/v1/me")).status_code == 401
    entry = (await audit(house, "login.refused"))[0]
    assert (entry.actor, entry.detail["code"]) == ("ann@example.com", "no_role")


async def test_who_never_began_an_attempt_leaves_no_row_and_locks_out_nobody(
    house: House, hostile: HostileIssuer, caplog: pytest.LogCaptureFixture
) -> None:
    """Anybody can send it, from as many addresses as they like: all of it together is a line a minute."""
    async with house.client() as client:
        for number in range(50):
            client.cookies.set("reconciler-login", f"name{number}.9999999999.Lw==.seal")
            assert (await come_back(client, code="x", state="y")).status_code == 403
        house.clock.advance(61)
        client.cookies.clear()
        assert (await come_back(client, code="x", state="y")).status_code == 403
        assert await audit(house, "login.refused") == []
        assert hostile.asked == []
        assert (await sign_in(client, hostile)).status_code == 200
    lines = [record for record in caplog.records if record.msg == "an answer of the issuer belongs to no attempt"]
    assert [record.__dict__["more"] for record in lines] == [0, 49]


async def test_what_the_issuer_refuses_is_limited_and_then_neither_asked_nor_noted(
    house: House, hostile: HostileIssuer
) -> None:
    hostile.lies["/token"] = lambda: JSONResponse({"error": "invalid_grant"}, 400)
    codes = []
    for _ in range(25):
        async with house.client() as client:
            codes.append((await sign_in(client, hostile)).status_code)
    assert codes == [403] * 20 + [429] * 5
    assert len(await audit(house, "login.refused")) == 20
    assert hostile.asked.count("/token") <= 20
    del hostile.lies["/token"]
    async with house.client("wzr_viewer") as client:
        assert (await client.get("/api/v1/me")).status_code == 200
    async with house.client() as client:
        answer = await client.post("/login", data={"token": "wzr_viewer"}, headers=OWN)
        assert answer.status_code == 303, "a token is not what was guessed"
        assert (await sign_in(client, hostile)).status_code == 429
    house.clock.advance(61)
    async with house.client() as client:
        assert (await sign_in(client, hostile)).status_code == 200


async def test_wrong_tokens_and_strange_answers_lock_out_no_login(house: House, hostile: HostileIssuer) -> None:
    """From the address of a colleague whose login is in order."""
    async with house.client() as client:
        wrong = [(await client.post("/login", data={"token": "x"}, headers=OWN)).status_code for _ in range(25)]
        assert wrong == [401] * 20 + [429] * 5
        for how in ({"code": "x", "state": "another"}, {"state": "y"}, {"code": "x"}):
            for _ in range(10):
                await client.get("/login/oidc")
                assert (await come_back(client, **how)).status_code == 403
        assert (await sign_in(client, hostile)).status_code == 200


async def test_a_begun_attempt_fills_the_log_no_further_than_a_hundred_rows(
    house: House, hostile: HostileIssuer
) -> None:
    async with house.client() as client:
        for _ in range(MAX_ENTRIES + 7):
            await client.get("/login/oidc")
            await come_back(client, code="x", state="another")
    assert len(await all_audit(house, "login.refused")) == MAX_ENTRIES
    await record_omitted(house.engine, at_stop=True)
    (entry,) = await audit(house, "audit.omitted")
    assert (entry.subject, dict(entry.detail["omitted"])) == ("person/nobody", {"login.refused": 7})
    hostile.claims = {"groups": ["nothing"]}
    await refused(house, hostile, "no_role")


async def test_each_whom_the_issuer_knows_has_rows_of_their_own(house: House, hostile: HostileIssuer) -> None:
    hostile.claims = {"groups": ["nothing"]}
    for number in range(MAX_ENTRIES + 3):
        house.clock.advance(1)
        async with house.client() as client:
            assert (await sign_in(client, hostile)).status_code == 403, number
    assert len(await all_audit(house, "login.refused")) == MAX_ENTRIES
    hostile.claims = {"groups": ["nothing"], "sub": "5678"}
    await refused(house, hostile, "no_role")


async def all_audit(house: House, action: str) -> list[AuditEntry]:
    async with house.store.read() as uow:
        return [entry async for entry in uow.audit.entries() if entry.action == action]
