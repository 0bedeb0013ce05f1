"""Request and response models of the audit log."""

from pydantic import Field

from reconciler.domain.listing import AuditFilter
from reconciler.web.http.schemas import Moment, Object, PageQuery, Query, ResponseModel, Subject, Word


class AuditResponse(ResponseModel):
    """One decision."""

    seq: int
    at: Moment
    actor: str
    action: str
    subject: str
    fingerprint: str | None
    detail: Object
    prev_hash: str
    hash: str


class AuditFilterQuery(Query):
    """Which decisions, by the API and on the page of the log; everything given must hold."""

    subject: Subject | None = Field(default=None, description="Such as `plan/ID`.")
    actor: Word | None = Field(default=None, description="Who decided.")
    action: Word | None = Field(default=None, description="What its action begins with: `plan.`, or `plan.approve`.")
    after: int | None = Field(default=None, ge=0, le=2**31 - 1, description="Only what came after this `seq`.")

    def filter(self) -> AuditFilter:
        """As the store takes it."""
        return self.as_filter(AuditFilter)


class AuditQuery(AuditFilterQuery, PageQuery):
    """A part of the log."""
