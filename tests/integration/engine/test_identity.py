"""Who may still what, at the last moment: between the approval and the intent, every way to lose a right is tried."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.domain.access import Role
from reconciler.domain.grants import Grant, Grants
from reconciler.domain.identity import Identity
from reconciler.domain.lifecycle import ApplyStatus, PlanStatus
from reconciler.domain.policy import Policy
from reconciler.engine.access.people import bar, sign_out, unbar, upsert_from_idp
from reconciler.engine.access.sessions import MAX_OPEN, begin_session, end_session
from reconciler.engine.access.tokens import TokenUse, create_token, revoke_token
from reconciler.engine.apply.executor import ApplyExecutor
from reconciler.engine.apply.request import request_apply
from reconciler.engine.context import PROGRAM, Actor
from reconciler.engine.decide.decisions import approve, revoke
from reconciler.errors import Conflict, Forbidden, LoginRefused, NotFound
from reconciler.ports import JobKind
from reconciler.web.auth.credentials import CredentialCache
from tests.fakes.clock import START
from tests.support.world import BOT, SOURCE, TENANT, World, document, path_of, spec, world

pytestmark = pytest.mark.anyio

LIVE = {BOT: spec(prompt="old")}
FILES = {path_of(): document(spec(prompt="new"))}
GRANTS = Grants((Grant("approvers", Role.APPROVER, (SOURCE,)), Grant("everybody", Role.VIEWER)))
NARROWED = Grants((Grant("approvers", Role.APPROVER, ("another",)), Grant("approvers", Role.OPERATOR)))
ANN = Identity(name="ann", issuer="https://sso.example.com", subject="1", groups=("approvers", "everybody"))


async def hold(_: str) -> None:
    """Leave a job undone."""


async def ann(w: World) -> Actor:
    person = await upsert_from_idp(w.engine, ANN, None)
    actor = Actor.of_rights(person.name, w.engine.grants.rights(person.groups))
    assert actor is not None
    return actor


async def by_token(w: World, **more: object) -> Actor:
    asked = {"person": "ann", **more}
    new = await create_token(w.engine, PROGRAM, "laptop", Role.APPROVER, **asked)  # type: ignore[arg-type]
    return Actor(new.token.person, Role.APPROVER, new.token.id, new.token.sources)


Loss = Callable[[World], Awaitable[None]]


async def _revoked(w: World) -> None:
    await revoke_token(w.engine, PROGRAM, "laptop")


async def _expired(w: World) -> None:
    w.clock.advance(3600)


async def _barred(w: World) -> None:
    await bar(w.engine, PROGRAM, "ann", "left")


async def _other_groups(w: World) -> None:
    await upsert_from_idp(w.engine, replace(ANN, groups=("everybody",)), None)


async def _no_groups(w: World) -> None:
    with pytest.raises(LoginRefused, match="none of your groups"):
        await upsert_from_idp(w.engine, replace(ANN, groups=()), None)


async def _narrowed(w: World) -> None:
    engine = replace(w.engine, grants=NARROWED)
    w.applier = ApplyExecutor(engine, {TENANT: w.writer}, "process_2")


async def _nothing(_: World) -> None:
    """Lose nothing."""


LOSSES: dict[str, tuple[bool, Loss]] = {
    "token revoked": (False, _revoked),
    "token expired": (False, _expired),
    "person of the token barred": (False, _barred),
    "person barred": (True, _barred),
    "other groups at the next login": (True, _other_groups),
    "no groups at the next login": (True, _no_groups),
    "grants narrowed": (True, _narrowed),
}


@pytest.mark.parametrize("loss", LOSSES)
async def test_who_lost_the_right_after_the_request_writes_nothing(tmp_path: Path, loss: str) -> None:
    login, lose = LOSSES[loss]
    async with world(tmp_path, LIVE, FILES) as w:
        w.engine = replace(w.engine, grants=GRANTS)
        w.applier = ApplyExecutor(w.engine, {TENANT: w.writer}, "process_2")
        actor = await ann(w)
        if not login:
            actor = await by_token(w, expires_at=START + timedelta(hours=1))
        plan = await w.open_plan()
        await approve(w.engine, actor, plan.id, plan.fingerprint)
        w.dispatcher.handlers = {**w.dispatcher.handlers, JobKind.APPLY: hold}
        queued = await request_apply(w.engine, actor, plan.id, plan.fingerprint)
        await lose(w)
        await w.applier.run(queued.id)

        assert (await w.apply_of(queued.id)).status is ApplyStatus.FAILED
        assert (await w.plan(plan.id)).status is PlanStatus.PENDING
        assert (w.writer.writes, await w.spent()) == ([], 0)


@pytest.mark.parametrize("login", [True, False])
async def test_who_lost_nothing_writes_once(tmp_path: Path, *, login: bool) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        w.engine = replace(w.engine, grants=GRANTS)
        w.applier = ApplyExecutor(w.engine, {TENANT: w.writer}, "process_2")
        actor = await ann(w) if login else await by_token(w)
        plan = await w.open_plan()
        await approve(w.engine, actor, plan.id, plan.fingerprint)
        w.dispatcher.handlers = {**w.dispatcher.handlers, JobKind.APPLY: hold}
        queued = await request_apply(w.engine, actor, plan.id, plan.fingerprint)
        await w.applier.run(queued.id)

        assert (await w.apply_of(queued.id)).status is ApplyStatus.APPLIED
        assert len(w.writer.writes) == 1


async def test_two_tokens_and_a_login_of_one_person_are_one(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES, policy=Policy(approvals=2)) as w:
        w.engine = replace(w.engine, grants=GRANTS)
        plan = await w.open_plan()
        tokens = [await create_token(w.engine, PROGRAM, name, Role.APPROVER, person="ann") for name in ("a", "b")]
        comers = [await ann(w), *(Actor("ann", Role.APPROVER, new.token.id) for new in tokens)]
        for actor in comers:
            decision = await approve(w.engine, actor, plan.id, plan.fingerprint)
            assert decision.plan.status is PlanStatus.PENDING
        assert len(decision.approvals) == 1
        assert (await w.approve(plan, "bob")).plan.status is PlanStatus.APPROVED


async def test_one_takes_back_by_any_credential_what_one_gave_by_another(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        w.engine = replace(w.engine, grants=GRANTS)
        plan = await w.open_plan()
        login, token = await ann(w), await by_token(w)
        for giver, taker in ((login, token), (token, login)):
            assert (await approve(w.engine, giver, plan.id, plan.fingerprint)).plan.status is PlanStatus.APPROVED
            assert (await revoke(w.engine, taker, plan.id)).plan.status is PlanStatus.PENDING
        assert (await revoke(w.engine, login, plan.id)).plan.status is PlanStatus.PENDING


async def test_who_has_nothing_to_take_back_is_told_so(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        plan = await w.open_plan()
        await w.approve(plan, "ann")
        with pytest.raises(Conflict, match=r"no approval of yours: only one's own can be taken back") as refused:
            await revoke(w.engine, await w.person("bob"), plan.id)
        assert refused.value.code == "conflict"
        assert (await w.plan(plan.id)).status is PlanStatus.APPROVED
        assert [approval.is_valid for approval in await w.approvals(plan)] == [True]


async def test_one_takes_back_what_one_gave_by_another_spelling(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        w.engine = replace(w.engine, grants=GRANTS)
        plan = await w.open_plan()
        login, token = await ann(w), await by_token(w, person="Ann")
        for giver, taker in ((login, token), (token, login)):
            await approve(w.engine, giver, plan.id, plan.fingerprint)
            again = await approve(w.engine, taker, plan.id, plan.fingerprint)
            assert [approval.actor for approval in again.approvals if approval.is_valid] == [giver.name]
            assert (await revoke(w.engine, taker, plan.id)).plan.status is PlanStatus.PENDING


async def test_the_same_approval_by_another_spelling_answers_with_what_became_of_it(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        plan = await w.open_plan()
        await w.approve(plan, "ann")
        await w.apply(plan)
        again = await approve(w.engine, await by_token(w, person="Ann"), plan.id, plan.fingerprint)
        assert again.plan.status is PlanStatus.APPLIED


async def test_an_approval_that_comes_after_the_bar_counts_in_no_spelling(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        w.engine = replace(w.engine, grants=GRANTS)
        await ann(w)
        token = await by_token(w, person="Ann")
        await bar(w.engine, PROGRAM, "ann", "left")
        plan = await w.open_plan()
        assert (await approve(w.engine, token, plan.id, plan.fingerprint)).plan.status is PlanStatus.PENDING


async def test_sessions_end_in_every_spelling(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        w.engine = replace(w.engine, grants=GRANTS)
        await ann(w)
        token = await by_token(w, person="Ann")
        for _ in range(2):
            await begin_session(w.engine, token, timedelta(hours=1))
        assert await sign_out(w.engine, PROGRAM, "ann") == 2
        assert await sign_out(w.engine, PROGRAM, "ANN") == 0
        assert not await w.store.queries.sessions()


async def test_nobody_has_more_sessions_by_writing_the_name_in_other_ways(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        for number in range(MAX_OPEN + 1):
            name = ("ann", "Ann")[number % 2]
            await begin_session(w.engine, Actor(name, Role.VIEWER), timedelta(hours=1))
        assert len(await w.store.queries.sessions()) == MAX_OPEN


@pytest.mark.parametrize("person", ["policy:auto_apply", "Reconciler", "cli:root", "webhook/x", "nobody", "\uff43li:x"])
async def test_no_token_is_held_by_the_program(tmp_path: Path, person: str) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        for named in ({"name": "ci", "person": person}, {"name": person}):
            with pytest.raises(Conflict, match=r"correct person: .* are the program's own") as refused:
                await create_token(w.engine, PROGRAM, role=Role.VIEWER, **named)
            assert refused.value.code == "invalid_request"
        assert not await w.store.queries.tokens()


@pytest.mark.parametrize("hidden", ["a\u202eb", "ann\ufe0f", "ann\u034f", "an\u17b5n", "ann\u2800", " ann", "a" * 201])
async def test_no_token_hides_what_it_is_called_or_who_holds_it(tmp_path: Path, hidden: str) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        with pytest.raises(Conflict, match="correct name: use at most 200 characters that can be seen"):
            await create_token(w.engine, PROGRAM, hidden, Role.VIEWER, person="ann")
        with pytest.raises(Conflict, match="correct person: use at most 200 characters that can be seen"):
            await create_token(w.engine, PROGRAM, "ci", Role.VIEWER, person=hidden)
        assert not await w.store.queries.tokens()


async def test_an_entry_says_by_which_credential_it_was_made(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        w.engine = replace(w.engine, grants=GRANTS)
        plan, book = await w.open_plan(), CredentialCache(w.engine)
        new = await create_token(w.engine, PROGRAM, "laptop", Role.APPROVER, person="bob")
        login, token = await ann(w), Actor("bob", Role.APPROVER, new.token.id)
        opened = [await begin_session(w.engine, actor, timedelta(hours=1)) for actor in (login, token)]
        callers = [await book.by_token(new.secret.encode(), "there")]
        callers += [await book.by_session(session.secret, "there") for session in opened]
        for caller in callers:
            assert caller is not None
            await approve(w.engine, caller.actor, plan.id, plan.fingerprint)
            await revoke(w.engine, caller.actor, plan.id)

        by_login, by_token_ = (session.session.id for session in opened)
        told = [entry for entry in await w.audit() if entry.action in {"plan.approve", "plan.revoke"}]
        assert [(entry.detail["credential"], entry.detail.get("of_token")) for entry in told[::2]] == [
            (new.token.id, None),
            (by_login, None),
            (by_token_, new.token.id),
        ]
        assert [entry.detail["credential"] for entry in told[::2]] == [
            entry.detail["credential"] for entry in told[1::2]
        ]
        secrets = (new.secret, new.token.hash, *(text for each in opened for text in (each.secret, each.session.hash)))
        assert [secret for secret in secrets if secret in str(await w.audit())] == []


async def test_what_the_program_does_by_itself_names_no_credential(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        await w.refresh()
        assert [entry for entry in await w.audit() if {"credential", "of_token"} & entry.detail.keys()] == []


async def test_barring_is_an_admins_and_holds_until_it_is_taken_back(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        w.engine = replace(w.engine, grants=GRANTS)
        actor = await ann(w)
        for call in (bar, unbar):
            with pytest.raises(Forbidden):
                await call(w.engine, await w.person("bob"), "ann", "x")
            with pytest.raises(Forbidden):
                await call(w.engine, Actor("carl", Role.ADMIN, sources=(SOURCE,)), "ann", "x")
            with pytest.raises(NotFound):
                await call(w.engine, PROGRAM, "nobody at all", "x")
        await begin_session(w.engine, actor, timedelta(hours=1))
        first = await bar(w.engine, PROGRAM, "ann", "left")
        assert await bar(w.engine, PROGRAM, "ann", "left again") == first
        with pytest.raises(LoginRefused, match="keeps you out"):
            await upsert_from_idp(w.engine, ANN, None)
        assert not await w.store.queries.sessions()
        await unbar(w.engine, PROGRAM, "ann", "back")
        await upsert_from_idp(w.engine, ANN, None)
        actions = [entry.action for entry in await w.audit()]
        assert [actions.count(name) for name in ("person.bar", "person.unbar", "login.refused")] == [1, 1, 1]


async def test_what_a_barred_person_approved_stays_taken_back(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        w.engine = replace(w.engine, grants=GRANTS)
        plan = await w.open_plan()
        await approve(w.engine, await ann(w), plan.id, plan.fingerprint)
        await bar(w.engine, PROGRAM, "ann", "left")
        assert (await w.plan(plan.id)).status is PlanStatus.PENDING
        await unbar(w.engine, PROGRAM, "ann", "back")
        assert all(approval.revoked_at is not None for approval in await w.approvals(plan))
        assert (await approve(w.engine, await ann(w), plan.id, plan.fingerprint)).plan.status is PlanStatus.APPROVED


async def test_a_person_has_so_many_sessions_and_then_the_oldest_ends(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        ids = []
        for _ in range(MAX_OPEN + 2):
            new = await begin_session(w.engine, Actor("ann", Role.VIEWER), timedelta(hours=1))
            ids.append(new.session.id)
            w.clock.advance(1)
        assert [session.id for session in await w.store.queries.sessions()] == ids[:1:-1]


async def test_signing_out_twice_is_once(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        new = await begin_session(w.engine, Actor("ann", Role.VIEWER), timedelta(hours=1))
        for secret in (new.secret, new.secret, "unknown"):
            await end_session(w.engine, secret, None)
        assert [entry.action for entry in await w.audit()].count("logout") == 1


async def test_the_use_of_tokens_is_written_at_most_once_a_minute_for_all(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        tokens = [(await create_token(w.engine, PROGRAM, name, Role.VIEWER)).token for name in ("a", "b")]
        use = TokenUse(w.store, w.clock)
        generations = {w.store.generation}
        for _ in range(600):
            for token in tokens:
                use.note(token.id)
            await use.tick()
            generations.add(w.store.generation)
            w.clock.advance(1)
        assert len(generations) == 1 + 10
        last = w.clock.now() - timedelta(seconds=1)
        await use.flush()
        used = {token.name: token.last_used_at for token in await w.store.queries.tokens()}
        assert used == {"a": last, "b": last}
        before = w.store.generation
        w.clock.advance(120)
        await use.tick()
        assert w.store.generation == before


async def test_what_could_not_be_written_of_their_use_is_written_later(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        token = (await create_token(w.engine, PROGRAM, "a", Role.VIEWER)).token

        class Broken:
            def begin(self) -> object:
                raise RuntimeError("locked")

        use = TokenUse(Broken(), w.clock)  # type: ignore[arg-type]  # a store that fails
        use.note(token.id)
        with pytest.raises(RuntimeError):
            await use.flush()
        use.store = w.store
        await use.flush()
        assert (await w.store.queries.tokens())[0].last_used_at == w.clock.now()


async def test_a_name_in_other_letters_is_taken(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        w.engine = replace(w.engine, grants=GRANTS)
        await upsert_from_idp(w.engine, ANN, None)
        with pytest.raises(LoginRefused) as refused:
            await upsert_from_idp(w.engine, replace(ANN, name="ANN", subject="2"), None)
        assert refused.value.code == "name_taken"


async def test_the_bar_holds_for_tokens_that_write_the_name_in_other_letters(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        w.engine = replace(w.engine, grants=GRANTS)
        await ann(w)
        new = await create_token(w.engine, PROGRAM, "laptop", Role.APPROVER, person="Ann")
        same = Actor("Ann", Role.APPROVER, new.token.id)
        await begin_session(w.engine, same, timedelta(hours=1))
        plan = await w.open_plan()
        assert (await approve(w.engine, same, plan.id, plan.fingerprint)).plan.status is PlanStatus.APPROVED

        await bar(w.engine, PROGRAM, "ann", "left")

        assert (await w.plan(plan.id)).status is PlanStatus.PENDING
        assert await CredentialCache(w.engine).by_token(new.secret.encode(), "origin") is None
        [barred] = [entry for entry in await w.audit() if entry.action == "person.bar"]
        assert (barred.detail["sessions"], len(barred.detail["approvals"])) == (1, 1)
