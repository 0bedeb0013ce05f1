"""What is gone for good is forgotten: sources, tenants, and chatbots that never existed."""

from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.domain.access import Role
from reconciler.domain.direction import NO_BASELINE
from reconciler.domain.entities import Chatbot, SourceState
from reconciler.domain.lifecycle import ApplyStatus, PlanStatus
from reconciler.domain.status import Reason, Sync
from reconciler.domain.suspensions import ScopeKind
from reconciler.engine.decide.suspension import suspend
from reconciler.engine.forget import forget_chatbot, forget_source, forget_tenant
from reconciler.engine.reconcile.configured_sources import configure_sources
from reconciler.errors import Conflict, Forbidden, NotFound, TargetUnreachable
from tests.fakes.source import FakeSource
from tests.fakes.target import Effect
from tests.support.defaults import tenant_binding
from tests.support.world import BOT, SOURCE, TENANT, World, document, path_of, spec, world

pytestmark = pytest.mark.anyio

LIVE = {BOT: spec(prompt="old"), "bot_2": spec(), "bot_x": spec("X")}
FILES = {path_of(key): document(spec(), key) for key in (BOT, "bot_2", "bot_ghost")}
OTHER = {"chatbots/x.json": document(spec("X"), "bot_x")}


async def leave(w: World, *left: str) -> None:
    """Start again without these sources."""
    await w.restart({name: binding for name, binding in w.engine.sources.items() if name not in left})


async def known(w: World, chatbot_id: str, tenant: str = TENANT) -> Chatbot | None:
    async with w.store.read() as uow:
        return await uow.chatbots.get(tenant, chatbot_id)


async def test_a_forgotten_source_leaves_its_chatbots_to_nobody(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES, more_sources={"more": FakeSource(OTHER)}) as w:
        plan, admin = await w.open_plan(), await w.person("root", Role.ADMIN)
        await w.approve(plan)
        await suspend(w.engine, admin, ScopeKind.SOURCE, SOURCE, "stop")
        await leave(w, SOURCE)
        forgotten = await forget_source(w.engine, admin, SOURCE, "the team is gone")
        assert (forgotten.subject, forgotten.chatbots) == ("source/bots", (BOT, "bot_2", "bot_ghost"))
        async with w.store.read() as uow:
            assert [record.name for record in await uow.sources.all()] == ["more"]
            assert await uow.documents.of_source(SOURCE) == []
            assert await uow.suspensions.active() == []
        assert (await w.plan(plan.id)).status is PlanStatus.STALE
        await w.refresh(source="more")
        for key in (BOT, "bot_2"):
            chatbot = await w.chatbot(key)
            assert (chatbot.source, chatbot.reason, chatbot.sync) == (None, Reason.UNMANAGED, Sync.UNKNOWN)
        assert await known(w, "bot_ghost") is None
        [said] = [each.detail for each in await w.audit() if each.action == "source.forget"]
        assert (said["reason"], said["forgotten"], said["url"]) == ("the team is gone", 3, "memory:bots")
        assert w.writer.writes == []


async def test_a_forgotten_source_takes_nothing_of_others(tmp_path: Path) -> None:
    heir = FakeSource({**OTHER, path_of(): document(spec(), BOT)})
    async with world(tmp_path, LIVE, FILES, more_sources={"more": heir}) as w:
        await leave(w, SOURCE)
        plan = await w.open_plan()
        forgotten = await forget_source(w.engine, await w.person("root", Role.ADMIN), SOURCE, "gone")
        assert BOT not in forgotten.chatbots
        assert ((await w.chatbot()).source, (await w.plan(plan.id)).status) == ("more", PlanStatus.PENDING)


async def test_only_what_left_the_settings_is_forgotten_and_by_admins_of_everything(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES, more_sources={"more": FakeSource(OTHER)}) as w:
        admin = await w.person("root", Role.ADMIN)
        elsewhere = replace(w.engine, sources={})  # a command whose environment lacks what the service has
        for engine in (w.engine, elsewhere):
            with pytest.raises(Conflict) as refused:
                await forget_source(engine, admin, SOURCE, "x")
            assert refused.value.code == "still_configured"
        with pytest.raises(Conflict) as refused:
            await forget_tenant(replace(elsewhere, tenants={}), admin, TENANT, "x")
        assert refused.value.code == "still_configured"
        with pytest.raises(NotFound):
            await forget_source(w.engine, admin, "none", "x")
        with pytest.raises(NotFound):
            await forget_tenant(w.engine, admin, "none", "x")
        await leave(w, SOURCE)
        for actor in (await w.person("ann"), await w.person("limited", Role.ADMIN, sources=[SOURCE])):
            with pytest.raises(Forbidden):
                await forget_source(w.engine, actor, SOURCE, "x")
            with pytest.raises(Forbidden):
                await forget_tenant(w.engine, actor, TENANT, "x")
            with pytest.raises(Forbidden):
                await forget_chatbot(w.engine, actor, TENANT, "bot_ghost", "x")


async def test_a_token_is_not_good_for_what_has_the_name_of_a_forgotten_source_one_day(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES, more_sources={"more": FakeSource(OTHER)}) as w:
        had, admin = dict(w.engine.sources), await w.person("root", Role.ADMIN)
        await w.person("alone", sources=[SOURCE])
        await w.person("both", sources=[SOURCE, "more"])
        await w.person("other", sources=["more"])
        await leave(w, SOURCE)
        await forget_source(w.engine, admin, SOURCE, "the team is gone")
        await w.restart(had)
        async with w.store.read() as uow:
            tokens = {token.name: token for token in await uow.tokens.all()}
        assert {name: token.sources for name, token in tokens.items() if token.is_valid(w.clock.now())} == {
            "root": None,
            "both": ("more",),
            "other": ("more",),
        }
        assert [each.subject for each in await w.audit() if each.action == "token.revoke"] == ["token/alone"]


