"""The API of the audit log."""

from typing import Annotated

from fastapi import APIRouter, Query

from reconciler.domain.access import Role
from reconciler.web.audit.schemas import AuditQuery, AuditResponse
from reconciler.web.auth.dependencies import TheEngine, Viewer
from reconciler.web.http.problems import Code
from reconciler.web.http.responses import API, NOT_MODIFIED, checked, listed, refusals
from reconciler.web.http.schemas import ListResponse

router = APIRouter(prefix=API, tags=["Audit"])


@router.get(
    "/audit",
    name="audit_list",
    summary="Decisions, newest first",
    responses=NOT_MODIFIED | refusals(Code.FORBIDDEN, Code.INVALID_CURSOR, Code.INVALID_REQUEST),
)
async def audit_list(
    engine: TheEngine, actor: Viewer, query: Annotated[AuditQuery, Query()]
) -> ListResponse[AuditResponse]:
    """The log concerns every source: a token limited to some of them is refused."""
    actor.require(Role.VIEWER)
    part = engine.store.queries.audit(query.filter(), limit=query.limit, cursor=query.cursor)
    return listed(await checked(part), AuditResponse.model_validate)
