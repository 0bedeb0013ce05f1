"""A tenant's side of WizChat: what only looks, and what writes."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from reconciler.domain.apply_answers import ApplyAnswer
from reconciler.domain.plan import Op


@dataclass(frozen=True, slots=True)
class LiveChatbot:
    """A line of WizChat's list."""

    id: str
    name: str | None
    updated_at: datetime | None


class Purpose(StrEnum):
    """What calls are made for.

    Attributes:
        COMPARE: Comparing a source's documents with the live side.
        APPLY: Applying a plan: its re-check, the request, the proof, and the look that follows.
        LIVE_VIEW: Showing somebody a live configuration.
    """

    COMPARE = "compare"
    APPLY = "apply"
    LIVE_VIEW = "live_view"


@dataclass(frozen=True, slots=True)
class Spender:
    """Who uses up a tenant's calls.

    Attributes:
        name: The source that is compared, or the person who looks; empty where it is nobody in particular.
    """

    purpose: Purpose
    name: str = ""


COMPARING = Spender(Purpose.COMPARE)
APPLYING = Spender(Purpose.APPLY)


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
    """

    requests_per_minute: int
    daily_budget: int | None
    used_today: int
    blocked_until: datetime | None
    by_source: Mapping[str, int] = field(default_factory=dict)
    is_whole: bool = True

    def of_sources(self, sources: Collection[str]) -> "Budget":
        """The same for somebody who sees these sources alone: what others use is no business of theirs."""
        used = sum(count for source, count in self.by_source.items() if source in sources)
        return replace(self, used_today=used, is_whole=False)


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
