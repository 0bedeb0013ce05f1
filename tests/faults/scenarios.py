"""Everything that is done to the service: each scenario is one trial on a lane and returns what came of it."""

import random
import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, Final

from tests.faults import api_faults, bots
from tests.faults.api_faults import Given
from tests.faults.client import Client
from tests.faults.courses import COURSES
from tests.faults.falls import fallen_plan
from tests.faults.gate import Mode
from tests.faults.history import Ask
from tests.faults.lane import Lane, Point, trap_of
from tests.faults.process import Dead
from tests.faults.proxy import Break, Cut, Proxy
from tests.faults.trial import Report, Trial, carry_out, in_two_steps, one_by_one, push

Scenario = Callable[[Lane, random.Random, str], Report]
LONGEST_CHAIN: Final = 4
_LIMIT_S: Final = 60.0
"""Longer than whoever is waited for may take."""


def kill_at(lane: Lane, chance: random.Random, name: str, course: str, point: Point, **how: Any) -> Report:
    """Break one life of a course before one step; then perhaps the lives after it, too."""
    trial = lane.course(COURSES[course], name, chance)
    trial.life(trap_of(point, **how), COURSES[course].script, course=course)
    for _ in range(chance.choice((0, 0, 1, 1, 2, LONGEST_CHAIN - 1)) if not how else 0):
        again = chance.choice(("recovery", "approve and apply", "approve and apply"))
        script = chance.choice((carry_out, one_by_one, in_two_steps))
        trial.life(trap_of(chance.choice(lane.points[again])), script)
    return trial.finish()


def any_kill(lane: Lane, chance: random.Random, name: str) -> Report:
    """Break a life before any step that was recorded."""
    course, point = _any_point(lane, chance)
    return kill_at(lane, chance, name, course, point)


def kill_within(lane: Lane, chance: random.Random, name: str) -> Report:
    """Kill in the midst of a step that takes long: git, an HTTP exchange, a commit."""
    course = chance.choice(list(lane.points))
    slow = [point for point in lane.points[course] if point[0].startswith(("git ", "http ", "sql COMMIT"))]
    return kill_at(lane, chance, name, course, chance.choice(slow), delay_ms=chance.uniform(0.1, 25))


def stop_at(lane: Lane, chance: random.Random, name: str) -> Report:
    """Stop by SIGTERM at a step: what was begun is ended or left as rows that the next start settles."""
    course, point = _any_point(lane, chance)
    return kill_at(lane, chance, name, course, point, signal=signal.SIGTERM)


def kill_on_answer(lane: Lane, chance: random.Random, name: str) -> Report:
    """Kill at the very moment that the answer to a decision is read."""
    trial = lane.trial(lane.few, name, chance)
    apply = chance.random() < 0.7

    def decided(trial: Trial) -> None:
        plans = trial.open_plans()
        for plan in plans[: chance.randint(1, len(plans))]:
            trial.client.decide(Ask.APPROVE, plan["id"], apply=apply)
        trial.report.faults.append("SIGKILL on the answer")
        trial.kill_now()

    trial.life(None, decided)
    return trial.finish()


def fault_then_kill(lane: Lane, chance: random.Random, name: str) -> Report:
    """A fault of the API, and then a kill while it is dealt with."""
    trial = lane.trial(lane.few, name, chance)
    for number in range(lane.few.count):
        kind = chance.choice(("drop_after", "drop_before", "late_write", "status", "truncated"))
        more: dict[str, Any] = {"seconds": 0.6} if kind == "late_write" else {}
        match = {"path_contains": f"/{bots.bot_id(number)}/", "dry_run": False}
        lane.few.sandbox.control.add_fault(kind, match=match, **more)
        trial.report.faults.append(f"apply {kind}, then killed")
    course = chance.choice(("recovery", "approve and apply"))
    trial.life(trap_of(chance.choice(lane.points[course])), carry_out)
    return trial.finish()


def api_faults_at_once(lane: Lane, chance: random.Random, name: str) -> Report:
    """A different fault of the API for every chatbot, in one life."""
    stage = lane.many
    trial = lane.trial(stage, name, chance)
    kinds: list[str] = []

    def script(trial: Trial) -> None:
        plans = trial.open_plans()
        trial.settle()
        faults = chance.sample(api_faults.EVERY, stage.count)
        for number, fault in enumerate(faults):
            kinds.append(fault(Given(stage.sandbox.control, proxy_of(lane), bots.bot_id(number), chance)))
        for plan in plans:
            push(trial, plan)

    report = trial.finish(script)
    report.faults += kinds[: _met(lane, kinds)]
    return report


