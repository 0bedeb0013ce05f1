"""The page of the audit log."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import RedirectResponse, Response

from reconciler.domain.access import Role
from reconciler.domain.events import ChangeKind
from reconciler.web.audit.page_view import AuditPageQuery, audit_page
from reconciler.web.auth.dependencies import TheEngine, ViewerPage
from reconciler.web.ui import templates
from reconciler.web.ui.layout import layout_for

_SHOWN = 50

router = APIRouter(include_in_schema=False)


@router.get("/audit", name="page_audit_list")
async def audit(actor: ViewerPage, engine: TheEngine, query: Annotated[AuditPageQuery, Query()]) -> Response:
    """Decisions, newest first. The log concerns every source."""
    actor.require(Role.VIEWER)
    try:
        part = await engine.store.queries.audit(query.filter(), limit=_SHOWN, cursor=query.cursor)
    except ValueError:
        return RedirectResponse("/audit", 303)
    frame = await layout_for(engine, actor, "audit", tuple(ChangeKind))
    return templates.page("audit/audit.html", audit_page(frame, part, query))
