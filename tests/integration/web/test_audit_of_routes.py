"""Rule 8: every route that decides leaves a row when it does and when it refuses; a new one without a case fails."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from fastapi.routing import APIRoute, iter_route_contexts

from reconciler.domain.access import Person, Role
from reconciler.domain.audit import AuditEntry
from reconciler.domain.entities import SourceState
from reconciler.domain.tenant import TenantRecord
from reconciler.engine.access.tokens import TOKEN_PREFIX
from reconciler.web.auth.audit_policies import Audited, Unaudited
from reconciler.web.auth.route_policies import all_routes, audit_policy_of
from tests.fakes.clock import START
from tests.integration.web.conftest import REVISION, House
from tests.support.records import a_chatbot, a_source

pytestmark = pytest.mark.anyio

SEEN = {"fingerprint": "f" * 64}
OTHER = {"fingerprint": "0" * 64}
DECIDED: dict[str, Any] = {"decision": "approve", "items": [{"plan_id": "plan_1", **SEEN}]}
UNFIT: dict[str, Any] = {"decision": "approve", "items": [{"plan_id": "plan_1", **OTHER}]}


@dataclass(frozen=True)
class Case:
    """A call that decides.

    Attributes:
        body: What passes.
        action: The row it leaves.
        before: Calls without which it would not pass.
        refused: A body, or a path, that is refused although the role suffices.
        subject: What the rows are about.
        form: What passes, as a page sends it, instead of a body.
        refused_form: The same for what is refused.
        everybody: Whether every role suffices.
        path: What it is about, where that is not what most calls are about.
    """

    action: str
    subject: str
    body: Mapping[str, Any] | None = None
    before: tuple[tuple[str, Mapping[str, Any] | None], ...] = ()
    refused: Mapping[str, Any] | None = None
    refused_path: Mapping[str, str] = field(default_factory=dict)
    fingerprint: bool = False
    form: Mapping[str, str] | None = None
    refused_form: Mapping[str, str] | None = None
    everybody: bool = False
    path: Mapping[str, str] = field(default_factory=dict)

    def sent(self) -> dict[str, Any]:
        """What passes, as a program or a page's form sends it."""
        return {"json": self.body, "data": self.form}

    def refused_subject(self) -> str:
        """What the row of a refusal is about: what the path or the body named."""
        named = {**(self.refused or {}), **(self.refused_form or {}), **self.refused_path}
        if "scope" in named:
            return str(named["scope"])
        kind = self.subject.partition("/")[0]
        name = next((named[key] for key in NAMING if key in named), None)
        return f"{kind}/{name}" if name else self.subject

    def sent_in_vain(self) -> dict[str, Any]:
        """What is refused."""
        return {"json": self.refused, "data": self.refused_form}


