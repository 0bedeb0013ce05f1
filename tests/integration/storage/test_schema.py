"""The schema: made by migrations alone, and never touched when it is newer than the program."""

from dataclasses import replace
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from reconciler.domain.listing import ChatbotFilter, ChatbotOrder
from reconciler.domain.names import bounded_name
from reconciler.domain.status import Sync
from reconciler.domain.write_key import WriteKey
from reconciler.errors import StoreError
from reconciler.storage import Store, schema
from reconciler.storage.dialects import locate
from reconciler.storage.tables import metadata
from tests.fakes.clock import FakeClock
from tests.support.store import open_store, open_url, sqlite_url

pytestmark = pytest.mark.anyio


def _execute(url: str, statement: str) -> list[str]:
    parsed, dialect = locate(url)
    engine = dialect.migration_engine(parsed)
    try:
        with engine.begin() as connection:
            result = connection.execute(text(statement))
            return [str(row[0]) for row in result] if result.returns_rows else []
    finally:
        engine.dispose()


def test_migrations_make_exactly_the_tables_of_the_program(empty_url: str) -> None:
    schema.upgrade(empty_url)
    parsed, dialect = locate(empty_url)
    engine = dialect.migration_engine(parsed)
    try:
        with engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            assert compare_metadata(context, metadata) == []
    finally:
        engine.dispose()


def test_the_partial_indexes_are_partial(tmp_path: Path) -> None:
    schema.upgrade(sqlite_url(tmp_path))
    found = _execute(sqlite_url(tmp_path), "SELECT sql FROM sqlite_master WHERE name LIKE 'uq_%_one_%' ORDER BY name")
    assert [definition.partition(" WHERE ")[2] for definition in found] == [
        "status IN ('Applying', 'Approved', 'OutcomeUnknown', 'Pending')",
        "status = 'Queued'",
    ]


def test_an_upgrade_goes_to_the_head_and_may_be_repeated(empty_url: str) -> None:
    assert schema.current(empty_url) is None
    assert schema.upgrade(empty_url) == schema.head() == schema.current(empty_url)
    assert schema.upgrade(empty_url) == schema.head()


def test_asking_for_the_revision_creates_nothing(tmp_path: Path) -> None:
    assert schema.current(sqlite_url(tmp_path)) is None
    assert list(tmp_path.iterdir()) == []


async def test_an_upgrade_keeps_what_an_older_program_wrote(empty_url: str) -> None:
    schema.upgrade(empty_url, revision="0001")
    _execute(
        empty_url,
        "INSERT INTO tokens (id, name, role, hash, created_at, version) "
        "VALUES ('tok_1', 'ana', 'approver', 'h', '2026-03-01 10:00:00', 0)",
    )
    _execute(
        empty_url,
        "INSERT INTO plans (id, tenant, chatbot_id, source, path, revision, status, reason, message, fingerprint, "
        "body, ops, summary, direction, approvals_required, created_at, expires_at, version) VALUES ('plan_1', 'acme', "
        "'bot_1', 'main', 'bot.yaml', 'a', 'Approved', 'Approved', '', 'f', '{}', '[]', "
        '\'{"create": 0, "update": 0, "delete": 0, "noop": 0}\', \'GitAhead\', 1, '
        "'2026-03-01 10:00:00', '2026-03-01 10:00:00', 0)",
    )
    _execute(
        empty_url,
        "INSERT INTO approvals (id, plan_id, fingerprint, actor, token_id, created_at, deletes, version) "
        "VALUES ('approval_1', 'plan_1', 'f', 'ana', 'tok_1', '2026-03-01 10:00:00', false, 0)",
    )
    async with open_url(empty_url, FakeClock()) as store, store.read() as uow:
        (token,) = await uow.tokens.all()
        (approval,) = await uow.approvals.of_plan("plan_1")
    assert (token.person, token.last_used_at) == ("ana", None)
    assert (approval.is_valid, approval.automatic, approval.expires_at) == (True, False, None)


