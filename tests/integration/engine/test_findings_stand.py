"""What is wrong in the documents of a revision is told by every run of it, until a revision mends it."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.domain.diagnostics import Severity
from reconciler.domain.entities import Run, RunStatus, SourceState, Trigger
from reconciler.engine.context import PROGRAM
from reconciler.engine.decide.acceptance import accept_revision
from reconciler.engine.reconcile.carried_diagnostics import MAX_CARRIED
from reconciler.engine.reconcile.run_lifecycle import request_refresh
from reconciler.engine.reconcile.schedule import start_up
from reconciler.errors import SourceCause
from tests.fakes.source import FakeSource
from tests.support.records import a_run
from tests.support.world import SOURCE, World, document, path_of, push, spec, world

pytestmark = pytest.mark.anyio

BOTS = ("bot_1", "bot_2", "bot_3")
FILES = {path_of(key): document(spec(), key) for key in BOTS}
BROKEN = "chatbots/broken.json"
"""A file that belongs to no chatbot: nothing but a finding tells of it."""
WRONG = {BROKEN: "{", path_of("bot_1"): document({"skils": []}, "bot_1")}


@pytest.fixture
async def second() -> FakeSource:
    return FakeSource({"chatbots/x.json": document(spec(), "bot_x")})


@pytest.fixture
async def w(tmp_path: Path, second: FakeSource) -> AsyncIterator[World]:
    live = {key: spec() for key in (*BOTS, "bot_x")}
    async with world(tmp_path, live, FILES, more_sources={"second": second}) as made:
        yield made


async def scheduled(w: World, *, full: bool = True) -> Run:
    run = await request_refresh(w.engine, PROGRAM, SOURCE, Trigger.SCHEDULE, full=full)
    await w.idle()
    return await w.run(run.id)


async def restarted(w: World) -> Run:
    """What the service begins with."""
    await start_up(w.engine, only_process=True)
    await w.idle()
    return await w.run((await w.source_record()).last_run_id or "")


def told(run: Run) -> list[str]:
    return sorted(each.path or "" for each in run.diagnostics)


async def test_every_run_of_a_revision_tells_what_is_wrong_in_it(w: World) -> None:
    w.commit(WRONG)
    first = await scheduled(w)
    loads = w.source.loads_asked
    later = [await scheduled(w), await scheduled(w, full=False), await scheduled(w)]
    assert w.source.loads_asked == loads, "nothing is read again for it"
    assert (first.counts.parsed, [run.counts.parsed for run in later]) == (2, [0, 0, 0])
    assert told(first) == sorted(WRONG)
    assert all((run.status, run.diagnostics) == (RunStatus.SUCCEEDED, first.diagnostics) for run in later)


async def test_a_revision_that_mends_it_ends_it(w: World) -> None:
    w.commit(WRONG)
    await scheduled(w)
    w.commit({BROKEN: None})
    assert [told(await scheduled(w)) for _ in range(2)] == [[path_of("bot_1")]] * 2
    w.commit({path_of("bot_1"): FILES[path_of("bot_1")]})
    assert [told(await scheduled(w)) for _ in range(2)] == [[], []]


async def test_it_stands_after_a_restart_whether_or_not_git_can_be_read(w: World) -> None:
    w.commit(WRONG)
    first = await scheduled(w)
    w.source.fail(SourceCause.UNREACHABLE)
    blind = await restarted(w)
    assert (blind.trigger, blind.status, blind.revision) == (Trigger.STARTUP, RunStatus.FAILED, first.revision)
    assert blind.diagnostics == first.diagnostics
    w.source.recover()
    assert (await scheduled(w)).diagnostics == first.diagnostics
    assert (await restarted(w)).diagnostics == first.diagnostics


async def test_a_refused_revision_leaves_standing_what_is_wrong_in_the_good_one(w: World) -> None:
    w.commit(WRONG)
    first = await scheduled(w)
    w.source.force_push({**FILES, "chatbots/other.json": "["})
    refused = await scheduled(w)
    assert (await w.source_record()).state is SourceState.UNKNOWN
    assert (refused.status, refused.revision) == (RunStatus.FAILED, first.revision)
    assert refused.diagnostics == first.diagnostics


async def test_a_run_that_was_killed_makes_nothing_forgotten(w: World) -> None:
    w.commit(WRONG)
    first = await scheduled(w)
    async with w.store.begin() as uow:
        killed = a_run("run_killed", source=SOURCE, status=RunStatus.RUNNING, created_at=await uow.now())
        await uow.runs.add(killed)
    w.source.fail(SourceCause.UNREACHABLE)
    assert (await restarted(w)).diagnostics == first.diagnostics
    assert (await w.run("run_killed")).status is RunStatus.FAILED


async def test_where_the_last_run_failed_the_documents_are_read_again(w: World) -> None:
    w.commit(WRONG)
    first = await scheduled(w)
    async with w.store.begin() as uow:
        run = await uow.runs.get(first.id)
        assert run is not None
        # as after a start that could not read what an older program had left
        await uow.runs.save(replace(run, status=RunStatus.FAILED, diagnostics=()))
    assert (await scheduled(w, full=False)).diagnostics == first.diagnostics


async def test_another_sources_claim_is_looked_up_each_time(w: World, second: FakeSource) -> None:
    w.commit({**WRONG, "chatbots/mine_too.json": document(spec(), "bot_x")})
    await scheduled(w)
    contested = [await scheduled(w, full=False) for _ in range(2)]
    assert [told(run) for run in contested] == [sorted((*WRONG, "chatbots/mine_too.json"))] * 2
    w.source.fail(SourceCause.UNREACHABLE)
    assert told(await scheduled(w)) == sorted((*WRONG, "chatbots/mine_too.json"))
    w.source.recover()
    push(second, {"chatbots/x.json": None, "chatbots/y.json": document(spec(), "bot_y")})
    head = second.tip
    await w.refresh(source="second")
    await accept_revision(w.engine, await w.person(), "second", head, "it moved")
    await w.idle()
    assert told(await scheduled(w, full=False)) == sorted(WRONG)


async def test_of_very_many_the_worst_are_told_again_with_the_run_that_has_all(w: World) -> None:
    w.commit({f"chatbots/broken_{number:03}.json": "{" for number in range(MAX_CARRIED + 30)})
    first = await scheduled(w)
    again = [await scheduled(w), await scheduled(w)]
    assert len(first.diagnostics) == MAX_CARRIED + 30
    assert again[0].diagnostics == again[1].diagnostics
    assert len(again[0].diagnostics) == MAX_CARRIED
    rest = again[0].diagnostics[-1]
    assert (rest.severity, rest.path) == (Severity.ERROR, None)
    assert rest.message.startswith(f"31 more findings stand in the documents: the run {first.id} lists them")


async def test_a_start_reads_again_also_by_a_run_that_waited_before_it(w: World) -> None:
    async with w.store.begin() as uow:
        waiting = a_run("run_left", source=SOURCE, status=RunStatus.QUEUED, trigger=Trigger.SCHEDULE)
        await uow.runs.add(replace(waiting, created_at=await uow.now()))
    loads = w.source.loads_asked
    run = await restarted(w)
    assert (run.id, run.trigger) == ("run_left", Trigger.STARTUP)
    assert w.source.loads_asked == loads + 1
