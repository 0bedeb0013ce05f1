"""What each course of events leaves in the database, compared letter by letter with the files in ``records/``.

Every message, moment, cause and entry of the audit log is there, so that whatever an engine forgets to write shows.
After a wanted change write them anew with ``GOLDEN=write pytest tests/golden`` and read the difference.
"""

import json
import os
import re
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from reconciler.domain.access import Role
from reconciler.domain.apply_answers import ApplyRefused, NotSent
from reconciler.domain.entities import Plan
from reconciler.domain.policy import AutoApply, Policy, Protection
from reconciler.domain.suspensions import ScopeKind
from reconciler.engine.apply.executor import ATTEMPTS
from reconciler.engine.apply.request import request_apply
from reconciler.engine.decide.acceptance import accept_revision
from reconciler.engine.decide.decisions import Overrides, reject, revoke, withdraw_rejection
from reconciler.engine.decide.suspension import resume, suspend
from reconciler.engine.forget import forget_chatbot, forget_source
from reconciler.engine.reconcile.schedule import tick
from reconciler.errors import Conflict, QuotaExceeded, ScopeMissing, SourceCause, TargetUnauthorized, TargetUnreachable
from reconciler.ports import JobKind
from tests.fakes.target import Effect
from tests.support.meanwhile import BusyWriter, Meanwhile
from tests.support.world import BOT, SOURCE, TENANT, World, document, path_of, spec, world

pytestmark = pytest.mark.anyio

RECORDS = Path(__file__).parent / "records"
TABLES = (
    "applies",
    "approvals",
    "audit",
    "baselines",
    "chatbots",
    "documents",
    "plans",
    "runs",
    "sources",
    "suspensions",
    "switches",
    "tenants",
    "transitions",
)
HIDDEN = {
    "hash",
    "prev_hash",
    "search",
    "called",
    "version",
    "body",
    "data",
    "result_digest",
    "result_version",
    "answer_digest",
}
"""What follows from the rest, or is held by tests of its own."""

EMPTY = {None, "[]", "{}"}

SKILLS = [{"name": "a", "body": "one"}, {"name": "b", "body": "one"}]
LIVE = {BOT: spec(prompt="old", skills=SKILLS), "bot_2": spec("Other")}
FILES = {path_of(): document(spec(skills=SKILLS)), path_of("bot_2"): document(spec("Other"), "bot_2")}
AGREED = {**LIVE, BOT: spec(skills=SKILLS)}
"""Live as the documents say: nothing is to be done at the beginning."""

Course = Callable[[World], Awaitable[object]]
# of one source each: the first runs of two are under way at once, and which is the first is not said
COURSES: dict[str, tuple[Course, dict[str, Any]]] = {}


def course(**options: Any) -> Callable[[Course], Course]:
    """A course of events, told by its function's name, in a world with these options."""

    def kept(does: Course) -> Course:
        COURSES[does.__name__] = (does, {"live": LIVE, "files": FILES, **options})
        return does

    return kept


async def later(w: World, minutes: int = 1) -> None:
    """Every step at a moment of its own."""
    w.clock.advance(60.0 * minutes)


async def commit(w: World, body: Mapping[str, Any], **more: Any) -> None:
    await later(w)
    w.commit({path_of(): document(body, **more)})
    await w.refresh()


async def approved(w: World, **more: Any) -> Plan:
    await later(w)
    plan = await w.open_plan()
    await w.approve(plan, **more)
    await later(w)
    return plan


async def recovered(w: World) -> None:
    await later(w, 10)
    await w.recoverer.run()
    await w.idle()


async def hold(_: str) -> None:
    """A job that nobody does."""


@course()
async def approved_and_applied(w: World) -> None:
    await w.apply(await approved(w, comment="fine"))


@course()
async def refused_by_wizchat(w: World) -> None:
    plan = await approved(w)
    w.writer.answer(ApplyRefused("bad_request", "skills: too many"))
    await w.apply(plan)


@course()
async def sent_at_the_second_attempt(w: World) -> None:
    plan = await approved(w)
    await between_two_attempts(w, plan)
    await w.idle()


