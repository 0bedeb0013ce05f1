"""The judge: holds what the service says against what was asked of it and what reached WizChat.

It asks no service what it wrote, and shares none of its rules' code, but for the hash of the audit log. Where several
services share a database, PostgreSQL itself tells who wrote to leases and applies.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from reconciler.domain.audit import AuditEntry, verify
from tests.faults import bots
from tests.faults.bots import Place
from tests.faults.guards import overlong_requests, unfenced_changes
from tests.faults.history import Ask, History, Json, Outcome, Seen


class Rule(StrEnum):
    """What a violation is counted as."""

    LOST_APPROVAL = "lost approvals"
    DOUBLE_APPLY = "double applies"
    UNAPPROVED_WRITE = "unapproved writes"
    WRONG_VERDICT = "wrong verdicts"
    STUCK = "stuck"
    AUDIT = "audit"
    LOST_GUARD = "lost guards"
    PROCESS = "process"


@dataclass(frozen=True, slots=True)
class Violation:
    """One promise that was broken."""

    rule: Rule
    what: str


@dataclass(frozen=True, slots=True)
class Sent:
    """One request that would write, as it was seen outside of the service."""

    bot: str
    at: float
    body_hash: str | None
    write: Json | None


OPEN_ENDS = frozenset({"Applying", "OutcomeUnknown"})
_NO_EFFECT = frozenset(
    {"Pending", "Approved", "Rejected", "Superseded", "Stale", "Resolved", "Expired"}
)  # nothing may have been sent at all


def judge(history: History, outcome: Outcome) -> list[Violation]:
    """Every promise that was broken in a trial."""
    sent = _assigned(_sent(outcome), outcome.plans)
    return [
        *_lost(history, outcome),
        *_wrongly_sent(history, outcome, sent),
        *_spent(outcome, sent),
        *_verdicts(history, outcome, sent),
        *_applies(outcome),
        *_stuck(outcome),
        *_audit(outcome.audit),
        *_guards(history, outcome),
    ]


def _sent(outcome: Outcome) -> list[Sent]:
    arrived = [Sent(write["chatbot_id"], _time(write["at"]), write["body_sha256"], write) for write in outcome.writes]
    return sorted([*arrived, *(Sent(bot, at, None, None) for bot, at in outcome.cut)], key=lambda each: each.at)


def _assigned(sent: Iterable[Sent], plans: Mapping[str, Json]) -> dict[str | None, list[Sent]]:
    """Each request under the plan that was its chatbot's newest at that moment: a chatbot has one open plan."""
    by_bot: dict[str, list[tuple[float, str]]] = defaultdict(list)
    for plan in plans.values():
        by_bot[plan["chatbot_id"]].append((_time(plan["created_at"]), plan["id"]))
    found: dict[str | None, list[Sent]] = defaultdict(list)
    for each in sent:
        # the sandbox's clock shows milliseconds only
        earlier = [entry for entry in by_bot[each.bot] if entry[0] <= each.at + 0.001]
        found[max(earlier)[1] if earlier else None].append(each)
    return found


def _lost(history: History, outcome: Outcome) -> Iterable[Violation]:
    """Every acknowledged yes is still there after each restart, and at the end."""
    looks = [*history.restarts, outcome.plans]
    for ask in history.asked:
        if ask.kind is not Ask.APPROVE or not ask.acknowledged or not ask.valid:
            continue
        taken_back = any(
            other.kind is Ask.REVOKE and other.plan_id == ask.plan_id and other.may_count for other in history.asked
        )
        for number, plans in enumerate(looks):
            if number < len(history.restarts) and not plans.get(ask.plan_id) and ask.plan_id not in outcome.plans:
                yield Violation(Rule.LOST_APPROVAL, f"plan {ask.plan_id} is gone after restart {number + 1}")
            plan = plans.get(ask.plan_id)
            if plan is None or taken_back or ask.sent > plan.get("looked_at", ask.sent):
                continue
            if not _stands(plan, ask.actor, history.seen[ask.plan_id]):
                yield Violation(
                    Rule.LOST_APPROVAL,
                    f"the yes of {ask.actor} to plan {ask.plan_id} was acknowledged and is not there "
                    f"(look {number + 1} of {len(looks)}, plan {plan['status']})",
                )
    for ask in history.asked:
        if ask.acknowledged and ask.plan_id not in outcome.plans:
            yield Violation(Rule.LOST_APPROVAL, f"plan {ask.plan_id}, whose {ask.kind} was acknowledged, is gone")