API = "/api/v1"
NAMING = ("plan_id", "name", "token_id", "person", "chatbot_id")
GONE = {"reason": "gone for good"}
MENDED = {"reason": "every edit moves it again"}
YES = {**GONE, "confirm": "yes"}
APPROVE = (f"{API}/plans/plan_1/approve", SEEN)
REJECT = (f"{API}/plans/plan_1/reject", SEEN)
CASES: dict[str, Case] = {
    f"{API}/plans/{{plan_id}}/approve": Case("plan.approve", "plan/plan_1", SEEN, refused=OTHER, fingerprint=True),
    f"{API}/plans/{{plan_id}}/reject": Case("plan.reject", "plan/plan_1", SEEN, refused=OTHER, fingerprint=True),
    f"{API}/plans/{{plan_id}}/withdraw": Case(
        "plan.withdraw", "plan/plan_1", SEEN, before=(REJECT,), refused=OTHER, fingerprint=True
    ),
    f"{API}/plans/{{plan_id}}/revoke": Case(
        "plan.revoke", "plan/plan_1", before=(APPROVE,), refused_path={"plan_id": "none"}
    ),
    f"{API}/plans/{{plan_id}}/apply": Case(
        "plan.apply", "plan/plan_1", SEEN, before=(APPROVE,), refused=OTHER, fingerprint=True
    ),
    f"{API}/plans/decide": Case("plan.approve", "plan/plan_1", DECIDED, refused=UNFIT, fingerprint=True),
    f"{API}/sources/{{name}}/refresh": Case("source.refresh", "source/main", refused_path={"name": "none"}),
    f"{API}/sources/{{name}}/accept": Case(
        "source.accept",
        "source/main",
        {"revision": REVISION, "reason": "looked at"},
        refused={"revision": "d" * 40, "reason": "not looked at"},
    ),
    f"{API}/sources/{{name}}/forget": Case(
        "source.forget", "source/gone", GONE, refused_path={"name": "main"}, refused=GONE, path={"name": "gone"}
    ),
    f"{API}/tenants/{{name}}/forget": Case(
        "tenant.forget", "tenant/left", GONE, refused_path={"name": "acme"}, refused=GONE, path={"name": "left"}
    ),
    f"{API}/tenants/{{name}}/shortcut": Case(
        "tenant.shortcut_on",
        "tenant/acme",
        MENDED,
        refused_path={"name": "none"},
        refused=MENDED,
        path={"name": "acme"},
    ),
    f"{API}/chatbots/{{chatbot_id}}/forget": Case(
        "chatbot.forget",
        "chatbot/ghost",
        GONE,
        refused_path={"chatbot_id": "none"},
        refused=GONE,
        path={"chatbot_id": "ghost"},
    ),
    f"{API}/suspend": Case(
        "suspend",
        "source/main",
        {"scope": "source/main", "reason": "freeze"},
        refused={"scope": "source/x", "reason": "x"},
    ),
    f"{API}/resume": Case(
        "resume",
        "source/main",
        {"scope": "source/main"},
        before=((f"{API}/suspend", {"scope": "source/main", "reason": "freeze"}),),
        refused={"scope": "source/none"},
    ),
    f"{API}/tokens": Case(
        "token.create", "token/made", {"name": "made", "role": "viewer"}, refused={"name": "viewer", "role": "viewer"}
    ),
    f"{API}/tokens/{{token_id}}/revoke": Case("token.revoke", "token/spare", refused_path={"token_id": "none"}),
    f"{API}/people/{{person}}/bar": Case(
        "person.bar", "person/spare", {"reason": "left"}, refused_path={"person": "nobody"}, refused={"reason": "left"}
    ),
    f"{API}/people/{{person}}/unbar": Case(
        "person.unbar",
        "person/spare",
        {"reason": "back"},
        before=((f"{API}/people/spare/bar", {"reason": "left"}),),
        refused_path={"person": "nobody"},
        refused={"reason": "back"},
    ),
    "/sources/{name}/refresh": Case("source.refresh", "source/main", refused_path={"name": "none"}),
    "/sources/{name}/accept": Case(
        "source.accept",
        "source/main",
        form={"revision": REVISION, "reason": "looked at"},
        refused_form={"revision": "d" * 40, "reason": "not looked at"},
    ),
    "/sources/{name}/forget": Case(
        "source.forget", "source/gone", form=YES, refused_path={"name": "main"}, refused_form=YES, path={"name": "gone"}
    ),
    "/tenants/{name}/forget": Case(
        "tenant.forget", "tenant/left", form=YES, refused_path={"name": "acme"}, refused_form=YES, path={"name": "left"}
    ),
    "/tenants/{name}/shortcut": Case(
        "tenant.shortcut_on",
        "tenant/acme",
        form=MENDED,
        refused_path={"name": "none"},
        refused_form=MENDED,
        path={"name": "acme"},
    ),
    "/chatbots/{tenant}/{chatbot_id}/forget": Case(
        "chatbot.forget",
        "chatbot/ghost",
        form=YES,
        refused_path={"chatbot_id": "none", "tenant": "acme"},
        refused_form=YES,
        path={"chatbot_id": "ghost", "tenant": "acme"},
    ),
    "/tokens": Case(
        "token.create",
        "token/made",
        form={"name": "made", "role": "viewer"},
        refused_form={"name": "viewer", "role": "viewer"},
    ),
    "/tokens/{token_id}/revoke": Case("token.revoke", "token/spare", refused_path={"token_id": "none"}),
    "/people/{person}/bar": Case(
        "person.bar",
        "person/spare",
        form={"reason": "left"},
        refused_path={"person": "nobody"},
        refused_form={"reason": "left"},
    ),
    "/people/{person}/unbar": Case(
        "person.unbar",
        "person/spare",
        form={"reason": "back"},
        before=((f"{API}/people/spare/bar", {"reason": "left"}),),
        refused_path={"person": "nobody"},
        refused_form={"reason": "back"},
    ),
    "/people/{person}/sign-out": Case(
        "person.sign_out",
        "person/spare",
        form={"reason": "lost"},
        refused_path={"person": "nobody"},
        refused_form={"reason": "lost"},
    ),
    "/plans/{plan_id}/approve": Case("plan.approve", "plan/plan_1", form=SEEN, refused_form=OTHER, fingerprint=True),
    "/plans/{plan_id}/reject": Case("plan.reject", "plan/plan_1", form=SEEN, refused_form=OTHER, fingerprint=True),
    "/plans/{plan_id}/withdraw": Case(
        "plan.withdraw", "plan/plan_1", before=(REJECT,), form=SEEN, refused_form=OTHER, fingerprint=True
    ),
    "/plans/{plan_id}/revoke": Case("plan.revoke", "plan/plan_1", before=(APPROVE,), refused_path={"plan_id": "none"}),
    "/plans/{plan_id}/apply": Case(
        "plan.apply", "plan/plan_1", before=(APPROVE,), form=SEEN, refused_form=OTHER, fingerprint=True
    ),
    "/plans/decide": Case(
        "plan.approve",
        "plan/plan_1",
        form={"decision": "approve", "item": f"plan_1 {SEEN['fingerprint']}"},
        refused_form={"decision": "approve", "item": f"plan_1 {OTHER['fingerprint']}"},
        fingerprint=True,
    ),
    "/suspend": Case(
        "suspend",
        "source/main",
        form={"scope": "source/main", "reason": "freeze"},
        refused_form={"scope": "source/x", "reason": "x"},
    ),
    "/resume": Case(
        "resume",
        "source/main",
        form={"scope": "source/main"},
        before=((f"{API}/suspend", {"scope": "source/main", "reason": "freeze"}),),
        refused_form={"scope": "source/none"},
    ),
    "/plans/{plan_id}/link": Case(
        "plan.link",
        "plan/plan_1",
        form={"lifetime": "1d"},
        refused_path={"plan_id": "none"},
        refused_form={"lifetime": "1d"},
        everybody=True,
    ),
}
ELSEWHERE = {f"{API}/webhooks/{{source}}", "/login", "/logout"}
"""Signed, or without a person yet: their rows are looked at in test_webhooks and test_login."""
PATH = {"plan_id": "plan_1", "name": "main", "token_id": "tok_spare", "person": "spare"}