@course()
async def never_sent(w: World) -> None:
    plan = await approved(w)
    for _ in range(ATTEMPTS):
        w.writer.answer(NotSent("the connection was refused"))
    await request_apply(w.engine, await w.person(), plan.id, plan.fingerprint)
    for attempt in range(1, ATTEMPTS):
        await w.clock.until_asleep(2)  # the heartbeat of the lease, and the wait before the next attempt
        w.clock.advance(2.0**attempt)
    await w.idle()


@course()
async def suspended_between_two_attempts(w: World) -> None:
    plan = await approved(w)
    operator = await w.person("olga", Role.OPERATOR)
    await between_two_attempts(w, plan, lambda: suspend(w.engine, operator, ScopeKind.ALL, "", "wrong prices"))
    await w.idle()


@course(policy=Policy(approval_ttl=timedelta(seconds=61)))
async def approval_that_ran_out_between_two_attempts(w: World) -> None:
    plan = await approved(w)
    await between_two_attempts(w, plan)
    await w.idle()


async def between_two_attempts(w: World, plan: Plan, meanwhile: Meanwhile | None = None) -> None:
    w.writer.answer(NotSent("the connection was refused"))
    await request_apply(w.engine, await w.person(), plan.id, plan.fingerprint)
    await w.clock.until_asleep(2)  # the heartbeat of the lease, and the wait before the second attempt
    if meanwhile is not None:
        await meanwhile()
    w.clock.advance(1)


@course()
async def applied_in_part(w: World) -> None:
    plan = await approved(w)
    w.writer.fail_at("skills", "a")
    w.edit_live(skills=[{"name": "a", "body": "mine"}])
    w.commit({path_of(): document(spec(skills=SKILLS))})
    await w.refresh()
    plan = await approved(w)
    await w.apply(plan)


@course()
async def unclear_and_without_effect(w: World) -> None:
    await lost_and_recovered(w, Effect.NONE)


@course()
async def unclear_and_in_effect(w: World) -> None:
    await lost_and_recovered(w, Effect.AT_ONCE)


async def lost_and_recovered(w: World, effect: Effect) -> None:
    plan = await approved(w)
    w.writer.lose_answer(effect)
    await w.apply(plan)
    await recovered(w)


@course()
async def unclear_while_wizchat_is_away(w: World) -> None:
    plan = await approved(w)
    w.writer.lose_answer(Effect.NONE)
    w.applier.writers = {TENANT: BusyWriter(w.writer, after=lambda: gone(w))}
    await w.apply(plan)
    await recovered(w)
    w.target.heal(BOT)
    await recovered(w)


async def gone(w: World) -> None:
    w.target.fail(TargetUnreachable("no route"), BOT, times=None)


@course()
async def edited_live_after_the_approval(w: World) -> None:
    plan = await approved(w)
    w.edit_live(core=spec(prompt="Be rude.")["core"])
    await w.apply(plan)


@course()
async def changed_in_git_after_the_approval(w: World) -> None:
    plan = await approved(w)
    w.commit({path_of(): document(spec(prompt="Be brief.", skills=SKILLS))})
    await w.apply(plan)


@course()
async def superseded(w: World) -> None:
    await approved(w)
    await commit(w, spec(prompt="Be brief.", skills=SKILLS))


@course()
async def resolved_by_a_live_edit(w: World) -> None:
    await approved(w)
    w.edit_live(core=spec()["core"])
    await w.refresh()


@course()
async def unreachable_at_the_re_check(w: World) -> None:
    plan = await approved(w)
    w.target.fail(TargetUnreachable("no route"), BOT, times=None)
    await w.apply(plan)


@course(policy=Policy(approvals=2))
async def rejected_and_taken_back(w: World) -> None:
    plan = await approved(w)
    await reject(w.engine, await w.person("ben"), plan.id, plan.fingerprint, comment="Too short.")
    await w.refresh()
    await later(w)
    await withdraw_rejection(w.engine, await w.person("ben"), plan.id, plan.fingerprint, comment="by a slip")
    await w.refresh()


@course(policy=Policy(approvals=2))
async def approvals_taken_back(w: World) -> None:
    plan = await approved(w)
    await w.approve(plan, "ben")
    await later(w)
    await revoke(w.engine, await w.person("ben"), plan.id)


