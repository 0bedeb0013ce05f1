"""Request and response models of sources."""

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import Field

from reconciler.domain.comparisons import CheckCounts
from reconciler.domain.diagnostics import Severity
from reconciler.domain.entities import Run, SourceRecord, SourceState
from reconciler.domain.pass_forecast import PassForecast
from reconciler.domain.status import CheckedBy
from reconciler.domain.suspensions import Suspension
from reconciler.web.http.schemas import Moment, RequestModel, ResponseModel, Text, Word
from reconciler.web.runs.schemas import RunResponse
from reconciler.web.sources.conditions import source_conditions
from reconciler.web.suspensions.schemas import SuspensionResponse


class SourceConditionResponse(ResponseModel):
    """What is found in the documents of a source's last good revision, of one severity."""

    severity: Severity
    count: int
    message: str = Field(description="The first of them, with its place.")
    run_id: str = Field(description="The run whose `diagnostics` are all of them.")


class ChecksResponse(ResponseModel):
    """How the chatbots of a source were last compared with the live side."""

    by: Mapping[CheckedBy, int] = Field(
        description="Chatbots by why they were compared: `commit` (the document changed), `retry` (the comparison "
        "before failed), `moved` (`updatedAt` did, or says nothing), `rotation` (its turn within "
        "`full_sweep_interval`), `full` (all were), `apply` (one ended)."
    )
    oldest_at: Moment | None = Field(description="When the one was compared that waits longest; null while none was.")

    @classmethod
    def of_counts(cls, counts: CheckCounts) -> Self:
        """Make the answer from the counts; reasons for which none was compared count zero."""
        return cls(by={reason: counts.by.get(reason, 0) for reason in CheckedBy}, oldest_at=counts.oldest_at)


class SourceResponse(ResponseModel):
    """A source as it was last seen."""

    name: str
    tenant: str
    url: str = Field(description="Without credentials.")
    branch: str | None = Field(description="Null means the remote's HEAD.")
    state: SourceState
    cause: str | None
    message: str | None
    suspension: SuspensionResponse | None = Field(
        description="What stops the applies of all of it, also while it is Unknown; else null."
    )
    good_revision: str | None = Field(description="The last revision that was read and trusted.")
    seen_revision: str | None = Field(description="The last revision that the remote named.")
    last_run_id: str | None
    next_run_at: Moment | None
    git_checked_at: Moment | None
    drift_checked_at: Moment | None = Field(description="When changes at WizChat were last to be looked for.")
    compared_at: Moment | None = Field(description="When that last gave anything.")
    checks: ChecksResponse
    brake: str | None = Field(description="Why nothing of a revision is applied without a person; else null.")
    conditions: list[SourceConditionResponse] = Field(
        description="What stands wrong in its documents, errors first; empty while nothing is known to."
    )

    @classmethod
    def of_source(
        cls,
        source: SourceRecord,
        suspension: Suspension | None,
        run: Run | None,
        checks: CheckCounts | None,
        **fields: object,
    ) -> Self:
        """Make the answer from a source.

        Args:
            source: As people are shown it.
            suspension: What stops the applies of all of it.
            run: The one with the findings of its last good revision.
            checks: How its chatbots were last compared; None while none was.
            fields: What a larger answer has besides.
        """
        counts = ChecksResponse.of_counts(checks or CheckCounts())
        return cls.of(source, suspension=suspension, conditions=source_conditions(run), checks=counts, **fields)


class AcceptedResponse(SourceResponse):
    """A source whose revision was accepted."""

    orphaned: list[str] = Field(
        description="Chatbots whose document is gone at that revision; nothing is done to them."
    )


class AcceptRequest(RequestModel):
    """Trust a revision of a source that is not trusted by itself."""

    revision: Annotated[Word, Field(description="The whole commit id, as the remote names it now.")]
    reason: Text


class PassForecastResponse(ResponseModel):
    """What comparing every document takes, said beforehand."""

    calls: int
    seconds: float = Field(description="When nothing else calls meanwhile.")
    is_least: bool = Field(description="Whether it may as well take longer: while no call was answered, nobody knows.")
    share_of_day: float | None = Field(description="Its part of `daily_budget`; null where there is none.")
    left: int | None = Field(description="Calls that it may make yet today; null where that is not limited, or hidden.")
    text: str = Field(description="All of it in one line.")

    @classmethod
    def of_forecast(cls, forecast: PassForecast) -> Self:
        """Make the answer from a forecast."""
        return cls.of(forecast, text=f"full pass: {forecast.text}")


class RefreshResponse(RunResponse):
    """The run that was asked for, and what it takes."""

    full_pass: PassForecastResponse
