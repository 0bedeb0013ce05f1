"""Request and response models of runs."""

from collections.abc import Collection

from pydantic import Field

from reconciler.domain.diagnostics import Severity
from reconciler.domain.entities import RunStatus, Trigger
from reconciler.domain.status import Reason
from reconciler.engine.context import Actor
from reconciler.web.http.schemas import Moment, PageQuery, Query, ResponseModel, Word


class CountsResponse(ResponseModel):
    """What a run did."""

    documents: int
    parsed: int
    dry_runs: int
    skipped: int
    plans: int
    errors: int
    uncompared: int = Field(description="Chatbots that could not be compared with the live side.")


class DiagnosticResponse(ResponseModel):
    """A finding in a document."""

    severity: Severity
    path: str | None
    line: int | None
    column: int | None
    pointer: str | None
    message: str
    suggestion: str | None


class UncomparedResponse(ResponseModel):
    """A chatbot that a run could not compare."""

    chatbot_id: str
    path: str = Field(description="Of its document.")
    reason: Reason
    message: str


class RunResponse(ResponseModel):
    """One pass over a source."""

    id: str
    source: str
    trigger: Trigger
    full: bool = Field(description="Whether it compares every document.")
    drift: bool = Field(description="Whether it looks for what changed at WizChat.")
    revision: str | None = Field(description="The revision that stood at its end; of a failed run the last good one.")
    seen_revision: str | None = Field(description="The revision that git named in it; null while none was read.")
    status: RunStatus
    message: str | None
    created_at: Moment
    started_at: Moment | None
    finished_at: Moment | None
    counts: CountsResponse
    diagnostics: list[DiagnosticResponse]
    uncompared: list[UncomparedResponse] = Field(
        description="What it could not compare, by id: the first 100; `counts.uncompared` counts all."
    )


class RunFilterQuery(Query):
    """Which runs, by the API and on the page of runs."""

    source: Word | None = None

    def sources(self, actor: Actor) -> Collection[str] | None:
        """The sources whose runs are listed: the one that is named, or all that may be seen; None means all."""
        if self.source is None:
            return actor.sources
        return (self.source,) if actor.sees(self.source) else ()


class RunQuery(RunFilterQuery, PageQuery):
    """A part of the list of runs."""
