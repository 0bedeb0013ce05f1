"""What the policy asks of a plan, and of a source's new revision. Never read from the repository it governs."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from reconciler.domain.plan import MCP_SERVERS, Action, Op


@dataclass(frozen=True, slots=True)
class Policy:
    """The numbers that people set.

    Attributes:
        approvals: How many people must approve a plan.
        max_deletes: A plan with more deletes needs the delete override.
        source_max_removed: The share of chatbot ids that may vanish from a source in one step, 0 to 1.
        plan_ttl: How long an undecided plan stands.
        apply_settle: How long after the intent a late write may still land.
        apply_deadline: The total time of one apply call.
    """

    approvals: int = 1
    max_deletes: int = 2
    source_max_removed: float = 0.5
    plan_ttl: timedelta = timedelta(days=7)
    apply_settle: timedelta = timedelta(seconds=15)
    apply_deadline: timedelta = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Requirements:
    """What it takes to approve a plan.

    Attributes:
        approvals: How many people.
        delete_override: Why the approval must carry ``overrides.deletes``, or None when it need not.
    """

    approvals: int
    delete_override: str | None


def requirements(ops: Sequence[Op], body: Mapping[str, Any], policy: Policy) -> Requirements:
    """What it takes to approve a plan of these ops and this body (rule 6 of the design)."""
    return Requirements(policy.approvals, _delete_gate(ops, body, policy))


def _delete_gate(ops: Sequence[Op], body: Mapping[str, Any], policy: Policy) -> str | None:
    deletes = [op for op in ops if op.action is Action.DELETE]
    servers = sorted(op.key or "" for op in deletes if op.section == MCP_SERVERS)
    emptied = sorted({op.section for op in deletes if not body["spec"].get(op.section)})
    reasons = []
    if len(deletes) > policy.max_deletes:
        reasons.append(f"it deletes {len(deletes)} items, more than policy.max_deletes = {policy.max_deletes}")
    if emptied:
        reasons.append(f"it empties {', '.join(emptied)}")
    if servers:
        reasons.append(
            f"it deletes {_count(len(servers), 'MCP server')} ({', '.join(servers)}), "
            "whose credentials are not in git: this cannot be undone"
        )
    return "; ".join(reasons) or None


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def vanished_share(before: Collection[str], now: Collection[str]) -> float:
    """The share of chatbot ids that were there before and no longer are, 0 to 1."""
    return len(set(before) - set(now)) / len(set(before)) if before else 0.0
