"""Every route with every kind of caller: a route without a row here fails, and so does a row without a route."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import httpx
import pytest
from fastapi import Depends, FastAPI
from fastapi.routing import APIRoute, iter_route_contexts

from reconciler.domain.access import Person, Role
from reconciler.domain.grants import Grant, Grants
from reconciler.engine.access.people import bar
from reconciler.engine.access.sessions import begin_session
from reconciler.engine.context import Actor
from reconciler.web.app import create_app
from reconciler.web.auth import route_policies
from reconciler.web.auth.audit_policies import Audited, Unaudited
from reconciler.web.auth.gate import Public
from reconciler.web.plans.schemas import RejectRequest
from tests.fakes.clock import START
from tests.integration.web.conftest import House

pytestmark = pytest.mark.anyio

FINGERPRINT = "f" * 64
OWN = {"Origin": "http://127.0.0.1:8080"}


@dataclass(frozen=True)
class Row:
    """What the design says of one route.

    Attributes:
        role: What it needs; None where it is open.
        everywhere: Whether it concerns all sources.
        page: Whether who is not signed in is sent to do so.
        form: What a page's form sends, instead of a body.
        each: Whether each item of the body is refused by itself.
        answers: What somebody is answered who may call it.
    """

    role: Role | None
    body: Mapping[str, Any] | None = None
    everywhere: bool = False
    page: bool = False
    form: Mapping[str, str] | None = None
    each: bool = False
    answers: frozenset[int] = frozenset({200, 201, 202, 303, 404, 409})


OK = frozenset({200})
V, O, A, X = Role.VIEWER, Role.OPERATOR, Role.APPROVER, Role.ADMIN  # noqa: E741  the table is read by its columns
TABLE: dict[tuple[str, str], Row] = {
    ("GET", "/api/v1/status"): Row(V),
    ("GET", "/api/v1/me"): Row(V),
    ("GET", "/api/v1/chatbots"): Row(V),
    ("GET", "/api/v1/chatbots/{chatbot_id}"): Row(V),
    ("GET", "/api/v1/chatbots/{chatbot_id}/history"): Row(V),
    ("GET", "/api/v1/plans"): Row(V),
    ("GET", "/api/v1/plans/{plan_id}"): Row(V),
    ("POST", "/api/v1/plans/{plan_id}/approve"): Row(A, {"fingerprint": FINGERPRINT}),
    ("POST", "/api/v1/plans/{plan_id}/reject"): Row(A, {"fingerprint": FINGERPRINT}),
    ("POST", "/api/v1/plans/{plan_id}/withdraw"): Row(A, {"fingerprint": FINGERPRINT}),
    ("POST", "/api/v1/plans/{plan_id}/revoke"): Row(A),
    ("POST", "/api/v1/plans/{plan_id}/apply"): Row(A, {"fingerprint": FINGERPRINT}),
    ("POST", "/api/v1/plans/decide"): Row(
        A, {"decision": "approve", "items": [{"plan_id": "plan_1", "fingerprint": FINGERPRINT}]}, each=True
    ),
    ("GET", "/api/v1/applies/{apply_id}"): Row(V),
    ("GET", "/api/v1/sources"): Row(V),
    ("GET", "/api/v1/sources/{name}"): Row(V),
    ("POST", "/api/v1/sources/{name}/refresh"): Row(O),
    ("POST", "/api/v1/sources/{name}/accept"): Row(A, {"revision": "c" * 40, "reason": "looked at"}),
    ("POST", "/api/v1/sources/{name}/forget"): Row(X, {"reason": "gone"}, everywhere=True),
    ("POST", "/api/v1/tenants/{name}/forget"): Row(X, {"reason": "gone"}, everywhere=True),
    ("POST", "/api/v1/tenants/{name}/shortcut"): Row(X, {"reason": "mended"}, everywhere=True),
    ("POST", "/api/v1/chatbots/{chatbot_id}/forget"): Row(X, {"reason": "gone"}, everywhere=True),
    ("GET", "/api/v1/runs"): Row(V),
    ("GET", "/api/v1/runs/{run_id}"): Row(V),
    ("GET", "/api/v1/suspensions"): Row(V),
    ("POST", "/api/v1/suspend"): Row(O, {"scope": "all", "reason": "freeze"}, everywhere=True),
    ("POST", "/api/v1/resume"): Row(O, {"scope": "all"}, everywhere=True),
    ("GET", "/api/v1/audit"): Row(V, everywhere=True),
    ("GET", "/api/v1/events"): Row(V),
    ("GET", "/api/v1/tokens"): Row(X, everywhere=True),
    ("POST", "/api/v1/tokens"): Row(X, {"name": "made", "role": "viewer"}, everywhere=True),
    ("POST", "/api/v1/tokens/{token_id}/revoke"): Row(X, everywhere=True),
    ("GET", "/api/v1/people"): Row(X, everywhere=True),
    ("POST", "/api/v1/people/{person}/bar"): Row(X, {"reason": "left"}, everywhere=True),
    ("POST", "/api/v1/people/{person}/unbar"): Row(X, {"reason": "back"}, everywhere=True),
    ("GET", "/"): Row(V, page=True),
    ("GET", "/chatbots/{tenant}/{chatbot_id}"): Row(V, page=True),
    ("POST", "/suspend"): Row(O, page=True, everywhere=True, form={"scope": "all", "reason": "freeze"}),
    ("POST", "/resume"): Row(O, page=True, everywhere=True, form={"scope": "all"}),
    ("GET", "/plans/{plan_id}"): Row(V, page=True),
    ("GET", "/plans"): Row(V, page=True),
    ("GET", "/plans/groups/{change}"): Row(V, page=True),
    ("POST", "/plans/{plan_id}/approve"): Row(A, page=True, form={"fingerprint": FINGERPRINT}),
    ("POST", "/plans/{plan_id}/reject"): Row(A, page=True, form={"fingerprint": FINGERPRINT}),
    ("POST", "/plans/{plan_id}/withdraw"): Row(A, page=True, form={"fingerprint": FINGERPRINT}),
    ("POST", "/plans/{plan_id}/revoke"): Row(A, page=True, form={}),
    ("POST", "/plans/{plan_id}/apply"): Row(A, page=True, form={"fingerprint": FINGERPRINT}),
    ("POST", "/plans/decide"): Row(
        A, page=True, form={"decision": "approve", "item": f"plan_1 {FINGERPRINT}"}, each=True
    ),
    ("GET", "/audit"): Row(V, page=True, everywhere=True),
    ("GET", "/settings"): Row(X, page=True, everywhere=True),
    ("GET", "/tokens"): Row(X, page=True, everywhere=True),
    ("POST", "/tokens"): Row(X, page=True, everywhere=True, form={"name": "made", "role": "viewer"}),
    ("POST", "/tokens/{token_id}/revoke"): Row(X, page=True, everywhere=True, form={}),
    ("POST", "/people/{person}/bar"): Row(X, page=True, everywhere=True, form={"reason": "left"}),
    ("POST", "/people/{person}/unbar"): Row(X, page=True, everywhere=True, form={"reason": "back"}),
    ("POST", "/people/{person}/sign-out"): Row(X, page=True, everywhere=True, form={"reason": "lost"}),
    ("POST", "/plans/{plan_id}/link"): Row(V, page=True, form={"lifetime": "1h"}),
    ("GET", "/runs"): Row(V, page=True),
    ("GET", "/runs/{run_id}"): Row(V, page=True),
    ("GET", "/sources"): Row(V, page=True),
    ("POST", "/sources/{name}/refresh"): Row(O, page=True),
    ("POST", "/sources/{name}/accept"): Row(A, page=True, form={"revision": "c" * 40, "reason": "looked at"}),
    ("POST", "/sources/{name}/forget"): Row(X, page=True, everywhere=True, form={"reason": "gone", "confirm": "yes"}),
    ("POST", "/tenants/{name}/forget"): Row(X, page=True, everywhere=True, form={"reason": "gone", "confirm": "yes"}),
    ("POST", "/tenants/{name}/shortcut"): Row(X, page=True, everywhere=True, form={"reason": "mended"}),
    ("POST", "/chatbots/{tenant}/{chatbot_id}/forget"): Row(
        X, page=True, everywhere=True, form={"reason": "gone", "confirm": "yes"}
    ),
    ("POST", "/api/v1/webhooks/{source}"): Row(None, {"ref": "refs/heads/main"}, answers=frozenset({401})),
    ("GET", "/healthz"): Row(None, answers=OK),
    ("GET", "/readyz"): Row(None, answers=OK),
    ("GET", "/metrics"): Row(None, answers=OK),
    ("GET", "/login"): Row(None, answers=OK),
    ("POST", "/login"): Row(None, answers=frozenset({401})),
    ("POST", "/logout"): Row(None, answers=frozenset({303})),
    ("GET", "/login/oidc"): Row(None, answers=frozenset({404})),
    ("GET", "/login/oidc/callback"): Row(None, answers=frozenset({404})),
    ("GET", "/docs"): Row(None, answers=OK),
    ("GET", "/openapi.json"): Row(None, answers=OK),
    ("GET", "/static"): Row(None, answers=OK),
}
PARAMETERS = {
    "name": "main",
    "source": "main",
    "run_id": "run_main",
    "tenant": "acme",
    "chatbot_id": "bot_1",
    "plan_id": "plan_1",
    "apply_id": "apply_1",
    "token_id": "tok_spare",
    "person": "spare",
    "change": "d" * 64,
}


def calls(app: FastAPI) -> set[tuple[str, str]]:
    """Every call that the application has a route for, found without what the application says of them."""
    found = set()
    for context in iter_route_contexts(app.routes):
        methods = (context.methods or set()) - {"HEAD"} if isinstance(context.original_route, APIRoute) else {"GET"}
        found |= {(method, str(context.path)) for method in methods}
    return found


async def test_every_route_has_a_row_and_every_row_a_route(house: House) -> None:
    assert calls(house.app) == set(TABLE)


async def test_a_route_states_its_own_rule(house: House) -> None:
    said = {}
    for context in iter_route_contexts(house.app.routes):
        route = context.original_route
        assert route_policies.policy_of(route) is not None, context.path
        for method in getattr(route, "methods", None) or {"GET"}:
            said[method, str(context.path)] = route_policies.role_of(route)
    assert {call: role for call, role in said.items() if call[0] != "HEAD"} == {
        call: row.role for call, row in TABLE.items()
    }


@pytest.mark.parametrize("way", ["route", "starlette", "mount", "router"])
async def test_an_application_with_a_route_without_a_rule_does_not_start(house: House, way: str) -> None:
    app = create_app(house.engine, settings=house.settings)

    async def nothing() -> None: ...

    match way:
        case "route":
            app.add_api_route("/new", nothing)
        case "starlette":
            app.add_route("/new", nothing)  # type: ignore[arg-type]  # it is never called
        case "mount":
            app.mount("/new", FastAPI())
        case _:
            more = FastAPI().router
            more.add_api_route("/new", nothing)
            app.include_router(more)
    with pytest.raises(RuntimeError, match="no rule"):
        route_policies.check_policies(app.routes)


async def test_two_rules_are_none() -> None:
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)

    async def nothing() -> None: ...

    app.add_api_route("/new", nothing, dependencies=[Depends(Public("one")), Depends(Public("two"))])
    with pytest.raises(RuntimeError, match="/new"):
        route_policies.check_policies(app.routes)


@pytest.mark.parametrize(
    ("method", "declared", "fault"),
    [
        ("POST", (), "do not say what a refusal leaves"),
        ("PUT", (), "do not say what a refusal leaves"),
        ("PATCH", (), "do not say what a refusal leaves"),
        ("DELETE", (), "do not say what a refusal leaves"),
        ("POST", (Unaudited("one"), Unaudited("two")), "do not say what a refusal leaves"),
        ("POST", (Audited("plan.burn", "plan/{plan_id}"), Unaudited("two")), "do not say what a refusal leaves"),
        ("POST", (Audited("plan.burn", "plan/{name}"),), "what neither their path nor their body has"),
        ("POST", (Audited("plan.burn", "plan/{plan_id}", fingerprint=True),), "what neither their path nor"),
    ],
)
async def test_what_may_change_something_says_what_a_refusal_leaves(
    method: str, declared: Sequence[Audited | Unaudited], fault: str
) -> None:
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)

    async def nothing(plan_id: str) -> None: ...

    dependencies = [Depends(Public("for this test")), *map(Depends, declared)]
    app.add_api_route("/plans/{plan_id}/burn", nothing, methods=[method], dependencies=dependencies)
    with pytest.raises(RuntimeError, match=f"{fault}.*: /plans/{{plan_id}}/burn"):
        route_policies.check_policies(app.routes)


@pytest.mark.parametrize(
    ("method", "declared"),
    [
        ("GET", ()),
        ("POST", (Unaudited("nothing changes"),)),
        ("DELETE", (Audited("plan.burn", "plan/{plan_id}"),)),
        ("POST", (Audited("plan.burn", "plan/{plan_id}", fingerprint=True),)),
        ("POST", (Audited("plan.burn", "plan/{comment}"),)),
        ("POST", (Audited("plan.burn", None),)),
    ],
)
async def test_what_is_declared_whole_starts(method: str, declared: Sequence[Audited | Unaudited]) -> None:
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)

    async def nothing(plan_id: str, body: RejectRequest) -> None: ...

    dependencies = [Depends(Public("for this test")), *map(Depends, declared)]
    app.add_api_route("/plans/{plan_id}/burn", nothing, methods=[method], dependencies=dependencies)
    route_policies.check_policies(app.routes)


# the callers: how they come, the role that they have for the source main, and the one for all sources


@dataclass(frozen=True)
class Comer:
    headers: Mapping[str, str]
    main: Role | None
    everywhere: Role | None


GRANTS = Grants(
    tuple(Grant(f"all-{role}", role) for role in Role)
    + tuple(Grant(f"main-{role}", role, ("main",)) for role in Role)
    + tuple(Grant(f"side-{role}", role, ("side",)) for role in Role)
)
GROUPS: dict[tuple[str, ...], tuple[Role | None, Role | None]] = {
    **{(f"all-{role}",): (role, role) for role in Role},
    **{(f"main-{role}",): (role, None) for role in Role},
    **{(f"side-{role}",): (None, None) for role in Role},
    ("all-viewer", "main-approver"): (Role.APPROVER, Role.VIEWER),
    ("all-operator", "side-admin"): (Role.OPERATOR, Role.OPERATOR),
}


async def comers(house: House) -> dict[str, Comer]:
    """Everybody who may come: tokens and logins, with and without what they need."""
    house.app = create_app(replace(house.engine, grants=GRANTS), settings=house.settings)
    house.engine = house.app.state.engine
    await house.add_token("spare", Role.VIEWER)
    await _person(house, "spare", ("all-viewer",))
    return await _good(house) | await _bad(house)


async def _good(house: House) -> dict[str, Comer]:
    found = {}
    for role, where in itertools.product(Role, (None, ("main",), ("side",))):
        name = f"{role}-of-{where[0] if where else 'all'}"
        await house.add_token(name, role, where)
        there = role if where != ("side",) else None
        comer = Comer(_bearer(house.tokens[name]), there, None if where else role)
        found[f"token {name}"] = comer
        found[f"page {name}"] = replace(comer, headers=await _cookie(house, name, f"tok_{name}"))
    for groups, (main, everywhere) in GROUPS.items():
        name = "+".join(groups)
        await _person(house, name, groups)
        found[f"login {name}"] = Comer(await _cookie(house, name), main, everywhere)
    return found


async def _bad(house: House) -> dict[str, Comer]:
    """Who has no role at all, each for another reason."""
    headers: dict[str, Mapping[str, str]] = {"nobody": {}, "wrong token": _bearer("wzr_wrong")}
    ends: dict[str, dict[str, Any]] = {"revoked": {"revoked_at": START}, "expired": {"expires_at": START}}
    for name, change in ends.items():
        token = await house.add_token(name, Role.ADMIN)
        headers[f"page of a token {name}"] = await _cookie(house, name, token.id)
        async with house.store.begin() as uow:
            await uow.tokens.save(replace(token, **change))
        headers[f"{name} token"] = _bearer(house.tokens[name])
    await house.add_token("gone", Role.ADMIN)
    await _person(house, "gone", ("all-admin",))
    headers["login of a barred person"] = await _cookie(house, "gone")
    headers["token of a barred person"] = _bearer(house.tokens["gone"])
    headers["page of a barred person's token"] = await _cookie(house, "gone", "tok_gone")
    await bar(house.engine, Actor("root", Role.ADMIN), "gone", "left")
    await _person(house, "groupless", ("others",))
    headers["login without a grant"] = await _cookie(house, "groupless")
    headers["login of an unknown person"] = await _cookie(house, "unknown")
    headers["page of an unknown token"] = await _cookie(house, "unknown", "tok_unknown")
    headers["ended session"] = await _cookie(house, "all-admin", ended=True)
    headers["expired session"] = await _cookie(house, "all-admin", ttl=timedelta(0))
    headers["wrong cookie"] = {"Cookie": "reconciler=wrong", **OWN}
    headers["wrong token with a good cookie"] = {**await _cookie(house, "all-admin"), **_bearer("wzr_wrong")}
    return {name: Comer(given, None, None) for name, given in headers.items()}


async def _person(house: House, name: str, groups: tuple[str, ...]) -> None:
    async with house.store.begin() as uow:
        await uow.people.add(Person(name=name, issuer="i", subject=name, groups=groups, seen_at=START))


async def _cookie(
    house: House, name: str, token_id: str | None = None, *, ended: bool = False, ttl: timedelta = timedelta(hours=8)
) -> dict[str, str]:
    new = await begin_session(house.engine, Actor(name, Role.VIEWER, token_id), ttl)
    if ended:
        async with house.store.begin() as uow:
            await uow.sessions.save(replace(new.session, ended_at=START))
    return {"Cookie": f"reconciler={new.secret}", **OWN}


def _bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


async def test_a_role_may_do_what_the_table_says_and_no_more(house: House) -> None:
    everybody = await comers(house)
    known = {token.id for token in await house.store.queries.tokens()}
    checked = 0
    async with house.client(app=house.app) as client:
        for (method, path), row in TABLE.items():
            for name, comer in everybody.items():
                url = "/static/page.css" if path == "/static" else path.format(**PARAMETERS)
                kind = {"Content-Type": "application/json"} if method == "POST" and not row.page else {}
                headers = {**comer.headers, **kind}
                answer = await client.request(method, url, headers=headers, json=row.body, data=row.form)
                client.cookies.clear()
                _check(row, comer, answer, f"{name}: {method} {path}")
                checked += 1
                # the limit on guessing is not what is looked at here, and what was made is taken back
                house.clock.advance(0.001)
                house.app.state.gate.failed_tokens._failures.clear()
                if method != "GET":
                    await _take_back(house, known)
    print(f"{len(TABLE)} routes x {len(everybody)} callers: {checked} calls")  # noqa: T201  a figure that is published


async def _take_back(house: House, known: set[str]) -> None:
    """Undo what changes who somebody is."""
    async with house.store.begin() as uow:
        for token in await uow.tokens.all():
            if token.id not in known and token.revoked_at is None:
                await uow.tokens.save(replace(token, revoked_at=START))


def _check(row: Row, comer: Comer, answer: httpx.Response, what: str) -> None:
    code = answer.json()["code"] if "problem" in answer.headers.get("content-type", "") else None
    if row.role is None:
        assert answer.status_code in row.answers, (what, answer.text)
        return
    anywhere = comer.main or comer.everywhere
    role = comer.everywhere if row.everywhere else anywhere
    if anywhere is None and not _is_of_side(what):
        refused = (303, None) if row.page else (401, "unauthorized")
        assert (answer.status_code, code) == refused, what
    elif role is not None and role.includes(row.role):
        assert answer.status_code in row.answers, (what, answer.text)
        assert not answer.headers.get("location", "").startswith("/login"), what
    elif _is_of_side(what) and not row.everywhere:
        # whoever sees only another source learns nothing of this one, whatever their role
        assert answer.status_code in {200, 403, 404}, what
        shown = ('"id":"bot_1"', '"id":"plan_1"', '"id":"run_main"', '"name":"main"', "/plans/plan_1")
        assert answer.status_code != HTTPStatus.OK or not any(each in answer.text for each in shown), what
    elif row.each and row.page and answer.status_code == HTTPStatus.OK:
        assert "Not done:" in answer.text, what
    elif row.each and answer.status_code == HTTPStatus.OK:
        assert [item["problem"]["code"] for item in answer.json()["items"]] == ["forbidden"], what
    else:
        assert (answer.status_code, code) == (403, None if row.page else "forbidden"), (what, answer.text)


def _is_of_side(what: str) -> bool:
    comer = what.partition(":")[0]
    return "side" in comer and "all-" not in comer


async def test_a_refused_person_leaves_a_row_and_a_missing_token_does_not(house: House) -> None:
    async with house.client("wzr_viewer") as client:
        await client.post("/api/v1/plans/plan_1/approve", json={"fingerprint": FINGERPRINT})
        await client.get("/api/v1/audit")
    async with house.client() as client:
        await client.post("/api/v1/plans/plan_1/approve", json={"fingerprint": FINGERPRINT})

    page = await house.store.queries.audit(None, limit=10, cursor=None)
    assert [(entry.action, entry.actor, entry.subject) for entry in page.items] == [
        ("plan.approve.refused", "viewer", "plan/plan_1")
    ]
    assert page.items[0].detail["origin"] == "192.0.2.7"
