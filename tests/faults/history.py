"""What the harness itself asked, heard and saw in one trial: the judge's only knowledge besides the sandbox's."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from tests.faults.ledger import Change

Json = Mapping[str, Any]


class Ask(StrEnum):
    """What a person asks for."""

    APPROVE = "approve"
    APPLY = "apply"
    REVOKE = "revoke"
    REJECT = "reject"
    WITHDRAW = "withdraw"


@dataclass(slots=True)
class Asked:
    """One request that decides, and whether its answer came.

    Attributes:
        plan_id: What about.
        kind: What for.
        actor: The name of the token that asked.
        applies: Whether it also lets the plan be applied.
        sent: When, by the wall clock.
        acknowledged: Whether a 2xx answer was read to its end.
        refused: The status of the answer, when it was none.
        valid: Whether it was about what was seen.
    """

    plan_id: str
    kind: Ask
    actor: str
    applies: bool = False
    sent: float = field(default_factory=time.time)
    acknowledged: bool = False
    refused: int | None = None
    valid: bool = True

    @property
    def may_count(self) -> bool:
        """Whether the service may rightly have taken it in."""
        return self.refused is None and self.valid


@dataclass(frozen=True, slots=True)
class Seen:
    """A plan as a person saw it before deciding.

    Attributes:
        expected: The hash of the only body that an apply of it may send.
        body: That body.
        ops: Its ops, as the API shows them.
    """

    plan_id: str
    bot: str
    fingerprint: str
    expected: str
    body: Json
    ops: tuple[Json, ...]


@dataclass(frozen=True, slots=True)
class Standstill:
    """One of several services stood still.

    Attributes:
        service: Which one.
        ended: When it was let go on, by the wall clock.
        begun: Whether the request of its apply had begun by then.
    """

    service: str
    ended: float
    begun: bool


@dataclass(slots=True)
class History:
    """One trial as the harness knows it.

    Attributes:
        seen: Plan id → what was seen of it.
        asked: Every deciding request, in order.
        restarts: What each restart showed first: plan id → plan.
        forbidden: Plan id → why nothing may be written for it: it fell before its apply was asked for.
        forbidden_after: Plan id → since when nothing may be written for it, and why.
        edited: Chatbots that somebody else changed at WizChat, so that its configuration proves nothing.
        standstills: Who stood still within an apply.
    """

    seen: dict[str, Seen] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    restarts: list[dict[str, Json]] = field(default_factory=list)
    forbidden: dict[str, str] = field(default_factory=dict)
    forbidden_after: dict[str, tuple[float, str]] = field(default_factory=dict)
    edited: set[str] = field(default_factory=set)
    standstills: list[Standstill] = field(default_factory=list)

    def approvals_of(self, plan_id: str) -> list[Asked]:
        """Every yes to this plan that may rightly have been taken in."""
        return [ask for ask in self.asked if ask.plan_id == plan_id and ask.kind is Ask.APPROVE and ask.may_count]

    def approved(self, plan_id: str) -> bool:
        """Whether there is one."""
        return bool(self.approvals_of(plan_id))


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a trial stood at its end.

    Attributes:
        plans: Every plan that the API shows, by id.
        applies: Every apply that these name, by id.
        audit: The audit log, oldest first.
        writes: The sandbox's journal of real applies, in order.
        cut: Real applies that a proxy saw and did not let reach the sandbox: chatbot id and time.
        configs: Chatbot id → what is live.
        unsettled: What was still under way when patience ended.
        changes: What PostgreSQL noted of leases and applies, in order, where services share one.
    """

    plans: Mapping[str, Json]
    applies: Mapping[str, Json]
    audit: tuple[Json, ...]
    writes: tuple[Json, ...]
    configs: Mapping[str, Json]
    cut: tuple[tuple[str, float], ...] = ()
    unsettled: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()
