"""The real target and writer against a sandbox, over a socket."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from api_client.sandbox import ALL_SCOPES, ApiKey, SandboxServer, generated_fleet
from reconciler.domain.apply_answers import ApplyAnswered, ApplyRefused, ApplyUnclear, NotSent
from reconciler.domain.canonical import canonical_bytes
from reconciler.domain.plan import propose
from reconciler.errors import (
    BadAnswer,
    ChatbotNotFound,
    QuotaExceeded,
    RequestRefused,
    ScopeMissing,
    SettingsError,
    TargetUnauthorized,
    TargetUnreachable,
)
from reconciler.targets.budget import CallBudget
from reconciler.targets.wizchat import Access, WizChatTarget, WizChatWriter
from tests.fakes.clock import FakeClock
from tests.support.defaults import call_budget
from tests.support.simulated_time import time_flies

pytestmark = pytest.mark.anyio
BOT = "bot_7f3a"
KEYS = (
    ApiKey("all", "wpk_live_all"),
    ApiKey("no-skills", "wpk_live_no_skills", scopes=ALL_SCOPES - {"skills:read"}),
    ApiKey("reader", "wpk_live_reader", scopes=frozenset(s for s in ALL_SCOPES if s.endswith(":read"))),
    ApiKey("one-bot", "wpk_live_one_bot", chatbots=frozenset({"bot_51c2"})),
    ApiKey("used-up", "wpk_live_used_up", daily_quota=1),
)
RENAME = canonical_bytes(
    {"apiVersion": "v1", "kind": "ChatbotConfig", "prune": False, "spec": {"core": {"name": "Renamed"}}}
)


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    with SandboxServer(keys=KEYS) as running:
        yield running


@pytest.fixture
def budget() -> CallBudget:
    return call_budget("acme", FakeClock(), requests_per_minute=60_000)


@asynccontextmanager
async def _target(url: str, budget: CallBudget, key: str = "wpk_live_all") -> AsyncIterator[WizChatTarget]:
    async with WizChatTarget(Access("acme", url, key), budget) as target:
        yield target


@asynccontextmanager
async def _writer(
    url: str, budget: CallBudget, key: str = "wpk_live_all", deadline: timedelta = timedelta(minutes=1)
) -> AsyncIterator[WizChatWriter]:
    async with WizChatWriter(Access("acme", url, key), budget, deadline=deadline) as writer:
        yield writer


def _nobody_listens() -> str:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return f"http://127.0.0.1:{taken.getsockname()[1]}"


async def test_a_wrong_key_names_the_tenant_and_never_the_key(server: SandboxServer, budget: CallBudget) -> None:
    async with _target(server.url, budget, "wpk_live_wrong") as target:
        with pytest.raises(TargetUnauthorized, match=r"api_key .WIZCHAT_API_KEY. of tenant acme") as refused:
            await target.chatbots()
    assert "wpk_live_wrong" not in repr(refused.value) + str(refused.value.__cause__) + repr(Access("t", "u", "wpk_"))


async def test_a_missing_scope_is_named_with_its_section(server: SandboxServer, budget: CallBudget) -> None:
    async with _target(server.url, budget, "wpk_live_no_skills") as target:
        body = {"apiVersion": "v1", "kind": "ChatbotConfig", "spec": {"skills": []}}
        with pytest.raises(ScopeMissing, match=r"skills:read \(for spec\.skills\)"):
            await target.dry_run(BOT, body)
        assert (await target.export(BOT))["_omittedSections"] == ["skills"]


async def test_a_chatbot_outside_the_key_is_not_found(server: SandboxServer, budget: CallBudget) -> None:
    async with _target(server.url, budget, "wpk_live_one_bot") as target:
        with pytest.raises(ChatbotNotFound, match="may not use chatbot bot_7f3a"):
            await target.export(BOT)


async def test_an_id_that_is_no_path_segment_is_refused(server: SandboxServer, budget: CallBudget) -> None:
    async with _target(server.url, budget) as target, _writer(server.url, budget) as writer:
        with pytest.raises(RequestRefused, match="cannot be asked for"):
            await target.export("..")
        refused = await writer.apply("..", RENAME)
        assert isinstance(refused, ApplyRefused)
        assert (refused.code, "names no chatbot" in refused.message) == ("bad_request", True)


async def test_a_used_up_quota_is_met_once(server: SandboxServer, budget: CallBudget) -> None:
    async with _target(server.url, budget, "wpk_live_used_up") as target:
        await target.chatbots()
        for _ in range(3):
            with pytest.raises(QuotaExceeded, match="daily quota of tenant acme"):
                await target.chatbots()
    assert server.control.journal()["counts"]["requests"] == 2
    async with _writer(server.url, budget) as writer:
        assert isinstance(await writer.apply(BOT, RENAME), NotSent)
    assert server.control.writes() == []


async def test_reads_survive_a_stumble_and_count_it(server: SandboxServer, budget: CallBudget) -> None:
    server.control.add_fault("status", status=503, times=1)
    async with _target(server.url, budget) as target:
        assert await target.chatbots()
    assert budget.view().used_today == 2


async def test_an_unreadable_answer_says_to_check_the_address(server: SandboxServer, budget: CallBudget) -> None:
    server.control.add_fault("malformed")
    async with _target(server.url, budget) as target:
        with pytest.raises(BadAnswer, match="base_url of tenant acme"):
            await target.chatbots()


async def test_nobody_listening_is_unreachable_for_reads_and_not_sent_for_an_apply(budget: CallBudget) -> None:
    url = _nobody_listens()
    async with _writer(url, budget) as writer:
        assert isinstance(await writer.apply(BOT, RENAME), NotSent)
    async with _target(url, budget) as target:
        with pytest.raises(TargetUnreachable, match="check base_url"):
            await target.chatbots()


async def test_an_apply_ends_at_its_deadline(server: SandboxServer, budget: CallBudget) -> None:
    # as good as for ever: an apply without a deadline would be waited for, and answered
    server.control.add_fault("latency", ms=120_000, match={"dry_run": False})
    async with _writer(server.url, budget, deadline=timedelta(seconds=0.2)) as writer:
        assert isinstance(await writer.apply(BOT, RENAME), ApplyUnclear)


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "html", "status": 502},
        {"kind": "html", "status": 403},
        {"kind": "status", "status": 500},
        {"kind": "status", "status": 500, "envelope": "none"},
        {"kind": "truncated"},
        {"kind": "malformed"},
        {"kind": "drop_before"},
        {"kind": "drop_after"},
    ],
    ids=str,
)
async def test_whatever_proves_nothing_is_unclear_and_sent_once(
    server: SandboxServer, budget: CallBudget, fault: dict[str, object]
) -> None:
    """Rule 4: anything else is unknown, and never re-sent."""
    server.control.add_fault(**fault, match={"dry_run": False})  # type: ignore[arg-type]  # `kind` is among them
    async with _writer(server.url, budget) as writer:
        assert isinstance(await writer.apply(BOT, RENAME), ApplyUnclear)
    assert len(server.control.writes()) == 1


async def test_the_write_key_needs_its_scope(server: SandboxServer, budget: CallBudget) -> None:
    async with _writer(server.url, budget, "wpk_live_reader") as writer:
        answer = await writer.apply(BOT, RENAME)
    assert isinstance(answer, ApplyRefused)
    assert answer.code == "insufficient_scope"


async def test_a_refused_apply_names_the_scope_and_what_it_guards(server: SandboxServer, budget: CallBudget) -> None:
    async with _writer(server.url, budget, "wpk_live_reader") as writer:
        answer = await writer.apply(BOT, RENAME)
    assert isinstance(answer, ApplyRefused)
    assert (answer.scope, answer.sections) == ("chatbots:write", ("core", "scopes"))


async def test_a_check_of_the_write_key_is_one_read_that_is_counted(server: SandboxServer, budget: CallBudget) -> None:
    async with _writer(server.url, budget) as writer:
        await writer.check_key()
    assert (budget.view().used_today, server.control.writes()) == (1, [])


async def test_a_refused_write_key_names_its_own_setting_and_never_the_key(
    server: SandboxServer, budget: CallBudget
) -> None:
    async with _writer(server.url, budget, "wpk_live_wrong") as writer:
        with pytest.raises(TargetUnauthorized, match=r"write_api_key \(WIZCHAT_WRITE_API_KEY\)") as refused:
            await writer.check_key()
        assert "wpk_live_wrong" not in f"{refused.value}{writer.key_id}"
        async with _writer(server.url, budget, "wpk_live_reader") as other, _writer(server.url, budget) as third:
            assert len({writer.key_id, other.key_id, third.key_id}) == 3


async def test_what_is_sent_are_the_given_bytes(server: SandboxServer, budget: CallBudget) -> None:
    """Rule 2."""
    async with _target(server.url, budget) as target, _writer(server.url, budget) as writer:
        body = {"apiVersion": "v1", "kind": "ChatbotConfig", "spec": {"core": {"name": "Zoë"}}}
        proposal = propose("acme", BOT, body, await target.dry_run(BOT, body))
        assert proposal is not None
        assert isinstance(await writer.apply(BOT, canonical_bytes(proposal.body)), ApplyAnswered)
    (write,) = server.control.writes()
    assert canonical_bytes(write["body"]) == canonical_bytes(proposal.body)


async def test_a_field_of_tomorrow_disturbs_nobody(server: SandboxServer, budget: CallBudget) -> None:
    server.control.add_fault("extra_field", times=None)
    async with _target(server.url, budget) as target:
        body = await target.export(BOT)
        assert {op.is_noop for op in await target.dry_run(BOT, body)} == {True}
        assert "futureField" not in str(body)


async def test_many_dry_runs_share_the_connections(budget: CallBudget) -> None:
    with SandboxServer(fleet=generated_fleet(60), latency=0.01) as server:
        async with _target(server.url, budget, server.api_key) as target:
            bodies = await asyncio.gather(*(target.export(f"bot_{n:05}") for n in range(60)))
    assert len(bodies) == 60


@pytest.mark.parametrize("access", [Access("acme", "ftp://x", "wpk_live_x"), Access("acme", "https://x", "")])
async def test_settings_that_cannot_work_name_the_tenant(access: Access, budget: CallBudget) -> None:
    with pytest.raises(SettingsError, match="tenant acme: "):
        WizChatTarget(access, budget)


async def test_reads_that_are_refused_because_of_the_pace_are_made_again(server: SandboxServer) -> None:
    clock = FakeClock()
    budget = call_budget("acme", clock, requests_per_minute=60_000, concurrency=4)
    server.control.add_fault("status", status=429, code="rate_limited", retry_after="1", times=3)
    async with _target(server.url, budget) as target, time_flies(clock):
        lists = await asyncio.gather(*(target.chatbots() for _ in range(8)))
    assert all(lists)
    requests = server.control.journal()["requests"]
    assert [request["status"] for request in requests].count(429) == 3
    assert len(requests) == 8 + 3
    view = budget.view()
    assert (view.used_today, view.refused) == (8 + 3, 3)
