"""Ports of a tenant's WizChat: one to read and dry-run, one to write."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import IntEnum
from typing import Any, Protocol

from reconciler.domain.apply_answers import ApplyAnswer
from reconciler.domain.canonical import EncodedBody
from reconciler.domain.pass_forecast import CallRate, PassForecast, forecast_pass
from reconciler.domain.plan import Op


@dataclass(frozen=True, slots=True)
class LiveChatbot:
    """A line of WizChat's list."""

    id: str
    name: str | None
    updated_at: datetime | None


class Purpose(IntEnum):
    """What calls are made for, the most urgent first: of the calls that wait, the lowest number goes next.

    Attributes:
        APPLY: Sending a plan, and reading back what became of it: an apply that began has to end.
        RECHECK: The dry run of an approved plan right before it is sent.
        LIVE_VIEW: Showing somebody a live configuration; few at a time, for a person who waits.
        CHANGE: Comparing documents that changed in git, whether a webhook, the schedule or a person asked for it.
        PULL_REQUEST: Comparing the documents of a proposed change.
        DRIFT: Comparing chatbots that may have changed at WizChat.
        FULL_SWEEP: Comparing every chatbot, changed or not.
    """

    APPLY = 0
    RECHECK = 1
    LIVE_VIEW = 2
    CHANGE = 3
    PULL_REQUEST = 4
    DRIFT = 5
    FULL_SWEEP = 6

    @property
    def serves_an_apply(self) -> bool:
        """Whether an apply waits for the call: then it needs no free place, and may use what is kept for applies."""
        return self <= Purpose.RECHECK

    @property
    def compares_a_source(self) -> bool:
        """Whether the call compares documents of a source, which the spender's name then tells."""
        return self >= Purpose.CHANGE


@dataclass(frozen=True, slots=True)
class Spender:
    """Who uses up a tenant's calls.

    Attributes:
        name: The source that is compared, or the person who looks; empty where it is nobody in particular.
    """

    purpose: Purpose
    name: str = ""


COMPARING = Spender(Purpose.CHANGE)
APPLYING = Spender(Purpose.APPLY)
RECHECKING = Spender(Purpose.RECHECK)


@dataclass(frozen=True, slots=True)
class Budget:
    """How much of a tenant's call budget is left.

    Attributes:
        requests_per_minute: What the tenant may use.
        daily_budget: Calls a day, or None when not limited here.
        used_today: Calls made since midnight UTC, or since the start if that was later.
        blocked_until: When WizChat will listen again, while it does not.
        by_source: Source → how many of those calls compared its chatbots.
        is_whole: Whether `used_today` counts every call of the tenant.
        slowed_to: Calls a minute that WizChat was found to take; None while `requests_per_minute` is the limit.
        refused: How many calls WizChat refused because of the pace, since the start.
        concurrency: How many calls may be under way at once.
        latency_s: How long a call took lately; None while none was answered.
        left_for_a_pass: Calls that a full sweep may make yet today, or None when that is not limited or not to be told.
    """

    requests_per_minute: int
    daily_budget: int | None
    used_today: int
    blocked_until: datetime | None
    by_source: Mapping[str, int] = field(default_factory=dict)
    is_whole: bool = True
    slowed_to: int | None = None
    refused: int = 0
    concurrency: int = 1
    latency_s: float | None = None
    left_for_a_pass: int | None = None

    def forecast(self, calls: int) -> PassForecast:
        """How long so many calls take, and what they cost."""
        per_minute = self.requests_per_minute if self.slowed_to is None else self.slowed_to
        rate = CallRate(per_minute, self.concurrency, self.latency_s, self.daily_budget, self.left_for_a_pass)
        return forecast_pass(calls, rate)

    def of_sources(self, sources: Collection[str]) -> "Budget":
        """The same for somebody who sees these sources alone: what others use is no business of theirs."""
        used = sum(count for source, count in self.by_source.items() if source in sources)
        return replace(self, used_today=used, is_whole=False, left_for_a_pass=None)


@dataclass(frozen=True, slots=True)
class DryRunAnswer:
    """What a dry run was answered, not gone through yet.

    Attributes:
        content: As it came: equal bytes mean equal ops.
        ops: Goes through it, as `Target.dry_run` does.
    """

    content: bytes
    ops: Callable[[], tuple[Op, ...]] = field(repr=False, compare=False)


class Target(Protocol):
    """One tenant's side of WizChat, through its read key. Every call goes through the tenant's budget.

    Each method raises a `TargetError` that says what to change.
    """

    def budget(self) -> Budget:
        """What is left."""

    def spending(self, spender: Spender) -> "Target":
        """The same, with its calls counted as made for somebody."""

    async def chatbots(self) -> Sequence[LiveChatbot]:
        """Every chatbot that the key may see."""

    async def dry_run(self, chatbot_id: str, body: Mapping[str, Any]) -> tuple[Op, ...]:
        """Every op that an apply of the body would do now, noops included, in the API's order.

        Values hold only contract fields that are not server-owned.
        """

    async def dry_run_answer(self, chatbot_id: str, body: EncodedBody) -> DryRunAnswer:
        """As `dry_run`, for whoever may know the answer already: going through it costs more than all the rest.

        Args:
            chatbot_id: The chatbot.
            body: What is asked about, as an apply would send it.
        """

    async def export(self, chatbot_id: str) -> Mapping[str, Any]:
        """The live configuration as a document body without server-owned fields."""


class Writer(Protocol):
    """One tenant's side of WizChat, through its write key. Only the apply path ever holds one."""

    @property
    def key_id(self) -> str:
        """What tells the key from another one, and gives nothing of it away."""

    async def check_key(self) -> None:
        """Ask, with the write key, for what every key may read. Nothing is written.

        Raises:
            TargetUnauthorized: WizChat refuses the key.
            ScopeMissing: It takes the key, which may not read; that says nothing about writing.
            TargetError: Nothing is learned.
        """

    async def apply(self, chatbot_id: str, body: bytes) -> ApplyAnswer:
        """Send these bytes once, on a connection of their own, within the deadline; never raises `TargetError`."""