@course(policy=Policy(approval_ttl=timedelta(hours=1), plan_ttl=timedelta(hours=3)))
async def approvals_and_plans_that_ran_out(w: World) -> None:
    await approved(w)
    await later(w, 90)
    await tick(w.engine)
    await w.idle()
    await later(w, 120)
    await tick(w.engine)
    await w.idle()


@course(policy=Policy(approval_ttl=timedelta(hours=1)))
async def approval_that_ran_out_while_the_apply_was_queued(w: World) -> None:
    plan = await approved(w)
    usual = w.dispatcher.handlers
    w.dispatcher.handlers = {**usual, JobKind.APPLY: hold}
    await w.apply(plan)
    w.dispatcher.handlers = usual
    await later(w, 70)
    await recovered(w)


@course()
async def suspended_after_the_approval(w: World) -> None:
    plan = await approved(w)
    operator = await w.person("olga", Role.OPERATOR)
    await suspend(w.engine, operator, ScopeKind.SOURCE, SOURCE, "campaign")
    await w.refresh()
    await later(w)
    await resume(w.engine, operator, ScopeKind.SOURCE, SOURCE)
    await w.apply(plan)


@course(live=AGREED, policy=Policy(auto_apply=AutoApply.FULL))
async def applied_by_the_policy(w: World) -> None:
    await commit(w, spec(prompt="Be brief.", skills=SKILLS))
    await later(w)
    await tick(w.engine)
    await w.idle()


@course(live=AGREED, policy=Policy(auto_apply=AutoApply.NO_DELETE))
async def left_to_people_by_the_policy(w: World) -> None:
    await commit(w, spec(skills=SKILLS[:1]))
    await later(w)
    await tick(w.engine)
    await w.idle()


@course(live=AGREED, policy=Policy(auto_apply=AutoApply.FULL, fleet_max_deletes=0))
async def braked(w: World) -> None:
    await commit(w, spec(skills=SKILLS[:1]))
    await later(w)
    await tick(w.engine)
    await w.idle()


@course(live=AGREED, policy=Policy(auto_apply=AutoApply.FULL, self_heal=True))
async def healed_by_the_policy(w: World) -> None:
    await later(w)
    w.edit_live(core=spec(prompt="Be rude.")["core"])
    await w.refresh()
    await later(w)
    await tick(w.engine)
    await w.idle()


@course(live=AGREED, policy=Policy(protected=(Protection.parse("*/skills/b"),)))
async def protected(w: World) -> None:
    await commit(w, spec(skills=SKILLS[:1]))
    with pytest.raises(Conflict):
        await approved(w)


@course(live=AGREED, policy=Policy(max_deletes=0, delete_approvals=2))
async def deleted_on_purpose(w: World) -> None:
    await commit(w, spec(skills=SKILLS[:1]))
    plan = await approved(w, overrides=Overrides(deletes=True, reason="on purpose"))
    await w.approve(plan, "ben", overrides=Overrides(deletes=True, reason="seen"))
    await w.apply(plan)


@course(live=AGREED)
async def stored_otherwise_twice(w: World) -> None:
    w.writer.strips_texts = True
    await commit(w, spec(prompt="Be brief.\n", skills=SKILLS))
    for _ in range(2):
        await w.apply(await approved(w))
    await later(w)
    await w.refresh()


@course(live=AGREED)
async def edited_live_and_drifting(w: World) -> None:
    await later(w)
    w.edit_live(core=spec(prompt="Be rude.")["core"])
    await w.refresh()
    await commit(w, spec(prompt="Be brief.", skills=SKILLS))


@course(live=AGREED)
async def documents_vanished_and_accepted(w: World) -> None:
    await later(w)
    head = w.source.force_push({path_of(): document(spec(skills=SKILLS))})
    await w.refresh()
    await later(w)
    await accept_revision(w.engine, await w.person(), SOURCE, head, "rebased on purpose")
    await w.idle()


MANY = {f"bot_{number}": spec(f"Bot {number}") for number in range(1, 5)}


@course(live=MANY, files={path_of(key): document(body, key) for key, body in MANY.items()})
async def documents_vanished(w: World) -> None:
    await later(w)
    w.commit({path_of(f"bot_{number}"): None for number in range(2, 5)})
    await w.refresh()
    await later(w)
    w.commit({path_of("bot_1"): None, "README.md": "empty"})
    await w.refresh()
    await later(w)
    w.source.fail(SourceCause.UNREACHABLE)
    await w.refresh()