def _stands(plan: Json, actor: str, seen: Seen) -> bool:
    return any(
        approval["actor"] == actor and approval["fingerprint"] == seen.fingerprint and (approval["revoked_at"] is None)
        for approval in plan["approvals"]
    )


def _wrongly_sent(history: History, outcome: Outcome, sent: Mapping[str | None, list[Sent]]) -> Iterable[Violation]:
    """At most one request for each plan, none without a yes, and none but the approved bytes."""
    for plan_id, requests in sent.items():
        seen = history.seen.get(plan_id or "")
        if plan_id is None or seen is None or not history.approved(plan_id):
            for each in requests:
                yield Violation(Rule.UNAPPROVED_WRITE, f"{each.bot} was written without an approval ({plan_id})")
            continue
        if len(requests) > 1:
            yield Violation(Rule.DOUBLE_APPLY, f"plan {plan_id} of {seen.bot} was sent {len(requests)} times")
        for each in requests:
            for why in _wrong_at(history, seen, each, _spent_at(outcome, plan_id)):
                yield Violation(Rule.UNAPPROVED_WRITE, f"plan {plan_id} was sent {why}")


def _spent_at(outcome: Outcome, plan_id: str) -> float:
    """When a plan's approvals were last spent, which is its intent; never, where none is.

    The apply's own `intent_at` moves on when its request is sent: what falls in between comes too late as well.
    """
    spent = [_time(approval["spent_at"]) for approval in outcome.plans[plan_id]["approvals"] if approval["spent_at"]]
    return max(spent, default=float("inf"))


def _wrong_at(history: History, seen: Seen, each: Sent, intent: float) -> Iterable[str]:
    """Why one request of a plan must not have been."""
    if seen.plan_id in history.forbidden:
        yield f"although {history.forbidden[seen.plan_id]}"
    since, why = history.forbidden_after.get(seen.plan_id, (float("inf"), ""))
    # what falls once the approvals are spent comes too late to stop the request
    if each.at > since and intent > since:
        yield f"although {why}"
    if each.at + 0.001 < min(ask.sent for ask in history.approvals_of(seen.plan_id)):
        yield "before anybody approved it"
    if each.body_hash not in (None, seen.expected):
        yield "with another body than approved"


def _spent(outcome: Outcome, sent: Mapping[str | None, list[Sent]]) -> Iterable[Violation]:
    """What was sent has used its approvals up."""
    for plan_id in sent:
        plan = outcome.plans.get(plan_id or "")
        if plan is not None and any(
            approval["revoked_at"] is None and approval["spent_at"] is None for approval in plan["approvals"]
        ):
            yield Violation(Rule.UNAPPROVED_WRITE, f"plan {plan_id} was sent, and an approval of it is not spent")


def _applies(outcome: Outcome) -> Iterable[Violation]:
    """An apply that is the last of its plan, and had its intent, says what the plan says."""
    for plan in outcome.plans.values():
        apply = outcome.applies.get(plan["apply_id"] or "")
        if apply is None or apply["intent_at"] is None:
            continue
        if apply["finished_at"] is None and plan["status"] not in OPEN_ENDS:
            yield Violation(Rule.STUCK, f"apply {apply['id']} has no end, though plan {plan['id']} is {plan['status']}")
        # an end that came between reading the one and the other; a plan that stays open is told as stuck
        elif apply["status"] != plan["status"] and plan["status"] not in OPEN_ENDS:
            yield Violation(Rule.WRONG_VERDICT, f"apply {apply['id']} is {apply['status']}, its plan {plan['status']}")


