"""Chatbots that several sources of a tenant claim: who has one keeps it until they let go."""

from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.domain.access import Role
from reconciler.domain.diagnostics import Severity
from reconciler.domain.entities import Run, RunStatus
from reconciler.domain.lifecycle import ApplyStatus, PlanStatus
from reconciler.domain.status import Reason, Sync
from reconciler.domain.suspensions import ScopeKind
from reconciler.engine.decide.acceptance import accept_revision
from reconciler.engine.decide.suspension import suspend
from reconciler.errors import SourceCause
from tests.fakes.source import FakeSource
from tests.support.world import BOT, SOURCE, document, path_of, push, spec, world

pytestmark = pytest.mark.anyio

NEW = "newcomer"
OWN = {"chatbots/own.json": document(spec(), "bot_own")}
THEIRS = "chatbots/theirs.json"
LIVE = {BOT: spec(prompt="old"), "bot_2": spec(), "bot_own": spec(), "bot_z": spec()}
FILES = {path_of(): document(spec()), path_of("bot_2"): document(spec(), "bot_2")}
CLAIM = {THEIRS: document(spec(prompt="mine"), BOT)}


def contests_in(run: Run) -> list[str]:
    return [each.message for each in run.diagnostics if "claimed twice" in each.message]


async def test_a_claim_takes_nothing_from_the_source_that_has_the_chatbot(tmp_path: Path) -> None:
    newcomer = FakeSource(OWN)
    async with world(tmp_path, LIVE, FILES, more_sources={NEW: newcomer}) as w:
        plan = await w.open_plan()
        await w.approve(plan)
        before = await w.chatbot()
        push(newcomer, CLAIM)
        run = await w.refresh(source=NEW)
        assert await w.chatbot() == before
        assert (await w.plan(plan.id)).status is PlanStatus.APPROVED
        assert (await w.refresh()).diagnostics == ()
        assert run.status is RunStatus.SUCCEEDED
        (found,) = run.diagnostics
        assert (found.path, found.severity) == (THEIRS, "error")
        assert (await w.chatbot("bot_own")).reason is Reason.IN_SYNC
        assert (await w.apply(plan)).status is ApplyStatus.APPLIED


async def test_what_is_told_of_it_names_the_other_source_only_to_who_may_see_it(tmp_path: Path) -> None:
    newcomer = FakeSource({**OWN, **CLAIM})
    async with world(tmp_path, LIVE, FILES, more_sources={NEW: newcomer}) as w:
        run = await w.refresh(source=NEW)
        limited = await w.person("limited", Role.VIEWER, sources=[NEW])
        both = await w.person("both", Role.VIEWER)
        (told,) = run.seen_by(limited.sees).diagnostics
        assert "another source" in told.message
        assert not [word for word in (f"source {SOURCE}", path_of()) if word in str(told)]
        assert told.rival is None
        (named,) = run.seen_by(both.sees).diagnostics
        assert f"the source {SOURCE} had it first" in named.message
        assert path_of() not in named.message


@pytest.mark.parametrize("lets_go", ["removed", "moved away"])
async def test_when_the_holder_lets_go_the_newcomer_has_it_without_a_commit_of_its_own(
    tmp_path: Path, lets_go: str
) -> None:
    newcomer = FakeSource({**OWN, **CLAIM})
    async with world(tmp_path, LIVE, FILES, more_sources={NEW: newcomer}) as w:
        plan = await w.open_plan()
        await w.approve(plan)
        revision = newcomer.tip
        gone = {path_of(): None if lets_go == "removed" else document(spec(), "bot_z")}
        w.commit(gone)
        await w.refresh(full=False)
        run = await w.refresh(source=NEW, full=False)
        chatbot = await w.chatbot()
        assert (chatbot.source, chatbot.path, chatbot.revision) == (NEW, THEIRS, revision)
        assert contests_in(run) == []
        old = await w.plan(plan.id)
        assert old.status is PlanStatus.STALE
        new = await w.open_plan()
        assert (new.source, new.status, new.id != plan.id) == (NEW, PlanStatus.PENDING, True)
        # to the newcomer: where it was read first, it had the chatbot until the holder was read
        moves = [entry for entry in await w.audit() if entry.action == "chatbot.move" and entry.detail["to"] == NEW]
        assert [entry.subject for entry in moves] == [f"chatbot/{BOT}"]
        assert chatbot.synced_at is None


