"""What is wrong at WizChat never looks healthy: the tenant's state, the run's end, when the live side was compared."""

from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.domain.entities import RunStatus
from reconciler.domain.status import Reason, Sync
from reconciler.domain.tenant import NOT_ASKED, TenantRecord, TenantState
from reconciler.domain.uncompared import Uncompared
from reconciler.engine.tenant_state import check_tenant
from reconciler.errors import (
    BadAnswer,
    ChatbotHidden,
    QuotaExceeded,
    RequestRefused,
    ScopeMissing,
    TargetError,
    TargetRateLimited,
    TargetUnauthorized,
    TargetUnreachable,
)
from tests.fakes.source import FakeSource
from tests.support.world import BOT, SOURCE, TENANT, World, document, path_of, spec, world

pytestmark = pytest.mark.anyio

BOTS = (BOT, "bot_2", "bot_3")
LIVE = {bot: spec() for bot in BOTS}
FILES = {path_of(bot): document(spec(), bot) for bot in BOTS}
EVERYWHERE = (None, *BOTS)
"""The list, and each chatbot."""

WRONG = [
    pytest.param(TargetUnauthorized("put a valid key in api_key"), TenantState.UNAUTHORIZED, id="wrong key"),
    pytest.param(ScopeMissing("add the scope chatbots:read"), TenantState.UNAUTHORIZED, id="key without scopes"),
    pytest.param(TargetUnreachable("check base_url"), TenantState.UNREACHABLE, id="unreachable"),
    pytest.param(BadAnswer("check that base_url is the API's"), TenantState.MISCONFIGURED, id="another program"),
]


async def tenant(w: World) -> TenantRecord:
    async with w.store.read() as uow:
        return await uow.tenants.get(TENANT) or TenantRecord(name=TENANT)


def fail_everywhere(w: World, error: TargetError) -> None:
    for what in EVERYWHERE:
        w.target.fail(error, what, times=None)


def heal_everywhere(w: World) -> None:
    for what in EVERYWHERE:
        w.target.heal(what)


@pytest.mark.parametrize(("error", "state"), WRONG)
async def test_a_tenant_that_cannot_be_used_says_so_and_its_runs_fail(
    tmp_path: Path, error: TargetError, state: TenantState
) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        assert (await tenant(w)).state is TenantState.READY
        compared_at = (await w.source_record()).compared_at
        fail_everywhere(w, error)
        w.clock.advance(60)
        w.target.calls.clear()
        run = await w.refresh()

        assert (run.status, run.counts.uncompared) == (RunStatus.FAILED, 3)
        assert [(each.chatbot_id, each.message) for each in run.uncompared] == [
            (bot, str(error)) for bot in sorted(BOTS)
        ]
        assert {each.reason for each in run.uncompared} == {(await w.chatbot(bot)).reason for bot in BOTS}
        assert str(error) in str(run.message)
        assert run.counts.dry_runs == 1, "the first dry run shows what every other would"
        assert w.target.calls == [("chatbots", None), ("dry_run", BOT)]
        seen = await tenant(w)
        assert (seen.state, seen.cause, seen.since) == (state, str(error), w.clock.now())
        assert (await w.source_record()).compared_at == compared_at
        assert {(await w.chatbot(bot)).sync for bot in BOTS} == {Sync.UNKNOWN}

        heal_everywhere(w)
        w.clock.advance(60)
        run = await w.refresh(full=False)
        assert (run.status, run.message, run.counts.uncompared) == (RunStatus.SUCCEEDED, None, 0)
        seen = await tenant(w)
        assert (seen.state, seen.cause, seen.since) == (TenantState.READY, None, w.clock.now())


@pytest.mark.parametrize(("error", "state"), WRONG)
async def test_a_tenant_is_known_before_any_chatbot_is(tmp_path: Path, error: TargetError, state: TenantState) -> None:
    async with world(tmp_path, {}, {}) as w:
        fail_everywhere(w, error)
        await check_tenant(w.engine, TENANT)
        assert ((await tenant(w)).state, (await tenant(w)).cause) == (state, str(error))
        run = await w.refresh()
        assert run.status is RunStatus.FAILED
        heal_everywhere(w)
        await check_tenant(w.engine, TENANT)
        assert (await tenant(w)).state is TenantState.READY


async def test_whoever_refuses_the_list_is_not_the_management_api(tmp_path: Path) -> None:
    async with world(tmp_path, {}, {}) as w:
        w.target.fail(RequestRefused("WizChat refused the request with not_found: no such path"), None, times=None)
        await check_tenant(w.engine, TENANT)
        assert (await tenant(w)).state is TenantState.MISCONFIGURED


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (ScopeMissing("add the scope skills:read"), "add the scope skills:read"),
        (ChatbotHidden(f"the API key may not use chatbot {BOT}: add it"), "the API key may use none of the chatbots"),
    ],
)
async def test_a_key_that_may_list_and_compare_nothing_is_unauthorized(
    tmp_path: Path, error: TargetError, says: str
) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        for bot in BOTS:
            w.target.fail(error, bot, times=None)
        run = await w.refresh()
        assert run.status is RunStatus.FAILED
        seen = await tenant(w)
        assert seen.state is TenantState.UNAUTHORIZED
        assert says in str(seen.cause)
        assert BOT not in str(seen.cause), "who sees the tenant may not see the chatbot's source"
        w.target.heal(BOTS[2])
        run = await w.refresh()
        assert run.status is RunStatus.SUCCEEDED
        assert (await tenant(w)).state is TenantState.READY