@course(live=AGREED)
async def a_document_breaks_and_is_mended(w: World) -> None:
    await later(w)
    w.commit({path_of(): "{"})
    await w.refresh()
    await commit(w, spec(prompt="Be brief.", skills=SKILLS))


@course(live=AGREED)
async def unauthorized_and_well_again(w: World) -> None:
    await later(w)
    for chatbot_id in (None, BOT, "bot_2"):
        w.target.fail(TargetUnauthorized("put a valid key in api_key"), chatbot_id, times=None)
    await w.refresh()
    await later(w)
    for chatbot_id in (None, BOT, "bot_2"):
        w.target.heal(chatbot_id)
    await w.refresh()


@course(live=AGREED)
async def one_chatbot_missing_and_one_out_of_quota(w: World) -> None:
    await later(w)
    w.target.fail(QuotaExceeded("the daily quota is used up"), BOT, times=None)
    w.target.fleet.remove("bot_2")
    await w.refresh()
    await later(w)
    await w.refresh()


@course()
async def a_write_key_without_its_scope(w: World) -> None:
    w.writer.key_error = ScopeMissing("the API key lacks the scope chatbots:write", "chatbots:write")
    await w.restart()
    await later(w)
    w.writer.key_error = None
    w.writer.key_id = "key_2"
    await w.restart()


@course(read_only=True)
async def without_a_write_key(w: World) -> None:
    await later(w)
    await w.refresh()


@course(live=AGREED)
async def forgotten(w: World) -> None:
    admin = await w.person("root", Role.ADMIN)
    await later(w)
    w.target.fleet.remove("bot_2")
    w.commit({path_of("bot_2"): None})
    await w.refresh()
    await later(w)
    await forget_chatbot(w.engine, admin, TENANT, "bot_2", "it never came back")
    await later(w)
    await w.restart(sources={})
    await forget_source(w.engine, admin, SOURCE, "the team is gone")


@course()
async def the_process_died_while_sending(w: World) -> None:
    plan = await approved(w)

    async def die() -> None:
        raise KeyboardInterrupt

    w.applier.writers = {TENANT: BusyWriter(w.writer, before=die)}
    usual = w.dispatcher.handlers
    w.dispatcher.handlers = {**usual, JobKind.APPLY: hold}
    apply = await w.apply(plan)
    w.dispatcher.handlers = usual
    with pytest.raises(BaseException):  # noqa: B017, PT011  as the process ends
        await w.applier.run(apply.id)
    w.applier.writers = {TENANT: w.writer}
    for _ in range(2):
        await recovered(w)


def stored(database: Path) -> str:
    """Every row, as people can read it: without what is empty, JSON as it is, moments short."""
    with closing(sqlite3.connect(database)) as connection:
        connection.row_factory = sqlite3.Row
        tables = {
            table: [
                {name: shown(row[name]) for name in row.keys() if name not in HIDDEN and row[name] not in EMPTY}  # noqa: SIM118
                for row in connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2")  # noqa: S608  the names are ours
            ]
            for table in TABLES
        }
    return json.dumps({name: rows for name, rows in tables.items() if rows}, indent=1, ensure_ascii=False) + "\n"


def shown(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if value[:1] in {"{", "["}:
        return json.loads(value)
    return re.sub(r"\.000000$", "", value)


@pytest.mark.parametrize("name", COURSES)
async def test_each_course_of_events_leaves_its_records(tmp_path: Path, name: str) -> None:
    does, options = COURSES[name]
    async with world(tmp_path, **options) as w:
        await does(w)
        await w.idle()
        found = stored(tmp_path / "reconciler.db")
    file = RECORDS / f"{name}.json"
    if os.environ.get("GOLDEN") == "write":
        RECORDS.mkdir(exist_ok=True)
        file.write_text(found, encoding="utf-8")
    assert found == file.read_text(encoding="utf-8")


def test_no_file_is_left_over() -> None:
    assert {path.stem for path in RECORDS.glob("*.json")} == set(COURSES)
