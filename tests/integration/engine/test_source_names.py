"""Sources that the settings name otherwise, or no longer: what goes with them, and what does not."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reconciler.domain.access import Role
from reconciler.domain.direction import NO_BASELINE
from reconciler.domain.entities import RunStatus, SourceRecord, SourceState, Trigger
from reconciler.domain.lifecycle import ApplyStatus, PlanStatus
from reconciler.domain.status import Direction, Reason
from reconciler.domain.suspensions import ScopeKind
from reconciler.engine.context import PROGRAM, SourceBinding
from reconciler.engine.decide.decisions import reject
from reconciler.engine.decide.suspension import suspend
from reconciler.engine.reconcile.configured_sources import new_names
from reconciler.engine.reconcile.run_lifecycle import request_refresh
from reconciler.errors import SourceCause
from tests.fakes.source import FakeSource
from tests.support.defaults import source_binding, tenant_binding
from tests.support.records import a_source
from tests.support.world import BOT, SOURCE, TENANT, World, document, path_of, spec, world

pytestmark = pytest.mark.anyio

LIVE = {BOT: spec(), "bot_2": spec("Second"), "bot_x": spec("X")}
FILES = {path_of(): document(spec()), path_of("bot_2"): document(spec("Second"), "bot_2")}
OTHER = {"chatbots/x.json": document(spec("X"), "bot_x")}


def named(w: World, name: str, was: str = SOURCE, **changes: Any) -> dict[str, SourceBinding]:
    """A source under another name."""
    return {name: replace(w.engine.sources[was], name=name, **changes)}


async def names_kept(w: World) -> list[str]:
    async with w.store.read() as uow:
        return [record.name for record in await uow.sources.all()]


async def test_a_renamed_source_keeps_baselines_plans_approvals_and_history(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        synced = (await w.chatbot()).synced_at
        w.commit({path_of(): document(spec(prompt="Be brief."))})
        await w.refresh()
        plan, good = await w.open_plan(), (await w.source_record()).good_revision
        await w.approve(plan)
        history = await w.store.queries.transitions_of(TENANT, BOT, limit=10)
        async with w.store.read() as uow:
            baseline = await uow.baselines.get(TENANT, BOT)
        await w.restart(named(w, "renamed"))
        record = await w.source_record("renamed")
        assert await names_kept(w) == ["renamed"]
        assert (record.state, record.good_revision) == (SourceState.READY, good)
        chatbot = await w.chatbot()
        assert (chatbot.source, chatbot.synced_at, chatbot.plan_id) == ("renamed", synced, plan.id)
        same = await w.plan(plan.id)
        assert (same.source, same.status, same.direction) == ("renamed", PlanStatus.APPROVED, Direction.GIT_AHEAD)
        async with w.store.read() as uow:
            assert await uow.baselines.get(TENANT, BOT) == baseline != NO_BASELINE
        kept = await w.store.queries.transitions_of(TENANT, BOT, limit=10)
        assert [each.cause for each in kept] == [each.cause for each in history]
        assert {each.source for each in kept} == {"renamed"}
        assert {run.source for run in (await w.store.queries.runs(None, limit=50, cursor=None)).items} == {"renamed"}
        said = [(each.subject, each.detail["before"]) for each in await w.audit() if each.action == "source.rename"]
        assert said == [("source/renamed", SOURCE)]
        assert (await w.apply(same)).status is ApplyStatus.APPLIED


async def test_what_people_were_limited_to_and_what_they_stopped_goes_with_it(tmp_path: Path) -> None:
    async with world(tmp_path, {**LIVE, BOT: spec(prompt="old")}, FILES) as w:
        limited = await w.person("limited", Role.APPROVER, sources=[SOURCE, "elsewhere"])
        plan = await w.open_plan()
        await w.approve(plan, "limited")
        await suspend(w.engine, await w.person("op", Role.OPERATOR), ScopeKind.SOURCE, SOURCE, "stop")
        await w.restart(named(w, "renamed"))
        async with w.store.read() as uow:
            token = await uow.tokens.get(limited.token_id or "")
            [suspension] = await uow.suspensions.active()
        assert token is not None
        assert token.sources == ("renamed", "elsewhere")
        assert suspension.scope == "source/renamed"
        assert (await w.plan(plan.id)).status is PlanStatus.APPROVED
        assert (await w.chatbot()).suspension_id == suspension.id


async def test_a_run_that_waited_is_done_under_the_new_name(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        w.dispatcher.handlers = {}
        waiting = await request_refresh(w.engine, PROGRAM, SOURCE, Trigger.SCHEDULE, full=False)
        await w.restart(named(w, "renamed"))
        assert (await w.run(waiting.id)).source == "renamed"
        assert (await w.run(waiting.id)).status is RunStatus.SUCCEEDED


async def test_names_can_be_swapped(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES, more_sources={"more": FakeSource(OTHER)}) as w:
        plans = {key: (await w.chatbot(key)).synced_at for key in LIVE}
        await w.restart(named(w, "more") | named(w, SOURCE, "more"))
        assert {key: (await w.chatbot(key)).source for key in LIVE} == {BOT: "more", "bot_2": "more", "bot_x": SOURCE}
        assert {key: (await w.chatbot(key)).synced_at for key in LIVE} == plans
        assert {(await w.source_record(name)).state for name in (SOURCE, "more")} == {SourceState.READY}


async def test_a_source_that_moves_to_another_tenant_begins_anew_and_lets_go(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        tenants = {**w.engine.tenants, "moved": tenant_binding("moved", w.target)}
        await w.restart(named(w, SOURCE, tenant="moved"), tenants=tenants)
        record = await w.source_record()
        assert (record.tenant, record.state) == ("moved", SourceState.READY)
        async with w.store.read() as uow:
            configured = [each async for each in uow.audit.entries() if each.action == "source.configure"][-1]
            moved = await uow.chatbots.get("moved", BOT)
        assert configured.detail["before"]["tenant"] == TENANT
        assert moved is not None
        assert (moved.source, moved.last_applied_revision) == (SOURCE, None)
        assert (await w.chatbot()).reason is Reason.ORPHANED


async def test_a_source_that_moves_has_no_good_revision_until_it_was_read(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        w.source.fail(SourceCause.UNREACHABLE)
        tenants = {**w.engine.tenants, "moved": tenant_binding("moved", w.target)}
        await w.restart(named(w, SOURCE, tenant="moved"), tenants=tenants)
        assert ((await w.source_record()).tenant, (await w.source_record()).good_revision) == ("moved", None)


@pytest.mark.parametrize("changes", [{"url": "memory:elsewhere"}, {"branch": "other"}])
async def test_a_source_that_names_another_repository_agrees_with_nothing_yet(
    tmp_path: Path, changes: Mapping[str, str]
) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        assert (await w.chatbot()).synced_at is not None
        w.source.fail(SourceCause.UNREACHABLE)
        await w.restart(named(w, SOURCE, **changes))
        assert ((await w.source_record()).good_revision, (await w.chatbot()).synced_at) == (None, None)


async def test_a_branch_that_is_named_at_last_is_the_same_source(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        await w.restart(named(w, SOURCE, branch=None))
        w.source.fail(SourceCause.UNREACHABLE)
        await w.restart(named(w, SOURCE, branch="trunk"))
        assert (await w.source_record()).branch == "trunk"
        assert (await w.source_record()).good_revision == w.source.tip
        assert (await w.chatbot()).synced_at is not None


REMOTE = "https://git.example.com/acme/bots"


@pytest.mark.parametrize("url", [f"{REMOTE}.git", f"{REMOTE}/", "https://GIT.example.com:443/acme/bots.git"])
async def test_a_source_whose_url_is_spelled_otherwise_is_the_same(tmp_path: Path, url: str) -> None:
    async with world(tmp_path, {**LIVE, BOT: spec(prompt="old")}, FILES) as w:
        await w.restart(named(w, SOURCE, url=REMOTE))
        await w.refresh()
        plan, synced = await w.open_plan(), (await w.chatbot("bot_2")).synced_at
        await w.approve(plan)
        w.source.fail(SourceCause.UNREACHABLE)
        await w.restart(named(w, SOURCE, url=url))
        record = await w.source_record()
        assert (record.url, record.good_revision) == (url, w.source.tip)
        assert (await w.chatbot("bot_2")).synced_at == synced is not None
        assert (await w.plan(plan.id)).status is PlanStatus.APPROVED
        said = [each.detail for each in await w.audit() if each.action == "source.configure"][-1]
        assert (said["url"], said["before"]["url"]) == (url, REMOTE)
        await w.restart(named(w, "renamed", url=REMOTE))
        assert await names_kept(w) == ["renamed"]
        assert ((await w.source_record("renamed")).url, (await w.chatbot("bot_2")).synced_at) == (REMOTE, synced)


async def test_a_source_respelled_to_what_has_another_history_is_not_trusted(tmp_path: Path) -> None:
    """Where the two spellings are two repositories after all."""
    async with world(tmp_path, LIVE, FILES) as w:
        await w.restart(named(w, SOURCE, url="file:///srv/bots"))
        await w.refresh()
        good = w.source.tip
        await w.restart(named(w, SOURCE, url="file:///srv/bots.git", port=FakeSource(OTHER)))
        record = await w.source_record()
        assert (record.state, record.good_revision) == (SourceState.UNKNOWN, good)
        assert (await w.chatbot()).source == SOURCE


async def test_what_was_rejected_is_offered_again_at_another_repository(tmp_path: Path) -> None:
    async with world(tmp_path, {**LIVE, BOT: spec(prompt="old")}, FILES) as w:
        plan = await w.open_plan()
        await reject(w.engine, await w.person(), plan.id, plan.fingerprint)
        await w.restart(named(w, SOURCE, url="memory:elsewhere"))
        assert ((await w.open_plan()).fingerprint, (await w.plan(plan.id)).status) == (
            plan.fingerprint,
            PlanStatus.REJECTED,
        )


async def test_what_is_no_longer_configured_claims_nothing_and_waits_for_nothing(tmp_path: Path) -> None:
    heir = FakeSource({**OTHER, path_of(): document(spec(), BOT)})
    async with world(tmp_path, LIVE, FILES, more_sources={"more": heir}) as w:
        w.dispatcher.handlers = {}
        waiting = await request_refresh(w.engine, PROGRAM, SOURCE, Trigger.SCHEDULE, full=False)
        await w.restart({"more": w.engine.sources["more"]})
        assert ((await w.chatbot()).source, (await w.chatbot()).reason) == ("more", Reason.IN_SYNC)
        left = await w.chatbot("bot_2")
        assert (left.source, left.reason) == (SOURCE, Reason.SOURCE_UNKNOWN)
        assert "reconciler source forget bots" in left.message
        ended = await w.run(waiting.id)
        assert (ended.status, "NotConfigured" in (ended.message or "")) == (RunStatus.FAILED, True)
        assert (await w.source_record()).next_run_at is None


async def test_a_source_that_comes_back_is_looked_at_again_when_that_is_due(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES, more_sources={"more": FakeSource(OTHER)}) as w:
        had = dict(w.engine.sources)
        await w.restart({"more": had["more"]})
        await w.restart(had)
        back = await w.source_record()
        assert back.next_run_at is not None
        assert back.next_run_at > w.clock.now()


async def test_a_source_that_comes_back_goes_on(tmp_path: Path) -> None:
    async with world(tmp_path, {**LIVE, BOT: spec(prompt="old")}, FILES, more_sources={"more": FakeSource(OTHER)}) as w:
        plan, had = await w.open_plan(), dict(w.engine.sources)
        await w.approve(plan)
        await w.restart({"more": had["more"]})
        await w.restart(had)
        assert (await w.source_record()).state is SourceState.READY
        assert ((await w.chatbot()).plan_id, (await w.plan(plan.id)).status) == (plan.id, PlanStatus.APPROVED)


def binding(name: str, url: str = "u", branch: str | None = "main", tenant: str = "acme") -> SourceBinding:
    return source_binding(name, tenant, url, branch, FakeSource())


def known(name: str, url: str = "u", branch: str | None = "main", tenant: str = "acme") -> SourceRecord:
    return a_source(name, url=url, branch=branch, tenant=tenant)


@pytest.mark.parametrize(
    ("records", "bindings", "names"),
    [
        ([known("a")], [binding("a")], {}),
        ([known("a")], [binding("b")], {"a": "b"}),
        ([known("a")], [binding("a"), binding("b")], {}),
        ([known("a", branch=None)], [binding("b")], {"a": "b"}),
        ([known("a", branch="old")], [binding("b")], {}),
        ([known("a")], [binding("b", tenant="other")], {}),
        ([known("a")], [binding("b", url="v")], {}),
        # the very branch is preferred
        ([known("a", branch=None), known("c")], [binding("b")], {"c": "b"}),
        # another spelling is the same repository, and the very URL is preferred
        ([known("a", REMOTE)], [binding("b", f"{REMOTE}.git")], {"a": "b"}),
        ([known("a", REMOTE, branch=None)], [binding("b", f"{REMOTE}/")], {"a": "b"}),
        (
            [known("a", REMOTE), known("c", f"{REMOTE}.git")],
            [binding("b", f"{REMOTE}.git"), binding("d", REMOTE)],
            {"a": "d", "c": "b"},
        ),
        # of one branch with different paths: nobody can tell them apart
        ([known("a"), known("c")], [binding("b")], {}),
        ([known("a")], [binding("b"), binding("c")], {}),
        # one of them keeps its name, so that it is the other
        ([known("a"), known("c")], [binding("a"), binding("b")], {"c": "b"}),
        # swapped, and moved on in a row
        ([known("a"), known("b", "v")], [binding("b"), binding("a", "v")], {"a": "b", "b": "a"}),
        ([known("a"), known("b", "v")], [binding("b"), binding("c", "v")], {"a": "b", "b": "c"}),
        # the new name is another source's, which is not configured any more: it begins anew
        ([known("a"), known("b", "v")], [binding("b")], {}),
        ([known("a"), known("b", "v"), known("c", "w")], [binding("b"), binding("c", "v")], {}),
    ],
)
def test_which_source_is_which(
    records: list[SourceRecord], bindings: list[SourceBinding], names: Mapping[str, str]
) -> None:
    assert new_names(records, {each.name: each for each in bindings}) == names
