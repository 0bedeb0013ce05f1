"""The lives whose every step is a place to break them."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from tests.faults import bots
from tests.faults.history import Ask
from tests.faults.proxy import Break, Cut, Proxy
from tests.faults.trial import Trial, one_by_one, push

LONGER_THAN_A_HEARTBEAT_MS: Final = 5300


def _nothing(_: Trial) -> None:
    """For a course that begins with the stage as it is at first."""


@dataclass(frozen=True, slots=True)
class Course:
    """A life whose every step is a place to break it.

    Attributes:
        script: What people do in it.
        prepare: Makes the stage ready for it, beyond a reset.
        stage: Which of a lane's stages it plays on.
        cold: Whether it begins without a data folder.
        only_new: Whether only steps count that no course before it takes.
    """

    name: str
    script: Callable[[Trial], None]
    prepare: Callable[[Trial], None] = _nothing
    stage: str = "few"
    cold: bool = False
    only_new: bool = False


def _watched(trial: Trial) -> None:
    trial.open_plans()
    trial.settle()


def _refreshed(trial: Trial) -> None:
    """Push a change while the service runs, and have it looked at."""
    trial.open_plans()
    trial.settle()
    trial.stage.point(trial.stage.version(2))
    trial.client.call("POST", "/api/v1/sources/bots/refresh")
    trial.settle()


def _crashed_in_applies(trial: Trial) -> None:
    """Leave applies without an answer: one whose write lands late, one whose write never does."""
    late, never = (bots.bot_id(number) for number in range(2))
    control = trial.stage.sandbox.control
    control.add_fault("late_write", match={"path_contains": f"/{late}/", "dry_run": False}, seconds=0.5)
    control.add_fault("drop_before", match={"path_contains": f"/{never}/", "dry_run": False})

    def sent(trial: Trial) -> None:
        plans = trial.open_plans()
        for plan in plans:
            push(trial, plan)
        trial.client.wait(lambda: len(trial.stage.writes()) == len(plans))
        trial.kill_now()

    trial.life(None, sent)


def _decided(trial: Trial) -> None:
    """Ask for the apply of a plan that fell, take an approval back, reject, and take the rejection back."""
    plans = trial.open_plans()
    trial.settle()
    for plan in plans:
        trial.client.decide(Ask.APPROVE, plan["id"])
    fallen, unwanted = plans[0], plans[-1]
    trial.stage.sandbox.control.edit(fallen["chatbot_id"], "core", set={"behavior.systemPrompt": "By hand."})
    trial.history.edited.add(fallen["chatbot_id"])
    trial.history.forbidden[fallen["id"]] = "somebody had edited what it writes"
    trial.client.decide(Ask.APPLY, fallen["id"])
    trial.client.decide(Ask.REVOKE, unwanted["id"])
    trial.client.decide(Ask.REJECT, unwanted["id"])
    trial.client.decide(Ask.WITHDRAW, unwanted["id"])
    trial.settle()


def _refused(trial: Trial) -> None:
    """Apply while nothing listens, so that it is tried again."""
    plan = trial.open_plans()[0]
    trial.settle()
    proxy = trial.stage.proxy
    assert isinstance(proxy, Proxy), "this course plays on a stage with a proxy"
    proxy.reset()
    proxy.order(Break(plan["chatbot_id"], dry_run=True, cut=Cut.REFUSED, seconds=1.0))
    push(trial, plan)
    trial.settle()


def _slow(trial: Trial) -> None:
    """Apply for so long that the lease is renewed."""
    plan = trial.open_plans()[0]
    trial.settle()
    match = {"path_contains": f"/{plan['chatbot_id']}/", "dry_run": True}
    trial.stage.sandbox.control.add_fault("latency", match=match, ms=LONGER_THAN_A_HEARTBEAT_MS)
    push(trial, plan)
    trial.settle()


def _pushed(trial: Trial) -> None:
    """Push a change before the service starts, which the policy may apply without a person."""
    trial.stage.point(trial.stage.version(2))
    trial.pushed_at = time.time()


def _automatic(trial: Trial) -> None:
    """Wait until the policy has had the change applied."""
    trial.open_plans()
    trial.client.wait(lambda: all(plan["apply_id"] for plan in trial.client.plans().values()))
    trial.settle()


COURSES: Final[Mapping[str, Course]] = {
    course.name: course
    for course in (
        Course("first start", _watched, cold=True),
        Course("approve and apply", one_by_one),
        Course("recovery", _watched, prepare=_crashed_in_applies),
        Course("refresh", _refreshed, only_new=True),
        Course("decisions", _decided, only_new=True),
        Course("connection refused", _refused, stage="near", only_new=True),
        Course("slow apply", _slow, only_new=True),
        Course("automatic apply", _automatic, prepare=_pushed, stage="automatic", only_new=True),
    )
}