@pytest.fixture
async def busy(house: House) -> House:
    """A house in which every case may pass: with a source in doubt, a token to spare, and what is gone or off."""
    await house.add_token("spare", Role.VIEWER)
    async with house.store.begin() as uow:
        await uow.sources.add(a_source("gone", state=SourceState.UNKNOWN, cause="NotConfigured"))
        await uow.tenants.add(
            TenantRecord(name="acme", shortcut_off_since=START, shortcut_off_reason="it did not move")
        )
        await uow.chatbots.add(a_chatbot("lost", tenant="left"))
        await uow.chatbots.add(a_chatbot("ghost"))
        await uow.people.add(Person(name="spare", issuer="https://i", subject="1", groups=(), seen_at=START))
    return house


async def _doubt(house: House) -> None:
    async with house.store.begin() as uow:
        source = await uow.sources.get("main")
        assert source is not None
        await uow.sources.save(replace(source, state=SourceState.UNKNOWN, cause="HistoryRewritten"))


async def _rows(house: House, *, after: int = 0) -> list[AuditEntry]:
    async with house.store.read() as uow:
        return [entry async for entry in uow.audit.entries(after=after)]


async def test_every_route_that_writes_has_a_case(house: House) -> None:
    writing = {
        str(context.path)
        for context in iter_route_contexts(house.app.routes)
        if isinstance(context.original_route, APIRoute) and (context.methods or set()) - {"GET", "HEAD"}
    }
    assert writing == set(CASES) | ELSEWHERE