def _met(lane: Lane, kinds: list[str]) -> int:
    """How many of the ordered faults really met a request."""
    return len(kinds) - len(lane.many.sandbox.control.faults()) - proxy_of(lane).waiting()


def refused_connection(lane: Lane, chance: random.Random, name: str) -> Report:
    """Nothing listens when the apply is to be sent: provably not sent, so it is tried again, with all checks."""
    trial = lane.trial(lane.many, name, chance)

    def script(trial: Trial) -> None:
        plan = chance.choice(trial.open_plans())
        trial.settle()
        seconds = chance.choice((0.3, 0.8, 5.0))
        proxy_of(lane).order(Break(plan["chatbot_id"], dry_run=True, cut=Cut.REFUSED, seconds=seconds))
        push(trial, plan)
        trial.report.faults.append("apply connection refused")

    return trial.finish(script)


def too_many(lane: Lane, chance: random.Random, name: str) -> Report:
    """429 with every kind of Retry-After, and the daily quota gone; then a restart, as the pause ends with it."""
    trial = lane.trial(lane.few, name, chance)
    after = chance.choice(
        ("0", "1", "2", "86400", "99999999999999999999", "-5", "soon", "", "Wed, 21 Oct 2015 07:28:00 GMT", "1e3", None)
    )
    code = chance.choice(("rate_limited", "rate_limited", "quota_exceeded", "daily_quota_exceeded"))
    fields = {"status": 429, "code": code, "retry_after": after, "times": chance.choice((1, 2, None))}

    def limited(trial: Trial) -> None:
        plans = trial.open_plans()
        trial.settle()
        dry_run = chance.choice((True, False))
        trial.stage.sandbox.control.add_fault("status", match={"dry_run": dry_run}, **fields)
        for plan in plans:
            push(trial, plan)
        trial.settle(1.5)
        trial.report.faults.append(f"{'dry run' if dry_run else 'apply'} 429")
        trial.stage.sandbox.control.clear_faults()
        trial.kill_now()

    trial.life(None, limited)
    return trial.finish()


def git_fault(lane: Lane, chance: random.Random, name: str) -> Report:
    """Git is down, hangs or answers half while an apply is asked for; then it is well again."""
    stage = lane.remote
    lane.gate.mode = Mode.PASS
    trial = lane.trial(stage, name, chance)

    def script(trial: Trial) -> None:
        plans = trial.open_plans()
        trial.settle()
        if chance.random() < 0.5:
            stage.point(stage.version(2))
        lane.gate.mode = chance.choice((Mode.RESET, Mode.CUT, Mode.HANG))
        lane.gate.after, lane.gate.seconds = chance.choice((0, 10, 120, 400)), chance.choice((0.2, 0.8))
        for plan in plans:
            push(trial, plan)
        trial.client.call("POST", "/api/v1/sources/bots/refresh")
        trial.settle()
        trial.report.faults += [str(lane.gate.mode)] * 3
        lane.gate.mode = Mode.PASS
        trial.client.call("POST", "/api/v1/sources/bots/refresh")
        trial.settle()
        carry_out(trial)

    return trial.finish(script)


def disk_full(lane: Lane, chance: random.Random, name: str) -> Report:
    """No file may grow beyond some size: writes fail as on a full disk."""
    trial = lane.trial(lane.few, name, chance)
    limit = chance.choice((4_096, 16_384, 32_768, 65_536, 100_000, 150_000, 200_000))

    def script(trial: Trial) -> None:
        with suppress(TimeoutError):
            trial.open_plans(2.0)
            carry_out(trial)
            trial.settle(1.5)

    trial.life(None, script, file_limit=limit)
    trial.report.faults.append("disk full")
    return trial.finish()


def database_locked(lane: Lane, chance: random.Random, name: str) -> Report:
    """Another program holds the database's lock for a while."""
    trial = lane.trial(lane.few, name, chance)

    def script(trial: Trial) -> None:
        plans = trial.open_plans()
        holder = threading.Thread(target=_hold, args=(trial, chance.uniform(0, 0.1), chance.choice((0.1, 0.4, 1.2))))
        holder.start()
        for plan in plans:
            push(trial, plan)
        holder.join(_LIMIT_S)
        trial.report.faults.append("database locked")

    return trial.finish(script)


