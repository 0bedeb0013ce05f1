"""Response models of `GET /status`."""

from collections.abc import Mapping
from typing import Self

from pydantic import Field

from reconciler.domain.entities import Run
from reconciler.domain.lifecycle import OPEN, PlanStatus
from reconciler.domain.listing import FleetCounts
from reconciler.domain.status import Direction, Reason, Sync
from reconciler.domain.tenant import TenantRecord, TenantState
from reconciler.domain.write_key import WriteKey, WriteKeyState, write_key_sentence
from reconciler.web.fleet.fleet_status import FleetStatus
from reconciler.web.http.schemas import Moment, ResponseModel
from reconciler.web.runs.schemas import RunResponse
from reconciler.web.sources.schemas import PassForecastResponse, SourceResponse
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
    slowed_to: int | None = Field(
        description="The calls a minute that WizChat was found to take by its refusals (429); null while "
        "`requests_per_minute` is the limit."
    )
    full_pass: PassForecastResponse = Field(
        description="What comparing every document of the tenant's sources would take, of those that may be seen."
    )


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

    @classmethod
    def of_key(cls, tenant: str, key: WriteKey) -> Self:
        """Make the answer from what is known of a tenant's write key."""
        missing = [MissingRightResponse.of(right, message=right.sentence(tenant)) for right in key.missing]
        return cls.of(key, message=write_key_sentence(tenant, key), missing=missing)


class TenantResponse(ResponseModel):
    """Whether a tenant's WizChat can be used, as its calls were last answered."""

    name: str
    state: TenantState | None = Field(description="Null while nothing was asked yet.")
    cause: str | None = Field(description="What is wrong and what to do; null while Ready.")
    since: Moment | None = Field(description="Since when it is in this state.")
    write_key: WriteKeyResponse | None = Field(description="Null for a tenant without one, which is read-only.")
    shortcut_off_since: Moment | None = Field(
        description="Since when every chatbot is compared at each pass, as `updatedAt` cannot be trusted; else null."
    )
    shortcut_off_reason: str | None = Field(description="What showed that; null while it can.")

    @classmethod
    def of_tenant(cls, tenant: TenantRecord) -> Self:
        """Make the answer from a tenant as it was last seen."""
        key = tenant.write_key
        return cls.of(tenant, write_key=WriteKeyResponse.of_key(tenant.name, key) if key else None)


class ChatbotCountsResponse(ResponseModel):
    """Chatbots, counted."""

    total: int
    unmanaged: int = Field(description="Live, but no document claims them.")
    orphaned: int = Field(description="Their document was removed.")
    sync: Mapping[Sync, int]
    direction: Mapping[Direction, int]
    reason: Mapping[Reason, int] = Field(description="Suspended ones count at their reason, and at `Suspended`.")

    @classmethod
    def of_counts(cls, counts: FleetCounts) -> Self:
        """Make the answer from the counts; words of which there is none count zero."""
        return cls(
            total=sum(counts.sync.values()),
            unmanaged=counts.reason.get(Reason.UNMANAGED, 0),
            orphaned=counts.reason.get(Reason.ORPHANED, 0),
            sync={sync: counts.sync.get(sync, 0) for sync in Sync},
            direction={direction: counts.direction.get(direction, 0) for direction in Direction},
            reason={reason: counts.reason[reason] for reason in Reason if counts.reason.get(reason)},
        )


class OpenPlansResponse(ResponseModel):
    """Open plans, counted."""

    total: int
    status: Mapping[PlanStatus, int]

    @classmethod
    def of_counts(cls, counts: FleetCounts) -> Self:
        """Make the answer from the counts."""
        numbers = {status: counts.open_plans.get(status, 0) for status in sorted(OPEN)}
        return cls(total=sum(numbers.values()), status=numbers)


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

    @classmethod
    def of_fleet(cls, fleet: FleetStatus, runs: Mapping[str, Run], version: str) -> Self:
        """Make the answer.

        Args:
            fleet: The fleet as whoever asks may see it.
            runs: Source → the run with the findings of its last good revision.
            version: The program's.
        """
        return cls(
            version=version,
            chatbots=ChatbotCountsResponse.of_counts(fleet.counts),
            open_plans=OpenPlansResponse.of_counts(fleet.counts),
            sources=[
                SourceResponse.of_source(
                    source,
                    fleet.suspended_sources.get(source.name),
                    runs.get(source.name),
                    fleet.checks.get(source.name),
                )
                for source in fleet.sources
            ],
            last_runs=[RunResponse.model_validate(run) for _, run in sorted(fleet.runs.items())],
            budgets=[
                BudgetResponse.of(
                    budget,
                    tenant=tenant,
                    whole=budget.is_whole,
                    full_pass=PassForecastResponse.of_forecast(fleet.full_passes[tenant]),
                )
                for tenant, budget in fleet.budgets.items()
            ],
            tenants=[TenantResponse.of_tenant(tenant) for tenant in fleet.tenants],
            suspensions=SuspensionCountsResponse.of_suspensions(fleet.suspensions),
            warnings=list(fleet.warnings),
        )
