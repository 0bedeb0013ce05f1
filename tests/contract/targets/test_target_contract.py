"""The same cases over the fake and over the real target, which talks to a sandbox through a socket."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from api_client.contract import SECTIONS, server_owned_paths
from api_client.sandbox import SandboxServer
from api_client.sandbox.edits import Edit, edited
from reconciler.domain.apply_answers import ApplyAnswered, ApplyRefused, ApplyUnclear
from reconciler.domain.canonical import canonical_bytes
from reconciler.domain.plan import Action, Op, propose
from reconciler.errors import (
    ChatbotNotFound,
    RequestRefused,
    ScopeMissing,
    TargetError,
    TargetRateLimited,
    TargetUnauthorized,
)
from reconciler.ports import Target, Writer
from reconciler.targets.wizchat import Access, WizChatTarget, WizChatWriter
from tests.fakes.clock import FakeClock
from tests.fakes.target import Effect, FakeTarget, FakeWriter
from tests.support.defaults import call_budget
from tests.support.simulated_time import time_flies

pytestmark = pytest.mark.anyio
BOT = "bot_7f3a"
REFUSALS: dict[int, tuple[str, TargetError]] = {
    401: ("unauthorized", TargetUnauthorized("put a valid key in write_api_key")),
    403: ("insufficient_scope", ScopeMissing("add a scope")),
    429: ("rate_limited", TargetRateLimited("wait")),
}


@dataclass(frozen=True, slots=True)
class World:
    """A WizChat and what a test may do to it from outside."""

    target: Target
    writer: Writer
    edit: Callable[..., Any]
    lose_answer: Callable[[Effect], Any]
    let_writes_go: Callable[[], Any]
    fail_at: Callable[[str, str], Any]
    writes: Callable[[], int]
    answer_with: Callable[[int], Any]


def _fake() -> World:
    target = FakeTarget()
    writer = FakeWriter(target)

    def edit(chatbot_id: str, section: str, **change: Any) -> None:
        chatbot = target.fleet.get(chatbot_id)
        assert chatbot is not None
        edited(chatbot, Edit(section=section, **change), target.clock.now())

    def answer_with(status: int) -> None:
        code, error = REFUSALS[status]
        writer.key_error = error
        writer.answer(ApplyRefused(code, "No."))

    return World(
        target,
        writer,
        edit,
        writer.lose_answer,
        writer.let_writes_go,
        writer.fail_at,
        lambda: len(writer.writes),
        answer_with,
    )


def _real(server: SandboxServer, target: Target, writer: Writer) -> World:
    control = server.control
    match_write = {"dry_run": False}
    faults = {Effect.NONE: "drop_before", Effect.AT_ONCE: "drop_after", Effect.LATE: "late_write"}
    return World(
        target,
        writer,
        control.edit,
        lambda effect: control.add_fault(faults[effect], match=match_write),
        control.let_writes_go,
        lambda section, key: control.add_fault("op_failure", section=section, key=key),
        lambda: len(control.writes()),
        lambda status: control.add_fault("status", times=None, status=status),
    )


@pytest.fixture(params=["fake", "sandbox"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    if request.param == "fake":
        yield _fake()
        return
    clock = FakeClock()
    budget = call_budget("default", clock, requests_per_minute=60_000)
    with SandboxServer() as server:
        access = Access("default", server.url, server.api_key)
        async with (
            WizChatTarget(access, budget) as target,
            WizChatWriter(access, budget) as writer,
            time_flies(clock),
        ):
            yield _real(server, target, writer)


async def _with_name(target: Target, name: str) -> dict[str, Any]:
    body = dict(await target.export(BOT))
    return {**body, "prune": True, "spec": {**body["spec"], "core": {**body["spec"]["core"], "name": name}}}


async def _sendable(world: World, body: dict[str, Any]) -> tuple[bytes, tuple[Op, ...]]:
    proposal = propose("default", BOT, body, await world.target.dry_run(BOT, body))
    assert proposal is not None
    return canonical_bytes(proposal.body), proposal.ops


async def test_lists_every_chatbot_with_its_name(world: World) -> None:
    live = {chatbot.id: chatbot for chatbot in await world.target.chatbots()}
    assert live[BOT].name == "Acme Support Bot"
    updated_at = live[BOT].updated_at
    assert updated_at is not None
    assert updated_at.tzinfo is not None


async def test_an_export_holds_no_server_owned_field(world: World) -> None:
    spec = (await world.target.export(BOT))["spec"]
    assert list(spec) == [section for section in SECTIONS if section in spec]
    owned = {path for section in ("skills", "mcpServers") for path in server_owned_paths(section)}
    assert not owned & {name for section in ("skills", "mcpServers") for item in spec[section] for name in item}


async def test_a_dry_run_of_an_export_is_all_noop(world: World) -> None:
    for chatbot in await world.target.chatbots():
        ops = await world.target.dry_run(chatbot.id, await world.target.export(chatbot.id))
        assert ops
        assert {op.action for op in ops} == {Action.NOOP}


async def test_two_dry_runs_of_the_same_body_give_the_same_fingerprint(world: World) -> None:
    """Rule 2: what moves by itself, such as counters and timestamps, is no part of it."""
    body = await _with_name(world.target, "Renamed")
    first, second = [propose("default", BOT, body, await world.target.dry_run(BOT, body)) for _ in range(2)]
    assert first is not None
    assert first == second


async def test_a_dry_run_names_changed_fields_and_keys(world: World) -> None:
    world.edit(BOT, "skills", key="refunds", set={"mode": "always"})
    world.edit(BOT, "domains", key="new.acme.example", value={"domain": "new.acme.example"})
    body = {"apiVersion": "v1", "kind": "ChatbotConfig", "spec": {"skills": [{"name": "refunds", "mode": "on_demand"}]}}
    ops = await world.target.dry_run(BOT, {**body, "prune": False})
    (update,) = [op for op in ops if op.action is Action.UPDATE]
    assert (update.section, update.key, update.changed_fields) == ("skills", "refunds", ("mode",))
    assert update.essence().before == {"mode": "always"}
    assert update.essence().after == {"mode": "on_demand"}


async def test_an_unknown_chatbot_says_what_to_change(world: World) -> None:
    with pytest.raises(ChatbotNotFound, match=r"bot_nope was not found.*metadata\.chatbotId"):
        await world.target.export("bot_nope")


async def test_a_body_that_the_contract_refuses_is_refused(world: World) -> None:
    with pytest.raises(RequestRefused, match="bad_request"):
        await world.target.dry_run(BOT, {"apiVersion": "v1", "kind": "ChatbotConfig", "spec": {"skils": []}})


async def test_an_apply_is_answered_and_a_dry_run_then_finds_nothing(world: World) -> None:
    body = await _with_name(world.target, "Renamed")
    sent, _ = await _sendable(world, body)
    answer = await world.writer.apply(BOT, sent)
    assert answer == ApplyAnswered(({"section": "core", "action": "update"},))
    assert {op.action for op in await world.target.dry_run(BOT, body)} == {Action.NOOP}
    assert world.writes() == 1


async def test_a_partial_failure_is_answered(world: World) -> None:
    body = await _with_name(world.target, "Renamed")
    skills = [{**skill, "enabled": not skill["enabled"]} for skill in body["spec"]["skills"]]
    sent, _ = await _sendable(world, {**body, "spec": {**body["spec"], "skills": skills}})
    world.fail_at("skills", "refunds")
    answer = await world.writer.apply(BOT, sent)
    assert isinstance(answer, ApplyAnswered)
    assert answer.failed is not None
    assert answer.failed["code"] == "conflict"
    assert {"section": "core", "action": "update"} in answer.applied


@pytest.mark.parametrize("effect", list(Effect))
async def test_a_lost_answer_is_unclear_whatever_became_of_the_write(world: World, effect: Effect) -> None:
    """Rule 4: unknown, and told apart by reading back only."""
    body = await _with_name(world.target, "Renamed")
    sent, ops = await _sendable(world, body)
    world.lose_answer(effect)
    assert isinstance(await world.writer.apply(BOT, sent), ApplyUnclear)
    fresh = await world.target.dry_run(BOT, body)
    changed = [op.essence() for op in fresh if not op.is_noop]
    assert changed == ([] if effect is Effect.AT_ONCE else list(ops))
    world.let_writes_go()
    changed = [op for op in await world.target.dry_run(BOT, body) if not op.is_noop]
    assert bool(changed) is (effect is Effect.NONE)
    assert world.writes() == 1


async def test_an_apply_to_an_unknown_chatbot_is_refused(world: World) -> None:
    body = {"apiVersion": "v1", "kind": "ChatbotConfig", "prune": False, "spec": {"core": {"name": "x"}}}
    answer = await world.writer.apply("bot_nope", canonical_bytes(body))
    assert isinstance(answer, ApplyRefused)
    assert answer.code == "not_found"


async def test_a_key_that_is_taken_is_checked_without_writing_anything(world: World) -> None:
    await world.writer.check_key()
    assert world.writer.key_id
    assert world.writes() == 0


@pytest.mark.parametrize("status", [401, 403])
async def test_a_key_that_is_refused_says_so_to_a_check_and_to_an_apply(world: World, status: int) -> None:
    sent, _ = await _sendable(world, await _with_name(world.target, "Renamed"))
    world.answer_with(status)
    code, error = REFUSALS[status]
    with pytest.raises(type(error)):
        await world.writer.check_key()
    answer = await world.writer.apply(BOT, sent)
    assert isinstance(answer, ApplyRefused)
    assert answer.code == code


async def test_a_check_that_is_put_off_says_nothing_of_the_key(world: World) -> None:
    world.answer_with(429)
    with pytest.raises(TargetRateLimited):
        await world.writer.check_key()