async def test_a_source_that_is_configured_again_cannot_be_forgotten_before_it_is_read(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES, more_sources={"more": FakeSource(OTHER)}) as w:
        had, admin = dict(w.engine.sources), await w.person("root", Role.ADMIN)
        await leave(w, SOURCE)
        engine = replace(w.engine, sources=had)
        async with w.store.begin() as uow:  # the start, before the first run
            await configure_sources(engine, uow)
        with pytest.raises(Conflict) as refused:  # by a command whose environment lacks it
            await forget_source(w.engine, admin, SOURCE, "x")
        assert refused.value.code == "still_configured"
        record = await w.source_record()
        assert (record.state, record.cause) == (SourceState.UNKNOWN, "NotReadYet")
        assert "no longer configured" not in (record.message or "") + (await w.chatbot()).message
        await w.restart(had)
        assert (await w.source_record()).state is SourceState.READY


async def test_an_apply_that_has_not_ended_is_waited_for(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES, more_sources={"more": FakeSource(OTHER)}) as w:
        plan = await w.open_plan()
        await w.approve(plan)
        w.writer.lose_answer(Effect.LATE)
        await w.apply(plan)
        await leave(w, SOURCE)
        with pytest.raises(Conflict) as refused:
            await forget_source(w.engine, await w.person("root", Role.ADMIN), SOURCE, "x")
        assert refused.value.code == "apply_in_progress"
        assert (await w.source_record()).name == SOURCE
        w.writer.let_writes_go()


async def test_a_tenant_with_another_name_does_not_double_the_fleet_for_ever(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        plan = await w.open_plan()
        await w.approve(plan)
        w.writer.lose_answer(Effect.NONE)
        apply = await w.apply(plan)
        assert apply.status is ApplyStatus.OUTCOME_UNKNOWN
        admin = await w.person("root", Role.ADMIN)
        await suspend(w.engine, admin, ScopeKind.TENANT, TENANT, "stop")
        moved = {SOURCE: replace(w.engine.sources[SOURCE], tenant="renamed")}
        await w.restart(moved, tenants={"renamed": tenant_binding("renamed", w.target)})
        assert (await known(w, BOT, "renamed")) is not None
        assert (await known(w, BOT)) is not None
        forgotten = await forget_tenant(w.engine, admin, TENANT, "renamed")
        assert set(forgotten.chatbots) == {*LIVE, "bot_ghost"}
        async with w.store.read() as uow:
            assert await uow.chatbots.of_tenant(TENANT) == []
            assert await uow.baselines.get(TENANT, "bot_2") == NO_BASELINE
            assert (await uow.tenants.get(TENANT), await uow.suspensions.active()) == (None, [])
            assert len(await uow.chatbots.of_tenant("renamed")) == len(LIVE) + 1
            assert await uow.applies.unfinished() == []
        ended = await w.apply_of(apply.id)
        assert (ended.status, ended.reason) == (ApplyStatus.FAILED, Reason.UNDETERMINED)
        assert (await w.plan(plan.id)).status is PlanStatus.FAILED
        assert [each.subject for each in await w.audit() if each.action == "tenant.forget"] == ["tenant/acme"]


async def test_a_chatbot_that_never_existed_is_forgotten_when_no_document_states_it(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        admin = await w.person("root", Role.ADMIN)
        assert (await w.chatbot("bot_ghost")).reason is Reason.CHATBOT_MISSING
        with pytest.raises(Conflict) as refused:
            await forget_chatbot(w.engine, admin, TENANT, "bot_ghost", "a typo")
        assert (refused.value.code, path_of("bot_ghost") in str(refused.value)) == ("still_claimed", True)
        w.commit({path_of("bot_ghost"): None})
        await w.refresh()
        assert (await w.chatbot("bot_ghost")).reason is Reason.ORPHANED
        forgotten = await forget_chatbot(w.engine, admin, TENANT, "bot_ghost", "a typo")
        assert forgotten.chatbots == ("bot_ghost",)
        assert await known(w, "bot_ghost") is None
        with pytest.raises(NotFound):
            await forget_chatbot(w.engine, admin, TENANT, "bot_ghost", "a typo")
        with pytest.raises(Conflict) as refused:
            await forget_chatbot(w.engine, admin, TENANT, "bot_x", "it is there")
        assert refused.value.code == "chatbot_exists"
        assert "chatbot.forget" in [each.action for each in await w.audit()]


async def test_a_chatbot_is_not_forgotten_while_wizchat_cannot_be_asked(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        w.commit({path_of("bot_ghost"): None})
        await w.refresh()
        w.target.fail(TargetUnreachable("down"))
        with pytest.raises(Conflict, match="nobody can tell whether WizChat has the chatbot bot_ghost: down"):
            await forget_chatbot(w.engine, await w.person("root", Role.ADMIN), TENANT, "bot_ghost", "x")
        assert await known(w, "bot_ghost") is not None


async def test_a_source_that_comes_back_knows_a_chatbot_again_that_was_forgotten_meanwhile(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES, more_sources={"more": FakeSource(OTHER)}) as w:
        sources, admin = w.engine.sources, await w.person("root", Role.ADMIN)
        await leave(w, SOURCE)
        await forget_chatbot(w.engine, admin, TENANT, "bot_ghost", "a slip")
        assert await known(w, "bot_ghost") is None
        await w.restart(sources)
        chatbot = await w.chatbot("bot_ghost")
        assert (chatbot.source, chatbot.fault) == (SOURCE, Reason.CHATBOT_MISSING)
        assert (await w.chatbot()).source == SOURCE
