"""One trial: some lives of a service, each broken somewhere, one that is left in peace, and the judge's question."""

import random
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx

from reconciler.domain.auto_apply_rules import ACTOR
from tests.faults import bots
from tests.faults.client import LIMIT, Client, Heard, underway, unheard
from tests.faults.history import Ask, Asked, History, Json, Outcome
from tests.faults.judge import Rule, Violation, judge
from tests.faults.order import Trap
from tests.faults.process import Dead, Process
from tests.faults.stage import SOURCE, Stage

SETTLED_WITHIN: Final = 60.0
"""Seconds within which everything must have ended, on a machine that does much else."""
_DECIDED: Final = frozenset({"Pending", "Approved"})


@dataclass(slots=True)
class Report:
    """What came of a trial.

    Attributes:
        name: Enough to know it by.
        faults: Kinds of the faults that really happened.
        hit: Courses and their steps before which the process was killed.
        missed: Traps that did not spring.
        settle_seconds: From the last start to a definite state of everything.
        windows_ms: What each apply printed as its unguarded window.
    """

    name: str
    faults: list[str] = field(default_factory=list)
    hit: list[tuple[str, tuple[str, int]]] = field(default_factory=list)
    missed: list[tuple[str, int]] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)
    settle_seconds: list[float] = field(default_factory=list)
    windows_ms: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Trial:
    """One trial on a stage that was made ready for it; `finish` ends it.

    Attributes:
        chance: Every choice comes from here, so that a seed replays it.
        heard: Gets every answer that the client reads.
        pushed_at: When the branch moved to what the policy applies by itself; None when people decide.
    """

    stage: Stage
    data: Path
    name: str
    chance: random.Random
    heard: Heard = unheard
    pushed_at: float | None = None
    history: History = field(default_factory=History)
    client: Client = field(init=False)
    report: Report = field(init=False)
    process: Process = field(init=False)

    def __post_init__(self) -> None:
        self.client = Client(self.history, self._spec_of, self.stage.secrets.bootstrap, heard=self.heard)
        self.report = Report(self.name)

    def life(
        self,
        trap: Trap | None,
        script: "Callable[[Trial], None]",
        *,
        course: str = "",
        record: Path | None = None,
        file_limit: int | None = None,
        stop: bool = False,
    ) -> bool:
        """Start the service, do something, and let it die; tell whether the trap sprang.

        Whatever the script could not end because the service died, it leaves. Without a trap the service is killed in
        the end, or stopped.
        """
        self.process = process = self.stage.start(self.data, trap, record=record, file_limit=file_limit)
        died = False
        try:
            self.turn_to(process)
            script(self)
        except (Dead, httpx.HTTPStatusError):
            died = True
        if trap is not None:
            self._await_trap(process, trap, course, died=died)
        elif stop:
            process.signal(signal.SIGTERM)
            process.wait_end(LIMIT)
        process.kill()
        return process.sprung

    def _await_trap(self, process: Process, trap: Trap, course: str, *, died: bool) -> None:
        """Give the trap a moment more: it may lie behind what the script waited for, or in how the service stops."""
        if not process.sprung and process.alive:
            process.wait_end(0.3)
        is_asked = trap.signal == signal.SIGTERM and process.sprung
        if not process.sprung and process.alive:
            process.signal(signal.SIGTERM)
            is_asked = True
        if is_asked and not process.wait_end(LIMIT):
            self.report.violations.append(Violation(Rule.PROCESS, f"SIGTERM was not obeyed, with {trap.name}"))
        if died and not process.sprung:
            self.report.violations.append(Violation(Rule.PROCESS, f"the service ended by itself: {process.status}"))
        process.kill()
        point = (trap.name, trap.occurrence)
        if process.sprung:
            if trap.signal == signal.SIGKILL and not trap.delay_ms:
                self.report.hit.append((course, point))
            self.report.faults.append(kind_of(trap))
        else:
            self.report.missed.append(point)

    def kill_now(self) -> None:
        """Kill the service from outside, at once."""
        self.process.kill()
        raise Dead

    def finish(self, script: "Callable[[Trial], None] | None" = None) -> Report:
        """Start once more without any fault, let everything come to its end, and judge."""
        started = time.monotonic()
        self.process = self.stage.start(self.data)
        self.turn_to(self.process)
        (script or carry_out)(self)
        return self.conclude(started)

    def turn_to(self, process: Process) -> None:
        """Ask this service from now on, and what it still knows."""
        self.client.meet(process)
        self._note_restart()

    def conclude(self, started: float) -> Report:
        """Let everything come to its end, and judge.

        Args:
            started: Since when it could, by the monotonic clock.
        """
        unsettled = self.settle()
        self.report.settle_seconds.append(time.monotonic() - started)
        self.client.wait(self.stage.has_landed)
        outcome = self._gather(unsettled)
        self.process.kill()
        self.client.close()
        self.report.violations += judge(self.history, outcome)
        return self.report

    def settle(self, limit: float = SETTLED_WITHIN) -> tuple[str, ...]:
        """Wait until nothing is under way any more, and say what still is."""
        left: list[str] = []

        def settled() -> bool:
            left[:] = underway(self.client.plans().values())
            return not left

        self.client.wait(settled, limit)
        return (*left, *self._unfinished_runs(limit))

    def _unfinished_runs(self, limit: float) -> Sequence[str]:
        left: list[str] = []

        def ended() -> bool:
            runs = self.client.get("/runs?limit=20")["items"]
            left[:] = [f"run {run['id']} is {run['status']}" for run in runs if run["finished_at"] is None]
            return not left

        # what the last look saw: another one could meet a run that a tick has just asked for
        self.client.wait(ended, limit)
        return left

    def _gather(self, unsettled: tuple[str, ...]) -> Outcome:
        plans = self.client.plans()
        if self.pushed_at is not None:
            self._note_automatic(plans)
        applies = {}
        for plan in plans.values():
            if plan["apply_id"] is not None:
                applies[plan["apply_id"]] = apply = self.client.get(f"/applies/{plan['apply_id']}")
                if apply["window_ms"] is not None:
                    self.report.windows_ms.append(apply["window_ms"])
        return Outcome(
            plans=plans,
            applies=applies,
            audit=tuple(reversed(self.client.all("/audit"))),
            writes=tuple(self.stage.writes()),
            configs={bots.bot_id(number): self.stage.config(bots.bot_id(number)) for number in range(self.stage.count)},
            cut=self.stage.proxy.cuts() if self.stage.proxy else (),
            unsettled=unsettled,
            changes=self.stage.database.changes() if self.stage.database else (),
        )

    def _note_automatic(self, plans: Mapping[str, Json]) -> None:
        """What the policy says yes to is approved from the push on; what it may send is worked out as for people."""
        for plan_id in plans:
            self.client.look_at(plan_id)
            self.history.asked.append(Asked(plan_id, Ask.APPROVE, ACTOR, applies=True, sent=self.pushed_at or 0.0))

    def _note_restart(self) -> None:
        if self.history.asked:
            self.history.restarts.append(self.client.plans())

    def _spec_of(self, bot: str, revision: str) -> Json:
        number = int(bot.rpartition("_")[2])
        return bots.desired_spec(number, self.stage.version_of(revision))

    def open_plans(self, limit: float = LIMIT) -> list[Json]:
        """Every chatbot's plan, waiting until each has one that was ever open."""
        if self.pushed_at is not None:
            self.client.call("POST", f"/api/v1/sources/{SOURCE}/refresh")
        wanted = {bots.bot_id(number) for number in range(self.stage.count)}
        found: list[Json] = []

        def complete() -> bool:
            found[:] = self.client.plans().values()
            return wanted <= {plan["chatbot_id"] for plan in found}

        if not self.client.wait(complete, limit):
            raise TimeoutError(f"not every chatbot got a plan: {[plan['id'] for plan in found]}")
        return [plan for plan in found if plan["status"] in _DECIDED]