async def test_of_several_that_wait_the_one_named_first_in_the_settings_has_it(tmp_path: Path) -> None:
    more = {name: FakeSource({f"chatbots/{name}.json": document(spec(), BOT)}) for name in ("zeta", "alpha")}
    async with world(tmp_path, LIVE, FILES, more_sources=more) as w:
        w.commit({path_of(): None})
        await w.refresh()
        assert (await w.chatbot()).source == "zeta"
        await w.refresh(source="alpha")
        assert (await w.chatbot()).source == "zeta"


@pytest.mark.parametrize("state", ["unknown", "suspended"])
async def test_a_holder_that_cannot_be_read_or_is_suspended_holds_on(tmp_path: Path, state: str) -> None:
    newcomer = FakeSource(OWN)
    async with world(tmp_path, LIVE, FILES, more_sources={NEW: newcomer}) as w:
        plan = await w.open_plan()
        if state == "unknown":
            w.source.fail(SourceCause.UNREACHABLE)
            await w.refresh()
        else:
            await suspend(w.engine, await w.person("op", Role.OPERATOR), ScopeKind.SOURCE, SOURCE, "stop")
        push(newcomer, CLAIM)
        assert len(contests_in(await w.refresh(source=NEW))) == 1
        await w.restart()
        assert ((await w.chatbot()).source, (await w.chatbot()).plan_id) == (SOURCE, plan.id)


async def test_a_revision_of_the_holder_that_is_not_trusted_lets_nothing_go(tmp_path: Path) -> None:
    newcomer = FakeSource({**OWN, **CLAIM})
    async with world(tmp_path, LIVE, FILES, more_sources={NEW: newcomer}) as w:
        head = w.source.force_push({path_of("bot_2"): document(spec(), "bot_2")})
        await w.refresh()
        await w.refresh(source=NEW)
        assert (await w.chatbot()).source == SOURCE
        accepted = await accept_revision(w.engine, await w.person(), SOURCE, head, "on purpose")
        await w.idle()
        assert (await w.chatbot()).source == NEW
        assert accepted.orphaned == (BOT,)


async def test_to_give_up_a_claim_that_did_not_stand_changes_nothing_for_the_holder(tmp_path: Path) -> None:
    newcomer = FakeSource({**OWN, **CLAIM, "chatbots/third.json": document(spec(), "bot_z")})
    async with world(tmp_path, LIVE, FILES, more_sources={NEW: newcomer}) as w:
        before = await w.chatbot()
        head = newcomer.force_push(OWN)
        await w.refresh(source=NEW)
        accepted = await accept_revision(w.engine, await w.person(), NEW, head, "tidied up")
        await w.idle()
        assert accepted.orphaned == ("bot_z",)
        assert replace(await w.chatbot(), checked_at=None, version=0) == replace(before, checked_at=None, version=0)


async def test_a_claim_that_the_settings_refuse_neither_takes_nor_holds_a_chatbot(tmp_path: Path) -> None:
    limited = FakeSource({**OWN, **CLAIM, "chatbots/z.json": document(spec(), "bot_z")}, allowed=["bot_own"])
    late = FakeSource({"chatbots/late.json": document(spec(), "bot_late")})
    async with world(tmp_path, {**LIVE, "bot_late": spec()}, FILES, more_sources={NEW: limited, "late": late}) as w:
        run = await w.refresh(source=NEW)
        assert (await w.chatbot()).source == SOURCE
        assert contests_in(run) == []
        assert (await w.chatbot("bot_z")).reason is Reason.CLAIM_REFUSED
        push(late, {"chatbots/z.json": document(spec(), "bot_z")})
        await w.refresh(source="late")
        assert ((await w.chatbot("bot_z")).source, (await w.chatbot("bot_z")).sync) == ("late", Sync.SYNCED)


