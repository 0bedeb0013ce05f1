"""Every route against every role: a route without a rule fails here."""

from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute

from reconciler.domain.records import Role
from reconciler.web.app import ROUTERS
from reconciler.web.reference import role_of
from tests.integration.web.conftest import House

pytestmark = pytest.mark.anyio

ROUTES = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
OPEN = {"healthz", "readyz", "metrics", "webhook"}
"""What needs no token; the webhook is signed instead."""

RULES: dict[str, Role] = {
    "status": Role.VIEWER,
    "source_list": Role.VIEWER,
    "source_get": Role.VIEWER,
    "source_refresh": Role.OPERATOR,
    "source_accept": Role.APPROVER,
    "run_list": Role.VIEWER,
    "run_get": Role.VIEWER,
    "chatbot_list": Role.VIEWER,
    "chatbot_get": Role.VIEWER,
    "chatbot_history": Role.VIEWER,
    "plan_list": Role.VIEWER,
    "plan_get": Role.VIEWER,
    "plan_approve": Role.APPROVER,
    "plan_reject": Role.APPROVER,
    "plan_revoke": Role.APPROVER,
    "plan_apply": Role.APPROVER,
    "plan_decide": Role.APPROVER,
    "apply_get": Role.VIEWER,
    "suspension_list": Role.VIEWER,
    "suspend": Role.OPERATOR,
    "resume": Role.OPERATOR,
    "audit_list": Role.VIEWER,
}

BODIES: dict[str, dict[str, Any]] = {
    "source_accept": {"revision": "c" * 40, "reason": "looked at"},
    "plan_approve": {"fingerprint": "f" * 64},
    "plan_reject": {"fingerprint": "f" * 64},
    "plan_apply": {"fingerprint": "f" * 64},
    "plan_decide": {"decision": "approve", "items": [{"plan_id": "plan_1", "fingerprint": "f" * 64}]},
    "suspend": {"scope": "all", "reason": "freeze"},
    "resume": {"scope": "all"},
}
PARAMETERS = {"name": "main", "run_id": "run_main", "chatbot_id": "bot_1", "plan_id": "plan_1", "apply_id": "apply_1"}


def test_every_route_has_the_rule_of_the_design() -> None:
    found = {route.name: role_of(route) for route in ROUTES if route.name not in OPEN}

    assert found == RULES


@pytest.mark.parametrize("role", [None, "wrong", *Role])
async def test_a_role_may_do_what_the_rules_say_and_no_more(house: House, role: str | None) -> None:
    token = house.tokens.get(role or "", "wzr_wrong") if role else None
    async with house.client(token) as client:
        for route in (route for route in ROUTES if route.name not in OPEN):
            (method,) = route.methods or set()
            answer = await client.request(method, route.path.format(**PARAMETERS), json=BODIES.get(route.name))
            _check(route.name, role, answer)
            # the limit on guessing is not what is looked at here
            house.clock.advance(60)


def _check(name: str, role: str | None, answer: httpx.Response) -> None:
    if role is None or role == "wrong":
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized"), name
        assert answer.headers["www-authenticate"].startswith("Bearer")
    elif not Role(role).includes(RULES[name]):
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), name
    else:
        assert answer.status_code in {200, 202, 404, 409}, name


async def test_a_refused_person_leaves_a_row_and_a_missing_token_does_not(house: House) -> None:
    async with house.client("wzr_viewer") as client:
        await client.post("/api/v1/plans/plan_1/approve", json=BODIES["plan_approve"])
        await client.get("/api/v1/audit")
    async with house.client() as client:
        await client.post("/api/v1/plans/plan_1/approve", json=BODIES["plan_approve"])

    page = await house.store.queries.audit(None, limit=10, cursor=None)
    assert [(entry.action, entry.actor, entry.subject) for entry in page.items] == [
        ("plan.approve.refused", "viewer", "plan/plan_1")
    ]
    assert page.items[0].detail["origin"] == "192.0.2.7"
