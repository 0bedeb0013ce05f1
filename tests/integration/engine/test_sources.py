"""Rule 5: a source that cannot be read changes nothing. Claims, orphans, the unmanaged."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from api_client.sandbox import Chatbot as LiveBot
from reconciler.domain.access import Role
from reconciler.domain.document import Snapshot
from reconciler.domain.entities import RunStatus, SourceState, Trigger
from reconciler.domain.events import Change, ChangeKind
from reconciler.domain.lifecycle import ApplyStatus, PlanStatus
from reconciler.domain.status import Reason, Sync
from reconciler.engine.apply.request import request_apply
from reconciler.engine.context import PROGRAM
from reconciler.engine.decide.acceptance import accept_revision, source_record
from reconciler.engine.reconcile.fetch import fetch_revision
from reconciler.engine.reconcile.inventory import BATCH_SIZE
from reconciler.engine.reconcile.run import run_refresh
from reconciler.engine.reconcile.run_lifecycle import request_refresh
from reconciler.engine.reconcile.schedule import tick
from reconciler.errors import Conflict, SourceCause, TargetUnauthorized, TargetUnreachable
from reconciler.ports import JobKind, ParseCache
from reconciler.sources.git import GitRemote, GitSource
from tests.fakes.source import FakeSource
from tests.support.contract import CONTRACT
from tests.support.git import GitRepo
from tests.support.meanwhile import Deaf
from tests.support.world import BOT, SOURCE, TENANT, document, path_of, push, spec, world

pytestmark = pytest.mark.anyio

BOTS = [f"bot_{n}" for n in range(1, 5)]
LIVE = {key: spec() for key in BOTS}
FILES = {path_of(key): document(spec(), key) for key in BOTS}


@pytest.mark.parametrize(
    "cause", [SourceCause.UNREACHABLE, SourceCause.BRANCH_MISSING, SourceCause.AUTHENTICATION_FAILED]
)
async def test_an_unreadable_source_keeps_its_good_revision_and_says_the_cause(
    tmp_path: Path, cause: SourceCause
) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        good = (await w.source_record()).good_revision
        w.source.fail(cause)
        run = await w.refresh()
        record = await w.source_record()
        assert (run.status, record.state, record.cause) == (RunStatus.FAILED, SourceState.UNKNOWN, cause)
        assert record.good_revision == good
        assert run.counts.dry_runs == len(BOTS)  # drift is still looked for, against the good revision
        chatbot = await w.chatbot()
        assert (chatbot.sync, chatbot.reason) == (Sync.SYNCED, Reason.SOURCE_UNKNOWN)
        w.source.recover()
        await w.refresh()
        assert (await w.source_record()).state is SourceState.READY
        assert (await w.chatbot()).reason is Reason.IN_SYNC


class AmendedSource:
    """A source whose branch is amended once, right after it was asked where it is."""

    def __init__(self, port: GitSource, amend: Callable[[], object]) -> None:
        self._port = port
        self._amend: Callable[[], object] | None = amend

    async def head(self) -> str:
        revision = await self._port.head()
        if self._amend is not None:
            self._amend()
            self._amend = None
        return revision

    def __getattr__(self, name: str) -> Any:
        return getattr(self._port, name)


async def test_a_commit_that_is_amended_before_it_is_fetched_is_read_as_it_is_now(tmp_path: Path) -> None:
    repository = GitRepo(tmp_path / "bots")
    good = repository.commit(FILES)
    port = GitSource(GitRemote.parse(repository.url, "main", insecure=True), tmp_path / "mirror.git", CONTRACT)
    repository.commit({path_of(): document(spec(prompt="a slip"))})

    def amend() -> None:
        repository.git("reset", "--quiet", "--hard", good)
        repository.commit({path_of(): document(spec(prompt="as it was meant"))})
        repository.git("reflog", "expire", "--expire=now", "--all")
        repository.git("gc", "--quiet", "--prune=now")

    async with world(tmp_path, LIVE, FILES) as w:
        binding = replace(w.engine.sources[SOURCE], port=AmendedSource(port, amend))
        record = await source_record(w.engine, SOURCE)
        seen = await fetch_revision(w.engine, binding, replace(record, good_revision=good))
        repository.git("reset", "--quiet", "--hard", good)
        back = await fetch_revision(w.engine, binding, replace(record, good_revision=good))
        async with w.store.read() as uow:
            body = await uow.documents.body(SOURCE, seen.claims[0].digest or "")
    await port.close()
    assert body is not None
    assert (body["spec"]["core"]["behavior"]["systemPrompt"], seen.judged_by) == ("as it was meant", good)
    assert (back.revision, back.snapshot) == (good, None)


async def test_an_apply_is_refused_while_the_source_is_unknown(tmp_path: Path) -> None:
    async with world(tmp_path, {BOT: spec(prompt="old")}, {path_of(): document(spec())}) as w:
        plan = await w.open_plan()
        await w.approve(plan)
        w.source.fail(SourceCause.UNREACHABLE)
        await w.refresh()
        assert (await w.chatbot()).reason is Reason.APPROVED  # an open plan stays as it is
        with pytest.raises(Conflict, match="The source cannot be read") as refused:
            await request_apply(w.engine, await w.person(), plan.id, plan.fingerprint)
        assert refused.value.code == "source_unknown"
        w.source.recover()
        w.source.force_push({path_of(): document(spec(prompt="rewritten"))})
        await w.refresh()
        with pytest.raises(Conflict, match="The source was read, but what it says now is not trusted") as refused:
            await request_apply(w.engine, await w.person(), plan.id, plan.fingerprint)
        assert refused.value.code == "source_unknown"
        assert "cannot be read" not in str(refused.value)


async def test_an_apply_that_finds_an_untrusted_source_says_that_it_was_read(tmp_path: Path) -> None:
    async with world(tmp_path, {BOT: spec(prompt="old")}, {path_of(): document(spec())}) as w:
        plan = await w.open_plan()
        await w.approve(plan)
        w.source.force_push({path_of(): document(spec(prompt="rewritten"))})
        apply = await w.apply(plan)
        assert (apply.status, apply.reason) == (ApplyStatus.FAILED, Reason.SOURCE_UNKNOWN)
        assert "The source was read, but what it says now is not trusted" in apply.message
        assert "cannot be read" not in apply.message


@pytest.mark.parametrize("trusted", [True, False])
async def test_a_chatbot_says_whether_its_source_was_read(tmp_path: Path, *, trusted: bool) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        if trusted:
            w.source.fail(SourceCause.UNREACHABLE)
        else:
            w.source.force_push({**FILES, "readme.md": "rewritten"})
        await w.refresh()
        chatbot = await w.chatbot()
        assert chatbot.reason is Reason.SOURCE_UNKNOWN
        assert ("The source cannot be read;" in chatbot.message) == trusted
        assert ("The source was read, but what it says now is not trusted" in chatbot.message) == (not trusted)


async def test_rewritten_history_is_not_trusted_until_it_is_accepted(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        good = (await w.source_record()).good_revision
        head = w.source.force_push({**FILES, path_of(): document(spec(prompt="rewritten"))})
        await w.refresh()
        record = await w.source_record()
        assert (record.cause, record.good_revision) == (SourceCause.HISTORY_REWRITTEN, good)
        assert (await w.chatbot()).plan_id is None
        accepted = await accept_revision(w.engine, await w.person(), "bots", head, "rebased on purpose")
        assert (accepted.source.state, accepted.source.good_revision) == (SourceState.READY, head)
        assert accepted.orphaned == ()
        await w.idle()
        assert (await w.open_plan()).status is PlanStatus.PENDING
        assert "source.accept" in [entry.action for entry in await w.audit()]


async def test_a_source_that_can_be_read_again_is_as_it_was(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        before = await w.source_record()
        w.source.force_push({**FILES, "README.md": "rewritten"})
        await w.refresh()
        assert (await w.source_record()).seen_revision != before.good_revision
        w.source.reset(before.good_revision or "")
        await w.refresh()
        after = await w.source_record()
        assert (after.state, after.cause, after.message) == (SourceState.READY, None, None)
        assert (after.good_revision, after.seen_revision) == (before.good_revision, before.good_revision)


async def test_only_what_the_remote_still_names_can_be_accepted(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        w.source.force_push({**FILES, "README.md": "rewritten"})
        await w.refresh()
        with pytest.raises(Conflict) as refused:
            await accept_revision(w.engine, await w.person(), "bots", "0" * 40, "typo")
        assert refused.value.code == "revision_not_seen"


async def test_emptied_paths_and_vanished_documents_are_not_trusted(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        w.commit({path_of(key): None for key in BOTS} | {"README.md": "empty"})
        await w.refresh()
        assert (await w.source_record()).cause == SourceCause.PATHS_EMPTIED
        w.commit({path_of("bot_1"): document(spec(), "bot_1")})
        await w.refresh()
        assert (await w.source_record()).cause == SourceCause.DOCUMENTS_VANISHED
        assert all([(await w.chatbot(key)).sync is Sync.SYNCED for key in BOTS])


async def test_accepting_says_which_chatbots_it_orphans_and_does_nothing_to_them(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        head = w.commit({path_of(key): None for key in BOTS[1:]})
        await w.refresh()
        accepted = await accept_revision(w.engine, await w.person(), "bots", head, "the others are gone for good")
        await w.idle()
        assert accepted.orphaned == tuple(BOTS[1:])
        assert [(await w.chatbot(key)).reason for key in BOTS] == [Reason.IN_SYNC] + [Reason.ORPHANED] * 3
        [said] = [entry.detail for entry in await w.audit() if entry.action == "source.accept"]
        assert said["revision"] == head
        assert (said["orphaned"], said["chatbots"], said["cause"]) == (3, BOTS[1:], "DocumentsVanished")
        assert w.writer.writes == []


async def test_exactly_the_limit_may_vanish(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        w.commit({path_of("bot_1"): None, path_of("bot_2"): None})
        await w.refresh()
        assert (await w.source_record()).state is SourceState.READY
        assert [(await w.chatbot(key)).reason for key in BOTS] == [Reason.ORPHANED] * 2 + [Reason.IN_SYNC] * 2
        assert w.live("bot_1").config["core"] == spec()["core"]


async def test_one_bad_document_makes_only_its_own_chatbot_unknown(tmp_path: Path) -> None:
    async with world(tmp_path, {**LIVE, "bot_2": spec(prompt="old")}, FILES) as w:
        plan = await w.open_plan("bot_2")
        w.commit({path_of("bot_1"): "{", path_of("bot_2"): document({"skils": []}, "bot_2")})
        run = await w.refresh()
        assert run.status is RunStatus.SUCCEEDED
        assert {d.path for d in run.diagnostics} == {path_of("bot_1"), path_of("bot_2")}
        assert [(await w.chatbot(key)).reason for key in BOTS] == [Reason.DOCUMENT_INVALID] * 2 + [Reason.IN_SYNC] * 2
        assert (await w.plan(plan.id)).status is PlanStatus.STALE
        w.commit({path_of("bot_1"): FILES[path_of("bot_1")]})
        await w.refresh(full=False)
        assert (await w.chatbot("bot_1")).reason is Reason.IN_SYNC


async def test_a_chatbot_claimed_twice_in_a_source_is_not_planned(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        w.commit({"chatbots/other.json": document(spec(prompt="other"), "bot_1")})
        await w.refresh()
        chatbot = await w.chatbot("bot_1")
        assert (chatbot.sync, chatbot.reason, chatbot.plan_id) == (Sync.UNKNOWN, Reason.CLAIMED_TWICE, None)
        assert "chatbots/other.json" in chatbot.message
        assert path_of("bot_1") in chatbot.message


async def test_live_chatbots_without_a_document_are_listed_and_never_touched(tmp_path: Path) -> None:
    async with world(tmp_path, {**LIVE, "bot_free": spec("Free")}, FILES) as w:
        chatbot = await w.chatbot("bot_free")
        assert (chatbot.sync, chatbot.reason, chatbot.name) == (Sync.UNKNOWN, Reason.UNMANAGED, "Free")
        assert ("dry_run", "bot_free") not in w.target.calls


async def test_a_long_list_is_written_down_in_parts_and_forgotten_in_parts(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        many = [LiveBot(f"bot_free_{number:04}", config=spec()) for number in range(2 * BATCH_SIZE + 1)]
        for chatbot in many:
            w.target.fleet.add(chatbot)
        place = w.store.feed.last
        assert (await w.refresh()).status is RunStatus.SUCCEEDED
        async with w.store.read() as uow:
            known = await uow.chatbots.of_tenant(TENANT)
        assert len([each for each in known if each.reason is Reason.UNMANAGED]) == len(many)
        of_many = Change(ChangeKind.CHATBOT, None, None)
        assert [event.payload for event in w.store.feed.since(place)].count(of_many) == 2, "nobody waits for all of it"
        for chatbot in many:
            w.target.fleet.remove(chatbot.id)
        await w.refresh()
        async with w.store.read() as uow:
            assert {each.id for each in await uow.chatbots.of_tenant(TENANT)} == LIVE.keys()


async def test_a_chatbot_that_is_gone_at_wizchat_is_missing_and_its_plan_stale(tmp_path: Path) -> None:
    async with world(tmp_path, {BOT: spec(prompt="old")}, {path_of(): document(spec())}) as w:
        plan = await w.open_plan()
        w.target.fleet.remove(BOT)
        await w.refresh()
        assert (await w.chatbot()).reason is Reason.CHATBOT_MISSING
        assert (await w.plan(plan.id)).status is PlanStatus.STALE


async def test_a_dry_run_that_fails_is_unknown_and_keeps_the_plan(tmp_path: Path) -> None:
    async with world(tmp_path, {BOT: spec(prompt="old")}, {path_of(): document(spec())}) as w:
        plan = await w.open_plan()
        w.target.fail(TargetUnreachable("down"), BOT)
        run = await w.refresh()
        chatbot = await w.chatbot()
        assert (chatbot.sync, chatbot.reason, chatbot.message) == (Sync.UNKNOWN, Reason.TARGET_UNREACHABLE, "down.")
        assert (await w.plan(plan.id)).status is PlanStatus.PENDING
        assert run.counts.errors == 1


async def test_a_refused_key_stops_the_sweep_instead_of_asking_for_every_chatbot(tmp_path: Path) -> None:
    bots = {f"bot_{n:03}": spec() for n in range(100)}
    async with world(tmp_path, bots, {path_of(key): document(spec(), key) for key in bots}) as w:
        for key in bots:
            w.target.fail(TargetUnauthorized("bad key"), key, times=None)
        before = len(w.target.calls)
        await w.refresh()
        assert len(w.target.calls) - before < 20
        assert {(await w.chatbot(key)).reason for key in bots} == {Reason.UNAUTHORIZED}


async def test_runs_that_wait_are_one_run(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        first = await request_refresh(w.engine, PROGRAM, "bots", Trigger.WEBHOOK, full=False)
        second = await request_refresh(w.engine, await w.person("o", Role.OPERATOR), "bots", Trigger.MANUAL, full=True)
        assert second.id == first.id
        assert (second.trigger, second.full) == (Trigger.MANUAL, True)


async def test_a_burst_of_webhooks_is_one_look_a_second(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        await w.refresh()
        looks = w.source.heads_asked
        for _ in range(50):
            await request_refresh(w.engine, PROGRAM, "bots", Trigger.WEBHOOK, full=False)
        await w.clock.until_asleep()
        w.clock.advance(1)
        await w.idle()
        assert w.source.heads_asked == looks + 1


async def test_the_scheduler_asks_for_what_is_due_and_for_nothing_else(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        first = (await w.source_record()).last_run_id
        await tick(w.engine)
        await w.idle()
        assert (await w.source_record()).last_run_id == first
        w.clock.advance(301)
        await tick(w.engine)
        await w.idle()
        git = await w.run((await w.source_record()).last_run_id or "")
        assert (git.trigger, git.full, git.counts.dry_runs) == (Trigger.SCHEDULE, False, 0)
        w.clock.advance(3600)  # the service slept: one run makes up for all that was missed
        await tick(w.engine)
        await w.idle()
        drift = await w.run((await w.source_record()).last_run_id or "")
        assert (drift.drift, drift.full, drift.counts.dry_runs) == (True, False, 0)


async def test_before_a_source_was_ever_read_nobody_is_called_unmanaged(tmp_path: Path) -> None:
    never = FakeSource({"chatbots/x.json": document(spec(), "bot_x")})
    never.fail(SourceCause.UNREACHABLE)
    live = {**LIVE, "bot_free": spec("Free")}
    async with world(tmp_path, live, FILES, more_sources={"second": never}) as w:
        async with w.store.read() as uow:
            assert await uow.chatbots.get("acme", "bot_free") is None
        never.recover()
        await w.refresh(source="second")
        assert (await w.chatbot("bot_free")).reason is Reason.UNMANAGED


async def test_a_revision_in_doubt_is_named_in_whole(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        head = w.source.force_push({**FILES, "README.md": "rewritten"})
        await w.refresh()
        record = await w.source_record()
        assert record.seen_revision == head
        assert head in (record.message or "")


async def test_a_revision_that_says_nothing_new_is_adopted_once(tmp_path: Path) -> None:
    async with world(tmp_path, {BOT: spec()}, {path_of(): document(spec())}) as w:
        run = await w.refresh()
        assert run.counts.dry_runs == 1
        assert [entry.action for entry in await w.audit()].count("source.revision") == 1


class SlowSource(FakeSource):
    """Something happens while the next revision is loaded, once."""

    def __init__(self, files: Mapping[str, str]) -> None:
        super().__init__(files)
        self.meanwhile: Callable[[], Awaitable[object]] | None = None

    async def load(self, revision: str, cache: ParseCache) -> Snapshot:
        snapshot = await super().load(revision, cache)
        await self._let_it_happen()
        return snapshot

    async def load_changes(self, since: str, revision: str, cache: ParseCache) -> Snapshot | None:
        snapshot = await super().load_changes(since, revision, cache)
        if snapshot is not None:
            await self._let_it_happen()
        return snapshot

    async def _let_it_happen(self) -> None:
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            await meanwhile()


async def test_a_run_does_not_take_back_a_revision_that_was_accepted_while_it_looked(tmp_path: Path) -> None:
    other = SlowSource({"chatbots/bot_9.json": document(spec(), "bot_9")})
    async with world(tmp_path, {**LIVE, "bot_9": spec()}, FILES, more_sources={"more": other}) as w:
        other.fail(SourceCause.UNREACHABLE)
        await w.refresh(source="more")
        other.recover()
        push(other, {"README.md": "seen by the run"})
        accepted: list[str] = []

        async def somebody_accepts_a_newer_one() -> None:
            accepted.append(push(other, {"README.md": "newer"}))
            await accept_revision(w.engine, await w.person(), "more", accepted[0], "looked at")

        other.meanwhile = somebody_accepts_a_newer_one
        await request_refresh(replace(w.engine, dispatcher=Deaf()), PROGRAM, "more", Trigger.SCHEDULE, full=False)
        w.dispatcher.handlers = {**w.dispatcher.handlers, JobKind.REFRESH: lambda _: asyncio.sleep(0)}
        await run_refresh(w.engine, "more")
        assert (await w.source_record("more")).good_revision == accepted[0]


async def test_a_new_revision_after_an_outage_takes_the_reason_from_all_chatbots(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        w.source.fail(SourceCause.UNREACHABLE)
        await w.refresh(full=False)
        assert (await w.chatbot("bot_2")).reason is Reason.SOURCE_UNKNOWN
        w.source.recover()
        w.commit({path_of("bot_1"): document(spec(prompt="new"), "bot_1")})
        await w.refresh(full=False)
        assert (await w.chatbot("bot_2")).reason is Reason.IN_SYNC