async def test_a_limit_that_matches_nothing_is_told_by_every_run_until_it_does(tmp_path: Path) -> None:
    limited = FakeSource(OWN, allowed=["bot_own", "bot_zz*"])
    async with world(tmp_path, LIVE, FILES, more_sources={NEW: limited}) as w:
        for full in (True, False):
            run = await w.refresh(source=NEW, full=full)
            assert run.status is RunStatus.SUCCEEDED
            [found] = run.diagnostics
            assert (found.severity, found.path, '"bot_zz*"' in found.message) == (Severity.WARNING, None, True)
        push(limited, {"chatbots/z.json": document(spec(), "bot_zz1")})
        assert (await w.refresh(source=NEW)).diagnostics == ()


@pytest.mark.parametrize("slow", [SOURCE, NEW])
async def test_at_the_first_start_the_source_named_first_has_it_whichever_is_read_first(
    tmp_path: Path, slow: str
) -> None:
    first, second = FakeSource(FILES), FakeSource({**OWN, **CLAIM})
    for name, source in ((SOURCE, first), (NEW, second)):
        if name == slow:
            source.fail(SourceCause.UNREACHABLE)
    async with world(tmp_path, LIVE, {}, source=first, more_sources={NEW: second}) as w:
        assert (await w.chatbot()).source == (NEW if slow == SOURCE else SOURCE)
        first.recover()
        second.recover()
        runs = {name: await w.refresh(source=name) for name in (SOURCE, NEW)}
        chatbot = await w.chatbot()
        assert (chatbot.source, chatbot.path) == (SOURCE, path_of())
        assert (await w.open_plan()).source == SOURCE
        assert [len(contests_in(runs[name])) for name in (SOURCE, NEW)] == [0, 1]


async def test_what_people_decided_meanwhile_is_not_taken_by_a_source_that_is_read_late(tmp_path: Path) -> None:
    late = FakeSource(FILES)
    late.fail(SourceCause.UNREACHABLE)
    async with world(tmp_path, LIVE, {}, source=late, more_sources={NEW: FakeSource({**OWN, **CLAIM})}) as w:
        plan = await w.open_plan()
        await w.approve(plan)
        late.recover()
        assert len(contests_in(await w.refresh())) == 1
        assert ((await w.chatbot()).source, (await w.plan(plan.id)).status) == (NEW, PlanStatus.APPROVED)


async def test_a_source_that_is_added_later_takes_nothing_wherever_it_is_named(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        plan = await w.open_plan()
        w.clock.advance(3600)
        binding = replace(w.engine.sources[SOURCE], name=NEW, url="memory:new", port=FakeSource({**OWN, **CLAIM}))
        await w.restart({NEW: binding, **w.engine.sources})
        assert ((await w.chatbot()).source, (await w.chatbot()).plan_id) == (SOURCE, plan.id)


async def test_a_holder_that_is_no_longer_configured_holds_nothing(tmp_path: Path) -> None:
    more = {name: FakeSource({f"chatbots/{name}.json": document(spec(), BOT)}) for name in ("zeta", "alpha")}
    async with world(tmp_path, LIVE, FILES, more_sources=more) as w:
        plan = await w.open_plan()
        had = dict(w.engine.sources)
        await w.restart({name: had[name] for name in ("zeta", "alpha")})
        assert (await w.chatbot()).source == "zeta"
        assert (await w.plan(plan.id)).status is PlanStatus.STALE
        assert (await w.open_plan()).source == "zeta"
        await w.restart(had)
        assert (await w.chatbot()).source == "zeta", "back again, it is the newcomer"


async def test_an_apply_is_refused_when_the_chatbot_went_to_another_source(tmp_path: Path) -> None:
    newcomer = FakeSource({**OWN, **CLAIM})
    async with world(tmp_path, LIVE, FILES, more_sources={NEW: newcomer}) as w:
        plan = await w.open_plan()
        await w.approve(plan)
        async with w.store.begin() as uow:  # as another process that serves this database
            await uow.chatbots.save(replace(await w.chatbot(), source=NEW))
        assert (await w.apply(plan)).status is ApplyStatus.STALE
        assert w.writer.writes == []


async def test_chatbots_that_an_older_program_stopped_go_on(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        async with w.store.begin() as uow:
            stopped = replace(await w.chatbot("bot_2"), fault=Reason.CLAIMED_TWICE, fault_message="by two")
            await uow.chatbots.save(replace(stopped, sync=Sync.UNKNOWN, checked_digest=None))
        await w.restart()
        assert (await w.chatbot("bot_2")).reason is Reason.IN_SYNC