async def test_a_route_declares_the_action_of_the_row_that_it_leaves(house: House) -> None:
    routes = [route for route in all_routes(house.app.routes) if isinstance(route, APIRoute)]
    declared = {route.path: policy.action for route in routes if isinstance(policy := audit_policy_of(route), Audited)}
    assert declared == {path: case.action for path, case in CASES.items()} | {
        # what passes is a decision of its own for each plan
        f"{API}/plans/decide": "plan.decide",
        "/plans/decide": "plan.decide",
    }
    unaudited = {route.path for route in routes if isinstance(audit_policy_of(route), Unaudited)}
    assert unaudited == ELSEWHERE


@pytest.mark.parametrize("path", sorted(CASES))
async def test_what_passes_leaves_a_row(busy: House, path: str) -> None:
    case = CASES[path]
    if path.endswith("/accept"):
        await _doubt(busy)
    async with busy.client("wzr_admin") as client:
        for call, body in case.before:
            assert (await client.post(call, json=body)).is_success
        before = len(await _rows(busy))
        answer = await client.post(path.format(**(PATH | case.path)), **case.sent())
        assert not answer.is_error, answer.text

    (row,) = [row for row in await _rows(busy, after=before) if row.action == case.action]
    assert (row.actor, row.subject, row.detail["origin"]) == ("admin", case.subject, "192.0.2.7")
    assert row.fingerprint == (SEEN["fingerprint"] if case.subject.startswith("plan/") else None)


@pytest.mark.parametrize("path", sorted(path for path in CASES if not CASES[path].everybody))
async def test_a_role_that_does_not_suffice_leaves_a_row(busy: House, path: str) -> None:
    case = CASES[path]
    async with busy.client("wzr_viewer") as client:
        answer = await client.post(path.format(**(PATH | case.path)), **case.sent())

    assert answer.status_code == 403, answer.text
    (row,) = await _rows(busy)
    assert row.actor == "viewer"
    assert row.action.endswith(".refused")
    assert (row.detail["refused"], row.detail["origin"]) == ("Forbidden", "192.0.2.7")
    assert "viewer" in row.detail["message"]


@pytest.mark.parametrize("path", sorted(CASES))
async def test_what_no_longer_fits_leaves_a_row_and_nothing_else(busy: House, path: str) -> None:
    case = CASES[path]
    if path.endswith("/accept"):
        await _doubt(busy)
    async with busy.client("wzr_admin") as client:
        await client.post(path.format(**(PATH | case.path | case.refused_path)), **case.sent_in_vain())

    (row,) = await _rows(busy)
    assert (row.actor, row.action, row.subject) == ("admin", f"{case.action}.refused", case.refused_subject())
    assert row.detail["refused"] in {"Conflict", "NotFound", "NotKept"}
    assert row.fingerprint == (OTHER["fingerprint"] if case.fingerprint else None)