def _hold(trial: Trial, wait: float, seconds: float) -> None:
    time.sleep(wait)
    connection = sqlite3.connect(trial.data / "reconciler.db", timeout=5, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    time.sleep(seconds)
    connection.execute("ROLLBACK")
    connection.close()


def other_fingerprint(lane: Lane, chance: random.Random, name: str) -> Report:
    """Somebody approves and applies what they did not see."""
    trial = lane.trial(lane.few, name, chance)

    def script(trial: Trial) -> None:
        for plan in trial.open_plans():
            wrong = chance.choice(("0" * 64, plan["fingerprint"][:-1], "x"))
            trial.client.decide(Ask.APPROVE, plan["id"], apply=True, fingerprint=wrong)
            trial.report.faults.append("another fingerprint")

    return trial.finish(script)


def lied_to(lane: Lane, chance: random.Random, name: str) -> Report:
    """The API says that it has done what it has not."""
    stage = lane.many
    trial = lane.trial(stage, name, chance)

    def script(trial: Trial) -> None:
        plans = trial.open_plans()
        trial.settle()
        for plan in plans[:3]:
            believable = api_faults.believable()
            proxy_of(lane).order(Break(plan["chatbot_id"], dry_run=False, cut=Cut.LIE, body=believable))
            trial.report.faults.append("apply answered without effect")
            push(trial, plan)

    return trial.finish(script)


def approver_falls(lane: Lane, chance: random.Random, name: str) -> Report:
    """The approver's token is revoked while the apply is being checked."""
    trial = lane.trial(lane.few, name, chance)

    def script(trial: Trial) -> None:
        plans = trial.open_plans()
        trial.settle()
        token = trial.client.call("POST", "/api/v1/tokens", name="ann", role="approver").json()
        trial.client.act_as("ann", token["secret"])
        trial.stage.sandbox.control.add_fault("latency", match={"dry_run": True}, ms=450, times=len(plans))
        for plan in plans:
            trial.client.decide(Ask.APPROVE, plan["id"], apply=True)
        time.sleep(chance.uniform(0.1, 0.2))
        trial.client.act_as("bootstrap", lane.few.secrets.bootstrap)
        trial.client.call("POST", f"/api/v1/tokens/{token['id']}/revoke").raise_for_status()
        revoked_at = time.time()
        trial.settle()
        for plan in plans:
            trial.history.forbidden_after[plan["id"]] = (revoked_at, "its approver's token had been revoked")
        trial.report.faults.append("token revoked within an apply")

    return trial.finish(script)


def race(lane: Lane, chance: random.Random, name: str) -> Report:
    """Two people at the same time: both approve and apply, or one applies what the other takes back."""
    trial = lane.trial(lane.few, name, chance)
    other = Client(trial.history, trial.client.spec_of, lane.few.secrets.bootstrap, heard=lane.heard)

    def script(trial: Trial) -> None:
        plans = trial.open_plans()
        trial.settle()
        other.meet(trial.process)
        revokes = chance.random() < 0.5
        for plan in plans:
            trial.client.look_at(plan["id"])
            mine = partial(trial.client.decide, Ask.APPLY if revokes else Ask.APPROVE, plan["id"], apply=not revokes)
            theirs = partial(other.decide, Ask.REVOKE if revokes else Ask.APPROVE, plan["id"], apply=not revokes)
            if revokes:
                trial.client.decide(Ask.APPROVE, plan["id"])
            _together(mine, theirs)
            trial.report.faults.append("revoke races apply" if revokes else "two approve and apply at once")
        trial.settle()

    report = trial.finish(script)
    other.close()
    return report


def _together(*calls: Callable[[], object]) -> None:
    start = threading.Barrier(len(calls))

    def run(call: Callable[[], object]) -> None:
        start.wait(5)
        with suppress(Dead):
            call()

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(_LIMIT_S)


def proxy_of(lane: Lane) -> Proxy:
    """What stands before the WizChat of many chatbots."""
    proxy = lane.many.proxy
    assert proxy is not None, "the stage of many chatbots has a proxy"
    return proxy


def _any_point(lane: Lane, chance: random.Random) -> tuple[str, Point]:
    course = chance.choice(("approve and apply", *COURSES))
    return course, chance.choice(lane.points[course])


WEIGHTS: Final[Mapping[Scenario, int]] = {
    any_kill: 30,
    kill_within: 5,
    stop_at: 4,
    kill_on_answer: 3,
    fault_then_kill: 6,
    api_faults_at_once: 40,
    refused_connection: 1,
    too_many: 4,
    git_fault: 4,
    disk_full: 2,
    database_locked: 2,
    fallen_plan: 6,
    race: 5,
    other_fingerprint: 1,
    lied_to: 2,
    approver_falls: 2,
}
