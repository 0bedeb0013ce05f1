"""An upgrade stores the bodies of an older program's documents once, and loses nothing of them."""

import json

import pytest
from sqlalchemy import text

from reconciler.domain.direction import SectionBaseline
from reconciler.storage import schema
from reconciler.storage.dialects import locate
from tests.fakes.clock import FakeClock
from tests.support.records import a_document
from tests.support.store import open_url

pytestmark = pytest.mark.anyio

MANY = 250
"""More than are upgraded at once."""
BODY = {"kind": "ChatbotConfig", "apiVersion": "v1", "spec": {"core": {"name": "\u00fc", "b": 1, "a": [True, None]}}}


def _written(url: str) -> None:
    parsed, dialect = locate(url)
    engine = dialect.migration_engine(parsed)
    document = text(
        "INSERT INTO documents (source, chatbot_id, tenant, path, line, labels, body, digest, refusal) "
        "VALUES ('main', :key, 'acme', 'a.yaml', 1, '{}', :body, :digest, :refusal)"
    )
    baseline = text("INSERT INTO baselines (tenant, chatbot_id, sections) VALUES ('acme', :key, :sections)")
    agreed = {"core": {"items": {"": {"name": "x"}}, "unsettled": [], "unsettled_fields": {}}}
    try:
        with engine.begin() as connection:
            for number in range(MANY):
                key, fine = f"bot_{number:04}", number % 50 != 0
                row = {"key": key, "digest": None, "body": None, "refusal": "DocumentInvalid"}
                fine_row = {
                    "digest": f"{number // 2:064}",
                    "body": json.dumps(BODY | {"n": number // 2}),
                    "refusal": None,
                }
                connection.execute(document, {**row, **(fine_row if fine else {})})
                connection.execute(baseline, {"key": key, "sections": json.dumps(agreed)})
            file = (
                "INSERT INTO parsed_files (source, path, blob_id, program, file) VALUES ('main', 'a', 'b', '0', '{}')"
            )
            connection.execute(text(file))
    finally:
        engine.dispose()


async def test_an_upgrade_keeps_every_body_once(empty_url: str) -> None:
    schema.upgrade(empty_url, revision="0015")
    _written(empty_url)
    async with open_url(empty_url, FakeClock()) as store:
        async with store.read() as uow:
            claims = await uow.documents.of_source("main")
            baselines = await uow.baselines.some("acme", [claim.chatbot_id for claim in claims])
        assert [claim.body for claim in claims] == [
            BODY | {"n": number // 2} if number % 50 else None for number in range(MANY)
        ]
        assert list(claims[1].body or {}) == [*BODY, "n"], "in the order that they had"
        assert baselines == {claim.chatbot_id: {"core": SectionBaseline({"": {"name": "x"}})} for claim in claims}
        assert await store.parse_cache("main").paths() == frozenset()
        async with store.begin() as uow:
            await uow.documents.change("main", [a_document("bot_0001", path="b.yaml")], removed=["bot_0000"])
            assert await uow.documents.count("main") == MANY - 1