async def test_an_upgrade_knows_the_revision_of_what_is_as_its_document_says(empty_url: str) -> None:
    schema.upgrade(empty_url, revision="0003")
    _execute(
        empty_url,
        "INSERT INTO chatbots (tenant, id, source, labels, sync, direction, reason, message, revision, synced_at, "
        "epoch, version, search, called) VALUES "
        "('acme', 'in', 'main', '{}', 'Synced', 'InSync', 'InSync', '', 'r1', '2026-03-01 10:00:00', 0, 0, '', ''), "
        "('acme', 'out', 'main', '{}', 'OutOfSync', 'GitAhead', 'AwaitingApproval', '', 'r2', "
        "'2026-03-01 10:00:00', 0, 0, '', '')",
    )
    async with open_url(empty_url, FakeClock()) as store:
        page = await store.queries.chatbots(ChatbotFilter(), limit=9, cursor=None, order=ChatbotOrder.NAME)
    assert {bot.id: bot.synced_revision for bot in page.items} == {"in": "r1", "out": None}


async def test_an_upgrade_begins_the_history_of_what_is_out_of_sync(empty_url: str) -> None:
    schema.upgrade(empty_url, revision="0002")
    _execute(
        empty_url,
        "INSERT INTO chatbots (tenant, id, name, source, labels, sync, direction, reason, message, checked_at, "
        "synced_at, epoch, version, search) VALUES "
        "('acme', 'bot_1', 'ÄRA', 'main', '{}', 'OutOfSync', 'GitAhead', 'AwaitingApproval', '', "
        "'2026-03-01 11:00:00', '2026-03-01 10:00:00', 0, 0, ''), "
        "('acme', 'bot_2', NULL, 'main', '{}', 'OutOfSync', 'GitAhead', 'AwaitingApproval', '', "
        "'2026-03-01 11:00:00', NULL, 0, 0, ''), "
        "('acme', 'Bot_3', NULL, 'main', '{}', 'Synced', 'InSync', 'InSync', '', "
        "'2026-03-01 11:00:00', '2026-03-01 10:00:00', 0, 0, '')",
    )
    async with open_url(empty_url, FakeClock()) as store:
        page = await store.queries.chatbots(ChatbotFilter(), limit=9, cursor=None, order=ChatbotOrder.DRIFTED)
        told = [await store.queries.transitions_of("acme", bot.id, limit=9) for bot in page.items]
        by_name = await store.queries.chatbots(ChatbotFilter(), limit=9, cursor=None, order=ChatbotOrder.NAME)
    assert [(bot.id, bot.drifted_at and bot.drifted_at.hour) for bot in page.items] == [
        ("bot_1", 10),
        ("bot_2", 11),
        ("Bot_3", None),
    ]
    assert [[(one.at, one.sync_before, one.sync) for one in each] for each in told] == [
        [(page.items[0].drifted_at, None, Sync.OUT_OF_SYNC)],
        [(page.items[1].drifted_at, None, Sync.OUT_OF_SYNC)],
        [],
    ]
    assert [bot.id for bot in by_name.items] == ["bot_2", "Bot_3", "bot_1"]


async def test_an_upgrade_claims_no_comparison_and_no_tenant(empty_url: str) -> None:
    schema.upgrade(empty_url, revision="0003")
    _execute(
        empty_url,
        "INSERT INTO sources (name, tenant, url, state, good_revision, drift_checked_at, version) "
        "VALUES ('main', 'acme', 'https://git.example.com/b.git', 'Ready', 'a', '2026-03-01 10:00:00', 0)",
    )
    _execute(
        empty_url,
        'INSERT INTO runs (id, source, trigger, "full", status, created_at, counts, diagnostics, version) VALUES '
        "('run_1', 'main', 'manual', true, 'Succeeded', '2026-03-01 10:00:00', '{\"documents\": 3}', '[]', 0)",
    )
    async with open_url(empty_url, FakeClock()) as store, store.read() as uow:
        source, run = await uow.sources.get("main"), await uow.runs.get("run_1")
        assert await uow.tenants.all() == []
    assert source is not None
    assert source.drift_checked_at is not None
    assert source.compared_at is None
    assert run is not None
    assert (run.counts.documents, run.counts.uncompared, run.uncompared) == (3, 0, ())


