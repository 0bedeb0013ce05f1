"""What each repository of a store promises beyond get, add and save."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from reconciler.domain.auto_apply_rules import Switch
from reconciler.domain.canonical import digest
from reconciler.domain.circuit_breaker import Fleet, Stake
from reconciler.domain.direction import NO_BASELINE, DirectedOp, SectionBaseline
from reconciler.domain.entities import RunStatus
from reconciler.domain.lifecycle import ApplyStatus, PlanStatus
from reconciler.domain.plan import Action, Op, Summary
from reconciler.domain.retention import Expiring
from reconciler.domain.status import Direction, Reason
from reconciler.domain.suspensions import ScopeKind
from reconciler.domain.tenant import TenantRecord, TenantState
from reconciler.domain.write_key import MissingRight, WriteKey, WriteKeyState
from reconciler.errors import Conflict
from reconciler.storage import Store, tables
from reconciler.storage.repositories.renaming import SOURCE_COLUMNS
from tests.fakes.clock import START
from tests.support import records
from tests.support.records import BODY

pytestmark = pytest.mark.anyio
TENANT = TenantRecord(
    name="acme",
    state=TenantState.UNREACHABLE,
    cause="check base_url",
    since=START,
    write_key=WriteKey(
        key_id="key_1",
        state=WriteKeyState.PROVEN,
        since=START,
        missing=(MissingRight(scope="skills:write", sections=("skills",), since=START),),
    ),
)


async def test_what_is_not_there_is_none(store: Store) -> None:
    async with store.read() as uow:
        assert await uow.sources.get("none") is None
        assert await uow.tenants.get("none") is None
        assert await uow.runs.get("none") is None
        assert await uow.documents.get("none", "none") is None
        assert await uow.chatbots.get("none", "none") is None
        assert await uow.plans.get("none") is None
        assert await uow.applies.get("none") is None
        assert await uow.tokens.get("none") is None
        assert await uow.people.called("none") == []
        assert await uow.people.known_as("none", "none") is None
        assert await uow.sessions.by_hash("none") is None
        assert await uow.switches.get("none") is None
        assert await uow.runs.queued("none") is None
        assert await uow.baselines.get("none", "none") == NO_BASELINE


async def test_everything_comes_back_as_it_was_given(store: Store) -> None:
    async with store.begin() as uow:
        await uow.sources.add(records.a_source(next_run_at=START))
        await uow.tenants.add(TENANT)
        await uow.runs.add(records.a_run(finished_at=START))
        await uow.documents.replace("main", [records.a_document(labels={"a.b/c": 'd"'})])
        await uow.chatbots.add(records.a_chatbot(checked_at=START))
        await uow.plans.add(records.a_plan())
        await uow.applies.add(records.an_apply(applied=({"section": "core"},), failed={"code": "x"}))
        await uow.approvals.add(records.an_approval(spent_at=START, spent_by="apply_1"))
        await uow.suspensions.add(records.a_suspension(until=START))
        await uow.tokens.add(records.a_token(sources=("main",)))
        await uow.people.add(records.a_person(groups=("editors", "ops")))
        await uow.sessions.add(records.a_session(token_id="tok_1"))
        await uow.switches.add(Switch(name="auto_apply", value="additive", since=START))
    async with store.read() as uow:
        assert await uow.sources.get("main") == records.a_source(next_run_at=START)
        assert await uow.tenants.get("acme") == TENANT
        assert await uow.tenants.all() == await store.queries.tenants() == [TENANT]
        assert await uow.runs.get("run_1") == records.a_run(finished_at=START)
        assert await uow.documents.get("main", "bot_1") == records.a_document(labels={"a.b/c": 'd"'})
        assert await uow.chatbots.get("acme", "bot_1") == records.a_chatbot(checked_at=START)
        assert await uow.plans.get("plan_1") == records.a_plan()
        assert await uow.applies.get("apply_1") == records.an_apply(
            applied=({"section": "core"},), failed={"code": "x"}
        )
        assert await uow.approvals.of_plan("plan_1") == [records.an_approval(spent_at=START, spent_by="apply_1")]
        assert await uow.suspensions.active() == [records.a_suspension(until=START)]
        assert await uow.tokens.all() == [records.a_token(sources=("main",))]
        assert await uow.people.all() == [records.a_person(groups=("editors", "ops"))]
        assert [await uow.people.known_as("https://id.example.com", "sub of ana")] == await uow.people.called("ana")
        assert await uow.sessions.by_hash("hash of session_1") == records.a_session(token_id="tok_1")
        assert await uow.switches.get("auto_apply") == Switch(name="auto_apply", value="additive", since=START)


async def test_adding_what_is_there_is_a_conflict(store: Store) -> None:
    async with store.begin() as uow:
        await uow.sources.add(records.a_source())
    with pytest.raises(Conflict):
        async with store.begin() as uow:
            await uow.sources.add(records.a_source())


async def test_runs_that_wait_and_runs_that_run(store: Store) -> None:
    queued = records.a_run("queued", status=RunStatus.QUEUED)
    running = records.a_run("running", status=RunStatus.RUNNING)
    async with store.begin() as uow:
        for run in (records.a_run("done"), queued, running):
            await uow.runs.add(run)
        assert await uow.runs.queued("main") == queued
        assert await uow.runs.queued("other") is None
        assert await uow.runs.running() == [running]


async def test_documents_of_a_source_are_replaced_as_a_whole(store: Store) -> None:
    async with store.begin() as uow:
        await uow.documents.replace("main", [records.a_document("bot_1"), records.a_document("bot_2")])
        await uow.documents.replace("other", [records.a_document("bot_3", source="other")])
        await uow.documents.replace("main", [records.a_document("bot_2", digest="e" * 64)])
        assert await uow.documents.of_source("main") == [records.a_document("bot_2", digest="e" * 64)]
        assert [one.chatbot_id for one in await uow.documents.of_source("other")] == ["bot_3"]


async def test_what_a_chatbot_does_not_show_of_a_source_is_unfollowed(store: Store) -> None:
    refused = {"body": None, "digest": None, "refusal": Reason.CLAIMED_TWICE, "refusal_message": "no"}
    chatbots = {
        "mine": {"source": "one", "fault": None},
        "theirs": {"source": "two", "fault": None},
        "nobodys": {"fault": Reason.UNMANAGED},
        "mended": {"source": "one", "fault": Reason.CLAIMED_TWICE},
        "missing": {"source": "one", "fault": Reason.CHATBOT_MISSING},
        "twice": {"source": "one", "fault": Reason.CLAIMED_TWICE},
    }
    claims = [records.a_document(key, source="one", **(refused if key == "twice" else {})) for key in chatbots]
    async with store.begin() as uow:
        await uow.documents.replace("one", claims)
        for key, changes in chatbots.items():
            await uow.chatbots.add(records.a_chatbot(key, **changes))
            await uow.chatbots.add(records.a_chatbot(key, tenant="other", source="elsewhere"))
    async with store.read() as uow:
        found = await uow.documents.unfollowed("one")
        assert await uow.documents.unfollowed("two") == []
    assert [claim.chatbot_id for claim in found] == ["mended", "nobodys", "theirs"]
    assert {claim.source for claim in found} == {"one"}


async def test_held_elsewhere_is_what_the_other_source_states_that_a_chatbot_follows(store: Store) -> None:
    async with store.begin() as uow:
        await uow.documents.replace("one", [records.a_document(key, source="one") for key in ("a", "b", "c", "d")])
        await uow.documents.replace("two", [records.a_document(key, source="two") for key in ("a", "b", "e")])
        await uow.documents.replace("three", [records.a_document("d", source="three", tenant="other")])
        for key, source in {"a": "two", "b": "one", "c": "two", "d": "three", "e": "two"}.items():
            await uow.chatbots.add(records.a_chatbot(key, source=source))
    async with store.read() as uow:
        held = {name: await uow.documents.held_elsewhere(name) for name in ("one", "two", "three")}
    assert {name: [(one.source, one.chatbot_id) for one in found] for name, found in held.items()} == {
        "one": [("two", "a")],  # c was let go, and the other tenant's d is another chatbot
        "two": [("one", "b")],
        "three": [],
    }


@pytest.mark.parametrize(
    ("kind", "subject", "covered"),
    [
        (ScopeKind.CHATBOT, "a", ["acme/a", "other/a"]),
        (ScopeKind.SOURCE, "main", ["acme/a"]),
        (ScopeKind.TENANT, "acme", ["acme/a", "acme/b"]),
        (ScopeKind.ALL, "", ["acme/a", "acme/b", "other/a"]),
    ],
)
async def test_a_scope_covers_its_chatbots(store: Store, kind: ScopeKind, subject: str, covered: list[str]) -> None:
    async with store.begin() as uow:
        await uow.chatbots.add(records.a_chatbot("a", source="main"))
        await uow.chatbots.add(records.a_chatbot("b"))
        await uow.chatbots.add(records.a_chatbot("a", tenant="other"))
        found = await uow.chatbots.in_scope(kind, subject)
    assert [f"{chatbot.tenant}/{chatbot.id}" for chatbot in found] == covered


async def test_a_chatbot_is_removed_unless_it_changed(store: Store) -> None:
    async with store.begin() as uow:
        await uow.chatbots.add(records.a_chatbot())
        changed = await uow.chatbots.save(records.a_chatbot(epoch=1))
    with pytest.raises(Conflict):
        async with store.begin() as uow:
            await uow.chatbots.remove(records.a_chatbot())
    async with store.begin() as uow:
        await uow.chatbots.remove(changed)
        assert await uow.chatbots.of_tenant("acme") == []


async def test_a_baseline_is_put_and_put_again(store: Store) -> None:
    first = {"core": SectionBaseline({"": {"name": "Acme"}}, frozenset())}
    second = {"skills": SectionBaseline({"refunds": {"body": "…"}}, frozenset({"b", "a"}))}
    async with store.begin() as uow:
        await uow.baselines.put("acme", "bot_1", first)
        assert await uow.baselines.get("acme", "bot_1") == first
        await uow.baselines.put("acme", "bot_1", second)
        await uow.baselines.put("acme", "bot_2", NO_BASELINE)
    async with store.read() as uow:
        assert await uow.baselines.get("acme", "bot_1") == second
        assert await uow.baselines.get("acme", "bot_2") == {}


async def test_plans_expire_only_while_undecided_and_without_an_apply(store: Store) -> None:
    later = START + timedelta(microseconds=1)
    plans = [
        records.a_plan("due", expires_at=START),
        records.a_plan("approved", expires_at=START, status=PlanStatus.APPROVED),
        records.a_plan("later", expires_at=later),
        records.a_plan("closed", expires_at=START, status=PlanStatus.REJECTED),
        records.a_plan("applying", expires_at=START, status=PlanStatus.APPROVED, apply_id="apply_1"),
    ]
    async with store.begin() as uow:
        for number, plan in enumerate(plans):
            await uow.plans.add(replace(plan, chatbot_id=f"bot_{number}"))
        assert [plan.id for plan in await uow.plans.undecided_before(START)] == ["approved", "due"]


async def test_unfinished_applies_come_oldest_first(store: Store) -> None:
    async with store.begin() as uow:
        await uow.plans.add(records.a_plan())
        for minutes, status in enumerate(reversed(ApplyStatus)):
            await uow.applies.add(
                records.an_apply(status.value, status=status, created_at=START + timedelta(minutes=minutes))
            )
        found = [apply.status for apply in await uow.applies.unfinished()]
    assert found == [ApplyStatus.OUTCOME_UNKNOWN, ApplyStatus.APPLYING, ApplyStatus.QUEUED]


async def test_a_suspension_that_ended_is_not_active(store: Store) -> None:
    async with store.begin() as uow:
        await uow.suspensions.add(records.a_suspension("ended"))
        await uow.suspensions.save(records.a_suspension("ended", ended_at=START, ended_by="ana"))
        await uow.suspensions.add(records.a_suspension("expired", until=START - timedelta(days=1)))
        assert [suspension.id for suspension in await uow.suspensions.active()] == ["expired"]


async def test_the_clock_of_the_transaction_is_the_database_s(store: Store) -> None:
    async with store.begin() as uow:
        assert (await uow.now()).utcoffset() == timedelta(0)


async def test_some_of_many_are_found_by_their_ids(store: Store) -> None:
    baseline = {"core": SectionBaseline({"": {"name": "Acme"}}, frozenset())}
    async with store.begin() as uow:
        for name in ("a", "b", "c"):
            await uow.chatbots.add(records.a_chatbot(name))
            await uow.baselines.put("acme", name, baseline)
            await uow.plans.add(records.a_plan(f"plan_{name}", chatbot_id=name))
        await uow.chatbots.add(records.a_chatbot("a", tenant="other"))
        assert list(await uow.chatbots.some("acme", ["a", "c", "none"])) == ["a", "c"]
        assert await uow.baselines.some("acme", ["b", "none"]) == {"b": baseline}
        assert list(await uow.plans.some(["plan_c", "none"])) == ["plan_c"]
        assert await uow.plans.some([]) == {}


async def test_many_chatbots_are_saved_at_once_each_with_its_new_version(store: Store) -> None:
    async with store.begin() as uow:
        for name in ("a", "b"):
            await uow.chatbots.add(records.a_chatbot(name))
        await uow.chatbots.save_all([records.a_chatbot("a", epoch=1), records.a_chatbot("b", epoch=2)])
        await uow.chatbots.save_all([])
    async with store.read() as uow:
        found = await uow.chatbots.of_tenant("acme")
    assert [(one.id, one.epoch, one.version) for one in found] == [("a", 1, 1), ("b", 2, 1)]


async def test_many_chatbots_are_not_saved_when_one_of_them_changed(store: Store) -> None:
    async with store.begin() as uow:
        for name in ("a", "b"):
            await uow.chatbots.add(records.a_chatbot(name))
        await uow.chatbots.save(records.a_chatbot("b", epoch=1))
    with pytest.raises(Conflict, match="a chatbot was changed meanwhile"):
        async with store.begin() as uow:
            await uow.chatbots.save_all([records.a_chatbot("a", epoch=2), records.a_chatbot("b", epoch=2)])
    async with store.read() as uow:
        assert [one.epoch for one in await uow.chatbots.of_tenant("acme")] == [0, 1]


async def test_a_baseline_is_packed_by_the_document_that_its_chatbot_follows_as_long_as_it_is_there(
    store: Store,
) -> None:
    text = "Be kind to everybody who asks. " * 40
    body = {**BODY, "spec": {"core": {"name": "A", "behavior": {"systemPrompt": text}}}}
    agreed = {"core": SectionBaseline({"": {"behavior": {"systemPrompt": text}, "name": "A"}})}
    document = records.a_document(body=body, digest=digest(body))

    async def bodies() -> int:
        async with store._reading() as transaction:
            count = select(func.count()).select_from(tables.document_bodies)
            return (await transaction.connection.scalars(count)).one()

    async with store.begin() as uow:
        await uow.sources.add(records.a_source("main"))
        await uow.chatbots.add(records.a_chatbot(source="main"))
        await uow.documents.change("main", [document])
        await uow.baselines.put("acme", "bot_1", agreed)
        await uow.documents.change("main", [records.a_document(digest="e" * 64)])
        assert await uow.baselines.get("acme", "bot_1") == agreed
    assert await bodies() == 2
    async with store.begin() as uow:
        await uow.sources.rename({"main": "renamed"})
        assert await uow.baselines.get("acme", "bot_1") == agreed
        await uow.documents.give_up("renamed")
        record = await uow.sources.get("renamed")
        assert record is not None
        await uow.sources.remove(record)
        assert await uow.baselines.get("acme", "bot_1") == agreed
    assert await bodies() == 1
    async with store.begin() as uow:
        await uow.baselines.put("acme", "bot_1", agreed)
        assert await uow.baselines.get("acme", "bot_1") == agreed
    assert await bodies() == 0


async def test_many_baselines_are_put_at_once(store: Store) -> None:
    old, new = ({"core": SectionBaseline({"": {"name": name}}, frozenset())} for name in ("Old", "New"))
    async with store.begin() as uow:
        await uow.baselines.put_all("acme", {"a": old, "b": old})
        await uow.baselines.put_all("acme", {"b": new, "c": new})
        await uow.baselines.put_all("acme", {})
        assert await uow.baselines.some("acme", ["a", "b", "c"]) == {"a": old, "b": new, "c": new}


async def test_two_people_are_never_one_at_their_issuer(store: Store) -> None:
    async with store.begin() as uow:
        await uow.people.add(records.a_person())
    with pytest.raises(Conflict):
        async with store.begin() as uow:
            await uow.people.add(records.a_person("ben", subject="sub of ana"))


async def test_people_are_found_however_their_name_is_written(store: Store) -> None:
    async with store.begin() as uow:
        assert await uow.people.called("Ana") == []
        await uow.people.add(records.a_person("ana"))
        assert await uow.people.called("Ana") == [records.a_person("ana")]
        barred = await uow.people.save(records.a_person("ana", barred_at=START))
        assert await uow.people.called("an\ufe0fa") == [barred]
        await uow.people.add(records.a_person("ANA", subject="another"))
    async with store.read() as uow:
        assert sorted(person.name for person in await uow.people.called("ana")) == ["ANA", "ana"]
        assert await uow.people.called("ben") == []


async def test_unspent_approvals_are_found_however_the_name_is_written(store: Store) -> None:
    approvals = {
        "plain": {"actor": "ana"},
        "written": {"actor": "Ana\u200b"},
        "spent": {"actor": "ana", "spent_at": START, "spent_by": "apply_1"},
        "revoked": {"actor": "ana", "revoked_at": START},
        "another": {"actor": "ben"},
    }
    async with store.begin() as uow:
        await uow.plans.add(records.a_plan())
        await uow.applies.add(records.an_apply("apply_1"))
        for approval_id, changes in approvals.items():
            await uow.approvals.add(records.an_approval(approval_id, **changes))
        assert [approval.id for approval in await uow.approvals.unspent_by("ANA")] == ["plain", "written"]
        assert await uow.approvals.unspent_by("eve") == []


async def test_noting_a_tokens_use_makes_nothing_else_too_old(store: Store) -> None:
    token = records.a_token()
    async with store.begin() as uow:
        await uow.tokens.add(token)
    async with store.begin() as uow:
        await uow.tokens.used({token.id: START + records.TTL, "none": START})
        await uow.tokens.save(replace(token, revoked_at=START, last_used_at=START + records.TTL))
    async with store.read() as uow:
        assert await uow.tokens.get(token.id) == replace(
            token, revoked_at=START, last_used_at=START + records.TTL, version=1
        )


async def test_sessions_are_listed_until_they_are_ended_and_kept_until_they_are_old(store: Store) -> None:
    async with store.begin() as uow:
        await uow.sessions.add(records.a_session("session_1"))
        await uow.sessions.add(records.a_session("session_2", ended_at=START))
        await uow.sessions.add(records.a_session("session_3", expires_at=START - records.TTL))
    async with store.begin() as uow:
        assert await uow.retention.remove(Expiring.SESSIONS, START, limit=10) == 1
    async with store.read() as uow:
        assert [session.id for session in await uow.sessions.open()] == ["session_1"]
        assert await uow.sessions.by_hash("hash of session_2") is not None
        assert await uow.sessions.by_hash("hash of session_3") is None
    assert [session.id for session in await store.queries.sessions()] == ["session_1"]
    assert await store.queries.people() == []


async def test_pending_and_approved_plans_are_told_apart(store: Store) -> None:
    states = {
        "plan_1": {"status": PlanStatus.PENDING},
        "plan_2": {"status": PlanStatus.APPROVED},
        "plan_3": {"status": PlanStatus.APPROVED, "apply_id": "apply_1"},
        "plan_4": {"status": PlanStatus.PENDING, "source": "other"},
        "plan_5": {"status": PlanStatus.EXPIRED},
    }
    async with store.begin() as uow:
        for plan_id, changes in states.items():
            await uow.plans.add(records.a_plan(plan_id, chatbot_id=f"bot of {plan_id}", **changes))
    async with store.read() as uow:
        assert [plan.id for plan in await uow.plans.pending("main")] == ["plan_1"]
        assert [plan.id for plan in await uow.plans.approved()] == ["plan_2"]


async def test_stakes_are_all_plans_of_a_revision_but_resolved_ones_and_every_open_one(store: Store) -> None:
    states = {
        "a": {"status": PlanStatus.APPLIED, "summary": Summary(delete=2)},
        "b": {"status": PlanStatus.RESOLVED},
        "c": {"status": PlanStatus.PENDING, "revision": "b" * 40, "direction": Direction.LIVE_AHEAD},
        "d": {"status": PlanStatus.APPLIED, "revision": "b" * 40},
        "e": {"status": PlanStatus.REJECTED, "source": "other"},
    }
    async with store.begin() as uow:
        for chatbot_id, changes in states.items():
            await uow.plans.add(records.a_plan(f"plan_{chatbot_id}", chatbot_id=chatbot_id, **changes))
    async with store.read() as uow:
        found = sorted(await uow.plans.stakes("main", "a" * 40), key=lambda stake: stake.chatbot_id)
    assert found == [
        Stake("a", "a" * 40, Direction.GIT_AHEAD, 2, is_open=False),
        Stake("c", "b" * 40, Direction.LIVE_AHEAD, 0, is_open=True),
    ]


async def test_what_people_refused_and_what_fell_short_is_remembered_by_fingerprint(store: Store) -> None:
    same = ("acme", "bot_1", "f" * 64)
    async with store.begin() as uow:
        await uow.plans.add(records.a_plan("plan_1", status=PlanStatus.EXPIRED))
        await uow.applies.add(records.an_apply("apply_1", status=ApplyStatus.APPLIED))
        approval = records.an_approval()
        await uow.approvals.add(approval)
        assert not await uow.plans.was_rejected(*same)
        assert not await uow.approvals.was_revoked(*same)
        assert not await uow.applies.fell_short(*same, except_for=None)
        await uow.plans.add(records.a_plan("plan_2", status=PlanStatus.REJECTED))
        await uow.approvals.save(replace(approval, revoked_at=START))
        await uow.applies.add(records.an_apply("apply_2", status=ApplyStatus.STALE))
    async with store.read() as uow:
        assert await uow.plans.was_rejected(*same)
        assert await uow.approvals.was_revoked(*same)
        assert await uow.applies.fell_short(*same, except_for=None)
        assert not await uow.applies.fell_short(*same, except_for="apply_2")
        for other in (("acme", "bot_1", "0" * 64), ("acme", "bot_2", "f" * 64), ("other", "bot_1", "f" * 64)):
            assert not await uow.plans.was_rejected(*other)
            assert not await uow.approvals.was_revoked(*other)
            assert not await uow.applies.fell_short(*other, except_for=None)


async def test_a_fleet_counts_what_changed_at_a_revision_and_was_not_compared_since(store: Store) -> None:
    revision = "a" * 40
    seen = {"source": "main", "revision": revision, "fault": None}
    chatbots = {
        "compared": seen | {"checked_digest": "d" * 64},
        "never": seen | {"fault": Reason.NOT_CHECKED},
        "earlier": seen | {"checked_digest": "e" * 64},
        "limited": seen | {"fault": Reason.RATE_LIMITED},
        "missing": seen | {"fault": Reason.CHATBOT_MISSING},
        "elsewhere": seen | {"revision": "b" * 40},
        "contested": seen | {"fault": Reason.CLAIMED_TWICE},
        "anothers": seen | {"source": "other"},
    }
    documents = [records.a_document(key) for key in chatbots]
    documents.append(records.a_document("refused", body=None, digest=None, refusal=Reason.DOCUMENT_INVALID))
    async with store.begin() as uow:
        await uow.documents.replace("main", documents)
        await uow.documents.replace("other", [records.a_document("elsewhere", source="other")])
        for key, changes in chatbots.items():
            await uow.chatbots.add(records.a_chatbot(key, **changes))
    async with store.read() as uow:
        assert await uow.documents.fleet("main", revision) == Fleet(8, uncompared=3)
        assert await uow.documents.fleet("none", revision) == Fleet(0)


async def test_sources_go_by_other_names_wherever_they_are_kept(store: Store) -> None:
    async with store.begin() as uow:
        for name, bot in (("one", "a"), ("two", "b")):
            await uow.sources.add(records.a_source(name))
            await uow.runs.add(records.a_run(f"run_{name}", source=name))
            await uow.documents.replace(name, [records.a_document(bot, source=name)])
            await uow.chatbots.add(records.a_chatbot(bot, source=name))
            await uow.plans.add(records.a_plan(f"plan_{name}", chatbot_id=bot, source=name))
        await uow.suspensions.add(records.a_suspension(kind=ScopeKind.SOURCE, subject="one"))
        await uow.suspensions.add(records.a_suspension("suspension_2", kind=ScopeKind.TENANT, subject="one"))
    await store.parse_cache("one").keep([records.a_file("a.yaml", blob_id="1")])
    async with store.begin() as uow:
        await uow.sources.rename({"one": "two", "two": "one"})
        await uow.sources.rename({})
    async with store.read() as uow:
        assert [record.name for record in await uow.sources.all()] == ["one", "two"]
        for name, was, bot in (("two", "one", "a"), ("one", "two", "b")):
            run, plan = await uow.runs.get(f"run_{was}"), await uow.plans.get(f"plan_{was}")
            chatbot, document = await uow.chatbots.get("acme", bot), await uow.documents.get(name, bot)
            assert [each and each.source for each in (run, plan, chatbot, document)] == [name] * 4
        assert {each.scope for each in await uow.suspensions.active()} == {"source/two", "tenant/one"}
    [transition] = await store.queries.transitions_of("acme", "a", limit=5)
    assert (transition.source_before, transition.source) == (None, "two")
    assert await store.parse_cache("two").find({"a.yaml": "1"})


def test_every_place_that_keeps_the_name_of_a_source_is_renamed() -> None:
    named = {
        column
        for table in tables.metadata.tables.values()
        for column in table.c
        if column.name in ("source", "source_before") or column is tables.sources.c.name
    }
    assert named == set(SOURCE_COLUMNS)


LARGE = tuple(
    DirectedOp(Op("skills", Action.DELETE, str(number), {"name": "x" * 99}), Direction.GIT_AHEAD)
    for number in range(99)
)


async def test_what_is_large_in_a_record_is_written_again_only_when_it_changes(store: Store) -> None:
    plan = records.a_plan(ops=LARGE)
    async with store.begin() as uow:
        await uow.plans.add(plan)
        moved = await uow.plans.save(replace(plan, message="moved"))
        fewer = await uow.plans.save(replace(moved, ops=LARGE[1:]))
        await uow.plans.save(replace(fewer, ops=LARGE, message="as it was"))
    async with store.begin() as uow:
        kept = await uow.plans.get(plan.id)
        assert kept is not None
        assert (kept.ops, kept.body, kept.message) == (LARGE, plan.body, "as it was")
        await uow.plans.save(replace(kept, message="again"))
    async with store.read() as uow:
        again = await uow.plans.get(plan.id)
    assert again is not None
    assert (again.ops, again.body, again.message) == (LARGE, plan.body, "again")