async def test_a_run_some_of_whose_dry_runs_failed_says_so(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        w.target.fail(TargetUnreachable("WizChat answered with status 500: try again later"), BOT, times=None)
        run = await w.refresh()
        assert run.status is RunStatus.SUCCEEDED
        assert run.message == (
            "1 of 3 chatbots could not be compared (1 TargetUnreachable): "
            "WizChat answered with status 500: try again later."
        )
        assert (run.counts.dry_runs, run.counts.errors, run.counts.uncompared) == (3, 1, 1)
        assert run.uncompared == (
            Uncompared(BOT, path_of(), Reason.TARGET_UNREACHABLE, "WizChat answered with status 500: try again later"),
        )
        assert (await tenant(w)).state is TenantState.READY

        w.target.heal(BOT)
        assert (await w.refresh()).uncompared == ()
        assert (await w.chatbot()).reason is Reason.IN_SYNC
        assert (await w.run(run.id)).uncompared == run.uncompared, "it tells of itself, and not of the chatbots now"
        w.target.fail(TargetUnreachable("WizChat answered with status 500: try again later"), BOT, times=None)
        await w.refresh()

        run = await w.refresh(full=False)
        assert (run.status, run.counts.skipped) == (RunStatus.SUCCEEDED, 2), "the others were compared before"
        assert (await tenant(w)).state is TenantState.READY


@pytest.mark.parametrize("error", [TargetUnreachable("check base_url"), BadAnswer("check base_url")])
async def test_an_outage_in_the_middle_of_a_run_is_not_tried_out_with_each_chatbot_that_is_left(
    tmp_path: Path, error: TargetError
) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        w.switch_tenants({TENANT: replace(w.engine.tenants[TENANT], concurrency=1)})
        asked = sorted(BOTS)
        for what in (None, *asked[1:]):
            w.target.fail(error, what, times=None)
        w.commit({path_of(bot): document(spec(name="Renamed"), bot) for bot in BOTS})
        w.target.calls.clear()
        run = await w.refresh(full=False)
        assert (run.status, run.counts.dry_runs, run.counts.uncompared) == (RunStatus.SUCCEEDED, 2, 2)
        assert "2 of 3 chatbots could not be compared" in str(run.message)
        assert w.target.calls == [("dry_run", asked[0]), ("dry_run", asked[1]), ("chatbots", None)]


@pytest.mark.parametrize("error", [QuotaExceeded("try again tomorrow"), TargetRateLimited("try again in 90 s")])
async def test_a_run_that_was_put_off_altogether_is_none_and_tells_nothing_of_the_tenant(
    tmp_path: Path, error: TargetError
) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        fail_everywhere(w, error)
        run = await w.refresh()
        assert (run.status, str(error) in str(run.message)) == (RunStatus.FAILED, True)
        assert (await tenant(w)).state is TenantState.READY


async def test_a_document_that_wizchat_refuses_is_a_bad_document_and_no_failed_run(tmp_path: Path) -> None:
    async with world(tmp_path, {BOT: spec()}, {path_of(): document(spec())}) as w:
        w.target.fail(RequestRefused("WizChat refused the request with bad_request: no"), BOT, times=None)
        run = await w.refresh()
        assert (run.status, run.counts.uncompared) == (RunStatus.SUCCEEDED, 1)
        assert (await tenant(w)).state is TenantState.READY


async def test_one_sources_only_chatbot_that_fails_is_not_its_tenants_failure(tmp_path: Path) -> None:
    other = FakeSource({path_of("bot_2"): document(spec(), "bot_2")})
    live = {BOT: spec(), "bot_2": spec()}
    async with world(tmp_path, live, {path_of(): document(spec())}, more_sources={"other": other}) as w:
        w.target.fail(BadAnswer("the answer holds text that cannot be kept"), "bot_2", times=None)
        run = await w.refresh(source="other")
        assert run.status is RunStatus.FAILED
        assert (await tenant(w)).state is TenantState.READY


async def test_an_unreadable_list_alone_stops_no_comparison(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        w.target.fail(TargetUnreachable("WizChat answered with status 504: try again later"), None, times=None)
        run = await w.refresh()
        assert (run.status, run.counts.dry_runs, run.counts.uncompared) == (RunStatus.SUCCEEDED, 3, 0)
        assert "The list of chatbots could not be read" in str(run.message)
        assert (await tenant(w)).state is TenantState.READY


async def test_every_look_at_git_leaves_the_drift_check_where_it_is(tmp_path: Path) -> None:
    """Only a full run compares the live side as a whole, so only it puts the next one off."""
    async with world(tmp_path, LIVE, FILES) as w:
        first = await w.source_record()
        w.clock.advance(60)
        await w.refresh(full=False)
        light = await w.source_record()
        assert (light.drift_checked_at, light.compared_at) == (first.drift_checked_at, first.compared_at)
        assert light.git_checked_at == w.clock.now()
        await w.refresh()
        full = await w.source_record()
        assert (full.drift_checked_at, full.compared_at) == (w.clock.now(), w.clock.now())


async def test_a_chatbot_whose_dry_run_failed_is_asked_again_by_the_next_look(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        w.target.fail(TargetUnreachable("try again later"), BOT)
        await w.refresh()
        failed = await w.chatbot()
        assert (failed.sync, failed.fault, failed.checked_digest) == (Sync.UNKNOWN, Reason.TARGET_UNREACHABLE, None)
        w.target.calls.clear()
        await w.refresh(full=False)
        assert (await w.chatbot()).sync is Sync.SYNCED
        assert [call for call in w.target.calls if call[0] == "dry_run"] == [("dry_run", BOT)]


def test_a_tenant_that_was_never_asked_claims_no_health() -> None:
    assert (TenantRecord(name=SOURCE).state, TenantRecord(name=SOURCE).cause) == (None, NOT_ASKED)
