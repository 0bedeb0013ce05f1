"""Request and response models of suspensions."""

from collections.abc import Sequence
from typing import Annotated, Self

from pydantic import AfterValidator, Field

from reconciler.domain.suspensions import ScopeKind, Suspension
from reconciler.web.http.schemas import Moment, RequestModel, ResponseModel, Subject, Text, Until


class SuspensionResponse(ResponseModel):
    """Applies stopped by a person."""

    id: str
    scope: str
    reason: str
    actor: str
    created_at: Moment
    until: Moment | None
    ended_at: Moment | None
    ended_by: str | None
    reminded_at: Moment | None = Field(description="When people were last reminded that it still stands.")


class SuspensionCountsResponse(ResponseModel):
    """What is suspended now."""

    total: int
    oldest: SuspensionResponse | None = Field(description="Null when nothing is suspended.")

    @classmethod
    def of_suspensions(cls, suspensions: Sequence[Suspension]) -> Self:
        """Make the answer from the active suspensions."""
        oldest = min(suspensions, key=lambda suspension: suspension.created_at, default=None)
        return cls(total=len(suspensions), oldest=SuspensionResponse.model_validate(oldest) if oldest else None)


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


class SuspendRequest(RequestModel):
    """Stop the applies of a scope."""

    scope: Scope
    reason: Text
    until: Until | None = Field(default=None, description="When it ends by itself; null means never.")


class ResumeRequest(RequestModel):
    """Let the applies of a scope go on."""

    scope: Scope
