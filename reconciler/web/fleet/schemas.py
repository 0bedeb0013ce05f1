"""What `GET /status` gives."""

from collections.abc import Mapping

from pydantic import Field

from reconciler.domain.lifecycle import PlanStatus
from reconciler.domain.status import Direction, Reason, Sync
from reconciler.domain.tenant import TenantState
from reconciler.domain.write_key import WriteKeyState
from reconciler.web.http.schemas import Moment, ResponseModel
from reconciler.web.runs.schemas import RunResponse
from reconciler.web.sources.schemas import SourceResponse
from reconciler.web.suspensions.schemas import SuspensionCountsResponse


class BudgetResponse(ResponseModel):
    """What is left of a tenant's call budget."""

    tenant: str
    requests_per_minute: int
    daily_budget: int | None
    used_today: int
    whole: bool = Field(
        description="Whether `used_today` counts every call of the tenant; for somebody who may not see all of its "
        "sources it counts the comparisons of those that they may."
    )
    blocked_until: Moment | None


class MissingRightResponse(ResponseModel):
    """Something that applies were refused for, as the write key may not do it."""

    scope: str | None = Field(description="Null where WizChat named none, or refused the chatbot.")
    sections: list[str] = Field(description="What may not be written without it.")
    chatbot_id: str | None = Field(description="The chatbot that the key may not use; null for a scope.")
    since: Moment
    message: str = Field(description="What is missing and what to do.")


class WriteKeyResponse(ResponseModel):
    """A write key, as reads and applies with it were last answered."""

    state: WriteKeyState | None = Field(
        description="Null while nothing was asked yet. Whether an Accepted one may write is known only at the first "
        "apply."
    )
    since: Moment | None = Field(description="Since when it is in this state.")
    message: str = Field(description="What is known and what to do.")
    missing: list[MissingRightResponse] = Field(
        description="Until an apply shows otherwise, or the key is another one."
    )


class TenantResponse(ResponseModel):
    """Whether a tenant's WizChat can be used, as its calls were last answered."""

    name: str
    state: TenantState | None = Field(description="Null while nothing was asked yet.")
    cause: str | None = Field(description="What is wrong and what to do; null while Ready.")
    since: Moment | None = Field(description="Since when it is in this state.")
    write_key: WriteKeyResponse | None = Field(description="Null for a tenant without one, which is read-only.")


class ChatbotCountsResponse(ResponseModel):
    """Chatbots, counted."""

    total: int
    unmanaged: int = Field(description="Live, but no document claims them.")
    orphaned: int = Field(description="Their document was removed.")
    sync: Mapping[Sync, int]
    direction: Mapping[Direction, int]
    reason: Mapping[Reason, int] = Field(description="Suspended ones count at their reason, and at `Suspended`.")


class OpenPlansResponse(ResponseModel):
    """Open plans, counted."""

    total: int
    status: Mapping[PlanStatus, int]


class StatusResponse(ResponseModel):
    """The fleet at a glance."""

    version: str
    chatbots: ChatbotCountsResponse
    open_plans: OpenPlansResponse
    sources: list[SourceResponse]
    last_runs: list[RunResponse] = Field(description="Of each source its last one.")
    budgets: list[BudgetResponse]
    tenants: list[TenantResponse]
    suspensions: SuspensionCountsResponse
    warnings: list[str] = Field(description="Which sources of a tenant may claim each other's chatbots.")