@pytest.mark.parametrize(
    ("path", "form", "action", "subject", "fingerprint"),
    [
        (f"{API}/plans/plan_2/approve", {"json": SEEN}, "plan.approve", "plan/plan_2", SEEN["fingerprint"]),
        ("/plans/plan_2/approve", {"data": SEEN}, "plan.approve", "plan/plan_2", SEEN["fingerprint"]),
        ("/tokens", {"data": {"name": "made", "role": "viewer"}}, "token.create", "token/made", None),
        ("/tokens/spare/revoke", {}, "token.revoke", "token/spare", None),
        ("/people/spare/bar", {"data": {"reason": "left"}}, "person.bar", "person/spare", None),
    ],
)
async def test_what_is_somebody_elses_leaves_one_row_that_says_what_was_named(
    busy: House, path: str, form: dict[str, Any], action: str, subject: str, fingerprint: str | None
) -> None:
    async with busy.client("wzr_main-only") as client:
        assert (await client.post(path, **form)).status_code in {403, 404}

    (row,) = await _rows(busy)
    assert (row.actor, row.action, row.subject) == ("main-only", f"{action}.refused", subject)
    assert row.fingerprint == fingerprint


async def test_reading_and_strangers_and_mistakes_leave_none(busy: House) -> None:
    async with busy.client("wzr_main-only") as client:
        assert (await client.get(f"{API}/audit")).status_code == 403
        assert (await client.get(f"{API}/plans/plan_2")).status_code == 404
        assert (await client.post(f"{API}/plans/plan_1/approve", json={})).status_code == 422
    async with busy.client("wzr_unknown") as client:
        assert (await client.post(f"{API}/plans/plan_1/approve", json=SEEN)).status_code == 401

    assert await _rows(busy) == []


async def test_no_row_holds_a_secret(busy: House) -> None:
    async with busy.client("wzr_admin") as client:
        secret = (await client.post(f"{API}/tokens", json=CASES[f"{API}/tokens"].body)).json()["secret"]
        for path, case in CASES.items():
            await client.post(path.format(**(PATH | case.path)), **case.sent())
    said = repr(await _rows(busy))
    assert secret.startswith("wzr_")
    assert [each for each in (secret, *busy.tokens.values()) if each in said] == []


async def test_the_log_is_found_by_who_what_and_since_when(busy: House) -> None:
    async with busy.client("wzr_approver") as client:
        await client.post(f"{API}/plans/plan_1/approve", json=OTHER)
        await client.post(f"{API}/plans/plan_1/approve", json=SEEN)
    async with busy.client("wzr_viewer") as client:

        async def found(query: str) -> list[str]:
            return [each["action"] for each in (await client.get(f"{API}/audit?{query}")).json()["items"]]

        assert await found("actor=approver&action=plan.approve.") == ["plan.approve.refused"]
        assert await found("action=plan.approve") == ["plan.approved", "plan.approve", "plan.approve.refused"]
        assert await found("action=suspend") == []
        assert await found("after=1") == ["plan.approved", "plan.approve"]
        assert (await client.get(f"{API}/audit?after=-1")).status_code == 422


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/tokens/{}/revoke", None),
        ("/people/{}/bar", {"reason": "it leaked"}),
        ("/plans/{}/revoke", None),
        ("/suspend", {"scope": "all", "reason": "{} leaked"}),
    ],
)
async def test_a_token_in_the_wrong_place_is_neither_noted_nor_logged(
    house: House, caplog: pytest.LogCaptureFixture, path: str, body: dict[str, str] | None
) -> None:
    caplog.set_level("INFO")
    secret = TOKEN_PREFIX + "aZ9kQ2mX7pL4vB8nR3tY6wC1dF5gH0jSqEuI_oA-kPw"
    said = {name: text.format(secret) for name, text in body.items()} if body else None
    async with house.client("wzr_admin") as client:
        await client.post(API + path.format(secret), json=said)

    async with house.store.read() as uow:
        entries = [entry async for entry in uow.audit.entries()]
    assert "[a token of this service]" in f"{entries[-1].subject} {entries[-1].detail}"
    assert secret not in str(entries)
    assert secret not in str([vars(record) for record in caplog.records if record.name.startswith("reconciler")])