async def test_an_upgrade_knows_nothing_of_write_keys(empty_url: str) -> None:
    schema.upgrade(empty_url, revision="0006")
    _execute(empty_url, "INSERT INTO tenants (name, state, cause, version) VALUES ('acme', 'Unreachable', 'no', 3)")
    async with open_url(empty_url, FakeClock()) as store, store.begin() as uow:
        (tenant,) = await uow.tenants.all()
        assert (tenant.cause, tenant.write_key) == ("no", None)
        await uow.tenants.save(replace(tenant, write_key=WriteKey(key_id="key_1")))


async def test_an_upgrade_cuts_names_that_no_cursor_holds(empty_url: str) -> None:
    schema.upgrade(empty_url, revision="0003")
    for chatbot_id, name in (("b2", "ÄB" * 600), ("b1", "ÄB" * 600 + "c"), ("b0", "ÄB" * 50), ("a0", None)):
        stated = "NULL" if name is None else f"'{name}'"
        columns = "tenant, id, name, source, labels, sync, direction, reason, message, epoch, version, search, called"
        values = f"'acme', '{chatbot_id}', {stated}, 'main', '{{}}', 'Synced', 'InSync', 'InSync', '', 0, 0, '', "
        called = (name or chatbot_id).casefold()
        _execute(empty_url, f"INSERT INTO chatbots ({columns}) VALUES ({values}'{called}')")  # noqa: S608  all constants
    async with open_url(empty_url, FakeClock()) as store:
        ids, cursor = list[str](), None
        while len(ids) < 9:
            page = await store.queries.chatbots(ChatbotFilter(), limit=1, cursor=cursor, order=ChatbotOrder.NAME)
            ids += [bot.id for bot in page.items]
            cursor = page.next_cursor
            if cursor is None:
                break
        async with store.read() as uow:
            kept = {bot.id: bot.name for bot in await uow.chatbots.of_tenant("acme")}
    assert ids == ["a0", "b0", "b1", "b2"]
    assert kept == {"a0": None, "b0": "ÄB" * 50, "b1": bounded_name("ÄB" * 600 + "c"), "b2": bounded_name("ÄB" * 600)}


async def test_an_upgrade_knows_no_revision_that_an_older_run_saw(empty_url: str) -> None:
    schema.upgrade(empty_url, revision="0012")
    _execute(
        empty_url,
        'INSERT INTO runs (id, source, trigger, "full", status, created_at, revision, counts, diagnostics, version) '
        "VALUES ('run_1', 'main', 'manual', true, 'Succeeded', '2026-03-01 10:00:00', 'a', '{}', '[]', 4)",
    )
    async with open_url(empty_url, FakeClock()) as store:
        async with store.begin() as uow:
            run = await uow.runs.get("run_1")
            assert run is not None
            assert (run.revision, run.seen_revision) == ("a", None)
            await uow.runs.save(replace(run, seen_revision="b"))
        async with store.read() as uow:
            kept = await uow.runs.get("run_1")
    assert kept is not None
    assert (kept.revision, kept.seen_revision) == ("a", "b")


