"""The shapes of what is asked: strict, and unknown names are refused rather than ignored."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import Path
from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from reconciler.domain.lifecycle import PlanStatus
from reconciler.domain.records import Role, ScopeKind
from reconciler.domain.status import Direction, Reason, Sync
from reconciler.ports import ChatbotFilter, ChatbotOrder, PlanFilter

MOST = 200
USUAL = 50
_RFC3339 = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}")


def _storable(text: str) -> str:
    if "\0" in text:
        raise ValueError("must not hold a NUL character")
    return text


def _moment(value: Any) -> Any:
    """JSON has no dates: strict would refuse every text, and lax would take numbers for seconds."""
    if value is None or (isinstance(value, str) and _RFC3339.match(value)):
        return value
    raise ValueError("must be a text such as 2026-12-31T18:00:00Z")


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("must lie between the years 1 and 9999, in UTC") from None


_LONGEST_WORD = 200
_LONGEST_CURSOR = 4000
"""More than the longest keys take, whatever they are written in; a whole request head may be longer."""
Word = Annotated[str, StringConstraints(min_length=1, max_length=_LONGEST_WORD), AfterValidator(_storable)]
Subject = Annotated[str, StringConstraints(min_length=1, max_length=_LONGEST_WORD + 20), AfterValidator(_storable)]
"""A kind and the name of what it is: `chatbot/ID`."""
LabelWord = Annotated[str, StringConstraints(min_length=1, max_length=2 * _LONGEST_WORD + 1), AfterValidator(_storable)]
"""A label's name, or its name and value: `name=value`."""
Cursor = Annotated[str, Field(max_length=_LONGEST_CURSOR)]
Text = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000), AfterValidator(_storable)
]
Fingerprint = Annotated[Word, Field(description="What the person saw; another one is refused by 409.")]
Until = Annotated[AwareDatetime, Field(strict=False), BeforeValidator(_moment), AfterValidator(_in_utc)]
Name = Annotated[str, Path(min_length=1, max_length=200, pattern=r"^[^\x00/]+$")]


class Ask(BaseModel):
    """The base of all bodies."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class OverridesAsk(Ask):
    """What an approval lets pass that the policy would not."""

    deletes: Literal[True]
    reason: Text


class ApproveAsk(Ask):
    """A yes to the plan with this fingerprint."""

    fingerprint: Fingerprint
    comment: Text | None = None
    overrides: OverridesAsk | None = None
    apply: bool = Field(default=False, description="Start the apply with the approval that completes the plan.")


class RejectAsk(Ask):
    """A no to the plan with this fingerprint."""

    fingerprint: Fingerprint
    comment: Text | None = None


class WithdrawAsk(Ask):
    """Take back the rejection of the plan with this fingerprint."""

    fingerprint: Fingerprint
    comment: Text | None = None


class ApplyAsk(Ask):
    """Execute the approved plan with this fingerprint."""

    fingerprint: Fingerprint


class ItemAsk(Ask):
    """One plan of many."""

    plan_id: Word
    fingerprint: Fingerprint


class DecideAsk(Ask):
    """One decision about many plans; each is decided by itself."""

    decision: Literal["approve", "reject"]
    items: Annotated[list[ItemAsk], Field(min_length=1, max_length=MOST)]
    comment: Text | None = None
    apply: bool = False


class AcceptAsk(Ask):
    """Trust a revision of a source that is not trusted by itself."""

    revision: Annotated[Word, Field(description="The whole commit id, as the remote names it now.")]
    reason: Text


def scope_of(text: str) -> tuple[ScopeKind, str]:
    """What a scope names: its kind and its subject, which is empty for all.

    Raises:
        ValueError: When it is none.
    """
    kind, _, subject = text.partition("/")
    if text == ScopeKind.ALL:
        return ScopeKind.ALL, ""
    if subject and kind in set(ScopeKind) - {ScopeKind.ALL}:
        return ScopeKind(kind), subject
    raise ValueError("must be chatbot/ID, source/NAME, tenant/NAME or all")


def _scope(text: str) -> str:
    scope_of(text)
    return text


Scope = Annotated[
    Subject, AfterValidator(_scope), Field(description="`chatbot/ID`, `source/NAME`, `tenant/NAME` or `all`.")
]


class SuspendAsk(Ask):
    """Stop the applies of a scope."""

    scope: Scope
    reason: Text
    until: Until | None = Field(default=None, description="When it ends by itself; null means never.")


class ResumeAsk(Ask):
    """Let the applies of a scope go on."""

    scope: Scope


class TokenAsk(Ask):
    """A new token."""

    name: Annotated[Word, Field(description="A name that no standing token has.")]
    role: Annotated[Role, Field(strict=False)]
    person: Word | None = Field(default=None, description="Who holds it; null means that it is its own person.")
    expires_at: Until | None = Field(default=None, description="When it ends; null means when it is revoked.")
    sources: Annotated[list[Word], Field(min_length=1, max_length=MOST)] | None = Field(
        default=None, description="The sources that it is good for; null means all."
    )


class ForgetAsk(Ask):
    """Forget what is gone for good."""

    reason: Text


class BarAsk(Ask):
    """Keep a person out, or let them in again."""

    reason: Text


class Query(BaseModel):
    """The base of all query strings."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PageQuery(Query):
    """Which part of a list."""

    limit: int = Field(default=USUAL, ge=1, le=MOST, description="Items, at most.")
    cursor: Cursor | None = Field(default=None, description="`next_cursor` of the part before.")


