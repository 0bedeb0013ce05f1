"""Plans that fall between approval and apply: nothing may be sent for them, however it is asked for."""

import random
from collections.abc import Callable

from tests.faults.history import Ask, Json
from tests.faults.lane import Lane
from tests.faults.trial import Report, Trial


def fallen_plan(lane: Lane, chance: random.Random, name: str) -> Report:
    """Between approval and apply somebody edits the live side, pushes, or takes the approval back: nothing is sent."""
    return fall(
        lane, chance, name, chance.choice((edited, pushed, revoked, item_removed)), killed=chance.random() < 0.3
    )


def fall(
    lane: Lane, chance: random.Random, name: str, how: Callable[[Trial, list[Json]], None], *, killed: bool = False
) -> Report:
    """Let approved plans fall in some way, and ask for their applies nevertheless."""
    trial = lane.trial(lane.few, name, chance)

    def script(trial: Trial) -> None:
        plans = trial.open_plans()
        trial.settle()
        for plan in plans:
            trial.client.decide(Ask.APPROVE, plan["id"])
        how(trial, plans)
        if killed:
            trial.report.faults.append("SIGKILL after a plan fell")
            trial.kill_now()
        for plan in plans:
            trial.client.decide(Ask.APPLY, plan["id"])
        trial.settle()

    trial.life(None, script)
    return trial.finish(_ask_again)


def _ask_again(trial: Trial) -> None:
    for plan in trial.client.plans().values():
        if plan["id"] in trial.history.forbidden and plan["status"] == "Approved" and plan["apply_id"] is None:
            trial.client.decide(Ask.APPLY, plan["id"])


def edited(trial: Trial, plans: list[Json]) -> None:
    for plan in plans:
        bot = plan["chatbot_id"]
        trial.stage.sandbox.control.edit(bot, "core", set={"behavior.systemPrompt": "By hand."})
        trial.history.edited.add(bot)
        trial.history.forbidden[plan["id"]] = "somebody had edited what it writes"
    trial.report.faults.append("live edit before apply")


def item_removed(trial: Trial, plans: list[Json]) -> None:
    for plan in plans:
        bot = plan["chatbot_id"]
        trial.stage.sandbox.control.edit(bot, "skills", key="hours", delete=True)
        trial.history.edited.add(bot)
        trial.history.forbidden[plan["id"]] = "somebody had deleted what it updates"
    trial.report.faults.append("live edit before apply")


def pushed(trial: Trial, plans: list[Json]) -> None:
    trial.stage.point(trial.stage.version(2))
    for plan in plans:
        trial.history.forbidden[plan["id"]] = "git said something else by then"
    trial.report.faults.append("push before apply")


def revoked(trial: Trial, plans: list[Json]) -> None:
    for plan in plans:
        answer = trial.client.decide(Ask.REVOKE, plan["id"])
        if answer.is_success:
            trial.history.forbidden[plan["id"]] = "its only approval was revoked"
    trial.report.faults.append("revoke before apply")