def _verdicts(history: History, outcome: Outcome, sent: Mapping[str | None, list[Sent]]) -> Iterable[Violation]:
    """What the service says became of a plan is what became of it."""
    newest = _newest(outcome.plans)
    for plan_id, seen in history.seen.items():
        plan = outcome.plans.get(plan_id)
        if plan is None or plan["status"] in OPEN_ENDS:
            continue
        status, reason = plan["status"], plan["reason"]
        done = _executed(sent.get(plan_id, []))
        wanted = {Place.of(op) for op in seen.ops if op["action"] != "noop"}
        wrong = _wrong(status, done=done, wanted=wanted, requests=len(sent.get(plan_id, [])))
        if status == "Failed" and reason == "Undetermined" and seen.bot in history.edited:
            wrong = None
        if wrong:
            yield Violation(
                Rule.WRONG_VERDICT,
                f"plan {plan_id} of {seen.bot} is {status}/{reason}, but {wrong} ({plan['message']})",
            )
        settled = plan_id == newest[seen.bot] and seen.bot not in history.edited
        if status == "Applied" and settled and not bots.holds(outcome.configs[seen.bot], seen.body):
            yield Violation(Rule.WRONG_VERDICT, f"plan {plan_id} is Applied, but {seen.bot} is not as it says")


def _newest(plans: Mapping[str, Json]) -> dict[str, str]:
    newest: dict[str, tuple[float, str]] = {}
    for plan in plans.values():
        entry = (_time(plan["created_at"]), plan["id"])
        newest[plan["chatbot_id"]] = max(entry, newest.get(plan["chatbot_id"], entry))
    return {bot: plan_id for bot, (_, plan_id) in newest.items()}


def _executed(requests: Iterable[Sent]) -> set[Place]:
    return {Place.of(op) for each in requests if each.write for op in each.write["ops"]}


def _wrong(status: str, *, done: set[Place], wanted: set[Place], requests: int) -> str | None:
    """What contradicts a status; None when nothing does."""
    match status:
        case "Applied" if not wanted <= done:
            return f"only {len(done & wanted)} of its {len(wanted)} ops took effect"
        case "PartiallyApplied" if not done & wanted or wanted <= done:
            return f"{len(done & wanted)} of its {len(wanted)} ops took effect"
        case "Failed" | "AppliedNotConverged" if done:
            return f"{len(done)} ops took effect"
        case _ if status in _NO_EFFECT and requests:
            return f"it was sent {requests} times"
        case _:
            return None


def _stuck(outcome: Outcome) -> Iterable[Violation]:
    for what in outcome.unsettled:
        yield Violation(Rule.STUCK, what)
    for plan in outcome.plans.values():
        if plan["status"] in OPEN_ENDS:
            yield Violation(Rule.STUCK, f"plan {plan['id']} is still {plan['status']}: {plan['message']}")


def _audit(entries: tuple[Json, ...]) -> Iterable[Violation]:
    broken = verify(_entry(entry) for entry in entries)
    if broken is not None:
        yield Violation(Rule.AUDIT, f"the audit log breaks at entry {broken}")


def _guards(history: History, outcome: Outcome) -> Iterable[Violation]:
    """Nothing was written or sent without the lease, whether harm came of it or not."""
    arrived = [(each.bot, each.at) for each in _sent(outcome)]
    for what in (*unfenced_changes(outcome.changes), *overlong_requests(outcome.changes, history.standstills, arrived)):
        yield Violation(Rule.LOST_GUARD, what)


def _entry(shown: Json) -> AuditEntry:
    fields: dict[str, Any] = {**shown, "at": datetime.fromisoformat(shown["at"])}
    return AuditEntry(**fields)


def _time(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