class RunQuery(PageQuery):
    """Which runs."""

    source: Word | None = None


class AuditQuery(PageQuery):
    """Which decisions."""

    subject: Subject | None = Field(default=None, description="Such as `plan/ID`.")
    actor: Word | None = Field(default=None, description="Who decided.")
    action: Word | None = Field(default=None, description="What its action begins with: `plan.`, or `plan.approve`.")
    after: int | None = Field(default=None, ge=0, le=2**31 - 1, description="Only what came after this `seq`.")


class TenantQuery(Query):
    """Which of the chatbots that share an id."""

    tenant: Word | None = None


class HistoryQuery(PageQuery):
    """Which part of a chatbot's past."""

    tenant: Word | None = None


class ChatbotQuery(PageQuery):
    """Which chatbots; everything given must hold."""

    sync: Sync | None = None
    direction: Direction | None = None
    reason: Reason | None = None
    label: LabelWord | None = Field(default=None, description="`name=value`, or a name alone.")
    source: Word | None = None
    tenant: Word | None = None
    q: Word | None = Field(default=None, description="A part of the id, the name or the path, in any case.")
    order: ChatbotOrder = Field(
        default=ChatbotOrder.ID,
        description="By tenant and `id`, by `name`, by `state` (what asks for attention first), or by `drifted` "
        "(what is OutOfSync for longest first). A cursor holds for its order only.",
    )
    descending: bool = Field(default=False, description="The other way round; what is not OutOfSync stays last.")

    def filter(self, visible: tuple[str, ...] | None) -> ChatbotFilter:
        """As the store takes it."""
        return ChatbotFilter(
            sync=self.sync,
            direction=self.direction,
            reason=self.reason,
            label=self.label,
            source=self.source,
            tenant=self.tenant,
            q=self.q,
            visible=visible,
        )


class PlanQuery(PageQuery):
    """Which plans; everything given must hold."""

    status: list[PlanStatus] = Field(default=[], description="May be given several times: any of them.")
    chatbot: Word | None = None
    source: Word | None = None
    tenant: Word | None = None
    change: Word | None = Field(default=None, description="The `change` of a plan: those that do the same.")

    def filter(self, visible: tuple[str, ...] | None) -> PlanFilter:
        """As the store takes it."""
        return PlanFilter(
            status=frozenset(self.status) or None,
            tenant=self.tenant,
            chatbot=self.chatbot,
            source=self.source,
            change=self.change,
            visible=visible,
        )
