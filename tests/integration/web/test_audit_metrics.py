"""What the metrics tell of the audit log, and the rows that no person asked for."""

import hashlib
import hmac
from dataclasses import replace

import pytest

from reconciler.domain.audit_lines import AuditHead
from reconciler.engine.audit.archive import AuditState
from reconciler.engine.reconcile.schedule import start_up
from reconciler.web.app import create_app
from tests.integration.web.conftest import SECRET, House

pytestmark = pytest.mark.anyio


async def _metrics(house: House, state: AuditState) -> list[str]:
    app = create_app(house.engine, settings=house.settings, audit=state)
    async with house.client(app=app) as client:
        lines = (await client.get("/metrics")).text.splitlines()
    return [line for line in lines if line.startswith("reconciler_audit")]


async def test_the_exported_head_and_the_verdict_are_told_once_they_are_known(house: House) -> None:
    assert await _metrics(house, AuditState()) == []
    assert await _metrics(house, AuditState(AuditHead(1203, "a" * 64), intact=False)) == [
        "reconciler_audit_seq 1203.0",
        'reconciler_audit_head_info{hash="' + "a" * 64 + '",seq="1203"} 1.0',
        "reconciler_audit_intact 0.0",
    ]


async def _said(house: House, action: str) -> list[tuple[str, str]]:
    async with house.store.read() as uow:
        return [(row.actor, row.subject) async for row in uow.audit.entries() if row.action == action]


async def test_a_delivery_that_starts_a_run_leaves_a_row_and_one_that_shares_it_does_not(house: House) -> None:
    body = b'{"ref": "refs/heads/main"}'
    proof = "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    async with house.client() as client:
        for _ in range(3):
            headers = {"X-Hub-Signature-256": proof, "X-GitHub-Event": "push"}
            assert (await client.post("/api/v1/webhooks/main", content=body, headers=headers)).status_code == 202

    assert await _said(house, "source.refresh") == [("webhook/main", "source/main")]


async def test_a_source_that_names_another_repository_leaves_a_row(house: House) -> None:
    await start_up(house.engine, only_process=False)
    assert await _said(house, "source.configure") == []
    moved = replace(house.engine.sources["side"], url="https://git.example.com/other.git")
    await start_up(replace(house.engine, sources={**house.engine.sources, "side": moved}), only_process=False)

    assert await _said(house, "source.configure") == [("reconciler", "source/side")]