async def test_an_upgrade_knows_what_was_not_compared_yet(empty_url: str) -> None:
    schema.upgrade(empty_url, revision="0017")
    _execute(
        empty_url,
        "INSERT INTO chatbots (tenant, id, source, labels, sync, direction, reason, message, checked_digest, "
        "live_updated_at, unconverged_ends, epoch, version, search, called) VALUES ('acme', 'same', 'main', '{}', "
        "'Synced', 'InSync', 'InSync', '', 'd1', '2026-03-01 10:00:00', 0, 0, 4, '', ''), "
        "('acme', 'other', 'main', '{}', 'Synced', 'InSync', 'InSync', '', 'd0', NULL, 0, 0, 4, '', '')",
    )
    _execute(
        empty_url,
        "INSERT INTO documents (source, chatbot_id, tenant, path, line, labels, digest, unsettled) VALUES "
        "('main', 'same', 'acme', 'a.yaml', 1, '{}', 'd1', false), "
        "('main', 'other', 'acme', 'b.yaml', 1, '{}', 'd1', false)",
    )
    _execute(empty_url, "INSERT INTO tenants (name, state, cause, version) VALUES ('acme', 'Ready', NULL, 3)")
    async with open_url(empty_url, FakeClock()) as store, store.read() as uow:
        kept = await uow.chatbots.some("acme", ["same", "other"])
        tenant = await uow.tenants.get("acme")
    assert {key: bot.checked_digest for key, bot in kept.items()} == {"same": "d1", "other": None}
    # so that the first list has all of them compared once
    told = {(bot.compared_updated_at, bot.checked_by, bot.result_digest) for bot in kept.values()}
    assert told == {(None, None, None)}
    assert tenant is not None
    assert (tenant.shortcut_off_since, tenant.shortcut_off_reason) == (None, None)


async def test_an_upgrade_knows_no_answer(empty_url: str) -> None:
    schema.upgrade(empty_url, revision="0018")
    _execute(
        empty_url,
        "INSERT INTO chatbots (tenant, id, source, labels, sync, direction, reason, message, checked_digest, "
        "result_digest, result_version, unconverged_ends, epoch, version, search, called) VALUES ('acme', 'same', "
        "'main', '{}', 'Synced', 'InSync', 'InSync', '', 'd1', 'r1', 4, 0, 0, 4, '', '')",
    )
    async with open_url(empty_url, FakeClock()) as store, store.read() as uow:
        kept = await uow.chatbots.get("acme", "same")
    assert kept is not None
    assert (kept.result_digest, kept.result_version, kept.answer_digest) == ("r1", 4, None)


async def test_opening_a_store_upgrades_it(empty_url: str) -> None:
    store = await Store.open(empty_url, FakeClock())
    await store.close()
    assert schema.current(empty_url) == schema.head()


async def test_a_database_newer_than_the_program_is_refused_and_left_alone(empty_url: str) -> None:
    schema.upgrade(empty_url)
    _execute(empty_url, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match=f"at revision 9999, .* up to {schema.head()}: run the newer program"):
        await Store.open(empty_url, FakeClock())
    with pytest.raises(StoreError, match="9999"):
        schema.upgrade(empty_url)
    assert schema.current(empty_url) == "9999"


async def test_a_database_in_use_is_not_upgraded(tmp_path: Path) -> None:
    async with open_store(tmp_path, FakeClock()):
        with pytest.raises(StoreError, match="in use by another process"):
            schema.upgrade(sqlite_url(tmp_path))


def test_a_migration_that_fails_changes_nothing(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path)
    _execute(url, "CREATE TABLE tokens (id INTEGER)")
    with pytest.raises(StoreError, match="already exists"):
        schema.upgrade(url)
    assert _execute(url, "SELECT name FROM sqlite_master WHERE type = 'table'") == ["tokens"]


async def test_a_plan_of_an_older_program_has_only_its_deletes_counted(empty_url: str) -> None:
    schema.upgrade(empty_url, revision="0004")
    _execute(
        empty_url,
        "INSERT INTO plans (id, tenant, chatbot_id, source, path, revision, status, reason, message, fingerprint, "
        "body, ops, summary, direction, approvals_required, created_at, expires_at, change, version) VALUES ('plan_1', "
        "'acme', 'bot_1', 'main', 'bot.yaml', 'a', 'Applied', 'Applied', '', 'f', '{}', '[]', "
        '\'{"create": 0, "update": 1, "delete": 3, "noop": 0}\', \'GitAhead\', 1, '
        "'2026-03-01 10:00:00', '2026-03-01 10:00:00', '', 0)",
    )
    async with open_url(empty_url, FakeClock()) as store, store.read() as uow:
        plan = await uow.plans.get("plan_1")
        (stake,) = await uow.plans.stakes("main", "a")
    assert plan is not None
    assert (plan.losses, stake.losses) == (None, 3)