def kind_of(trap: Trap) -> str:
    how = signal.Signals(trap.signal).name
    moment = "within" if trap.delay_ms else "before"
    return f"{how} {moment} {trap.name.split()[0]}"


def carry_out(trial: Trial) -> None:
    """Approve and apply whatever waits, all of it at once."""
    for plan in trial.open_plans():
        push(trial, plan)


def one_by_one(trial: Trial) -> None:
    """Approve and apply one plan after the other, each seen through."""
    for plan in trial.open_plans():
        push(trial, plan)
        trial.settle()


def in_two_steps(trial: Trial) -> None:
    """Approve all, then apply all."""
    plans = [plan for plan in trial.open_plans() if plan["apply_id"] is None]
    for plan in plans:
        if plan["status"] == "Pending":
            trial.client.decide(Ask.APPROVE, plan["id"])
    for plan in plans:
        trial.client.decide(Ask.APPLY, plan["id"])
    trial.settle()


def push(trial: Trial, plan: Json) -> httpx.Response | None:
    """Approve and apply one plan, or what of it is left to do."""
    if plan["apply_id"] is not None:
        return None
    if plan["status"] == "Pending":
        return trial.client.decide(Ask.APPROVE, plan["id"], apply=True)
    return trial.client.decide(Ask.APPLY, plan["id"])
