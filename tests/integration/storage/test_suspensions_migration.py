"""The upgrade that puts a suspension beside the reason: rows of an older program get their own reason back."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import MetaData

from reconciler.domain.entities import Chatbot, Plan
from reconciler.domain.listing import ChatbotFilter, PlanFilter
from reconciler.domain.status import Reason
from reconciler.storage import schema
from reconciler.storage.dialects import locate
from tests.fakes.clock import FakeClock
from tests.support.store import open_url

pytestmark = pytest.mark.anyio

THEN = datetime(2026, 3, 1, 10, tzinfo=UTC)
STOPPED = "Applies are suspended: resume them to go on. (the source main: freeze)"
GATE = (
    "The plan takes away more than the policy lets pass: approve that, too, with a reason. Because it deletes 3 items."
)
PROTECTED = 'The plan changes or deletes what policy.protected covers: change it. It touches mcpServers "crm".'
UNREADABLE = "The source cannot be read: repair it. the remote is gone."


def add(url: str, **rows: Sequence[dict[str, Any]]) -> None:
    """Write rows, by their table, as the schema stands."""
    parsed, dialect = locate(url)
    engine = dialect.migration_engine(parsed)
    try:
        with engine.begin() as connection:
            tables = MetaData()
            tables.reflect(connection, only=list(rows))
            for name, each in rows.items():
                for row in each:
                    connection.execute(tables.tables[name].insert(), row)
    finally:
        engine.dispose()


def suspension(suspension_id: str, kind: str, subject: str, **changes: Any) -> dict[str, Any]:
    made = {"reason": "freeze", "actor": "ana", "created_at": THEN, "version": 0}
    return {"id": suspension_id, "kind": kind, "subject": subject, **made, **changes}


def source(name: str, state: str = "Ready") -> dict[str, Any]:
    return {"name": name, "tenant": "acme", "url": "https://git.example.com/b.git", "state": state, "version": 0}


def plan(plan_id: str, message: str, **changes: Any) -> dict[str, Any]:
    row = {
        "id": plan_id,
        "tenant": "acme",
        "chatbot_id": plan_id,
        "source": "main",
        "path": "bot.yaml",
        "revision": "a",
        "status": "Pending",
        "reason": "Suspended",
        "message": message,
        "fingerprint": "f",
        "body": {},
        "ops": [],
        "summary": {"create": 0, "update": 0, "delete": 0, "noop": 0},
        "direction": "GitAhead",
        "approvals_required": 1,
        "created_at": THEN,
        "expires_at": THEN,
        "change": "",
        "stored_otherwise": False,
        "version": 0,
    }
    return row | changes


def chatbot(chatbot_id: str, message: str, **changes: Any) -> dict[str, Any]:
    row = {
        "tenant": "acme",
        "id": chatbot_id,
        "source": "main",
        "labels": {},
        "sync": "OutOfSync",
        "direction": "Unknown",
        "reason": "Suspended",
        "message": message,
        "unconverged_ends": 0,
        "epoch": 0,
        "version": 0,
        "search": "",
        "called": "",
    }
    return row | changes


async def upgraded(url: str) -> tuple[dict[str, Chatbot], dict[str, Plan]]:
    async with open_url(url, FakeClock()) as store:
        chatbots = await store.queries.chatbots(ChatbotFilter(), limit=99, cursor=None)
        plans = await store.queries.plans(PlanFilter(), limit=99, cursor=None)
        found = await store.queries.chatbots(ChatbotFilter(reason=Reason.SUSPENDED), limit=99, cursor=None)
    assert {bot.id for bot in found.items} == {bot.id for bot in chatbots.items if bot.suspension_id}
    return {bot.id: bot for bot in chatbots.items}, {plan.id: plan for plan in plans.items}


async def test_an_upgrade_gives_suspended_rows_their_own_reasons_back(empty_url: str) -> None:
    schema.upgrade(empty_url, revision="0013")
    add(
        empty_url,
        sources=[source("main"), source("gone", "Unknown")],
        suspensions=[
            suspension("stop_source", "source", "main"),
            suspension("stop_gone", "source", "gone"),
            suspension("stop_bot", "chatbot", "gate"),
            suspension("stop_over", "all", "", ended_at=THEN),
        ],
        plans=[
            plan("gate", f"{GATE} {STOPPED}", delete_override="it deletes 3 items"),
            plan("protected", f"{PROTECTED} {STOPPED}"),
            plan("approved", STOPPED, status="Approved"),
            plan("sent", "An apply is under way.", status="Applying", reason="Applying"),
            plan("closed", "A newer dry run found something else.", status="Superseded", reason="Superseded"),
        ],
        chatbots=[
            chatbot("gate", f"{GATE} {STOPPED}", plan_id="gate"),
            chatbot("synced", f"The chatbot is as its document says. {STOPPED}", sync="Synced"),
            chatbot("unreadable", f"{UNREADABLE} {STOPPED}", source="gone", sync="Synced"),
            chatbot("rejected", STOPPED, rejected_fingerprint="f"),
            chatbot("held", STOPPED, unconverged_ends=2),
            chatbot("plain", STOPPED),
            chatbot("refused", "WizChat refused the API key.", reason="Unauthorized", sync="Unknown"),
            chatbot("free", "It is unmanaged.", reason="Unmanaged", source=None, sync="Unknown"),
        ],
    )
    bots, plans = await upgraded(empty_url)
    assert {key: (plan.reason, plan.suspension_id) for key, plan in plans.items()} == {
        "gate": (Reason.BLOCKED_BY_DELETE_GATE, "stop_source"),
        "protected": (Reason.PROTECTED, "stop_source"),
        "approved": (Reason.APPROVED, "stop_source"),
        "sent": (Reason.APPLYING, None),
        "closed": (Reason.SUPERSEDED, None),
    }
    assert {key: (bot.reason, bot.suspension_id) for key, bot in bots.items()} == {
        "gate": (Reason.BLOCKED_BY_DELETE_GATE, "stop_source"),
        "synced": (Reason.IN_SYNC, "stop_source"),
        "unreadable": (Reason.SOURCE_UNKNOWN, "stop_gone"),
        "rejected": (Reason.REJECTED, "stop_source"),
        "held": (Reason.NOT_CONVERGED, "stop_source"),
        "plain": (Reason.NOT_CHECKED, "stop_source"),
        "refused": (Reason.UNAUTHORIZED, "stop_source"),
        "free": (Reason.UNMANAGED, None),
    }
    assert (plans["gate"].message, bots["gate"].message, bots["unreadable"].message) == (GATE, GATE, UNREADABLE)
    assert not any("suspended" in each.message or not each.message for each in (*plans.values(), *bots.values()))


@pytest.mark.parametrize(
    ("kinds", "named"),
    [
        ((("chatbot", "bot_1"),), "chatbot"),
        ((("chatbot", "bot_1"), ("source", "main")), "source"),
        ((("tenant", "acme"), ("source", "main")), "tenant"),
        ((("all", ""), ("tenant", "acme")), "all"),
        ((("chatbot", "other"), ("source", "side"), ("tenant", "other")), None),
    ],
)
async def test_an_upgrade_names_the_widest_suspension(
    empty_url: str, kinds: tuple[tuple[str, str], ...], named: str | None
) -> None:
    schema.upgrade(empty_url, revision="0013")
    stops = [suspension(kind, kind, subject) for kind, subject in kinds]
    add(empty_url, suspensions=stops, chatbots=[chatbot("bot_1", STOPPED)])
    bots, _ = await upgraded(empty_url)
    assert bots["bot_1"].suspension_id == named
